"""How a person types and how fast the engine is: together they say how long a request should wait.

An answer that comes behind the next key was evaluated in vain. So a request waits until it is more
likely than not that the next key leaves time for its answer: not at all where the engine is fast.
"""

from __future__ import annotations

import math

# Until somebody is known better, they type as 168,000 others do: a key every 239 ms, give or take 112
# (136 million keystrokes; Dhakal et al., CHI 2018). These are the mean and the deviation of the
# logarithm, of the log-normal distribution that has those.
MEAN_LOG, DEVIATION_LOG = -1.531, 0.445
# Now and then a person stops to think: so many of the keys are followed by a pause, of so many seconds.
PAUSES, PAUSE_S = 0.05, 2.0
# Longer is no rhythm any more.
MAX_INTERVAL = 2.0
# What a new interval, and a new answer, count for against all before.
WEIGHT = 0.1
# Before anything was measured: some tokens with a 350M model on two cores.
LATENCY_S = 0.1

LIKELY = 0.5  # that the answer is there before the next key
UPPER_QUARTILE = 0.674  # of the normal distribution, in deviations
STEP, MAX_DELAY = 0.02, 0.5  # seconds; Tabby waits up to a second, Neovim always 0.2


class Rhythm:
    """What was seen of one person and one engine so far. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._mean, self._variance = MEAN_LOG, DEVIATION_LOG**2
        self._latency = LATENCY_S
        self._last_key = -math.inf

    def key(self, now: float) -> None:
        """A key was pressed."""
        interval, self._last_key = now - self._last_key, now
        if 0 < interval < MAX_INTERVAL:
            off = math.log(interval) - self._mean
            self._mean += WEIGHT * off
            self._variance = (1 - WEIGHT) * (self._variance + WEIGHT * off * off)

    def answered(self, seconds: float) -> None:
        """The engine has taken so long for an answer."""
        self._latency += WEIGHT * (seconds - self._latency)

    def delay(self) -> float:
        """How long a request waits for the next key before the engine is asked."""
        for step in range(round(MAX_DELAY / STEP)):
            wait = step * STEP
            if self._no_key_until(wait + self._latency) >= LIKELY * self._no_key_until(wait):
                return wait
        return MAX_DELAY

    def hesitation(self) -> float:
        """After how many seconds without a key it was rather the last one for a while: three of four
        come sooner."""
        return math.exp(self._mean + UPPER_QUARTILE * math.sqrt(self._variance))

    def _no_key_until(self, seconds: float) -> float:
        """The probability that so long after a key there was no other."""
        if seconds <= 0:
            return 1.0
        deviation = math.sqrt(max(self._variance, 1e-4))
        off = (math.log(seconds) - self._mean) / (deviation * math.sqrt(2))
        return (1 - PAUSES) * 0.5 * math.erfc(off) + PAUSES * math.exp(-seconds / PAUSE_S)
