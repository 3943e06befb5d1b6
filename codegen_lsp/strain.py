"""Whether the machine has something better to do than to complete code: its battery, other programs."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

# Seconds between two looks. The first tells little: the time since it is what is measured.
LOOK_EVERY = 5.0
# The share of all cores that other programs may use. With less than a third left, a 350M model on two
# cores takes twice its time for a token (ARCHITECTURE.md has the figures).
BUSY = 0.6


class Strain:
    """What was seen at the last look."""

    def __init__(self, own_seconds: Callable[[], float]) -> None:
        """`own_seconds` tells the processor time that the engine has used so far."""
        self._own_seconds = own_seconds
        self._looked = time.monotonic() - LOOK_EVERY
        self._used = self._read()
        self._reason = ""

    def reason(self) -> str:
        """Why to go easy, in a few words; empty where there is no reason to. Takes some 100
        microseconds every five seconds, nothing between."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._reason = self._look(now - self._looked)
            self._looked = now
        return self._reason

    def _look(self, seconds: float) -> str:
        before, self._used = self._used, self._read()
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        if battery is not None and battery.power_plugged is False:
            return "on battery"
        others = (self._used - before) / (seconds * (psutil.cpu_count() or 1))
        return "other programs keep the machine busy" if others > BUSY else ""

    def _read(self) -> float:
        """The processor seconds that all other programs have used since the start of the machine."""
        times = psutil.cpu_times()
        return sum(times) - times.idle - getattr(times, "iowait", 0.0) - self._own_seconds()
