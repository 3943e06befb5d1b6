"""Make this folder again: a tiny CodeGen checkpoint and what transformers says of it.

    pip install torch transformers; python tests/data/parity/make.py

- `model/`: config, tokenizer and model.safetensors (float16), random weights
- `model/pytorch_model.bin`: the same by `torch.save`, with the causal-mask buffers that published
  checkpoints carry; float16
- `model/pytorch_model-0000k-of-00002.bin` and their index: the same in two shards, bfloat16
- `logits.npz`: `tokens` (n,) and `logits` (n, n_vocab) of `CodeGenForCausalLM` in float32

The weights are numbers that float16 and bfloat16 both hold exactly, so that one table of logits is
right for every file.
"""

from __future__ import annotations

import json
import shutil
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from transformers import CodeGenConfig, CodeGenForCausalLM

from quantize.random_weights import write_tokenizer
from quantize.shape import Shape

HERE = Path(__file__).parent
SHAPE = Shape(
    n_layer=2, n_embd=96, n_head=8, rotary_dim=8, n_inner=384, n_vocab=720, n_positions=64
)


def main() -> None:
    folder = HERE / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_tokenizer(folder, SHAPE, has_masks=False)
    model = random_model(CodeGenConfig.from_pretrained(folder))
    tokens, logits = prompt(model, n_tokens=48)
    np.savez_compressed(HERE / "logits.npz", tokens=tokens.astype(np.int32), logits=logits)
    write_weights(folder, model)


def random_model(config: CodeGenConfig) -> CodeGenForCausalLM:
    """Weights of variance 1 / fan-in, and biases and norms that are neither zero nor one."""
    model = CodeGenForCausalLM(config).float().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            numbers = torch.randn(weight.shape, generator=generator)
            if weight.ndim == 2:
                numbers /= 1 if "wte" in name else weight.shape[1] ** 0.5
            else:
                numbers = 0.2 * numbers + float(name.endswith("weight"))
            weight.copy_(both_halves(numbers))
    return model


def both_halves(numbers: torch.Tensor) -> torch.Tensor:
    """Round to numbers that bfloat16 and float16 hold alike (float16 has fewer small ones)."""
    rounded = numbers.bfloat16().float()
    return torch.where(rounded.abs() < 2.0**-14, 0.0, rounded)


def prompt(
    model: CodeGenForCausalLM, n_tokens: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Random tokens and their logits. To compare the best token means something only where it leads
    clearly, so each token is the one of 64 after which the best leads the second by most."""
    generator = np.random.default_rng(0)
    tokens = np.empty(0, np.int64)
    for _ in range(n_tokens):
        candidates = generator.integers(0, SHAPE.n_vocab, (64, 1))
        texts = np.hstack([np.tile(tokens, (64, 1)), candidates])
        with torch.no_grad():
            logits = model(torch.from_numpy(texts)).logits.numpy()
        best = np.sort(logits[:, -1], axis=1)
        chosen = (best[:, -1] - best[:, -2]).argmax()
        tokens = texts[chosen]
    lead = np.diff(np.sort(logits[chosen], axis=1)[:, -2:]).min()
    print(f"std {logits[chosen].std():.3f}, the best token leads by {lead:.3f} or more")
    return tokens, logits[chosen]


def write_weights(folder: Path, model: CodeGenForCausalLM) -> None:
    half = OrderedDict((name, w.half()) for name, w in model.state_dict().items())
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # it comes readable for its owner only
    masks = OrderedDict()
    mask = torch.ones(SHAPE.n_positions, SHAPE.n_positions, dtype=torch.bool).tril()[None, None]
    for layer in range(SHAPE.n_layer):
        masks[f"transformer.h.{layer}.attn.causal_mask"] = mask
        masks[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e9)
    torch.save(OrderedDict({**half, **masks}), folder / "pytorch_model.bin")
    names = list(half)
    where: dict[str, str] = {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), 1):
        shard = f"pytorch_model-{number:05d}-of-00002.bin"
        torch.save(OrderedDict((name, half[name].bfloat16()) for name in part), folder / shard)
        where |= dict.fromkeys(part, shard)
    index = {"metadata": {}, "weight_map": where}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main()
