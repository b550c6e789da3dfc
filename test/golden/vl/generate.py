"""Makes the golden vectors of this folder with Hugging Face Transformers, eager, float32, on the CPU.

usage: python generate.py OUT_DIR

Every case is a tiny Gemma 3 VL checkpoint with random weights, its inputs, and what the reference computes. Norm weights
and biases are random as well: with zeros a missing `1 + w` or a missing bias would go unnoticed.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

SEED = 20261124
IMAGE_TOKEN, BOI, EOI = 310, 308, 309
IGNORE = -100

TEXT = dict(
    vocab_size=320, hidden_size=48, intermediate_size=80, num_hidden_layers=7, num_attention_heads=4,
    num_key_value_heads=2, head_dim=16, sliding_window=12, query_pre_attn_scalar=20, max_position_embeddings=512,
    rms_norm_eps=1e-6, hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True, attn_implementation="eager",
    pad_token_id=0, bos_token_id=2, eos_token_id=1,
    rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1_000_000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
    },
)
VISION = dict(
    hidden_size=24, intermediate_size=44, num_hidden_layers=3, num_attention_heads=2, image_size=56, patch_size=14,
    layer_norm_eps=1e-6, hidden_act="gelu_pytorch_tanh", vision_use_head=False, num_channels=3,
)

# Rows list text runs by their length and "i" for an image. The order of the cases fixes their seeds.
CASES = {
    "one-image": dict(what="one image between text; image block bidirectional in local and global layers", rows=[[5, "i", 9]]),
    "two-images": dict(what="two images in one row must not see each other; order of features", rows=[[3, "i", 4, "i", 6]]),
    "image-first-long-text": dict(what="text longer than the sliding window; global rope factor 8", rows=[["i", 60]], new=20),
    "batch-left-pad": dict(what="batch of three rows with different image counts, left padding", rows=[[2, "i", 7], [12], ["i", 1, "i", 3]]),
    "text-only": dict(what="no image; window and rope only", rows=[[70]]),
    "head-dim-scale": dict(
        what="head_dim != H/heads, scale from query_pre_attn_scalar, one kv head, 6 layers ends on global", rows=[[4, "i", 20]],
        text=dict(num_hidden_layers=6, num_attention_heads=6, num_key_value_heads=1, head_dim=32, query_pre_attn_scalar=7),
    ),
    "real-geometry": dict(
        what="896 px, patch 14, 4096 patches, 256 image tokens, window 300", rows=[[4, "i", 8]], tokens=256, new=6,
        vision=dict(image_size=896, hidden_size=16, intermediate_size=28, num_hidden_layers=2),
        text=dict(sliding_window=300, max_position_embeddings=2048),
    ),
}


def build_model(case, seed):
    torch.manual_seed(seed)
    config = Gemma3Config(
        text_config={**TEXT, **case.get("text", {})}, vision_config={**VISION, **case.get("vision", {})},
        mm_tokens_per_image=case.get("tokens", 4), image_token_index=IMAGE_TOKEN, boi_token_index=BOI, eoi_token_index=EOI,
    )
    config._attn_implementation = "eager"
    model = Gemma3ForConditionalGeneration._from_config(config, attn_implementation="eager").float()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(spread(name, parameter, torch.randn(parameter.shape, generator=generator)))
    return model.eval(), config


def spread(name, parameter, noise):
    if "norm" in name and name.endswith("weight"):
        is_layer_norm = "layer_norm" in name or ("post_layernorm" in name and "vision" in name)
        return 0.3 * noise + (1.0 if is_layer_norm else 0.0)
    if name.endswith("bias"):
        return 0.2 * noise
    if "embed_tokens" in name:
        return 0.15 * noise
    if "position_embedding" in name:
        return 0.3 * noise
    fan_in = parameter.shape[-1] if parameter.dim() < 4 else parameter[0].numel()
    return noise / fan_in**0.5


def build_row(spec, tokens_per_image, generator):
    ids = [2]
    for part in spec:
        if part == "i":
            ids += [BOI] + [IMAGE_TOKEN] * tokens_per_image + [EOI]
        else:
            ids += torch.randint(6, 300, (part,), generator=generator).tolist()
    return ids


def build_inputs(case, config, generator):
    rows = [build_row(spec, config.mm_tokens_per_image, generator) for spec in case["rows"]]
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, length - len(row):] = torch.tensor(row)
        mask[index, length - len(row):] = 1
    count, size = sum(spec.count("i") for spec in case["rows"]), config.vision_config.image_size
    images = torch.randint(0, 256, (count, size, size, 3), generator=generator, dtype=torch.uint8)
    labels = torch.full_like(ids, IGNORE)
    labels[:, :-1] = ids[:, 1:]
    labels[:, :-1][mask[:, 1:] == 0] = IGNORE
    labels[labels == IMAGE_TOKEN] = IGNORE
    return rows, dict(
        input_ids=ids, attention_mask=mask, images_u8=images, labels=labels, loss_mask=(labels != IGNORE).float()
    )


def pixels(images):
    return ((images.permute(0, 3, 1, 2).double() / 255).float() - 0.5) / 0.5


@torch.no_grad()
def run_forward(model, inputs):
    ids, images = inputs["input_ids"], inputs["images_u8"]
    expected, extra = {}, {}
    if len(images):
        extra["pixel_values"] = pixels(images)
        expected["vision_last_hidden_state"] = model.model.vision_tower(extra["pixel_values"]).last_hidden_state
        expected["image_features"] = model.model.multi_modal_projector(expected["vision_last_hidden_state"])
    out = model(
        input_ids=ids, attention_mask=inputs["attention_mask"], token_type_ids=(ids == IMAGE_TOKEN).long(),
        output_hidden_states=True, use_cache=False, **extra,
    )
    for index, state in enumerate(out.hidden_states):
        expected[f"hidden_states.{index}"] = state
    expected["logits"] = out.logits
    log_probabilities = torch.log_softmax(out.logits.double(), -1)
    loss = -log_probabilities.gather(-1, inputs["labels"].clamp(min=0)[..., None])[..., 0]
    expected["token_loss"] = (loss * inputs["loss_mask"]).float()
    return expected


@torch.no_grad()
def run_greedy(model, case, rows, images, expected):
    """Row by row, without padding. End tokens do not stop it: the ids go on for as long as asked."""
    greedy, used = {}, 0
    for index, row in enumerate(rows):
        ids, count = torch.tensor([row]), case["rows"][index].count("i")
        extra = {"pixel_values": pixels(images[used:used + count])} if count else {}
        used += count
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), token_type_ids=(ids == IMAGE_TOKEN).long(),
            max_new_tokens=case.get("new", 12), do_sample=False, eos_token_id=[-1], pad_token_id=0,
            return_dict_in_generate=True, output_logits=True, **extra,
        )
        greedy[str(index)] = out.sequences[0, len(row):].tolist()
        expected[f"greedy_logits.{index}"] = torch.stack(out.logits)[:, 0]
    return greedy


def write_case(folder, name, case, seed):
    folder.mkdir(parents=True, exist_ok=True)
    model, config = build_model(case, seed)
    rows, inputs = build_inputs(case, config, torch.Generator().manual_seed(seed + 2))
    expected = run_forward(model, inputs)
    greedy = run_greedy(model, case, rows, inputs["images_u8"], expected)
    model.save_pretrained(folder, safe_serialization=True)
    stored = {k: v.int() if v.dtype == torch.long else v for k, v in inputs.items()}
    save_file({k: v.contiguous() for k, v in stored.items()}, folder / "inputs.safetensors")
    save_file({k: v.contiguous().float() for k, v in expected.items()}, folder / "expected.safetensors")
    facts = dict(
        name=name, what=case["what"], seed=seed, transformers=transformers.__version__, torch=torch.__version__,
        rows=case["rows"], padding="left", image_token_id=IMAGE_TOKEN, boi=BOI, eoi=EOI, greedy_ids=greedy,
    )
    (folder / "case.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    for position, (case_name, definition) in enumerate(CASES.items()):
        write_case(pathlib.Path(sys.argv[1]) / case_name, case_name, definition, SEED + 10 * position)
