"""Time, without waiting: an engine that replies when the test says so, and a loop whose clock goes on
when the test says so."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence, Sized
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from codegen_lsp.answering import SPARING
from codegen_lsp.attempt import GRACE
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import (
    Cancel,
    Engine,
    EngineError,
    Generation,
    Prompt,
    Sampling,
    Stats,
    Token,
)
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find
from codegen_lsp.recall import Recall
from codegen_lsp.rhythm import MAX_DELAY
from codegen_lsp.session import PAUSE, Session
from codegen_lsp.synthesis import below
from tests.fake_engine import FakeEngine

PATIENCE = 60  # seconds; what takes longer has failed


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


class HearingEngine(FakeEngine):
    """Keeps all that it was ever told, but for the order to forget."""

    def __init__(self) -> None:
        super().__init__("1\n")
        self.heard: list[str] = []

    def remember(self, key: str, text: str) -> None:
        super().remember(key, text)
        self.heard += [text] if text else []


class WarmingEngine(FakeEngine):
    """Never ends a warm-up by itself."""

    def __init__(self) -> None:
        super().__init__("1\n")
        self.n_cancelled = 0

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        n_tokens = super().warm(tokens, cancel)
        heard = threading.Event()
        cancel.on_set(heard.set)
        self.n_cancelled += heard.wait(PATIENCE)
        return n_tokens


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time stands still until `pass_` is called."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def pass_(self, seconds: float = PAUSE) -> None:
        self.now += seconds
        await asyncio.sleep(0)  # the loop looks at its timers,
        await asyncio.sleep(0)  # and has called them

    async def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "what the test waits for does not come"
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def battery(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The machine's, whatever machine that is: plugged in, until the test says otherwise."""
    battery = SimpleNamespace(power_plugged=True)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    return battery


async def settle(clock: Clock, session: Session) -> None:
    """Let everything happen that waits for no time to pass."""
    for _ in range(9):
        await clock.until(session._executor.submit(int).done)
        await clock.pass_(0)


async def pause(clock: Clock, session: Session) -> None:
    """Let nothing happen for so long that the engine prepares, and let it."""
    await clock.pass_()
    await clock.until(session._executor.submit(int).done)


def run(test: Callable[[Clock], Coroutine[None, None, None]]) -> None:
    clock = Clock()
    try:
        clock.run_until_complete(test(clock))
    finally:
        clock.close()


def session_with(
    *engines: Engine | str, hear: Callable[[Mapping[str, Any]], None] = lambda _: None
) -> Session:
    """A session whose loadings give these engines in turn; a text is a failure."""
    left = list(engines)

    def load(_: Config, progress: Callable[[float], bool]) -> Engine:
        engine = left.pop(0)
        if isinstance(engine, str):
            raise EngineError(engine)
        progress(1.0)
        return engine

    return Session(load, Config(), hear=hear)


async def loaded_session(
    *engines: Engine | str, hear: Callable[[Mapping[str, Any]], None] = lambda _: None
) -> Session:
    """The same, which has loaded the first of them."""
    session = session_with(*engines, hear=hear)
    await session.load(ignore)
    return session


def document(version: int = 1, uri: str = "file:///a", text: str = "x = ") -> Document:
    return Document(uri, "python", version, text)


def ignore(_: float) -> None:
    pass


async def ask(session: Session, document: Document) -> list[str]:
    answer = await session.complete(document, 4, 1)
    return [candidate.text for candidate in answer.completion.candidates]


def test_newest_request_wins_and_the_older_one_is_answered_at_once() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = await loaded_session(engine)
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
        session = await loaded_session(engine)
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
        session = await loaded_session(engine)
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
        session = await loaded_session(engine)
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
        assert not session.configure(Config(temperature=0.5))
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


def test_after_a_pause_an_opened_file_is_evaluated_to_its_end_and_remembered() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        session.put(document(text="import os\nx = y\n"))
        await pause(clock, session)
        assert engine.warmed == ["import os\nx = y\n"]
        assert engine.remembered == {"file:///a": "import os\nx = y\n"}
        session.close()

    run(main)


def test_of_a_long_file_nothing_is_evaluated_until_the_cursor_is_known() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        long = document(text="number = 1\n" * 1_000)
        session.put(long)
        await pause(clock, session)
        session.move(long, len("number = 1\n") * 40 + len("number = "))
        await pause(clock, session)
        assert engine.warmed == ["number = 1\n" * 40 + "number ="]
        session.close()

    run(main)


def test_typing_starts_no_warm_up_and_the_pause_after_it_does() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        for n_keys in range(9):
            session.put(document(n_keys, text="import os\n" + "new = 1"[:n_keys] + "\nx = y\n"))
            await clock.pass_(PAUSE * 0.9)
            assert engine.warmed == []
        await pause(clock, session)
        assert engine.warmed == ["import os\nnew ="]
        session.close()

    run(main)


def test_an_edit_above_the_cursor_moves_it_along() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        before = document(text="import os\n\nx = \ny = 1\n")
        session.put(before)
        session.move(before, len("import os\n\nx = "))
        session.put(document(2, text="import json\nimport os\n\nx = \ny = 1\n"))
        await pause(clock, session)
        assert engine.warmed == ["import json\nimport os\n\nx ="]
        session.close()

    run(main)


