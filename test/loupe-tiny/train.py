"""Trains the embedded model on streamed pictures. See README.md for the recipe.

The model is a plain Gemma 3 VL in PyTorch, with two shortcuts that leave the exported function as it is: vision
attention is skipped while its output projection is zero, and many questions share one pass over their picture.
"""

import argparse, json, math, os, queue, signal, struct, subprocess, sys, threading, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

SIDE, PATCH, CELLS, TOKENS = 896, 14, 16, 256
TEXT = dict(hidden=128, layers=6, heads=4, kv_heads=2, head_dim=32, intermediate=320, window=1024, vocab=1408)
VISION = dict(hidden=96, layers=2, heads=2, intermediate=256)
COLOURS = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'black', 'pink']
SHAPES = ['circle', 'square', 'triangle', 'star']
AUX_LAYER = 3
HELD_OUT = 500_000  # evaluation seeds during training; `npm run eval:tiny` uses other ones


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
        q, k, v = rope(self.q_norm(split(self.q_proj(x)))), rope(self.k_norm(split(self.k_proj(x)))), split(self.v_proj(x))
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
        self.fc1, self.fc2 = linear(c['hidden'], c['intermediate'], True), linear(c['intermediate'], c['hidden'], True, 0.5)

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
    waves = torch.cat([torch.sin(2 * math.pi * grid[:, None] / periods + 0.7), torch.cos(2 * math.pi * grid[:, None] / periods + 0.7)], -1)
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

    def forward(self, patches, attends=False):
        x = self.patch_embedding(patches) + self.position_embedding
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
        outputs = 2 + len(COLOURS) + len(SHAPES)
        self.early_head, self.middle_head = linear(h, outputs, True), linear(h, outputs, True)

    def features(self, pixels, attends=False):
        """`[picture, 896, 896, 3]` bytes to `[picture, 256, hidden]`."""
        b = pixels.shape[0]
        patches = pixels.view(b, 64, PATCH, 64, PATCH, 3).permute(0, 1, 3, 5, 2, 4).reshape(b, 64 * 64, -1)
        x = self.vision(patches.float() / 127.5 - 1, attends)
        pooled = x.view(b, CELLS, 4, CELLS, 4, -1).mean((2, 4)).reshape(b, TOKENS, -1)
        return self.soft_norm(pooled) @ self.projection


class Muon:
    """Momentum with orthogonalised updates for the inner matrices; about twice the progress per picture of AdamW here."""

    def __init__(self, params):
        self.params, self.momentum = list(params), [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self, rate):
        for p, m in zip(self.params, self.momentum):
            if p.grad is None:
                continue
            m.lerp_(p.grad, 0.05)
            update = self.orthogonal(p.grad.lerp(m, 0.95))
            p.mul_(1 - 0.1 * rate).add_(update, alpha=-rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)

    @staticmethod
    def orthogonal(g):
        x = g.T if g.shape[0] > g.shape[1] else g
        x = x / (x.norm() + 1e-7)
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return x.T if g.shape[0] > g.shape[1] else x


# ---- data ----------------------------------------------------------------------------------------------------------


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
            self.add(row, 0, 0, self.encode(head + opening['question'] + self.picture + '<end_of_turn>\n<start_of_turn>model\n'))
            self.add_answer(row, 0, opening, kind)
        else:
            self.add(row, 0, 0, self.encode(head))
        start = row['positions'][-1] + 1
        for number, turns in enumerate(conversation['branches'], 1):
            position = start
            for index, turn in enumerate(turns):
                begins = index == 0 and kind != 'text-first'
                question = ('' if begins else '<start_of_turn>user\n') + turn['question'] + '<end_of_turn>\n<start_of_turn>model\n'
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


