"""A context becomes the prompt that the model reads: inside the token budget, the same from key to key.

A causal model reads the prefix alone. What evaluates quickly is what begins as the last prompt began,
so the beginning is cut only at every `GRID`th line of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from codegen_lsp.context import GRID, Context
from codegen_lsp.engine import Prompt

# The longest word healed: each of its tokens is evaluated again at every key.
UNFINISHED = re.compile(r"[ \t]*(?:(?<!\w)\w{1,24})?\Z")

Tokenize = Callable[[str], list[int]]


def render(context: Context, tokenize: Tokenize, budget: int) -> Prompt:
    """The prompt for a context, of at most `budget` tokens.

    The word that is being typed, and the spaces before it, are taken back to be healed: the model never
    saw a run of spaces or a word cut in two (see `healing.py`).
    """
    unfinished = UNFINISHED.search(context.line_before)
    heal = unfinished[0] if unfinished else ""
    body = context.prefix[: len(context.prefix) - len(heal)]
    text = _tail(body, context.first_line, tokenize, budget)
    return Prompt(text, tuple(tokenize(text)), heal)


def _tail(text: str, first_line: int, tokenize: Tokenize, budget: int) -> str:
    """The longest end of the text that fits the budget and begins at a line of the grid; where not
    even the last stretch fits, at any line; where not even the last line fits, anywhere."""
    lines = _line_starts(text)
    on_grid = [start for n, start in enumerate(lines, first_line) if n % GRID == 0]
    for borders in (on_grid, lines):
        start = _first_fitting(text, borders, tokenize, budget)
        if start < len(text):
            return text[start:]
    # A character has at most four bytes, and a byte makes at most one token.
    return text[len(text) - min(len(text), budget // 4) :]


def _first_fitting(text: str, borders: list[int], tokenize: Tokenize, budget: int) -> int:
    """The first border behind which the text fits the budget, or its length if there is none.

    Counts upwards from the end, stretch by stretch, so that the cost is bounded by the budget and not
    by the text. Tokens hardly ever reach over a line's end; where they do, the sum errs upwards.
    """
    n_tokens, fitting, end = 0, len(text), len(text)
    for border in reversed(borders):
        n_tokens += len(tokenize(text[border:end]))
        if n_tokens > budget:
            break
        fitting = end = border
    return fitting


def _line_starts(text: str) -> list[int]:
    return [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
