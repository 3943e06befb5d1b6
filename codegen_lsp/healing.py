"""How an answer may begin: with a text that was taken back (token healing), and with nothing that is
shunned.

A prompt that ends inside what the model knows as one token (eight spaces, half an identifier) puts it
where it never was in training. So the prompt ends earlier, and the first tokens are chosen among those
that agree with the text taken back. And who asks for code wants neither blanks nor another comment, with
which models like to go on below one. Pure; an engine brings the vocabulary.
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
        ids = self.beginning(wanted)
        for length in range(1, len(wanted)):
            beginning = wanted[:length]
            ids += self._between(beginning, beginning)
        return ids

    def beginning(self, wanted: bytes) -> list[int]:
        """The ids of the tokens that begin with `wanted`."""
        # No valid UTF-8 holds 0xFF, so this bound stands behind all that begins with `wanted`.
        return self._between(wanted, wanted + b"\xff" * 4)

    def _between(self, first: bytes, last: bytes) -> list[int]:
        return self._ids[bisect_left(self._spelled, first) : bisect_right(self._spelled, last)]


class Beginning:
    """What the next token of one answer may be, as long as something is said about that."""

    def __init__(self, vocabulary: Vocabulary, heal: str, shun: Sequence[str] = ()) -> None:
        """The answer begins with `heal`, and what stands behind that with nothing of `shun`."""
        self._vocabulary = vocabulary
        self._wanted = heal.encode("utf-8", "replace")
        self._shunned = [text.encode() for text in shun]

    @property
    def is_over(self) -> bool:
        """Whether any token may come."""
        return not (self._wanted or self._shunned)

    def allowed(self) -> list[int]:
        """The ids of those that may come; none where any may but the `forbidden` ones."""
        ids = self._vocabulary.agreeing(self._wanted) if self._wanted else []
        refused = self.forbidden() if ids else []
        return [id_ for id_ in ids if id_ not in refused] or ids

    def forbidden(self) -> set[int]:
        """The ids of those that would end in what is shunned."""
        shunned = (self._vocabulary.beginning(self._wanted + text) for text in self._shunned)
        return {id_ for ids in shunned for id_ in ids}

    def take(self, id_: int) -> None:
        """A token was chosen."""
        piece = self._vocabulary.pieces[id_]
        self._wanted, said = self._wanted[len(piece) :], piece[len(self._wanted) :]
        self._shunned = [
            text[len(said) :]
            for text in self._shunned
            if text.startswith(said) and len(said) < len(text)
        ]
