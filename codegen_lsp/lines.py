"""What can be told of a text by its lines, brackets and quotes alone: for languages without a grammar,
and where a text is too broken for one.

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
# Headers and doc comments are shorter, in characters and in lines.
MAX_HEAD, MAX_COMMENT = 4_096, 40
# Of a text that is too large for a tree, so many characters are searched for definitions and imports:
# that takes some 50 ms.
MAX_TEXT = 262_144
_WORD = re.compile(r"[^\W\d]\w*")
_DOCSTRING = re.compile(r"\s*[rRuUbB]{0,2}(?P<quotes>\"\"\"|'''|\"|')")
_GAP = re.compile(r"\n[ \t]*\n")
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor stands: in what kind of text, behind which open brackets (their offsets, outermost
    first), and where the last code before it ends, comments left aside; `opens_value` if this is a
    brace that opens a value, not a block."""

    kind: Kind
    brackets: tuple[int, ...]
    code_end: int
    opens_value: bool = False


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
    limit = depth_at(text, offset)
    for start, line in _lines_above(text, text.rfind("\n", 0, offset) + 1):
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


def heads(text: str, language: Language) -> list[Head]:
    """The definitions of a text, by the line on which each begins; of a very large one the first."""
    found, start = [], 0
    for line in text[:MAX_TEXT].split("\n"):
        head = head_of(line, start, language)
        if head and head.name:
            found.append(head)
        start += len(line) + 1
    return found


def body_of(text: str, start: int, language: Language) -> int:
    """Where the body of a definition starts that begins at `start`, right behind its colon or brace;
    the end of its first line where there is none."""
    opener = "{" if language.blocks == "braces" else ":"
    depth, end = 0, start
    for token in tokens(text, start, min(len(text), start + MAX_HEAD), language):
        between = text[end : token.start].rstrip()
        if opener == ":" and depth == 0 and between.endswith(":"):
            return end + len(between)
        end = token.end
        if token.kind == "bracket":
            if text[token.start] == "{" == opener:
                return token.end
            depth += 1 if text[token.start] in "([{" else -1
        elif token.kind == "newline" and depth <= 0 and not _opens_below(text, end, opener):
            return token.start
    between = text[end : start + MAX_HEAD].rstrip()
    return end + len(between) if depth == 0 and between.endswith(":") else line_end(text, start)


def _opens_below(text: str, at: int, opener: str) -> bool:
    return opener == "{" and text[at : line_end(text, at)].lstrip().startswith("{")


def end_of(text: str, start: int, body: int) -> int:
    """Where a definition ends, by indentation: `start` is on its first line, `body` behind its
    header."""
    depth = depth_of_line(text, start)
    end = at = line_end(text, body)
    while at < len(text):
        line_start, at = at + 1, line_end(text, at + 1)
        line = text[line_start:at]
        stripped = line.lstrip()
        if not stripped:
            continue
        closes = stripped[0] in ")]}"
        if indentation(line) <= depth and not closes and stripped[0] != "{":
            break
        end = at
        if closes and indentation(line) <= depth:
            break
    return end


def imports(text: str, language: Language) -> tuple[tuple[int, int], ...]:
    """The lines that import something."""
    if not language.import_line:
        return ()
    found = re.finditer(language.import_line + r"[^\n]*", text[:MAX_TEXT], re.MULTILINE)
    return tuple((match.start(), match.start() + len(match[0].rstrip())) for match in found)


def words(text: str, start: int, end: int, language: Language) -> Iterator[str]:
    """What may be names, outside strings and comments."""
    at = start
    for token in tokens(text, start, end, language):
        yield from _WORD.findall(text, at, token.start)
        at = token.end
    yield from _WORD.findall(text, at, end)


def docstring(text: str, body: int) -> str:
    """The first paragraph of the docstring behind a header, blanks before it included, and closed; ""
    where there is none."""
    match = _DOCSTRING.match(text, body)
    if match is None:
        return ""
    quotes = match["quotes"]
    end = text.find(quotes, match.end())
    gap = _GAP.search(text, match.end())
    if gap and (end < 0 or gap.start() < end):
        return text[body : gap.start()].rstrip() + quotes
    return "" if end < 0 else text[body : end + len(quotes)]


def comment_above(text: str, start: int, language: Language) -> str:
    """The first paragraph of the comment that ends on the line above, with its line end; or ""."""
    line_start = text.rfind("\n", 0, start) + 1
    found: list[str] = []
    in_block = False
    for _, line in _lines_above(text, line_start):
        stripped = line.strip()
        ends_block = any(stripped.endswith(end) for _, end in language.block_comments)
        begins_block = any(stripped.startswith(begin) for begin, _ in language.block_comments)
        in_block = in_block or ends_block
        if not (in_block or stripped.startswith(language.line_comments)):
            break
        found.append(line)
        in_block = in_block and not begins_block
        if len(found) >= MAX_COMMENT:
            break
    found.reverse()
    blank = (n for n, line in enumerate(found) if n and not any(map(str.isalnum, line)))
    kept = found[: next(blank, len(found))]
    if in_block or not kept:
        return ""
    closed = "".join(end for begin, end in language.block_comments if _is_open(kept, begin, end))
    return "\n".join(kept) + (f" {closed}" if closed else "") + "\n" + text[line_start:start]


def _is_open(comment: list[str], begin: str, end: str) -> bool:
    return comment[0].lstrip().startswith(begin) and not comment[-1].rstrip().endswith(end)


def code_before(text: str, offset: int) -> int:
    """Where what is not blank ends before an offset."""
    low = offset
    while low > 0:
        low = max(0, low - 256)
        kept = text[low:offset].rstrip()
        if kept:
            return low + len(kept)
    return 0


def outermost_line(text: str, offset: int, reach: int) -> int:
    """The last line that is not indented, of those that begin at most `reach` characters before; else
    the one at the offset."""
    line_start = text.rfind("\n", 0, offset) + 1
    if text[line_start : line_start + 1].strip():
        return line_start
    for start, line in _lines_above(text, line_start):
        if offset - start > reach:
            break
        if line[:1].strip() and line[0] not in ")]}{":
            return start
    return line_start


def depth_at(text: str, offset: int) -> int:
    """How far a cursor's line is indented; a blank one as far as the cursor is."""
    line_start = text.rfind("\n", 0, offset) + 1
    line = text[line_start : line_end(text, offset)]
    return indentation(line) if line.strip() else offset - line_start


def depth_of_line(text: str, offset: int) -> int:
    line_start = text.rfind("\n", 0, offset) + 1
    return indentation(text[line_start : line_end(text, offset)])


def line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


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
    """Finds comments, strings, brackets and line ends; what is not closed reaches to the end of its
    line, or of the text."""
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


def _lines_above(text: str, line_start: int) -> Iterator[tuple[int, str]]:
    """The lines above, upwards, each with its offset."""
    for _ in range(MAX_LINES_UP):
        if line_start <= 0:
            return
        start = text.rfind("\n", 0, line_start - 1) + 1
        yield start, text[start : line_start - 1]
        line_start = start
