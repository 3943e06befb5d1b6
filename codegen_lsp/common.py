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


def n_common_end(one: Sequence[Any], other: Sequence[Any]) -> int:
    """With how many elements both end."""
    return n_common_start(one[::-1], other[::-1])
