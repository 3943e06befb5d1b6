"""The engine's process: `keeper.py` starts it, asks on its standard input, and hears its answers.

Whatever goes wrong in native code goes wrong here and costs one suggestion. It lives as long as its
standard input: the thread that listens there ends the process even in the middle of an evaluation.
"""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from codegen_lsp.engine import Cancel, EngineError, Prompt
from codegen_lsp.wire import (
    Abort,
    Alive,
    Answer,
    Enough,
    Failed,
    Generate,
    GoOn,
    Load,
    Log,
    LogLevel,
    Progress,
    Question,
    Ready,
    Remember,
    Request,
    Score,
    Scored,
    Tokenize,
    Tokens,
    Warm,
    Warmed,
    WireError,
    encode,
    receive,
)

if TYPE_CHECKING:
    from codegen_lsp.llama import LlamaEngine

logger = logging.getLogger("codegen_lsp")

# How many tokens a single candidate may be ahead of its reader: while one is read, another is written.
# To read one takes about as long as to write one with the smallest models.
N_AHEAD = 1
# With a line or a bracket most candidates end: behind these it is none.
LIKELY_LAST = re.compile(r"[\n)\]}]")

PR_SET_PDEATHSIG = 1  # of Linux's prctl.h


def main() -> NoReturn:
    """Serve the process that started this one until it goes away."""
    _die_with_parent()
    parent = _Parent()
    logger.addHandler(_LogHandler(parent))
    threading.Thread(target=parent.listen, daemon=True).start()
    load = parent.next()
    if isinstance(load, Load):
        threading.Thread(target=parent.beat, args=(load.beat,), daemon=True).start()
        _serve(parent, load)
    os._exit(1)


class _Parent:
    """Both directions of the talk. Answers may be said on any thread."""

    def __init__(self) -> None:
        # Nothing native shall speak between our messages: its standard output is standard error.
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        self._in: BinaryIO = sys.stdin.buffer
        self._lock = threading.Lock()
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._working = threading.Event()
        # Of the newest question that was heard: its flag, and the candidates that were enough.
        self.cancel = Cancel()
        self.enough: set[int] = set()
        self.may_go_on = threading.Semaphore(0)

    def next(self) -> Request:
        """Wait for something to do."""
        self._working.clear()
        request = self._requests.get()
        self._working.set()
        return request

    def say(self, answer: Answer) -> None:
        data = encode(answer)
        try:
            with self._lock:
                while data:
                    data = data[self._out.write(data) :]
        except OSError:
            os._exit(1)  # nobody listens any more

    def listen(self) -> NoReturn:
        """Queue what is to be done, do at once what cannot wait, and end with whoever asks."""
        try:
            while (message := receive(self._in)) is not None:
                if isinstance(message, Abort):
                    self.cancel.set()
                elif isinstance(message, Enough):
                    self.enough.add(message.candidate)
                elif isinstance(message, LogLevel):
                    logger.setLevel(message.level)
                elif isinstance(message, Request):
                    if isinstance(message, Question):
                        self.cancel, self.enough = Cancel(), set()
                        self.may_go_on = threading.Semaphore(0)
                    self._requests.put(message)
                if isinstance(message, Abort | Enough | GoOn):
                    self.may_go_on.release()
        except WireError:
            os._exit(1)
        os._exit(0)

    def wait_for_reader(self, n_unread: int, n_most: int) -> int:
        """Wait until at most so many of the tokens that were said are unread; say how many are."""
        while n_unread > n_most and not (self.enough or self.cancel.is_set()):
            self.may_go_on.acquire()
            n_unread -= 1
        return n_unread

    def beat(self, seconds: float) -> NoReturn:
        """Show that this process runs, while it works and native code keeps it from saying more."""
        while True:
            self._working.wait()
            time.sleep(seconds)
            self.say(Alive())


class _LogHandler(logging.Handler):
    """Sends log lines to the server, which knows where they go."""

    def __init__(self, parent: _Parent) -> None:
        super().__init__()
        self._parent = parent

    def emit(self, record: logging.LogRecord) -> None:
        self._parent.say(Log(record.levelno, record.getMessage()))


def _serve(parent: _Parent, load: Load) -> None:
    """Load, and do one thing after the other."""
    try:
        engine = _loaded(parent, load)
    except Exception as error:
        parent.say(Failed(_line(error)))
        return
    while True:
        request = parent.next()
        try:
            _do(parent, engine, request)
        except Exception as error:
            line = _line(error)
            if isinstance(request, Question):
                parent.say(Failed(line))


def _loaded(parent: _Parent, load: Load) -> LlamaEngine:
    from pathlib import Path  # noqa: PLC0415

    # Takes a fifth of a second, or much more from a cold disk; we listen already.
    from codegen_lsp import tune  # noqa: PLC0415
    from codegen_lsp.llama import LlamaEngine  # noqa: PLC0415

    shown = -1

    def progress(share: float) -> bool:
        nonlocal shown
        if shown < (percentage := int(share * 100)):
            shown = percentage
            parent.say(Progress(share))
        return True

    path = Path(load.path)
    tuning, is_known = tune.tuning_for(path, load.n_threads, load.n_spare_cores)
    engine = LlamaEngine(
        path,
        tuning=tuning,
        n_gpu_layers=load.n_gpu_layers,
        n_ctx=load.n_ctx,
        kv_mb=load.kv_mb,
        exact=load.exact,
        speculate=load.speculate,
        progress=progress,
    )
    if not is_known and tune.is_calm():
        tuning = tune.measure(path, load.n_spare_cores, engine)
        engine.retune(tuning)
    parent.say(
        Ready(
            engine.n_ctx,
            engine.footprint,
            engine.infill,
            tuning.n_threads,
            tuning.n_threads_batch,
            tuning.n_ubatch,
        )
    )
    return engine


def _do(parent: _Parent, engine: LlamaEngine, request: Request) -> None:
    if isinstance(request, Generate):
        _generate(parent, engine, request)
    elif isinstance(request, Tokenize):
        parent.say(Tokens(tuple(engine.tokenize(request.text))))
    elif isinstance(request, Warm):
        parent.say(Warmed(engine.warm(request.tokens, parent.cancel)))
    elif isinstance(request, Score):
        parent.say(Scored(engine.score(request.tokens, request.n_given, parent.cancel)))
    elif isinstance(request, Remember):
        engine.remember(request.key, request.text)


def _generate(parent: _Parent, engine: LlamaEngine, request: Generate) -> None:
    """Say tokens as they come; but a single candidate is hardly ahead of its reader, who says at each
    token whether it was the last: what is written meanwhile is written in vain."""
    prompt = Prompt("", request.tokens, request.heal, request.shun)
    generation = engine.generate(prompt, request.samplings, parent.cancel)
    n_unread = 0
    for token in generation:
        if token.candidate not in parent.enough:
            parent.say(token)
            if len(request.samplings) == 1:
                n_ahead = 0 if LIKELY_LAST.search(token.text) else N_AHEAD
                n_unread = parent.wait_for_reader(n_unread + 1, n_ahead)
        if token.candidate in parent.enough:  # perhaps since it waited
            generation.stop(token.candidate)
    parent.say(generation.stats)


def _line(error: Exception) -> str:
    """What to answer. Of an error that nobody thought of we log where it was, but not its message,
    which may hold a person's code."""
    if isinstance(error, EngineError):
        return str(error)
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.error("%s in the engine's process\n%s", type(error).__name__, where)
    return f"the engine has failed ({type(error).__name__}); its log says where"


def _die_with_parent() -> None:
    """Linux ends this process with the thread that started it, also while it is stopped and hears
    nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
