"""Threads and batch size for a model on this machine: measured once, and remembered.

Decoding waits for the memory, so that on many machines the last threads only take cores away from other
programs; which they are, nobody should have to find out. Measuring takes about two seconds of the first
start; what it found lies in the person's cache directory, where deleting it costs two seconds again.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import psutil

from codegen_lsp.llama import physical_cores
from codegen_lsp.models import cache_dir
from codegen_lsp.slot import N_BATCH, Tuning

logger = logging.getLogger(__name__)

SECONDS = 2.0  # for all measurements; what would not fit in is left out
SECONDS_DECODING = 0.3  # for one number of threads: some ten tokens of a 350M model

# What a thread more has to be worth: it takes a core away from the person's other programs.
WORTH_A_THREAD = 1.05
# A batch is also what a cancellation may throw away, so 256 tokens stay unless others are clearly
# faster.
UBATCHES = (64, 128, 512)
WORTH_A_BATCH = 1.1
# Prompts are evaluated at least so many times as fast as tokens are decoded (350M, two cores: 6 times).
PREFILL_TO_DECODE = 4

# Of the last minute's load, for each core. An idle desktop has 0.1 or so.
CALM = 0.5
# Cores that other programs may use while we measure, in the mean. With more of them busy, one thread
# seems as good as two (as it did here, once), and that would be remembered for ever.
MAX_BUSY = 0.3

MAX_REMEMBERED = 100


class Measured(Protocol):
    """A loaded model whose speed can be tried; `LlamaEngine` is one. Both in tokens a second."""

    def decode_speed(self, n_threads: int, seconds: float) -> float:
        """One token at a time, for about so many seconds."""

    def prefill_speed(self, n_threads: int, n_ubatch: int) -> float:
        """One batch."""


def tuning_for(weights: Path, n_threads: int, spare_cores: int) -> tuple[Tuning, bool]:
    """How to run a model, and whether that is more than a guess. A person's `n_threads` are taken as
    they are; 0 leaves so many cores spare, but takes two where there are two."""
    if n_threads > 0:
        return Tuning(n_threads, n_threads), True
    n_most = most_threads(physical_cores(), spare_cores)
    known = _tuning(_read().get(_key(weights, n_most)), n_most)
    return known or Tuning(n_most, n_most), known is not None


def measure(weights: Path, spare_cores: int, engine: Measured) -> Tuning:
    """The same, measured with the engine that has loaded the weights, and remembered; a guess again
    where the machine was busy with something else meanwhile."""
    n_most = most_threads(physical_cores(), spare_cores)
    begun, others = time.perf_counter(), _others()
    tuning = measured(n_most, engine)
    if _others() - others > MAX_BUSY * (time.perf_counter() - begun):
        return Tuning(n_most, n_most)
    logger.info("measured: %s", tuning)
    known = _read() | {_key(weights, n_most): asdict(tuning)}
    _write(dict(list(known.items())[-MAX_REMEMBERED:]))
    return tuning


def is_calm() -> bool:
    """Whether it is worth while to begin: the machine has had little to do in the last minute."""
    return psutil.getloadavg()[0] < CALM * physical_cores()


def most_threads(n_cores: int, spare_cores: int) -> int:
    """All cores but the spare ones, though not fewer than two of them, where there are two."""
    return max(min(2, n_cores), n_cores - spare_cores)


def measured(
    n_most: int, engine: Measured, clock: Callable[[], float] = time.perf_counter
) -> Tuning:
    """The fastest tuning, of those that can be tried in `SECONDS`."""
    end = clock() + SECONDS
    decoding = {n_most: engine.decode_speed(n_most, SECONDS_DECODING)}
    for n_threads in sorted({1, (n_most + 1) // 2, n_most - 1} - {0, n_most}, reverse=True):
        if clock() + SECONDS_DECODING < end:
            decoding[n_threads] = engine.decode_speed(n_threads, SECONDS_DECODING)
    tuning = Tuning(_fewest(decoding), n_most)

    slowest = PREFILL_TO_DECODE * decoding[n_most]
    if clock() + tuning.n_ubatch / slowest > end:
        return tuning
    usual = engine.prefill_speed(n_most, tuning.n_ubatch)
    if tuning.n_threads < n_most and clock() + tuning.n_ubatch / usual < end:
        fewer = engine.prefill_speed(tuning.n_threads, tuning.n_ubatch)
        if usual < fewer * WORTH_A_THREAD:
            usual, tuning = fewer, replace(tuning, n_threads_batch=tuning.n_threads)
    best = usual * WORTH_A_BATCH
    for n_ubatch in UBATCHES:
        if clock() + n_ubatch / usual < end:
            speed = engine.prefill_speed(tuning.n_threads_batch, n_ubatch)
            if speed >= best:
                best, tuning = speed * WORTH_A_BATCH, replace(tuning, n_ubatch=n_ubatch)
    return tuning


def _others() -> float:
    """Processor seconds that other programs than this one have used by now."""
    times, mine = psutil.cpu_times(), psutil.Process().cpu_times()
    busy = times.user + times.system + getattr(times, "nice", 0.0)  # Windows has no "nice"
    return float(busy - mine.user - mine.system)


def _fewest(speeds: dict[int, float]) -> int:
    """The number of threads that no larger one beats by enough."""
    best, *others = sorted(speeds)
    for n_threads in others:
        if speeds[n_threads] >= speeds[best] * WORTH_A_THREAD:
            best = n_threads
    return best


def _model(weights: Path) -> str:
    """A file by its name, size and time: reading a gigabyte for its hash takes longer than measuring
    a copy anew."""
    try:
        stat = weights.stat()
    except OSError:  # who loads it will say so
        return weights.name
    return f"{weights.name} {stat.st_size} {stat.st_mtime_ns}"


def _machine() -> str:
    """All that makes yesterday's figures worthless when it changes."""
    version = metadata.version("llama-cpp-python")
    return f"{_processor()}, {psutil.cpu_count()} threads, llama-cpp-python {version}"


def _processor() -> str:
    """Its name; Linux is the one that `platform` does not know it of."""
    try:
        for line in (
            Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        ):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _key(weights: Path, n_most: int) -> str:
    return f"{_model(weights)} on {_machine()}, {n_most} threads at most"


def _path() -> Path:
    return cache_dir() / "tuning.json"


def _read() -> dict[str, Any]:
    """What was measured before; nothing, if that cannot be read."""
    path = _path()
    try:
        known = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        logger.warning("%s cannot be read, so the speed is measured again: %s", path, error)
        return {}
    return known if isinstance(known, dict) else {}


def _tuning(entry: object, n_most: int) -> Tuning | None:
    """A remembered tuning, if it is one that could have been measured."""
    try:
        tuning = Tuning(**entry)  # type: ignore[arg-type]
        is_possible = (
            1 <= tuning.n_threads <= n_most
            and 1 <= tuning.n_threads_batch <= n_most
            and 1 <= tuning.n_ubatch <= N_BATCH
        )
    except TypeError:  # no mapping, other names, no numbers
        return None
    return tuning if is_possible else None


def _write(known: dict[str, Any]) -> None:
    """Whole or not at all; not at all costs a measurement at the next start."""
    path = _path()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(known, indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        logger.warning("%s cannot be written, so the speed is not remembered: %s", path, error)
        with suppress(OSError):  # its folder is none
            part.unlink(missing_ok=True)