def cell_targets(facts, coverage):
    """Per image token: coverage, whether an object's centre lies in it, colour, shape (-100 where uncovered)."""
    centre = np.zeros(TOKENS, np.float32)
    for item in facts['objects']:
        centre[int(item['y'] // 56) * CELLS + int(item['x'] // 56)] = 1
    covered = coverage > 0.15
    colour = np.where(covered, COLOURS.index(facts['colour']), -100)
    shape = np.where(covered, SHAPES.index(facts['shape']), -100)
    return coverage, centre, colour, shape


def collate(frames, words, perceive):
    if perceive:
        bare = dict(kind='picture-first', system=None, opening=None, branches=[])
        rows = [(index, words.row(bare)) for index in range(len(frames))]
    else:
        rows = [(index, words.row(c)) for index, (header, _, _) in enumerate(frames) for c in header['conversations']]
    rows.sort(key=lambda r: words.image_id not in r[1]['ids'])  # rows without a picture last
    length = max(len(r['ids']) for _, r in rows)
    padded = lambda key, fill: torch.tensor([r[key] + [fill] * (length - len(r[key])) for _, r in rows])
    ids, labels, positions, branch = padded('ids', 0), padded('labels', -100), padded('positions', 0), padded('branch', -1)
    is_image = ids == words.image_id
    order = torch.arange(length)
    causal = order[None, :] <= order[:, None]
    same_image = is_image[:, :, None] & is_image[:, None, :]
    visible = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    mask = (causal | same_image) & visible & ((ids != 0)[:, None, :] | torch.eye(length, dtype=torch.bool))
    bias = torch.zeros(mask.shape).masked_fill(~mask, -1e9)[:, None]
    targets = [torch.tensor(np.stack(t)) for t in zip(*(cell_targets(h['facts'], c) for h, _, c in frames))]
    return dict(
        pixels=torch.tensor(np.stack([p for _, p, _ in frames])), ids=ids, labels=labels, positions=positions, bias=bias,
        is_image=is_image, pictures=torch.tensor([i for i, r in rows if words.image_id in r['ids']]), targets=targets,
        types=[r['types'] for _, r in rows],
    )


def batches(words, args, first_seed, count):
    """Batches made ahead on a thread of their own."""
    ready = queue.Queue(3)

    def produce():
        group = []
        for frame in read_frames(first_seed, count, args.max_objects, args.node):
            group.append(frame)
            if len(group) == args.batch:
                ready.put(collate(group, words, args.perceive))
                group = []
        ready.put(None)

    threading.Thread(target=produce, daemon=True).start()
    while (batch := ready.get()) is not None:
        yield batch


# ---- losses --------------------------------------------------------------------------------------------------------


def cell_loss(output, targets):
    coverage, centre, colour, shape = targets
    c, s = len(COLOURS), len(SHAPES)
    loss = F.binary_cross_entropy_with_logits(output[..., 0], coverage)
    loss = loss + 4 * F.binary_cross_entropy_with_logits(output[..., 1], centre, pos_weight=torch.tensor(5.0))
    if (colour >= 0).any():
        loss = loss + 0.5 * F.cross_entropy(output[..., 2 : 2 + c].flatten(0, 1), colour.flatten())
        loss = loss + F.cross_entropy(output[..., 2 + c : 2 + c + s].flatten(0, 1), shape.flatten())
    with torch.no_grad():
        right = lambda part, target: (part.argmax(-1) == target)[target >= 0].float().mean().item()
        found = output[..., 1].sigmoid()
        report = [right(output[..., 2 : 2 + c], colour), right(output[..., 2 + c : 2 + c + s], shape), ((found > 0.5).sum(-1) == centre.sum(-1)).float().mean().item()]
    return loss, report


def forward(model, batch, attends, perceive=False):
    features = model.features(batch['pixels'], attends)
    spread = features[batch['pictures']]
    hidden, middle = model.text(batch['ids'], batch['positions'], batch['bias'], batch['is_image'], spread.flatten(0, 1), perceive)
    if perceive:
        return features, middle, None, None
    wanted = batch['labels'][:, 1:] != -100
    logits = hidden[:, :-1][wanted] @ model.text.embed_tokens.weight.T
    return features, middle, logits, batch['labels'][:, 1:][wanted]


def step_loss(model, batch, args):
    features, middle, logits, labels = forward(model, batch, args.attend, args.perceive)
    words = torch.zeros(()) if args.perceive else F.cross_entropy(logits, labels)
    early, _ = cell_loss(model.early_head(features), batch['targets'])
    cells = middle[batch['is_image']].view(len(batch['pictures']), TOKENS, -1)
    late, report = cell_loss(model.middle_head(cells), [t[batch['pictures']] for t in batch['targets']])
    return words + args.aux * (0.3 * early + late), [words.item(), early.item(), late.item(), *report]


@torch.no_grad()
def evaluate(model, words, args, count):
    """Share of answers that greedy decoding would give word for word, by kind of question and by its place."""
    totals = {}
    for batch in batches(words, argparse.Namespace(**{**vars(args), 'max_objects': 5, 'perceive': False}), HELD_OUT, count):
        _, _, logits, labels = forward(model, batch, args.attend)
        right = (logits.argmax(-1) == labels).tolist()
        wanted = batch['labels'][:, 1:] != -100
        kinds = [batch['types'][r][t + 1] for r, t in wanted.nonzero().tolist()]
        answers = {}
        for kind, is_right in zip(kinds, right):
            answers[kind] = answers.get(kind, True) and is_right
        for (kind, group, _), is_right in answers.items():
            for key in (kind, group):
                done, good = totals.get(key, (0, 0))
                totals[key] = (done + 1, good + is_right)
    return ' '.join(f'{k} {100 * g / d:.1f}%({d})' for k, (d, g) in sorted(totals.items()))


# ---- checkpoint ----------------------------------------------------------------------------------------------------


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
    os.replace(path + '.part', path)
    return os.path.getsize(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--assets', required=True, help='folder of tokenizer.json; the checkpoint goes there')
    parser.add_argument('--state', required=True, help='file that keeps the training state')
    parser.add_argument('--resume', help='training state to start from')
    parser.add_argument('--node', default='node')
    parser.add_argument('--seed', type=int, default=1_000_000, help='first picture, never below 1000000')
    parser.add_argument('--steps', type=int, default=1000)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--max-objects', type=int, default=5)
    parser.add_argument('--rate', type=float, default=2e-3)
    parser.add_argument('--final', type=float, default=0.02, help='last learning rate, as a share of the first')
    parser.add_argument('--aux', type=float, default=0.5)
    parser.add_argument('--minutes', type=float, default=1e9, help='the learning rate reaches its end after this time')
    parser.add_argument('--export-every', type=float, default=10, help='minutes')
    parser.add_argument('--eval', type=int, default=64, help='pictures per evaluation')
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--attend', action='store_true', help='run and train the vision attention')
    parser.add_argument('--no-export', action='store_true')
    parser.add_argument('--perceive', action='store_true', help='first stage: no words, only what the image tokens should know')
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(2)
    model, words = Loupe(), Words(args.assets)
    if args.resume:
        model.load_state_dict(torch.load(args.resume))
    inner = {n: p for n, p in model.named_parameters() if p.ndim == 2 and '.layers.' in n}
    outer = [p for n, p in model.named_parameters() if n not in inner]
    muon = Muon(inner.values())
    optimizer = torch.optim.AdamW(outer, lr=args.rate, betas=(0.9, 0.98), weight_decay=0, fused=True)
    if args.compile:
        model.vision.compile()
        for layer in model.text.layers:
            layer.compile(dynamic=True)
    print('parameters', sum(p.numel() for n, p in model.named_parameters() if 'head.' not in n), flush=True)
    started = exported = time.time()
    mean = None
    signal.signal(signal.SIGUSR1, lambda *_: save(model, words, args))
    for step, batch in enumerate(batches(words, args, args.seed, args.steps * args.batch)):
        progress = max(step / args.steps, (time.time() - started) / 60 / args.minutes)
        if progress >= 1:
            break
        rate = args.rate * min(1, (step + 1) / 60) * (args.final + (1 - args.final) * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimizer.param_groups:
            group['lr'] = rate
        loss, report = step_loss(model, batch, args)
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        muon.step(10 * rate)
        report = np.array(report)
        mean = report if mean is None else np.where(np.isnan(report), mean, 0.95 * mean + 0.05 * report)
        if step % 20 == 19:
            names = ('words', 'early', 'late', 'colour', 'shape', 'centres')
            print(f'{step + 1} {time.time() - started:.0f}s lr {rate:.1e}', *(f'{n} {m:.3f}' for n, m in zip(names, mean)), flush=True)
        if time.time() - exported > 60 * args.export_every:
            exported = time.time()
            save(model, words, args)
    save(model, words, args)


def save(model, words, args):
    torch.save(model.state_dict(), args.state + '.part')
    os.replace(args.state + '.part', args.state)
    size = 0 if args.no_export else export(model, args.assets)
    print('saved', size, 'bytes;', evaluate(model, words, args, args.eval), flush=True)


if __name__ == '__main__':
    main()
