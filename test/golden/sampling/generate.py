"""Writes cases.json: which tokens Transformers' own warpers keep, for logits full of ties and boundaries."""

import json
import pathlib

import torch
import transformers
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

# Transformers sorts with torch.sort, which leaves the order of equal scores open (it depends on the length and the
# processor). The stable order is one of those it may give, and the same everywhere.
unstable_sort = torch.sort
torch.sort = lambda scores, **options: unstable_sort(scores, stable=True, **options)

SEED = 20261124
SETTINGS = [
    (1.0, 64, 0.95), (1.0, 5, 1.0), (0.7, 8, 0.9), (1.3, 0, 0.95), (0.5, 0, 0.5), (2.0, 0, 1.0),
    (1.0, 1, 1.0), (1.0, 3, 0.0), (0.1, 0, 0.99), (1.0, 4, 0.3), (0.9, 500, 0.8),
]


def rows(generator):
    def noise(count, scale):
        return torch.randn(count, generator=generator) * scale

    return {
        "noise": noise(300, 3.0),
        "flat noise": noise(700, 0.3),
        "coarse, many ties": (noise(300, 2.0) * 2).round() / 2,
        "all equal": torch.full((10,), 1.5),
        "two equal": torch.tensor([0.0, 3.0, 3.0, -1.0]),
        "one far ahead": torch.tensor([0.0, 50.0, 1.0, 2.0, -300.0]),
        "minus infinity": torch.tensor([1.0, -torch.inf, 0.5, -torch.inf, 1.0, 0.25]),
        "exact quarters": torch.zeros(4),
    }


def kept(row, temperature, top_k, top_p):
    scores = row[None]
    if temperature != 1.0:
        scores = TemperatureLogitsWarper(temperature)(None, scores)
    if top_k > 0:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1.0:
        scores = TopPLogitsWarper(top_p)(None, scores)
    share = scores.softmax(-1)[0]
    ids = [id for id in range(len(row)) if share[id] > 0]
    return {"ids": ids, "shares": [round(share[id].item(), 7) for id in ids]}


def main():
    generator = torch.Generator().manual_seed(SEED)
    cases = []
    for name, row in rows(generator).items():
        logits = [None if value == -torch.inf else value for value in row.tolist()]
        results = [
            {"temperature": t, "topK": k, "topP": p, **kept(row, t, k, p)} for t, k, p in SETTINGS
        ]
        cases.append({"name": name, "logits": logits, "results": results})
    out = {"transformers": transformers.__version__, "torch": torch.__version__, "seed": SEED, "cases": cases}
    path = pathlib.Path(__file__).with_name("cases.json")
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
