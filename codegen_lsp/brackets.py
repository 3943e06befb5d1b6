"""Brackets, read off a text itself: a tree would cost too much at every token, and does not say which
are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from codegen_lsp.languages import Quotes, row
from codegen_lsp.lines import indentation

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
CLOSERS = frozenset(CLOSER_OF.values())
BRACKETS = CLOSERS.union(CLOSER_OF)


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
    """The closing brackets that code lacks between two parts of it, the innermost first. The first part
    may begin anywhere, also in a string.

    A bracket below belongs to one above if it is of its kind and no further left: in a text that is
    being written the inner ones are missing, and the outer ones stand there already.
    """
    found = list(_brackets(prefix, language))
    if found and found[-1][1] not in BRACKETS:
        # It ends in code and seems to end in a string: it begins in one, and all quotes were taken the
        # wrong way round.
        prefix = prefix.partition(found[-1][1])[2]
        found = list(_brackets(prefix, language))
    opened: list[tuple[str, int]] = []
    for at, bracket in found:
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
    """Where brackets stand, outside of comments and strings; and what begins a string or comment of
    several lines that does not end."""
    for match in _pattern(language).finditer(text):
        token = match[0]
        if token in BRACKETS:
            yield match.start(), token
        elif match.lastgroup == "open":
            yield match.start(), token
            return


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Matches a bracket, or as a whole what hides brackets. A string that its line does not close hides
    the rest of the line: it may be closed yet."""
    known = row(language)
    begins = [begin for begin, _ in known.block_comments]
    begins += [quotes.begin for quotes in known.quotes if quotes.lines]
    parts = [
        r"[()\[\]{}]",
        *(f"{re.escape(mark)}[^\n]*" for mark in known.line_comments),
        *(rf"{re.escape(begin)}[\s\S]*?{re.escape(end)}" for begin, end in known.block_comments),
        *([known.literal] if known.literal else ()),
        *(_string(quotes) for quotes in known.quotes if quotes.lines),
        *([f"(?P<open>{'|'.join(map(re.escape, begins))})"] if begins else ()),
        *(_string(quotes) for quotes in known.quotes if not quotes.lines),
    ]
    return re.compile("|".join(parts))


def _string(quotes: Quotes) -> str:
    begin, end, escape = map(re.escape, (quotes.begin, quotes.end, quotes.escape))
    if len(quotes.end) > 1:
        return rf"{begin}[\s\S]*?{end}"
    plain = f"[^{end}{escape}]*" if quotes.lines else rf"[^{end}{escape}\n]*"
    inner = rf"{plain}(?:{escape}[\s\S]{plain})*" if escape else plain
    return rf"{begin}{inner}{end}" if quotes.lines else rf"{begin}{inner}{end}?"


def _indentation_at(text: str, at: int) -> int:
    return indentation(text[text.rfind("\n", 0, at) + 1 : at])
