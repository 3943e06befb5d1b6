from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.brackets import balance, missing

# What a text closes and has not opened is marked with `!` in front, what it opens and closes nowhere
# with `?`.
MARKED = [
    ("python", "f(a, [b])"),
    ("python", "a!), b!]"),
    ("python", "f?(a, [b]"),
    ("python", "f(a!], b)"),
    ("python", "f('(', \"[\")  # )"),
    ("python", "'it\\'s (' !)"),
    ("python", "it's (a)"),
    ("python", '"""( """ !)'),
    ("python", "?'''( ) ]"),
    ("python", "x = '' + f?("),
    ("c", "g('}', '\\'') !} // )"),
    ("c", "/* ( */ !)"),
    ("c", "?/* )"),
    ("go", "`(\n` !)"),
    ("java", 'String a = """\n(\n""" !)'),
    ("javascript", "`${a}` !}"),
    ("rust", "fn f<'a>(b: &'a str) !}"),
    ("plaintext", "f?(')"),
]


@pytest.mark.parametrize(("language", "marked"), MARKED)
def test_balance(language: str, marked: str) -> None:
    text = ""
    extra: list[int] = []
    left: list[int] = []
    for character in marked:
        if character in "!?":
            (extra if character == "!" else left).append(len(text))
        else:
            text += character
    brackets = balance(text, language)
    assert list(brackets.extra) == extra
    assert [first - 1 for first, last in brackets.stretches if last == len(text)] == left


def test_open_is_what_the_text_itself_has_opened() -> None:
    brackets = balance("f(a) + g[b", "python")
    assert [end for end in range(11) if brackets.is_open(end)] == [2, 3, 9, 10]


def test_a_string_begun_before_the_text_hides_brackets() -> None:
    assert balance("a) b' )", "python", begun="f('").extra == (6,)
    assert balance("a) b )", "python", begun="f(").extra == (1, 5)


@pytest.mark.parametrize(
    ("prefix", "suffix", "lacking"),
    [
        pytest.param("f(", "", ")", id="nothing follows"),
        pytest.param("f(", ")", "", id="it is closed"),
        pytest.param("f(g[", ")", "]", id="another kind follows"),
        pytest.param("f(\n    a,\n", "\n)", "", id="it is closed further down"),
        pytest.param("class A {\n  f() {", "\n}\n", "}", id="what follows closes what is outside"),
        pytest.param("class A {\n  f() {", "\n  }\n}\n", "", id="all is closed"),
        pytest.param("class A {\n  f() {", "\n  g() {}\n}\n", "}", id="a neighbour"),
        pytest.param("f(')", "", ")", id="a string that is not closed"),
    ],
)
def test_missing(prefix: str, suffix: str, lacking: str) -> None:
    assert missing(prefix, suffix, "javascript") == lacking


@pytest.mark.parametrize(
    ("prefix", "lacking"),
    [
        ('it (says"""\ndef f(a', ")"),
        ('of a """\nx = [\n    """b"""', "]"),
        ('"""\ndef f(', ")"),
    ],
)
def test_missing_of_a_part_that_begins_in_a_string(prefix: str, lacking: str) -> None:
    assert missing(prefix, "\n    return\n", "python") == lacking


@given(st.text("([{}])'\"a \n"))
def test_with_what_is_missing_nothing_is(text: str) -> None:
    assert missing(text + "\n" + missing(text, "", "plaintext"), "", "plaintext") == ""
