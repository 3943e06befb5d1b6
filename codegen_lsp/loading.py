"""Models on their way: each is loaded on a thread of its own, and the newest one takes over between two
requests. Until then, and where it fails, the one before goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from codegen_lsp.complete import n_ctx_for
from codegen_lsp.config import Config
from codegen_lsp.engine import Engine, EngineError
from codegen_lsp.loaded import Loaded

Load = Callable[[Config, Callable[[float], bool]], Engine]
"""Loads the configured model. Told how far it is (0 to 1), it learns whether to go on."""


class _Arrival:
    """A model on its way; it ends as soon as it is no longer the newest."""

    def __init__(self, settings: object, model: str = "") -> None:
        self.settings, self.model = settings, model
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Loading:
    """What is on its way, for one `Loaded`. On the loop, but for what says otherwise."""

    def __init__(
        self, load: Load, loaded: Loaded, executor: Executor, make_way: Callable[[], None]
    ) -> None:
        """`executor` has the engine's thread; `make_way` ends what that does on its own account."""
        self._load = load
        self._loaded = loaded
        self._executor = executor
        self._make_way = make_way
        self._newest: _Arrival | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader")

    @property
    def is_under_way(self) -> bool:
        return self._newest is not None

    def is_needed(self, config: Config) -> bool:
        """Whether settings ask for an engine other than the one that is loaded, or about to be."""
        last = self._loaded.settings if self._newest is None else self._newest.settings
        return last != _engine_settings(config)

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Within this one is going to be loaded: who asks for it before that waits."""
        arrival = self._newest = _Arrival(None)
        try:
            yield
        finally:
            arrival.done.set_result(None)
            if self._newest is arrival:
                self._newest = None

    async def run(self, config: Config, progress: Callable[[float], None]) -> None:
        """Load the configured model; `progress` is called on the loop with a share from 0 to 1. A newer
        call ends this one. Raises `EngineError`, and keeps the engine that there was."""
        loop = asyncio.get_running_loop()
        arrival = self._newest = _Arrival(_engine_settings(config), config.model)

        def hear(share: float) -> bool:
            if self._newest is not arrival or loop.is_closed():
                return False
            loop.call_soon_threadsafe(progress, share)
            return True

        try:
            await loop.run_in_executor(self._thread, self._replace, config, arrival, hear)
        except EngineError:
            if self._newest is arrival:
                raise
        finally:
            arrival.done.set_result(None)
            if self._newest is arrival:
                self._newest = None

    async def wait(self) -> None:
        """Where there is no engine yet, until there is one, or none is on its way."""
        while not self._loaded.is_there and self._newest is not None:
            await asyncio.wait({self._newest.done})

    def close(self) -> None:
        self._newest = None
        self._thread.shutdown(wait=True)

    def _replace(self, config: Config, arrival: _Arrival, hear: Callable[[float], bool]) -> None:
        """Load, and hand over. On the loader's thread."""
        if self._newest is not arrival or self._loaded.settings == arrival.settings:
            return
        engine = self._load(config, hear)
        self._make_way()
        self._executor.submit(self._take, engine, arrival).result()

    def _take(self, engine: Engine, arrival: _Arrival) -> None:
        """Go on with another engine, if it is still wanted. On the engine's thread."""
        if self._newest is arrival:
            self._loaded.replace(engine, arrival.settings, arrival.model)
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
