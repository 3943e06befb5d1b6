"""Where the last tokens were written before, and what followed there.

Two kinds of text: the one being written, which changes at its end with every token, and others that
change seldom and are searched often. Both know where each pair of tokens stands; what stands before the
pair decides which place is most like the one asked about.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codegen_lsp.common import n_common_start

LONGEST = 32  # tokens compared; a longer match tells no more
# A pair like "):" and a new line stands in a file hundreds of times; the last ones are as good as any.
N_PLACES = 16

_BORDER = -1  # no token: before the first one of a text, and between texts


class Match(NamedTuple):
    """How many tokens were the same (at least 2), and what followed them."""

    n_tokens: int
    following: list[int]


class WrittenText:
    """A prompt and the answer behind it."""

    def __init__(self) -> None:
        self.tokens = [_BORDER]  # and those of the text
        self._last: dict[tuple[int, int], int] = {}  # where a pair ends, the last time
        self._before = [0]  # where the pair that ends at each place ended before; 0 for nowhere

    def become(self, tokens: Sequence[int]) -> None:
        """Hold these tokens instead. Costs what differs: the next prompt begins like the last one."""
        n_common = n_common_start(self.tokens[1:], list(tokens))
        self._cut(1 + n_common)
        self.grow(tokens[n_common:])

    def grow(self, tokens: Iterable[int]) -> None:
        """Append tokens."""
        previous = self.tokens[-1]
        for at, token in enumerate(tokens, len(self.tokens)):
            pair = (previous, token)
            self._before.append(self._last.get(pair, 0))
            self._last[pair] = at
            self.tokens.append(token)
            previous = token

    def find(self, n_following: int) -> Match | None:
        """Where the end of this text stood in it before, the longest match and of these the last one.
        What follows runs on into itself where that place is near the end: the text may repeat."""
        n_same, at = _longest(self.tokens, self._places(), self.tokens)
        if not n_same:
            return None
        period = self.tokens[at + 1 : at + 1 + n_following]
        return Match(n_same, (period * (1 + n_following // len(period)))[:n_following])

    def _places(self) -> Iterable[int]:
        at = self._before[-1]
        while at:
            yield at
            at = self._before[at]

    def _cut(self, n_tokens: int) -> None:
        for at in range(len(self.tokens) - 1, n_tokens - 1, -1):
            pair, before = (self.tokens[at - 1], self.tokens[at]), self._before[at]
            if before:
                self._last[pair] = before
            else:
                del self._last[pair]
        del self.tokens[n_tokens:], self._before[n_tokens:]


class OtherTexts:
    """Texts by their keys, of which the last ones are kept: `max_tokens` in all."""

    def __init__(self, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._texts: dict[str, array[int]] = {}  # the last one that came is the last one
        self._index()

    def put(self, key: str, tokens: Sequence[int]) -> None:
        """Keep these tokens (the first `max_tokens` of them) for what was kept under the same key; none
        remove it. Takes some milliseconds for 65,536 tokens, so that `find` takes microseconds."""
        self._texts.pop(key, None)
        if tokens:
            self._texts[key] = array("i", tokens[: self._max_tokens])
        while sum(map(len, self._texts.values())) > self._max_tokens:
            del self._texts[next(iter(self._texts))]
        self._index()

    def find(self, ending: Sequence[int], n_following: int) -> Match | None:
        """Where these last tokens stand in a text, the longest match and of these the last one."""
        pair = (ending[-2] << 32) | ending[-1]
        begin, end = self._pairs.searchsorted([pair, pair + 1])
        places = self._ends[max(begin, end - N_PLACES) : end][::-1]
        n_same, at = _longest(self._tokens, places.tolist(), ending)
        if not n_same:
            return None
        following = self._tokens[at + 1 : at + 1 + n_following].tolist()
        if _BORDER in following:
            following = following[: following.index(_BORDER)]
        return Match(n_same, following) if following else None

    def _index(self) -> None:
        """Sort all pairs, each with the place where it ends."""
        self._tokens = array("i", [_BORDER])
        for tokens in self._texts.values():
            self._tokens.extend(tokens)
            self._tokens.append(_BORDER)
        numbers = np.array(self._tokens, np.int64)
        pairs = (numbers[:-1] << 32) | numbers[1:]
        order = pairs.argsort(kind="stable")
        self._pairs: NDArray[np.int64] = pairs[order]
        self._ends = (order + 1).astype(np.int32)


def _longest(
    tokens: Sequence[int], places: Iterable[int], ending: Sequence[int]
) -> tuple[int, int]:
    """Of places where the last two of `ending` stand in `tokens`, the one before which most is the
    same, and how much that is, pair included; 0 and 0 for no places. A border ends each comparison."""
    n_most = min(LONGEST, len(ending) - 1)
    best, best_at = 0, 0
    for at in islice(places, N_PLACES):
        n = 2
        while n < n_most and tokens[at - n] == ending[-1 - n]:
            n += 1
        if n > best:
            best, best_at = n, at
        if n == n_most:
            break
    return best, best_at
