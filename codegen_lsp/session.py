"""Time: what is open, which request is the newest, and what the one engine does meanwhile.

Everything else is a function; here lives what changes. All methods run on the event loop. The engine
runs on a thread of its own, because the server's thread pool reads standard input, and a model is
loaded on another, so that the one before goes on answering.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from codegen_lsp.complete import Completion, n_ctx_for
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine, EngineError
from codegen_lsp.likely import Place, follow
from codegen_lsp.loaded import Loaded
from codegen_lsp.privacy import may_read

Load = Callable[[Config, Callable[[float], bool]], Engine]
"""Loads the configured model. Told how far it is (0 to 1), it learns whether to go on."""

# Seconds in which nothing happens before the engine prepares for the next request. People press a key
# every 0.24 s, give or take 0.11 (136 million keystrokes; Dhakal et al., CHI 2018), so typing does not
# start it; and Neovim sends its request 0.2 s after a key.
PAUSE = 0.5


class _Request:
    """A completion under way: its answer, and how to let it go."""

    def __init__(self, place: Place, n: int) -> None:
        self.place = place
        self.n = n
        self.is_started = False
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


class _Loading:
    """A model on its way; it ends as soon as it is no longer the session's."""

    def __init__(self, settings: object) -> None:
        self.settings = settings


class Session:
    """The documents of one client, and the engine that completes them."""

    def __init__(self, load: Load, config: Config, pause: float = PAUSE) -> None:
        self.config = config
        self.documents: dict[str, Document] = {}
        self._cursors: dict[str, Place] = {}  # each as it was last known, perhaps some edits ago
        self._attention = ""  # the document in which something happened last
        self._newest: _Request | None = None
        self._pause = pause
        self._pausing: asyncio.TimerHandle | None = None
        self._preparing = Cancel()
        self._load = load
        self._loading: _Loading | None = None
        self._loaded = Loaded()
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader")
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")

    def configure(self, config: Config) -> bool:
        """Take new settings; say whether they ask for an engine other than the one that is loaded, or
        about to be: then `load` it."""
        self.config = config
        last = self._loaded.settings if self._loading is None else self._loading.settings
        self._expect(self._attention)
        return last != _engine_settings(config)

    async def load(self, progress: Callable[[float], None]) -> None:
        """Load the configured model; `progress` is called on the loop with a share from 0 to 1. A newer
        call ends this one. Raises `EngineError`, and keeps the engine that there was."""
        loop = asyncio.get_running_loop()
        loading = self._loading = _Loading(_engine_settings(self.config))

        def hear(share: float) -> bool:
            if self._loading is not loading or loop.is_closed():
                return False
            loop.call_soon_threadsafe(progress, share)
            return True

        try:
            await loop.run_in_executor(self._loader, self._replace, self.config, loading, hear)
        except EngineError:
            if self._loading is loading:
                raise
        finally:
            if self._loading is loading:
                self._loading = None
                if self._newest is not None and not self._newest.is_started:
                    self._start(self._newest)
                self._expect(self._attention)

    def put(self, document: Document) -> None:
        """Open a document, or change it: what was asked about its last version is outdated."""
        self._give_up(document.uri)
        self.documents[document.uri] = document
        self._cursors.setdefault(document.uri, Place(document, None))
        self._expect(document.uri)

    def move(self, document: Document, offset: int) -> None:
        """Know where the cursor is, in a document that is open."""
        self._cursors[document.uri] = Place(document, offset)
        self._expect(document.uri)

    def accept(self, uri: str, offset: int, text: str) -> None:
        """Know that a candidate shown at `offset` was taken: the cursor is behind it. Where the edit
        itself is still to come, that will say the same."""
        document = self.documents.get(uri)
        if document is not None and document.text.startswith(text, offset):
            self.move(document, offset + len(text))

    def remove(self, uri: str) -> None:
        self._give_up(uri)
        if self.documents.pop(uri, None) is not None:
            del self._cursors[uri]
            self._executor.submit(self._loaded.forget, uri)
        if self._attention == uri:
            self._attention = ""
            self._interrupt()

    async def complete(self, document: Document, offset: int, n: int) -> Completion:
        """Candidates for the cursor, or none as soon as a newer request or a change outdates this
        one. Cancelling the awaiting task stops the engine too."""
        if not may_read(document, self.config):
            return Completion()
        self._give_up()
        self._interrupt()
        request = self._newest = _Request(Place(document, offset), n)
        if document.uri in self.documents:
            self._cursors[document.uri] = request.place
        if self._loaded.is_there or self._loading is None:
            self._start(request)
        try:
            return await request.answer
        finally:
            request.cancel.set()
            if self._newest is request:
                self._newest = None
                self._expect(document.uri)

    def close(self) -> None:
        """Stop what runs, and free the engine."""
        self._loading = None
        self._give_up()
        self._interrupt()
        self._loader.shutdown(wait=True)
        self._executor.shutdown(wait=True)
        self._loaded.close()

    def _start(self, request: _Request) -> None:
        request.is_started = True
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._executor,
            self._loaded.complete,
            request.place,
            request.n,
            self.config,
            request.cancel,
        )
        work.add_done_callback(request.finish)

    def _give_up(self, uri: str | None = None) -> None:
        """Let the newest request go, if there is one (and it asks about `uri`)."""
        if self._newest is not None and uri in (None, self._newest.place.document.uri):
            self._newest.give_up()
            self._newest = None

    def _expect(self, uri: str) -> None:
        """Prepare for a request about a document, unless something happens before that."""
        self._interrupt()
        self._attention = uri
        self._pausing = asyncio.get_running_loop().call_later(self._pause, self._prepare)

    def _interrupt(self) -> None:
        """Prepare for nothing just now. What the engine has evaluated by then it keeps."""
        self._preparing.set()
        if self._pausing is not None:
            self._pausing.cancel()

    def _prepare(self) -> None:
        """Nothing has happened for a while: the engine may use the time, behind all requests."""
        likely = None
        if self._attention in self.documents:
            likely = follow(self._cursors[self._attention], self.documents[self._attention])
            self._cursors[self._attention] = likely
        # The one worked on comes first: a key may come at any time.
        uris = sorted(self.documents, key=lambda uri: uri != self._attention)
        places = [Place(self.documents[uri], self._cursors[uri].offset) for uri in uris]
        self._preparing = Cancel()
        self._executor.submit(self._loaded.prepare, likely, places, self.config, self._preparing)

    def _replace(self, config: Config, loading: _Loading, hear: Callable[[float], bool]) -> None:
        """Load, and hand over between two requests. On the loader's thread."""
        if self._loading is not loading or self._loaded.settings == loading.settings:
            return
        engine = self._load(config, hear)
        self._preparing.set()
        self._executor.submit(self._take, engine, loading).result()

    def _take(self, engine: Engine, loading: _Loading) -> None:
        """Go on with another engine, if it is still wanted. On the engine's thread."""
        if self._loading is loading:
            self._loaded.replace(engine, loading.settings)
        else:
            engine.close()


def _engine_settings(config: Config) -> tuple[object, ...]:
    """What an engine is made from: a change of any of these loads a model anew."""
    return (
        config.model,
        config.threads,
        config.spare_cores,
        config.gpu_layers,
        config.kv_cache_mb,
        n_ctx_for(config),
    )
