"""What the tests of the engine's process share: questions, and moments to act in."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from codegen_lsp.engine import Cancel, EngineError, Prompt, Sampling, Token
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.worker import Worker
from tests.client import TIMEOUT

CODE = "import json\n\n\ndef load(path):\n    with open(path) as file:\n"


def generate(engine: Worker | LlamaEngine, text: str, *, max_tokens: int = 16) -> list[Token]:
    prompt = Prompt(text, tuple(engine.tokenize(text)))
    return list(engine.generate(prompt, [Sampling(max_tokens)], Cancel()))


def text_of(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def long_prompt(worker: Worker, first: str) -> Prompt:
    """Half a second of evaluation or more, which shares nothing with another `first`."""
    return Prompt("", tuple(worker.tokenize(f"{first} = 1\n" * 2000)[: worker.n_ctx - 200]))


@contextmanager
def ended_in_time(worker: Worker) -> Iterator[None]:
    """Whoever waits for an answer for too long gets an error instead."""
    timer = threading.Timer(TIMEOUT, worker.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def until_answered(worker: Worker) -> None:
    def is_answered() -> bool:
        try:
            return bool(worker.tokenize("x"))
        except EngineError:
            return False

    until(is_answered)


def is_gone(pid: int) -> bool:
    """Neither runs nor waits to be buried."""
    return not psutil.pid_exists(pid)


def stop(pid: int) -> None:
    """Have a process stand still, and wait until it does."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)


def when_it_computes(pid: int, act: Callable[[], object]) -> threading.Thread:
    """Act once a process has used more processor time than a short request takes."""
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])

    def wait_and_act() -> None:
        until(lambda: sum(process.cpu_times()[:2]) > before + 0.1)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread
