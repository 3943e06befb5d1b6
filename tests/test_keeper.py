"""How the engine's process lives and dies: real processes, llama.cpp and signals."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from codegen_lsp.engine import Cancel, EngineError, Prompt, Sampling
from codegen_lsp.keeper import Child
from codegen_lsp.models import EMBEDDED_PATH
from codegen_lsp.wire import Remember, Request
from codegen_lsp.worker import Worker
from tests.client import TIMEOUT
from tests.processes import (
    CODE,
    ended_in_time,
    generate,
    is_gone,
    long_prompt,
    stop,
    text_of,
    until,
    until_answered,
    when_it_computes,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    """Makes workers of the embedded model, and closes them whatever happens: who still waits for an
    answer when the time is up learns that there is none."""
    with contextlib.ExitStack() as stack:

        def start(path: Path = EMBEDDED_PATH, **how: Any) -> Worker:
            worker = stack.enter_context(contextlib.closing(Worker(path, **how)))
            stack.enter_context(ended_in_time(worker))
            return worker

        yield start


@pytest.fixture
def worker(start: Callable[..., Worker]) -> Worker:
    return start()


def test_ten_kills_in_a_row_cost_a_suggestion_each(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    expected = text_of(generate(worker, CODE))
    for n in range(10):
        pid = worker.pid
        (kill_in_a_prompt, kill_in_an_answer, kill_as_it_starts)[n % 3](worker, f"x{n}")
        until_answered(worker)
        assert text_of(generate(worker, CODE)) == expected
        assert is_gone(pid)
    # What a question has heard, who asked it logs; the log here has only what nobody waited for.
    assert caplog.text.count("was ended by SIGKILL; it is started again") == 2 * 3


def kill_in_a_prompt(worker: Worker, first: str) -> None:
    prompt, pid = long_prompt(worker, first), worker.pid
    thread = when_it_computes(pid, lambda: os.kill(pid, signal.SIGKILL))
    with pytest.raises(EngineError, match="SIGKILL"):
        list(worker.generate(prompt, [Sampling(1)] * 2, Cancel()))
    thread.join()


def kill_in_an_answer(worker: Worker, _: str) -> None:
    prompt = Prompt("", tuple(worker.tokenize(CODE)))
    generation = worker.generate(prompt, [Sampling(1000)] * 2, Cancel())
    next(generation)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match="SIGKILL"):
        list(generation)


def kill_as_it_starts(worker: Worker, _: str) -> None:
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: worker.pid != pid)
    os.kill(worker.pid, signal.SIGKILL)


def test_who_has_ended_a_generation_hears_of_no_death(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = Prompt("", tuple(worker.tokenize(CODE)))
    generation = worker.generate(prompt, [Sampling(1000)], Cancel())
    next(generation)
    os.kill(worker.pid, signal.SIGKILL)
    generation.close()
    assert caplog.text.count("SIGKILL") == 1
    assert generate(worker, CODE)


def test_a_process_that_starts_again_is_told_the_texts(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, str]] = []
    tell = Child.tell

    def overheard(child: Child, request: Request) -> None:
        tell(child, request)
        if isinstance(request, Remember):
            told.append((child.process.pid, request.text))

    monkeypatch.setattr("codegen_lsp.wire.MAX_SIZE", 10_000)
    monkeypatch.setattr(Child, "tell", overheard)
    first = worker.pid
    for text in ("x = 1\n", "x = 2\n"):
        worker.remember("file:///a", text)
    worker.remember("file:///b", "y")
    worker.remember("file:///b", "")
    worker.remember("file:///c", "z" * 20_000)  # is told to nobody
    os.kill(first, signal.SIGKILL)
    until(lambda: worker.pid != first)
    until_answered(worker)
    assert generate(worker, CODE)
    until_first = [(first, text) for text in ("x = 1\n", "x = 2\n", "y", "")]
    assert told == [*until_first, (worker.pid, "x = 2\n")]


def test_an_abort_in_native_code_is_named(worker: Worker) -> None:
    pid = worker.pid
    stop(pid)  # so that it dies while it is asked

    def crash() -> None:
        os.kill(pid, signal.SIGABRT)
        os.kill(pid, signal.SIGCONT)

    thread = when_it_is_asked(worker, crash)
    with pytest.raises(EngineError, match="the engine's process was ended by SIGABRT"):
        worker.tokenize("x")
    thread.join()
    assert generate(worker, CODE)


def when_it_is_asked(worker: Worker, act: Callable[[], object]) -> threading.Thread:
    def wait_and_act() -> None:
        until(lambda: (child := worker._keeper._newest) is not None and child.lent_to is not None)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_deaths_in_a_row_at_start_up_end_the_waiting(
    start: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    worker = start(back_off=(0.05, 0.2))
    pids = kill_whatever_starts(worker, until_it_fails_with="3 times in a row")
    assert len(pids) >= 3
    assert caplog.text.count("3 times in a row") == 1
    until_answered(worker)
    assert generate(worker, CODE)


def kill_whatever_starts(worker: Worker, until_it_fails_with: str) -> set[int]:
    """Kill one process after the other; the ids of all."""
    pids: set[int] = set()

    def has_failed() -> bool:
        if (pid := worker.pid) not in pids:
            pids.add(pid)
            os.kill(pid, signal.SIGKILL)
        return until_it_fails_with in worker._keeper._error

    until(has_failed)
    for _ in range(10):
        with pytest.raises(EngineError, match=until_it_fails_with):
            worker.tokenize("x")
    return pids


def test_a_hang_is_noticed_and_the_process_replaced(start: Callable[..., Worker]) -> None:
    worker = start(time_limit=1.0)
    pid = worker.pid
    stop(pid)
    with pytest.raises(EngineError, match=r"gave no sign of life for 1 s; it is started again"):
        worker.tokenize("x")
    assert is_gone(pid)
    until_answered(worker)


def test_a_hang_at_start_up_is_noticed_too(start: Callable[..., Worker]) -> None:
    worker = start(time_limit=1.0)
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: worker.pid != pid)
    hung = worker.pid
    stop(hung)
    until(lambda: worker.pid != hung)
    until_answered(worker)


@pytest.mark.parametrize("remember", [False, True])
def test_a_text_that_a_hung_process_does_not_read_blocks_nobody(
    start: Callable[..., Worker], remember: bool
) -> None:
    worker = start(time_limit=1.0)
    stop(worker.pid)
    if remember:
        worker.remember("a", "x" * 10_000_000)
        worker.remember("a", "")
    else:
        with pytest.raises(EngineError, match="no sign of life"):
            worker.tokenize("x" * 10_000_000)
    until_answered(worker)


def test_long_work_is_no_hang(start: Callable[..., Worker]) -> None:
    """Scoring says nothing for longer than this limit, but that the process is alive."""
    worker = start(n_threads=1, time_limit=0.4)
    pid = worker.pid
    prompt = long_prompt(worker, "x")
    assert len(worker.score(prompt.tokens, 1, Cancel())) == len(prompt.tokens) - 1
    assert worker.pid == pid


@pytest.mark.parametrize("stopped", [False, True])
def test_it_dies_with_its_parent(stopped: bool) -> None:
    """Also when that is killed, in the middle of a prompt; and on Linux when it hears nothing."""
    if stopped and sys.platform != "linux":
        pytest.skip("only Linux ends a stopped process with its parent")
    script = f"""
