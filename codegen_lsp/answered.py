"""Comments below which code was written: read off a document as it was seen last and as it is now.

So it does not matter by what keys the code came, from a person or a model, and nobody has to look at
each of them. The rules, by what a person expects:

- A comment is answered by code that has come below it since it was seen last, if there was none: nothing
  as deep stood on the next line, or the comment is new itself, perhaps above old code, and waits since.
  So to open a file answers nothing, nor does to edit old code below an old comment.
- The code is what is new there: statements as deep as the comment, each with its blocks, up to a blank
  line, a comment, or a line that is indented less. A header put above old lines to take them in is none.
- Between a docstring and its code one line may be blank; and the code of a function's goes on over blank
  lines, as far as the function does.
- A comment that somebody writes within the code ends it, and waits for code of its own.
- What came at once with its comment answers nothing: a block that was pasted, a file read again.
- Who goes on within the last answer or right below, and edits nothing else, goes on with that.

Inside, all is in normal form (see `normal`); what is given and returned is as the document has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from codegen_lsp.blocks import statements_end
from codegen_lsp.context import MAX_TEXT
from codegen_lsp.document import Document, line_start
from codegen_lsp.edits import LINE_END, Change, changes, edit_between
from codegen_lsp.intents import Intent, intents_in, may_state
from codegen_lsp.languages import row
from codegen_lsp.lines import code_before, indentation, line_end
from codegen_lsp.normal import normal
from codegen_lsp.spans import Span, after
from codegen_lsp.syntax import Parsed, parse, scopes

# What nobody writes between two pauses: so many characters in one place, and so many places. It comes of
# a formatter, or of another branch.
MAX_WRITTEN, MAX_CHANGES = 32_768, 64
# So many pastes between two pauses are known for what they are.
MAX_AT_ONCE = 8

_BLANK_LINE = re.compile(r"[ \t]*\n")
_BLANKS = re.compile(r"\s*")


class Answer(NamedTuple):
    """A comment and the code below it, by offsets as those of a `Turn`; `goes_on` if it is what became
    of the last one."""

    start: int
    border: int
    end: int
    intent: str
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A document as it was when answers were looked for, and as it is `now`.

    `waiting` are the beginnings of comments that had no code, as far as was looked; `last` is the answer
    that is being written, if one is. `at_once` is what single changes have brought since, with its
    blanks made one.
    """

    document: Document
    now: Document
    waiting: frozenset[int] = frozenset()
    last: _Wish | None = None
    at_once: tuple[str, ...] = ()


def opened(document: Document) -> Seen:
    """A document of which nothing else is known."""
    return Seen(document, document)


def noticed(seen: Seen, document: Document) -> Seen:
    """It has changed. At most keys this looks at nothing."""
    before, text = seen.now.text, document.text
    at_once = seen.at_once
    if abs(len(text) - len(before)) > 1:
        start, old_end, new_end = edit_between(before, text)
        change = _from_line_start(Change(start, old_end, text[start:new_end]), before, 0)
        if len(change.text) <= MAX_WRITTEN and LINE_END.search(change.text.strip()):
            at_once = (*at_once, _words(change.text))[-MAX_AT_ONCE:]
    return replace(seen, now=document, at_once=at_once)


def answered(seen: Seen, before: Parsed | None = None) -> tuple[Seen, tuple[Answer, ...]]:
    """What was answered since it was seen last, in order. `before` is an earlier version of it, so that
    less is parsed."""
    document = seen.now
    if max(len(seen.document.text), len(document.text)) > MAX_TEXT:
        return opened(document), ()
    edits = _Edits(*(normal(each.text, document.language) for each in (seen.document, document)))
    if not edits.made:
        return replace(seen, document=document, at_once=()), ()
    if len(edits.made) > MAX_CHANGES:
        return opened(document), ()
    waiting = {at for each in seen.waiting if (at := edits.moved(each)) is not None}
    last = _followed(seen.last, edits) if seen.last else None
    wishes = {each.start: each for each in _wishes(seen, edits, waiting, before)}
    if last is not None:
        wishes[last.start] = last
    found = _with_code([wishes[start] for start in sorted(wishes)], edits, document.language)
    answers = [each for each in found if each.end > each.border]
    waiting -= {at for each in found for at in waiting if each.start <= at < each.border}
    waiting |= {each.start for each in found if each.end == each.border}
    told = tuple(_answer(each, edits.text, document) for each in answers)
    growing = [replace(each, is_last=True) for each in answers if each.holds(edits)]
    return Seen(document, document, frozenset(waiting), growing[0] if growing else None), told


