from __future__ import annotations

import pytest

from codegen_lsp.repetition import CIRCLES, circle, loop, stutter


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Any, Any, Any, Any, Any", "Any, "),
        ("Any, Any, Any", None),
        ("cols=None, cols=None, cols=None, ", "cols=None, "),
        ("a=None, b=None, c=None", None),
        ("size(self._path, size(self._path, ", "size(self._path, "),
        ("self.path, self.path", None),
        ("if a.kind == 'where' and a.kind == 'when'", None),
        ("haha", None),
        ("-" * 60, None),
        ("0, 0, 0, 0, 0, 0", None),
    ],
)
def test_stutter(line: str, kept: str | None) -> None:
    assert stutter(line) == (None if kept is None else len(kept))
    assert stutter(line, at_end=True) == stutter(line)


@pytest.mark.parametrize(("period", "n_words"), CIRCLES)
def test_a_circle_is_one_from_its_length_on(period: int, n_words: int) -> None:
    words = [f"w{n % period}" for n in range(n_words)]
    text = " ".join(["begun", *words, ""])
    assert (
        circle(text, at_end=True)
        == circle(text, at_end=False)
        == text.index("w0", 7 if period > 1 else 9)
    )
    assert circle(" ".join(["begun", *words[1:], ""]), at_end=False) is None


def test_a_circle_that_was_left_again() -> None:
    text = "a, " * 20 + "b " * 9
    assert circle(text, at_end=True) is None
    assert circle(text, at_end=False) == len("a, ")


def test_a_word_that_may_go_on_is_not_counted() -> None:
    assert circle("a " * 10, at_end=True) is not None
    assert circle("a " * 9 + "a", at_end=True) is None


@pytest.mark.parametrize(
    ("lines", "first_again"),
    [
        pytest.param(["call(a)", "call(a)"], 1, id="the line above"),
        pytest.param(["if a.b():", "    if a.b():"], 1, id="the line above, deeper"),
        pytest.param(["x", "call(a)", "call(b)", "call(a)"], 3, id="an earlier line"),
        pytest.param(["call(a)", "call(b)", "call(a)"], None, id="a given line further up"),
        pytest.param(["x", "call(a)", "  call(b)", "  call(a)"], None, id="in another place"),
        pytest.param(["x", "if a:", "  return", "if b:", "  return"], None, id="a usual end"),
        pytest.param(["x", "if a:", "  return", "if a:", "  return"], 3, id="the same again"),
        pytest.param(
            ["x", "a: 0", "  return", "a: 0", "  return"], 3, id="two lines, one of them usual"
        ),
        pytest.param(["x", "}", "}", "}"], None, id="brackets"),
    ],
)
def test_loop(lines: list[str], first_again: int | None) -> None:
    assert loop(lines, 1) == first_again
