"""What an image token should know about its own square of the picture, from the generator's facts.

Two linear heads learn these during training and are dropped on export. Without them the words alone teach shape and
count far too slowly.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

CELLS, TOKENS, CELL = 16, 256, 56
COLOURS = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'black', 'pink']
SHAPES = ['circle', 'square', 'triangle', 'star']
STRIDE, DIRECTIONS = 4, 12
# Coverage, centre, anchor (topmost corner), any corner, and the length of outline that faces each direction.
WEIGHTS = [1, 4, 4, 2] + [0.6] * DIRECTIONS
RARITY = [1, 4, 4, 4] + [2] * DIRECTIONS
OUTPUTS = len(WEIGHTS) + len(COLOURS) + len(SHAPES)


def outline(shape, item):
    """Points every few pixels along an object's outline with their outward normals, its corners, its topmost corner."""
    x, y, radius, angle = item['x'], item['y'], item['radius'], item['angle']
    if shape == 'circle':
        turns = np.arange(0, 2 * math.pi, STRIDE / radius)
        normals = np.stack([np.cos(turns), np.sin(turns)], -1)
        return np.array([x, y]) + radius * normals, normals, np.zeros((0, 2)), np.array([x, y - radius])
    steps = dict(square=4, triangle=3, star=10)[shape]
    turns = angle - math.pi / (4 if shape == 'square' else 2) + 2 * math.pi * np.arange(steps) / steps
    reach = np.where(np.arange(steps) % 2 == 1, 0.42 if shape == 'star' else 1, 1) * radius
    corners = np.array([x, y]) + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], -1)
    points, normals = [], []
    for one, two in zip(corners, np.roll(corners, -1, 0)):
        along = two - one
        length = np.linalg.norm(along)
        share = np.arange(0, length, STRIDE)[:, None] / length
        points.append(one + share * along)
        normals.append(np.repeat([[along[1] / length, -along[0] / length]], len(share), 0))
    return np.concatenate(points), np.concatenate(normals), corners[:: 2 if shape == 'star' else 1], corners[0]


def spread(grid, point):
    """Shares a point among the four nearest cells, so that the shares of a picture sum to its number of objects."""
    u, v = (np.clip(p / CELL - 0.5, 0, CELLS - 1) for p in point)
    column, row = min(int(u), CELLS - 2), min(int(v), CELLS - 2)
    for dy, wy in ((0, 1 - (v - row)), (1, v - row)):
        for dx, wx in ((0, 1 - (u - column)), (1, u - column)):
            grid[(row + dy) * CELLS + column + dx] += wx * wy


def cell_targets(facts, coverage):
    """Shares in 0..1 `[256, len(WEIGHTS)]`, and per token the colour and the shape, -100 where nothing is drawn."""
    centre, anchor, corner = (np.zeros(TOKENS, np.float32) for _ in range(3))
    edges = np.zeros((TOKENS, DIRECTIONS), np.float32)
    for item in facts['objects']:
        points, normals, corners, top = outline(facts['shape'], item)
        cells = lambda p: (p[:, 1] // CELL).astype(int) * CELLS + (p[:, 0] // CELL).astype(int)
        direction = (np.arctan2(normals[:, 1], normals[:, 0]) / (2 * math.pi) % 1 * DIRECTIONS).astype(int) % DIRECTIONS
        np.add.at(edges, (cells(points), direction), STRIDE / CELL)
        corner[cells(corners)] = 1
        spread(centre, (item['x'], item['y']))
        spread(anchor, top)
    dense = np.concatenate([np.stack([coverage, centre, anchor, corner], -1), edges], -1).clip(0, 1)
    covered = coverage > 0.15
    colour = np.where(covered, COLOURS.index(facts['colour']), -100)
    shape = np.where(covered, SHAPES.index(facts['shape']), -100)
    return dense.astype(np.float32), colour, shape


def cell_loss(output, targets):
    dense, colour, shape = targets
    d, c = len(WEIGHTS), len(COLOURS)
    said, hue, form = output[..., :d], output[..., d : d + c], output[..., d + c :]
    rarity = torch.tensor(RARITY, dtype=torch.float32)
    loss = F.binary_cross_entropy_with_logits(said, dense, pos_weight=rarity, reduction='none').mean((0, 1))
    loss = (loss * torch.tensor(WEIGHTS)).sum()
    if (colour >= 0).any():
        loss = (
            loss
            + 0.5 * F.cross_entropy(hue.flatten(0, 1), colour.flatten())
            + F.cross_entropy(form.flatten(0, 1), shape.flatten())
        )
    with torch.no_grad():
        right = lambda part, target: (part.argmax(-1) == target)[target >= 0].float().mean().item()
        # Undo the weight of the rare cells; the sum over a picture should then be its number of objects.
        odds = said[..., 1:3].exp() / RARITY[1]
        found = (odds / (1 + odds)).sum(1).round() == dense[..., 1:3].sum(1).round()
        report = [right(hue, colour), right(form, shape), *found.float().mean(0).tolist()]
    return loss, report
