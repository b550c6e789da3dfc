"""Random blocks of every quantised type and what the package `gguf` makes of them. See PROVENANCE.md."""

import json
import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

SEED = 20261124
BLOCKS = 6
# Where the float16 scales of a block lie: random bytes there would be NaN or infinity now and then.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}

random = np.random.default_rng(SEED)
cases = {}
for name, scales in SCALES.items():
    dtype = GGMLQuantizationType[name]
    _, block_bytes = GGML_QUANT_SIZES[dtype]
    blocks = random.integers(0, 256, (BLOCKS, block_bytes), dtype=np.uint8)
    for at in scales:
        # From subnormal to large.
        exponents = np.array([-24, -18, -9, -5, 0, 8], dtype=np.float64)
        values = (random.normal(size=BLOCKS) * 2.0**exponents).astype(np.float16)
        blocks[:, at : at + 2] = values.view(np.uint8).reshape(BLOCKS, 2)
    numbers = np.concatenate([dequantize(row[np.newaxis], dtype).ravel() for row in blocks])
    cases[name] = {"blocks": blocks.tobytes().hex(), "float32": numbers.astype("<f4").tobytes().hex()}

path = pathlib.Path(__file__).with_name("blocks.json")
path.write_text(json.dumps(cases, indent=1) + "\n")
