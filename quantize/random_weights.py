"""A checkpoint of any CodeGen shape with random weights, so that speed can be measured and tests run
without a download.

It writes no sense, but costs what the real model costs, and it is complete: config.json, weights in
float16 (written piece by piece, so that 16B needs no 32 GB of memory), and a small byte-level
tokenizer with CodeGen's whitespace tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

# Here and not at its first use: numpy loads it late, and its compiled modules swallow a Ctrl-C that
# arrives while they load (one in five did, right after the bar appeared).
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from quantize.safetensors import Chunks, NewTensor, write_safetensors
from quantize.shape import FAMILY, Shape, config_of, tensor_shapes
from quantize.vocabulary import END_OF_TEXT, byte_alphabet, write_json
from quantize.whole import whole_folder

_CHUNK = 4 << 20  # random numbers made at a time: 16 MB as float32

_WORDS = (
    "def return self if else elif for in not is None True False import from class try except raise"
    " with as while and or assert yield lambda pass break continue print len range name value path"
    " file open read write list dict str int float key item items index data result args kwargs"
    " type error append format string line text test init main async await"
)
"""Frequent words of Python; each becomes a token of its own, alone and after a space."""


class RandomError(Exception):
    """There is no such shape; the message is one line for a person."""


def write_random(
    shape_name: str,
    folder: Path,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> None:
    """Write a checkpoint of the shape `FAMILY[shape_name]` to `folder`, which is new or empty.

    The same seed gives the same weights. `progress` hears the fraction done, from 0 to 1. Raises
    `RandomError` for an unknown name, `OSError` when the folder cannot be written.
    """
    shape = FAMILY.get(shape_name)
    if shape is None:
        raise RandomError(f"there is no shape {shape_name!r}; known are {', '.join(FAMILY)}")
    with whole_folder(folder) as part:
        write_tokenizer(part, shape, has_masks=shape_name.startswith("codegen2"))
        write_weights(part / "model.safetensors", shape, seed, progress)


def write_tokenizer(folder: Path, shape: Shape, has_masks: bool) -> None:
    """Write config.json and a tokenizer whose first 256 ids are the bytes. `has_masks` fills the rest of
    the vocabulary with the tokens of CodeGen2, `<mask_1>` being the last."""
    tokens, merges = _byte_pairs()
    vocabulary = {text: token_id for token_id, text in enumerate([*tokens, END_OF_TEXT])}
    runs = [" " * n for n in range(31, 1, -1)] + ["\t" * n for n in range(9, 1, -1)]
    added = {text: token_id for token_id, text in enumerate(runs, len(vocabulary))}
    if has_masks:
        first = len(vocabulary) + len(added)
        masks = [f"<mask_{n}>" for n in range(shape.n_vocab - first - 2, 0, -1)]
        added |= {text: token_id for token_id, text in enumerate(["<sep>", "<eom>", *masks], first)}
    write_json(folder / "config.json", config_of(shape, vocabulary[END_OF_TEXT]))
    write_json(folder / "vocab.json", vocabulary)
    write_json(folder / "added_tokens.json", added)
    specials = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT)
    write_json(folder / "special_tokens_map.json", specials)
    write_json(
        folder / "tokenizer_config.json",
        {"add_prefix_space": False, "tokenizer_class": "CodeGenTokenizer", **specials},
    )
    lines = ["#version: 0.2", *merges]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _byte_pairs() -> tuple[list[str], list[str]]:
    """The bytes, and merges that build each word from its left end: d + e, de + f."""
    alphabet = byte_alphabet()
    tokens = dict.fromkeys(alphabet)  # a dictionary keeps the order and drops what is there twice
    merges: dict[str, None] = {}
    for word in _WORDS.split():
        for text in (word, alphabet[ord(" ")] + word):
            for end in range(1, len(text)):
                merges[f"{text[:end]} {text[end]}"] = None
                tokens[text[: end + 1]] = None
    return list(tokens), list(merges)


def write_weights(path: Path, shape: Shape, seed: int, progress: Callable[[float], None]) -> None:
    """Write random weights of `shape` to a safetensors file, in float16."""
    generator = default_rng(seed)
    tensors = [
        NewTensor(name, "F16", dimensions, partial(_chunks, generator, name, dimensions))
        for name, dimensions in tensor_shapes(shape).items()
    ]
    write_safetensors(path, tensors, progress)


def _chunks(generator: Generator, name: str, dimensions: tuple[int, ...]) -> Chunks:
    for first in range(0, math.prod(dimensions), _CHUNK):
        n_numbers = min(_CHUNK, math.prod(dimensions) - first)
        yield _random(generator, n_numbers, name, dimensions)


def _random(
    generator: Generator, n_numbers: int, name: str, dimensions: tuple[int, ...]
) -> NDArray[np.float16]:
    """Normal numbers, scaled so that every layer keeps its input's variance (1 / fan-in: LeCun et al.
    1998, "Efficient BackProp", 4.6) and logits have a standard deviation near 1. Biases are small
    but not zero, and norms not one, so that a conversion that loses them does not go unseen."""
    numbers = generator.standard_normal(n_numbers, dtype=np.float32)
    if name == "transformer.wte.weight":
        scaled = numbers
    elif len(dimensions) == 2:
        scaled = numbers / np.float32(math.sqrt(dimensions[1]))
    else:
        is_norm = name.endswith("weight")
        scaled = np.float32(is_norm) + np.float32(0.1) * numbers
    return scaled.astype(np.float16)
