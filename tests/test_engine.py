from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.engine import Cancel, Token, UntilStop


def kept(tokens: Iterable[Token], stop: tuple[str, ...]) -> list[Token]:
    until_stop = UntilStop(stop)
    passed: list[Token] = []
    for token in tokens:
        passed += until_stop.take(token)
        if until_stop.is_met:
            return passed
    return passed + until_stop.rest()


def stopped(pieces: list[str], stop: tuple[str, ...]) -> str:
    tokens = kept((Token(n, piece, -1.0) for n, piece in enumerate(pieces)), stop)
    return "".join(token.text for token in tokens)


def test_a_stop_string_over_token_borders() -> None:
    assert stopped(["return", " x\n", "\n", "def"], ("\n\n",)) == "return x"


def test_text_that_only_looked_like_a_stop_string_is_given_back() -> None:
    assert stopped(["a\n", "b\n", "\nc"], ("\n\n",)) == "a\nb"
    assert stopped(["a\n"], ("\n\n",)) == "a\n"


def test_the_first_of_several_stop_strings_counts() -> None:
    assert stopped(["x#y\nz"], ("\n", "#")) == "x"


def test_tokens_before_the_stop_keep_their_probabilities() -> None:
    tokens = iter([Token(7, "ab", -0.5), Token(8, "c#d", -0.25), Token(9, "e", -0.1)])
    assert kept(tokens, ("#",)) == [Token(7, "ab", -0.5), Token(8, "c", -0.25)]


@given(
    st.text("ab\n", max_size=30),
    st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=3).map(tuple),
    st.data(),
)
def test_how_text_is_cut_into_tokens_does_not_matter(
    text: str, stop: tuple[str, ...], data: st.DataObject
) -> None:
    at = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    ends = [text.find(s) for s in stop if s in text]
    assert stopped(pieces, stop) == text[: min(ends, default=len(text))]


def test_cancel() -> None:
    cancel = Cancel()
    assert not cancel.is_set()
    cancel.set()
    assert cancel.is_set()
