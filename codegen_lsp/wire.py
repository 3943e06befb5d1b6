"""What the server and its engine process say to each other: the messages, and their form in bytes.

A message is four bytes of length and a JSON array: its name, then its fields in the order of its class.
The classes below are the schema; whatever does not fit it to the letter is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Protocol, get_args, get_origin, get_type_hints

from codegen_lsp.engine import Footprint, Infill, Sampling, Stats, Token

# A document of a megabyte makes one or two; what claims to be longer than this is no message. Four
# letters that something else has written claim 500 MB or more.
MAX_SIZE = 256 * 1024 * 1024


class WireError(Exception):
    """What came is no message, or what should go is too long for one."""


@dataclass(frozen=True, slots=True)
class Load:
    """The first message to the process: load these weights. It answers `Ready` or `Failed`, with
    `Progress` before that; from now on it says `Alive` every `beat` seconds while it is at work."""

    path: str
    n_threads: int  # 0 to have them chosen, leaving `n_spare_cores` to others
    n_spare_cores: int
    n_gpu_layers: int
    n_ctx: int
    kv_mb: int
    exact: bool
    speculate: bool
    beat: float


@dataclass(frozen=True, slots=True)
class LogLevel:
    """From now on, say what is at least as important as `level` (one of logging's). No answer."""

    level: int


@dataclass(frozen=True, slots=True)
class Tokenize:
    """Answered by `Tokens` or `Failed`."""

    text: str


@dataclass(frozen=True, slots=True)
class Generate:
    """Answered by any number of `Token`s, then by `Stats` or `Failed`. Of a single
    candidate each is answered by a `GoOn` or an `Enough`, and few are said before that."""

    tokens: tuple[int, ...]
    heal: str
    shun: tuple[str, ...]
    samplings: tuple[Sampling, ...]


@dataclass(frozen=True, slots=True)
class Warm:
    """Answered by `Warmed` or `Failed`."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Answered by `Scored` or `Failed`."""

    tokens: tuple[int, ...]
    n_given: int


@dataclass(frozen=True, slots=True)
class Remember:
    """See `Engine.remember`. No answer."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class GoOn:
    """A token of a single candidate was read, and was not the last. No answer."""


@dataclass(frozen=True, slots=True)
class Enough:
    """No more tokens of one candidate of the newest `Generate`. No answer."""

    candidate: int


@dataclass(frozen=True, slots=True)
class Abort:
    """End what was asked last, in the middle of an evaluation. That has its answer as ever; so an
    `Abort` that crosses the answer does nothing."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of loading, from 0 to 1."""

    share: float


@dataclass(frozen=True, slots=True)
class Ready:
    """The weights are loaded. How: see `Tuning` in `slot.py`."""

    n_ctx: int
    footprint: Footprint
    infill: Infill | None
    n_threads: int
    n_threads_batch: int
    n_ubatch: int


@dataclass(frozen=True, slots=True)
class Tokens:
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Warmed:
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Scored:
    logprobs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An `EngineError`'s line. After `Load` it is the process's last word."""

    message: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The process works and has nothing else to say."""


@dataclass(frozen=True, slots=True)
class Log:
    """A line for the server's log; `level` is logging's."""

    level: int
    message: str


Question = Tokenize | Generate | Warm | Score
Request = Load | LogLevel | Question | Remember | GoOn | Enough | Abort
Answer = Progress | Ready | Tokens | Token | Stats | Warmed | Scored | Failed | Alive | Log
Message = Request | Answer

_TYPES: dict[str, type[Message]] = {type_.__name__: type_ for type_ in get_args(Message)}


class Readable(Protocol):
    """A binary stream; `read` may give less than was asked for, and gives nothing at the end."""

    def read(self, size: int, /) -> bytes | None: ...


def encode(message: Message) -> bytes:
    """The bytes of a message, length first. Raises `WireError`."""
    body = json.dumps([type(message).__name__, *_values(message)], default=_values).encode()
    if len(body) > MAX_SIZE:
        raise WireError
    return len(body).to_bytes(4, "big") + body


def receive(stream: Readable) -> Message | None:
    """The next message, or None where the stream ends between two. Raises `WireError`."""
    header = _read(stream, 4)
    if not header:
        return None
    size = int.from_bytes(header, "big")
    if len(header) < 4 or size > MAX_SIZE:
        raise WireError
    return decode(_read(stream, size))


def decode(body: bytes) -> Message:
    """A message from its JSON. Raises `WireError`."""
    try:
        name, *values = json.loads(body)
        message: Message = _made(_TYPES[name], values)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError from error
    return message


def _read(stream: Readable, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (part := stream.read(size - len(data))):
        data += part
    return bytes(data)


def _values(message: Any) -> list[Any]:
    return [getattr(message, name) for name in _HINTS[type(message)]]


def _made(type_: type[Any], values: Iterable[Any]) -> Any:
    hints = _HINTS[type_].values()
    return type_(*(_checked(value, hint) for value, hint in zip(values, hints, strict=True)))


def _checked(value: Any, hint: Any) -> Any:
    """A field's value as its class declares it. Raises `TypeError`."""
    if get_origin(hint) is tuple and isinstance(value, list):
        return _checked_items(value, get_args(hint)[0])
    if get_origin(hint) is UnionType:  # of something and None
        return value if value is None else _checked(value, get_args(hint)[0])
    if is_dataclass(hint) and isinstance(value, list):
        return _made(hint, value)  # type: ignore[arg-type]
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
    elif type(value) is hint or (hint is float and type(value) is int):
        return value
    raise TypeError


def _checked_items(values: list[Any], hint: Any) -> tuple[Any, ...]:
    """The same for each of some values; thousands of numbers take microseconds."""
    if hint in (int, float, str) and set(map(type, values)) <= {hint}:
        return tuple(values)
    return tuple(_checked(value, hint) for value in values)


# A class's fields by their types, in order.
_HINTS = {
    type_: {field.name: get_type_hints(type_)[field.name] for field in fields(type_)}
    for type_ in (*_TYPES.values(), Sampling, Footprint, Infill)
}
