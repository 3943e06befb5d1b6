"""Time: what is open, which request is the newest, and the one engine that serves them all.

Everything else is a function; here lives what changes. All methods run on the event loop; the engine
runs on a thread of its own, because the server's thread pool reads standard input.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from codegen_lsp.complete import Completion, complete
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine, EngineError

logger = logging.getLogger(__name__)

Load = Callable[[Config, Callable[[float], bool]], Engine]
"""Loads the configured model. Told how far it is (0 to 1), it learns whether to go on."""


class _Request:
    """A completion under way: its answer, and how to let it go."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.cancel = Cancel()
        self.answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()

    def finish(self, work: asyncio.Future[Completion]) -> None:
        if not self.answer.done() and not work.cancelled():
            self.answer.set_result(work.result())

    def give_up(self) -> None:
        """Answer with nothing, at once, and stop the engine."""
        self.cancel.set()
        if not self.answer.done():
            self.answer.set_result(Completion())


class Session:
    """The documents of one client, and the engine that completes them."""

    def __init__(self, load: Load, config: Config) -> None:
        self.config = config
        self.documents: dict[str, Document] = {}
        self._load = load
        self._engine: Engine | None = None
        self._loaded: tuple[object, ...] = ()
        self._newest: _Request | None = None
        self._closing = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")

    def configure(self, config: Config) -> bool:
        """Take new settings; say whether they ask for an engine other than the one loaded."""
        self.config = config
        return self._loaded != _engine_settings(config)

    async def load(self, progress: Callable[[float], None]) -> None:
        """Load the configured model; `progress` is called on the loop with a share from 0 to 1.
        Raises `EngineError`, and keeps the engine that there was."""
        self._give_up()
        self._loaded = _engine_settings(self.config)
        loop = asyncio.get_running_loop()

        def hear(share: float) -> bool:
            if self._closing or loop.is_closed():
                return False
            loop.call_soon_threadsafe(progress, share)
            return True

        await loop.run_in_executor(self._executor, self._replace_engine, self.config, hear)

    def put(self, document: Document) -> None:
        """Open a document, or change it: what was asked about its last version is outdated."""
        self._give_up(document.uri)
        self.documents[document.uri] = document

    def remove(self, uri: str) -> None:
        self._give_up(uri)
        self.documents.pop(uri, None)

    async def complete(self, document: Document, offset: int, n: int) -> Completion:
        """Candidates for the cursor, or none as soon as a newer request or a change outdates this
        one. Cancelling the awaiting task stops the engine too."""
        if not self.config.enabled or document.language in self.config.disabled_languages:
            return Completion()
        self._give_up()
        request = self._newest = _Request(document.uri)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._executor, self._complete, document, offset, n, request.cancel
        )
        work.add_done_callback(request.finish)
        try:
            return await request.answer
        finally:
            request.cancel.set()

    def close(self) -> None:
        """Stop what runs, and free the engine."""
        self._closing = True
        self._give_up()
        self._executor.shutdown(wait=True)
        if self._engine is not None:
            self._engine.close()

    def _give_up(self, uri: str | None = None) -> None:
        """Let the newest request go, if there is one (and it asks about `uri`)."""
        if self._newest is not None and uri in (None, self._newest.uri):
            self._newest.give_up()
            self._newest = None

    # Below: on the engine's thread.

    def _replace_engine(self, config: Config, progress: Callable[[float], bool]) -> None:
        engine = self._load(config, progress)
        if self._engine is not None:
            self._engine.close()
        self._engine = engine

    def _complete(self, document: Document, offset: int, n: int, cancel: Cancel) -> Completion:
        if self._engine is None or cancel.is_set():
            return Completion()
        try:
            return complete(document, offset, self._engine, self.config, n, cancel)
        except EngineError as error:
            logger.error("no suggestion: %s", error)
        except Exception as error:  # a request is answered, whatever happens
            log_failure(error)
        return Completion()


def log_failure(error: BaseException) -> None:
    """Log what nobody thought of: where it happened, but not its message, which may hold code."""
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.error("no suggestion because of %s\n%s", type(error).__name__, where)


def _engine_settings(config: Config) -> tuple[object, ...]:
    """What an engine is made from: a change of any of these loads a model anew."""
    return (
        config.model,
        config.threads,
        config.spare_cores,
        config.gpu_layers,
        config.kv_cache_mb,
    )
