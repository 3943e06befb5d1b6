from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.normal import Style, normal, normal_length, restored, style_at


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param("a\r\nb\rc\n", "python", "a\nb\nc\n", id="line ends"),
        pytest.param("\tx\n\t\ty\n", "python", "    x\n        y\n", id="tabs that indent"),
        pytest.param("\tx\n", "typescript", "  x\n", id="a level is as wide as the language's"),
        pytest.param("\tx\n", "go", "\tx\n", id="Go is written with tabs"),
        pytest.param("all:\n\tcc x.c\n", "makefile", "all:\n\tcc x.c\n", id="makefiles need them"),
        pytest.param("a\tb\n", "plaintext", "a\tb\n", id="a table keeps its columns"),
        pytest.param("שלום e\u0301\n", "python", "שלום e\u0301\n", id="right to left, combining"),
    ],
)
def test_normal(text: str, language: str, expected: str) -> None:
    assert normal(text, language) == expected


@given(st.text("a\t\r\n"), st.text("a\t\r\n"), st.sampled_from(["python", "typescript", "go", "x"]))
def test_normal_length(before: str, text: str, language: str) -> None:
    if not (before.endswith("\r") and text.startswith("\n")):
        n = normal_length(f"{before}{text}", len(before), len(before + text), language)
        assert n == len(normal(text, language))


def test_what_is_normal_is_not_copied() -> None:
    text = "x = 1\n" * 10
    assert normal(text, "python") is text


@pytest.mark.parametrize(
    ("text", "offset", "language", "style"),
    [
        pytest.param("a\n\tb\n", 4, "python", Style("\n", 4), id="tabs"),
        pytest.param("a\n  b\n", 5, "python", Style("\n", 0), id="spaces"),
        pytest.param("a\n\tb\n", 4, "go", Style("\n", 0), id="tabs that stay"),
        pytest.param("a\r\nb\nc", 3, "python", Style("\r\n"), id="mixed: the line above"),
        pytest.param(
            "a\r\nb\nc", 5, "python", Style("\n"), id="mixed: the line above, further down"
        ),
        pytest.param("a\r\nb", 1, "python", Style("\r\n"), id="the first line has one below"),
        pytest.param("a\rb\r", 3, "python", Style("\r"), id="old Macs"),
        pytest.param("a", 1, "python", Style("\n"), id="no line end at all"),
        pytest.param("\tb\n    c\n", 8, "python", Style("\n", 0), id="mixed indentation"),
    ],
)
def test_style_is_that_of_the_lines_around(
    text: str, offset: int, language: str, style: Style
) -> None:
    assert style_at(text, offset, language) == style


@pytest.mark.parametrize(
    ("text", "before", "style", "expected"),
    [
        pytest.param("a\n    b\n", "", Style("\r\n", 4), "a\r\n\tb\r\n", id="line ends and tabs"),
        pytest.param("    a", "    ", Style("\n", 4), "\ta", id="within the indentation"),
        pytest.param("      a", "  ", Style("\n", 4), "      a", id="behind half of a level"),
        pytest.param("    a", "", Style("\n", 4), "\ta", id="at a line's start"),
        pytest.param("    a", "    x = ", Style("\n", 4), "    a", id="spaces inside a line"),
        pytest.param("    a", "x =", Style("\n", 4), "    a", id="spaces inside a line stay"),
        pytest.param("a\n      b", "", Style("\n", 4), "a\n\t  b", id="what is no whole level"),
        pytest.param("a\n    b", "", Style("\n", 0), "a\n    b", id="a file with spaces"),
    ],
)
def test_restored(text: str, before: str, style: Style, expected: str) -> None:
    assert restored(text, before, style) == expected


@given(st.text("ab \t\n\r", max_size=60), st.text("ab \t\n\r", max_size=60))
def test_whole_lines_are_normal_on_their_own(above: str, below: str) -> None:
    above += "\n"
    assert normal(above, "c") + normal(below, "c") == normal(above + below, "c")


@given(st.lists(st.tuples(st.integers(0, 4), st.text("ab", min_size=1, max_size=5)), min_size=1))
def test_there_and_back_again(lines: list[tuple[int, str]]) -> None:
    text = "x\r\n" + "\r\n".join("\t" * depth + word for depth, word in lines)
    assert restored(normal(text, "c"), "", Style("\r\n", 4)) == text