@dataclass(frozen=True, slots=True)
class _Wish:
    """A comment that wants code; its code ends at `end`, or at `border`, where it would begin, if there
    is none. `is_last` if that was being written when it was seen last."""

    start: int
    border: int
    end: int
    text: str
    depth: int
    is_docstring: bool
    over_blanks: bool
    is_last: bool = False

    def holds(self, edits: _Edits) -> bool:
        """Whether all that has changed is the comment, its code, and blanks around."""
        first, blanks = code_before(edits.text, self.start), _BLANKS.match(edits.text, self.end)
        last = blanks.end() if blanks else self.end
        return all(first <= low and high <= last for low, high in edits.come)


class _Edits:
    """Two versions of a text, and what lies between them: the changes that were `made` in the first one,
    and from where to where in the other one they stand, `come`."""

    def __init__(self, was: str, text: str) -> None:
        self.was, self.text = was, text
        self.made: list[Change] = []
        self.come: list[tuple[int, int]] = []
        shift = 0
        for change in changes(was, text):
            start, end, put = _from_line_start(change, was, self.made[-1].end if self.made else 0)
            self.made.append(Change(start, end, put))
            self.come.append((start + shift, start + shift + len(put)))
            shift += len(put) - (end - start)

    def moved(self, offset: int) -> int | None:
        """Where a character of the first version is now, if it is."""
        shift = 0
        for start, end, put in self.made:
            if start <= offset < end:
                return None
            if offset < start:
                break
            shift += len(put) - (end - start)
        return offset + shift

    def origin(self, offset: int) -> int:
        """Where the first version goes on with what stands at an offset now, or behind what has come
        there."""
        shift = 0
        for (start, end, put), (low, high) in zip(self.made, self.come, strict=True):
            if offset <= low:
                break
            if offset < high:
                return end
            shift += len(put) - (end - start)
        return offset - shift


def _from_line_start(change: Change, text: str, floor: int) -> Change:
    """Two texts do not tell whether `a` and a line's end were put in front of `ab`, or a line's end and
    `a` behind its first letter: a person would say the first."""
    start, end, put = change
    first = line_start(text, start)
    begun = text[first:start]
    if start < end or first < floor or not begun or not put.endswith(begun):
        return change
    return Change(first, first, begun + put[: len(put) - len(begun)])


def _followed(last: _Wish, edits: _Edits) -> _Wish | None:
    """The last answer where it is now; None where there is nothing left of it, or its comment says
    something else."""
    above = [each for each in edits.made if each.end < last.start]
    met = [each for each in edits.made[len(above) :] if each.start <= last.end]
    span = after(Span(last.start, last.border, last.end), met, edits.was)
    if span is None:
        return None
    shift = sum(len(text) - (end - start) for start, end, text in above)
    start, border, end = (offset + shift for offset in span)
    is_same = edits.text[start:border] == edits.was[last.start : last.border]
    return replace(last, start=start, border=border, end=end) if is_same else None


def _wishes(seen: Seen, edits: _Edits, waiting: set[int], before: Parsed | None) -> Iterator[_Wish]:
    """The comments that what has come may answer, or is."""
    text, parsed = edits.text, None
    for low, high in edits.come:
        start = _line_above(text, low)
        is_likely = low < high <= low + MAX_WRITTEN
        if not is_likely or not may_state(text[start:high], seen.now.language):
            continue
        parsed = parsed or parse(text, seen.now.language, before)
        for intent in intents_in(parsed, start, high):
            wish = _wish(intent, parsed)
            mark = intent.start + len(intent.indent)
            is_new = _is_in(mark, mark + 1, text, edits.come)
            has_waited = any(intent.start <= at < intent.end for at in waiting)
            is_open = is_new or has_waited or not _had_code(wish, edits)
            if is_open and not _came_at_once(wish, text, seen):
                yield wish


