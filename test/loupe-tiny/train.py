"""Trains the embedded model on streamed pictures. See README.md for the recipe."""

import argparse
import math
import os
import random
import signal
import time

import numpy as np
import torch
import torch.distributed
import torch.nn as nn
import torch.nn.functional as F

from lessons import Words, batches
from model import Loupe, export
from muon import Muon
from targets import cell_loss

HELD_OUT = 500_000  # evaluation seeds during training; `npm run eval:tiny` uses other ones
WARM_UP = 25  # steps
REPORTED = ('words', 'early', 'late', 'colour', 'shape', 'centres', 'anchors')


def forward(model, batch, attends, perceive=False):
    features = model.features(batch['patches'], batch['cells'], attends)
    spread = features[batch['pictures']]
    hidden, middle = model.text(
        batch['ids'], batch['positions'], batch['bias'], batch['is_image'], spread.flatten(0, 1), perceive
    )
    if perceive:
        return features, middle, None, None
    wanted = batch['labels'][:, 1:] != -100
    logits = hidden[:, :-1][wanted] @ model.text.embed_tokens.weight.T
    return features, middle, logits, batch['labels'][:, 1:][wanted]


def step_loss(model, batch, args):
    features, middle, logits, labels = forward(model, batch, args.attend, args.perceive)
    words = torch.zeros(()) if args.perceive else F.cross_entropy(logits, labels)
    early, _ = cell_loss(model.early_head(features), batch['targets'])
    cells = middle[batch['is_image']].view(len(batch['pictures']), batch['cells'].shape[1], -1)
    late, report = cell_loss(model.middle_head(cells), [t[batch['pictures']] for t in batch['targets']])
    return words + args.aux * (0.3 * early + late), [words.item(), early.item(), late.item(), *report]


@torch.no_grad()
def evaluate(model, words, args, count):
    """Share of answers that greedy decoding would give word for word, by kind of question and by its place."""
    totals = {}
    whole = dict(max_objects=5, perceive=False, text_first=1.0, shares=[1.0])
    for batch in batches(words, argparse.Namespace(**{**vars(args), **whole}), HELD_OUT, count):
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


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--assets', required=True, help='folder of tokenizer.json; the checkpoint goes there')
    parser.add_argument('--state', required=True, help='file that keeps the training state')
    parser.add_argument('--resume', help='training state to start from')
    parser.add_argument('--node', default='node', help='Node 24, which runs the generator')
    parser.add_argument('--seed', type=int, default=1_000_000, help='first picture, never below 1000000')
    parser.add_argument('--steps', type=int, default=1000)
    parser.add_argument('--minutes', type=float, default=1e9, help='the learning rate reaches its end after this time')
    parser.add_argument('--batch', type=int, default=8, help='pictures per step and process')
    parser.add_argument('--max-objects', type=int, default=5)
    parser.add_argument('--rate', type=float, default=2e-3)
    parser.add_argument('--final', type=float, default=0.02, help='last learning rate, as a share of the first')
    parser.add_argument('--aux', type=float, default=0.5, help='weight of what the image tokens should know')
    parser.add_argument('--perceive', action='store_true', help='no words yet, only what the image tokens should know')
    parser.add_argument('--text-first', type=float, default=1.0, help='share of the text-first conversations to keep')
    parser.add_argument('--shares', type=float, nargs='+', default=[1.0], help='shares of the cells, one per batch')
    parser.add_argument('--attend', action='store_true', help='run and train the vision attention')
    parser.add_argument('--export-every', type=float, default=10, help='minutes')
    parser.add_argument('--no-export', action='store_true')
    parser.add_argument('--eval', type=int, default=64, help='pictures per evaluation')
    return parser.parse_args()


def set_up(args, rank, world):
    """The model, its words and its two optimizers; every process starts from the same weights."""
    torch.manual_seed(1)
    np.random.seed(rank)
    random.seed(rank)
    # Two processes of one thread each, which meet once a step; two threads would wait for each other all the time.
    torch.set_num_threads(1)
    if world > 1:
        torch.distributed.init_process_group('gloo')
    model, words = Loupe(), Words(args.assets)
    if args.resume:
        model.load_state_dict(torch.load(args.resume))
    inner = {n: p for n, p in model.named_parameters() if p.ndim == 2 and '.layers.' in n}
    outer = [p for n, p in model.named_parameters() if n not in inner]
    return model, words, Muon(inner.values()), torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0, fused=True)


def learn(model, optimizers, loss, rate, world):
    muon, adamw = optimizers
    model.zero_grad()
    loss.backward()
    share_gradients(model, world)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in adamw.param_groups:
        group['lr'] = rate
    adamw.step()
    muon.step(10 * rate)


def progress_of(step, started, args, world):
    """0 to 1, the same in every process."""
    minutes = torch.tensor((time.time() - started) / 60)
    if world > 1:
        torch.distributed.broadcast(minutes, 0)
    return max(step / args.steps, minutes.item() / args.minutes)


def main():
    args = read_arguments()
    rank, world = int(os.environ.get('RANK', 0)), int(os.environ.get('WORLD_SIZE', 1))
    model, words, *optimizers = set_up(args, rank, world)
    if rank == 0:
        signal.signal(signal.SIGUSR1, lambda *_: save(model, words, args))
        print('parameters', sum(p.numel() for n, p in model.named_parameters() if 'head.' not in n), flush=True)
    started = exported = time.time()
    mean = None
    pictures = args.steps * args.batch
    for step, batch in enumerate(batches(words, args, args.seed + rank * pictures, pictures)):
        progress = progress_of(step, started, args, world)
        if progress >= 1:
            break
        decay = args.final + (1 - args.final) * 0.5 * (1 + math.cos(math.pi * progress))
        rate = args.rate * min(1, (step + 1) / WARM_UP) * decay
        loss, report = step_loss(model, batch, args)
        learn(model, optimizers, loss, rate, world)
        report = np.array(report)
        mean = report if mean is None else np.where(np.isnan(report), mean, 0.95 * mean + 0.05 * report)
        if step % 20 == 19 and rank == 0:
            figures = ' '.join(f'{n} {m:.3f}' for n, m in zip(REPORTED, mean))
            print(f'{step + 1} {time.time() - started:.0f}s rate {rate:.1e} {figures}', flush=True)
        if time.time() - exported > 60 * args.export_every and rank == 0:
            exported = time.time()
            save(model, words, args)
    if rank == 0:
        save(model, words, args)


def share_gradients(model, world):
    if world == 1:
        return
    params = [p for p in model.parameters() if p.grad is not None]
    flat = torch.cat([p.grad.flatten() for p in params])
    torch.distributed.all_reduce(flat)
    for p, g in zip(params, (flat / world).split([p.numel() for p in params])):
        p.grad.copy_(g.view_as(p))


def save(model, words, args):
    torch.save(model.state_dict(), args.state + '.part')
    os.replace(args.state + '.part', args.state)
    size = 0 if args.no_export else export(model, args.assets)
    print('saved', size, 'bytes;', evaluate(model, words, args, args.eval), flush=True)


if __name__ == '__main__':
    main()
