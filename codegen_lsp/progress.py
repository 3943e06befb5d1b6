"""A progress display of the client's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol
from uuid import uuid4

from lsprotocol import types
from pygls.progress import Progress

from codegen_lsp.engine import Cancel


class Server(Protocol):
    """A server, as far as a display needs one."""

    @property
    def client_capabilities(self) -> types.ClientCapabilities: ...

    @property
    def work_done_progress(self) -> Progress: ...


@asynccontextmanager
async def displayed(
    server: Server, begin: types.WorkDoneProgressBegin, cancel: Cancel | None = None
) -> AsyncIterator[Callable[[types.WorkDoneProgressReport], None]]:
    """A display for as long as this lasts, or nothing where the client has none. What it yields shows a
    report, on the loop; the button, if it has one, raises the flag."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        yield _ignore
        return
    progress, token = server.work_done_progress, str(uuid4())
    await progress.create_async(token)
    progress.begin(token, begin)
    if cancel is not None:
        progress.tokens[token].add_done_callback(lambda _: cancel.set())
    try:
        yield partial(progress.report, token)
    finally:
        progress.end(token, types.WorkDoneProgressEnd())
        del progress.tokens[token]


def _ignore(_: types.WorkDoneProgressReport) -> None:
    """Nobody wants to see it."""
