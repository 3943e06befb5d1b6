"""Token healing: which tokens agree with a text that the answer must begin with.

A prompt that ends inside what the model knows as one token (eight spaces, half an identifier) puts it
where it never was in training. So the prompt ends earlier, and the first tokens are chosen among those
that agree with the text taken back. Pure; an engine brings the vocabulary.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


class Vocabulary:
    """The bytes of every token, ordered so that one question costs microseconds."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        """`pieces[id]` are the bytes of token `id`, empty for tokens that stand for no text."""
        self.pieces = pieces
        spelled = sorted((piece, id_) for id_, piece in enumerate(pieces) if piece)
        self._spelled = [piece for piece, _ in spelled]
        self._ids = [id_ for _, id_ in spelled]

    def agreeing(self, wanted: bytes) -> list[int]:
        """The ids of the tokens that begin with `wanted` or that `wanted` begins with."""
        # No valid UTF-8 holds 0xFF, so this bound stands behind all that begins with `wanted`.
        ids = self._between(wanted, wanted + b"\xff" * 4)
        for length in range(1, len(wanted)):
            beginning = wanted[:length]
            ids += self._between(beginning, beginning)
        return ids

    def _between(self, first: bytes, last: bytes) -> list[int]:
        return self._ids[bisect_left(self._spelled, first) : bisect_right(self._spelled, last)]
