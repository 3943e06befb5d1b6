from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.context import GRID, MAX_LINE, WINDOW, gather, newline
from codegen_lsp.document import Document
from tests.marked import at_cursor, context_at


def test_prefix_and_suffix() -> None:
    context = context_at("import os\nx = <CURSOR>)\ny\n")
    assert (context.prefix, context.suffix) == ("import os\nx = ", ")\ny\n")
    assert (context.line_before, context.line_after) == ("x = ", ")")


def test_line_ends_are_unified() -> None:
    context = context_at("a\r\nb\rc<CURSOR>\r\nd")
    assert (context.prefix, context.suffix) == ("a\nb\nc", "\nd")


def test_the_window_begins_on_the_grid_and_stays_there_from_key_to_key() -> None:
    line = "x = 1  # " + "." * 40 + "\n"
    document = Document("file:///t", "python", 1, line * 3000)
    firsts = set()
    for offset in range(len(document.text) // 2, len(document.text) // 2 + 100):
        context = gather(document, offset)
        assert context is not None
        assert context.first_line % GRID == 0
        assert len(context.prefix) <= WINDOW
        firsts.add(context.first_line)
    assert len(firsts) <= 2


def test_nothing_is_said_about_what_nobody_types() -> None:
    assert gather(*at_cursor("x" * MAX_LINE + "<CURSOR>y")) is None
    assert gather(*at_cursor("\0ELF\n<CURSOR>")) is None
    assert gather(*at_cursor("x" * MAX_LINE + "\n<CURSOR>y")) is not None


def test_newline() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert newline(Document("file:///t", "python", 1, f"a{end}b")) == end
    assert newline(Document("file:///t", "python", 1, "a")) == "\n"


@given(st.text("ab \t\n", max_size=200), st.data())
def test_prefix_and_suffix_are_the_text(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    context = gather(Document("file:///t", "python", 1, text), offset)
    assert context is not None
    assert context.prefix + context.suffix == text
    assert len(context.prefix) == offset
