from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.context import BLOCK, MAX_LINE, MAX_TEXT, WINDOW, Context, gather
from codegen_lsp.document import Document
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.symbols import Symbol, outline
from codegen_lsp.syntax import parse
from codegen_lsp.talk import Talk
from tests.marked import at_cursor, context_at
from tests.spoken import turns_in


def test_prefix_and_suffix() -> None:
    context = context_at("import os\nx = <CURSOR>)\ny\n")
    assert (context.prefix, context.suffix) == ("import os\nx = ", ")\ny\n")
    assert (context.line_before, context.line_after) == ("x = ", ")")


@pytest.mark.parametrize(
    ("marked", "language", "prefix", "suffix"),
    [
        pytest.param("a\r\nb\rc<CURSOR>\r\nd", "python", "a\nb\nc", "\nd", id="line ends"),
        pytest.param("a\r<CURSOR>\nb", "python", "a", "\nb", id="within a line end"),
        pytest.param("\tif x:\n\t\t<CURSOR>y", "python", "    if x:\n        ", "y", id="tabs"),
        pytest.param("\t<CURSOR>\tx", "python", "    ", "    x", id="between tabs"),
        pytest.param("\t\t<CURSOR>x", "go", "\t\t", "x", id="tabs that stay"),
        pytest.param("אב<CURSOR>ג\ne\u0301", "python", "אב", "ג\ne\u0301", id="right to left"),
        pytest.param("😀\n😀<CURSOR>", "python", "😀\n😀", "", id="beyond the BMP"),
        pytest.param("\x0c\n\u2028<CURSOR>x", "python", "\x0c\n\u2028", "x", id="no line ends"),
    ],
)
def test_the_normal_form_around_the_cursor(
    marked: str, language: str, prefix: str, suffix: str
) -> None:
    context = context_at(marked, language)
    assert (context.prefix, context.suffix) == (prefix, suffix)
    assert context.parsed.text == prefix + suffix
    assert context.offset == len(prefix)


@pytest.mark.parametrize(
    ("marked", "answer", "restored"),
    [
        pytest.param("a\r\n<CURSOR>", "b\nc", "b\r\nc", id="line ends"),
        pytest.param("def f():\n\tx\n\t<CURSOR>", "if x:\n        y", "if x:\n\t\ty", id="tabs"),
        pytest.param("def f():\n\tx\n<CURSOR>", "    y\n    z", "\ty\n\tz", id="at a line's start"),
        pytest.param("a\r\nb\n<CURSOR>", "c\nd", "c\nd", id="mixed: as the line above"),
        pytest.param("a\n<CURSOR>", "b\nc", "b\nc", id="nothing to do"),
    ],
)
def test_an_answer_is_given_back_in_the_documents_style(
    marked: str, answer: str, restored: str
) -> None:
    assert context_at(marked).restored(answer) == restored


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param("x" * MAX_LINE + "<CURSOR>y", id="an overlong line"),
        pytest.param("\0ELF\n<CURSOR>", id="binary"),
        pytest.param("<CURSOR>\n" + "x\n" * 50_000 + "\0", id="binary far away"),
    ],
)
def test_nothing_is_said_about_what_nobody_types(marked: str) -> None:
    assert gather(*at_cursor(marked)) is None


