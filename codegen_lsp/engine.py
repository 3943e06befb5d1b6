"""The port: what the product asks of a language model, whatever runs it.

An `Engine` turns a `Prompt` into a stream of `Token`s. This file knows no library: `llama.py` is the
engine on llama.cpp, `worker.py` one in another process; the tests bring one that replies from a script.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

Stop = Literal["stop", "eos", "length", "cancelled", "consumer"]
"""Why a continuation ended: a stop string, the model's own end, `max_tokens`, a cancellation, or
because the one who reads the tokens wanted no more of them."""


# What an engine takes unless it is told otherwise. Every CodeGen has 2,048 positions; a longer prompt
# would take minutes on a processor. 512 MB keep two prompts of that length with a 350M model.
MAX_CTX = 4096
KV_MB = 512


class EngineError(Exception):
    """The engine cannot do what was asked; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads, and what its answer has to begin with.

    `heal` is the end of the prefix, taken back so that the prompt ends on a border that the model saw
    in training; the engine lets only such tokens pass as agree with it ("token healing"). What stands
    behind that begins with nothing of `shun`.
    """

    text: str
    tokens: tuple[int, ...]
    heal: str = ""
    shun: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Infill:
    """How a model is asked for what stands between two texts: the token ids in front of the prefix,
    between prefix and suffix, and behind the suffix, where the answer begins; and those that end it."""

    before_prefix: tuple[int, ...]
    before_suffix: tuple[int, ...]
    before_middle: tuple[int, ...]
    ends: tuple[int, ...] = ()


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
    """One generated token: its text (empty while a character is incomplete), the natural logarithm of
    its probability at temperature 1 among the tokens that were allowed there, and the index of the
    candidate that it belongs to."""

    id: int
    text: str
    logprob: float
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """What one generation cost: tokens of the prompt, of which `n_reused` were not evaluated again;
    tokens of all candidates; of these `n_accepted` out of `n_drafted` that were guessed and verified
    several at a time; milliseconds; and why each candidate ended."""

    n_prompt: int = 0
    n_reused: int = 0
    n_generated: int = 0
    n_drafted: int = 0
    n_accepted: int = 0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class Footprint:
    """What an engine takes of the memory, in bytes: its weights, and its KV cache when all of its
    `n_slots` are in use, each with the tokens of one prompt and its answers."""

    weights: int
    kv_cache: int
    n_slots: int


class Cancel:
    """A flag that any thread may raise and that a running generation obeys.

    It is one byte of memory, because native code reads it in the middle of an evaluation.
    """

    __slots__ = ("_hear", "flag")

    def __init__(self) -> None:
        self.flag = bytearray(2)  # the second byte stays 0: native code reads a C string
        self._hear: Callable[[], None] = _ignore

    def set(self) -> None:
        self.flag[0] = 1
        self._hear()

    def is_set(self) -> bool:
        return bool(self.flag[0])

    def on_set(self, hear: Callable[[], None] | None = None) -> None:
        """Have `hear` called when the flag is raised, on the thread that raises it; at once if it is.
        For an engine that waits, and cannot look at the flag meanwhile."""
        self._hear = hear or _ignore
        if hear is not None and self.is_set():
            hear()


class Generation:
    """Continuations of one prompt, under way: an iterator of their tokens as they come.

    Who reads it ends one with `stop` and all with `close`. That is the normal way to end: nothing is
    generated past what is shown. `stats` is complete once it has ended.
    """

    def __init__(
        self, n: int, tokens: Callable[[Generation], Generator[Token, None, None]]
    ) -> None:
        """For engines: `tokens` makes a generator that looks at `wanted` after each token it yields,
        and sets `stats` when it ends or is closed."""
        self.wanted = set(range(n))
        self.stats = Stats()
        self._tokens = tokens(self)

    def __iter__(self) -> Generation:
        return self

    def __next__(self) -> Token:
        return next(self._tokens)

    def stop(self, candidate: int) -> None:
        """Want no more tokens of one candidate."""
        self.wanted.discard(candidate)

    def close(self) -> None:
        """Want no more tokens at all."""
        self._tokens.close()


class Engine(Protocol):
    """A loaded model. One thing at a time; only a `Cancel` may be used from another thread.

    Everything raises `EngineError`, and can be asked again afterwards.
    """

    @property
    def n_ctx(self) -> int:
        """How many tokens prompt and answer may have together."""

    @property
    def footprint(self) -> Footprint:
        """What this engine takes of the memory."""

    @property
    def infill(self) -> Infill | None:
        """How to ask it for what stands between two texts; None where it knows only what follows.
        Whatever ends such an answer ends every answer, as "eos", and is never part of one."""

    def tokenize(self, text: str) -> list[int]:
        """The model's tokens for `text`, with no begin-of-text token."""

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        """A candidate for each sampling, side by side, until each has met one of the reasons in
        `Stop`. The texts of a candidate's tokens, joined, begin with `prompt.heal`, with nothing of
        `prompt.shun` behind it, and hold no stop string."""

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        """Evaluate a prompt that is likely to be asked about next; how many tokens that took. What
        is evaluated when the flag is raised stays evaluated."""

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        """The natural logarithm of the probability of each token behind the first `n_given` (at
        least one), given all before it. Fewer, if the flag is raised meanwhile."""

    def remember(self, key: str, text: str) -> None:
        """Guess at tokens that follow in `text`, too, from now on (see `draft.py`); a text takes the
        place of the one that had the same key, and an empty one only removes it."""

    def seconds_used(self) -> float:
        """The processor time that it has used so far in a process of its own. On any thread."""

    def close(self) -> None:
        """Free the memory. Nothing may be asked afterwards."""


def mean_logprob(logprobs: Sequence[float]) -> float:
    """The mean, by which candidates are ranked; 0 for none. Perplexity is exp(-mean)."""
    return sum(logprobs) / max(1, len(logprobs))


class UntilStop:
    """Passes a candidate's tokens on, up to the first of its stop strings, also one that several
    tokens make up: a token whose text might begin a stop string waits until that is decided."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self.is_met = False
        self._stop = stop
        self._waiting: list[Token] = []

    def take(self, token: Token) -> list[Token]:
        """Take the next token; give those that may be passed on."""
        self._waiting.append(token)
        text = "".join(token.text for token in self._waiting)
        cut = min((at for at in map(text.find, self._stop) if at >= 0), default=-1)
        if cut >= 0:
            self.is_met = True
            return _shortened(self.rest(), cut)
        if any(text.endswith(s[:k]) for s in self._stop for k in range(1, len(s))):
            return []
        return self.rest()

    def rest(self) -> list[Token]:
        """What still waits, when nothing more comes."""
        waiting, self._waiting = self._waiting, []
        return waiting


def _shortened(tokens: list[Token], length: int) -> list[Token]:
    """The tokens that make up the first `length` characters."""
    kept = []
    for token in tokens:
        if length <= 0:
            break
        kept.append(replace(token, text=token.text[:length]))
        length -= len(token.text)
    return kept


def _ignore() -> None:
    """Nobody waits for a flag."""
