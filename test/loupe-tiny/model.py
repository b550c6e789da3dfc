"""A plain Gemma 3 VL in PyTorch, with two shortcuts that leave the exported function as it is: vision attention is
skipped while its output projection is zero, and a picture may be looked at in part.
"""

import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from targets import OUTPUTS

SIDE, PATCH, CELLS, TOKENS = 896, 14, 16, 256
TEXT = dict(hidden=128, layers=6, heads=4, kv_heads=2, head_dim=32, intermediate=256, vocab=1408)
VISION = dict(hidden=64, layers=2, heads=2, intermediate=160)
AUX_LAYER = 3  # the decoder layer after which image tokens should know what their square shows


class Norm(nn.Module):
    """RMSNorm with a zero-centred gain."""

    def __init__(self, size, start=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((size,), start))

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, 1 + self.weight, 1e-6)


def linear(inputs, outputs, bias=False, scale=1.0):
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.normal_(layer.weight, std=scale / math.sqrt(inputs))
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


class TextAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        h, d = c['hidden'], c['head_dim']
        self.q_proj, self.k_proj = linear(h, c['heads'] * d), linear(h, c['kv_heads'] * d)
        self.v_proj, self.o_proj = linear(h, c['kv_heads'] * d), linear(c['heads'] * d, h)
        self.q_norm, self.k_norm = Norm(d), Norm(d)

    def forward(self, x, rope, mask):
        b, t, _ = x.shape
        split = lambda y: y.view(b, t, -1, self.c['head_dim']).transpose(1, 2)
        q, k, v = (
            rope(self.q_norm(split(self.q_proj(x)))),
            rope(self.k_norm(split(self.k_proj(x)))),
            split(self.v_proj(x)),
        )
        groups = self.c['heads'] // self.c['kv_heads']
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # scale: query_pre_attn_scalar = head_dim
        return self.o_proj(y.transpose(1, 2).reshape(b, t, -1))


class GatedMlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj, self.up_proj = linear(c['hidden'], c['intermediate']), linear(c['hidden'], c['intermediate'])
        self.down_proj = linear(c['intermediate'], c['hidden'])

    def forward(self, x):
        return self.down_proj(F.gelu(self.gate_proj(x), approximate='tanh') * self.up_proj(x))


class TextBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c['hidden']
        self.input_layernorm, self.post_attention_layernorm = Norm(h), Norm(h, -0.5)
        self.pre_feedforward_layernorm, self.post_feedforward_layernorm = Norm(h), Norm(h, -0.5)
        self.self_attn, self.mlp = TextAttention(c), GatedMlp(c)

    def forward(self, x, rope, mask):
        x = x + self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), rope, mask))
        return x + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))


class Rope:
    def __init__(self, positions, theta, d):
        inverse = theta ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
        angles = positions[:, None, :, None].float() * inverse
        self.cos, self.sin = angles.cos(), angles.sin()

    def __call__(self, x):
        one, two = x.chunk(2, -1)
        return torch.cat([one * self.cos - two * self.sin, two * self.cos + one * self.sin], -1)


class TextModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed_tokens = nn.Embedding(c['vocab'], c['hidden'])
        nn.init.normal_(self.embed_tokens.weight, std=1 / math.sqrt(c['hidden']))
        self.layers = nn.ModuleList(TextBlock(c) for _ in range(c['layers']))
        self.norm = Norm(c['hidden'])

    def forward(self, ids, positions, mask, is_image, features, only_middle=False):
        x = self.embed_tokens(ids) * math.sqrt(self.c['hidden'])
        if features is not None:
            x = x.masked_scatter(is_image[..., None], features)
        ropes = [Rope(positions, theta, self.c['head_dim']) for theta in (1e4, 1e6)]
        middle = None
        for index, layer in enumerate(self.layers):
            x = layer(x, ropes[(index + 1) % 6 == 0], mask)
            if index + 1 == AUX_LAYER:
                middle = x
                if only_middle:
                    return None, middle
        return self.norm(x), middle


class VisionAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c['hidden']
        self.heads = c['heads']
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (linear(h, h, True) for _ in range(4))
        nn.init.zeros_(self.out_proj.weight)

    def forward(self, x):
        b, t, h = x.shape
        q, k, v = (p(x).view(b, t, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, h))


class VisionMlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1, self.fc2 = (
            linear(c['hidden'], c['intermediate'], True),
            linear(c['intermediate'], c['hidden'], True, 0.5),
        )

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate='tanh'))


class VisionBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(c['hidden'], eps=1e-6), nn.LayerNorm(c['hidden'], eps=1e-6)
        self.self_attn, self.mlp = VisionAttention(c), VisionMlp(c)

    def forward(self, x, attends):
        if attends:
            x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


