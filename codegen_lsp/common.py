"""How much two sequences have in common: prompts at their beginning, texts at both ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def n_common_start(one: Sequence[Any], other: Sequence[Any]) -> int:
    """With how many elements both begin. Both are of one type, whose slices are compared in C: it
    takes halves, a quarter of the time of a loop over 1,500 tokens."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def n_common_end(one: Sequence[Any], other: Sequence[Any], at_most: int | None = None) -> int:
    """With how many elements both end, `at_most` so many. As above; neither is copied as a whole."""
    n_one, n_other = len(one), len(other)
    low, high = 0, min(n_one, n_other) if at_most is None else at_most
    while low < high:
        middle = (low + high + 1) // 2
        if one[n_one - middle : n_one - low] == other[n_other - middle : n_other - low]:
            low = middle
        else:
            high = middle - 1
    return low


def is_near(one: str, other: str, n_edits: int) -> bool:
    """Whether so few letters inserted, left out or exchanged make one text of the other (Levenshtein's
    distance). Looks at three ways for each edit, so ask for few."""
    if abs(len(one) - len(other)) > n_edits:
        return False
    start = n_common_start(one, other)
    one, other = one[start:], other[start:]
    if not one or not other:
        return True
    ways = ((one[1:], other), (one, other[1:]), (one[1:], other[1:]))
    return n_edits > 0 and any(is_near(*way, n_edits - 1) for way in ways)
