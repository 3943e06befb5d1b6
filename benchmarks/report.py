"""Puts results of `codegen-lsp bench engine --json` into engine.json, and its table into README.

    python benchmarks/report.py engine.json README.md [RESULT.json ...]

A result takes the place of the one with the same model; without results the table is only made again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codegen_lsp.evaluate.bench import FIGURES
from codegen_lsp.evaluate.peers import RACES

Result = Mapping[str, Any]


def main(engine_json: Path, readme: Path, *results: Path) -> None:
    """Write both files anew."""
    known = json.loads(engine_json.read_text(encoding="utf-8")) if engine_json.exists() else []
    by_model = {result["model"]: result for result in known}
    for path in results:
        result = json.loads(path.read_text(encoding="utf-8"))
        by_model[result["model"]] = result
    ordered = list(by_model.values())
    text = with_tables(readme.read_text(encoding="utf-8"), ordered)
    engine_json.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    readme.write_text(text, "utf-8")


def with_tables(text: str, results: Sequence[Result]) -> str:
    """README's text with these tables between its two markers."""
    return between(text, "benchmarks", [where(results), _figures(results), _races(results)])


def between(text: str, name: str, parts: Sequence[str]) -> str:
    """A text with paragraphs between the two markers of this name; those that are empty are left out."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        sys.exit(f"there are no two lines {begin.strip()} and {end} in it")
    paragraphs = "\n\n".join(part for part in parts if part)
    return f"{before}{begin}\n{paragraphs}\n\n{end}{after}"


def where(results: Sequence[Result]) -> str:
    """When, and on which machines."""
    places = {
        f"{result['date'][:10]}, {machine['processor']}, {machine['threads']} threads of "
        f"{machine['cores']} cores; codegen-lsp {result['versions']['codegen-lsp']}"
        for result in results
        for machine in [result["machine"]]
    }
    return "Measured on: " + "; ".join(sorted(places)) + "."


def _figures(results: Sequence[Result]) -> str:
    """A line for each figure, a column for each model."""
    titles = [result["model"].removesuffix(".gguf") for result in results]
    rows = [
        [f"`{name}`, {unit}", *(short(result["figures"][name]["value"]) for result in results)]
        for name, (unit, _) in FIGURES.items()
    ]
    return table(["", *titles], rows)


def _races(results: Sequence[Result]) -> str:
    """How many times as fast ours is, a line for each peer and model."""
    rows = [
        [f"{peer} {compared['version']}", result["model"].removesuffix(".gguf")]
        + [_ratio(compared["races"].get(race)) for race in RACES]
        for result in results
        for peer, compared in result["peers"].items()
        if not compared["missing"]
    ]
    return table(["times as fast as", "", *(f"`{race}`" for race in RACES)], rows) if rows else ""


def _ratio(race: Mapping[str, Any] | None) -> str:
    return short(race["ratio"]["value"]) if race else "—"


def short(number: float) -> str:
    """Three digits."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Its first column is text, the others are numbers."""
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
