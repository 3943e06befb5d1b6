"""What a replay's keys come to: pure arithmetic over what happened at each of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from codegen_lsp.evaluate.typist import PAUSE_S

Source = Literal["engine", "joined", "typed", "cache", "none"]
"""Where an answer came from: written for it, from a generation that ran already, the rest of a candidate
that was typed, a candidate that was known, or from nowhere."""

SOURCES: tuple[Source, ...] = ("cache", "typed", "joined", "engine")
Key = Literal["line", "character", "deletion", "acceptance"]


@dataclass(frozen=True, slots=True)
class Pressed:
    """One key, and what a completer made of the state behind it until the next.

    `wait_s` is when the next key was due; `answer_ms` when the answer came, None where it came too late
    to matter; `shown` whether it was something, `right` whether its first line is what the file says
    next. `n_saved` are the keys that taking a suggestion spared, at the key that took it. `worse` says
    where and what was shown, if the text parses worse with it by the referee's judgement, and
    `is_missed` that `syntax.py` does not see that. `cpu_s` is what the server's process has used until
    then.
    """

    piece: int
    language: str
    key: Key
    wait_s: float
    answer_ms: float | None = None
    source: Source = "none"
    shown: bool = False
    right: bool = False
    generation: int | None = None
    n_saved: int = 0
    worse: str = ""
    is_missed: bool = False
    cpu_s: float | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """One run of the engine: tokens of its prompt and how many of them it had to evaluate; tokens that
    it wrote, and how many of them were left to be shown."""

    id: int
    for_request: bool
    n_prompt: int
    n_evaluated: int
    n_generated: int
    n_kept: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How something is distributed, by nearest rank, over `n` samples."""

    n: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Tally:
    """All figures of one side. None is what could not be measured: times where nobody kept time, what
    the engine did where nobody told. Shares are between 0 and 1; of an empty set they are None."""

    n_keys: int
    n_typed: int
    latency_ms: Mapping[str, Spread]
    answer_ms: Spread | None
    wait_line_ms: Spread | None
    wait_pause_ms: Spread | None
    paused_shown: float | None
    answered_in_time: float | None
    shown_in_time: float | None
    shown: float | None
    right: float | None
    n_accepted: int
    saved: float | None
    n_new_syntax_errors: int
    n_missed_by_syntax: int
    n_requests: int | None
    prompt_tokens: float | None
    evaluated_median: float | None
    evaluated_mean: float | None
    evaluated_median_all: float | None
    evaluated_mean_all: float | None
    warmed_tokens: int | None
    decoded_tokens: int | None
    wasted: float | None
    server_cpu_ms: Spread | None


# Units and meanings, in the order in which they are shown; a share is shown in per cent.
FIGURES = {
    "n_keys": ("", "keys pressed, typos and acceptances among them"),
    "latency_ms": ("ms", "from a key to what is shown"),
    "answer_ms": (
        "ms",
        "from any key to its answer, be it nothing; or to the next key where none came",
    ),
    "wait_line_ms": ("ms", "from Enter, where a person stops there, until something is shown"),
    "wait_pause_ms": ("ms", "from the last key before any pause until something is shown"),
    "paused_shown": ("%", "of these pauses, those where something is shown"),
    "answered_in_time": ("%", "of the keys, answered before the next one, be it with nothing"),
    "shown_in_time": ("%", "of the keys, something is shown before the next one"),
    "shown": ("%", "of the keys, something is shown"),
    "right": ("%", "of what is shown, its first line is what the file says next"),
    "n_accepted": ("", "suggestions taken"),
    "saved": ("%", "of the keys that the text takes, spared by taking suggestions"),
    "n_new_syntax_errors": ("", "suggestions that would make the file parse worse"),
    "n_missed_by_syntax": ("", "of these, those that syntax.py lets pass"),
    "n_requests": ("", "generations that a request was answered from"),
    "prompt_tokens": ("tokens", "the median of their prompts"),
    "evaluated_median": ("%", "of such a prompt, evaluated for it, at the median"),
    "evaluated_mean": ("%", "the same, mean"),
    "evaluated_median_all": ("%", "of any generation's prompt, at the median"),
    "evaluated_mean_all": ("%", "the same, mean"),
    "warmed_tokens": ("tokens", "evaluated ahead, while nobody typed"),
    "decoded_tokens": ("tokens", "written"),
    "wasted": ("%", "of these, neither shown nor the end of what is"),
    "server_cpu_ms": ("ms", "the server's processor time for a key, without the engine's"),
}


