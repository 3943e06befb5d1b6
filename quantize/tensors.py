"""Where the tensors of a weights file lie: safetensors and PyTorch files, read without torch.

Nothing is loaded here. A `StoredTensor` says where the numbers are, and `map_tensor` maps them into
memory, so that a conversion never holds more than it works on. All errors are `ValueError`s that
do not repeat the file's name; checkpoint.py, which knows it, translates them.

A PyTorch file is a zip whose `data.pkl` may name any Python function to be called while it is read.
The unpickler below knows tensors and the dictionary around them and refuses every other name, so
that a checkpoint is data and nothing else.
"""

from __future__ import annotations

import json
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # the upper half of a float32; numpy has no type for it
}
"""The element types that weights may have, under their safetensors names. Tensors of other types
are listed and may be skipped (causal masks are), but not mapped."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file: `offset` in bytes from the file's beginning, `strides` in elements."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


def read_tensors(path: Path) -> dict[str, StoredTensor]:
    """What lies where in a `.safetensors` or a PyTorch file. Raises `ValueError`, `OSError`."""
    with path.open("rb") as file:
        if file.read(64).startswith(b"version https://git-lfs"):
            raise ValueError(
                "is a Git LFS pointer, not the weights; fetch them with 'git lfs pull'"
            )
    reader = _read_safetensors if path.suffix == ".safetensors" else _read_pytorch
    tensors = reader(path)
    size = path.stat().st_size
    for name, tensor in tensors.items():
        if tensor.dtype in DTYPES and tensor.offset + _n_bytes(tensor) > size:
            raise ValueError(f"is truncated: the tensor {name} reaches past the end of the file")
    return tensors


def map_tensor(tensor: StoredTensor) -> NDArray[Any]:
    """The stored elements, read from disk as they are touched. bfloat16 comes as uint16."""
    flat = np.memmap(
        tensor.path,
        dtype=DTYPES[tensor.dtype],
        mode="r",
        offset=tensor.offset,
        shape=(_span(tensor),),
    )
    strides = [stride * flat.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)


def to_float(stored: NDArray[Any]) -> NDArray[Any]:
    """Numbers from what `map_tensor` gave: float16 and float32 as they are, bfloat16 as float32."""
    if stored.dtype != DTYPES["BF16"]:
        return stored
    return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _span(tensor: StoredTensor) -> int:
    """Elements from the first to the last, both included."""
    steps = zip(tensor.shape, tensor.strides, strict=True)
    return 1 + sum((n - 1) * stride for n, stride in steps)


def _n_bytes(tensor: StoredTensor) -> int:
    return _span(tensor) * DTYPES[tensor.dtype].itemsize


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


# --- safetensors: the header's length (u64), the header (JSON), the data


def _read_safetensors(path: Path) -> dict[str, StoredTensor]:
    size = path.stat().st_size
    with path.open("rb") as file:
        n_header = int.from_bytes(file.read(8), "little")
        if size < 8 or n_header > size - 8:
            raise ValueError("is truncated or no safetensors file")
        header = json.loads(file.read(n_header))
    if not isinstance(header, dict):
        raise ValueError("is no safetensors file: its header is not an object")
    header.pop("__metadata__", None)
    try:
        return {name: _safetensor(path, 8 + n_header, entry) for name, entry in header.items()}
    except (KeyError, TypeError) as error:
        raise ValueError(f"has a damaged safetensors header ({error})") from error


def _safetensor(path: Path, data: int, entry: dict[str, Any]) -> StoredTensor:
    shape = tuple(int(n) for n in entry["shape"])
    begin, end = entry["data_offsets"]
    tensor = StoredTensor(path, str(entry["dtype"]), shape, _contiguous(shape), data + int(begin))
    if tensor.dtype in DTYPES and (min((0, begin, *shape)) < 0 or end - begin != _n_bytes(tensor)):
        raise ValueError("has a damaged safetensors header (a tensor's size contradicts its shape)")
    return tensor


# --- PyTorch: a zip, uncompressed, of one pickle and one file for each tensor's storage


@dataclass(frozen=True, slots=True)
class _Storage:
    """A run of elements in the zip, and which type they have."""

    key: str
    dtype: str


_STORAGES = {
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "DoubleStorage": "F64",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}


def _read_pytorch(path: Path) -> dict[str, StoredTensor]:
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_archive(path, archive)
    except (zipfile.BadZipFile, struct.error) as error:
        raise ValueError(
            "is truncated, or no PyTorch file of version 1.6 or later (those are zip files)"
        ) from error


def _read_archive(path: Path, archive: zipfile.ZipFile) -> dict[str, StoredTensor]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickled = next((name for name in entries if name.endswith("/data.pkl")), None)
    if pickled is None:
        raise ValueError("is a zip file without data.pkl, so no PyTorch file")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise ValueError("is a compressed zip; PyTorch stores tensors uncompressed")
    prefix = pickled.removesuffix("data.pkl")
    if f"{prefix}byteorder" in entries and archive.read(f"{prefix}byteorder") != b"little":
        raise ValueError("was saved on a big-endian machine, which is not supported")
    with archive.open(pickled) as file:
        state = _unpickle(file)
    with path.open("rb") as file:
        return {
            name: _locate(path, file, entries.get(f"{prefix}data/{tensor.storage.key}"), tensor)
            for name, tensor in state.items()
        }


def _locate(
    path: Path, file: IO[bytes], entry: zipfile.ZipInfo | None, tensor: _PickledTensor
) -> StoredTensor:
    """Where in the file a tensor of the pickle lies: past its zip entry's own header, whose length
    only that header knows (PyTorch pads it to align the data)."""
    if entry is None:
        raise ValueError(f"is damaged: the storage {tensor.storage.key} is missing in it")
    file.seek(entry.header_offset)
    header = file.read(30)
    n_name, n_extra = struct.unpack("<26x2H", header)
    data = entry.header_offset + len(header) + n_name + n_extra
    dtype = tensor.storage.dtype
    item_size = DTYPES[dtype].itemsize if dtype in DTYPES else 0
    stored = StoredTensor(
        path, dtype, tensor.shape, tensor.strides, data + tensor.first * item_size
    )
    if dtype in DTYPES and tensor.first * item_size + _n_bytes(stored) > entry.file_size:
        raise ValueError("is damaged: a tensor reaches past the end of its storage")
    return stored


@dataclass(frozen=True, slots=True)
class _PickledTensor:
    """A tensor as the pickle describes it: `first` element, shape and strides in its storage."""

    storage: _Storage
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _unpickle(file: IO[bytes]) -> dict[str, _PickledTensor]:
    try:
        state = _TensorUnpickler(file).load()
    except _RefusalError:
        raise
    except Exception as error:
        # A damaged pickle fails in whatever way its bytes happen to say: IndexError, TypeError...
        raise ValueError(f"holds a damaged pickle ({error})") from error
    if not isinstance(state, dict):
        raise ValueError("is no checkpoint: its pickle is not a dictionary of tensors")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, _PickledTensor):
            raise ValueError(f"is no checkpoint: its entry {name!r} is not a tensor")
    return state


class _RefusalError(ValueError):
    """The pickle is readable, and asks for what no checkpoint needs."""


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler whose whole world is tensors, their storages and the dictionary of them.

    The names are answered with values and bound methods of ours: a pickle may set attributes of what
    it holds, and neither lets it.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return self._rebuild_parameter
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise _RefusalError(
            f"asks to run '{module}.{name}', which is refused: a checkpoint holds only tensors"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, _n_elements = pid
        if kind != "storage" or dtype not in _STORAGES.values():
            raise _RefusalError(f"holds a persistent {kind!r}, which is no tensor storage")
        return _Storage(str(key), dtype)

    def _rebuild_tensor(
        self, storage: _Storage, first: int, shape: Any, strides: Any, *_autograd: object
    ) -> _PickledTensor:
        numbers = (first, *shape, *strides)
        if not isinstance(storage, _Storage) or min(numbers) < 0 or len(shape) != len(strides):
            raise _RefusalError("holds a tensor with a senseless shape or storage")
        return _PickledTensor(storage, int(first), tuple(map(int, shape)), tuple(map(int, strides)))

    def _rebuild_parameter(self, tensor: _PickledTensor, *_autograd: object) -> _PickledTensor:
        return tensor