@pytest.mark.parametrize("edit_comes_first", [True, False])
def test_after_an_accept_the_place_behind_it_is_next(edit_comes_first: bool) -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("f(1)\n")
        session = await loaded_session(engine)
        session.put(document(text="x = \ny = 1\n"))
        assert await ask(session, session.documents["file:///a"]) == ["f(1)"]
        edited = document(2, text="x = f(1)\ny = 1\n")
        if edit_comes_first:
            session.put(edited)
        session.accept("file:///a", 4, "f(1)")
        if not edit_comes_first:
            session.put(edited)
        await pause(clock, session)
        assert engine.warmed == ["x = f(1)"]
        session.close()

    run(main)


def test_an_accept_says_where_the_cursor_is_where_the_edit_alone_does_not() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        session.put(document(text="x = 1\nz"))
        session.move(document(text="x = 1\nz"), len("x = 1"))
        session.put(document(2, text="x = 1\ny = (\nz"))  # "\ny = (" was put in, or else "y = (\n"
        session.accept("file:///a", len("x = 1"), "\ny = (")
        await pause(clock, session)
        assert engine.warmed == ["x = 1\ny = ("]
        session.close()

    run(main)


def test_what_was_just_answered_is_left_alone() -> None:
    """To warm its prompt up would make the engine forget the answer behind it."""

    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        session.put(document())
        assert await ask(session, document()) == ["1"]
        await pause(clock, session)
        session.move(document(), 4)
        await pause(clock, session)
        assert engine.warmed == []
        session.close()

    run(main)


def test_a_request_that_the_client_takes_back_is_still_likely_to_come() -> None:
    class Patient(SlowEngine):
        def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
            return FakeEngine.warm(self, tokens, cancel)

    async def main(clock: Clock) -> None:
        engine = Patient()
        session = await loaded_session(engine)
        session.put(document(text="x = \n"))
        task = asyncio.create_task(ask(session, document(text="x = \n")))
        await clock.until(lambda: engine.n_asked)
        await clock.pass_()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert engine.warmed == []
        await pause(clock, session)
        assert engine.warmed == ["x ="]
        session.close()

    run(main)


def test_a_request_ends_a_warm_up_at_once() -> None:
    async def main(clock: Clock) -> None:
        engine = WarmingEngine()
        session = await loaded_session(engine)
        session.put(document())
        await clock.pass_()
        await clock.until(lambda: engine.warmed)
        assert await ask(session, document(uri="file:///b")) == ["1"]
        assert engine.n_cancelled == 1
        session.close()

    run(main)


def test_a_warm_up_that_was_ended_goes_on_when_there_is_time_again() -> None:
    async def main(clock: Clock) -> None:
        engine = WarmingEngine()
        session = await loaded_session(engine)
        session.put(document())
        for _ in range(2):
            session.move(document(), 4)
            await clock.pass_()
            await clock.until(lambda: len(engine.warmed) > engine.n_cancelled)
            session.put(document(uri="file:///binary", text="\0"))
            await pause(clock, session)
        assert engine.n_cancelled == 2
        session.close()

    run(main)


@pytest.mark.parametrize("uri", ["file:///a", "file:///b"])
def test_what_happens_next_ends_a_warm_up_and_starts_the_next(uri: str) -> None:
    async def main(clock: Clock) -> None:
        engine = WarmingEngine()
        session = await loaded_session(engine)
        session.put(document())
        await clock.pass_()
        await clock.until(lambda: engine.warmed)
        session.put(document(2, uri, text="z = 1\n"))
        await clock.until(lambda: engine.n_cancelled)
        await clock.pass_()
        await clock.until(lambda: len(engine.warmed) == 2)
        assert engine.warmed[1] == "z = 1\n"
        session.remove(uri)
        await clock.until(lambda: engine.n_cancelled == 2)
        session.close()

    run(main)


@pytest.mark.parametrize(
    ("config", "language", "text"),
    [
        pytest.param(Config(enabled=False), "python", "x = ", id="switched off"),
        pytest.param(Config(disabled_languages=("c",)), "c", "x = ", id="a language"),
        pytest.param(Config(), "python", "\0ELF\n", id="a binary file"),
        pytest.param(Config(), "python", "x" * 5_000, id="an overlong line"),
    ],
)
def test_what_may_not_be_read_is_neither_evaluated_nor_remembered(
    config: Config, language: str, text: str
) -> None:
    async def main(clock: Clock) -> None:
        engine = HearingEngine()
        session = session_with(engine)
        session.configure(config)
        await session.load(ignore)
        session.put(Document("file:///a", language, 1, text))
        await pause(clock, session)
        assert await ask(session, session.documents["file:///a"]) == []
        await pause(clock, session)
        assert engine.warmed == engine.heard == []
        session.close()

    run(main)


def test_what_may_no_longer_be_read_is_forgotten() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        session.put(document())
        await pause(clock, session)
        session.configure(Config(disabled_languages=("python",)))
        await clock.pass_()
        await clock.until(lambda: not engine.remembered)
        session.close()

    run(main)


