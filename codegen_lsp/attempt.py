"""Answers that are being written: for a request, or ahead of the one that is likely to come.

An attempt belongs to no request. Somebody who types what it says anyway joins it, instead of having it
begun anew; and it ends as soon as something else was typed, or nobody wants it for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.document import Document, typed_since
from codegen_lsp.engine import Cancel
from codegen_lsp.likely import Place, after
from codegen_lsp.normal import normal

Write = Callable[[Request, Config, Cancel, Callable[[str], None]], Completion]

# Seconds for which an attempt goes on whose request was taken back. VS Code takes it back at every key
# and asks again at once, Neovim does so 0.2 s after the key.
GRACE = 0.3


class Way(NamedTuple):
    """How a place gets to be another one: by somebody who types this text at the cursor."""

    start: Place
    text: str

    @property
    def end(self) -> Place:
        return after(self.start, self.text)

    def typed_in(self, document: Document) -> str | None:
        """The beginning of the text that was typed in a document; None where anything else was."""
        base, offset = self.start.document, self.start.offset or 0
        n_typed = len(document.text) - len(base.text)
        typed = typed_since(base, offset, document, offset + n_typed)
        return typed if typed is not None and self.text.startswith(typed) else None


class Attempt:
    """One answer, from its beginning to its end. `run` is on the engine's thread, all else on the
    loop."""

    done: asyncio.Future[Completion]

    def __init__(self, number: int, request: Request, config: Config, way: Way | None) -> None:
        self.number = number
        self.request = request
        self.config = config
        self.way = way  # to where it will be asked for, if it was begun before anybody did
        self.cancel = Cancel()
        self._written = ""
        self._typed = ""

    def run(self, write: Write) -> Completion:
        if self.cancel.is_set():
            return Completion(reason="cancelled")
        return write(self.request, self.config, self.cancel, self._compare)

    def leads_to(self, document: Document, offset: int) -> bool:
        """Whether what it will say may be the answer here: where it is asked for, or behind a
        beginning of what it says. From then on it ends where that turns out to be wrong."""
        typed = typed_since(self.request.document, self.request.offset, document, offset)
        if typed is None or self.cancel.is_set():
            return False
        self._typed = normal(typed, document.language)
        return _agree(self._written, self._typed)

    def _compare(self, written: str) -> None:
        self._written = written
        if not _agree(written, self._typed):
            self.cancel.set()


class Attempts:
    """The one attempt that is under way, or none. Runs on the loop."""

    def __init__(
        self, executor: Executor, write: Write, finished: Callable[[Attempt], None]
    ) -> None:
        """`finished` is told of each that has ended, before those who wait for it."""
        self._executor = executor
        self._write = write
        self._tell_finished = finished
        self._n_begun = 0
        self._current: Attempt | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, request: Request, config: Config, way: Way | None = None) -> Attempt:
        """Begin one, in the place of any other."""
        self.drop()
        self._n_begun += 1
        attempt = self._current = Attempt(self._n_begun, request, config, way)
        loop = asyncio.get_running_loop()
        attempt.done = loop.run_in_executor(self._executor, attempt.run, self._write)
        attempt.done.add_done_callback(partial(self._finish, attempt))
        return attempt

    def join(self, request: Request, config: Config) -> Attempt | None:
        """The attempt whose answer will be one to this request, too, if there is one."""
        attempt = self._current
        is_enough = (
            attempt is not None and attempt.config == config and attempt.request.covers(request)
        )
        if attempt is None or not is_enough:
            return None
        if not attempt.leads_to(request.document, request.offset):
            return None
        self._stop_timer()
        return attempt

    def follow(self, document: Document) -> None:
        """A document has changed: go on if what was typed may be what the attempt says."""
        attempt = self._current
        if attempt is None or attempt.request.document.uri != document.uri:
            return
        n_typed = len(document.text) - len(attempt.request.document.text)
        is_on_the_way = attempt.way is not None and attempt.way.typed_in(document) is not None
        if not is_on_the_way and not attempt.leads_to(document, attempt.request.offset + n_typed):
            self.drop()

    def let_go(self) -> None:
        """Nobody waits just now: end it, unless somebody joins soon."""
        self._stop_timer()
        if self._current is not None and self._current.way is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(GRACE, self.drop)

    def drop(self) -> None:
        """End it now."""
        self._stop_timer()
        if self._current is not None:
            self._current.cancel.set()
            self._current = None

    def _finish(self, attempt: Attempt, _: asyncio.Future[Completion]) -> None:
        if self._current is attempt:
            self._stop_timer()
            self._current = None
        self._tell_finished(attempt)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _agree(written: str, typed: str) -> bool:
    return written.startswith(typed) or typed.startswith(written)
