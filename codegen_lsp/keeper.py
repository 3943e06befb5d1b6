"""The life of the engine's process: started, watched, and started again when it ends or hangs.

One thread, the keeper, does that. Whoever wants to ask meanwhile waits a little, or learns why not to.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from codegen_lsp.engine import EngineError, Stats, Token
from codegen_lsp.wire import (
    Abort,
    Alive,
    Answer,
    Failed,
    Load,
    Log,
    LogLevel,
    Progress,
    Question,
    Ready,
    Remember,
    Request,
    Scored,
    Tokens,
    Warmed,
    WireError,
    encode,
    receive,
)

logger = logging.getLogger(__name__)

# A process that is at work says `Alive` at every beat, however long a batch takes. When that fails to
# come so many times it is taken for hung; only swapping keeps a sound process silent for so long.
N_BEATS = 10
# Seconds between a death at start-up and the next start: the first, doubled each time, and the last.
BACK_OFF = (0.1, 10.0)
# After so many deaths in a row without an answer, requests wait no longer for the next start.
N_DEATHS = 3
# Seconds that a request waits for a process that is starting. A large model takes longer to load; the
# person has typed on by then.
PATIENCE = 3.0
# We look for signs of life every so many beats, and count instead of reading a clock, so that the time
# in which the whole computer slept is one look and no hang.
N_BEATS_A_LOOK = 2

# `-m` puts the working directory on the path. That must not be the person's project, whose random.py
# or numpy.py we would import, but where this package lies.
_COMMAND = (sys.executable, "-m", "codegen_lsp.child")
_DIRECTORY = Path(__file__).resolve().parent.parent


class Keeper:
    """Keeps one process with loaded weights, and lends it to who has something to ask."""

    def __init__(
        self,
        load: Load,
        progress: Callable[[float], bool],
        back_off: tuple[float, float] = BACK_OFF,
    ) -> None:
        """Returns when the weights are loaded. Raises `EngineError`, also when the process dies
        `N_DEATHS` times meanwhile."""
        self.ready: Ready | None = None  # what the newest process said of its weights
        self._load = load
        self._back_off = back_off
        self._changed = threading.Condition()  # guards what follows
        self._newest: Child | None = None
        self._loaded: Child | None = None
        self._share = 0.0  # of the loading
        self._error = ""  # why there is nothing to wait for
        self._closing = False
        self._thread = threading.Thread(target=self._keep, name="engine-keeper", daemon=True)
        self._thread.start()
        try:
            self._await_load(progress)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the newest process; 0 where none could be started."""
        child = self._newest
        return child.process.pid if child else 0

    @contextlib.contextmanager
    def lent(self, to: Question | Remember, patience: float = PATIENCE) -> Iterator[Child]:
        """A process with loaded weights, which has to show that it is alive while it is lent. Raises
        `EngineError` where there is none for so many seconds."""
        with self._changed:
            self._changed.wait_for(self._is_decided, timeout=patience)
            child = self._loaded
            if child is None:
                raise EngineError(self._error or "the engine is still starting")
            if child.lent_to is not None:
                raise EngineError("the engine is asked a second thing before the first has ended")
            child.lent_to = to
        try:
            if child.log_level != (level := logger.getEffectiveLevel()):
                child.log_level = level
                child.tell(LogLevel(level))
            yield child
        finally:
            with self._changed:
                child.lent_to = None

    def close(self) -> None:
        """End the process: it has nothing to save."""
        with self._changed:
            self._closing = True
            self._loaded, self._error = None, "the engine is closed"
            if self._newest is not None:
                self._newest.process.kill()
            self._changed.notify_all()
        self._thread.join()

    def _await_load(self, progress: Callable[[float], bool]) -> None:
        """Wait for the first process, and tell how far it is."""
        while True:
            with self._changed:
                # Not for ever: `progress` may say no at any time, also while nothing comes.
                if self._changed.wait_for(self._is_decided, timeout=0.1):
                    if self._error:
                        raise EngineError(self._error)
                    return
            if not progress(self._share):
                raise EngineError(f"{self._load.path}: the loading was ended")

    def _is_decided(self) -> bool:
        return self._loaded is not None or bool(self._error)

    # Below: on the keeper's thread.

    def _keep(self) -> None:
        """Have a process at all times. It is this thread that starts them all, and it ends only after
        the last: Linux would end a process with the thread that started it (see `child.py`)."""
        n_deaths = 0
        while (child := self._start()) is not None:
            child.tell(LogLevel(child.log_level))
            child.tell(self._load)
            self._watch(child)
            why = child.bury()
            n_deaths = 0 if child.has_served else n_deaths + 1
            self._lose(child, why, n_deaths)
            first, last = self._back_off
            pause = min(first * 2 ** min(n_deaths - 1, 30), last) if n_deaths else 0
            with self._changed:
                self._changed.wait_for(lambda: self._closing, timeout=pause)

    def _start(self) -> Child | None:
        """A new process; None when there shall be none any more."""
        with self._changed:  # so that `close` sees each process or none is started
            while not self._closing:
                if (child := self._started()) is not None:
                    self._newest = child
                    return child
                self._changed.wait(self._back_off[1])
        return None

    def _started(self) -> Child | None:
        try:
            return Child(self._hear)
        except OSError as error:
            self._complain(f"the engine's process cannot be started: {error.strerror}")
            return None

    def _watch(self, child: Child) -> None:
        """Wait for the end of a process, and bring it about where it hangs."""
        n_signs, n_silent, beat = -1, 0, self._load.beat
        while not child.ended.wait(beat * N_BEATS_A_LOOK):
            works = child.lent_to is not None or not child.is_loaded
            n_silent = n_silent + 1 if works and n_signs == child.n_signs else 0
            n_signs = child.n_signs
            n_looks = 1 + n_silent  # one for that in which the last sign came
            if n_looks * N_BEATS_A_LOOK == N_BEATS:
                child.kill(f"gave no sign of life for {N_BEATS * beat:g} s")

    def _lose(self, child: Child, why: str, n_deaths: int) -> None:
        """Tell who has to know that a process is gone: who waits for its answer, else the log."""
        with self._changed:
            self._loaded = None
            if self._closing:
                child.end(self._error)
                return
            if child.refusal:
                self._complain(child.refusal)
            elif n_deaths >= N_DEATHS:
                self._complain(f"{why}, {N_DEATHS} times in a row")
            elif not isinstance(child.lent_to, Question):
                logger.error("%s; it is started again", why)
            child.end(f"{why}; it is started again")
            self._changed.notify_all()

    def _complain(self, error: str) -> None:
        """Let nobody wait, and say why, but only once."""
        if self._error != error and self.ready is not None:  # else who loads says it
            logger.error("%s", error)
        self._error = error
        self._changed.notify_all()

    # Below: on the thread that hears a process.

    def _hear(self, child: Child, answer: Answer) -> None:
        """What is no answer to who has borrowed the process."""
        if isinstance(answer, Log):
            logger.log(answer.level, "%s", answer.message)
        elif not child.is_loaded and isinstance(answer, Progress | Ready | Failed):
            self._hear_loading(child, answer)
        elif not isinstance(answer, Alive):
            raise WireError

    def _hear_loading(self, child: Child, answer: Progress | Ready | Failed) -> None:
        with self._changed:
            if isinstance(answer, Progress):
                self._share = answer.share
            elif isinstance(answer, Failed):
                child.refusal = answer.message
            elif not self._closing:
                child.is_loaded = True
                self.ready = answer
                self._loaded, self._error = child, ""
            self._changed.notify_all()


