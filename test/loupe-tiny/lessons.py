"""Turns the generator's stream into batches of token rows, patches and targets."""

import json
import os
import queue
import random
import struct
import subprocess
import threading

import numpy as np
import torch
from tokenizers import Tokenizer

from model import CELLS, PATCH, SIDE, TOKENS
from targets import cell_targets


class Words:
    """Turns conversations into token rows, exactly as the chat template and the processor would."""

    def __init__(self, folder):
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, 'tokenizer.json'))
        self.image_id = self.tokenizer.token_to_id('<image_soft_token>')
        self.picture = '\n\n<start_of_image>' + '<image_soft_token>' * TOKENS + '<end_of_image>\n\n'
        self.picture_first = self.encode('<start_of_image>' + '<image_soft_token>' * TOKENS + '<end_of_image>\n\n')

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def row(self, conversation):
        """A prefix and its branches, flattened: ids, labels, types, positions, branch numbers (0 is the prefix)."""
        row = dict(ids=[], labels=[], types=[], positions=[], branch=[])
        system = conversation['system'] + '\n\n' if conversation['system'] else ''
        kind, opening = conversation['kind'], conversation['opening']
        head = '<bos><start_of_turn>user\n' + system
        if kind == 'picture-first':
            self.add(row, 0, 0, self.encode(head + self.picture))
        elif kind == 'text-first':
            self.add(
                row,
                0,
                0,
                self.encode(head + opening['question'] + self.picture + '<end_of_turn>\n<start_of_turn>model\n'),
            )
            self.add_answer(row, 0, opening, kind)
        else:
            self.add(row, 0, 0, self.encode(head))
        start = row['positions'][-1] + 1
        for number, turns in enumerate(conversation['branches'], 1):
            position = start
            for index, turn in enumerate(turns):
                begins = index == 0 and kind != 'text-first'
                question = (
                    ('' if begins else '<start_of_turn>user\n')
                    + turn['question']
                    + '<end_of_turn>\n<start_of_turn>model\n'
                )
                position = self.add(row, number, position, self.encode(question))
                position = self.add_answer(row, number, turn, kind if begins else 'follow-up', position)
        return row

    def add(self, row, branch, position, ids, labels=None, kind=None):
        row['ids'] += ids
        row['labels'] += labels or [-100] * len(ids)
        row['types'] += [kind] * len(ids)
        row['positions'] += range(position, position + len(ids))
        row['branch'] += [branch] * len(ids)
        return position + len(ids)

    def add_answer(self, row, branch, turn, group, position=None):
        if position is None:
            position = row['positions'][-1] + 1
        ids = self.encode(turn['answer'] + '<end_of_turn>')
        position = self.add(row, branch, position, ids, ids, (turn['type'], group, object()))
        return self.add(row, branch, position, self.encode('\n'))


def read_frames(first_seed, count, max_objects, node):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'stream.ts')
    command = [node, '--disable-warning=ExperimentalWarning', script, str(first_seed), str(count), str(max_objects)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=1 << 22)
    for _ in range(count):
        (size,) = struct.unpack('<I', child.stdout.read(4))
        header = json.loads(child.stdout.read(size))
        pixels = np.frombuffer(child.stdout.read(SIDE * SIDE * 3), np.uint8).reshape(SIDE, SIDE, 3)
        coverage = np.frombuffer(child.stdout.read(TOKENS * 4), np.float32)
        yield header, pixels, coverage
    child.stdout.close()
    child.wait()


def choose_cells(coverages, share):
    """The cells to train on, sorted: all that show an object as far as they fit, then background at random."""
    count = TOKENS if share == 1 else int(TOKENS * share)
    weight = np.stack([(c > 0) + np.random.rand(TOKENS) for c in coverages])
    return np.sort(np.argsort(-weight, 1)[:, :count], 1)


def without(row, words, cells):
    """A row that holds only some of its image tokens; the positions stay as they were."""
    ids = np.array(row['ids'])
    image = np.flatnonzero(ids == words.image_id)
    if len(image) == 0:
        return row
    kept = np.ones(len(ids), bool)
    kept[np.delete(image, cells)] = False
    return {key: [v for v, k in zip(values, kept) if k] for key, values in row.items()}


def by_cell(pixels, cells):
    grid = pixels.reshape(CELLS, 4, PATCH, CELLS, 4, PATCH, 3).transpose(0, 3, 1, 4, 6, 2, 5)
    return grid[cells // CELLS, cells % CELLS].reshape(len(cells), 16, -1)


def collate(frames, words, perceive=False, text_first=1.0, share=1.0):
    if perceive:
        bare = dict(kind='picture-first', system=None, opening=None, branches=[])
        rows = [(index, words.row(bare)) for index in range(len(frames))]
    else:
        # Rows whose text comes first cost a whole picture for one answer and its follow-ups.
        keeps = lambda header, c: c['kind'] != 'text-first' or header['seed'] * 0.6180339887 % 1 < text_first
        rows = [(i, words.row(c)) for i, (h, _, _) in enumerate(frames) for c in h['conversations'] if keeps(h, c)]
    cells = choose_cells([c for _, _, c in frames], share)
    rows = [(i, without(row, words, cells[i])) for i, row in rows]
    rows.sort(key=lambda r: words.image_id not in r[1]['ids'])  # rows without a picture last
    length = -(-max(len(r['ids']) for _, r in rows) // 32) * 32
    padded = lambda key, fill: torch.tensor([r[key] + [fill] * (length - len(r[key])) for _, r in rows])
    ids, labels, positions, branch = (
        padded('ids', 0),
        padded('labels', -100),
        padded('positions', 0),
        padded('branch', -1),
    )
    is_image = ids == words.image_id
    order = torch.arange(length)
    causal = order[None, :] <= order[:, None]
    same_image = is_image[:, :, None] & is_image[:, None, :]
    visible = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    mask = (causal | same_image) & visible & ((ids != 0)[:, None, :] | torch.eye(length, dtype=torch.bool))
    bias = torch.zeros(mask.shape).masked_fill(~mask, -1e9)[:, None]
    targets = [np.stack(t) for t in zip(*(cell_targets(h['facts'], c) for h, _, c in frames))]
    targets = [torch.tensor(t[np.arange(len(frames))[:, None], cells]) for t in targets]
    return dict(
        patches=torch.tensor(np.stack([by_cell(p, c) for (_, p, _), c in zip(frames, cells)])),
        ids=ids,
        labels=labels,
        positions=positions,
        bias=bias,
        is_image=is_image,
        pictures=torch.tensor([i for i, r in rows if words.image_id in r['ids']]),
        targets=targets,
        types=[r['types'] for _, r in rows],
        cells=torch.tensor(cells),
    )


def batches(words, args, first_seed, count):
    """Batches made ahead on a thread of their own."""
    ready = queue.Queue(3)

    def produce():
        group = []
        for frame in read_frames(first_seed, count, args.max_objects, args.node):
            group.append(frame)
            if len(group) == args.batch:
                ready.put(collate(group, words, args.perceive, args.text_first, random.choice(args.shares)))
                group = []
        ready.put(None)

    threading.Thread(target=produce, daemon=True).start()
    while (batch := ready.get()) is not None:
        yield batch
