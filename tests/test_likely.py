"""Cursors that follow edits: text with a cursor, the text afterwards, and where the cursor is then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.document import Document
from codegen_lsp.likely import Place, follow
from tests.marked import CURSOR, at_cursor

text = st.text(alphabet="ab \r\n", max_size=12)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("x = <CURSOR>\n", "x = 1<CURSOR>\n", id="typed"),
        pytest.param("x = 12<CURSOR>\n", "x = <CURSOR>\n", id="deleted"),
        pytest.param("x = <CURSOR>\n", "x = f(\n    1\n)<CURSOR>\n", id="accepted several lines"),
        pytest.param("a\nb<CURSOR>", "import os\na\nb<CURSOR>", id="a line added above"),
        pytest.param("import os\na\nb<CURSOR>", "a\nb<CURSOR>", id="a line removed above"),
        pytest.param("a  = 1\n\nb<CURSOR>", "a = 1\n\nb<CURSOR>", id="a line formatted above"),
        pytest.param("a\r\nb<CURSOR>", "c\r\na\r\nb<CURSOR>", id="above, with another line end"),
        pytest.param("a\rb<CURSOR>", "c\ra\rb<CURSOR>", id="above, with the rarest line end"),
        pytest.param("a<CURSOR>\nb\n", "a\nbc<CURSOR>\n", id="edited below"),
        pytest.param("a = b<CURSOR>", "aa<CURSOR> = b", id="edited in the same line"),
        pytest.param("b = 1<CURSOR>", "c<CURSOR> = 1", id="replaced in the same line"),
        pytest.param("aa<CURSOR>", "a<CURSOR>", id="one of two that are equal deleted"),
        pytest.param("a<CURSOR>b", "a<CURSOR>b", id="not edited"),
        pytest.param("ab<CURSOR>", "<CURSOR>", id="emptied"),
    ],
)
def test_follow(before: str, after: str) -> None:
    document, offset = at_cursor(before)
    edited, expected = at_cursor(after)
    edited = replace(edited, version=2)
    assert follow(Place(document, offset), edited) == Place(edited, expected)


def test_a_cursor_that_nobody_knows_is_known_after_an_edit() -> None:
    document, _ = at_cursor("a\nb\nc" + CURSOR)
    edited, offset = at_cursor("a\nbd" + CURSOR + "\nc")
    assert follow(Place(document, None), document).offset is None
    assert follow(Place(document, None), edited).offset == offset


@given(text, text, text, text, st.integers(0, 36))
def test_the_cursor_stays_in_the_text_and_outside_what_did_not_change(
    start: str, old: str, new: str, end: str, at: int
) -> None:
    document = Document("file:///t", "python", 1, start + old + end)
    edited = Document("file:///t", "python", 2, start + new + end)
    offset = min(at, len(document.text))
    found = follow(Place(document, offset), edited).offset
    assert found is not None
    assert 0 <= found <= len(edited.text)
    if len(start) + len(old) < offset and "\n" in document.text[len(start + old) : offset]:
        assert edited.text[found:] == document.text[offset:]