def test_documents_are_remembered_as_they_are_until_they_are_closed() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        session.put(document(text="old\n"))
        await clock.pass_()
        await clock.until(lambda: engine.remembered == {"file:///a": "old\n"})
        session.put(document(2, text="new\n"))
        assert await ask(session, document(2, text="new\n")) == ["1"]
        assert engine.remembered == {"file:///a": "old\n"}  # a request waits for no such thing
        await clock.pass_()
        await clock.until(lambda: engine.remembered == {"file:///a": "new\n"})
        session.remove("file:///a")
        await clock.until(lambda: not engine.remembered)
        session.close()

    run(main)


def test_only_what_changed_is_told_again_and_first_what_is_worked_on() -> None:
    async def main(clock: Clock) -> None:
        engine = HearingEngine()
        session = await loaded_session(engine)
        for name in ("one", "two", "three"):
            session.put(document(uri=name, text=name))
        await pause(clock, session)
        session.put(document(2, "one", text="changed"))
        await pause(clock, session)
        assert engine.heard == ["three", "one", "two", "changed"]
        session.close()

    run(main)


def test_a_warm_up_does_not_hold_up_another_engine() -> None:
    async def main(clock: Clock) -> None:
        engine = WarmingEngine()
        session = session_with(engine, FakeEngine("2\n"))
        await session.load(ignore)
        session.put(document())
        await clock.pass_()
        await clock.until(lambda: engine.warmed)
        session.config = Config(model="second")
        await session.load(ignore)
        assert engine.n_cancelled == 1
        assert await ask(session, document()) == ["2"]
        session.close()

    run(main)


def test_a_model_just_loaded_is_told_and_prepared_as_the_one_before() -> None:
    async def main(clock: Clock) -> None:
        first, second = FakeEngine("1\n"), FakeEngine("2\n")
        session = session_with(first, second)
        session.put(document(text="x = 1\n"))
        await clock.pass_()
        await session.load(ignore)
        await clock.pass_()
        await clock.until(lambda: first.warmed == ["x = 1\n"])
        assert session.configure(Config(model="second"))
        await session.load(ignore)
        await clock.pass_()
        await clock.until(lambda: second.warmed == ["x = 1\n"])
        assert second.remembered == first.remembered == {"file:///a": "x = 1\n"}
        session.close()

    run(main)


def test_the_same_trouble_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    class Shaky(FakeEngine):
        trouble = ""

        def generate(
            self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel
        ) -> Generation:
            if self.trouble:
                raise EngineError(self.trouble)
            return super().generate(prompt, samplings, cancel)

    async def main(clock: Clock) -> None:
        engine = Shaky("1\n")
        session = await loaded_session(engine)
        session.put(document())
        await pause(clock, session)
        for n, engine.trouble in enumerate(
            ["it is gone", "it is gone", "", "it is gone", "no memory"]
        ):
            asked = document(text=f"{n} = ")
            assert await ask(session, asked) == ([] if engine.trouble else ["1"])
        assert [record.getMessage() for record in caplog.records] == [
            "no suggestion: it is gone",
            "no suggestion: it is gone",
            "no suggestion: no memory",
        ]
        engine.remembered.clear()  # as an engine that was started again
        session.put(document(uri="file:///b"))
        await clock.pass_()
        await clock.until(lambda: len(engine.remembered) == 2)
        session.close()

    run(main)


class Loads:
    """Loadings that go on when the test says so: `steps[model]` is released once for each share."""

    def __init__(self, **engines: Engine | None) -> None:
        self.engines = engines
        self.steps = {model: threading.Semaphore(0) for model in engines}
        self.begun: list[str] = []
        self.ended_early: list[str] = []

    def __call__(self, config: Config, progress: Callable[[float], bool]) -> Engine:
        self.begun.append(config.model)
        for share in (0.5, 1.0):
            assert self.steps[config.model].acquire(timeout=PATIENCE)
            if not progress(share):
                self.ended_early.append(config.model)
                raise EngineError("it was ended")
        engine = self.engines[config.model]
        if engine is None:
            raise EngineError(f"{config.model} is broken")
        return engine

    def let_go(self, model: str) -> None:
        self.steps[model].release(2)


def test_the_former_engine_answers_while_another_is_loaded() -> None:
    async def main(clock: Clock) -> None:
        loads = Loads(old=FakeEngine("old\n"), new=FakeEngine("new\n"))
        session = Session(loads, Config(model="old"))
        loads.let_go("old")
        await session.load(ignore)
        session.configure(Config(model="new"))
        loading = asyncio.create_task(session.load(ignore))
        await clock.until(lambda: loads.begun == ["old", "new"])
        assert await ask(session, document()) == ["old"]
        opened = document(text="# set x\n")
        (stated,) = await session.stated_in(opened, 0, 0)
        (found, *_) = await session.propose(below(stated, opened), Cancel(), lambda _: None)
        assert found.origin.model == "old"  # who has written it, and not whom the settings name
        loads.let_go("new")
        await loading
        assert await ask(session, document()) == ["new"]
        session.close()

    run(main)


