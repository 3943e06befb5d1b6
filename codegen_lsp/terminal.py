"""How results look on a terminal, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from codegen_lsp.complete import Completion
from codegen_lsp.doctor import Check
from codegen_lsp.document import Candidate, Document
from codegen_lsp.evaluate.tally import SOURCES, Spread
from codegen_lsp.models import Model

if TYPE_CHECKING:  # these load llama.cpp's library, which the other commands may not need
    from codegen_lsp.evaluate import contest
    from codegen_lsp.evaluate.bench import Report
    from codegen_lsp.evaluate.mtpb import Rate, Result
    from codegen_lsp.evaluate.peers import Comparison

LINES_BEFORE, LINES_AFTER = 20, 4  # of the file, around the ghost text


def print_completion(document: Document, offset: int, completion: Completion) -> None:
    """The code around the cursor with each candidate as ghost text: dim on a terminal, between
    « and » elsewhere."""
    console = Console(highlight=False, soft_wrap=True)
    if not completion.candidates:
        Console(stderr=True).print("nothing to suggest here")
    for n, candidate in enumerate(completion.candidates, 1):
        if len(completion.candidates) > 1:
            console.rule(
                f"{n}/{len(completion.candidates)} · mean log-probability "
                f"{candidate.mean_logprob:.2f} · {candidate.n_tokens} tokens",
                align="left",
            )
        console.print(_with_ghost(document, offset, candidate, console.is_terminal), end="")


def _with_ghost(document: Document, offset: int, candidate: Candidate, is_terminal: bool) -> Text:
    before, after = document.text[:offset], document.text[offset:]
    shown = Text("".join(before.splitlines(keepends=True)[-LINES_BEFORE:]))
    if is_terminal:
        shown.append(candidate.text, style="italic dim")
    else:
        shown.append(f"«{candidate.text}»")
    shown.append("".join(after.splitlines(keepends=True)[: LINES_AFTER + 1]))
    return shown if shown.plain.endswith("\n") else shown.append("\n")


def completion_json(
    completion: Completion, model: str, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """One object with candidates, the prompt, times in milliseconds, and the model's name."""
    prompt, stats = completion.prompt, completion.stats
    return {
        "candidates": [asdict(candidate) for candidate in completion.candidates],
        "prompt": {
            "n_tokens": stats.n_prompt,
            "n_reused": stats.n_reused,
            "text": prompt.text if prompt else "",
        },
        "timings_ms": {
            "load": round(seconds["load"] * 1000, 1),
            "prefill": round(stats.prefill_ms, 1),
            "decode": round(stats.decode_ms, 1),
            "total": round(seconds["total"] * 1000, 1),
        },
        "model": model,
    }


def print_models(models: Sequence[Model], directory: Path) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("NAME", "SIZE", "FILE"):
        table.add_column(title, justify="right" if title == "SIZE" else "left", overflow="fold")
    for model in models:
        where = "comes with the program" if model.embedded else str(model.path)
        table.add_row(model.name, f"{model.size / 2**20:.1f} MiB", where)
    Console(soft_wrap=not sys.stdout.isatty()).print(table)
    if len(models) == 1:
        print(f"\nAdd another with: codegen-lsp models add PATH.gguf (it is copied to {directory})")


