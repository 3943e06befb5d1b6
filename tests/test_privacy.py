from __future__ import annotations

import pytest

from codegen_lsp.config import Config
from codegen_lsp.context import MAX_LINE
from codegen_lsp.document import Document
from codegen_lsp.privacy import EXCERPT, excerpt, may_read


def document(text: str, language: str = "python") -> Document:
    return Document("file:///t", language, 1, text)


@pytest.mark.parametrize(
    ("config", "allowed"),
    [
        (Config(), True),
        (Config(enabled=False), False),
        (Config(disabled_languages=("c", "python")), False),
        (Config(disabled_languages=("c",)), True),
    ],
)
def test_what_a_person_has_switched_off_is_not_read(config: Config, allowed: bool) -> None:
    assert may_read(document("x = 1\n"), config) == allowed
    assert excerpt(document("x = 1\n"), 0, config) == ("x = 1\n" if allowed else "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\r\nb\rc\n", "a\nb\nc\n", id="every line end"),
        pytest.param("a\n" + "b" * MAX_LINE + "\nc", "a\n" + "b" * MAX_LINE + "\nc", id="long"),
        pytest.param("a\n" + "b" * (MAX_LINE + 1) + "\nc", "a\nc", id="overlong"),
        pytest.param("ELF\0\nx = 1\n", "", id="binary"),
        pytest.param("x" * 200_000, "", id="nothing but one line"),
        pytest.param("", "", id="empty"),
    ],
)
def test_an_excerpt_is_what_people_type(text: str, expected: str) -> None:
    assert excerpt(document(text), 0, Config()) == expected


@pytest.mark.parametrize("near", [0, 100_000, 150_000, 300_000])
def test_an_excerpt_is_bounded_and_lies_around_the_cursor(near: int) -> None:
    lines = [f"line {n:8}\n" for n in range(20_000)]
    text = "".join(lines)
    part = excerpt(document(text), near, Config())
    whole = set(lines)
    assert EXCERPT - 100 < len(part) <= EXCERPT
    assert text[max(0, near - 100) : near + 100].strip() in part or near >= len(text)
    assert all(line + "\n" in whole for line in part.removesuffix("\n").split("\n"))


def test_a_cut_never_leaves_the_end_of_an_overlong_line() -> None:
    text = "y" * EXCERPT + "short\n" + "x = 1\n" * 6_000
    assert set(excerpt(document(text), len(text), Config()).split("\n")) <= {"x = 1", ""}