class Child:
    """One process: what it is told, what it answers, and how it ends."""

    def __init__(self, hear: Callable[[Child, Answer], None]) -> None:
        """Start it; `hear` is given what answers no question. Raises `OSError`."""
        self.ended = threading.Event()
        self.lent_to: Question | Remember | None = None
        self.log_level = logger.getEffectiveLevel()  # as it was told
        self.n_signs = 0  # of life
        self.is_loaded = False
        self.has_served = False
        self.refusal = ""  # why it could not load
        self._hear = hear
        self._is_aborting = False
        self._killed_for = ""
        # Answers; None for a wake, and a text in place of the answer that will not come.
        self._inbox: queue.SimpleQueue[Answer | str | None] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self.process = subprocess.Popen(
            _COMMAND,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_DIRECTORY,
            # Else ggml has gdb print a backtrace when it aborts, for seconds, before the process ends.
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            # A Ctrl-C on our terminal is for us. Windows has it the other way.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._listener = threading.Thread(target=self._listen, name="engine-listener", daemon=True)
        self._listener.start()

    def tell(self, request: Request) -> None:
        """Send; who tells a dead process anything finds its end among the answers. Raises
        `EngineError`."""
        try:
            data = encode(request)
        except WireError:
            raise EngineError("a text is too long for the engine") from None
        self.n_signs += 1
        self._is_aborting = isinstance(request, Abort)
        with self._writing, contextlib.suppress(OSError):
            stdin = self.process.stdin
            while data and stdin and not stdin.closed:
                data = data[stdin.write(data) :]

    def answer(self, *expected: type[Answer]) -> Answer | None:
        """Wait for the next answer, or for a `wake` (None). Raises `EngineError`, also where there
        will be no answer; a process that says what was not expected is ended."""
        answer = self._inbox.get()
        while isinstance(answer, Answer) and not isinstance(answer, (*expected, Failed)):
            self.kill("answered what was not asked")
            answer = self._inbox.get()
        if isinstance(answer, Failed):
            raise EngineError(answer.message)
        if isinstance(answer, str):
            raise EngineError(answer)
        return answer

    def wake(self) -> None:
        """Have the waiting thread look around. For any thread, and never blocks."""
        self._inbox.put(None)

    def end(self, why: str) -> None:
        """There will be no more answers."""
        self._inbox.put(why)

    def kill(self, why: str) -> None:
        self._killed_for = why
        self.process.kill()

    def bury(self) -> str:
        """Leave nothing behind of a process that has ended or is beyond speech; say how it ended."""
        if self._killed_for:
            self.process.kill()
        status = self.process.wait()
        self._listener.join()
        with self._writing:
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    pipe.close()
        return f"the engine's process {self._killed_for or _ending(status)}"

    def _listen(self) -> None:
        assert self.process.stdout is not None
        try:
            while (message := receive(self.process.stdout)) is not None:
                # After `Abort` only an answer shows that native code does not go on.
                if not self._is_aborting or not isinstance(message, Alive | Token):
                    self.n_signs += 1
                if self.is_loaded and isinstance(message, _ANSWERS):
                    self.has_served = True
                    self._inbox.put(message)
                elif isinstance(message, Answer):
                    self._hear(self, message)
                else:
                    raise WireError
        except WireError:
            self.kill("said what we do not understand (after an update, restart the editor)")
        finally:
            self.ended.set()


_ANSWERS = (Tokens, Token, Stats, Warmed, Scored, Failed)  # to a question


def _ending(status: int) -> str:
    """How a process ended, from its exit status as `subprocess` gives it."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
