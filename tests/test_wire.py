"""The messages between the server and its engine's process."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.engine import Footprint, Infill, Sampling, Stats, Token
from codegen_lsp.wire import (
    MAX_SIZE,
    Generate,
    Message,
    Ready,
    Remember,
    Scored,
    Tokenize,
    WireError,
    decode,
    encode,
    receive,
)

SAMPLINGS = st.builds(Sampling, st.integers(), stop=st.lists(st.text()).map(tuple))
MESSAGES = st.one_of(
    st.builds(Tokenize, st.text()),
    st.builds(Token, st.integers(), st.text(), st.floats(allow_nan=False), st.integers()),
    st.builds(
        Generate,
        st.lists(st.integers()).map(tuple),
        st.text(),
        st.lists(st.text()).map(tuple),
        st.lists(SAMPLINGS, max_size=3).map(tuple),
    ),
    st.builds(Scored, st.lists(st.floats(allow_nan=False)).map(tuple)),
    st.builds(
        Ready,
        st.just(2048),
        st.just(Footprint(1, 2, 3)),
        st.none() | st.just(Infill((1,), (2,), (3, 4), ends=(5,))),
        st.just(4),
        st.just(5),
        st.just(6),
    ),
    st.just(Stats(stops=("cancelled", "eos"))),
)


class Dribble(io.BytesIO):
    """A stream that gives a byte at a time, as a pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1))


@given(st.lists(MESSAGES))
def test_what_is_sent_is_what_comes(messages: list[Message]) -> None:
    stream = Dribble(b"".join(map(encode, messages)))
    assert [receive(stream) for _ in messages] == messages
    assert receive(stream) is None


def test_half_a_surrogate_gets_through() -> None:
    assert receive(io.BytesIO(encode(Tokenize("\ud83d")))) == Tokenize("\ud83d")


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(WireError):
        encode(Remember("a", "x" * MAX_SIZE))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"17", id="no list"),
        pytest.param(b"[]", id="no name"),
        pytest.param(b'["Unheard", 1]', id="an unknown name"),
        pytest.param(b'[["Warmed"], 1]', id="a name that is no text"),
        pytest.param(b'["Warmed"]', id="too little"),
        pytest.param(b'["Warmed", 1, 2]', id="too much"),
        pytest.param(b'["Warmed", "1"]', id="a text for a number"),
        pytest.param(b'["Warmed", true]', id="a truth for a number"),
        pytest.param(b'["Tokens", [1, "2"]]', id="a text among numbers"),
        pytest.param(b'["Tokens", [1, true]]', id="a truth among numbers"),
        pytest.param(b'["Tokens", 1]', id="a number for a list"),
        pytest.param(b'["Generate", [1], "", [], [[16]]]', id="too little inside"),
        pytest.param(b'["Generate", [1], "", [], [16]]', id="a number for an object inside"),
        pytest.param(
            b'["Ready", 1, [1, 1, 1], [[], [], []], 1, 1, 1]', id="too little of what may lack"
        ),
        pytest.param(
            b'["Ready", 1, null, null, 1, 1, 1]', id="nothing where there has to be something"
        ),
        pytest.param(b'["Stats", 0, 0, 0, 0, 0, 0, 0, ["tired"]]', id="a reason that is none"),
    ],
)
def test_what_does_not_fit_is_an_error(body: bytes) -> None:
    with pytest.raises(WireError):
        decode(body)


@pytest.mark.parametrize("data", [b"\0\0", b"\0\0\0\x09[]", b"\xff\xff\xff\xff[]"])
def test_a_stream_that_ends_in_a_message_or_has_another_form(data: bytes) -> None:
    with pytest.raises(WireError):
        receive(io.BytesIO(data))
