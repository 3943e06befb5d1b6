"""The shape of a CodeGen model: what its config.json says and which tensors follow from that.

Also the published family, of whose shapes random_weights.py makes up checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """All sizes count elements; the names are those of config.json, `n_vocab` its `vocab_size`."""

    n_layer: int
    n_embd: int
    n_head: int
    rotary_dim: int
    n_inner: int
    n_vocab: int = 51200
    n_positions: int = 2048
    layer_norm_epsilon: float = 1e-5

    @property
    def head_size(self) -> int:
        return self.n_embd // self.n_head


FAMILY: dict[str, Shape] = {
    # The published models, after the configurations on their pages.
    "codegen-350M": Shape(n_layer=20, n_embd=1024, n_head=16, rotary_dim=32, n_inner=4096),
    "codegen-2B": Shape(n_layer=32, n_embd=2560, n_head=32, rotary_dim=64, n_inner=10240),
    "codegen-6B": Shape(n_layer=33, n_embd=4096, n_head=16, rotary_dim=64, n_inner=16384),
    "codegen-16B": Shape(n_layer=34, n_embd=6144, n_head=24, rotary_dim=64, n_inner=24576),
    "codegen2-1B": Shape(n_layer=16, n_embd=2048, n_head=16, rotary_dim=64, n_inner=8192),
    # For tests. 256 is the block of llama.cpp's K-quants: every type can be tried on these. Eight
    # heads, so that both qkv layouts (4 and 8 blocks) fit.
    "tiny": Shape(n_layer=2, n_embd=256, n_head=8, rotary_dim=16, n_inner=1024, n_vocab=1024),
    "codegen2-tiny": Shape(
        n_layer=2, n_embd=256, n_head=8, rotary_dim=16, n_inner=1024, n_vocab=1024
    ),
}


def parse_config(config: Mapping[str, Any]) -> Shape:
    """The shape that a config.json states. Raises `ValueError` for another architecture, for a
    missing or senseless size, and for sizes that do not fit together."""
    if config.get("model_type") != "codegen":
        found = config.get("model_type", "no model_type")
        raise ValueError(
            f"this is not a CodeGen model but {found!r}; only CodeGen can be converted"
        )
    if config.get("activation_function", "gelu_new") != "gelu_new":
        raise ValueError(
            f"activation_function is {config['activation_function']!r}, not 'gelu_new'"
        )
    n_embd = _size(config, "n_embd")
    shape = Shape(
        n_layer=_size(config, "n_layer"),
        n_embd=n_embd,
        n_head=_size(config, "n_head"),
        rotary_dim=_size(config, "rotary_dim"),
        n_inner=4 * n_embd if config.get("n_inner") is None else _size(config, "n_inner"),
        n_vocab=_size(config, "vocab_size"),
        n_positions=_size(config, "n_positions"),
        layer_norm_epsilon=_number(config, "layer_norm_epsilon", 1e-5),
    )
    if shape.n_embd % shape.n_head:
        raise ValueError(f"n_embd {shape.n_embd} is not divisible by n_head {shape.n_head}")
    if shape.rotary_dim % 2 or shape.rotary_dim > shape.head_size:
        raise ValueError(
            f"rotary_dim {shape.rotary_dim} is odd or more than the head size {shape.head_size}"
        )
    return shape


def config_of(shape: Shape, end_of_text: int) -> dict[str, Any]:
    """The config.json of a float16 checkpoint of this shape, the inverse of `parse_config`.
    `end_of_text` is the id of the token that begins and ends a text."""
    return {
        "architectures": ["CodeGenForCausalLM"],
        "model_type": "codegen",
        "activation_function": "gelu_new",
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "dtype": "float16",
        "layer_norm_epsilon": shape.layer_norm_epsilon,
        "n_ctx": shape.n_positions,
        "n_positions": shape.n_positions,
        "n_embd": shape.n_embd,
        "n_head": shape.n_head,
        "n_inner": shape.n_inner,
        "n_layer": shape.n_layer,
        "rotary_dim": shape.rotary_dim,
        "tie_word_embeddings": False,
        "vocab_size": shape.n_vocab,
    }


def tensor_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every tensor of a checkpoint of this shape, (rows, columns) of a matrix being (out, in)."""
    embd, inner, vocab = shape.n_embd, shape.n_inner, shape.n_vocab
    tensors: dict[str, tuple[int, ...]] = {"transformer.wte.weight": (vocab, embd)}
    for layer in range(shape.n_layer):
        block = f"transformer.h.{layer}"
        tensors |= {
            f"{block}.ln_1.weight": (embd,),
            f"{block}.ln_1.bias": (embd,),
            f"{block}.attn.qkv_proj.weight": (3 * embd, embd),
            f"{block}.attn.out_proj.weight": (embd, embd),
            f"{block}.mlp.fc_in.weight": (inner, embd),
            f"{block}.mlp.fc_in.bias": (inner,),
            f"{block}.mlp.fc_out.weight": (embd, inner),
            f"{block}.mlp.fc_out.bias": (embd,),
        }
    return tensors | {
        "transformer.ln_f.weight": (embd,),
        "transformer.ln_f.bias": (embd,),
        "lm_head.weight": (vocab, embd),
        "lm_head.bias": (vocab,),
    }


def _size(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{key} should be a positive whole number and is {value!r}")
    return value


def _number(config: Mapping[str, Any], key: str, default: float) -> float:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(f"{key} should be a number between 0 and 1 and is {value!r}")
    return float(value)
