"""Where, what and when a person types."""

from __future__ import annotations

import math
import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.evaluate.typist import (
    LINES_BEFORE,
    LONGEST_S,
    MEAN_S,
    PAUSE_S,
    SD_S,
    Rest,
    accepted,
    first_line,
    is_right,
    keys,
    places,
    strokes,
)

HEAD = "".join(f"import module_{n}\n" for n in range(LINES_BEFORE))
CODE = HEAD + (
    "\n\ndef add(a, b):\n"
    "    if a:\n"
    "        return a\n"
    "\n"
    "    return compute(first_one, second)\n"
    "\n\nclass Thing:\n"
    "    def __init__(self, name):\n"
    "        self.name = name\n"
)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        pytest.param("ab", ["a", "b"], id="characters"),
        pytest.param("\n    a", ["\n    ", "a"], id="a line end brings its indentation"),
        pytest.param("\n\n\tb", ["\n", "\n\t", "b"], id="an empty line is a key of its own"),
        pytest.param("x\r\n  y", ["x", "\r\n  ", "y"], id="CRLF is one key"),
    ],
)
def test_keys(piece: str, expected: list[str]) -> None:
    assert list(keys(piece)) == expected


@given(st.text(st.sampled_from("ab \t\n\r\u2028(é"), max_size=60))
def test_keys_are_the_piece(piece: str) -> None:
    assert "".join(keys(piece)) == piece


@given(st.text(st.sampled_from("abc(. \n\t"), max_size=80), st.integers(0, 50))
def test_strokes_type_the_piece(piece: str, seed: int) -> None:
    typed = ""
    for stroke in strokes(piece, Random(seed)):
        if not stroke.is_wrong and stroke.text:
            assert stroke.at == len(typed)
        typed = typed + stroke.text if stroke.text else typed[:-1]
    assert typed == piece


def test_strokes_are_the_same_for_the_same_seed() -> None:
    assert strokes(CODE, Random(3)) == strokes(CODE, Random(3)) != strokes(CODE, Random(4))


def test_intervals_are_those_that_were_published() -> None:
    pressed = strokes("abcdefg" * 3000, Random(0))
    waits = [stroke.wait_s for stroke in pressed]
    assert math.isclose(statistics.fmean(waits), MEAN_S, rel_tol=0.03)
    assert math.isclose(statistics.stdev(waits), SD_S, rel_tol=0.06)
    assert 0.05 < sum(not stroke.text for stroke in pressed) / len(pressed) < 0.07


def test_pauses_stand_at_new_lines() -> None:
    pressed = strokes("\n    if word:\n\n" * 500, Random(0))
    pauses = [stroke for stroke in pressed if stroke.wait_s >= PAUSE_S]
    at_lines = [stroke for stroke in pauses if "\n" in stroke.text]
    lines = [stroke for stroke in pressed if stroke.text == "\n    "]
    assert all(stroke.text == "\n    " for stroke in at_lines)  # none before an empty line
    assert 0.4 < len(at_lines) / len(lines) < 0.6
    assert max(stroke.wait_s for stroke in pauses) <= LONGEST_S


def test_places_are_whole_lines_that_come_to_an_end() -> None:
    found = {CODE[start:end] for start, end in places(CODE, 50, 20, Random(0))}
    assert "\n    def __init__(self, name):\n        self.name = name" in found
    assert (
        "\ndef add(a, b):\n    if a:\n        return a\n\n    return compute(first_one, second)"
        in found
    )
    assert not any(piece.startswith("\nimport") for piece in found)


def test_every_fourth_place_is_inside_of_brackets() -> None:
    found = [CODE[start:end] for start, end in places(CODE, 4, 20, Random(0))]
    inside = [piece for piece in found if "\n" not in piece]
    assert len(inside) == 1
    assert inside[0] in ("first_one, second", "self, name")


def test_a_short_text_has_no_places() -> None:
    assert places("import os\n", 5, 20, Random(0)) == ()


@pytest.mark.parametrize(
    ("candidate", "rest", "expected"),
    [
        pytest.param("a + b", "a + b\nc", "a + b", id="the rest of the line"),
        pytest.param("a + b", "a + b", "a + b", id="the rest of the piece"),
        pytest.param("a +", "a + b\nc", "", id="not a part of the line"),
        pytest.param("a + b)", "a + b\n", "", id="not more than the line"),
        pytest.param("x\ny\nz", "x\ny\nw", "x\ny", id="as many lines as are right"),
        pytest.param("x\nyy", "x\ny\nw", "x", id="the first line alone"),
        pytest.param("\n  x", "\n  x\n", "\n  x", id="a line end first"),
        pytest.param("\n  x", "\n  y\n", "", id="a line end alone is no line"),
        pytest.param("x\r\ny", "x\r\ny\r\n", "x\r\ny", id="CRLF"),
        pytest.param("x\n", "x\ny", "x", id="without the line end behind it"),
        pytest.param("", "x", "", id="nothing"),
    ],
)
def test_accepted(candidate: str, rest: str, expected: str) -> None:
    assert accepted(candidate, Rest(rest)) == expected
    assert is_right(candidate, Rest(rest)) == bool(expected)


@pytest.mark.parametrize(
    ("candidate", "rest", "expected"),
    [
        pytest.param("a, b", Rest("a, b)\nc", 4, ")"), "a, b", id="what closes stands there"),
        pytest.param("a, b)", Rest("a, b)\nc", 4, ")"), "", id="and is not said again"),
        pytest.param("a", Rest("a, b)\nc", 4, ")"), "", id="not a part of what is inside"),
        pytest.param("a", Rest("a) + b\nc", 1, ")"), "", id="the line goes on behind it"),
        pytest.param("a", Rest("a))\nc", 1, "))"), "a", id="two are closed"),
        pytest.param("a", Rest("a), b)\nc", 1, "))"), "", id="one is closed later"),
        pytest.param("a,\nb", Rest("a,\nb)\nc", 4, ")"), "a,\nb", id="behind the last line"),
        pytest.param("a,\nx", Rest("a,\nb)\nc", 4, ")"), "a,", id="but not behind the first"),
        pytest.param("a\nx", Rest("a)\nc", 1, ")"), "", id="where it would stand further down"),
        pytest.param("a", Rest("a\n)\nc", 1), "a", id="it is closed on the next line"),
        pytest.param("a\n)", Rest("a\n)\nc", 1), "a", id="so only the first line is right"),
    ],
)
def test_accepted_in_front_of_what_an_editor_put_in(
    candidate: str, rest: Rest, expected: str
) -> None:
    assert accepted(candidate, rest) == expected
    assert is_right(candidate, rest) == bool(expected)


def test_nothing_is_right_behind_a_typo() -> None:
    assert not is_right("a", None)


def test_first_line() -> None:
    assert first_line("\n\n    a = 1\nb") == "\n\n    a = 1"
