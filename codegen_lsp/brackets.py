"""Brackets, read off a text itself: a tree would cost too much at every token, and does not say which
are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
CLOSERS = frozenset(CLOSER_OF.values())


class _Lexis(NamedTuple):
    """What hides brackets in a language: comments to the line's end; what may go on over several lines,
    by how it begins and ends; and whether an apostrophe quotes one character (or begins a lifetime)."""

    comment: str
    long: tuple[tuple[str, str], ...]
    one_character: bool = False


_C = _Lexis("//", (("/*", "*/"),), one_character=True)
_GO = _Lexis("//", (("/*", "*/"), ("`", "`")), one_character=True)
_JAVA = _Lexis("//", (("/*", "*/"), ('"""', '"""')), one_character=True)
_SCRIPT = _Lexis("//", (("/*", "*/"), ("`", "`")))
_PYTHON = _Lexis("#", (('"""', '"""'), ("'''", "'''")))
_LEXIS = {
    "c": _C,
    "cpp": _C,
    "go": _GO,
    "java": _JAVA,
    "javascript": _SCRIPT,
    "javascriptreact": _SCRIPT,
    "python": _PYTHON,
    "rust": _C,
    "typescript": _SCRIPT,
    "typescriptreact": _SCRIPT,
}


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
            opened.append((CLOSER_OF[bracket], _indentation(prefix, at)))
        elif opened and opened[-1][0] == bracket:
            opened.pop()
    closing = _closed_below(suffix, language)
    lacking = ""
    for closer, indentation in reversed(opened):
        if closing and closing[0][0] == closer and closing[0][1] >= indentation:
            closing.pop(0)
        else:
            lacking += closer
    return lacking


def _closed_below(suffix: str, language: str) -> list[tuple[str, int]]:
    """The brackets that a text closes and has not opened, and how far each one's line is indented. On
    its first line that is unknown, but the cursor stands there, and what follows it is meant for it."""
    first_line = suffix.find("\n") if "\n" in suffix else len(suffix)
    return [
        (suffix[at], _indentation(suffix, at) if at > first_line else len(suffix))
        for at in balance(suffix, language).extra
    ]


def _brackets(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Where brackets stand, outside of comments and strings; and a long string or comment that does not
    end, as if it were one that opens."""
    for match in _PATTERNS.get(language, _ONLY_BRACKETS).finditer(text):
        token = match[0]
        if match.lastgroup == "open":
            yield match.start(), token
            return
        if token in CLOSERS or token in CLOSER_OF:
            yield match.start(), token


def _pattern(lexis: _Lexis) -> re.Pattern[str]:
    """Matches a bracket, or as a whole what hides brackets. A quote that its line does not close hides
    none, unless the text ends first: it may be closed yet."""
    quoted = r"\\[^\n']+|[^'\\\n]" if lexis.one_character else r"(?!'')(?:\\.|[^'\\\n])*"
    parts = [
        r"[()\[\]{}]",
        r'"(?!"")(?:\\.|[^"\\\n])*(?:"|\\?\Z)',
        rf"'(?:{quoted})(?:'|\\?\Z)",
        re.escape(lexis.comment) + r"[^\n]*",
        *(f"{re.escape(begin)}[^\0]*?{re.escape(end)}" for begin, end in lexis.long),
        "(?P<open>" + "|".join(re.escape(begin) for begin, _ in lexis.long) + ")",
    ]
    return re.compile("|".join(parts))


_PATTERNS = {language: _pattern(lexis) for language, lexis in _LEXIS.items()}
_ONLY_BRACKETS = re.compile(r"[()\[\]{}]")


def _indentation(text: str, at: int) -> int:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    return len(line) - len(line.lstrip(" \t"))