def _line_above(text: str, offset: int) -> int:
    """Where the line begins above that of an offset, or above one more blank one."""
    start = line_start(text, max(0, line_start(text, offset) - 1))
    if text[start : line_end(text, start)].strip():
        return start
    return line_start(text, max(0, start - 1))


def _wish(intent: Intent, parsed: Parsed) -> _Wish:
    is_docstring = intent.kind == "docstring"
    around = scopes(parsed, intent.start) if is_docstring else ()
    return _Wish(
        intent.start, intent.end, intent.end, intent.text, len(intent.indent), is_docstring,
        bool(around) and around[-1].kind == "function",
    )  # fmt: skip


def _had_code(wish: _Wish, edits: _Edits) -> bool:
    """Whether something as deep stood right below a comment before."""
    at = edits.origin(code_before(edits.text, wish.border))
    below = _code_start(wish, edits.was, line_end(edits.was, at) + 1)
    line = edits.was[below : line_end(edits.was, below)]
    return bool(line.strip()) and indentation(line) >= wish.depth


def _came_at_once(wish: _Wish, text: str, seen: Seen) -> bool:
    """Whether a comment came with the first line of its code, and more than one key."""
    at = _code_start(wish, text, wish.border)
    end = line_end(text, at)
    words = _words(text[wish.start : end])
    return bool(text[at:end].strip()) and any(words in each for each in seen.at_once)


def _code_start(wish: _Wish, text: str, at: int) -> int:
    """Where a comment's code begins, whose last line ends before `at`."""
    blank = _BLANK_LINE.match(text, at) if wish.is_docstring else None
    return blank.end() if blank else at


def _with_code(wishes: Sequence[_Wish], edits: _Edits, language: str) -> list[_Wish]:
    """Each with the end of its code, which is no further than the next one: of what has come, and of
    what it had."""
    found, stops = [], [*(each.start for each in wishes[1:]), len(edits.text)]
    for wish, stop in zip(wishes, stops, strict=False):
        had = [(wish.border, wish.end)] if wish.is_last else []
        fresh = _merged([*edits.come, *had], edits.text)
        found.append(replace(wish, end=_code_end(wish, edits.text, fresh, stop, language)))
    return found


def _code_end(
    wish: _Wish, text: str, fresh: Sequence[tuple[int, int]], stop: int, language: str
) -> int:
    """Where the fresh code below a comment ends; the comment's border if there is none."""
    at = limit = _code_start(wish, text, wish.border)
    while limit < stop and _is_in(limit, line_end(text, limit), text, fresh):
        limit = line_end(text, limit) + 1
    limit = min(limit, stop)
    code, below = text[at:limit], text[limit : line_end(text, limit)]
    if not code[: line_end(code, 0)].strip() or indentation(code) != wish.depth:
        return wish.border
    n_code = statements_end(code, row(language), over_blanks=wish.over_blanks)
    is_left_open = n_code == len(code.rstrip()) and indentation(below) > wish.depth
    takes_in = limit < stop and is_left_open and below.strip()
    return wish.border if takes_in or not n_code else at + n_code


def _is_in(start: int, end: int, text: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether all that stands between two offsets, blanks at both ends aside, is in one of the spans;
    also where nothing does."""
    said = text[start:end]
    low, high = end - len(said.lstrip()), start + len(said.rstrip())
    return low >= high or any(first <= low and high <= last for first, last in spans)


def _merged(spans: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Spans in order, those that meet, or between which blanks stand, as one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and not text[merged[-1][1] : low].strip():
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged


def _answer(wish: _Wish, text: str, document: Document) -> Answer:
    """The same lines in the document, whose line ends and tabs may be others."""
    ends = (wish.start, wish.border, wish.end)
    first, code, last = (text.count("\n", 0, offset) for offset in ends)
    starts = (*document.line_starts, len(document.text))
    n_said = len(document.text[starts[last] : starts[last + 1]].rstrip())
    return Answer(starts[first], starts[code], starts[last] + n_said, wish.text, wish.is_last)


def _words(text: str) -> str:
    return " ".join(text.split())
