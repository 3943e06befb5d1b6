from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, Document
from codegen_lsp.suggestions import Suggestions


def request(text: str, offset: int, *, uri: str = "file:///a", n: int = 1) -> Request:
    return Request(Document(uri, "python", 0, text), offset, n, invoked=n > 1)


def completion(*texts: str) -> Completion:
    return Completion(tuple(Candidate(text, -0.5, len(text), "eos") for text in texts))


def found(
    suggestions: Suggestions, asked: Request, config: Config | None = None
) -> list[str] | None:
    match = suggestions.find(asked, config or Config())
    return None if match is None else [each.text for each in match.completion.candidates]


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        pytest.param("x = \ny", 4, ["foo(1)"], id="the same place again"),
        pytest.param("x = f\ny", 5, ["oo(1)"], id="its first letter was typed"),
        pytest.param("x = foo(1\ny", 9, [")"], id="all but its last letter"),
        pytest.param("x = foo(1)\ny", 10, None, id="all of it: nothing is left"),
        pytest.param("x = g\ny", 5, None, id="something else was typed"),
        pytest.param("x = f\ny", 4, None, id="the cursor has gone back"),
        pytest.param("x = f\nz", 5, None, id="something else was changed behind"),
        pytest.param("y = f\ny", 5, None, id="something else was changed before"),
        pytest.param("x = f\nyy", 5, None, id="something was put in elsewhere, too"),
        pytest.param("x =\ny", 3, None, id="one step further back"),
    ],
)
def test_a_suggestion_holds_where_its_beginning_was_typed(
    text: str, offset: int, expected: list[str] | None
) -> None:
    suggestions = Suggestions()
    suggestions.put(request("x = \ny", 4), Config(), completion("foo(1)"), 7)
    assert found(suggestions, request(text, offset)) == expected


def test_nothing_to_say_is_an_answer_too_but_only_at_its_place() -> None:
    suggestions = Suggestions()
    suggestions.put(request("x", 1), Config(), completion(), 1)
    assert found(suggestions, request("x", 1)) == []
    assert found(suggestions, request("xy", 2)) is None


def test_the_newest_wins_and_what_was_typed_past_one_may_still_match_another() -> None:
    suggestions = Suggestions()
    suggestions.put(request("", 0), Config(), completion("abc"), 1)
    suggestions.put(request("a", 1), Config(), completion("xyz", "by"), 2)
    assert found(suggestions, request("a", 1)) == ["xyz", "by"]
    assert found(suggestions, request("ab", 2)) == ["y"]
    assert found(suggestions, request("", 0)) == ["abc"]


def test_it_depends_on_the_document_the_settings_and_how_much_was_asked_for() -> None:
    suggestions = Suggestions()
    suggestions.put(request("x", 1), Config(), completion("a"), 1)
    assert found(suggestions, request("x", 1, uri="file:///b")) is None
    assert found(suggestions, request("x", 1), Config(max_tokens=5)) is None
    assert found(suggestions, request("x", 1, n=3)) is None
    suggestions.put(request("x", 1, n=3), Config(), completion("b", "c"), 2)
    assert found(suggestions, request("x", 1, n=3)) == ["b", "c"]
    assert found(suggestions, request("x", 1)) == ["b", "c"]


def test_there_is_an_end_to_what_is_kept() -> None:
    suggestions = Suggestions(max_suggestions=3, max_characters=10)
    for n in range(5):
        suggestions.put(request(str(n), 1), Config(), completion("a"), n)
    kept = [found(suggestions, request(str(n), 1)) for n in range(5)]
    assert kept == [None, None, ["a"], ["a"], ["a"]]
    suggestions.put(request("123456789", 1), Config(), completion("a"), 9)
    assert len(suggestions) == 2
    suggestions.put(request("x" * 11, 1), Config(), completion("a"), 9)
    assert len(suggestions) == 0
    suggestions.put(request("b", 1, uri="file:///b"), Config(), completion("a"), 9)
    suggestions.forget("file:///b")
    assert len(suggestions) == 0


KEYS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 2), st.text("ab\n", max_size=3)), max_size=30
)


@given(KEYS, st.lists(st.text("ab\n", min_size=1, max_size=5), min_size=1, max_size=30))
def test_no_suggestion_is_ever_stale(edits: list[tuple[int, int, str]], replies: list[str]) -> None:
    """Whatever is edited: what is found was once said for a text that differs from this one by nothing
    but a beginning of what was said."""
    suggestions, said = Suggestions(), list[tuple[str, int, str]]()
    text = "ab"
    for n, (wanted, n_removed, put_in) in enumerate(edits):
        at = min(wanted, len(text))
        text = text[:at] + put_in + text[at + n_removed :]
        cursor = at + len(put_in)
        answers = found(suggestions, request(text, cursor))
        for rest in answers or []:
            assert any(
                text == base[:offset] + reply[: len(reply) - len(rest)] + base[offset:]
                and cursor == offset + len(reply) - len(rest)
                and reply.endswith(rest)
                for base, offset, reply in said
            )
        if answers is None:
            reply = replies[n % len(replies)]
            suggestions.put(request(text, cursor), Config(), completion(reply), n)
            said.append((text, cursor, reply))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x = vale", [], id="one letter more of a word of three"),
        pytest.param("x = valued", [], id="what was dropped is typed"),
        pytest.param("x = valued(", None, id="all of what was dropped is typed"),
        pytest.param("x = valuex", None, id="as much again"),
        pytest.param("x = val(", None, id="the word has ended"),
    ],
)
def test_where_there_was_nothing_to_say_there_is_nothing_for_a_while(
    text: str, expected: list[str] | None
) -> None:
    suggestions = Suggestions()
    nothing = Completion(dropped="ued(")
    suggestions.put(request("x = val", 7), Config(), nothing, 1)
    assert found(suggestions, request(text, len(text))) == expected
    assert suggestions.find(replace(request(text, len(text)), invoked=True), Config()) is None
