"""The benchmark's problems: a line of JSON each, whose prompts have places for inputs.

A problem is a row of intents that build on one another; each of its inputs, filled in, makes a case with
an output of its own. The format is that of the CodeGen paper's `mtpb.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The tokens of an answer where a problem does not say: what the paper's sampling script takes.
MAX_TOKENS = 256


class BenchmarkError(Exception):
    """It cannot be run or judged; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Case:
    """One input of a problem: its intents with the input filled in, and what is to be printed last."""

    intents: tuple[str, ...]
    expected: Any


@dataclass(frozen=True, slots=True)
class Problem:
    """Intents in turns, for several inputs; an answer to one of them has `max_tokens` at most."""

    id: str
    name: str
    category: str
    max_tokens: int
    cases: tuple[Case, ...]


def read_problems(path: Path, wanted: Collection[str] = ()) -> list[Problem]:
    """The problems of a file; those with the `wanted` ids, where some are. Raises `BenchmarkError`."""
    problems = [_problem(row, place) for row, place in read_rows(path)]
    known = {problem.id for problem in problems}
    if not known:
        raise BenchmarkError(f"{path} holds no problem")
    for each in wanted:
        if each not in known:
            raise BenchmarkError(f"{path} holds no problem {each}")
    return [problem for problem in problems if not wanted or problem.id in wanted]


def read_rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a file of JSON lines, and where each stands, for messages. Blank lines are none.
    Raises `BenchmarkError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{path} is no text in UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _object(line, f"{path}:{number}"), f"{path}:{number}"


def field(row: dict[str, Any], name: str, kind: type | tuple[type, ...], place: str) -> Any:
    """A field of an object, when it is there and of that kind. Raises `BenchmarkError`."""
    if name not in row:
        raise BenchmarkError(f"{place}: there is no {name!r}")
    value = row[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise BenchmarkError(f"{place}: {name!r} cannot be {json.dumps(value)[:60]}")
    return value


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BenchmarkError(f"{place}: this is no JSON ({error})") from error
    if not isinstance(row, dict):
        raise BenchmarkError(f"{place}: this is no JSON object")
    return row


def _problem(row: dict[str, Any], place: str) -> Problem:
    prompts = field(row, "prompts", list, place)
    inputs = field(row, "inputs", list, place)
    outputs = field(row, "outputs", list, place)
    if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise BenchmarkError(f"{place}: 'prompts' are no texts")
    if not inputs or len(outputs) < len(inputs):  # problem 57 has an output too many
        raise BenchmarkError(f"{place}: {len(inputs)} inputs have {len(outputs)} outputs")
    cases = [
        Case(_filled(prompts, values, place), expected)
        for values, expected in zip(inputs, outputs, strict=False)
    ]
    return Problem(
        str(field(row, "id", (str, int), place)),
        field(row, "name", str, place),
        field(row, "category", str, place),
        field({"max_gen_length": MAX_TOKENS, **row}, "max_gen_length", int, place),
        tuple(cases),
    )


def _filled(prompts: list[str], values: Any, place: str) -> tuple[str, ...]:
    """As the paper's script does: lists look like Python's, texts have no quotes but the prompt's."""
    try:
        return tuple(prompt.format(**values) for prompt in prompts)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(f"{place}: the input {values} does not fit the prompts") from error
