"""An engine in a process of its own: what goes wrong in native code costs one suggestion here.

`Worker` is an `Engine` whose work `child.py` does. They talk in `wire.py`'s messages, and `keeper.py`
sees to it that there is a process to talk to.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil

from codegen_lsp.engine import (
    KV_MB,
    MAX_CTX,
    Cancel,
    EngineError,
    Footprint,
    Generation,
    Infill,
    Prompt,
    Sampling,
    Stats,
    Stop,
    Token,
)
from codegen_lsp.keeper import BACK_OFF, N_BEATS, Child, Keeper
from codegen_lsp.wire import (
    Abort,
    Enough,
    Generate,
    GoOn,
    Load,
    Question,
    Ready,
    Remember,
    Score,
    Scored,
    Tokenize,
    Tokens,
    Warm,
    Warmed,
)

logger = logging.getLogger(__name__)

# Seconds of silence after which a process at work is taken for hung, and replaced.
TIME_LIMIT = 10.0

AnswerT = TypeVar("AnswerT", Tokens, Warmed, Scored)


class Worker:
    """A GGUF file, loaded in another process. See `engine.Engine` for what can be asked of it."""

    def __init__(
        self,
        path: Path,
        *,
        n_threads: int = 0,
        n_spare_cores: int = 1,
        n_gpu_layers: int = -1,
        n_ctx: int = MAX_CTX,
        kv_mb: int = KV_MB,
        exact: bool = False,
        speculate: bool = True,
        progress: Callable[[float], bool] = lambda _: True,
        time_limit: float = TIME_LIMIT,
        back_off: tuple[float, float] = BACK_OFF,
    ) -> None:
        """Load `path` as `LlamaEngine` does; 0 threads means as many as suit, with `n_spare_cores`
        left to others. Raises `EngineError`, also when the process dies several times meanwhile."""
        load = Load(
            str(path.absolute()),
            n_threads,
            n_spare_cores,
            n_gpu_layers,
            n_ctx,
            kv_mb,
            exact,
            speculate,
            beat=time_limit / N_BEATS,
        )
        self._keeper = Keeper(load, progress, back_off)
        self._texts: dict[str, str] = {}  # to be remembered
        self._told: Child | None = None  # who knows them
        self._generation: Generation | None = None  # under way

    @property
    def ready(self) -> Ready:
        """What the process has said of the weights that it has loaded."""
        assert self._keeper.ready is not None
        return self._keeper.ready

    @property
    def n_ctx(self) -> int:
        return self.ready.n_ctx

    @property
    def footprint(self) -> Footprint:
        return self.ready.footprint

    @property
    def infill(self) -> Infill | None:
        return self.ready.infill

    @property
    def pid(self) -> int:
        """Of the newest process; 0 where none could be started."""
        return self._keeper.pid

    def tokenize(self, text: str) -> list[int]:
        return list(self._answer(Tokenize(text), Tokens).ids)

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        request = Generate(prompt.tokens, prompt.heal, prompt.shun, tuple(samplings))
        return Generation(len(samplings), lambda generation: self._run(generation, request, cancel))

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        return self._answer(Warm(tuple(tokens)), Warmed, cancel).n_tokens

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        return self._answer(Score(tuple(tokens), n_given), Scored, cancel).logprobs

    def remember(self, key: str, text: str) -> None:
        """Never raises: a process that starts again is told all texts anew."""
        self._texts[key] = text
        if not text:
            del self._texts[key]
        request = Remember(key, text)
        self._end_generation()
        with contextlib.suppress(EngineError), self._keeper.lent(request, patience=0) as child:
            self._tell_texts(child, {key: text})

    def seconds_used(self) -> float:
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:  # it has just ended
            return 0.0
        return float(times.user + times.system)

    def close(self) -> None:
        self._keeper.close()

    def _answer(
        self, question: Question, kind: type[AnswerT], cancel: Cancel | None = None
    ) -> AnswerT:
        """Ask what has one answer, and wait for it."""
        cancel = cancel or Cancel()
        with self._asked(question, cancel) as child:
            while not isinstance(answer := child.answer(kind), kind):
                if cancel.is_set():
                    child.tell(Abort())
            return answer

    def _run(
        self, generation: Generation, request: Generate, cancel: Cancel
    ) -> Generator[Token, None, None]:
        """Pass tokens on, and leave the process ready for the next question, however it ends."""
        with self._asked(request, cancel) as child:
            self._generation = generation
            try:
                stats = yield from _wanted(child, generation, cancel)
                generation.stats = stats or _aborted(child, generation, cancel)
            except GeneratorExit:
                try:
                    generation.stats = _aborted(child, generation, cancel)
                except EngineError as error:  # who reads wants nothing more, not even this
                    logger.error("%s", error)
            finally:
                self._generation = None

    @contextlib.contextmanager
    def _asked(self, question: Question, cancel: Cancel) -> Iterator[Child]:
        """A process at work on a question, which hears of the flag."""
        self._end_generation()
        with self._keeper.lent(question) as child:
            self._tell_texts(child, {})
            cancel.on_set(child.wake)
            try:
                child.tell(question)
                yield child
            finally:
                cancel.on_set()

    def _end_generation(self) -> None:
        """Its reader has left it where it was, perhaps by an exception."""
        if self._generation is not None:
            self._generation.close()

    def _tell_texts(self, child: Child, news: dict[str, str]) -> None:
        """Tell a process what is new, and all of it to a new process."""
        for key, text in (news if child is self._told else self._texts).items():
            with contextlib.suppress(EngineError):  # too long; it goes without
                child.tell(Remember(key, text))
        self._told = child


def _wanted(
    child: Child, generation: Generation, cancel: Cancel
) -> Generator[Token, None, Stats | None]:
    """The tokens that the reader wants, as they come; then what they cost, or None where it wants no
    more of those that still come."""
    told = set(generation.wanted)
    is_single = len(told) == 1
    while generation.wanted and not cancel.is_set():
        answer = child.answer(Token, Stats)
        if isinstance(answer, Stats):
            return _as_read(answer, generation)
        if isinstance(answer, Token) and answer.candidate in generation.wanted:
            yield answer
            for candidate in told - generation.wanted:
                child.tell(Enough(candidate))
            if is_single and generation.wanted:
                child.tell(GoOn())
            told &= generation.wanted
    return None


def _aborted(child: Child, generation: Generation, cancel: Cancel) -> Stats:
    """End a generation, and wait until it has ended. The process was ahead of the reader: a candidate
    that lost a token thereby did not end as the process says."""
    why: Stop = "cancelled" if cancel.is_set() else "consumer"
    child.tell(Abort())
    cut = set()
    while not isinstance(answer := child.answer(Token, Stats), Stats):
        if isinstance(answer, Token):
            cut.add(answer.candidate)
    stops: list[Stop] = [
        why if stop == "cancelled" or candidate in cut else stop
        for candidate, stop in enumerate(answer.stops)
    ]
    return _as_read(replace(answer, stops=tuple(stops)), generation)


def _as_read(stats: Stats, generation: Generation) -> Stats:
    """The same, where a candidate that its reader has ended says so."""
    stops: list[Stop] = [
        stop if candidate in generation.wanted else "consumer"
        for candidate, stop in enumerate(stats.stops)
    ]
    return replace(stats, stops=tuple(stops))
