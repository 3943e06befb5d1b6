"""What a person states in a comment or a docstring: found around a cursor, written, split into steps.

A comment is as many lines of comments as follow each other, at one depth and in one form. One behind
code says something of that code, and is an intent only where the cursor is in it. Shebangs, lines for
tools, licences, rulers and commented-out code state nothing. No word of a natural language means
anything here but TODO and the like.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from codegen_lsp.languages import DEFAULT, Language, row
from codegen_lsp.lines import indentation, line_end
from codegen_lsp.steps import MARK, WIDE_MARK, split
from codegen_lsp.syntax import Parsed, covers, kind_at, parse, parses, scopes

__all__ = ["Intent", "as_comment", "intent_at", "intents_in", "may_state", "split"]

# What black allows a line, and what a comment gets at any depth.
MAX_COLUMNS, MIN_COLUMNS = 88, 40
# So many lines are read above a cursor and below: ten thousand words, if each had a line of its own.
MAX_LINES = 10_000
# Chinese says "sort" in two characters.
MIN_LETTERS = 2
# What is longer is not read as code that was commented out.
MAX_CODE = 8_192


@dataclass(frozen=True, slots=True)
class Intent:
    r"""What somebody wants, in `text`: without the marks of its comment, with \n between its lines.

    It stands from `start` to `end`, whole lines with their line ends (a text's last line may have none),
    indented by `indent`. The code belongs at `end`, and is indented as much: that of a docstring is in
    the body of its function then.
    """

    text: str
    start: int
    end: int
    indent: str
    kind: Literal["comment", "docstring"]


def intent_at(parsed: Parsed, offset: int) -> Intent | None:
    """The intent on a cursor's line, or else, where that line is blank, the one right above or above one
    more blank line."""
    parsed = _complete(parsed)
    found = _comment_on(parsed, offset) or _behind_code(parsed, offset) or _above(parsed, offset)
    return _intent(parsed, found) if found else None


def intents_in(parsed: Parsed, start: int, end: int) -> tuple[Intent, ...]:
    """The intents of which a selection holds a line or a part of one, in order; comments behind code are
    none."""
    parsed = parsed if covers(parsed, start, end) else _complete(parsed)
    text = parsed.text
    found = []
    at = text.rfind("\n", 0, start) + 1
    stop = end - 1 if start < end and text[end - 1] == "\n" else end
    while at <= min(stop, len(text) - 1):
        is_likely = at <= start or _may_begin(text[at : line_end(text, at)], parsed.language)
        comment = _comment_on(parsed, at) if is_likely else None
        if comment and (intent := _intent(parsed, comment)):
            found.append(intent)
        at = comment.end if comment else line_end(text, at) + 1
    return tuple(found)


def may_state(lines: str, language: str) -> bool:
    """Whether a comment or a docstring may begin or end on one of these lines. Quick, and sure where it
    says no."""
    ends = tuple(end for _, end in row(language).block_comments)
    ends += ('"', "'") if language == "python" else ()
    return any(
        _may_begin(line, language) or line.rstrip().endswith(ends) for line in lines.split("\n")
    )


def as_comment(
    text: str, language: str, indent: str, like: str = "", columns: int = MAX_COLUMNS
) -> str:
    r"""An intent as a comment of a language, in lines that end with \n; "" where the language has none
    (JSON), or the intent no words. Lines longer than so many columns are wrapped, words never. Where
    there are several forms, it has that of a comment `like` which it is to be."""
    known = row(language)
    if language == "php":
        text = text.replace("?>", "? >")  # that ends a comment, too, and the program
    # To languages, more ends a line than to us.
    plain = "\n".join(" ".join(line.splitlines()) for line in text.replace("\0", "").split("\n"))
    mark, block = _form(known, like.lstrip())
    width = max(MIN_COLUMNS, columns - len(indent) - len(mark or " *") - 1)
    given = textwrap.dedent(plain).strip("\n").split("\n")
    lines = [part for line in given for part in _wrapped(line, width)]
    if not any(lines):
        return ""
    # C goes on with a line comment behind a backslash: it would take the code below for one.
    is_safe = not any(line.endswith("\\") for line in lines)
    if mark and (is_safe or block is None):
        lines = [f"{mark} {line}" for line in lines]
    else:
        lines = _block_of(lines, *block) if block else []
    return "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)


class _Comment(NamedTuple):
    """Where a comment is, in whole lines, and what they say, marks taken off."""

    start: int
    end: int
    lines: list[str]
    kind: Literal["comment", "docstring"] = "comment"


# Languages of which nothing is known are written with one of these.
_PLAIN_MARKS = ("#", "//")
# What a text's first two lines may say to the system, to Python (PEP 263) and to editors.
_TO_TOOLS = re.compile(r"#!|[ \t]*#.*?coding[:=][ \t]*[-\w.]|.*-\*-")
_LICENCE = re.compile(
    r"SPDX-License-Identifier|Copyright (?:\(c\)|©|\d{4})|© ?\d{4}", re.IGNORECASE
)
_RULER = re.compile(r"[\s\-=_*#~/+|%;.<>]*\Z")
# In capitals these are marks, in small letters only with a colon: "hack" is a word.
_TODO = r"@?(?:TODO|FIXME|XXX|HACK)(?![A-Za-z0-9_])[ \t]*(?:\([^()\n]*\))?[ \t]*"
_FIRST_TODO = re.compile(rf"(?:(?i:{_TODO}[:：]|@todo\b)|{_TODO}(?:[-–—](?=\s))?)\s*")
_LATER_TODO = re.compile(rf"^[ \t]*{_TODO}[:：][ \t]*", re.MULTILINE)
# A line that begins so would be something else.
_MEANS_SOMETHING = re.compile(rf"{MARK}\Z|{WIDE_MARK}|>>>|[:@]\w|{_TODO}[:：]|\W*\Z")
_STRING = r"\s*(?P<at>[rRuU]?)(?P<quotes>\"\"\"|'''|\"|')"
_DOCSTRING = re.compile(_STRING)
_MODULE_DOCSTRING = re.compile(rf"(?:[ \t]*(?:#[^\n]*)?\n)*{_STRING}")

# Signs of code: what prose parses as in some language ("total (sum)", "note: sort") has none of them.
_CODE_SIGN = re.compile(r"[=\[\]{};]|\w\(")
_CODE_LINE = re.compile(r".*[{\[(;=]\Z|[\s)\]}]+\Z")


def _complete(parsed: Parsed) -> Parsed:
    """A text with a tree of all of it: an excerpt's knows only what is around the last edit."""
    return parsed if parsed.tree is parsed.whole else parse(parsed.text, parsed.language)


def _comment_on(parsed: Parsed, offset: int) -> _Comment | None:
    """The comment that has the cursor's line to itself."""
    # A block's last line may look like a line comment: Lua's `--]]`.
    return (
        _blocks_on(parsed, offset) or _line_comments(parsed, offset) or _docstring(parsed, offset)
    )


def _above(parsed: Parsed, offset: int) -> _Comment | None:
    """The comment that ends above a blank line, or above two."""
    text = parsed.text
    start = text.rfind("\n", 0, offset) + 1
    if text[start : line_end(text, offset)].strip():
        return None
    for _ in range(2):
        end, start = start - 1, text.rfind("\n", 0, max(0, start - 1)) + 1
        if end < 0:
            return None
        if text[start:end].strip():
            return _comment_on(parsed, end)
    return None


def _may_begin(line: str, language: str) -> bool:
    """Whether a comment or a docstring may have begun on a line; asked of many."""
    begun = (*_marks(row(language)), *(begin for begin, _ in row(language).block_comments))
    return line.lstrip().startswith(begun) or (
        language == "python" and _DOCSTRING.match(line) is not None
    )


def _line_comments(parsed: Parsed, offset: int) -> _Comment | None:
    """The line comments around a cursor: those of its line's form and depth."""
    text, language = parsed.text, row(parsed.language)
    start = text.rfind("\n", 0, offset) + 1
    end = line_end(text, offset)
    here = _line(text, start, end, language)
    if here is None or not _is_comment(parsed, end):
        return None
    indent, words = here
    above: list[str] = []
    while start > 0 and len(above) < MAX_LINES:
        line_start = text.rfind("\n", 0, start - 1) + 1
        line = _line(text, line_start, start - 1, language)
        # In a line above, a string may end; below a comment's line, none has begun.
        is_unsure = any(mark in text[line_start:start] for mark in _ends(language))
        if line is None or line[0] != indent or (is_unsure and not _is_comment(parsed, start - 1)):
            break
        above.append(line[1])
        start = line_start
    below: list[str] = []
    while end < len(text) and len(below) < MAX_LINES:
        line_stop = line_end(text, end + 1)
        line = _line(text, end + 1, line_stop, language)
        if line is None or line[0] != indent:
            break
        below.append(line[1])
        end = line_stop
    return _Comment(start, min(end + 1, len(text)), [*above[::-1], words, *below])


def _line(text: str, start: int, end: int, language: Language) -> tuple[str, str] | None:
    """The indentation and the words of a line that is nothing but a line comment."""
    pattern = _line_comment(language)
    match = pattern.match(text, start, end) if pattern else None
    is_at_top = text.find("\n", 0, max(0, start - 1)) < 0
    if match is None or (is_at_top and _TO_TOOLS.match(match[0])):
        return None
    return match["indent"], match["words"]


def _is_comment(parsed: Parsed, offset: int) -> bool:
    return row(parsed.language) is DEFAULT or kind_at(parsed, offset) == "comment"


@cache
def _line_comment(language: Language) -> re.Pattern[str] | None:
    """A line of a comment: its mark may be repeated (`///`), and a sign on it may say what the comment
    is about (Rust's `//!`, Sphinx's `#:`, roxygen's `#'`)."""
    marks = [
        re.escape(mark.rstrip()) + (r"(?!\S)" if mark[-1] == " " else f"{re.escape(mark[-1])}*")
        for mark in _marks(language)
    ]
    blocks = "".join(rf"(?!{re.escape(begin)})" for begin, _ in language.block_comments)
    sign = r"(?:[!:'<|](?!\S))?"
    pattern = rf"(?P<indent>[ \t]*){blocks}(?:{'|'.join(marks)}){sign}(?P<words>[^\n]*)"
    return re.compile(pattern) if marks else None


def _marks(language: Language) -> tuple[str, ...]:
    return _PLAIN_MARKS if language is DEFAULT else language.line_comments


def _ends(language: Language) -> list[str]:
    """What a string or a comment of several lines ends with."""
    ends = [quotes.end for quotes in language.quotes if quotes.lines]
    return ends + [end for _, end in language.block_comments]


def _blocks_on(parsed: Parsed, offset: int) -> _Comment | None:
    """The block comment around a cursor or on its line, with those right above and below."""
    text = parsed.text
    found = _block(parsed, offset)
    if found is None:
        return None
    while found.start and (above := _block(parsed, found.start - 1)):
        if len(above.lines) + len(found.lines) > MAX_LINES or not _is_level(text, above, found):
            break
        found = _Comment(above.start, found.end, above.lines + found.lines)
    while found.end < len(text) and (below := _block(parsed, line_end(text, found.end))):
        if len(below.lines) + len(found.lines) > MAX_LINES or not _is_level(text, found, below):
            break
        found = _Comment(found.start, below.end, found.lines + below.lines)
    return found


def _is_level(text: str, above: _Comment, below: _Comment) -> bool:
    lines = (text[each.start : line_end(text, each.start)] for each in (above, below))
    return above.end == below.start and len({indentation(line) for line in lines}) == 1


def _block(parsed: Parsed, offset: int) -> _Comment | None:
    """The block comment around a cursor or on its line, if its lines hold nothing else."""
    text = parsed.text
    span = _block_span(parsed, offset)
    if span is None:
        return None
    at, end, begin, closing = span
    start, stop = text.rfind("\n", 0, at) + 1, line_end(text, end)
    if text[start:at].strip() or text[end:stop].strip():
        return None
    return _Comment(start, min(stop + 1, len(text)), _words_of_block(text[at:end], begin, closing))


def _block_span(parsed: Parsed, offset: int) -> tuple[int, int, str, str] | None:
    """Where the block comment around a cursor begins and ends, and with what."""
    text = parsed.text
    start = text.rfind("\n", 0, offset) + 1
    line = text[start : line_end(text, offset)]
    first, last = start + indentation(line), start + len(line.rstrip())
    found = None
    for begin, end in row(parsed.language).block_comments:
        inside = min(offset, last)
        if line.lstrip().startswith(begin):
            inside = max(inside, first + len(begin))
        at = text.rfind(begin, 0, inside)
        while at >= 0:
            stop = text.find(end, at + len(begin))
            if stop < 0 or stop + len(end) < inside:
                break
            # What begins further down, before the first end, may be words of this one.
            if kind_at(parsed, at) == "code" and kind_at(parsed, at + len(begin)) == "comment":
                found = at, stop + len(end), begin, end
            at = text.rfind(begin, 0, at)
    return found


def _words_of_block(comment: str, begin: str, end: str) -> list[str]:
    """The lines of a block comment, without the stars that may stand before them."""
    inner = comment[len(begin) : -len(end)].lstrip(begin[-1]).rstrip(end[0])
    if inner.startswith("!"):
        inner = inner[1:]
    first, *others = inner.split("\n")
    if begin == "/*" and all(line.lstrip().startswith("*") for line in others if line.strip()):
        others = [line.lstrip()[1:] for line in others]
    return [first.strip(), *_dedented(others)]


def _dedented(lines: list[str]) -> list[str]:
    return textwrap.dedent("\n".join(lines)).split("\n") if lines else []


def _docstring(parsed: Parsed, offset: int) -> _Comment | None:
    """The docstring on whose lines the cursor is."""
    text = parsed.text
    if parsed.language != "python":
        return None
    around = scopes(parsed, offset)
    match = _DOCSTRING.match(text, around[-1].body) if around else _MODULE_DOCSTRING.match(text)
    if match is None:
        return None
    closing = text.find(match["quotes"], match.end())
    if closing < 0:
        return None
    start, stop = text.rfind("\n", 0, match.start("at")) + 1, line_end(text, closing)
    around_it = text[start : match.start("at")] + text[closing + len(match["quotes"]) : stop]
    if around_it.strip() or not start <= offset <= stop:
        return None
    first, *others = text[match.end() : closing].split("\n")
    lines = [first.strip(), *_dedented(others)]
    return _Comment(start, min(stop + 1, len(text)), lines, "docstring")


def _behind_code(parsed: Parsed, offset: int) -> _Comment | None:
    """The comment behind code that the cursor is in; its code belongs on the next line."""
    text, language = parsed.text, row(parsed.language)
    if kind_at(parsed, offset) != "comment":
        return None
    start, stop = text.rfind("\n", 0, offset) + 1, line_end(text, offset)
    block = _block_span(parsed, offset)
    if block is not None:
        at, end, begin, closing = block
        words = _words_of_block(text[at:end], begin, closing)
        return _Comment(text.rfind("\n", 0, at) + 1, min(line_end(text, end) + 1, len(text)), words)
    for at in range(start, offset):
        if text.startswith(_marks(language), at) and kind_at(parsed, at) == "code":
            line = _line(text, at, stop, language)
            return _Comment(start, min(stop + 1, len(text)), [line[1]]) if line else None
    return None


def _intent(parsed: Parsed, comment: _Comment) -> Intent | None:
    """What a comment states, if it states something."""
    lines = [line.rstrip() for line in _dedented(comment.lines)]
    while lines and _RULER.match(lines[0]):
        del lines[0]
    while lines and _RULER.match(lines[-1]):
        del lines[-1]
    text = _unmarked(textwrap.dedent("\n".join(lines)))
    is_statement = sum(map(str.isalpha, text)) >= MIN_LETTERS and not _LICENCE.search(text)
    if not is_statement or _is_code(text, parsed.language):
        return None
    first = parsed.text[comment.start : line_end(parsed.text, comment.start)]
    indent = first[: indentation(first)]
    return Intent(text, comment.start, comment.end, indent, comment.kind)


def _is_code(text: str, language: str) -> bool:
    """Whether it is code that was commented out: it parses, and not only as a word or two would; or all
    its lines end as prose does not."""
    if all(_CODE_LINE.match(line) for line in text.split("\n") if line):
        return True
    words = text.strip()
    if words in row(language).keywords:
        return True
    if len(words) > MAX_CODE or not _CODE_SIGN.search(words):
        return False
    parsed = parse(text, language)
    return parsed.tree is not None and parses(parsed)


def _unmarked(text: str) -> str:
    """Without TODO and the like; one behind the first begins a paragraph."""
    text = _FIRST_TODO.sub("", text, count=1) if _FIRST_TODO.match(text) else text
    return _LATER_TODO.sub("\n", text).strip()


def _form(known: Language, like: str) -> tuple[str, tuple[str, str] | None]:
    """The mark of line comments, "" for block comments; and what begins and ends one of these."""
    block = next((each for each in known.block_comments if like.startswith(each[0])), None)
    if block is not None:
        return "", block
    alike = [mark for mark in _marks(known) if like.startswith(mark)]
    mark = next(iter((*alike, *_marks(known))), "")
    return mark.rstrip(), next(iter(known.block_comments), None)


def _block_of(lines: list[str], begin: str, end: str) -> list[str]:
    """Lines as a block comment, which their own text does not close."""
    lines = [line.replace(end, f"{end[:-1]} {end[-1]}") for line in lines]
    if len(lines) == 1:
        return [f"{begin} {lines[0]} {end}"]
    star = " *" if begin == "/*" else ""
    return [begin, *(f"{star} {line}" for line in lines), f" {end}" if star else end]


def _wrapped(line: str, width: int) -> Iterator[str]:
    """A line in several, as long as its words allow. None begins with what would mean something there: a
    list's mark, TODO; and doctest's lines stay what they are."""
    if len(line.rstrip()) <= width or line.lstrip().startswith((">>>", "...")):
        yield line.rstrip()
        return
    first, *words = line.split()
    written = line[: indentation(line)] + first
    for word in words:
        if len(written) + 1 + len(word) <= width or _MEANS_SOMETHING.match(word):
            written += " " + word
        else:
            yield written
            written = word
    yield written
