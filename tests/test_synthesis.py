"""Where an intent stands in a client's own text, and where its code belongs."""

from __future__ import annotations

import pytest

from codegen_lsp.complete import Completion, Known
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, Document
from codegen_lsp.edits import Change
from codegen_lsp.synthesis import Asked, below, proposals, request_for, stated_in
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
    request = request_for(below(stated, opened), 3)
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
    (found, other) = proposals(asked, completion, Config(model="nano"))
    assert (found.change, found.result) == ((5, 5, "\na + b"), "# add\na + b\n")
    assert (found.origin.model, found.origin.seed, found.origin.mean_logprob) == ("nano", 2, -0.5)
    assert other.code == "\nb"
    assert proposals(asked, Completion(), Config()) == ()


def test_a_comment_can_be_written_with_its_code() -> None:
    asked = Asked(document("x = 1\n"), Change(6, 6, "# add"), 6, "add", "\n")
    request = request_for(asked, 1)
    assert (request.document.text, request.offset) == ("x = 1\n# add\n", 12)
    completion = Completion((Candidate("y = 2\n", -0.5, 3, "eos"),))
    (found,) = proposals(asked, completion, Config())
    assert (found.change, found.result) == ((6, 6, "# add\ny = 2"), "x = 1\n# add\ny = 2")
