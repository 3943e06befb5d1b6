"""A safetensors file, written piece by piece, so that no tensor needs to fit into memory.

The header's length (u64), the header (JSON), then the tensors, one after another. What a reader
makes of it stands in tensors.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from quantize.tensors import DTYPES

Chunks = Iterable[NDArray[Any]]


@dataclass(frozen=True, slots=True)
class NewTensor:
    """A tensor to write: `dtype` is a key of `DTYPES`; `chunks` makes its rows, some at a time, in
    that type and contiguous."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    chunks: Callable[[], Chunks]

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


def write_safetensors(
    path: Path, tensors: Sequence[NewTensor], progress: Callable[[float], None]
) -> None:
    """Write `tensors` in this order. `progress` hears the fraction done, from 0 to 1."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        begin, end = end, end + tensor.n_bytes
        offsets = [begin, end]
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": offsets,
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the data is aligned
    n_done = 0
    progress(0.0)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors:
            for chunk in tensor.chunks():
                file.write(chunk.data)
                n_done += chunk.nbytes
                progress(n_done / end)
