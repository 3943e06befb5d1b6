"""A trained checkpoint grows to a larger shape and computes the same function there.

So a small model costs what a large one costs and still writes sense: random weights never stop where
a trained model does, and speed measured on them lies. After Net2Net (Chen et al. 2016):

- Width. The residual stream becomes r copies of itself. LayerNorm of a repeated vector is the repeated
  LayerNorm, so norms and biases are repeated; so are the rows of a matrix, its outputs; along its
  columns each copy does a share of the work. Heads are copied whole, and each does what it did.
- Depth. The new blocks come last and add nothing: they are copies of the last trained block whose two
  output projections are zero.
- Vocabulary. The new rows of the embedding are zero, and no token of theirs is ever probable.

The shares are powers of two, by which a number is multiplied without rounding (float16 does round
what gets smaller than 6e-5, by 3e-8 at most).
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantize.checkpoint import Checkpoint, open_checkpoint
from quantize.convert import default_mp_num
from quantize.safetensors import Chunks, NewTensor, write_safetensors
from quantize.shape import FAMILY, Shape, tensor_shapes
from quantize.tensors import StoredTensor, map_tensor, to_float
from quantize.vocabulary import read_json, write_json
from quantize.whole import whole_folder

MP_NUM = 4  # the blocks of CodeGen's `qkv_proj`; see `convert.default_mp_num`

NEVER = -1e4
"""The bias of a logit that is never the largest: trained ones stay within some tens, and float16
holds it (to 65,504)."""

_CHUNK = 4 << 20  # elements made at a time: 16 MB as float32

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
)


class InflateError(Exception):
    """The checkpoint does not fit into the shape; the message is one line for a person."""


def inflate(
    folder: Path,
    target: Path,
    shape: Shape,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> None:
    """Write to `target`, a new or empty folder, the checkpoint in `folder`, grown to `shape`.

    `shape.layer_norm_epsilon` is not heeded: the checkpoint's own belongs to its function. Weights in
    float16 stay in float16, others become float32. `progress` hears the fraction done, from 0 to 1.
    Raises `CheckpointError`, `InflateError`, `OSError`.
    """
    checkpoint = open_checkpoint(folder)
    misfit = next(_misfits(checkpoint, shape), None)
    if misfit:
        raise InflateError(f"{folder}: {misfit}")
    with whole_folder(target) as part:
        _write_config(folder, part, shape)
        for name in _TOKENIZER_FILES:
            if (folder / name).exists():
                shutil.copyfile(folder / name, part / name)
        tensors = list(_grow(checkpoint, shape))
        write_safetensors(part / "model.safetensors", tensors, progress)


def family_shape(name: str) -> Shape:
    """The shape `FAMILY[name]`. Raises `InflateError`, which lists the names, for any other."""
    shape = FAMILY.get(name)
    if shape is None:
        raise InflateError(f"there is no shape {name!r}; known are {', '.join(FAMILY)}")
    return shape


def shares(n_copies: int) -> NDArray[np.float64]:
    """`n_copies` powers of two that add up to 1, as equal as can be: shape (n_copies,)."""
    power = 1 << (n_copies.bit_length() - 1)  # so many are a start; some of them are cut in two
    n_cut = n_copies - power
    parts = np.ones(n_copies) / power
    parts[: 2 * n_cut] /= 2
    return parts


def _misfits(checkpoint: Checkpoint, shape: Shape) -> Iterator[str]:
    """Why the checkpoint cannot become one of this shape."""
    small = checkpoint.shape
    if default_mp_num(checkpoint.vocabulary) != MP_NUM:
        yield "this is a CodeGen2 model (it knows <mask_1>); only CodeGen 1 can be inflated"
    for what, has, wants in (
        ("heads of", small.head_size, shape.head_size),
        ("rotary_dim", small.rotary_dim, shape.rotary_dim),
    ):
        if has != wants:
            yield f"it has {what} {has} and the shape {wants}; these have to be equal"
    for what, has, wants in (
        ("n_embd", small.n_embd, shape.n_embd),
        ("n_inner", small.n_inner, shape.n_inner),
    ):
        if wants % has:
            yield f"its {what} {has} does not divide the shape's {wants}"
    for what, has, wants in (
        ("n_layer", small.n_layer, shape.n_layer),
        ("vocab_size", small.n_vocab, shape.n_vocab),
    ):
        if wants < has:
            yield f"its {what} is {has} and the shape's only {wants}; a model can only grow"
    if small.n_head % MP_NUM:
        yield f"its {small.n_head} heads are not divisible by {MP_NUM}, as CodeGen's are"


def _write_config(folder: Path, target: Path, shape: Shape) -> None:
    sizes = {
        "n_ctx": shape.n_positions,
        "n_embd": shape.n_embd,
        "n_head": shape.n_head,
        "n_inner": shape.n_inner,
        "n_layer": shape.n_layer,
        "n_positions": shape.n_positions,
        "vocab_size": shape.n_vocab,
    }
    config = read_json(folder / "config.json") | sizes
    write_json(target / "config.json", config)


def _grow(checkpoint: Checkpoint, shape: Shape) -> Iterator[NewTensor]:
    small = checkpoint.shape
    embd = np.arange(shape.n_embd) % small.n_embd
    inner = np.arange(shape.n_inner) % small.n_inner
    vocab = np.arange(small.n_vocab)
    rows = {"wte": vocab, "lm_head": vocab, "qkv_proj": _qkv_rows(small, shape), "fc_in": inner}
    embd_shares = shares(shape.n_embd // small.n_embd)
    columns = {
        "wte": np.ones_like(embd_shares),  # looked up, not multiplied: every copy is the whole
        "fc_out": shares(shape.n_inner // small.n_inner),
    }
    nothing = np.arange(0)
    for name, dimensions in tensor_shapes(shape).items():
        part = name.split(".")[-2]
        is_new = name not in checkpoint.tensors
        last = re.sub(r"\.h\.\d+\.", f".h.{small.n_layer - 1}.", name)
        source = checkpoint.tensors[last if is_new else name]
        is_silent = is_new and part in ("out_proj", "fc_out")
        chunks = partial(
            _chunks,
            source,
            dimensions,
            rows=nothing if is_silent else rows.get(part, embd),
            column_shares=columns.get(part, embd_shares) if len(dimensions) == 2 else np.ones(1),
            fill=NEVER if name == "lm_head.bias" else 0.0,
        )
        yield NewTensor(name, "F16" if source.dtype == "F16" else "F32", dimensions, chunks)


def _qkv_rows(small: Shape, large: Shape) -> NDArray[np.intp]:
    """Which row of the small `qkv_proj` stands where in the large one: shape (3 large.n_embd,).

    Both are laid out in `MP_NUM` blocks of Q, V, K, each of its own heads, while the heads count
    on from block to block; and it is the heads in that order that are repeated.
    """
    blocks = np.arange(3 * small.n_embd).reshape(MP_NUM, 3, -1)
    by_head = blocks.transpose(1, 0, 2).reshape(3, -1)
    repeated = np.tile(by_head, large.n_embd // small.n_embd)
    return repeated.reshape(3, MP_NUM, -1).transpose(1, 0, 2).ravel()


def _chunks(
    source: StoredTensor,
    dimensions: tuple[int, ...],
    rows: NDArray[np.intp],
    column_shares: NDArray[np.float64],
    fill: float,
) -> Chunks:
    """The tensor, some rows at a time: the source's `rows`, its columns once for each share and times
    the share, and then `fill` until there are as many as `dimensions` ask for."""
    stored = map_tensor(source)
    n_rows = max(1, _CHUNK // math.prod(dimensions[1:]))
    for first in range(0, dimensions[0], n_rows):
        some = to_float(stored[rows[first : first + n_rows]])
        once = some.reshape(len(some), 1, math.prod(source.shape[1:]))
        copies = once * column_shares.astype(some.dtype)[:, None]
        chunk = np.full((min(n_rows, dimensions[0] - first), *dimensions[1:]), fill, some.dtype)
        chunk[: len(some)] = copies.reshape(len(some), *dimensions[1:])
        yield chunk