def test_what_is_asked_while_the_first_model_loads_is_answered_by_it() -> None:
    async def main(clock: Clock) -> None:
        loads = Loads(nano=FakeEngine("1\n"))
        session = Session(loads, Config())
        loading = asyncio.create_task(session.load(ignore))
        await clock.until(lambda: loads.begun)
        older, newer = (asyncio.create_task(ask(session, document())) for _ in range(2))
        assert await older == []
        assert not newer.done()
        loads.let_go("nano")
        assert await newer == ["1"]
        await loading
        session.close()

    run(main)


def test_the_newest_of_several_loadings_wins() -> None:
    async def main(clock: Clock) -> None:
        loads = Loads(slow=None, quick=FakeEngine("1\n"))
        session = Session(loads, Config(model="slow"))
        older = asyncio.create_task(session.load(ignore))
        await clock.until(lambda: loads.begun == ["slow"])
        assert session.configure(Config(model="quick"))
        newer = asyncio.create_task(session.load(ignore))
        await asyncio.sleep(0)
        assert not session.configure(Config(model="quick"))
        for model in ("slow", "quick"):
            loads.let_go(model)
        await asyncio.gather(older, newer)  # and the older one's end is no failure
        assert loads.ended_early == ["slow"]
        assert await ask(session, document()) == ["1"]
        session.close()

    run(main)


def test_an_engine_that_comes_too_late_is_closed() -> None:
    async def main(clock: Clock) -> None:
        late, former = SlowEngine(), SlowEngine()
        former.let_go.set()
        loads = Loads(former=former, late=late)
        session = Session(loads, Config(model="former"))
        loads.let_go("former")
        await session.load(ignore)
        # The engine's thread is busy, so that the hand-over waits behind this request.
        former.let_go.clear()
        request = asyncio.create_task(ask(session, document()))
        await clock.until(lambda: former.n_asked)
        session.configure(Config(model="late"))
        loads.let_go("late")
        shares: list[float] = []
        older = asyncio.create_task(session.load(shares.append))
        await clock.until(lambda: shares == [0.5, 1.0])
        assert session.configure(Config(model="former"))
        newer = asyncio.create_task(session.load(ignore))
        await asyncio.sleep(0)
        former.let_go.set()
        assert await request == ["1"]
        await asyncio.gather(older, newer)
        assert late.is_closed
        assert not former.is_closed
        assert loads.begun == ["former", "late"]  # it is still there, and is not loaded again
        session.close()

    run(main)


def test_after_a_failed_loading_the_former_model_is_still_there_and_the_other_is_tried_again() -> (
    None
):
    async def main(clock: Clock) -> None:
        loads = Loads(good=FakeEngine("1\n"), bad=None)
        session = Session(loads, Config(model="good"))
        for model in ("good", "bad", "bad"):
            loads.let_go(model)
        await session.load(ignore)
        for _ in range(2):  # somebody might have mended the file
            assert session.configure(Config(model="bad"))
            with pytest.raises(EngineError, match="bad is broken"):
                await session.load(ignore)
        assert not session.configure(Config(model="good"))
        assert await ask(session, document()) == ["1"]
        assert loads.begun == ["good", "bad", "bad"]
        session.close()

    run(main)


def test_closing_ends_a_loading() -> None:
    async def main(clock: Clock) -> None:
        loads = Loads(nano=None)
        session = Session(loads, Config())
        loading = asyncio.create_task(session.load(ignore))
        await clock.until(lambda: loads.begun)
        loads.let_go("nano")
        session.close()
        await loading
        assert loads.ended_early == ["nano"]

    run(main)


def test_five_hundred_documents_leave_nothing_behind() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        empty = table_sizes(session)
        documents = []
        for n in range(500):
            opened = document(uri=f"file:///{n}")
            documents.append(weakref.ref(opened))
            session.put(opened)
            if n % 3 == 0:
                assert await ask(session, opened) == ["1"]
            if n % 3 == 1:
                await clock.pass_()
                await clock.until(partial(engine.remembered.get, opened.uri))
            if n >= 5:
                session.remove(f"file:///{n - 5}")
        assert table_sizes(session) != empty
        for n in range(495, 500):
            session.remove(f"file:///{n}")
        del opened
        await clock.until(lambda: not engine.remembered)
        assert table_sizes(session) == empty
        engine.prompts.clear()
        gc.collect()
        assert [reference for reference in documents if reference() is not None] == []
        session.close()

    run(main)


def table_sizes(session: Session) -> dict[str, int]:
    tables = {**vars(session), **vars(session._loaded)}
    return {
        name: len(table)
        for name, table in tables.items()
        if isinstance(table, Sized) and not isinstance(table, str | tuple)
    }


