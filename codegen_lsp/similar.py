"""Which pieces of code are about the same things as the code at the cursor.

As Copilot and llama.vim do, by the words that two pieces share; but words that are in every piece count
little (inverse document frequency), `parse_header` and `parseBody` share a word, and pieces are cut
where the code has its seams, so that they are whole and stay the same while the rest of a file changes.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

# Lines of a piece. llama.vim's have 64, Copilot's 60: with the prompt of 1,024 tokens that a laptop can
# afford, two of 20 lines have room, and not one of 60.
MIN_LINES, MAX_LINES = 6, 20
# A word in more than this share of the pieces says nothing about any, and its list would be long.
TOO_COMMON = 0.25
# Pieces whose similarity is computed, of those that have most in common with the query.
N_WEIGHED = 64
# With fewer pieces than this no word is too common.
N_FEW = 16

_WORD = re.compile(r"[^\W\d]\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
_CLOSERS = (")", "]", "}", "end")

KeyT = TypeVar("KeyT", bound=Hashable)


class Piece(NamedTuple):
    """Some whole lines of a text, the first of which is `line` (zero-based)."""

    line: int
    text: str


def pieces(text: str) -> tuple[Piece, ...]:
    """The text cut into pieces of at most `MAX_LINES` lines, each from one seam to another."""
    lines = text.split("\n")
    found, start = [], 0
    while start < len(lines):
        end = _seam(lines, start)
        piece = "\n".join(lines[start:end]).strip("\n")
        if piece.strip():
            n_blank = next(n for n, line in enumerate(lines[start:end]) if line)
            found.append(Piece(start + n_blank, piece))
        start = end
    return tuple(found)


def words(text: str) -> frozenset[str]:
    """The identifiers of a text, and what they are made of, in lower case."""
    found = set()
    for word in _WORD.findall(text):
        found.add(word)
        parts = _PART.findall(word)
        if len(parts) > 1:
            found.update(part.lower() for part in parts if len(part) > 2)
    return frozenset(found)


class Index(Generic[KeyT]):
    """Pieces by the words in them."""

    def __init__(self) -> None:
        self._words: dict[KeyT, frozenset[str]] = {}
        self._keys: dict[str, set[KeyT]] = defaultdict(set)

    def __contains__(self, key: KeyT) -> bool:
        return key in self._words

    def add(self, key: KeyT, found: frozenset[str]) -> None:
        self._words[key] = found
        for word in found:
            self._keys[word].add(key)

    def remove(self, key: KeyT) -> None:
        for word in self._words.pop(key):
            self._keys[word].discard(key)
            if not self._keys[word]:
                del self._keys[word]

    def matches(self, query: Iterable[str]) -> list[tuple[KeyT, float]]:
        """Pieces that share telling words with the query and how similar they are, the most similar
        first: the weight of the words in both by the weight of the words in either (Jaccard)."""
        weights = {word: self._weight(word) for word in query}
        common: dict[KeyT, float] = defaultdict(float)
        for word, weight in weights.items():
            if weight > 0:
                for key in self._keys.get(word, ()):
                    common[key] += weight
        total = sum(weights.values())
        best = heapq.nlargest(N_WEIGHED, common.items(), key=itemgetter(1))
        for key, _ in best:
            weights.update((word, self._weight(word)) for word in self._words[key] - weights.keys())
        found = [
            (key, shared / (total + sum(weights[word] for word in self._words[key]) - shared))
            for key, shared in best
        ]
        return sorted(found, key=itemgetter(1), reverse=True)

    def similarity(self, one: KeyT, other: KeyT) -> float:
        """Of two pieces, every word counting the same."""
        a, b = self._words[one], self._words[other]
        return len(a & b) / max(1, len(a | b))

    def _weight(self, word: str) -> float:
        """Its inverse document frequency, 0 for those that are too common; words that no piece has are
        as rare as can be."""
        n_with, n_all = len(self._keys.get(word, ())), len(self._words)
        if n_all >= N_FEW and n_with > TOO_COMMON * n_all:
            return 0.0
        return math.log(1 + n_all / (n_with + 0.5))


def _seam(lines: list[str], start: int) -> int:
    """Where the piece that begins at `start` ends: at its least indented line behind a blank one, or
    else its least indented line; the last such."""
    last = min(len(lines), start + MAX_LINES)
    if last == len(lines):
        return last
    return min(range(start + MIN_LINES, last + 1), key=lambda n: (*_depth(lines, n), -n))


def _depth(lines: list[str], n: int) -> tuple[int, int]:
    """How deep inside the code the place before line `n` is: by indentation, then by whether lines
    are one paragraph."""
    line = lines[n]
    if not line.strip() or line.lstrip().startswith(_CLOSERS):
        return (_DEEP, 0)
    return (len(line) - len(line.lstrip()), 1 if lines[n - 1].strip() else 0)


_DEEP = 1_000