from pathlib import Path
from codegen_lsp.engine import Cancel, Prompt, Sampling
from codegen_lsp.worker import Worker
worker = Worker(Path({str(EMBEDDED_PATH)!r}))
print(worker.pid, flush=True)
while True:
    for first in "abcdefgh":
        tokens = tuple(worker.tokenize((first + " = 1\\n") * 2000)[:1800])
        list(worker.generate(Prompt("", tokens), [Sampling(1)], Cancel()))
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if stopped:
            stop(pid)
        parent.kill()
        until(lambda: is_gone(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_it_dies_with_its_input_alone() -> None:
    """What ends it where there is no PR_SET_PDEATHSIG."""
    child = subprocess.Popen(
        [sys.executable, "-m", "codegen_lsp.child"], stdin=subprocess.PIPE, cwd=ROOT
    )
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(TIMEOUT) == 0


STUBBORN = """
import itertools, sys, threading, time
from codegen_lsp.engine import Footprint, Token
from codegen_lsp.wire import Alive, Generate, Load, Ready, Tokenize, Warm, Warmed, encode, receive

def say(message):
    sys.stdout.buffer.write(encode(message))
    sys.stdout.flush()

def go_on():
    for n in itertools.count():
        time.sleep(0.02)
        say(Alive())
        say(Token(n, "x", -1.0))

while request := receive(sys.stdin.buffer):
    if isinstance(request, Load):
        say(Ready(2048, Footprint(1, 1, 1), None, 1, 1, 1))
    elif isinstance(request, Generate):
        threading.Thread(target=go_on, daemon=True).start()
    elif isinstance(request, Warm | Tokenize):
        say(Warmed(1))
"""


def test_a_process_that_does_not_heed_an_abort_is_hung(
    start: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegen_lsp.keeper._COMMAND", (sys.executable, "-c", STUBBORN))
    worker = start(time_limit=1.0)
    cancel = Cancel()
    generation = worker.generate(Prompt("", (1,)), [Sampling(1000)], cancel)
    next(generation)
    cancel.set()
    with pytest.raises(EngineError, match="gave no sign of life for 1 s"):
        list(generation)


def test_a_process_that_answers_something_else_is_ended(
    start: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegen_lsp.keeper._COMMAND", (sys.executable, "-c", STUBBORN))
    worker = start()
    assert worker.warm((1,), Cancel()) == 1
    with pytest.raises(EngineError, match="answered what was not asked; it is started again"):
        worker.tokenize("x")


def test_garbage_from_the_process_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = (sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(99)")
    monkeypatch.setattr("codegen_lsp.keeper._COMMAND", noisy)
    with pytest.raises(EngineError, match=r"what we do not understand.*3 times in a row"):
        Worker(EMBEDDED_PATH, back_off=(0.01, 0.01))
    assert psutil.Process().children() == []


def test_a_process_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegen_lsp.keeper._COMMAND", ("/no/such/python",))
    with pytest.raises(EngineError, match="cannot be started: No such file or directory"):
        Worker(EMBEDDED_PATH)


def test_weights_that_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(EMBEDDED_PATH.read_bytes()[:5_000_000])
    with pytest.raises(EngineError, match=r"half\.gguf: llama\.cpp cannot load it"):
        Worker(path)
    with pytest.raises(EngineError, match="there is no such file"):
        Worker(tmp_path / "none.gguf")
    assert psutil.Process().children() == []


def test_weights_that_are_gone_when_the_process_starts_again(
    start: Callable[..., Worker], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "copy.gguf"
    path.write_bytes(EMBEDDED_PATH.read_bytes())
    worker = start(path, back_off=(0.01, 0.05))
    hidden = path.rename(tmp_path / "hidden.gguf")
    os.kill(worker.pid, signal.SIGKILL)
    tried: set[int] = set()

    def is_tried_again_and_again() -> bool:
        tried.add(worker.pid)
        return len(tried) == 4

    until(is_tried_again_and_again)
    with pytest.raises(EngineError, match="there is no such file"):
        worker.tokenize("x")
    hidden.rename(path)
    until_answered(worker)
    assert caplog.text.count("there is no such file") == 1


def test_the_loading_can_be_ended() -> None:
    shares: list[float] = []

    def hear(share: float) -> bool:
        shares.append(share)
        return False

    with pytest.raises(EngineError, match="the loading was ended"):
        Worker(EMBEDDED_PATH, progress=hear)
    assert len(shares) == 1
    assert psutil.Process().children() == []


def test_close_leaves_no_process_and_no_thread() -> None:
    n_threads = threading.active_count()
    worker = Worker(EMBEDDED_PATH)
    pid = worker.pid
    worker.close()
    worker.close()
    assert is_gone(pid)
    assert threading.active_count() == n_threads
    with pytest.raises(EngineError, match="the engine is closed"):
        worker.tokenize("x")
    worker.remember("a", "x")


def test_close_answers_who_waits(start: Callable[..., Worker]) -> None:
    worker = start()
    thread = when_it_computes(worker.pid, worker.close)
    with pytest.raises(EngineError, match="the engine is closed"):
        worker.warm(long_prompt(worker, "x").tokens, Cancel())
    thread.join()


def test_close_while_it_starts_again() -> None:
    for _ in range(5):
        worker = Worker(EMBEDDED_PATH)
        os.kill(worker.pid, signal.SIGKILL)
        worker.close()
    assert psutil.Process().children() == []


def test_the_log_level_is_live(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    """The process logs nothing of its own at INFO; at DEBUG, all that llama.cpp says."""
    generate(worker, CODE)
    assert "llama.cpp:" not in caplog.text
    caplog.set_level(logging.DEBUG, "codegen_lsp")
    worker.warm(long_prompt(worker, "x").tokens, Cancel())
    generate(worker, "a prompt that takes a slot of its own")
    assert "llama.cpp:" in caplog.text
    caplog.clear()
    caplog.set_level(logging.INFO, "codegen_lsp")
    worker.warm(long_prompt(worker, "y").tokens, Cancel())
    assert "llama.cpp:" not in caplog.text


def test_a_project_cannot_bring_its_own_modules(
    start: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server's working directory is the person's project."""
    for name in ("numpy", "json", "queue", "codegen_lsp"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    assert generate(start(), CODE)