def test_a_real_engine_has_nothing_left_to_evaluate_after_a_pause() -> None:
    class Counting(LlamaEngine):
        n_evaluated: tuple[int, ...] = ()

        def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
            n_tokens = super().warm(tokens, cancel)
            self.n_evaluated += (n_tokens,)
            return n_tokens

    async def main(clock: Clock) -> None:
        engine = Counting(find("nano"))
        session = await loaded_session(engine)
        code = "import os\n\n\ndef size(path):\n    return os."
        opened = document(text=code)
        session.put(opened)
        await clock.pass_()
        await clock.until(lambda: engine.n_evaluated)
        asked = (await session.complete(opened, len(code), 1)).completion
        assert asked.stats.n_reused == asked.stats.n_prompt == engine.n_evaluated[0]

        await clock.pass_()
        (candidate,) = asked.candidates
        edited = document(2, text=code + candidate.text + "\n")
        session.put(edited)
        session.accept(opened.uri, len(code), candidate.text + "\n")
        await clock.pass_()
        await clock.until(lambda: len(engine.n_evaluated) == 2)
        # The accepted text was evaluated while it was written, all but its last token.
        assert engine.n_evaluated[1] <= 3 < candidate.n_tokens
        asked = (await session.complete(edited, len(edited.text), 1)).completion
        assert asked.stats.n_reused == asked.stats.n_prompt
        session.close()

    run(main)


class WritingEngine(FakeEngine):
    """Says a letter each time the test lets it, until it is cancelled."""

    def __init__(self, *replies: str, step: int = 1) -> None:
        super().__init__(*replies, step=step)
        self.letters = threading.Semaphore(0)
        self.n_cancelled = 0
        self.n_said = 0

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        generation = super().generate(prompt, samplings, cancel)
        tokens = iter(generation)

        def slowly(outer: Generation) -> Generator[Token, None, None]:
            while True:
                while not self.letters.acquire(timeout=0.001):
                    if cancel.is_set():
                        self.n_cancelled += 1
                        outer.stats = Stats(stops=tuple("cancelled" for _ in samplings))
                        return
                if (token := next(tokens, None)) is None:
                    outer.stats = generation.stats
                    return
                yield token
                self.n_said += 1

        return Generation(len(samplings), slowly)


def typed(text: str, version: int = 2) -> Document:
    return document(version, text=text)


async def answer(
    session: Session, document: Document, offset: int | None = None
) -> tuple[str, ...]:
    """Where the answer at the text's end comes from, and what it says."""
    session.put(document)
    answer = await session.complete(document, len(document.text) if offset is None else offset)
    return answer.source, *(candidate.text for candidate in answer.completion.candidates)


def test_what_is_typed_through_and_gone_back_to_asks_no_engine() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("f(a)\n")
        session = await loaded_session(engine)
        assert await answer(session, typed("x = ")) == ("engine", "f(a)")
        assert await answer(session, typed("x = f")) == ("typed", "(a)")
        assert await answer(session, typed("x = f(")) == ("typed", "a)")
        assert await answer(session, typed("x = f")) == ("typed", "(a)")
        assert await answer(session, typed("x = ")) == ("cache", "f(a)")
        session.close()
        assert sum(prompt.text == "x =" for prompt in engine.prompts) == 1

    run(main)


def test_after_a_deletion_nothing_new_is_suggested_unless_somebody_asks() -> None:
    async def main(clock: Clock) -> None:
        session = await loaded_session(FakeEngine("f(a)\n"))
        await answer(session, typed("x = yz"))
        assert await answer(session, typed("x = y")) == ("engine",)
        elsewhere = await session.complete(typed("x = y"), 4)
        assert elsewhere.completion.reason == "a word follows the cursor"
        asked = await session.complete(typed("x = y"), 5, 1, invoked=True)
        assert [candidate.text for candidate in asked.completion.candidates] == ["f(a)"]
        session.close()

    run(main)


def test_an_attempt_is_joined_by_who_types_what_it_says() -> None:
    async def main(clock: Clock) -> None:
        engine = WritingEngine("f(a)\n")
        session = await loaded_session(engine)
        older = asyncio.create_task(answer(session, typed("x = ")))
        await clock.until(lambda: engine.prompts)
        newer = asyncio.create_task(answer(session, typed("x = f")))
        assert await older == ("none",)
        engine.letters.release(20)
        assert await newer == ("joined", "(a)")
        assert engine.n_cancelled == 0
        session.close()

    run(main)


@pytest.mark.parametrize("n_letters", [0, 4])
def test_an_attempt_ends_where_something_else_is_typed(n_letters: int) -> None:
    """Be it that it has already said what it will say there, or that it says so later."""

    async def main(clock: Clock) -> None:
        engine = WritingEngine("f(a)\n", "g(b)\n")
        session = await loaded_session(engine)
        older = asyncio.create_task(answer(session, typed("x = ")))
        await clock.until(lambda: engine.prompts)
        for _ in range(n_letters):
            engine.letters.release()
        await clock.until(lambda: engine.n_said == n_letters)
        newer = asyncio.create_task(answer(session, typed("x = g")))
        assert await older == ("none",)
        for _ in range(4 - n_letters):
            engine.letters.release()
        await clock.until(lambda: engine.n_cancelled)
        await clock.until(lambda: len(engine.prompts) == 2)
        engine.letters.release(20)
        assert (await newer)[0] == "engine"
        session.close()

    run(main)


