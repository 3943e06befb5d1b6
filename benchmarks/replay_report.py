"""Puts results of `codegen-lsp bench replay --json` into replay.json, its tables into README, and draws
how long suggestions take.

    python benchmarks/replay_report.py replay.json README.md replay.svg [RESULT.json ...]

A result takes the place of the one with the same title; without results, tables and drawing are only
made again. The drawing needs matplotlib; where that is missing, it stays as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from report import between, short, table, where

from codegen_lsp.evaluate.tally import FIGURES, SOURCES

Result = Mapping[str, Any]


def main(replay_json: Path, readme: Path, svg: Path, *results: Path) -> None:
    """Write all three anew."""
    known = json.loads(replay_json.read_text(encoding="utf-8")) if replay_json.exists() else []
    by_title = {result["title"]: result for result in known}
    for path in results:
        result = json.loads(path.read_text(encoding="utf-8"))
        by_title[result["title"]] = result
    ordered = list(by_title.values())
    timed = [result for result in ordered if not result["fast"]]
    fast = [result for result in ordered if result["fast"]]
    draw(timed, svg)
    picture = f"![How long suggestions take](benchmarks/{svg.name})" if svg.exists() else ""
    parts = [where(ordered), picture, _figures(timed), _languages(fast), _gates(fast)]
    text = between(readme.read_text(encoding="utf-8"), "replay", parts)
    replay_json.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    readme.write_text(text, "utf-8")


def draw(timed: Sequence[Result], svg: Path) -> None:
    """The share of suggestions that are there after a time, for each model and side."""
    try:
        import matplotlib as mpl  # noqa: PLC0415
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError:
        print(f"{svg} stays as it is: pip install matplotlib (in the extra bench)", file=sys.stderr)
        return
    # The same figures give the same bytes; text stays text.
    mpl.rcParams.update({"svg.hashsalt": "replay", "svg.fonttype": "none", "font.size": 10})
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for n, (title, side, style) in enumerate(_lines(timed)):
        quantiles = [max(0.1, each) for each in side["latency_quantiles_ms"]]
        shares = [100 * k / (len(quantiles) - 1) for k in range(len(quantiles))]
        axes.plot(quantiles, shares, style, color=f"C{n // 2}", label=title)
    axes.set(
        xscale="log", ylim=(0, 100),
        xlabel="milliseconds from a key to its suggestion", ylabel="% of the suggestions",
    )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(svg, metadata={"Date": None})
    plt.close(figure)


def _lines(timed: Sequence[Result]) -> Iterator[tuple[str, Result, str]]:
    for result in timed:
        for (title, side), style in zip(_sides(result), ("-", "--"), strict=False):
            if side["latency_quantiles_ms"]:
                yield title, side, style


def _sides(result: Result) -> list[tuple[str, Result]]:
    title, theirs = result["title"], result["baseline"]
    sides = [(title, result["ours"])]
    return [*sides, (f"{title}, baseline", theirs)] if theirs and theirs["tally"] else sides


def _figures(timed: Sequence[Result]) -> str:
    """A line for each figure, a column for each model and side."""
    sides = [side for result in timed for side in _sides(result)]
    rows = []
    for name, (unit, _) in FIGURES.items():
        values = [side["tally"][name] for _, side in sides]
        label = f"`{name}`" + (f", {unit}" if unit else "")
        if name != "latency_ms":
            rows.append([label, *(_cell(value, unit) for value in values)])
            continue
        for source in ("all", *SOURCES):
            cells = [_cell(value.get(source), unit) for value in values]
            rows.append([label if source == "all" else f"… {source}", *cells])
    return table(["", *(title for title, _ in sides)], rows) if sides else ""


def _languages(fast: Sequence[Result]) -> str:
    """How good suggestions are, by language."""
    names = ("n_keys", "shown", "right", "saved", "n_new_syntax_errors", "server_cpu_ms")
    rows = [
        [f"{title}, {language}", *(_cell(tally[name], FIGURES[name][0]) for name in names)]
        for result in fast
        for title, side in _sides(result)
        for language, tally in side["by_language"].items()
    ]
    titles = [_titled(name) for name in names]
    return table(["", *titles], rows) if rows else ""


def _gates(fast: Sequence[Result]) -> str:
    """What the confidence gate lets through, and how much of that is right."""
    names = ("shown", "right", "saved")
    rows = [
        [f"{result['title']}, `minConfidence` {gate['threshold']}"]
        + [_cell(gate[name], "%") for name in names]
        for result in fast
        for gate in result["gates"]
    ]
    return table(["", *(_titled(name) for name in names)], rows) if rows else ""


def _titled(name: str) -> str:
    unit = FIGURES[name][0]
    return f"`{name}`" + (f", {unit}" if unit else "")


def _cell(value: float | Mapping[str, float] | None, unit: str) -> str:
    """A spread shows its median and its 95th percentile."""
    if value is None:
        return "—"
    if isinstance(value, Mapping):
        return f"{short(value['p50'])} / {short(value['p95'])}"
    return short(value * 100 if unit == "%" else value)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
