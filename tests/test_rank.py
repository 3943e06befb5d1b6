from __future__ import annotations

from dataclasses import replace

import pytest

from codegen_lsp.document import Candidate, Chunk
from codegen_lsp.rank import rank
from tests.marked import context_at


def candidate(text: str, mean_logprob: float) -> Candidate:
    return Candidate(text, mean_logprob, 1, "eos")


def ranked(marked: str, *texts: str, logprobs: tuple[float, ...] = ()) -> list[str]:
    """Candidates of which the model was equally sure, unless it is said how much."""
    given = zip(texts, logprobs or [-1.0] * len(texts), strict=True)
    context = context_at(marked)
    return [each.text for each in rank([candidate(*each) for each in given], context)]


def test_the_surest_comes_first_and_equal_ones_are_one() -> None:
    given = [candidate("a", -2), candidate("b", -1), candidate("a", -0.5), candidate(" \n", 0)]
    assert rank(given, context_at("<CURSOR>")) == (candidate("a", -0.5), candidate("b", -1))


@pytest.mark.parametrize(
    ("marked", "first", "second"),
    [
        pytest.param("total = 1\nx = <CURSOR>", "total", "sum", id="a name that is there"),
        pytest.param("x = <CURSOR>\ntotal = 1", "total", "sum", id="or follows"),
        pytest.param("total = 1\nx = to<CURSOR>", "tal", "o", id="the half of it is typed"),
        pytest.param("total = 1\nx = <CURSOR>", "total", "tot", id="a part of a name is another"),
        pytest.param("total = 1\nx = <CURSOR>", "'new'", "new", id="a string names nothing"),
        pytest.param("f(<CURSOR>", "1)", "1", id="closes what is open"),
        pytest.param("f(<CURSOR>)", "1", "(1", id="opens nothing"),
        pytest.param("x = <CURSOR>", "11", "1", id="the longer one, if all else is equal"),
    ],
)
def test_what_fits_the_text_comes_first(marked: str, first: str, second: str) -> None:
    assert ranked(marked, second, first) == [first, second]


def test_a_name_that_another_file_has_is_not_new() -> None:
    context = context_at("x = <CURSOR>")
    near = replace(context, chunks=(Chunk("a.py", "total = 1"),))
    given = [candidate("sum", -1.0), candidate("total", -1.2)]
    assert rank(given, context) == tuple(given)
    assert rank(given, near) == tuple(reversed(given))


def test_how_sure_the_model_is_counts_for_more_than_a_new_name() -> None:
    assert ranked("total = 1\nx = <CURSOR>", "total", "sum", logprobs=(-2.0, -1.0)) == [
        "sum",
        "total",
    ]


@pytest.mark.parametrize(
    ("one", "other", "n"),
    [
        pytest.param("f(a, b)", "f(a,b)", 1, id="white space"),
        pytest.param("f(a)", "f(a);", 1, id="a semicolon"),
        pytest.param("f(a)\ng(b)", "f(a)", 1, id="one more line"),
        pytest.param("f(a)\ng(b)", "f(a)\ng(c)", 2, id="another line"),
        pytest.param("f(a)", "f(a).b", 2, id="a longer line"),
        pytest.param("f(a)", "f(b)", 2, id="another name"),
    ],
)
def test_those_that_say_nearly_the_same_are_one(one: str, other: str, n: int) -> None:
    assert len(ranked("<CURSOR>", one, other)) == n
    assert ranked("<CURSOR>", one, other, logprobs=(-1.0, -2.0))[0] == one