def test_a_request_that_nobody_takes_up_again_ends_after_a_while() -> None:
    async def main(clock: Clock) -> None:
        engine = WritingEngine("f(a)\n")
        session = await loaded_session(engine)
        task = asyncio.create_task(answer(session, typed("x = ")))
        await clock.until(lambda: engine.prompts)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await clock.pass_(GRACE * 0.9)
        assert engine.n_cancelled == 0
        await clock.pass_(GRACE * 0.2)
        await clock.until(lambda: engine.n_cancelled)
        session.close()

    run(main)


def test_a_slow_engine_is_not_asked_before_a_pause() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("f(a)\n")
        session = await loaded_session(engine)
        for _ in range(50):
            session._answering.rhythm.answered(1.0)
        task = asyncio.create_task(answer(session, typed("x = ")))
        for seconds in (0.0, 0.0, MAX_DELAY * 0.9):
            await clock.pass_(seconds)
            assert not engine.prompts
        await clock.pass_(MAX_DELAY * 0.2)
        assert await task == ("engine", "f(a)")
        assert await answer(session, typed("x = f")) == (
            "typed",
            "(a)",
        )  # this takes no time at all
        assert (await answer(session, typed("x = f(a)\n")))[0] == "engine"  # nor does a new line
        session.close()

    run(main)


def test_what_follows_an_accepted_suggestion_is_there() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine(" x:\n", "\n    pass\n", step=4)
        session = await loaded_session(engine)
        assert await answer(session, typed("while")) == ("engine", " x:")
        await clock.pass_(0.5)
        await clock.until(lambda: len(engine.prompts) == 2)
        await clock.until(session._executor.submit(int).done)
        assert await answer(session, typed("while x:")) == ("cache", "\n    pass")
        assert await answer(session, typed("while")) == ("cache", " x:")
        await clock.pass_(0.5)
        await settle(clock, session)
        assert len(engine.prompts) == 2  # what is known is not written again
        session.close()

    run(main)


def test_nothing_is_written_behind_what_is_not_likely_to_be_taken() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine(" x:\n", step=1)
        session = await loaded_session(engine)
        assert await answer(session, typed("while")) == ("engine", " x:")
        await clock.pass_(0.5)
        await settle(clock, session)
        assert len(engine.prompts) == 1
        session.close()

    run(main)


def test_what_is_written_ahead_is_joined_by_who_comes_there() -> None:
    async def main(clock: Clock) -> None:
        engine = WritingEngine(" x:\n", "\n    pass\n", step=9)
        engine.letters.release(2)
        session = await loaded_session(engine)
        assert await answer(session, typed("while")) == ("engine", " x:")
        await clock.pass_(0.4)
        await clock.until(lambda: len(engine.prompts) == 2)
        assert await answer(session, typed("while x")) == ("typed", ":")
        await clock.pass_(0.4)  # it would be written ahead from here, too
        task = asyncio.create_task(answer(session, typed("while x:")))
        for _ in range(5):
            await clock.pass_(0)
        engine.letters.release(9)
        assert await task == ("joined", "\n    pass")
        assert (len(engine.prompts), engine.n_cancelled) == (2, 0)
        session.close()

    run(main)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x = f(a)", "\ny = 1", id="as it stands"),
        pytest.param("if a:\r\n\tx = f(a)", "\r\n\ty = 1", id="as the lines above"),
        pytest.param("if a:\n    return f(a)", "\ny = 1", id="where a block ends"),
    ],
)
def test_behind_a_complete_statement_the_next_line_is_shown_to_who_hesitates(
    text: str, expected: str
) -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("y = 1\n", step=99)
        session = await loaded_session(engine)
        task = asyncio.create_task(answer(session, typed(text)))
        await settle(clock, session)
        await clock.pass_(session._answering.rhythm.hesitation() * 0.9)
        await settle(clock, session)
        assert not engine.prompts
        await clock.pass_(session._answering.rhythm.hesitation() * 0.2)
        assert await task == ("engine", expected)
        enter = expected.removesuffix("y = 1")
        assert await answer(session, typed(text + enter)) == ("cache", "y = 1")
        assert await answer(session, typed(text + enter + "y")) == ("typed", " = 1")
        session.close()
        assert len(engine.prompts) == 1

    run(main)


def test_a_line_is_complete_where_the_model_says_so() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("\n", "y = 1\n", step=99)
        session = await loaded_session(engine)
        task = asyncio.create_task(answer(session, typed("x = a")))
        await settle(clock, session)
        await clock.pass_(session._answering.rhythm.hesitation())
        assert await task == ("engine", "\ny = 1")
        assert await answer(session, typed("x = a\n\n")) == ("engine",)  # a blank line is none
        session.close()

    run(main)


def test_who_asks_or_has_just_accepted_a_line_gets_the_next_one_at_once() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("f(a)\n", "y = 1\n", "\n", "z = 2\n", step=99)
        session = await loaded_session(engine)
        assert await answer(session, typed("x = ")) == ("engine", "f(a)")
        task = asyncio.create_task(answer(session, typed("x = f(a)")))
        await settle(clock, session)
        assert task.done()
        assert await task == ("engine", "\ny = 1")
        other = typed("x = a")
        session.put(other)
        asked = asyncio.create_task(session.complete(other, 5, invoked=True))
        await settle(clock, session)
        assert asked.done()
        (candidate,) = asked.result().completion.candidates
        assert candidate.text == "\nz = 2"
        session.close()

    run(main)


