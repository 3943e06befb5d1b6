"""A GGUF file that `convert` made becomes a Hugging Face checkpoint again.

So the checkpoint of a model that is kept as GGUF only, such as the embedded one, can be had again: to
train it further, to inflate it, or to quantize it in another way. From f16 and f32 files the numbers
are those of the checkpoint; quantized ones come back as what llama.cpp takes them for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, GGUFReader, ReaderTensor, TokenType, dequantize, get_tensor_name_map
from numpy.typing import NDArray

from quantize.convert import ConvertError, default_mp_num, qkv_order
from quantize.safetensors import Chunks, NewTensor, write_safetensors
from quantize.shape import Shape, config_of, parse_config, tensor_shapes
from quantize.vocabulary import END_OF_TEXT, Vocabulary, write_json
from quantize.whole import whole_folder

_CHUNK = 4 << 20  # elements restored at a time: 16 MB as float32


class RestoreError(Exception):
    """The file holds no CodeGen model that can be restored; the message is one line for a person."""


def restore(
    source: Path,
    folder: Path,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> None:
    """Write to `folder`, which is new or empty, the checkpoint that the GGUF file `source` holds.

    Weights become float16; `qkv_proj` has 4 blocks in CodeGen and 8 in CodeGen2, whatever it had
    before. `progress` hears the fraction done, from 0 to 1. Raises `RestoreError`, `OSError`.
    """
    try:
        reader = _open(source)
        config = _config(reader)
        shape = parse_config(config)
        vocabulary = _vocabulary(reader)
        mp_num = default_mp_num(vocabulary)
        tensors = list(_plan(reader, shape, np.argsort(qkv_order(shape, mp_num))))
        with whole_folder(folder) as part:
            write_json(part / "config.json", config)
            _write_tokenizer(part, vocabulary)
            write_safetensors(part / "model.safetensors", tensors, progress)
    except (ValueError, ConvertError) as error:
        raise RestoreError(f"{source}: {error}") from error


def _open(source: Path) -> GGUFReader:
    try:
        reader = GGUFReader(source)
    except OSError:
        raise
    except Exception as error:
        # A damaged file fails in whatever way its bytes happen to say: IndexError, KeyError...
        raise ValueError("this is no GGUF file, or not all of one") from error
    architecture = _value(reader, "general.architecture")
    if architecture != "phi2":
        raise ValueError(f"this is a {architecture} model; CodeGen models are laid out as phi2")
    for tensor in reader.tensors:
        if tensor.name.endswith(("attn_qkv.bias", "attn_output.bias")) and tensor.data.any():
            raise ValueError(
                f"this is a real Phi-2, not CodeGen, which has no biases such as {tensor.name}"
            )
    return reader


def _value(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    if field is None:
        raise ValueError(f"the key {key} is missing, so this file is not one that 'convert' made")
    return field.contents()


def _config(reader: GGUFReader) -> dict[str, Any]:
    """The content of config.json."""
    epsilon = np.float32(_value(reader, "phi2.attention.layer_norm_epsilon"))
    shape = Shape(
        n_layer=_value(reader, "phi2.block_count"),
        n_embd=_value(reader, "phi2.embedding_length"),
        n_head=_value(reader, "phi2.attention.head_count"),
        rotary_dim=_value(reader, "phi2.rope.dimension_count"),
        n_inner=_value(reader, "phi2.feed_forward_length"),
        n_vocab=len(_value(reader, "tokenizer.ggml.tokens")),
        n_positions=_value(reader, "phi2.context_length"),
        layer_norm_epsilon=float(str(epsilon)),  # 1e-05 again, not the float32 beside it
    )
    return config_of(shape, _value(reader, "tokenizer.ggml.eos_token_id"))


def _vocabulary(reader: GGUFReader) -> Vocabulary:
    """The inverse of `convert.token_table`. The end of text is a token of the BPE vocabulary, as in
    every published tokenizer; padding is no token."""
    texts = _value(reader, "tokenizer.ggml.tokens")
    types = _value(reader, "tokenizer.ggml.token_type")
    merges = _value(reader, "tokenizer.ggml.merges")
    end_of_text = _value(reader, "tokenizer.ggml.eos_token_id")
    tokens, added = {}, {}
    for token_id, (text, kind) in enumerate(zip(texts, types, strict=True)):
        if kind == TokenType.NORMAL or token_id == end_of_text:
            tokens[text] = token_id
        elif kind in (TokenType.USER_DEFINED, TokenType.CONTROL):
            added[text] = token_id
    return Vocabulary(tokens, tuple(merges), added)


def _plan(reader: GGUFReader, shape: Shape, qkv_rows: NDArray[np.intp]) -> Iterator[NewTensor]:
    """What to write. `qkv_rows` says which row of `attn_qkv` each one of `qkv_proj` is."""
    stored = {tensor.name: tensor for tensor in reader.tensors}
    names = get_tensor_name_map(MODEL_ARCH.PHI2, shape.n_layer)
    for name, dimensions in tensor_shapes(shape).items():
        # gguf's table has the names of GPT-J and GPT-2, which are CodeGen's but for this one.
        known = name.replace("attn.qkv_proj", "attn.c_attn")
        gguf_name = names.get_name(known, try_suffixes=(".weight", ".bias"))
        tensor = stored.get(gguf_name or "")
        if tensor is None:
            raise ValueError(f"the tensor {gguf_name} is missing")
        if tuple(reversed(tensor.shape.tolist())) != dimensions:
            raise ValueError(f"the tensor {gguf_name} has another size than the model's keys say")
        rows = qkv_rows if name.endswith("qkv_proj.weight") else np.arange(dimensions[0])
        yield NewTensor(name, "F16", dimensions, partial(_chunks, tensor, rows))


def _chunks(tensor: ReaderTensor, rows: NDArray[np.intp]) -> Chunks:
    """The tensor's `rows` in this order, some at a time, in float16."""
    n_rows = max(1, _CHUNK // math.prod(tensor.shape.tolist()[:-1]))
    for first in range(0, len(rows), n_rows):
        some = tensor.data[rows[first : first + n_rows]]
        try:
            numbers = dequantize(some, tensor.tensor_type)
        except NotImplementedError as error:
            kind = tensor.tensor_type.name
            raise ValueError(f"the tensor {tensor.name} is {kind}, which is not known") from error
        with np.errstate(over="ignore"):  # told in better words below
            chunk = numbers.astype(np.float16)
        if not np.isfinite(chunk).all():
            raise ValueError(f"the tensor {tensor.name} holds numbers that float16 cannot hold")
        yield chunk


def _write_tokenizer(folder: Path, vocabulary: Vocabulary) -> None:
    write_json(folder / "vocab.json", vocabulary.tokens)
    lines = ["#version: 0.2", *vocabulary.merges]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if vocabulary.added:
        write_json(folder / "added_tokens.json", vocabulary.added)
    specials = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT)
    write_json(folder / "special_tokens_map.json", specials)
