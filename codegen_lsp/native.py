"""llama.cpp's library, loaded as we want it, and what it says while it works.

The door through which llama_cpp comes in; `llama.py` and `quantize` use what stands here.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Threads that wait for each other spin for some 20 microseconds and then sleep. Milliseconds a token
# of a 350M in Q4_K_M, with two threads on two cores, when idle and beside one and two busy programs:
#   only sleeping (passive)     23-27   20   48    waking up a core takes longer than most waits
#   GOMP's own, spinning long   14     up to 500: whoever waits takes the core of whom it waits for
#   a thousand rounds           14      32   36
# One thread alone takes 17, 17 and 16-34. All of it is read when the library is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.update(OMP_WAIT_POLICY="passive", GOMP_SPINCOUNT="1000")

import llama_cpp.llama_cpp as lib

__all__ = ["Log", "captured_log", "lib"]

logger = logging.getLogger(__name__)

ERROR = 4  # GGML_LOG_LEVEL_ERROR of ggml.h; llama-cpp-python has other numbers, and they are wrong


@dataclass(frozen=True, slots=True)
class Log:
    """The errors that llama.cpp has reported, one line each, the first cause first."""

    errors: list[str] = field(default_factory=list)

    def reason(self) -> str:
        """The last error that names a cause, without the name of the function that met it."""
        causes = [line for line in self.errors if "failed to load model" not in line]
        last = (causes or self.errors or ["it gives no reason"])[-1]
        return last.split(": ", 1)[-1].removeprefix("error loading model: ")


@contextmanager
def captured_log() -> Iterator[Log]:
    """Collect what llama.cpp reports as errors meanwhile. Its log is one for the whole process, so
    errors of other threads are among them."""
    log = Log()
    _listening.append(log)
    try:
        yield log
    finally:
        _listening.remove(log)


def _hear(level: int, text: bytes, _: object) -> None:
    for line in text.decode("utf-8", "replace").splitlines():
        if level == ERROR and line.strip():
            for log in _listening:
                log.errors.append(line.strip())
        logger.debug("llama.cpp: %s", line)


_listening: list[Log] = []
_HEAR = lib.llama_log_callback(_hear)  # has to live as long as llama.cpp calls it
lib.llama_log_set(_HEAR, ctypes.c_void_p(None))  # else the log goes to standard error
