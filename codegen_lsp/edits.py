"""What became of a text: the changes that made another version of it, read off the two.

LSP tells a server each change, but who looks at a document now and then sees two versions, and several
changes may lie between them. So both are compared: what they share at their beginning and at their end
has stayed. What is left is one change where it is a key's or a line's. Where it is more, its lines are
compared: one change at the top and one at the bottom are not all that lies between them, and a block
that was indented is the same block.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from codegen_lsp.common import n_common_end, n_common_start
from codegen_lsp.document import line_start

LINE_END = re.compile(r"\r\n|\n|\r")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


class Edit(NamedTuple):
    """Two texts differ from `start` on; to `old_end` in the one and to `new_end` in the other."""

    start: int
    old_end: int
    new_end: int


class Change(NamedTuple):
    """What stood between two offsets of a text is `text` now."""

    start: int
    end: int
    text: str


def edit_between(old: str, new: str) -> Edit:
    """What became of a text: everything but how both begin and how both end."""
    start = n_common_start(old, new)
    n_end = n_common_end(old, new, at_most=min(len(old), len(new)) - start)
    return Edit(start, len(old) - n_end, len(new) - n_end)


def changed(text: str, change: Change) -> str:
    """A text after a change."""
    return text[: change.start] + change.text + text[change.end :]


def changes(old: str, new: str) -> tuple[Change, ...]:
    """The changes that make `new` of `old`, in order, none overlapping; all offsets are the old text's.

    Takes as long as it takes to compare the texts, and a few microseconds for each line between the
    first change and the last one.
    """
    edit = edit_between(old, new)
    gone, come = old[edit.start : edit.old_end], new[edit.start : edit.new_end]
    if not gone or not come or not (LINE_END.search(gone) or LINE_END.search(come)):
        return (Change(edit.start, edit.old_end, come),) if gone or come else ()
    start = line_start(old, edit.start)
    next_line = LINE.match(old, edit.old_end)
    n_more = next_line.end() - edit.old_end if next_line else 0
    old_lines = LINE.findall(old, start, edit.old_end + n_more)
    new_lines = LINE.findall(new, start, edit.new_end + n_more)
    return tuple(_between_lines(start, old_lines, new_lines))


def _between_lines(start: int, old: list[str], new: list[str]) -> Iterator[Change]:
    """What became of lines that begin at an offset: of those that stayed, their blanks at both ends."""
    at, old_at, new_at = start, 0, 0
    stayed = _stayed([line.strip() for line in old], [line.strip() for line in new])
    for old_next, new_next in [*stayed, (len(old), len(new))]:
        gone, come = "".join(old[old_at:old_next]), "".join(new[new_at:new_next])
        yield from _trimmed(at, gone, come)
        at += len(gone)
        if old_next < len(old):
            yield from _of_blanks(at, old[old_next], new[new_next])
            at += len(old[old_next])
        old_at, new_at = old_next + 1, new_next + 1


def _stayed(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Which line is which, in order: those that stand once in both, and those that follow or precede
    them in both (patience diff, Bram Cohen 2003: it takes no brackets of other blocks for the same)."""
    found: list[tuple[int, int]] = []
    old_at = new_at = 0
    for old_next, new_next in [*_once(old, new), (len(old), len(new))]:
        while old_at < old_next and new_at < new_next and old[old_at] == new[new_at]:
            found.append((old_at, new_at))
            old_at, new_at = old_at + 1, new_at + 1
        n_back = 1
        while min(old_next - old_at, new_next - new_at) >= n_back and (
            old[old_next - n_back] == new[new_next - n_back]
        ):
            n_back += 1
        found += [(old_next - k, new_next - k) for k in range(n_back - 1, 0, -1)]
        if old_next < len(old):
            found.append((old_next, new_next))
        old_at, new_at = old_next + 1, new_next + 1
    return found


def _once(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The lines that stand once in both: as many as can be had in one order."""
    in_old, in_new = Counter(old), Counter(new)
    places = {line: k for k, line in enumerate(new) if in_new[line] == 1}
    pairs = [
        (k, places[line]) for k, line in enumerate(old) if line in places and in_old[line] == 1
    ]
    return _longest_rising(pairs)


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many pairs as can be had so that both their numbers rise; the first numbers do already."""
    lowest: list[int] = []  # of all that are so long, with which second number one ends
    last: list[int] = []  # and which pair that is
    before: list[int] = []  # for each pair, the one before it where it is the last
    for k, (_, place) in enumerate(pairs):
        length = bisect_left(lowest, place)
        before.append(last[length - 1] if length else -1)
        lowest[length : length + 1] = [place]
        last[length : length + 1] = [k]
    rising: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        rising.append(pairs[at])
        at = before[at]
    return rising[::-1]


def _of_blanks(at: int, old: str, new: str) -> Iterator[Change]:
    """What became of a line that says what it said: it was indented, or ends otherwise."""
    if old == new:
        return
    said = old.strip()
    old_from, new_from = old.index(said), new.index(said)
    yield from _trimmed(at, old[:old_from], new[:new_from])
    old_to, new_to = old_from + len(said), new_from + len(said)
    yield from _trimmed(at + old_to, old[old_to:], new[new_to:])


def _trimmed(at: int, old: str, new: str) -> Iterator[Change]:
    if old != new:
        edit = edit_between(old, new)
        yield Change(at + edit.start, at + edit.old_end, new[edit.start : edit.new_end])