def position_start(hidden):
    """Sines and cosines of row and column, from the whole picture's width down to two patches."""
    grid = torch.arange(SIDE // PATCH, dtype=torch.float32)
    periods = 2 ** torch.linspace(1, 7, hidden // 4)
    waves = torch.cat(
        [
            torch.sin(2 * math.pi * grid[:, None] / periods + 0.7),
            torch.cos(2 * math.pi * grid[:, None] / periods + 0.7),
        ],
        -1,
    )
    rows, columns = waves[:, None].expand(64, 64, -1), waves[None].expand(64, 64, -1)
    return torch.cat([rows, columns], -1).reshape(64 * 64, hidden) * 0.5


def filter_start(hidden):
    """The lowest two-dimensional cosines in brightness and in two colour contrasts: edges are visible from step one."""
    line = torch.arange(PATCH) + 0.5
    waves = torch.stack([torch.cos(math.pi * k * line / PATCH) for k in range(PATCH)])
    waves = waves / waves.norm(dim=-1, keepdim=True)
    order = sorted(((i, j) for i in range(PATCH) for j in range(PATCH)), key=lambda ij: ij[0] ** 2 + ij[1] ** 2)
    mixes = torch.tensor([[1, 1, 1], [1, -1, 0], [1, 1, -2]]).float()
    mixes = mixes / mixes.norm(dim=-1, keepdim=True)
    shares = [hidden // 2, hidden // 4, hidden // 4]
    rows = []
    for mix, share in zip(mixes, shares):
        for index, (i, j) in enumerate(order[:share]):
            rows.append(mix[:, None, None] * waves[i][:, None] * waves[j] * (1 if index == 0 else 3) / 24)
    return torch.stack(rows).reshape(hidden, -1)


class VisionTower(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.patch_embedding = linear(3 * PATCH * PATCH, c['hidden'], True)
        self.patch_embedding.weight.data.copy_(filter_start(c['hidden']))
        self.position_embedding = nn.Parameter(position_start(c['hidden']))
        self.layers = nn.ModuleList(VisionBlock(c) for _ in range(c['layers']))
        self.post_layernorm = nn.LayerNorm(c['hidden'], eps=1e-6)

    def forward(self, patches, positions, attends=False):
        # The processor's x / 127.5 - 1, folded into the weights.
        weight, bias = self.patch_embedding.weight, self.patch_embedding.bias
        x = F.linear(patches, weight / 127.5, bias - weight.sum(1)) + positions
        for layer in self.layers:
            x = layer(x, attends)
        return self.post_layernorm(x)


class Loupe(nn.Module):
    def __init__(self):
        super().__init__()
        h, v = TEXT['hidden'], VISION['hidden']
        self.text, self.vision = TextModel(TEXT), VisionTower(VISION)
        self.soft_norm = Norm(v)
        self.projection = nn.Parameter(torch.randn(v, h) / math.sqrt(v))
        # Dropped on export: what each image token should know about its own square of the picture.
        self.early_head, self.middle_head = linear(h, OUTPUTS, True), linear(h, OUTPUTS, True)

    def features(self, patches, cells, attends=False):
        """Bytes of the chosen cells `[picture, cell, patch of the cell, 588]` to `[picture, cell, hidden]`."""
        b, k = cells.shape
        grid = self.vision.position_embedding.view(CELLS, 4, CELLS, 4, -1).transpose(1, 2).reshape(TOKENS, 16, -1)
        # Without attention the order of patches is free, so those of one cell stand together.
        x = self.vision(patches.flatten(1, 2).float(), grid[cells].flatten(1, 2), attends)
        return self.soft_norm(x.view(b, k, 16, -1).mean(2)) @ self.projection


def export(model, folder):
    """Names and shapes of the released Gemma 3 files."""
    out = {}
    for name, value in model.state_dict().items():
        if 'head.' in name:
            continue
        name = name.replace('text.', 'language_model.model.', 1) if name.startswith('text.') else name
        for old, new in (
            ('vision.patch_embedding', 'vision_tower.vision_model.embeddings.patch_embedding'),
            ('vision.position_embedding', 'vision_tower.vision_model.embeddings.position_embedding.weight'),
            ('vision.layers', 'vision_tower.vision_model.encoder.layers'),
            ('vision.post_layernorm', 'vision_tower.vision_model.post_layernorm'),
            ('soft_norm.weight', 'multi_modal_projector.mm_soft_emb_norm.weight'),
            ('projection', 'multi_modal_projector.mm_input_projection_weight'),
        ):
            name = new + name[len(old) :] if name.startswith(old) else name
        if name.endswith('patch_embedding.weight'):
            value = value.view(-1, 3, PATCH, PATCH)
        out[name] = value.contiguous().clone()
    path = os.path.join(folder, 'model.safetensors')
    save_file(out, path + '.part', metadata={'format': 'pt'})
    os.chmod(path + '.part', 0o644)
    os.replace(path + '.part', path)
    return os.path.getsize(path)
