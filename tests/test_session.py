"""Time, without waiting: an engine that replies when the test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine, EngineError, Generation, Prompt, Sampling
from codegen_lsp.session import Session
from tests.fake_engine import FakeEngine


class SlowEngine(FakeEngine):
    """Waits in every generation until it is let go or cancelled; counts what it was asked."""

    def __init__(self) -> None:
        super().__init__("1\n")
        self.let_go = threading.Event()
        self.n_asked = 0
        self.n_cancelled = 0
        self.is_closed = False

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        self.n_asked += 1
        while not self.let_go.wait(0.001):
            if cancel.is_set():
                self.n_cancelled += 1
                break
        return super().generate(prompt, samplings, cancel)

    def close(self) -> None:
        self.is_closed = True


def session_with(*engines: Engine | str) -> Session:
    """A session whose loadings give these engines in turn; a text is a failure."""
    left = list(engines)

    def load(_: Config, progress: Callable[[float], bool]) -> Engine:
        engine = left.pop(0)
        if isinstance(engine, str):
            raise EngineError(engine)
        progress(1.0)
        return engine

    return Session(load, Config())


def document(version: int = 1, uri: str = "file:///a") -> Document:
    return Document(uri, "python", version, "x = ")


def ignore(_: float) -> None:
    pass


async def ask(session: Session, document: Document) -> list[str]:
    completion = await session.complete(document, 4, 1)
    return [candidate.text for candidate in completion.candidates]


def test_newest_request_wins_and_the_older_one_is_answered_at_once() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = session_with(engine)
        await session.load(ignore)
        older = asyncio.create_task(ask(session, document()))
        await asyncio.sleep(0)
        newer = asyncio.create_task(ask(session, document(uri="file:///b")))
        assert await older == []
        assert not newer.done()
        engine.let_go.set()
        assert await newer == ["1"]
        session.close()

    asyncio.run(main())


def test_a_change_outdates_the_request_of_its_document_only() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = session_with(engine)
        await session.load(ignore)
        task = asyncio.create_task(ask(session, document()))
        await asyncio.sleep(0)
        session.put(document(uri="file:///b"))
        session.remove("file:///b")
        await asyncio.sleep(0)
        assert not task.done()
        session.put(document(version=2))
        assert await task == []
        session.close()

    asyncio.run(main())


def test_cancelling_the_task_stops_the_engine() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = session_with(engine)
        await session.load(ignore)
        task = asyncio.create_task(ask(session, document()))
        while engine.n_asked == 0:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while engine.n_cancelled == 0:
            await asyncio.sleep(0.001)
        session.close()
        assert engine.is_closed

    asyncio.run(main())


def test_requests_that_wait_behind_a_newer_one_never_reach_the_engine() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = session_with(engine)
        await session.load(ignore)
        tasks = [asyncio.create_task(ask(session, document())) for _ in range(50)]
        await asyncio.sleep(0)
        engine.let_go.set()
        answers = await asyncio.gather(*tasks)
        assert answers == [[]] * 49 + [["1"]]
        assert engine.n_asked <= 2
        session.close()

    asyncio.run(main())


def test_without_an_engine_there_is_an_answer_all_the_same() -> None:
    async def main() -> None:
        session = session_with("it is not there")
        assert await ask(session, document()) == []
        with pytest.raises(EngineError, match="it is not there"):
            await session.load(ignore)
        assert await ask(session, document()) == []
        session.close()

    asyncio.run(main())


def test_a_failed_loading_keeps_the_engine_that_there_was() -> None:
    async def main() -> None:
        engine, other = SlowEngine(), SlowEngine()
        engine.let_go.set()
        session = session_with(engine, "broken", other)
        assert session.configure(Config())
        await session.load(ignore)
        assert not session.configure(Config(max_tokens=5))
        assert session.configure(Config(model="broken"))
        with pytest.raises(EngineError):
            await session.load(ignore)
        assert await ask(session, document()) == ["1"]
        assert session.configure(Config(model="other"))
        await session.load(ignore)
        assert engine.is_closed
        assert not other.is_closed
        session.close()

    asyncio.run(main())


def test_an_engine_that_fails_in_any_way_costs_one_suggestion(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(FakeEngine):
        def tokenize(self, text: str) -> list[int]:
            raise RuntimeError(" ".join(["my", "secret"]))

    async def main() -> None:
        session = session_with(Broken())
        await session.load(ignore)
        assert await ask(session, document()) == []
        session.close()

    asyncio.run(main())
    assert "no suggestion because of RuntimeError" in caplog.text
    assert "my secret" not in caplog.text


def test_progress_is_heard_on_the_loop() -> None:
    async def main() -> None:
        threads: list[int] = []
        session = session_with(FakeEngine("1"))
        await session.load(lambda _: threads.append(threading.get_ident()))
        await asyncio.sleep(0)
        assert threads == [threading.get_ident()]
        session.close()

    asyncio.run(main())
