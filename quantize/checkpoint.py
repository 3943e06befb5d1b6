"""A CodeGen checkpoint in the Hugging Face layout: its shape, its vocabulary, where its tensors lie.

    config.json
    model.safetensors, or pytorch_model.bin, or several of either and an index that names them
    tokenizer.json, or vocab.json + merges.txt + added_tokens.json

Opening reads the descriptions and checks them against each other; the weights stay on the disk
until `tensors.map_tensor` is asked for one. No torch, and no code from the checkpoint runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantize.shape import Shape, parse_config, tensor_shapes
from quantize.tensors import DTYPES, StoredTensor, read_tensors
from quantize.vocabulary import END_OF_TEXT, Vocabulary, read_json, read_vocabulary

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The names of the weights, the better format first; an index is the name and `.index.json`."""

_MASK = re.compile(r"transformer\.h\.\d+\.attn\.(bias|masked_bias|causal_mask)")
"""Buffers that older versions of transformers saved: the causal mask, which needs no weights."""


class CheckpointError(Exception):
    """The checkpoint cannot be used; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a folder holds. `tensors` has exactly the names and shapes of `tensor_shapes(shape)`;
    `end_of_text` is the id of the token that begins and ends each text in training."""

    name: str
    shape: Shape
    vocabulary: Vocabulary
    end_of_text: int
    tensors: Mapping[str, StoredTensor]


def open_checkpoint(folder: Path) -> Checkpoint:
    """Describe the checkpoint in `folder`. Raises `CheckpointError` when a file is missing, damaged
    or of another model, and when its parts disagree; `OSError` when a file cannot be read."""
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder; give the folder that holds config.json")
    if not (folder / "config.json").exists():
        raise CheckpointError(f"{folder}: no config.json there, so no Hugging Face checkpoint")
    with _about(folder):
        config = read_json(folder / "config.json")
    with _about(folder / "config.json"):
        shape = parse_config(config)
    with _about(folder):
        vocabulary = read_vocabulary(folder)
        end_of_text = _end_of_text(config, vocabulary)
    if vocabulary.n_ids > shape.n_vocab:
        raise CheckpointError(
            f"{folder}: the tokenizer has ids up to {vocabulary.n_ids - 1}, but the embedding only"
            f" {shape.n_vocab} rows (vocab_size); tokenizer and weights are of different models"
        )
    tensors = _find_tensors(folder)
    with _about(folder):
        return Checkpoint(
            folder.resolve().name, shape, vocabulary, end_of_text, _select(tensors, shape)
        )


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Say which file a complaint is about."""
    try:
        yield
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _end_of_text(config: Mapping[str, Any], vocabulary: Vocabulary) -> int:
    """The tokenizer's word counts: the published config.json gives `bos_token_id` 1, which is `"`."""
    token_id = vocabulary.id_of(END_OF_TEXT)
    if token_id is None:
        token_id = config.get("eos_token_id")
    if not isinstance(token_id, int) or not 0 <= token_id < vocabulary.n_ids:
        raise ValueError(f"neither the tokenizer has {END_OF_TEXT} nor config.json an eos_token_id")
    return token_id


def _find_tensors(folder: Path) -> dict[str, StoredTensor]:
    for name in WEIGHTS:
        if (folder / name).exists():
            with _about(folder / name):
                return read_tensors(folder / name)
        if (folder / f"{name}.index.json").exists():
            return _read_shards(folder, name)
    raise CheckpointError(f"{folder}: no weights there; expected {' or '.join(WEIGHTS)}, or shards")


def _read_shards(folder: Path, name: str) -> dict[str, StoredTensor]:
    index = folder / f"{name}.index.json"
    with _about(folder):
        where = read_json(index).get("weight_map")
    if not isinstance(where, dict) or not where:
        raise CheckpointError(f"{index}: it has no weight_map, so it is no index of shards")
    shards = {str(shard) for shard in where.values()}
    stem, suffix = name.split(".")
    for shard in sorted({path.name for path in folder.glob(f"{stem}-*-of-*.{suffix}")} - shards):
        raise CheckpointError(f"{index}: it does not name the shard {shard} that lies beside it")
    tensors: dict[str, StoredTensor] = {}
    for shard in sorted(shards):
        # An index names its neighbours; anything else would have us read outside of the folder.
        if Path(shard).name != shard or not (folder / shard).is_file():
            raise CheckpointError(f"{index}: it names the shard {shard}, which is not there")
        with _about(folder / shard):
            tensors |= read_tensors(folder / shard)
    for tensor, shard in where.items():
        if tensor not in tensors:
            raise CheckpointError(f"{index}: the tensor {tensor} is not in {shard}, as it says")
    return tensors


def _select(tensors: Mapping[str, StoredTensor], shape: Shape) -> dict[str, StoredTensor]:
    """The model's tensors out of all stored ones, each of a type and a shape that we can use."""
    selected = {}
    for name, expected in tensor_shapes(shape).items():
        tensor = tensors.get(name)
        if tensor is None:
            raise ValueError(f"the tensor {name} is missing in the weights")
        if tensor.shape != expected:
            raise ValueError(
                f"the tensor {name} has the shape {list(tensor.shape)}, but config.json asks for"
                f" {list(expected)}"
            )
        if tensor.dtype not in DTYPES:
            raise ValueError(f"the tensor {name} is {tensor.dtype}, not one of {', '.join(DTYPES)}")
        selected[name] = tensor
    for name in tensors:
        if name not in selected and not _MASK.fullmatch(name):
            raise ValueError(f"the tensor {name} is not one that CodeGen has")
    return selected