def test_a_next_line_that_is_not_likely_is_not_shown() -> None:
    """Nor written to its end. It is likely enough to be shown where it belongs: each of its tokens is,
    though all of them are not."""

    async def main(clock: Clock) -> None:
        engine = FakeEngine("yes = 1\n", "yes = 1\n", step=1)
        heard: list[Mapping[str, Any]] = []
        session = await loaded_session(engine, hear=heard.append)
        task = asyncio.create_task(answer(session, typed("x = f(a)")))
        await settle(clock, session)
        await clock.pass_(session._answering.rhythm.hesitation())
        assert await task == ("engine",)
        assert await answer(session, typed("x = f(a)\n")) == ("engine", "yes = 1")
        n_written = [each["nGenerated"] for each in heard if each["event"] == "generation"]
        assert n_written == [
            0,
            3,
            len("yes = 1\n"),
        ]  # three tokens of -0.5 are less likely than 0.3
        session.close()

    run(main)


def test_behind_a_suggestion_that_completes_a_statement_the_next_line_is_there() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("f(a)\n", "y = 1\n", step=99)
        session = await loaded_session(engine)
        assert await answer(session, typed("x = ")) == ("engine", "f(a)")
        await clock.pass_(session._answering.rhythm.hesitation())
        await settle(clock, session)
        assert len(engine.prompts) == 2
        task = asyncio.create_task(answer(session, typed("x = f(a)")))
        await settle(clock, session)
        assert task.done()  # no time has passed
        assert await task == ("cache", "\ny = 1")
        session.close()

    run(main)


@pytest.mark.parametrize("saves_power", [False, True])
def test_under_strain_requests_wait_longer_and_nothing_is_written_ahead(
    battery: SimpleNamespace, saves_power: bool
) -> None:
    battery.power_plugged = False

    async def main(clock: Clock) -> None:
        engine = FakeEngine("f(a)\n", "y = 1\n", step=99)
        session = await loaded_session(engine)
        session.configure(Config(power_saving=saves_power))
        for text, *shown in (("x = ", "f(a)"), ("x = f(a)", *([] if saves_power else ["\ny = 1"]))):
            task = asyncio.create_task(answer(session, typed(text)))
            await settle(clock, session)
            assert task.done() is not saves_power
            for _ in range(3):
                await clock.pass_(SPARING)
                await settle(clock, session)
            assert list((await task)[1:]) == shown
        assert len(engine.prompts) == (1 if saves_power else 3)
        session.close()

    run(main)


def test_a_deletion_is_forgotten_after_the_next_key() -> None:
    async def main(clock: Clock) -> None:
        session = await loaded_session(FakeEngine("f(a)\n"))
        for text in ("x = yz\n", "x = y\n", "x = y\n#"):
            session.put(typed(text))
        assert await answer(session, typed("x = y\n#"), 5) == ("engine", "f(a)")
        session.close()

    run(main)


def test_what_a_text_with_errors_asked_for_is_checked_again_when_part_of_it_is_typed() -> None:
    """The bracket that lacks may be one too many in a text that parses in another way now."""

    async def main(clock: Clock) -> None:
        engine = FakeEngine("b):\n", ".c\n")
        session = await loaded_session(engine)
        assert await answer(session, typed("def f(:\n    x = ")) == ("engine", "b):")
        assert await answer(session, typed("def f(:\n    x = b")) == ("engine", ".c")
        assert await answer(session, typed("def f(:\n    x = b.")) == ("typed", "c")
        session.close()

    run(main)


def test_in_a_text_with_errors_too_there_is_nothing_to_say_for_a_while() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("[[[\n")
        session = await loaded_session(engine)
        assert await answer(session, typed("def f(:\n    x = ")) == ("engine",)
        assert await answer(session, typed("def f(:\n    x = [")) == ("typed",)
        session.close()
        assert len(engine.prompts) == 1

    run(main)


