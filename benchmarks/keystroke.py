"""What a keystroke costs the parser in a large file, by language.

    python benchmarks/keystroke.py [FILE ...] [--lines 10000] [--places 40] [--seed 1] [--json]

The files of a language are joined, and said again, up to so many lines; without files, Python's own
library is taken, and for two other languages a class that is written below. At random places a line is
taken away and typed again, one character after the other, nothing being closed automatically: so at
most keys a bracket, a quote or a statement is open. What counts is the time of the thread, as others
may be at work.
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import sys
import tarfile
import time
import typing
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from codegen_lsp.languages import language_of
from codegen_lsp.syntax import parse

# Shorter lines hold nothing that could be left open.
MIN_LINE = 12

TYPESCRIPT = """\
/** Adds up what is worth it. */
export class Sum<T> {
  constructor(private readonly worth: (item: T) => number) {}

  of(items: T[], { limit = 10, name }: { limit?: number; name: string }): number {
    const kept = items.filter((item) => this.worth(item) > 0).slice(0, limit);
    if (kept.length === 0) {
      throw new Error(`nothing of ${name} is worth it: ${items.map((item) => this.worth(item))}`);
    }
    return kept.reduce((sum, item) => sum + this.worth(item), 0);
  }
}

"""
CPP = """\
namespace sums {
// Adds up what is worth it.
template <typename T>
class Sum {
 public:
  explicit Sum(std::function<double(const T &)> worth) : worth_(std::move(worth)) {}

  double of(const std::vector<T> &items, size_t limit = 10) const {
    double sum = 0;
    for (size_t n = 0; n < std::min(limit, items.size()); ++n) {
      if (auto worth = worth_(items[n]); worth > 0) sum += worth;
      else std::fprintf(stderr, "%zu is not worth it: %f\\n", n, worth);
    }
    return sum;
  }

 private:
  std::function<double(const T &)> worth_;
};
}  // namespace sums

"""


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--places", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    results = []
    for language, text in texts(asked.files, asked.lines).items():
        costs = sorted(keys(text, language, asked.places, random.Random(asked.seed)))
        figures = {f"p{part}": costs[len(costs) * part // 100] for part in (50, 95, 99)}
        figures["max"] = costs[-1]
        rounded = {name: round(cost * 1000, 2) for name, cost in figures.items()}
        results.append(
            {"language": language, "lines": text.count("\n"), "keys": len(costs), **rounded}
        )
    sys.stdout.write((json.dumps(results, indent=1) if asked.json else table(results)) + "\n")


def texts(files: list[Path], n_lines: int) -> dict[str, str]:
    """By language, a text of so many lines."""
    found: dict[str, str] = {}
    for path in files:
        language = language_of(path.suffix)
        text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
        found[language] = found.get(language, "") + text + "\n"
    if not files:
        found = {"python": _library(), "typescript": TYPESCRIPT, "cpp": CPP}
    return {
        language: "\n".join(islice(cycle(text.split("\n")), n_lines + 1))
        for language, text in found.items()
    }


def keys(text: str, language: str, n_places: int, chance: random.Random) -> Iterator[float]:
    """Seconds that each key costs."""
    lines = text.split("\n")
    long = [n for n, line in enumerate(lines) if len(line.strip()) >= MIN_LINE]
    parsed = parse(text, language)
    for place in chance.sample(long, n_places):
        start = sum(len(line) + 1 for line in lines[:place])
        before, line, after = text[:start], lines[place], text[start + len(lines[place]) :]
        parsed = parse(before + after, language, parsed)
        for end in range(1, len(line) + 1):
            typed = before + line[:end] + after
            began = time.thread_time()
            parsed = parse(typed, language, parsed)
            yield time.thread_time() - began


def table(results: list[dict[str, str | int | float]]) -> str:
    """Milliseconds, a language a line."""
    rows = [list(results[0]), *([str(value) for value in result.values()] for result in results)]
    return "\n".join("  ".join(cell.rjust(10) for cell in cells) for cells in rows)


def _library() -> str:
    """Some large modules of Python's own."""
    modules = (argparse, inspect, tarfile, typing)
    return "\n".join(inspect.getsource(module) for module in modules)


if __name__ == "__main__":
    main()
