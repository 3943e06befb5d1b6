"""Figures from keys that are written by hand."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from codegen_lsp.evaluate.tally import FIGURES, Generated, Pressed, Spread, Tally, quantile, tally


def key(**about: Any) -> Pressed:
    usual: dict[str, Any] = {"piece": 0, "language": "python", "key": "character", "wait_s": 0.2}
    return Pressed(**usual | about)


def shown(answer_ms: float, **about: Any) -> Pressed:
    return key(answer_ms=answer_ms, shown=True, **{"source": "engine", **about})


def tallied(*pressed: Pressed, n_typed: int = 100, timed: bool = True) -> Tally:
    return tally(pressed, n_typed, None, None, timed=timed)


KEYS = (
    shown(50.0, right=True, generation=1),
    shown(150.0, generation=2, source="cache"),
    shown(900.0, wait_s=2.0, key="line", generation=2),
    shown(2500.0, wait_s=2.0, key="character"),
    key(answer_ms=10.0, worse="a.py:1:1 ')'", is_missed=True),
    key(answer_ms=None, worse="a.py:2:1 ']'"),
    key(key="acceptance", n_saved=12, answer_ms=250.0),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("n_keys", 7),
        ("answer_ms", Spread(7, 200.0, 2500.0, 2500.0)),
        ("wait_line_ms", Spread(1, 900.0, 900.0, 900.0)),
        ("wait_pause_ms", Spread(2, 900.0, 2500.0, 2500.0)),
        ("paused_shown", 1.0),
        ("answered_in_time", 4 / 7),
        ("shown_in_time", 3 / 7),
        ("shown", 4 / 7),
        ("right", 1 / 4),
        ("n_accepted", 1),
        ("saved", 0.12),
        ("n_new_syntax_errors", 2),
        ("n_missed_by_syntax", 1),
        ("n_requests", None),
        ("wasted", None),
    ],
)
def test_tally(name: str, expected: object) -> None:
    assert getattr(tallied(*KEYS), name) == expected


def test_latency_by_source() -> None:
    spreads = tallied(*KEYS).latency_ms
    assert spreads["cache"] == Spread(1, 150.0, 150.0, 150.0)
    assert spreads["engine"] == Spread(3, 900.0, 2500.0, 2500.0)
    assert spreads["all"].n == 4
    assert set(spreads) == {"all", "cache", "engine"}


def test_without_a_clock_there_are_no_times() -> None:
    figures = tallied(*KEYS, timed=False)
    assert figures.latency_ms == {}
    assert figures.answer_ms is None
    assert figures.answered_in_time is None
    assert figures.wait_line_ms is None
    assert figures.paused_shown is None
    assert figures.right == 1 / 4


def test_of_nothing_there_are_no_shares() -> None:
    figures = tallied(n_typed=0)
    assert (figures.right, figures.saved, figures.shown) == (None, None, None)


def test_what_the_engine_did() -> None:
    generated = [
        Generated(1, True, n_prompt=100, n_evaluated=5, n_generated=10, n_kept=8),
        Generated(2, True, n_prompt=200, n_evaluated=60, n_generated=10, n_kept=10),
        Generated(3, False, n_prompt=50, n_evaluated=50, n_generated=20, n_kept=20),
    ]
    figures = tally(KEYS[:1], 100, generated, 7, timed=True)
    assert figures.n_requests == 2
    assert figures.prompt_tokens == 150
    assert figures.evaluated_median == figures.evaluated_mean == pytest.approx((0.05 + 0.3) / 2)
    assert figures.evaluated_median_all == 0.3
    assert figures.evaluated_mean_all == pytest.approx(1.35 / 3)
    assert figures.decoded_tokens == 40
    # Of the first 8 were shown, and one has ended that; the others were never shown.
    assert figures.wasted == pytest.approx(1 - 9 / 40)
    assert figures.warmed_tokens == 7


def test_processor_time_for_a_key() -> None:
    pressed = [
        key(cpu_s=5.0),  # what came before is the start's
        key(cpu_s=5.004),
        key(cpu_s=None),
        key(cpu_s=5.010),
        key(cpu_s=6.0, piece=1),  # and opening another file is nobody's
        key(cpu_s=6.001, piece=1),
    ]
    spread = tallied(*pressed).server_cpu_ms
    assert spread is not None
    assert spread.n == 4
    assert spread.p50 == pytest.approx(3.0)
    assert spread.p95 == pytest.approx(4.0)


def test_every_figure_is_explained() -> None:
    assert set(FIGURES) == {field.name for field in fields(Tally)} - {"n_typed"}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 2), (0.51, 3), (1.0, 4)])
def test_quantile(share: float, expected: int) -> None:
    assert quantile([1, 2, 3, 4], share) == expected
