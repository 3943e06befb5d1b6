"""The one explanation that is being made, or none. It ends where somebody types or asks: a suggestion is
worth more than the reason of another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.engine import Cancel
from codegen_lsp.explain import Explanation, Remembered, with_earlier, with_next_line
from codegen_lsp.extent import COMPLETE
from codegen_lsp.likely import Place, after, enter

Explain = Callable[[Request, Config, Cancel], Explanation]
Remember = Callable[[Request], tuple[Remembered, Completion] | None]


class Explaining:
    """Runs on the loop, but for `explain`, which runs on the engine's thread."""

    def __init__(self, executor: Executor, explain: Explain, remember: Remember) -> None:
        """`remember` gives an answer that needs no engine, and where that comes from."""
        self._executor, self._explain, self._remember = executor, explain, remember
        self._cancel = Cancel()

    async def run(self, request: Request, config: Config, sure: float) -> Explanation:
        """Why a request is answered as it is; where the statement is complete, also why the next line is
        suggested or not, to which `sure` is the probability that it needs."""
        self.drop()
        cancel = self._cancel = Cancel()
        try:
            told, reason = await self._at(request, config, cancel)
            if reason != COMPLETE or request.single_line:
                return told
            place = Place(request.document, request.offset)
            place = after(place, enter(place))
            ahead = Request(place.document, place.offset or 0)
            return with_next_line(told, (await self._at(ahead, config, cancel))[0], sure)
        finally:
            cancel.set()

    def drop(self) -> None:
        """End it now."""
        self._cancel.set()

    async def _at(
        self, request: Request, config: Config, cancel: Cancel
    ) -> tuple[Explanation, str]:
        """Of one place; and why so much is suggested there, in a few words."""
        earlier = self._remember(request)
        told = await asyncio.get_running_loop().run_in_executor(
            self._executor, self._explain, request, config, cancel
        )
        if earlier is None:
            return told, told.reason
        return with_earlier(told, *earlier), earlier[1].reason
