"""Writes the golden token ids and prompts: Hugging Face tokenizers and jinja2 on Gemma 3's files.

usage: python3 generate.py TOKENIZER_JSON TOKENIZER_CONFIG_JSON OUT_FOLDER [--seed N] [--count N] [--files TEXT ...]
"""

import argparse
import gzip
import json
import pathlib
import random

import jinja2
import jinja2.sandbox
import tokenizers

LATIN = [(0x20, 0x7E)] * 6
SCRIPTS = [
    *[(0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F)],
    *[(0x1100, 0x11FF), (0x2000, 0x206F), (0x20A0, 0x20BF), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x3040, 0x30FF)],
    *[(0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFE00, 0xFE0F), (0x1F300, 0x1F6FF), (0x1F900, 0x1F9FF)],
    *[(0x10300, 0x1034F), (0x20000, 0x200FF), (0x300, 0x36F)],
]
SPECIAL = [
    *["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"],
    *["<unused7>", "[multimodal]", "<mask>", "<pad>", "<0x0A>", "▁", "<start_of_turn", "<<end_of_turn>>", "</s>"],
    *["<b>", "<table>"],
]
SPACES = [
    *["\n", "\n\n", "\n\n\n", "\n\n\n\n", " ", "  ", "   ", "\t", "\t\t", "\r\n", " \n ", "\u00a0", "\u3000", "\u200b"],
    *[" " * 17, "\n" * 33, "\t" * 9],
]
WORDS = ["hello", "user", "model", "a", "1234567890", "3.14", "Ünïcödé", "don't", "日本語", "🙂👩‍👩‍👧", "x=y"]
PUNCTUATION = "0123456789abcXYZ_-+*/=(){}[];:,.'\"\\|<>!?@#$%^&~` \n"


def excerpt(rng, texts):
    text, length = rng.choice(texts), rng.choice([3, 10, 40, 200, 1000])
    start = rng.randrange(max(1, len(text) - length))
    return text[start : start + length]


def scripts(rng):
    parts = []
    for _ in range(rng.randrange(1, 8)):
        low, high = rng.choice(LATIN + SCRIPTS)
        parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randrange(1, 9))))
        parts.append(rng.choice(["", " ", "", rng.choice(SPACES)]))
    return "".join(parts)


def glued(rng):
    pick = lambda: rng.choice([rng.choice(SPECIAL), rng.choice(SPACES), rng.choice(WORDS)])
    return "".join(pick() for _ in range(rng.randrange(1, 10)))


def punctuation(rng):
    return "".join(rng.choice(PUNCTUATION) for _ in range(rng.randrange(1, 60)))


def texts_of(seed, count, files):
    rng = random.Random(seed)
    sources = [text for text in (file.read_text("utf-8", "ignore") for file in files) if len(text) > 400]
    texts = []
    while len(texts) < count:
        kind = rng.random()
        if kind < 0.45 and sources:
            texts.append(excerpt(rng, sources))
        else:
            texts.append(scripts(rng) if kind < 0.7 else glued(rng) if kind < 0.85 else punctuation(rng))
    return texts


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def system(content):
    return {"role": "system", "content": content}


def text(written):
    return {"type": "text", "text": written}


IMAGE = {"type": "image"}
CHATS = [
    [user("Hello")],
    [system(" Sys "), user([IMAGE, text("  What? "), IMAGE, text("B")]), assistant(" hi "), user("x")],
    [user([text("Compare"), IMAGE, IMAGE])],
    [system([text("You are terse.\n")]), user("日本語で\n\n答えて 🙂")],
    [user("a"), assistant("b"), user("c"), assistant("<end_of_turn>"), user("\n\n d \n")],
    [user([IMAGE])],
    [assistant("b")],
    [user("a"), user("b")],
]
EXPANDED = "\n\n<start_of_image>" + "<image_soft_token>" * 256 + "<end_of_image>\n\n"


def load_template(path):
    def raise_exception(message):
        raise ValueError(message)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(json.loads(path.read_text())["chat_template"])


def chat_row(tokenizer, template, messages):
    try:
        prompt = template.render(messages=messages, bos_token="<bos>", add_generation_prompt=True)
    except ValueError as error:
        return {"messages": messages, "error": str(error)}
    expanded = prompt.replace("<start_of_image>", EXPANDED)
    ids = tokenizer.encode(expanded, add_special_tokens=False).ids
    return {"messages": messages, "prompt": prompt, "ids": ids}


def text_row(tokenizer, written):
    ids = tokenizer.encode(written, add_special_tokens=False).ids
    return {"text": written, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2500)
    parser.add_argument("--files", type=pathlib.Path, nargs="*", default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    tokenizer = tokenizers.Tokenizer.from_file(str(options.tokenizer))
    with gzip.open(options.out / "token-ids.jsonl.gz", "wt", encoding="utf-8") as lines:
        for written in texts_of(options.seed, options.count, options.files):
            lines.write(json.dumps(text_row(tokenizer, written), ensure_ascii=False) + "\n")

    template = load_template(options.config)
    rows = [chat_row(tokenizer, template, messages) for messages in CHATS]
    (options.out / "chat.json").write_text(json.dumps(rows, ensure_ascii=False, indent=0), "utf-8")
    print(f"{len(rows)} chats, tokenizers {tokenizers.__version__}, jinja2 {jinja2.__version__}")


if __name__ == "__main__":
    main()
