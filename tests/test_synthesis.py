"""Where an intent stands in a client's own text, and where its code belongs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegen_lsp.choose import Scores, samplings
from codegen_lsp.complete import Completion, Known, complete
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, Document
from codegen_lsp.edits import Change
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import (
    Asked,
    Proposal,
    Stated,
    UnsayableError,
    again,
    below,
    best_first,
    proposals,
    request_for,
    said_next,
    stated_in,
    unanswered,
)
from codegen_lsp.turns import Turns, add
from tests.fake_engine import FakeEngine
from tests.marked import CURSOR


def document(text: str, language: str = "python") -> Document:
    return Document("file:///a", language, 1, text)


@pytest.mark.parametrize(
    ("marked", "language", "comment", "lead"),
    [
        pytest.param("# add<CURSOR>\nx = 1\n", "python", "# add", "\n", id="a line"),
        pytest.param("# add<CURSOR>", "python", "# add", "\n", id="the last one, without an end"),
        pytest.param(
            "def f():\r\n\t# add up\r\n\t# all\r\n\t<CURSOR>", "python",
            "\t# add up\r\n\t# all", "\r\n\t", id="tabs and other line ends, from below",
        ),
        pytest.param(
            'def f():\n    """Add <CURSOR>up."""\n', "python",
            '    """Add up."""', "\n    ", id="a docstring",
        ),
        pytest.param("f();\n/* add\n * all */<CURSOR>\n", "c", "/* add\n * all */", "\n", id="a block"),
    ],
)  # fmt: skip
def test_where_an_intent_stands(marked: str, language: str, comment: str, lead: str) -> None:
    text = marked.replace(CURSOR, "")
    cursor = marked.index(CURSOR)
    opened = document(text, language)
    (stated,) = stated_in(opened, cursor, cursor, Known())
    assert text[stated.start : stated.end] == comment
    assert stated.lead == lead
    request = request_for(below(stated, opened), samplings(3, Config()))
    assert request.document.text[: request.offset] == text[: stated.end] + lead
    assert request.document.text[request.offset :] == text[stated.end :]
    assert (request.n, request.invoked) == (3, True)


def test_a_selection_states_all_that_it_touches() -> None:
    text = "# one\r\nx = 1\r\n\r\n# two\r\n\r\n# three\r\n"
    found = stated_in(document(text), 2, text.index("two"), Known())
    assert [each.text for each in found] == ["one", "two"]
    assert text[found[1].start : found[1].end] == "# two"
    (moved,) = (found[1].moved(5),)
    assert (moved.start, moved.end) == (found[1].start + 5, found[1].end + 5)


def test_in_a_huge_text_nothing_is_stated() -> None:
    text = "# one\n" + "x = 1\n" * 200_000
    assert stated_in(document(text), 0, 0, Known()) == ()


def test_candidates_are_proposed_the_best_first() -> None:
    opened = document("# add\n")
    (stated,) = stated_in(opened, 0, 0, Known())
    best = Candidate("a + b\n", -0.5, 3, "eos", seed=2)
    completion = Completion((best, Candidate("b", -1.0, 1, "eos")))
    asked = below(stated, opened)
    (found, other) = proposals(asked, completion, "nano")
    assert (found.change, found.result) == ((5, 5, "\na + b"), "# add\na + b\n")
    assert (found.origin.model, found.origin.seed, found.origin.mean_logprob) == ("nano", 2, -0.5)
    assert other.code == "\nb"
    assert proposals(asked, Completion(), "nano") == ()


def test_a_comment_can_be_written_with_its_code() -> None:
    asked = Asked(document("x = 1\n"), Change(6, 6, "# add"), 6, "add", "\n")
    request = request_for(asked, samplings(1, Config()))
    assert (request.document.text, request.offset) == ("x = 1\n# add\n", 12)
    completion = Completion((Candidate("y = 2\n", -0.5, 3, "eos"),))
    (found,) = proposals(asked, completion, "nano")
    assert (found.change, found.result) == ((6, 6, "# add\ny = 2"), "x = 1\n# add\ny = 2")


@pytest.mark.parametrize(
    ("marked", "language", "written"),
    [
        pytest.param("<CURSOR>", "python", "# sum up\n<CODE>", id="nothing above"),
        pytest.param("x = 1<CURSOR>", "python", "x = 1\n\n# sum up\n<CODE>", id="a text's end"),
        pytest.param("x <CURSOR>= 1\ny\n", "python", "x = 1\n\n# sum up\n<CODE>\ny\n", id="on code"),
        pytest.param("x = 1\n<CURSOR>", "python", "x = 1\n\n# sum up\n<CODE>", id="a blank line"),
        pytest.param(
            "x = 1\n\n<CURSOR>\ny\n", "python", "x = 1\n\n# sum up\n<CODE>\ny\n", id="one is there"
        ),
        pytest.param(
            "def f():<CURSOR>\n", "python", "def f():\n    # sum up\n    <CODE>\n", id="a block begins"
        ),
        pytest.param(
            "def f():\n<CURSOR>\ny\n", "python", "def f():\n    # sum up\n    <CODE>\ny\n",
            id="a blank line, and no blanks yet",
        ),
        pytest.param(
            "def f():\n    x = 1\n<CURSOR>\n    y\n", "python",
            "def f():\n    x = 1\n\n    # sum up\n    <CODE>\n    y\n", id="within a block",
        ),
        pytest.param(
            "def f():\n    x = 1\n<CURSOR>\ny\n", "python",
            "def f():\n    x = 1\n\n# sum up\n<CODE>\ny\n", id="behind a block",
        ),
        pytest.param(
            "def f():\n    x = 1\n    <CURSOR>\ny\n", "python",
            "def f():\n    x = 1\n\n    # sum up\n    <CODE>\ny\n", id="as deep as its blanks",
        ),
        pytest.param(
            "def f():\r\n\tx = 1<CURSOR>\r\n", "python",
            "def f():\r\n\tx = 1\r\n\r\n\t# sum up\r\n\t<CODE>\r\n", id="tabs and other line ends",
        ),
        pytest.param("f();<CURSOR>\n", "c", "f();\n\n// sum up\n<CODE>\n", id="C"),
        pytest.param("p {}<CURSOR>\n", "css", "p {}\n\n/* sum up */\n<CODE>\n", id="CSS"),
    ],
)  # fmt: skip
def test_a_next_comment_is_written(marked: str, language: str, written: str) -> None:
    opened = document(marked.replace(CURSOR, ""), language)
    asked = said_next("sum up", opened, marked.index(CURSOR))
    found = _first(asked, "CODE")
    assert found.result == written.replace("<CODE>", "CODE")
    assert found.result[asked.start :].lstrip(" \t").startswith(("#", "//", "/*"))
    assert found.result[: asked.border].endswith(("sum up", "sum up */"))


def test_one_turn_after_the_other_reads_as_in_the_paper() -> None:
    """Also where code ends deeper than it begins."""
    said = [
        ("Read the numbers, " + "each as a float, " * 40, "for n in range(3):\n    print(n)"),
        ("Print a space at the end. ", "print(' ')"),
        ("Sort.", "x = f(\n    1\n)"),
    ]
    opened, turns = document(""), Turns("")
    for intent, code in said:
        last = turns.turns[-1] if turns.turns else None
        found = _first(said_next(intent, opened, last.end if last else 0, last), code)
        opened = document(found.result)
        asked, end = found.asked, found.asked.border + len(found.code)
        turns, _ = add(Turns(found.result, turns.turns), asked.start, asked.border, end, intent)
    assert opened.text == "\n\n".join(f"# {intent}\n{code}" for intent, code in said)


def test_an_intent_of_ten_thousand_words_is_wrapped() -> None:
    asked = said_next("word " * 10_000, document("x = 1\n"), 0)
    assert asked.change.text.count("word") == 10_000
    assert max(map(len, asked.change.text.split("\n"))) <= 88


@pytest.mark.parametrize(
    ("intent", "language", "message"),
    [(" \n", "python", "without words"), ("sort", "json", "json has no comments")],
)
def test_what_no_comment_can_say(intent: str, language: str, message: str) -> None:
    with pytest.raises(UnsayableError, match=message):
        said_next(intent, document("", language), 0)


@pytest.mark.parametrize(
    ("text", "code", "written"),
    [
        ("# add\nx = 1\nprint(x)\n", "x = 1", "# add\nCODE\nprint(x)\n"),
        ("  # add\r\n  x = 1\r\n", "  x = 1", "  # add\r\n  CODE\r\n"),
        ("/* add */ x = 1;\n", " x = 1;", "/* add */ CODE\n"),
    ],
)
def test_a_turn_gets_other_code(text: str, code: str, written: str) -> None:
    opened, border = document(text, "c"), text.index(code)
    turns, number = add(Turns(text), 0, border, border + len(code), "add")
    asked = again(turns.turns[0], turns, opened)
    assert (asked.turn, asked.start, asked.intent) == (number, 0, "add")
    assert "x = 1" not in request_for(asked, ()).document.text
    assert _first(asked, "CODE").result == written


def test_candidates_are_drawn_as_was_asked() -> None:
    asked, engine = below(*_stated("# add\n")), FakeEngine("a = 1\n", "b = 2\n", "c = 3\n")
    drawn = samplings(3, Config(), first_seed=4)
    found = complete(request_for(asked, drawn), engine, Config(), Cancel())
    assert sorted(each.seed for each in found.candidates) == [4, 5, 6]
    assert tuple(engine.samplings) == drawn


def test_proposals_are_ordered_by_their_scores() -> None:
    (asked, opened) = _stated("# add\n")
    scores = [Scores(-1.0), Scores(-0.5), None, Scores(-9.0, n_passed=1, n_examples=1)]
    given = [
        replace(_first(below(asked, opened), code), scores=each)
        for code, each in zip(["one", "two", "three", "four"], scores, strict=True)
    ]
    assert [each.code.strip() for each in best_first(given)] == ["four", "two", "three", "one"]


def _first(asked: Asked, code: str) -> Proposal:
    completion = Completion((Candidate(code, -0.5, 3, "eos"),))
    return proposals(asked, completion, "nano")[0]


def _stated(text: str) -> tuple[Stated, Document]:
    opened = document(text)
    return stated_in(opened, 0, 0, Known())[0], opened


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param("# add\nx = 1\n\n# sort\n\ny = 2\n\n# print",
                     "python", ["sort", "print"], id="further down"),
        pytest.param("# add\r\n\r\n# sort\r\nx = 1\r\n", "python", ["add"], id="other line ends"),
        pytest.param("def f():\n    # add\n\ndef g():\n    # sort\nx = 1\n", "python", ["add", "sort"],
                     id="not as deep"),
        pytest.param("if x:\n\t# add\n\ty()\n\t# sort\n", "python", ["sort"], id="tabs"),
        pytest.param('def f():\n    """Add it."""\n\n    return 1\n\n\n'
                     'def g():\n    """Sort it."""\n\n\nx = 1\n',
                     "python", ["Sort it."], id="docstrings"),
        pytest.param("// add\nf();\n\n/* sort\n */\n\ng();\n", "c", ["sort"], id="blocks"),
    ],
)  # fmt: skip
def test_which_comments_have_no_code_yet(text: str, language: str, expected: list[str]) -> None:
    opened = document(text, language)
    found = unanswered(stated_in(opened, 0, len(text), Known()), opened)
    assert [each.text for each in found] == expected
