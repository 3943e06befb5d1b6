"""Wishes followed into another version of their document: ¦ begins and ends what they were made for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegen_lsp.anchor import anew, carried
from codegen_lsp.complete import Known
from codegen_lsp.document import Document
from codegen_lsp.edits import Change
from codegen_lsp.synthesis import Asked, Proposal, below, said_next, stated_in
from codegen_lsp.turns import Origin

ORIGIN = Origin("nano", 0, 9, -0.5)
TEXT = "def f():\n    # add up\n    y = 2\n"


def document(text: str) -> Document:
    return Document("file:///a.py", "python", 1, text)


def asked_below(text: str) -> Asked:
    opened = document(text)
    at = text.index("# add")
    return below(stated_in(opened, at, at, Known())[0], opened)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(TEXT, "    # add up", id="nothing changed"),
        pytest.param("import os\n" + TEXT, "    # add up", id="lines above"),
        pytest.param(TEXT + "z = 3\n", "    # add up", id="lines below"),
        pytest.param(TEXT.replace("up\n", "up\n\n"), "    # add up", id="right below"),
        pytest.param("import os\n" + TEXT + "z = 3\n", "    # add up", id="on both sides"),
        pytest.param(TEXT.replace("add up", "add all up"), None, id="other words"),
        pytest.param(TEXT.replace("up\n", "up all\n"), None, id="more words"),
        pytest.param(TEXT.replace("    # add up\n", ""), None, id="gone"),
        pytest.param("", None, id="all gone"),
    ],
)
def test_where_a_comment_stands_now(now: str, expected: str | None) -> None:
    found = carried(asked_below(TEXT), document(now))
    if found is None:
        assert expected is None
        return
    assert now[found.start : found.border] == expected
    assert found.document.text == now


def test_of_two_equal_comments_the_changes_that_were_made_tell_which() -> None:
    """The code may be a comment like the others; two texts do not tell where it came in."""
    text, now = "# add up\n# add up\n", "# add up\n# add up\n# add up\n"
    first = asked_below(text)
    second = replace(first, start=9, change=Change(17, 17, ""))
    places = {}
    for at in (0, 9, 18):
        found = carried(second, document(now), [Change(at, at, "# add up\n")])
        places[at] = found.start if found else None
    assert places == {0: 18, 9: 18, 18: 9}


@pytest.mark.parametrize(
    ("now", "written"),
    [
        ("x = 1\n", "x = 1\n\n# add up\ny\n"),
        ("import os\nx = 1\n", "import os\nx = 1\n\n# add up\ny\n"),
        ("x = 12\n", "x = 12\n\n# add up\ny\n"),
        ("x = 1\nz\n", "x = 1\n\n# add up\ny\nz\n"),
    ],
)
def test_where_a_comment_is_to_be_written_now(now: str, written: str) -> None:
    found = carried(said_next("add up", document("x = 1\n"), 0), document(now))
    assert found is not None
    assert Proposal(found, found.lead + "y", ORIGIN).result == written


def test_code_goes_as_deep_as_its_comment_is_now() -> None:
    asked = asked_below(TEXT)
    proposal = Proposal(asked, "\n    if x:\n        y\n\n    z", ORIGIN)
    deeper = replace(asked, lead="\r\n      ")
    assert anew(proposal, deeper).code == "\r\n      if x:\n          y\n\n      z"
    assert anew(proposal, asked) == proposal
