"""What can be told of a text by its lines, brackets and quotes alone: for languages without a grammar, and
where a text is too broken for one.

Around a cursor most texts are broken. Indentation is what people keep right even then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from codegen_lsp.languages import Language, Quotes

Kind = Literal["code", "comment", "string"]

# How far up a definition's head is looked for; hardly a class has more lines.
MAX_LINES_UP = 5_000
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor stands: in what kind of text, behind which open brackets (their offsets, outermost
    first), and where the last code before it ends, comments left aside."""

    kind: Kind
    brackets: tuple[int, ...]
    code_end: int


class Head(NamedTuple):
    """A definition found by the line on which it begins."""

    kind: Literal["class", "function"]
    name: str
    start: int


class Token(NamedTuple):
    """A comment, string, bracket or line end; `open_` ones are not closed."""

    kind: str
    start: int
    end: int


def place(text: str, start: int, offset: int, language: Language) -> Place:
    """Where `offset` is, read from `start`, which is in no string and no comment."""
    kind: Kind = "code"
    brackets: list[int] = []
    code_end = end = start
    for token in tokens(text, start, offset, language):
        code_end = _code_end(text, end, token.start, code_end)
        end = token.end
        if token.kind in {"bracket", "string", "open_string"}:
            code_end = end
        if token.kind == "bracket":
            follow(text, token.start, brackets)
        kind = _kind_behind(token) if end == offset else "code"
    return Place(kind, tuple(brackets), _code_end(text, end, offset, code_end))


def heads_above(text: str, offset: int, language: Language) -> list[Head]:
    """The heads of the definitions around the line of `offset`, innermost first, by indentation."""
    found = []
    line_start = text.rfind("\n", 0, offset) + 1
    here = text[line_start : _line_end(text, offset)]
    limit = indentation(here) if here.strip() else offset - line_start
    for start, line in _lines_above(text, line_start):
        if limit <= 0:
            break
        depth = indentation(line)
        if not line.strip() or depth >= limit:
            continue
        head = head_of(line, start, language)
        if head:
            found.append(head)
        # What begins with a bracket goes on with a line above that is indented just as much.
        limit = depth + 1 if line.lstrip()[0] in ")]}{" else depth
    return found


def head_of(line: str, start: int, language: Language) -> Head | None:
    """The definition that begins on a line, if one does."""
    patterns = (("class", language.class_header), ("function", language.function_header))
    for kind, pattern in patterns:
        match = re.match(pattern, line) if pattern else None
        if match:
            name = next((name for name in match.groupdict().values() if name), "")
            return Head("class" if kind == "class" else "function", name, start)
    return None


def block_end_below(text: str, start: int, language: Language) -> int:
    """Where the block of the definition that begins on the line of `start` ends, by indentation."""
    depth = indentation(text[start : _line_end(text, start)])
    end = line_end = _line_end(text, start)
    brackets = 0
    while line_end < len(text):
        line_start, line_end = line_end + 1, _line_end(text, line_end + 1)
        line = text[line_start:line_end]
        stripped = line.lstrip()
        if not stripped:
            continue
        if indentation(line) <= depth and stripped[0] not in ")]}{":
            break
        end = line_end
        if indentation(line) <= depth and stripped[0] == "}":
            break
    del brackets
    return end


def indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def follow(text: str, at: int, brackets: list[int]) -> None:
    """Keep the open brackets up to date with the one that stands at an offset."""
    if text[at] in "([{":
        brackets.append(at)
    elif brackets and text[brackets[-1]] == _PAIRS[text[at]]:
        brackets.pop()


def tokens(text: str, start: int, end: int, language: Language) -> Iterator[Token]:
    for match in lexer(language).finditer(text, start, end):
        yield Token(str(match.lastgroup).rpartition("_")[0], match.start(), match.end())


@cache
def lexer(language: Language) -> re.Pattern[str]:
    """Finds comments, strings, brackets and line ends; what is not closed reaches to the end of its line,
    or of the text."""
    parts: list[tuple[str, str]] = []
    for begin, end in language.block_comments:
        opened = rf"{re.escape(begin)}(?:(?!{re.escape(end)})[\s\S])*"
        parts += [("comment", opened + re.escape(end)), ("open_comment", opened)]
    for marker in language.line_comments:
        parts.append(("open_comment", rf"{re.escape(marker)}[^\n]*"))
    if language.literal:
        parts.append(("string", language.literal))
    for quotes in language.quotes:
        opened = _opened(quotes)
        parts += [("string", opened + re.escape(quotes.end)), ("open_string", opened)]
    parts += [("bracket", r"[()\[\]{}]"), ("newline", r"\n")]
    return re.compile("|".join(f"(?P<{kind}_{n}>{part})" for n, (kind, part) in enumerate(parts)))


def _opened(quotes: Quotes) -> str:
    """A string up to its end, which may be missing. A character matches in one way only: two ways would
    take exponential time where the end is missing."""
    escape = re.escape(quotes.escape)
    escaped = rf"{escape}[\s\S]|" if escape else ""
    other = r"(?!" + re.escape(quotes.end) + rf")[^{escape}{'' if quotes.lines else chr(92) + 'n'}]"
    if not escape and quotes.lines:
        other = rf"(?!{re.escape(quotes.end)})[\s\S]"
    return rf"{re.escape(quotes.begin)}(?:{escaped}{other})*"


def _kind_behind(token: Token) -> Kind:
    """In what a cursor is that stands right behind a token."""
    if token.kind == "open_comment":
        return "comment"
    return "string" if token.kind == "open_string" else "code"


def _code_end(text: str, start: int, end: int, before: int) -> int:
    """Where code ends in a stretch without strings, comments and brackets."""
    n_code = len(text[start:end].rstrip())
    return start + n_code if n_code else before


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def _lines_above(text: str, line_start: int) -> Iterator[tuple[int, str]]:
    """The lines above, upwards, each with its offset."""
    for _ in range(MAX_LINES_UP):
        if line_start <= 0:
            return
        start = text.rfind("\n", 0, line_start - 1) + 1
        yield start, text[start : line_start - 1]
        line_start = start
