from __future__ import annotations

import random

from codegen_lsp.rhythm import DEVIATION_LOG, MAX_DELAY, MEAN_LOG, Rhythm


def after_keys(interval: float, latency: float, n: int = 100) -> Rhythm:
    """A rhythm that has seen somebody type at that interval, give or take a half, and an engine."""
    rhythm, now, draw = Rhythm(), 0.0, random.Random(1)
    for _ in range(n):
        now += interval * draw.lognormvariate(0, DEVIATION_LOG)
        rhythm.key(now)
        rhythm.answered(latency)
    return rhythm


def test_a_fast_engine_is_asked_at_once() -> None:
    assert Rhythm().delay() == 0
    assert after_keys(0.24, 0.02).delay() == 0
    assert after_keys(0.24, 0.15).delay() == 0


def test_where_the_next_key_comes_before_the_answer_a_request_waits_for_a_pause() -> None:
    waits = [after_keys(0.24, latency).delay() for latency in (0.15, 0.4, 5.0)]
    assert waits == sorted(waits)
    assert 0.1 < waits[1] <= waits[2] == MAX_DELAY


def test_who_types_fast_is_given_time() -> None:
    assert after_keys(0.6, 0.25).delay() == 0 < after_keys(0.12, 0.25).delay()


def test_who_hesitates_types_no_faster_than_others() -> None:
    assert 0.2387 < Rhythm().hesitation() < 0.2387 + 0.1116
    assert after_keys(0.12, 0.1).hesitation() < 0.2 < after_keys(0.5, 0.1).hesitation()


def test_thinking_is_no_rhythm() -> None:
    rhythm = after_keys(0.24, 0.25)
    before = rhythm.delay()
    rhythm.key(1_000.0)
    rhythm.key(1_000.0)  # two edits in one message
    assert rhythm.delay() == before


def test_the_prior_is_the_published_one() -> None:
    """Mean 238.656 ms, deviation 111.6 ms."""
    draw = random.Random(1)
    sample = [draw.lognormvariate(MEAN_LOG, DEVIATION_LOG) for _ in range(100_000)]
    mean = sum(sample) / len(sample)
    deviation = (sum((each - mean) ** 2 for each in sample) / len(sample)) ** 0.5
    assert abs(mean - 0.2387) < 0.003
    assert abs(deviation - 0.1116) < 0.003
