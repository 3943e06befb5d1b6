"""What an editor adds to what is typed. A piece is what stands between `<` and `>`; what is shown is the
text with the cursor as `|`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.evaluate.pairs import (
    Edit,
    Page,
    backspace,
    clear_away,
    empty_page,
    insert,
    press,
)
from codegen_lsp.evaluate.typist import keys


def page_of(marked: str, language: str) -> Page:
    before, _, rest = marked.partition("<")
    piece, _, behind = rest.partition(">")
    return empty_page(before, piece, behind, language)


def typed(page: Page, n_characters: int) -> Page:
    """So many characters of its piece typed, and what is in the way cleared away."""
    while len(page.typed) < n_characters:
        if (cleared := clear_away(page)) is not None:
            page = cleared[1]
            continue
        page = press(page, keys(page.piece[len(page.typed) :])[0])[1]
    return page


def shown(page: Page) -> str:
    return f"{page.left}|{page.right}"


def check(marked: str, upto: str, expected: str, language: str = "python") -> None:
    page = page_of(marked, language)
    page = typed(page, len(upto))
    assert page.typed == upto
    assert shown(page) == expected
    assert_it_ends_right(page)


def assert_it_ends_right(page: Page) -> None:
    page = typed(page, len(page.piece))
    while (cleared := clear_away(page)) is not None:
        page = cleared[1]
    assert shown(page) == f"{page.before}{page.piece}|{page.behind}"
    assert page.ahead == ()


@pytest.mark.parametrize(
    ("marked", "upto", "expected"),
    [
        pytest.param("<f(a)>", "f(", "f(|)", id="a bracket is closed"),
        pytest.param("<f(a)>", "f(a", "f(a|)", id="and goes along"),
        pytest.param("<f(a)>", "f(a)", "f(a)|", id="and is gone over"),
        pytest.param("<f([{}])>", "f([{", "f([{|}])", id="brackets in brackets"),
        pytest.param("<f([{}])>", "f([{}", "f([{}|])", id="and over each in turn"),
        pytest.param("<f(a)>b", "f(", "f(|b", id="not before a word"),
        pytest.param("<f(a)>.b", "f(", "f(|).b", id="before a member"),
        pytest.param("<f(a)>'b'", "f(", "f(|)'b'", id="before a quote"),
        pytest.param('f(<"a">)', '"', 'f("|")', id="a quote before a bracket"),
        pytest.param("<'a' >'b'", "'", "'|'b'", id="but no quote before a quote"),
        pytest.param('<x = "a">\n', 'x = "', 'x = "|"\n', id="a quote is closed"),
        pytest.param('<x = "a">\n', 'x = "a"', 'x = "a"|\n', id="and is gone over"),
        pytest.param("<# don't>\n", "# don'", "# don'|\n", id="no apostrophe"),
        pytest.param("<# 'a'>\n", "# '", "# '|\n", id="no quote in a comment"),
        pytest.param('<"a\'b">\n', "\"a'", '"a\'|"\n', id="nor in a string"),
        pytest.param('<x = rb"a">\n', 'x = rb"', 'x = rb"|"\n', id="a prefix is no word"),
        pytest.param("<x = u'a'>\n", "x = u'", "x = u'|'\n", id="no prefix either"),
        pytest.param(
            r'<"a\"b">' + "\n", r'"a\"', r'"a\"|"' + "\n", id="not over behind a backslash"
        ),
        pytest.param('<"""a""">\n', '""', '""|\n', id="two quotes are a string"),
        pytest.param('<"""a""">\n', '"""', '"""|"\n', id="three begin one"),
        pytest.param('<"""a""">\n', '"""a"""', '"""a"""|\n', id="which ends with three"),
        pytest.param('<"(">\n', '"(', '"(|)"\n', id="a bracket in a string"),
        pytest.param('<"(">\n', '"("', '"("|\n', id="is deleted where nothing closes it"),
        pytest.param("<f(\n    a\n)>", "f(\n    ", "f(\n    |\n)", id="Enter between brackets"),
        pytest.param("<f(\n    a\n)>", "f(\n    a\n", "f(\n    a\n|)", id="down, and not a line"),
        pytest.param("<f(\n    a\n)>", "f(\n    a\n)", "f(\n    a\n)|", id="and over"),
        pytest.param("<f(\n  a)>", "f(\n  a", "f(\n  a|\n)", id="another style begins alike"),
        pytest.param("<f(\n  a)>", "f(\n  a)", "f(\n  a)|", id="and pulls it up"),
        pytest.param(
            "  <f([\n    a\n  ])>", "f([\n    ", "  f([\n    |\n  ])", id="as deep as its line"
        ),
        pytest.param("<f(a,\n  b)>", "f(a,\n  ", "f(a,\n  |)", id="Enter behind an argument"),
        pytest.param("<f(\r\n a\r\n)>", "f(\r\n ", "f(\r\n |\r\n)", id="CRLF"),
        pytest.param("<f(\n\n a\n)>", "f(\n\n ", "f(\n\n |\n)", id="an empty line first"),
        pytest.param("<f(\n a\n\n)>", "f(\n a\n", "f(\n a\n|\n)", id="an empty line last"),
        pytest.param("<f(>a)", "f(", "f(|a)", id="closed behind the piece already"),
        pytest.param("<f(>)", "f", "f|)", id="what stands behind the piece"),
    ],
)
def test_python(marked: str, upto: str, expected: str) -> None:
    check(marked, upto, expected)


@pytest.mark.parametrize(
    ("language", "marked", "upto", "expected"),
    [
        pytest.param("c", "<f() {\n\ta;\n}>", "f() {\n\t", "f() {\n\t|\n}", id="a block of C"),
        pytest.param("c", "<L'a'>;", "L'", "L'|;", id="C knows no prefix"),
        pytest.param("rust", "<x = 'a'>;", "x = '", "x = '|;", id="half of Rust's are lifetimes"),
        pytest.param("rust", '<r#"a"#>;', 'r#"', 'r#"|";', id="a raw string"),
        pytest.param("javascript", "<`${a}`>;", "`${", "`${|}`;", id="a template"),
        pytest.param("javascript", "<f(a,\n  b\n)>", "f(a,\n  ", "f(a,\n  |\n)", id="JavaScript"),
        pytest.param("go", "<f(a,\n  b)>", "f(a,\n  ", "f(a,\n  |)", id="Go"),
        pytest.param("plaintext", "<(a)>", "(", "(|)", id="any text"),
    ],
)
def test_other_languages(language: str, marked: str, upto: str, expected: str) -> None:
    check(marked, upto, expected, language)


def test_edits_say_what_changed_and_where_the_cursor_is() -> None:
    page = empty_page("x = ", "f(\n  a\n)", "\n", "python")
    _, page = press(page, "f")
    edit, page = press(page, "(")
    assert edit == Edit(5, 5, "()", 6)
    edit, page = press(page, "\n  ")
    assert edit == Edit(6, 6, "\n  \n", 9)
    _, page = press(page, "a")
    edit, page = press(page, "\n")
    assert edit == Edit(10, 11, "\n", 11)
    edit, page = press(page, ")")
    assert edit == Edit(11, 12, ")", 12)


def test_backspace_deletes_an_empty_pair_that_was_put_in() -> None:
    _, page = press(empty_page("", "f(a)", "\n", "python"), "(")
    edit, page = backspace(page)
    assert edit == Edit(0, 2, "", 0)
    assert shown(page) == "|\n"
    _, page = press(empty_page("f", "(a)", ")\n", "python"), "(")
    assert shown(page) == "f(|))\n"
    _, page = press(page, "a")
    edit, page = backspace(page)
    assert (edit, shown(page)) == (Edit(2, 3, "", 2), "f(|))\n")
    edit, page = backspace(page)
    assert (edit, shown(page)) == (Edit(1, 3, "", 1), "f|)\n")


def test_nothing_is_cleared_away_behind_a_typo() -> None:
    page = typed(page_of("<(a>\n", "python"), 1)  # its bracket will not be closed
    assert shown(page) == "(|)\n"
    _, wrong = press(page, "x")
    assert clear_away(wrong) is None
    edit_and_page = clear_away(page)
    assert edit_and_page is not None
    assert edit_and_page[0] == Edit(1, 2, "", 1)


CODE = st.text(st.sampled_from("ab(){}[]'\"`\\ #,.\n\r\t/"), max_size=40)
LANGUAGES = st.sampled_from(("python", "javascript", "rust", "go", "plaintext"))


@given(CODE, CODE, CODE, LANGUAGES, st.data())
def test_the_file_says_in_the_end_what_it_said(
    before: str, piece: str, behind: str, language: str, data: st.DataObject
) -> None:
    page = empty_page(before, piece, behind, language)
    text = before + behind
    n_presses = 0
    while True:
        rest = page.rest
        assert rest is not None
        done = clear_away(page)
        if done is None and not rest:
            break
        if done is None:
            pressed = keys(rest)
            n_free = page.ahead[0].at - len(page.typed) if page.ahead else len(rest)
            n_taken = data.draw(st.integers(0, max(0, min(n_free, len(rest)))))
            done = insert(page, rest[:n_taken]) if n_taken else press(page, pressed[0])
        edit, page = done
        text = text[: edit.start] + edit.text + text[edit.end :]
        assert (text, edit.cursor) == (page.left + page.right, page.cursor)
        n_presses += 1
        assert n_presses <= 3 * len(piece) + 1
    assert page.typed == piece
    assert page.ahead == ()
    assert text == before + piece + behind