def test_new_rules_hold_at_once(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        one, other = ((tmp_path / name).as_uri() for name in ("one.py", "other.py"))
        for uri in (one, other):
            session.put(document(uri=uri))
        await pause(clock, session)
        assert set(engine.remembered) == {one, other}
        for uri in (one, other):
            assert await ask(session, document(uri=uri)) == ["1"]

        rules = tmp_path / ".gitignore"
        rules.write_text("other.py\n")
        session.changed_on_disk(rules.as_uri())
        assert await ask(session, document(uri=other)) == []
        # What was said before may have come out of a file that is ignored now.
        assert (await session.complete(document(uri=one), 4)).source == "engine"
        await pause(clock, session)
        assert set(engine.remembered) == {one}
        session.close()

    run(main)


def test_of_an_accepted_suggestion_one_hears_whatever_the_client_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(clock: Clock) -> None:
        events: list[Mapping[str, Any]] = []
        session = session_with(FakeEngine("first.second()\n"), hear=events.append)
        await session.load(ignore)
        await answer(session, typed("x = "))
        session.put(typed("x = f"))  # typed
        session.put(typed("x = first"))  # a word accepted
        session.put(typed("x = first.second()"))  # and the rest
        session.put(typed("x = first.second()\ny = z"))  # pasted
        assert [each["nCharacters"] for each in events if each["event"] == "accepted"] == [4, 9]
        session.close()

    caplog.set_level("INFO")
    run(main)
    assert [record.getMessage() for record in caplog.records] == [
        "accepted 4 characters", "accepted 9 characters",
    ]  # fmt: skip


def test_the_indentation_that_comes_with_the_enter_key_is_not_accepted() -> None:
    async def main(clock: Clock) -> None:
        events: list[Mapping[str, Any]] = []
        session = session_with(FakeEngine("\n    pass\n"), hear=events.append)
        await session.load(ignore)
        assert await answer(session, typed("while x:")) == ("engine", "\n    pass")
        for text in ("while x:\n    ", "while x:\n    p", "while x:\n    pass"):
            session.put(typed(text))
        assert [each["nCharacters"] for each in events if each["event"] == "accepted"] == [3]
        session.close()

    run(main)


def test_while_code_for_a_comment_is_written_nothing_else_is() -> None:
    async def main(clock: Clock) -> None:
        engine = WritingEngine("x = 1\n", step=9)
        session = await loaded_session(engine)
        opened = document(text="# set x\n")
        session.put(opened)
        (stated,) = await session.stated_in(opened, 0, 0)
        heard: list[str] = []
        task = asyncio.create_task(session.propose(below(stated, opened), Cancel(), heard.append))
        for _ in range(5):
            await clock.pass_(0)
        refused = await session.complete(opened, len(opened.text))
        assert refused.completion.reason == "code for a comment is being written"
        engine.letters.release(99)
        (found, *_) = await task
        assert found.change == (7, 7, "\nx = 1")
        assert found.asked.intent == "set x"
        assert heard[-1].startswith("x = 1")
        assert (await session.complete(opened, len(opened.text))).source == "engine"
        session.close()

    run(main)


def test_code_that_nobody_wants_any_more_is_none() -> None:
    async def main(clock: Clock) -> None:
        engine = WritingEngine("x = 1\n", step=9)
        session = await loaded_session(engine)
        opened, cancel = document(text="# set x\n"), Cancel()
        session.put(opened)
        (stated,) = await session.stated_in(opened, 0, 0)
        asked = below(stated, opened)
        task = asyncio.create_task(session.propose(asked, cancel, lambda _: None))
        for _ in range(5):
            await clock.pass_(0)
        cancel.set()
        assert await task == ()
        assert engine.n_cancelled == 1
        session.close()

    run(main)


def test_the_engine_can_be_asked_anything_about_a_document_as_far_as_it_may_be_read() -> None:
    async def main(clock: Clock) -> None:
        engine = FakeEngine("x = 1\n")
        session = await loaded_session(engine)
        key = "AKIA" + "Q3EGRJ7XKW2NPLZM"
        opened = document(text=f'key = "{key}"\n')
        session.put(opened)
        seen = await session.think(opened, lambda document, engine: (document.text, engine.n_ctx))
        assert seen is not None
        assert key not in seen[0]
        assert len(seen[0]) == len(opened.text)
        assert seen[1] == engine.n_ctx
        session.close()

    run(main)


@pytest.mark.parametrize("why", ["ignored", "no engine", "it fails"])
def test_nothing_is_made_of_a_document(why: str, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("ignored.py\n")

    def work(document: Document, engine: Engine) -> str:
        if why == "it fails":
            raise EngineError("out of order")
        return document.text

    async def main(clock: Clock) -> None:
        session = session_with(FakeEngine("x = 1\n"))
        if why != "no engine":
            await session.load(ignore)
        opened = document(uri=(tmp_path / f"{why.replace(' ', '-')}.py").as_uri())
        session.put(opened)
        assert await session.think(opened, work) is None
        session.close()

    run(main)


def test_an_ignored_file_states_nothing(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("a.py\n")

    async def main(clock: Clock) -> None:
        session = await loaded_session(FakeEngine("x = 1\n"))
        opened = document(uri=(tmp_path / "a.py").as_uri(), text="# set x\n")
        session.put(opened)
        assert await session.stated_in(opened, 0, 0) == ()
        session.close()

    run(main)


@pytest.mark.parametrize("ends", ["a pause", "closed"])
def test_turns_are_written_down_in_a_pause_and_when_their_document_is_closed(ends: str) -> None:
    async def main(clock: Clock) -> None:
        session = await loaded_session(FakeEngine("x = 1\n"))
        uri = f"file:///{ends.replace(' ', '-')}.py"
        opened = document(text="# set x\n", uri=uri)
        session.put(opened)
        (stated,) = await session.stated_in(opened, 0, 0)
        asked = below(stated, opened)
        (found, *_) = await session.propose(asked, Cancel(), lambda _: None)
        session.dialogue.plan(found)
        edited = document(2, text="# set x\nx = 1\n", uri=uri)
        session.put(edited)
        assert not Recall().load(edited).turns
        if ends == "closed":
            session.remove(uri)
        else:
            await pause(clock, session)
        assert [turn.intent for turn in Recall().load(edited).turns] == ["set x"]
        session.close()

    run(main)
