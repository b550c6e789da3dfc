"""Writes what Transformers' own Gemma 3 processor makes of elongated pictures: crops, texts, token ids.

usage: python3 generate.py FOLDER_OF_THE_TOKENIZER OUT.json
"""

import argparse
import hashlib
import json
import pathlib

import numpy
import PIL
import tokenizers
import transformers
from PIL import Image
from transformers import PreTrainedTokenizerFast
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.gemma3.processing_gemma3 import Gemma3Processor

SIDE, PATCH = 896, 14
KEYS = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
SPECIAL = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}

# The table of sizes: none, just elongated enough, too small a crop, as many crops as there may be, portraits.
SIZES = [
    *[(1000, 1000), (1200, 1000), (1199, 1000), (512, 300), (511, 300), (600, 300), (3000, 500), (4000, 300)],
    *[(2000, 250), (500, 3000), (1003, 300), (300, 1003), (256, 512), (1025, 256), (257, 1999), (1, 1), (900, 260)],
    *[(2249, 900), (2250, 900), (2251, 900), (3149, 900), (3150, 900), (640, 256), (16384, 256), (777, 311)],
]

# What is asked about pictures of these widths and heights, in their order.
WIDE, SQUARE, TALL = (1000, 300), (300, 300), (300, 620)
CHATS = [
    [[WIDE], [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]],
    [[WIDE], [{"role": "user", "content": [{"type": "text", "text": " Look: "}, {"type": "image"}]}]],
    [
        [SQUARE, TALL],
        [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "A"},
                    {"type": "image"},
                    {"type": "image"},
                    {"type": "text", "text": "B\n"},
                ],
            },
        ],
    ],
    [
        [TALL, WIDE],
        [
            {"role": "user", "content": [{"type": "image"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "A tower."}]},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "日本語で"}]},
        ],
    ],
]


def picture(width, height):
    """Something with edges everywhere that any program can make again."""
    samples = numpy.arange(width * height * 3, dtype=numpy.uint64)
    return ((samples * 7919) >> 4 & 255).astype(numpy.uint8).reshape(height, width, 3)


def patches(pixels):
    grid = SIDE // PATCH
    return pixels.reshape(grid, PATCH, grid, PATCH, 3).transpose(0, 2, 1, 3, 4).tobytes()


def tile_digest(values):
    """Undoes the scaling of a tile of pixel values and names its patches."""
    pixels = numpy.rint((values.transpose(1, 2, 0) * 0.5 + 0.5) * 255).astype(numpy.uint8)
    return hashlib.sha256(patches(pixels)).hexdigest()


def size_row(images, size):
    out = images(Image.fromarray(picture(*size)), do_pan_and_scan=True, return_tensors="np")
    tiles = [tile_digest(values) for values in out["pixel_values"]] if size[0] * size[1] <= 310_000 else None
    return {"size": size, "crops": int(numpy.array(out["num_crops"]).ravel()[0]), "tiles": tiles}


def chat_row(processor, template, sizes, messages):
    prompt = template(messages)
    pictures = [[Image.fromarray(picture(*size)) for size in sizes]]
    wishes = {"images_kwargs": {"do_pan_and_scan": True}, "text_kwargs": {"add_special_tokens": False}}
    out = processor(text=[prompt], images=pictures, return_tensors="np", **wishes)
    return {"sizes": sizes, "messages": messages, "ids": runs(out["input_ids"][0].tolist())}


def runs(ids):
    """Ids, a run of equal ones as one pair of id and length."""
    out = []
    for token in ids:
        if out and out[-1][0] == token:
            out[-1][1] += 1
        else:
            out.append([token, 1])
    return [token if length == 1 else [token, length] for token, length in out]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    config = json.loads((options.tokenizer / "tokenizer_config.json").read_text("utf-8"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(options.tokenizer / "tokenizer.json"),
        chat_template=config["chat_template"],
        extra_special_tokens=KEYS,
        **SPECIAL,
    )
    images = Gemma3ImageProcessorPil(
        size={"height": SIDE, "width": SIDE},
        pan_and_scan_min_crop_size=256,
        pan_and_scan_max_num_crops=4,
        pan_and_scan_min_ratio_to_activate=1.2,
    )
    processor = Gemma3Processor(image_processor=images, tokenizer=tokenizer, chat_template=config["chat_template"])
    template = lambda messages: tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    written = {
        "versions": {
            **{"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
            "pillow": PIL.__version__,
        },
        "sizes": [size_row(images, size) for size in SIZES],
        "chats": [chat_row(processor, template, *chat) for chat in CHATS],
    }
    options.out.write_text(json.dumps(written, ensure_ascii=False, indent=0) + "\n", "utf-8")
    print(json.dumps(written["versions"]))


if __name__ == "__main__":
    main()
