"""Samples of a benchmark in a file, a line of JSON each: written one by one, read to go on or judge.

A line that a person writes needs a problem's id, the number of its input from 0, and a program; the rest
says how a model came to it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args

from codegen_lsp.evaluate.problems import BenchmarkError, field, read_rows

Turns = Literal["multi", "single"]

# What a line need not say.
UNSAID = {
    "model": "", "turns": "multi", "number": 0,
    "logprob": 0.0, "n_tokens": 0, "passed": None, "error": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """Which sample this is: the `number`th program of a model for an input of a problem, the intents
    given in several turns or in a single one."""

    model: str
    turns: Turns
    problem: str
    input: int
    number: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A program; the log-probability of its intents' tokens, in sum, and their number; whether it
    printed what was expected, once that is known; and one line about why not."""

    key: Key
    program: str
    logprob: float = 0.0
    n_tokens: int = 0
    passed: bool | None = None
    error: str = ""


def read_samples(path: Path) -> dict[Key, Sample]:
    """What a file holds; of two samples with the same key the last. Raises `BenchmarkError`."""
    samples = (_sample(row, place) for row, place in read_rows(path))
    return {sample.key: sample for sample in samples}


def append(path: Path, sample: Sample) -> None:
    """Write one more sample, at once and as a whole line. Raises `BenchmarkError`."""
    row = asdict(sample)
    line = json.dumps({**row.pop("key"), **row}) + "\n"
    try:
        with path.open("ab") as file:
            file.write(line.encode("ascii"))
    except OSError as error:
        raise _unwritable(path, error) from error


def mend(path: Path) -> None:
    """Make a file ready for `append`: without the last line, where whoever wrote it was stopped in the
    middle. Makes one where there is none. Raises `BenchmarkError`."""
    try:
        with path.open("ab+") as file:
            file.seek(0)
            whole, newline, last = file.read().rpartition(b"\n")
            if _is_json(last):
                file.write(b"\n")
            elif last:
                file.truncate(len(whole + newline))
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> BenchmarkError:
    return BenchmarkError(f"{path} cannot be written: {error.strerror}")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _sample(row: dict[str, Any], place: str) -> Sample:
    row = {**UNSAID, **row}
    if row["turns"] not in get_args(Turns):
        raise BenchmarkError(f"{place}: 'turns' cannot be {json.dumps(row['turns'])[:60]}")
    key = Key(
        field(row, "model", str, place),
        row["turns"],
        str(field(row, "problem", (str, int), place)),
        field(row, "input", int, place),
        field(row, "number", int, place),
    )
    return Sample(
        key,
        field(row, "program", str, place),
        float(field(row, "logprob", (int, float), place)),
        field(row, "n_tokens", int, place),
        field(row, "passed", (bool, NoneType), place),
        field(row, "error", str, place),
    )
