"""Brackets, read off a text itself: a tree would cost too much at every token, and does not say which
are missing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from codegen_lsp.languages import Language, row
from codegen_lsp.lines import indentation, tokens

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
CLOSERS = frozenset(CLOSER_OF.values())


class Balance(NamedTuple):
    """The brackets of a text. `stretches` are where brackets that it opens itself are open, outermost
    ones only: (first, last) end of the text at which it is so; `extra` is where it closes one that it
    has not opened."""

    stretches: tuple[tuple[int, int], ...]
    extra: tuple[int, ...]

    def is_open(self, end: int) -> bool:
        """Whether the text up to `end` has opened something that it has not closed."""
        return any(first <= end <= last for first, last in self.stretches)


def balance(text: str, language: str, begun: str = "") -> Balance:
    """The brackets of a text that goes on behind `begun`: what that one has opened counts as not opened,
    but a string or comment that begins in it hides brackets."""
    stretches, extra = [], []
    opened: list[tuple[int, str]] = []
    for index, bracket in _brackets(begun + text, language):
        at = index - len(begun)
        if at < 0:
            continue
        if bracket not in CLOSERS:
            opened.append((at, bracket))
        elif opened and CLOSER_OF.get(opened[-1][1]) == bracket:
            first, _ = opened.pop()
            if not opened:
                stretches.append((first + 1, at))
        else:
            extra.append(at)
    if opened:
        stretches.append((opened[0][0] + 1, len(text)))
    return Balance(tuple(stretches), tuple(extra))


def missing(prefix: str, suffix: str, language: str) -> str:
    """The closing brackets that a text lacks between two parts of it, the innermost first.

    A bracket below belongs to one above if it is of its kind and no further left: in a text that is
    being written the inner ones are missing, and the outer ones stand there already.
    """
    opened: list[tuple[str, int]] = []
    for at, bracket in _brackets(prefix, language):
        if bracket in CLOSER_OF:
            opened.append((CLOSER_OF[bracket], _indentation_at(prefix, at)))
        elif opened and opened[-1][0] == bracket:
            opened.pop()
    closing = _closed_below(suffix, language)
    lacking = ""
    for closer, depth in reversed(opened):
        if closing and closing[0][0] == closer and closing[0][1] >= depth:
            closing.pop(0)
        else:
            lacking += closer
    return lacking


def _closed_below(suffix: str, language: str) -> list[tuple[str, int]]:
    """The brackets that a text closes and has not opened, and how far each one's line is indented. On
    its first line that is unknown, but the cursor stands there, and what follows it is meant for it."""
    first_line = suffix.find("\n") if "\n" in suffix else len(suffix)
    return [
        (suffix[at], _indentation_at(suffix, at) if at > first_line else len(suffix))
        for at in balance(suffix, language).extra
    ]


def _brackets(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Where brackets stand, outside of comments and strings; and a string or comment of several lines
    that does not end, as if it were one that opens."""
    known = row(language)
    for token in tokens(text, 0, len(text), known):
        if token.kind == "bracket":
            yield token.start, text[token.start]
        elif token.kind.startswith("open_") and text.startswith(_long(known), token.start):
            yield token.start, "..."


@cache
def _long(language: Language) -> tuple[str, ...]:
    """What begins a string or comment that may go on over several lines."""
    quotes = (quotes.begin for quotes in language.quotes if quotes.lines)
    return (*quotes, *(begin for begin, _ in language.block_comments))


def _indentation_at(text: str, at: int) -> int:
    return indentation(text[text.rfind("\n", 0, at) + 1 : at])