def tally(
    pressed: Sequence[Pressed],
    n_typed: int,
    generated: Sequence[Generated] | None,
    n_warmed: int | None,
    *,
    timed: bool,
) -> Tally:
    """What all these keys come to. `n_typed` keys would type the text if nothing were suggested;
    `generated` is None where the completer tells nothing about its engine; where a replay was not
    `timed` there are no figures of time."""
    pauses = [each for each in pressed if timed and each.wait_s >= PAUSE_S]
    shown = [each for each in pressed if each.shown]
    known = generated is not None
    requests = [each for each in generated or () if each.for_request and each.n_prompt]
    everything = [each for each in generated or () if each.n_prompt]
    return Tally(
        n_keys=len(pressed),
        n_typed=n_typed,
        latency_ms=_latencies(shown) if timed else {},
        answer_ms=_spread([_answered_ms(each) for each in pressed]) if timed else None,
        wait_line_ms=_spread(_answers(each for each in pauses if each.key == "line")),
        wait_pause_ms=_spread(_answers(pauses)),
        paused_shown=_share(pauses, lambda each: each.shown),
        answered_in_time=_share(pressed, is_in_time) if timed else None,
        shown_in_time=_share(pressed, lambda each: each.shown and is_in_time(each))
        if timed
        else None,
        shown=_share(pressed, lambda each: each.shown),
        right=_share(shown, lambda each: each.right),
        n_accepted=sum(each.key == "acceptance" for each in pressed),
        saved=sum(each.n_saved for each in pressed) / n_typed if n_typed else None,
        n_new_syntax_errors=sum(bool(each.worse) for each in pressed),
        n_missed_by_syntax=sum(each.is_missed for each in pressed),
        n_requests=len(requests) if known else None,
        prompt_tokens=_median([each.n_prompt for each in requests]),
        evaluated_median=_median(_evaluated(requests)),
        evaluated_mean=_mean(_evaluated(requests)),
        evaluated_median_all=_median(_evaluated(everything)),
        evaluated_mean_all=_mean(_evaluated(everything)),
        warmed_tokens=n_warmed if known else None,
        decoded_tokens=sum(each.n_generated for each in everything) if known else None,
        wasted=_wasted(shown, everything),
        server_cpu_ms=_spread(_cpu_ms(pressed)),
    )


def is_in_time(pressed: Pressed) -> bool:
    """Whether the answer came before the next key was due."""
    return pressed.answer_ms is not None and pressed.answer_ms <= pressed.wait_s * 1000


def shown_ms(pressed: Iterable[Pressed]) -> list[float]:
    """How long each suggestion took, in order of size."""
    return sorted(_answers(pressed))


def quantile(ordered: Sequence[float], share: float) -> float:
    """By nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _latencies(shown: Sequence[Pressed]) -> dict[str, Spread]:
    by_source = {source: [each for each in shown if each.source == source] for source in SOURCES}
    spreads = {"all": _spread(_answers(shown))}
    spreads |= {source: _spread(_answers(each)) for source, each in by_source.items()}
    return {source: spread for source, spread in spreads.items() if spread is not None}


def _answers(pressed: Iterable[Pressed]) -> list[float]:
    return [each.answer_ms for each in pressed if each.shown and each.answer_ms is not None]


def _answered_ms(pressed: Pressed) -> float:
    return pressed.wait_s * 1000 if pressed.answer_ms is None else pressed.answer_ms


def _evaluated(generated: Sequence[Generated]) -> list[float]:
    return [each.n_evaluated / each.n_prompt for each in generated]


def _wasted(shown: Sequence[Pressed], generated: Sequence[Generated]) -> float | None:
    """The token with which a suggestion ends is not wasted: without it nobody knows that it does."""
    seen = {each.generation for each in shown}
    n_written = sum(each.n_generated for each in generated)
    n_seen = sum(min(each.n_kept + 1, each.n_generated) for each in generated if each.id in seen)
    return 1 - n_seen / n_written if n_written else None


def _cpu_ms(pressed: Sequence[Pressed]) -> list[float]:
    """For each key. Where some had no answer, the next one's is shared among them; what opening a file
    costs is nobody's."""
    costs: list[float] = []
    before: Pressed | None = None
    n_since = 0
    for each in pressed:
        n_since += 1
        if each.cpu_s is None:
            continue
        if before is not None and before.cpu_s is not None and before.piece == each.piece:
            costs += [(each.cpu_s - before.cpu_s) * 1000 / n_since] * n_since
        before, n_since = each, 0
    return costs


def _spread(samples: Sequence[float]) -> Spread | None:
    if not samples:
        return None
    ordered = sorted(samples)
    return Spread(len(ordered), *(quantile(ordered, share) for share in (0.5, 0.95, 0.99)))


def _share(pressed: Sequence[Pressed], holds: Callable[[Pressed], bool]) -> float | None:
    return sum(map(holds, pressed)) / len(pressed) if pressed else None


def _median(samples: Sequence[float]) -> float | None:
    return statistics.median(samples) if samples else None


def _mean(samples: Sequence[float]) -> float | None:
    return statistics.fmean(samples) if samples else None
