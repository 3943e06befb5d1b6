"""The port: what the product asks of a language model, whatever runs it.

An `Engine` turns a `Prompt` into a stream of `Token`s. This file knows no library; `llama.py` is the
engine on llama.cpp, and the tests bring one that replies from a script.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

Stop = Literal["stop", "eos", "length", "cancelled", "consumer"]
"""Why a generation ended: a stop string, the model's own end, `max_tokens`, a cancellation, or
because the one who reads the tokens wanted no more of them."""


class EngineError(Exception):
    """The engine cannot do what was asked; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads, and what its answer has to begin with.

    `heal` is the end of the prefix, taken back so that the prompt ends on a border that the model saw
    in training; the engine lets only such tokens pass as agree with it ("token healing").
    """

    text: str
    tokens: tuple[int, ...]
    heal: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. Temperature 0 is greedy and ignores `top_p` and `seed`."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token: its text (empty while a character is incomplete) and the natural
    logarithm of its probability at temperature 1 among the tokens that were allowed there."""

    id: int
    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Stats:
    """What one generation cost: tokens, of which `n_reused` were not evaluated again; milliseconds."""

    n_prompt: int = 0
    n_reused: int = 0
    n_generated: int = 0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    stop: Stop = "eos"


class Cancel:
    """A flag that any thread may raise and that a running generation obeys.

    It is one byte of memory, because native code reads it in the middle of an evaluation.
    """

    __slots__ = ("flag",)

    def __init__(self) -> None:
        self.flag = bytearray(2)  # the second byte stays 0: native code reads a C string

    def set(self) -> None:
        self.flag[0] = 1

    def is_set(self) -> bool:
        return bool(self.flag[0])


class Engine(Protocol):
    """A loaded model. One generation at a time; only a `Cancel` may be used from another thread."""

    @property
    def n_ctx(self) -> int:
        """How many tokens prompt and answer may have together."""

    @property
    def stats(self) -> Stats:
        """The cost of the last generation, complete once its iterator has ended or was closed."""

    def tokenize(self, text: str) -> list[int]:
        """The model's tokens for `text`, with no begin-of-text token."""

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancel: Cancel
    ) -> Generator[Token, None, None]:
        """Yield tokens until one of the reasons in `Stop`. Their texts joined begin with
        `prompt.heal` and hold no stop string. Raises `EngineError`."""

    def close(self) -> None:
        """Free the memory. Nothing may be asked afterwards."""


def until_stop(tokens: Iterator[Token], stop: tuple[str, ...]) -> Generator[Token, None, bool]:
    """Pass tokens on, up to the first of the stop strings, also one that several tokens make up.

    A token whose text might begin a stop string waits until that is decided. The generator's value
    says whether a stop string was met.
    """
    waiting: list[Token] = []
    text = ""  # of the tokens that wait
    for token in tokens:
        waiting.append(token)
        text += token.text
        cut = min((at for at in map(text.find, stop) if at >= 0), default=-1)
        if cut >= 0:
            yield from _shortened(waiting, cut)
            return True
        if not any(text.endswith(s[:k]) for s in stop for k in range(1, len(s))):
            yield from waiting
            waiting, text = [], ""
    yield from waiting
    return False


def _shortened(tokens: list[Token], length: int) -> Iterator[Token]:
    """The tokens that make up the first `length` characters."""
    for token in tokens:
        if length <= 0:
            return
        yield replace(token, text=token.text[:length])
        length -= len(token.text)