def test_an_overlong_line_elsewhere_does_not_matter() -> None:
    assert gather(*at_cursor("x" * MAX_LINE + "\n<CURSOR>y")) is not None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_long_prefix_begins_at_a_line(end: str) -> None:
    lines = [f"line {n:5} {'.' * 30}" for n in range(2_000)]
    document = Document("file:///t", "plaintext", 1, end.join(lines))
    context = gather(document, len(document.text))
    assert context is not None
    assert WINDOW - 100 < len(context.prefix) <= WINDOW
    assert context.prefix.startswith(lines[context.first_line] + "\n")
    assert context.parsed.text == "\n".join(lines)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_of_a_huge_text_only_a_part_is_looked_at(end: str) -> None:
    lines = [f"line {n:8}" for n in range(MAX_TEXT // 10)]
    document = Document("file:///t", "python", 1, end.join(lines))
    offsets = [0, 8 * BLOCK + 50, 8 * BLOCK - 50, len(document.text) // 2, len(document.text)]
    for offset in offsets:
        context = gather(document, offset)
        assert context is not None
        assert len(context.parsed.text) <= 3 * BLOCK + 100
        assert context.parsed.text.startswith(context.prefix, context.offset - len(context.prefix))
        assert context.first_line > 0
        assert context.prefix.lstrip("\n").partition("\n")[0] in (lines if offset else [""])
        around = document.text[max(0, offset - 500) : offset + 500].replace(end, "\n")
        assert around in context.prefix + context.suffix


def test_the_part_of_a_huge_text_stays_where_it_is_from_key_to_key() -> None:
    text = "x = 1\n" * (MAX_TEXT // 5)
    begins = set()
    for offset in range(MAX_TEXT // 2, MAX_TEXT // 2 + 50):
        context = gather(Document("file:///t", "plaintext", 1, text), offset)
        assert context is not None
        begins.add(offset - context.offset)
    assert len(begins) == 1


def test_what_was_parsed_before_is_made_use_of() -> None:
    document, offset = at_cursor("def f():\n    <CURSOR>\n")
    context = gather(document, offset)
    assert context is not None
    again = gather(document, offset, context.parsed)
    assert again is not None
    assert again.parsed is context.parsed


@given(st.text("ab \t\r\n", max_size=100), st.data())
def test_prefix_and_suffix_are_the_text(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    context = gather(Document("file:///t", "go", 1, text), offset)
    assert context is not None
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    assert context.prefix + context.suffix == context.parsed.text == unified


CART = '''
class Cart:
    """What somebody is about to buy."""

    def add(self, item: str, count: int = 1) -> None:
        self.items[item] += count
'''


def surrounded(marked: str) -> Context:
    surroundings = Surroundings()
    surroundings.put_outline("shop/cart.py", outline(parse(CART, "python")))
    document, offset = at_cursor(marked)
    context = gather(document, offset, surroundings=surroundings, path="shop/order.py")
    assert context is not None
    return context


def test_other_files_say_what_names_near_the_cursor_mean() -> None:
    chunks = surrounded("from shop.cart import Cart\n\ncart = Cart()\ncart.<CURSOR>").elsewhere
    assert chunks[0].path == "shop/cart.py"
    assert "def add(self, item: str, count: int = 1) -> None" in chunks[0].text


def test_what_the_file_defines_itself_is_not_looked_up_elsewhere() -> None:
    assert surrounded("from shop import cart\nclass Cart: pass\n\nCart<CURSOR>").elsewhere == ()


def test_names_far_above_the_cursor_do_not_matter() -> None:
    begin = "from shop.cart import Cart\n"
    assert surrounded(begin + "x = 1\n" * 100 + "<CURSOR>").elsewhere == ()
    assert surrounded(begin + "x = 1\n" * 5 + "<CURSOR>").elsewhere != ()


def test_what_is_imported_comes_first() -> None:
    surroundings = Surroundings()
    for name in ("Cart", "Item"):
        surroundings.put_outline(f"shop/{name}.java", (Symbol(name, f"class {name}"),))
    marked = "import shop.Cart;\nclass A {\n  Cart cart = new Item(<CURSOR>\n"
    document, offset = at_cursor(marked, "java")
    context = gather(document, offset, surroundings=surroundings, path="shop/A.java")
    assert context is not None
    assert [chunk.text for chunk in context.elsewhere] == ["class Cart", "class Item"]


def test_what_is_not_imported_is_not_in_sight() -> None:
    assert surrounded("Cart<CURSOR>").elsewhere == ()


def test_without_surroundings_there_are_no_chunks() -> None:
    assert context_at("Cart<CURSOR>").elsewhere == ()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_turns_above_the_cursor_have_their_places_in_the_normal_form(newline: str) -> None:
    text = "if x:\n\t# set y\n\ty = 1\n\n# set z\nz = 2\n# set u\nu = 3\n".replace("\n", newline)
    pairs = (("set y", "y = 1"), ("set z", "z = 2"), ("set u", "u = 3"))
    talk = Talk(turns_in(text, *pairs).turns)
    context = gather(Document("file:///a", "python", 1, text), text.index("2"), talk=talk)
    assert context is not None
    shown = [context.parsed.text[turn.start : turn.end] for turn in context.turns]
    assert shown == ["    # set y\n    y = 1", "# set z\nz = 2"]
