"""Filters for `postprocess.py` that look at where lines stand: where the block at the cursor ends, and
where a line is indented as none would be in this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from codegen_lsp.brackets import CLOSERS, Balance, balance, missing
from codegen_lsp.context import Context
from codegen_lsp.extent import Extent
from codegen_lsp.languages import row
from codegen_lsp.lines import indentation

# Characters around the cursor that are looked at: some hundred lines on each side.
REACH = 4_096
HEADER_ENDS = (":", "{")
BLOCK_ABOVE = re.compile(r"^([ \t]*)\S[^\n]*[:{]\n\1([ \t]+)\S", re.MULTILINE)


class _Line(NamedTuple):
    """One of a text's lines, from `start` to `end`; whether a blank one stands in front of it."""

    text: str
    start: int
    end: int
    is_behind_gap: bool


def straight(text: str, context: Context) -> str:
    """The text without the spaces that its first line has too many, and as many less in front of the
    others: models begin a statement deeper than the one above, which opens nothing."""
    if context.line_before.strip() or text[:1] not in (" ", "\t"):
        return text
    cursor, depth = len(context.line_before), indentation(context.line_before + text)
    first_line = text[: text.find("\n")] if "\n" in text else text
    if not first_line.strip() or _may_stand(depth, context):
        return text
    excess = re.compile(rf"^[ \t]{{1,{depth - cursor}}}", re.MULTILINE)
    return excess.sub("", text)


def is_remark(line: str, language: str) -> bool:
    """Whether a line is a comment or begins a docstring."""
    return line.lstrip().startswith(_remarks(language))


def one_paragraph(text: str, context: Context, extent: Extent) -> str:
    """Up to where the block at the cursor ends by its indentation, or a new paragraph begins in it. The
    line that closes its bracket belongs to it; a docstring or comment is no paragraph by itself. Of what
    answers several intents each may have a paragraph."""
    if extent is not Extent.BLOCK or "\n" not in text:
        return text
    first = context.line_before + text[: text.find("\n")]
    is_behind_header = bool(context.line_before.strip())
    level = None if is_behind_header else indentation(first)
    says_something = not is_behind_header and not is_remark(first, context.language)
    n_left = context.n_intents
    for line in _statements(text, balance(text, context.language, context.line_before)):
        depth = indentation(line.text)
        if line.text.lstrip()[0] in CLOSERS:
            return text[: line.end]
        if level is None:
            level = max(depth, indentation(context.line_before) + 1)
        n_left -= line.is_behind_gap and depth == level and says_something
        if depth < level or not n_left:
            return text[: line.start - 1]
        says_something |= not is_remark(line.text, context.language)
    return text


def no_shallow_body(text: str, context: Context, _: Extent) -> str:
    """Nothing where a block has to begin, and the text is not indented deeper than its header."""
    line = context.line_before + text
    if context.line_before.strip() or not line.strip() or line.lstrip(" \t")[0] == "\n":
        return text
    if indentation(line) > indentation(context.line_above):
        return text
    return "" if _is_behind_header(context) else text


def own_unit(text: str, context: Context, _: Extent) -> str:
    """Up to the first line that stands behind its header by another step than those above the cursor."""
    if "\n" not in text:
        return text
    steps = BLOCK_ABOVE.findall(context.prefix[-REACH:])
    end = text.find("\n")
    for above, line in pairwise((context.line_before + text).split("\n")):
        step = indentation(line) - indentation(above)
        opens = above.rstrip().endswith(HEADER_ENDS)
        if steps and opens and line.strip() and step > 0 and step != len(steps[-1][1]):
            return text[:end]
        end += len(line) + 1
    return text


def _statements(text: str, brackets: Balance) -> Iterator[_Line]:
    """The lines behind the first that are not blank, and begin where the text has nothing open."""
    is_behind_gap = False
    start = text.find("\n") + 1
    for line in text[start:].split("\n"):
        end = start + len(line)
        if not line.strip():
            is_behind_gap = True
        elif not brackets.is_open(start):
            yield _Line(line, start, end, is_behind_gap)
            is_behind_gap = False
        start = end + 1


def _is_behind_header(context: Context) -> bool:
    """Whether the line above the cursor's is a header: not a comment or docstring behind it."""
    is_header = context.line_above.endswith(HEADER_ENDS)
    return is_header and context.opens_block


def _may_stand(depth: int, context: Context) -> bool:
    """Whether a statement that is indented so far may follow the line above the cursor's. Where an
    editor has indented the cursor, it knew how far."""
    cursor, above = len(context.line_before), indentation(context.line_above)
    is_behind_header = _is_behind_header(context)
    if cursor > above or (cursor > 0 and not is_behind_header):
        return False
    if depth <= above or is_behind_header:
        return True
    is_told = is_remark(context.line_above, context.language)
    return is_told or bool(missing(context.prefix[-REACH:], "", context.language))


@cache
def _remarks(language: str) -> tuple[str, ...]:
    known = row(language)
    blocks = [begin for begin, _ in known.block_comments]
    docstrings = [quotes.begin for quotes in known.quotes if quotes.lines and len(quotes.begin) > 1]
    return (*known.line_comments, *blocks, *docstrings, *(("* ", "*/") if blocks else ()))
