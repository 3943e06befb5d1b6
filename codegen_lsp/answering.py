"""What a request gets: from an earlier suggestion, an attempt that is under way, or a new one; and what
is written before anybody asks. All methods run on the event loop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Literal

from codegen_lsp.attempt import Attempt, Attempts, Way
from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, line_start
from codegen_lsp.extent import COMPLETE
from codegen_lsp.likely import Place, enter
from codegen_lsp.loaded import Loaded
from codegen_lsp.loading import Loading
from codegen_lsp.rhythm import Rhythm
from codegen_lsp.suggestions import Suggestions

Source = Literal["engine", "joined", "typed", "cache", "none"]
"""Where an answer comes from: an attempt of its own, one that was under way, an earlier suggestion of
which a part was typed since, one for this very text, or nowhere."""

# The probability of a suggestion, the product of its tokens', from which on what follows it is written
# already, and from which on a line is shown behind a complete statement. Of those that were surer than
# this 64 % were what a file said next, of all others 6 % (`benchmarks/confidence.py`, embedded model):
# for them the engine's time would be lost.
SURE = 0.3
# Seconds more that a request waits for the next key while the machine is under strain.
SPARING = 0.3


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets, and from where; `attempt` is the number of the one that has written it."""

    completion: Completion
    source: Source = "none"
    attempt: int | None = None


