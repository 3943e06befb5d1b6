"""Ours and the baseline type the same, one after the other, and what came of it side by side."""

from __future__ import annotations

import contextlib
import datetime
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from codegen_lsp.evaluate.baseline import llama_vim
from codegen_lsp.evaluate.bench import machine, versions
from codegen_lsp.evaluate.editor import MANNERS, editing
from codegen_lsp.evaluate.peers import PeerError
from codegen_lsp.evaluate.replay import Completer, Script, lay_out, replay
from codegen_lsp.evaluate.tally import Pressed, Tally, quantile, shown_ms, tally
from codegen_lsp.llama import default_tuning

THRESHOLD = "minConfidence"  # the setting of the confidence gate
# Else what is measured depends on what other programs do.
SETTINGS = {"powerSaving": False}
N_QUANTILES = 100
N_WORSE = 20


@dataclass(frozen=True, slots=True)
class Conditions:
    """What this is called, and how it is typed, in `editor.MANNERS`' words. `fast` keeps no time."""

    title: str
    client: str
    seed: int
    fast: bool


@dataclass(frozen=True, slots=True)
class Side:
    """What came of one side; `latency_quantiles_ms` are from the least to the greatest, for a plot, and
    `worse` names some suggestions that break the syntax. `missing` says why there is nothing."""

    tally: Tally | None = None
    by_language: Mapping[str, Tally] = field(default_factory=dict)
    latency_quantiles_ms: Sequence[float] = ()
    worse: Sequence[str] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """What one threshold of the confidence gate makes of the same keys."""

    threshold: float
    shown: float | None
    right: float | None
    saved: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What one run has found, and where. A side that was not asked for is None."""

    title: str
    model: str
    date: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    client: str
    seed: int
    fast: bool
    n_pieces: int
    n_files: int
    ours: Side
    baseline: Side | None = None
    gates: Sequence[Gate] = ()


def hold(
    script: Script,
    model: Path,
    conditions: Conditions,
    thresholds: Sequence[float],
    baseline: bool,
    hear: Callable[[str], None],
) -> Report:
    """Type a script through each of them; `hear` is told how far it is. Raises `ProgramError` and
    `EngineError`."""
    load = psutil.getloadavg()
    ours = _ours(script, model, conditions, {}, hear)
    theirs = _theirs(script, model, conditions, hear) if baseline else None
    gates = []
    for threshold in thresholds:
        side = _ours(script, model, conditions, {THRESHOLD: threshold}, hear).tally
        assert side is not None
        gates.append(Gate(threshold, side.shown, side.right, side.saved))
    return Report(
        title=conditions.title,
        model=model.name,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        machine=machine(default_tuning().n_threads, load),
        versions=versions(),
        client=conditions.client,
        seed=conditions.seed,
        fast=conditions.fast,
        n_pieces=len(script.pieces),
        n_files=len({piece.path for piece in script.pieces}),
        ours=ours,
        baseline=theirs,
        gates=gates,
    )


def _ours(
    script: Script,
    model: Path,
    conditions: Conditions,
    settings: Mapping[str, Any],
    hear: Callable[[str], None],
) -> Side:
    name = "".join(f" with {name} {value}" for name, value in settings.items())
    with _project(script) as folder:
        manners = MANNERS[conditions.client]
        with editing(model, folder, manners, {**SETTINGS, **settings}) as editor:
            return _side(script, editor, folder, conditions, lambda n: hear(f"ours{name}, {n}"))


def _theirs(
    script: Script, model: Path, conditions: Conditions, hear: Callable[[str], None]
) -> Side:
    tuning = default_tuning()
    try:
        with (
            _project(script) as folder,
            llama_vim(model, (tuning.n_threads, tuning.n_threads_batch)) as policy,
        ):
            return _side(script, policy, folder, conditions, lambda n: hear(f"baseline, {n}"))
    except PeerError as error:
        return Side(missing=str(error))


@contextlib.contextmanager
def _project(script: Script) -> Iterator[Path]:
    """A folder of its own, in which nothing says what is to be ignored."""
    with tempfile.TemporaryDirectory(prefix="replay-") as name:
        folder = Path(name).resolve()
        lay_out(script, folder)
        yield folder


def _side(
    script: Script,
    completer: Completer,
    folder: Path,
    conditions: Conditions,
    hear: Callable[[str], None],
) -> Side:
    n_pieces = len(script.pieces)
    pressed = list(
        replay(
            script,
            completer,
            folder,
            fast=conditions.fast,
            hear=lambda n: hear(f"{n} of {n_pieces} pieces"),
        )
    )
    timed = not conditions.fast
    ordered = shown_ms(pressed) if timed else []
    return Side(
        tally(pressed, script.n_keys(), completer.generated, completer.n_warmed, timed=timed),
        {
            language: tally(
                [each for each in pressed if each.language == language],
                script.n_keys(language),
                None,
                None,
                timed=timed,
            )
            for language in _languages(pressed)
        },
        [quantile(ordered, n / N_QUANTILES) for n in range(N_QUANTILES + 1)] if ordered else [],
        [each.worse for each in pressed if each.worse][:N_WORSE],
    )


def _languages(pressed: Sequence[Pressed]) -> list[str]:
    return sorted({each.language for each in pressed})
