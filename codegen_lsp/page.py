"""What windows are cut out of: the text up to the cursor, with the places where it may be cut."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

# Windows begin where the code has a seam behind every 16th line of the file: so they begin at the same
# places again, and not in the middle of a statement.
GRID = 16
# Where a text is cut for tokenizing: with no space on either side of the line end, GPT-2's vocabularies
# and CodeGen's make the same tokens of the parts as of the whole. With any other they stay the same from
# key to key, which is what counts.
CUT = re.compile(r"(?<=\S)\n(?=[^\n])")

Wholes = Sequence[tuple[int, int]]
"""What should not be cut in two, in order: from where to where. The first may begin above a text."""

_FIRST = re.compile(r"([ \t]*)(\S)")
_CLOSERS = frozenset(")]}")


@dataclass(frozen=True)
class Page:
    """A text whose first line is the file's line `first_line` (zero-based)."""

    text: str
    first_line: int

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where its lines begin."""
        lines = self.text.split("\n")
        return (0, *accumulate(len(line) + 1 for line in lines[:-1]))

    @cached_property
    def cuts(self) -> tuple[int, ...]:
        """Where it is cut for tokenizing: at the lines of the grid, or soon behind them."""
        on_grid = self.starts[-self.first_line % GRID :: GRID]
        found = (CUT.search(self.text, start - 1) for start in on_grid if start)
        return tuple(sorted({cut.end() for cut in found if cut}))

    def stretches(self, start: int) -> Iterator[str]:
        """The text from an offset on, in the stretches in which it is tokenized."""
        cuts = self.cuts[bisect_right(self.cuts, start) :]
        return (self.text[begin:end] for begin, end in pairwise((start, *cuts, len(self.text))))

    def line_at(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def lines(self, start: int, n: int) -> str:
        """Up to `n` lines from an offset on, as far as they have an end."""
        last = min(self.line_at(start) + n, len(self.starts) - 1)
        return self.text[start : self.starts[last]]

    def begins_file(self, start: int) -> bool:
        return start == self.first_line == 0

    def window(self, n_characters: int, n_more: int = 0, wholes: Wholes = ()) -> int:
        """Where a window of so many characters begins: at the nearest seam that makes it longer or
        shorter by `n_more` at most; or else at the next line, behind what would be cut in two there if
        a window has room for that; or else within the last line."""
        wanted = max(0, len(self.text) - n_characters)
        if self.begins_file(max(0, wanted - n_more)):
            return 0
        borders = self._borders(wholes)
        near = [at for at in borders if abs(at - wanted) <= n_more and at < len(self.text)]
        if near:
            return min(near, key=lambda at: abs(at - wanted))
        at = next((at for at in self.starts if wanted <= at < len(self.text)), wanted)
        begin, end = _whole_at(at, wholes)
        if begin < at < end <= begin + n_characters:
            behind = len(self.text) - len(self.text[end:].lstrip("\n"))
            return behind if behind < len(self.text) else at
        return at

    def _borders(self, wholes: Wholes) -> Iterator[int]:
        """Where wholes begin, and the seams that are in none."""
        yield from (begin for begin, _ in wholes if begin >= 0)
        for at in self._seams():
            begin, end = _whole_at(at, wholes)
            if not begin < at < end:
                yield at

    def _seams(self) -> Iterator[int]:
        """Between each two lines of the grid, where the least indented line begins, the first of
        several; lines that only close something aside."""
        for n in range(-self.first_line % GRID - GRID, len(self.starts), GRID):
            cell = self.starts[max(0, n) : n + GRID]
            indented = [
                (len(found[1]), start)
                for start in cell
                if (found := _FIRST.match(self.text, start)) and found[2] not in _CLOSERS
            ]
            if indented:
                yield min(indented)[1]


def _whole_at(at: int, wholes: Wholes) -> tuple[int, int]:
    """The last whole that begins at an offset or above it; an empty one where there is none."""
    number = bisect_right(wholes, at, key=lambda whole: whole[0])
    return wholes[number - 1] if number else (at, at)
