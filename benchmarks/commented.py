"""Pieces of real code with what their authors say of them: for measuring what models make of intents."""

from __future__ import annotations

import ast
import gzip
import json
import textwrap
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from codegen_lsp.intents import intents_in
from codegen_lsp.syntax import parse

# Letters and words that say nothing, and whole pages.
INTENT, CODE = range(15, 250), range(20, 800)


class Piece(NamedTuple):
    """An intent and the code that answers it, dedented; where in its text the lines of the intent begin
    and those of the code begin and end."""

    intent: str
    code: str
    text: str
    start: int
    border: int
    end: int


def human_eval(path: Path) -> list[Piece]:
    """The problems of HumanEval: what a docstring says before its examples, and the solution."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        piece for row in rows for piece in documented(row["prompt"] + row["canonical_solution"])
    ]


def comments(folder: Path) -> list[Piece]:
    """The comments of a folder's Python files that have lines of their own, and the code below each, up
    to a blank line, another comment, or the end of the block."""
    return [piece for path in sorted(folder.rglob("*.py")) for piece in _commented(path)]


def docstrings(folder: Path) -> list[Piece]:
    """The functions of a folder's Python files: the first paragraph of the docstring, and the body."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
    return [piece for text in texts for piece in documented(text)]


SOURCES: dict[str, Callable[[Path], list[Piece]]] = {
    "human_eval": human_eval,
    "comments": comments,
    "docstrings": docstrings,
}


def documented(text: str) -> Iterator[Piece]:
    """The functions of one text."""
    starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and len(node.body) > 1:
            said = (ast.get_docstring(node) or "").split(">>>")[0].split("\n\n")[0]
            first = node.body[0]
            numbers = (first.lineno - 1, first.end_lineno, node.end_lineno)
            yield from _likely(said, text, *(starts[number or 0] for number in numbers))


def _commented(path: Path) -> Iterator[Piece]:
    text = path.read_text(encoding="utf-8")
    for intent in intents_in(parse(text, "python"), 0, len(text)):
        if intent.kind == "comment":
            n_characters = sum(map(len, _below(text[intent.end :], intent.indent)))
            end = intent.end + n_characters
            yield from _likely(intent.text, text, intent.start, intent.end, end)


def _below(text: str, indent: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        said = line.lstrip()
        if not said or said.startswith("#") or not line.startswith(indent):
            return
        yield line


def _likely(said: str, text: str, start: int, border: int, end: int) -> Iterator[Piece]:
    intent = " ".join(said.split())
    code = textwrap.dedent(text[border:end]).strip("\n") + "\n"
    if len(intent) in INTENT and len(code) in CODE:
        yield Piece(intent, code, text, start, border, end)
