from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.healing import Vocabulary

PIECES = [b" ", b"  ", b"    ", b" return", b"return", b"re", b"", "é".encode(), b"\n"]


def agreeing(wanted: bytes) -> set[bytes]:
    return {PIECES[id_] for id_ in Vocabulary(PIECES).agreeing(wanted)}


def test_spaces_agree_with_longer_and_shorter_runs() -> None:
    assert agreeing(b"  ") == {b" ", b"  ", b"    "}


def test_half_a_word_agrees_with_the_whole_word_and_its_beginning() -> None:
    assert agreeing(b"ret") == {b"return", b"re"}


def test_half_a_character_agrees_with_the_whole() -> None:
    assert agreeing(b"\xc3") == {"é".encode()}


@given(st.binary(min_size=1, max_size=3), st.lists(st.binary(max_size=4), max_size=20))
def test_nothing_is_missed_and_nothing_is_wrong(wanted: bytes, pieces: list[bytes]) -> None:
    expected = [
        n for n, p in enumerate(pieces) if p and (p.startswith(wanted) or wanted.startswith(p))
    ]
    assert sorted(Vocabulary(pieces).agreeing(wanted)) == expected