class Answering:
    """The requests of one client, one at a time."""

    def __init__(
        self,
        config: Config,
        loaded: Loaded,
        loading: Loading,
        executor: Executor,
        is_open: Callable[[str], bool],
        hear: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """`is_open` says it of a document's URI; `hear` is told what the engine has done."""
        self.config = config
        self.rhythm = Rhythm()
        self.suggestions = Suggestions()
        self.attempts = Attempts(executor, loaded.complete, self._finished)
        self._loaded, self._loading = loaded, loading
        self._is_open, self._hear = is_open, hear
        self._looking_ahead: asyncio.TimerHandle | None = None

    async def answer(self, request: Request, *, is_awaited: bool) -> Answer:
        """What belongs at the cursor; where this line is complete, the next one, which `is_awaited` by
        who asks or has just accepted this one."""
        answer = await self._answer_here(request)
        if answer.completion.reason == COMPLETE and not request.single_line:
            return await self._next_line(request, answer, is_awaited=is_awaited)
        return answer

    def known(self, request: Request) -> Answer | None:
        """An answer that needs no engine."""
        found = self.suggestions.find(request, self.config)
        if found is None:
            return None
        completion = found.completion
        if not found.typed:
            return Answer(completion, "cache", found.attempt)
        if completion.candidates and not completion.is_sound:
            left = self._loaded.without_new_errors(
                completion.candidates, request.document, request.offset
            )
            if not left:
                return None
            completion = replace(completion, candidates=left)
        return Answer(completion, "typed", found.attempt)

    def look_ahead(self, request: Request, candidate: Candidate) -> None:
        """A candidate is shown: write what is asked for behind it as soon as the person hesitates, if
        it is likely to be taken."""
        if _is_sure(candidate) and not request.single_line:
            way = Way(Place(request.document, request.offset), candidate.text)
            loop = asyncio.get_running_loop()
            self._looking_ahead = loop.call_later(self.rhythm.hesitation(), self._look_ahead, way)

    def rest(self) -> None:
        """Look ahead no more."""
        if self._looking_ahead is not None:
            self._looking_ahead.cancel()

    async def _next_line(self, request: Request, nothing: Answer, *, is_awaited: bool) -> Answer:
        """The line behind the Enter key, which is written as soon as the person hesitates, or at once
        where it is awaited; nothing where that is doubtful, unless asked for.

        For who only hesitates no more of it is written than shows that it is not likely: of 122 such
        lines of a replay one was."""
        place = Place(request.document, request.offset)
        way = Way(place, enter(place))
        at_least = 0.0 if is_awaited else SURE
        ahead = _request_at(way.end, at_least)
        source: Source = "cache"
        found = self.suggestions.find(ahead, self.config)
        if found is None:
            await asyncio.sleep(0.0 if is_awaited else self.rhythm.hesitation())
            await asyncio.wait({self._ahead(way, at_least).done})
            found, source = self.suggestions.find(ahead, self.config), "engine"
        candidates = tuple(
            replace(each, text=way.text + each.text)
            for each in (found.completion.candidates if found else ())
            if request.invoked or _is_sure(each)
        )
        if found is None or not candidates:
            return nothing
        return Answer(replace(found.completion, candidates=candidates), source, found.attempt)

    async def _answer_here(self, request: Request) -> Answer:
        """From an earlier suggestion, an attempt that is under way, or a new one."""
        if (answer := self.known(request)) is not None:
            return answer
        loop = asyncio.get_running_loop()
        source: Source = "joined"
        if (attempt := self.attempts.join(request, self.config)) is None:
            self.attempts.drop()
            await asyncio.sleep(self._delay(request))
            await self._loading.wait()
        while True:
            if attempt is None:
                source, attempt = "engine", self.attempts.begin(request, self.config)
            begun = loop.time()
            await asyncio.wait({attempt.done})
            if source == "engine":
                self.rhythm.answered(loop.time() - begun)
            if (answer := self.known(request)) is not None:
                return Answer(answer.completion, source, attempt.number)
            if source == "engine":
                return Answer(attempt.done.result(), source, attempt.number)
            attempt = None  # it went another way

    def _delay(self, request: Request) -> float:
        """How long to wait for another key before the engine is asked."""
        if request.invoked:
            return 0.0
        sparing = SPARING if request.single_line else 0.0
        text, offset = request.document.text, request.offset
        start = line_start(text, offset)
        is_new_line = start > 0 and not text[start:offset].strip(" \t")
        return sparing + (0.0 if is_new_line else self.rhythm.delay())

    def _look_ahead(self, way: Way) -> None:
        """Write what will be asked for at the end of a way, before it is."""
        if self.suggestions.find(_request_at(way.end), self.config) is None:
            self._ahead(way)

    def _ahead(self, way: Way, at_least: float = 0.0) -> Attempt:
        """The attempt that writes what belongs at the end of a way."""
        request = _request_at(way.end, at_least)
        joined = self.attempts.join(request, self.config)
        return joined or self.attempts.begin(request, self.config, way)

    def _finished(self, attempt: Attempt) -> None:
        """Keep what an attempt has written, for whoever waits for it or will."""
        completion, way = attempt.done.result(), attempt.way
        self._tell(attempt, completion)
        is_wanted = way is None or self._is_open(attempt.request.document.uri)
        if attempt.cancel.is_set() or not is_wanted:
            return
        if completion.prompt is not None:
            # What is likely enough is what anybody gets here.
            request = attempt.request
            request = replace(request, at_least=0.0) if completion.candidates else request
            self.suggestions.put(request, attempt.config, completion, attempt.number)
        if way is not None and completion.reason == COMPLETE:
            # What follows is the next line.
            self._look_ahead(Way(way.start, way.text + enter(way.end)))

    def _tell(self, attempt: Attempt, completion: Completion) -> None:
        stats = completion.stats
        best = next(iter(completion.candidates), None)
        self._hear(
            {
                "event": "generation",
                "id": attempt.number,
                "purpose": "request" if attempt.way is None else "prefetch",
                "nPrompt": stats.n_prompt,
                "nReused": stats.n_reused,
                "nEvaluated": stats.n_prompt - stats.n_reused,
                "nGenerated": stats.n_generated,
                "nKept": 0 if best is None else best.n_tokens,
            }
        )


def _request_at(place: Place, at_least: float = 0.0) -> Request:
    return Request(place.document, place.offset or 0, at_least=at_least)


def _is_sure(candidate: Candidate) -> bool:
    """Whether all of it is likely enough to build on."""
    return math.exp(candidate.mean_logprob * candidate.n_tokens) >= SURE