def print_checks(checks: Sequence[Check]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        console.print(f"{mark} {check.name:<{width}}  ", end="")
        console.print(Text(check.value))
        if check.advice:
            console.print(Text(f"  {'':<{width}}  → {check.advice}"))


def bench_json(report: Report, peers: Mapping[str, Comparison]) -> dict[str, Any]:
    """One object: where and what was measured, the figures, and the peers (none if not asked for)."""
    result = asdict(report)
    result["peers"] = {name: asdict(comparison) for name, comparison in peers.items()}
    rounded: dict[str, Any] = _rounded(result)
    return rounded


def print_bench(
    report: Report, peers: Mapping[str, Comparison], figures: Mapping[str, tuple[str, str]]
) -> None:
    """`figures` are units and explanations by name."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    machine = report.machine
    console.print(
        f"{report.model} ({report.quantization}) on {machine['processor']}, "
        f"{machine['threads']} threads of {machine['cores']} cores, load {machine['load']}"
    )
    table = _bench_table("FIGURE", ">VALUE", "", ">MIN", ">MAX", ">N", "")
    for name, figure in report.figures.items():
        unit, meaning = figures[name]
        numbers = [_short(number) for number in (figure.value, figure.min, figure.max)]
        table.add_row(name, numbers[0], unit, *numbers[1:], str(figure.n), meaning)
    console.print(table)
    for name, comparison in peers.items():
        _print_comparison(console, name, comparison)


def replay_json(report: contest.Report) -> dict[str, Any]:
    """One object: where and what was typed, and the figures of each side."""
    rounded: dict[str, Any] = _rounded(asdict(report))
    return rounded


def print_replay(report: contest.Report, figures: Mapping[str, tuple[str, str]]) -> None:
    """`figures` are units and explanations by name."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    manners = f"{report.client}'s manners" + (", as fast as it answers" if report.fast else "")
    console.print(
        f"{report.title}: {report.n_pieces} pieces of {report.n_files} files, typed with {manners}"
    )
    sides = {"OURS": report.ours} | ({"BASELINE": report.baseline} if report.baseline else {})
    table = _bench_table("FIGURE", "UNIT", *(f">{title}" for title in sides), "")
    for name, (unit, meaning) in figures.items():
        values = [getattr(side.tally, name, None) for side in sides.values()]
        if name != "latency_ms":
            table.add_row(name, unit, *(_measured(value, unit) for value in values), meaning)
            continue
        for source in ("all", *SOURCES):  # each has a row of its own
            spreads = [_measured((value or {}).get(source), unit) for value in values]
            is_all = source == "all"
            table.add_row(
                name if is_all else f"  {source}", unit, *spreads, meaning if is_all else ""
            )
    console.print(table)
    for title, side in sides.items():
        if side.missing:
            console.print(f"no {title.lower()}: {side.missing}", markup=False)
    _print_languages(console, report.ours)
    for where in report.ours.worse:
        console.print(f"parses worse: {where}", markup=False, soft_wrap=True)
    _print_gates(console, report)


def _print_languages(console: Console, side: contest.Side) -> None:
    table = _bench_table(
        "", ">KEYS", ">LATENCY", ">IN TIME", ">SHOWN", ">RIGHT", ">SAVED", ">ERRORS"
    )
    for language, tally in side.by_language.items():
        shares = (tally.shown_in_time, tally.shown, tally.right, tally.saved)
        table.add_row(
            language,
            _measured(tally.n_keys, ""),
            _measured(tally.latency_ms.get("all"), "ms"),
            *(_measured(share, "%") for share in shares),
            _measured(tally.n_new_syntax_errors, ""),
        )
    console.print(table)


def _print_gates(console: Console, report: contest.Report) -> None:
    if not report.gates:
        return
    table = _bench_table(">THRESHOLD", ">SHOWN", ">RIGHT", ">SAVED")
    for gate in report.gates:
        shares = (_measured(share, "%") for share in (gate.shown, gate.right, gate.saved))
        table.add_row(str(gate.threshold), *shares)
    console.print(table)


def mtpb_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """An object for each model and way of asking; shares are between 0 and 1."""
    return [_rounded(asdict(result)) for result in results]


def print_mtpb(results: Sequence[Result]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    for result in results:
        asked = {"multi": "in turns", "single": "in a single turn"}[result.turns]
        title = f"{result.model or 'programs'}, {result.n_problems} problems {asked}"
        console.print(Text(title), soft_wrap=True)
        table = _bench_table("", ">PASSED", ">OF", ">%", ">95 % INTERVAL")
        for name, rate in {"all": result.all, **result.categories}.items():
            table.add_row(name, str(rate.n_passed), str(rate.n), *_shares(rate))
        console.print(table)
        passed, failed = (
            _measured(value, "") for value in (result.passed_perplexity, result.failed_perplexity)
        )
        console.print(f"perplexity of the prompts: {passed} of passed programs, {failed} of failed")
        if result.missing:
            modules = ", ".join(f"{name} ({n})" for name, n in result.missing.items())
            console.print(f"failed for a module that is not here: {modules}", markup=False)


def _shares(rate: Rate) -> tuple[str, str]:
    """In percent: the rate, and its Wilson interval."""
    share, low, high = (f"{value * 100:.1f}" for value in (rate.share, rate.low, rate.high))
    return share, f"{low} to {high}"


@contextmanager
def progress_bar(what: str, n: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar of `n` steps on standard error, gone at the end; nothing where that is no terminal. What it
    gives is to be called at each step."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=n)
        yield lambda: progress.advance(task)


def _measured(value: float | Spread | None, unit: str) -> str:
    """A spread shows its median, its 95th and its 99th percentile."""
    if value is None:
        return "—"
    if isinstance(value, Spread):
        return " / ".join(map(_short, (value.p50, value.p95, value.p99)))
    return _short(value * 100 if unit == "%" else value)


def print_step(what: str) -> None:
    """What a person waits for, beside the results."""
    Console(stderr=True, highlight=False).print(f"measuring: {what}", style="dim")


def _print_comparison(console: Console, name: str, comparison: Comparison) -> None:
    if comparison.missing:
        console.print(f"\nnot against {name}: {comparison.missing}", markup=False)
        return
    console.print(f"\nagainst {name} {comparison.version}", markup=False)
    table = _bench_table("", ">OURS", ">THEIRS", ">TIMES AS FAST", ">MIN", ">MAX")
    for race, sides in comparison.races.items():
        numbers = (sides.ours.value, sides.theirs.value, sides.ratio.value)
        bounds = (sides.ratio.min, sides.ratio.max)
        table.add_row(race, *(_short(number) for number in (*numbers, *bounds)))
    console.print(table)


def _bench_table(*titles: str) -> Table:
    """A title that begins with > stands over numbers."""
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title.lstrip(">"), justify="right" if title.startswith(">") else "left")
    return table


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _rounded(value: Any) -> Any:
    """Four digits are more than a measurement is worth."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return value
