"""A comment and the code below it as a span of a text, and what changes of the text do to that.

The rules that `turns` tells in a person's words, as offsets. A span knows nothing of what was wanted or
who wrote it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from codegen_lsp.common import n_common_end
from codegen_lsp.document import line_start
from codegen_lsp.edits import LINE, LINE_END, Change

_REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\n|\r)")
# What a comment's lines begin with: `#`, `//`, `--`, `/*`.
_MARK = re.compile(r"\s*([^\w\s]+)")


class Span(NamedTuple):
    """A comment begins at `start`, at `border` it ends and its code begins, and `end` is behind that."""

    start: int
    border: int
    end: int


def placed(made: Sequence[Change], text: str, spans: Sequence[Span]) -> tuple[Change, ...]:
    """Changes of a text where a person would say they were; the spans are in order.

    Two texts do not tell which of two equal lines is new, nor that `# b` was put above `# a` and not
    `b`, a line's end and `# ` into it. So what only inserts or deletes, and something with a line's end,
    is put where it meets no span, or else takes whole ones, if it can be at a line's beginning there.
    """
    found: list[Change] = []
    floor = 0
    for change in made:
        found.append(_best_place(change, text, spans, floor))
        floor = change.end
    return tuple(found)


def after(span: Span, made: Sequence[Change], text: str) -> Span | None:
    """A span after changes of its text, as if those were all; None where the whole comment is deleted,
    or a change from there into the code leaves nothing of that. Only blanks may be left of either."""
    left: Span | None = span
    for change in reversed(made):  # so that those to come know their place
        left = None if left is None else _after(left, change, text)
    return left


def is_beyond_rules(change: Change, span: Span, text: str) -> bool:
    """Whether no rule gives back what a change takes: it goes across where the comment begins or ends or
    the code ends, or takes lines off that end."""
    if any(change.start < place < change.end for place in span):
        return True
    if not change.start < span.end == change.end:
        return False
    has_line_end = LINE_END.search(text, change.start, span.end) is not None
    return has_line_end or begins_line(text, change.start)


def behind_line(text: str, border: int, end: int) -> int:
    """Where code begins that has not begun on its comment's line."""
    rest = None if begins_line(text, border) else _REST_OF_LINE.match(text, border, end)
    return rest.end() if rest else border


def begins_line(text: str, offset: int) -> bool:
    return offset == 0 or text[offset - 1] in "\r\n"


def ends_line(text: str, offset: int) -> bool:
    """Whether a line ends at an offset, or has just ended there."""
    return offset == len(text) or text[offset] in "\r\n" or begins_line(text, offset)


def _best_place(change: Change, text: str, spans: Sequence[Span], floor: int) -> Change:
    start, end, come = change
    gone = text[start:end]
    if (gone and come) or not LINE_END.search(gone + come) or _harm(change, spans) == (0, 0):
        return change
    low = start - n_common_end(text[max(floor, start - len(gone + come)) : start], gone + come)
    starts = [found.end() for found in LINE_END.finditer(text, max(0, low - 2), start)]
    others = [
        Change(at, end - (start - at), (text[at:start] + come)[: len(come)])
        for at in (0, *starts)
        if at >= low
    ]
    return min([change, *others], key=lambda each: _harm(each, spans))


def _harm(change: Change, spans: Sequence[Span]) -> tuple[int, int]:
    """Of how many spans a change takes a part, and of how many anything."""
    first = max(0, bisect_right(spans, change.start, key=lambda span: span.start) - 1)
    last = bisect_left(spans, change.end, key=lambda span: span.start)
    met = [span for span in spans[first:last] if change.start < span.end]
    whole = [span for span in met if change.start <= span.start and span.end <= change.end]
    return len(met) - len(whole), len(met)


def _after(span: Span, change: Change, text: str) -> Span | None:
    start, border, end = span
    is_comment_gone = change.start <= start and border <= change.end
    is_across = change.start < border < change.end
    if is_comment_gone or (is_across and not text[change.end : end].strip()):
        return None
    return Span(
        _start_after(start, change, text),
        _border_after(span, change, text),
        _end_after(span, change, text),
    )


def _start_after(start: int, change: Change, text: str) -> int:
    """What is put in front is not the comment's, but for its own line's indentation."""
    if start < change.start:
        return start
    if change.start == start and begins_line(text, start):
        return start + line_start(change.text, len(change.text))
    return change.start + len(change.text)


def _border_after(span: Span, change: Change, text: str) -> int:
    border = span.border
    if change.start == change.end == border:
        return border + _n_continued(span, change, text)
    if border <= change.start:
        return border
    if change.end <= border:
        return border + len(change.text) - (change.end - change.start)
    # Across it: after as many lines of what was put in as there were of the comment, or below the line
    # on which that ends now.
    n_lines = len(LINE_END.findall(text, change.start, border))
    ends = [found.end() for found in LINE_END.finditer(change.text)]
    if 0 < n_lines <= len(ends):
        return change.start + ends[n_lines - 1]
    found = LINE_END.search(text, change.end, span.end)
    return change.start + len(change.text) + (found.end() if found else span.end) - change.end


def _n_continued(span: Span, change: Change, text: str) -> int:
    """How much of what was put in right below a comment goes on with it: lines with the same mark and
    nothing behind them that was there."""
    mark = _MARK.match(text, span.start, span.border)
    rest = _REST_OF_LINE.match(text, change.end)
    n_continued = 0
    for line in LINE.findall(change.text):
        is_whole = line.endswith(("\n", "\r"))
        if not (mark and line.lstrip().startswith(mark[1]) and (is_whole or rest)):
            break
        n_continued += len(line)
    return n_continued


def _end_after(span: Span, change: Change, text: str) -> int:
    end = span.end
    is_typed_there = change.start == change.end == end and not begins_line(text, end)
    if is_typed_there or change.start < end < change.end:
        first_line = LINE_END.split(change.text, maxsplit=1)[0]
        if not first_line and begins_line(text, change.start):  # whole lines were taken off
            return span.border + len(text[span.border : change.start].rstrip())
        return change.start + len(first_line)
    if change.start >= end:
        return end
    return end + len(change.text) - (change.end - change.start)
