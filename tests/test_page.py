from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.llama import LlamaEngine
from codegen_lsp.page import GRID, Page

TEXTS = st.text("ab  }\n\t", max_size=600)


def numbered(n_lines: int) -> str:
    return "".join(f"{n:04d} = x\n" for n in range(n_lines))  # nine characters a line


@given(TEXTS, st.integers(0, 100), st.data())
def test_stretches_are_the_text(text: str, first_line: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    assert "".join(Page(text, first_line).stretches(start)) == text[start:]


def test_a_key_changes_the_last_stretch_only() -> None:
    text = numbered(100)
    before = list(Page(text, 7).stretches(0))
    after = list(Page(text + "x", 7).stretches(0))
    assert before[:-1] == after[:-1]
    assert len(before) > 3


def test_stretches_are_those_of_the_file_wherever_the_page_begins() -> None:
    text = numbered(100)
    assert list(Page(text, 0).stretches(0))[-3:] == list(Page(text[5 * 9 :], 5).stretches(0))[-3:]


@given(TEXTS, st.integers(0, 100))
def test_stretches_begin_between_characters_that_are_no_space(text: str, first_line: int) -> None:
    page = Page(text, first_line)
    assert all(
        text[cut - 1] == "\n" != text[cut] and not text[cut - 2].isspace() for cut in page.cuts
    )


def test_the_parts_make_the_same_tokens_as_the_whole() -> None:
    root = Path(__file__).parent.parent
    text = (root / "codegen_lsp" / "session.py").read_text(encoding="utf-8")
    engine = LlamaEngine(root / "codegen_lsp" / "data" / "nano.gguf", n_ctx=256)
    try:
        parts = [engine.tokenize(stretch) for stretch in Page(text, 0).stretches(0)]
        assert len(parts) > 10
        assert [token for part in parts for token in part] == engine.tokenize(text)
    finally:
        engine.close()


SEAMS = """\
        x = 0
        return x

    def two(self):
        if self:
            return 2
        return {
            2: 3
}
    x = 1

    def three(self):
        pass
    y = 1
    z = 1
"""


@pytest.mark.parametrize(
    ("text", "first_line", "n_characters", "begins"),
    [
        pytest.param(SEAMS, 0, 1000, "        x = 0", id="all of the file"),
        pytest.param(SEAMS, 1, 1000, "    def two", id="the least indented, the first of them"),
        pytest.param(numbered(64), 0, 9 * 28, "0032", id="behind a line of the grid, too long"),
        pytest.param(numbered(64), 0, 9 * 36, "0032", id="behind a line of the grid, too short"),
        pytest.param(numbered(64), 0, 9 * 24, "0040", id="no seam is near: at a line"),
        pytest.param(numbered(64), 8, 9 * 40, "0024", id="of the file's grid"),
        pytest.param("x" * 50 + "y" * 5, 0, 5, "yyyyy", id="no line fits: anywhere"),
    ],
)
def test_windows_begin_at_seams(text: str, first_line: int, n_characters: int, begins: str) -> None:
    assert text[Page(text, first_line).window(n_characters, 9 * 5) :].startswith(begins)


def test_of_several_seams_the_nearest_is_taken() -> None:
    text = numbered(64)
    assert text[Page(text, 0).window(9 * 38, 9 * 10) :].startswith("0032")
    assert text[Page(text, 0).window(9 * 42, 9 * 10) :].startswith("0016")


@pytest.mark.parametrize(
    ("first", "last", "n_lines", "begins"),
    [
        pytest.param(30, 38, 30, "0030", id="at its beginning, and at no seam in it"),
        pytest.param(20, 40, 30, "0040", id="behind it, where that is too far"),
        pytest.param(4, 60, 30, "0034", id="in it, if no window holds it"),
        pytest.param(16, 34, 31, "0034", id="right behind it"),
        pytest.param(-8, 30, 44, "0030", id="behind one that begins above the text"),
        pytest.param(20, 24, 31, "0032", id="at a seam, if it is elsewhere"),
        pytest.param(60, 90, 31, "0032", id="at a seam, if it ends below the text"),
    ],
)
def test_windows_begin_in_no_whole(first: int, last: int, n_lines: int, begins: str) -> None:
    page, wholes = Page(numbered(64), 0), ((first * 9, last * 9 - 1),)
    assert page.text[page.window(9 * n_lines, 9 * 5, wholes) :].startswith(begins)


def test_behind_a_whole_there_has_to_be_something() -> None:
    page = Page(numbered(10) + "\n" * 40, 0)
    assert page.text[page.window(100, 5, ((0, 89),)) :].startswith("0004")


@given(TEXTS, st.integers(0, 100), st.integers(0, 700), st.integers(0, 100), st.data())
def test_windows_fit(
    text: str, first_line: int, n_characters: int, n_more: int, data: st.DataObject
) -> None:
    places = sorted(data.draw(st.lists(st.integers(-50, 700), max_size=6, unique=True)))
    wholes = tuple(zip(places[::2], places[1::2], strict=False))
    start = Page(text, first_line).window(n_characters, n_more, wholes)
    assert 0 <= len(text) - start <= n_characters + n_more


def test_a_window_that_grows_begins_at_few_places() -> None:
    begins = {Page(numbered(n), 0).window(9 * 60, 9 * 8) for n in range(100, 100 + 4 * GRID)}
    assert len(begins) == 4 + 1
