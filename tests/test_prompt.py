from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.context import GRID, Context
from codegen_lsp.prompt import render
from codegen_lsp.syntax import Parsed
from tests.fake_engine import FakeEngine
from tests.marked import context_at

tokenize = FakeEngine().tokenize  # a character a token


def context_of(prefix: str, first_line: int) -> Context:
    return Context("python", prefix, "", first_line, Parsed(prefix, "python", None), len(prefix))


@pytest.mark.parametrize(
    ("marked", "text", "heal"),
    [
        pytest.param("x = <CURSOR>", "x =", " ", id="a space before a word"),
        pytest.param("def f():\n        <CURSOR>", "def f():\n", "        ", id="indentation"),
        pytest.param("\t<CURSOR>", "", "\t", id="a tab alone"),
        pytest.param("return self.pa<CURSOR>", "return self.", "pa", id="half a word"),
        pytest.param("    ret<CURSOR>", "", "    ret", id="half a word and its indentation"),
        pytest.param("f(x)<CURSOR>", "f(x)", "", id="nothing to heal"),
        pytest.param("x" * 30 + "<CURSOR>", "x" * 30, "", id="too long a word"),
        pytest.param("x\n<CURSOR>", "x\n", "", id="a line's start"),
    ],
)
def test_what_is_unfinished_is_taken_back(marked: str, text: str, heal: str) -> None:
    prompt = render(context_at(marked), tokenize, 100)
    assert (prompt.text, prompt.heal) == (text, heal)
    assert prompt.tokens == tuple(tokenize(text))


def numbered(n_lines: int) -> str:
    return "".join(f"{n:04d} = x\n" for n in range(n_lines))  # nine characters a line


def test_what_is_too_long_is_cut_on_the_grid() -> None:
    prompt = render(context_of(numbered(200), 0), tokenize, 9 * 100)
    first = int(prompt.text[:4])
    assert first % GRID == 0
    assert 100 - GRID < 200 - first <= 100


def test_the_grid_is_the_files_and_not_the_windows() -> None:
    prompt = render(context_of(numbered(200), 17), tokenize, 9 * 100)
    assert (int(prompt.text[:4]) + 17) % GRID == 0


def test_the_beginning_stays_from_key_to_key() -> None:
    text = numbered(200)
    begins = {
        render(context_of(text[:end], 0), tokenize, 9 * 100).text[:4]
        for end in range(9 * 130, 9 * 140)
    }
    assert len(begins) <= 2


def test_a_budget_below_the_grid_cuts_at_a_line_and_then_anywhere() -> None:
    assert render(context_of(numbered(50), 0), tokenize, 20).text.startswith("0048")
    assert render(context_of("x" * 50, 0), tokenize, 20).text == "x" * 5


@given(st.text("ab =\n\té漢", max_size=300), st.integers(1, 60))
def test_the_budget_is_kept_and_the_end_is_never_lost(text: str, budget: int) -> None:
    def in_bytes(text: str) -> list[int]:
        return list(text.encode())

    prompt = render(context_of(text, 0), in_bytes, budget)
    assert len(prompt.tokens) <= budget
    assert text.endswith(prompt.text + prompt.heal)
