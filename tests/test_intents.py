"""What a comment states: found around a cursor, and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.intents import Intent, as_comment, intent_at, intents_in
from codegen_lsp.languages import LANGUAGES
from codegen_lsp.syntax import Parsed, parse
from tests.marked import CURSOR, at_cursor

# language, text with the cursor, what is stated
STATED = [
    pytest.param("python", "# read the file\n<CURSOR>", "read the file", id="right above"),
    pytest.param("python", "# read <CURSOR>the file\n", "read the file", id="under the cursor"),
    pytest.param("python", "<CURSOR># read the file\n", "read the file", id="before its mark"),
    pytest.param("python", "# read the file<CURSOR>", "read the file", id="at the text's end"),
    pytest.param("python", "# read the file\n\n    <CURSOR>", "read the file",
                 id="a blank line between"),
    pytest.param("python", "# read the file\n\n\n<CURSOR>", None, id="two blank lines between"),
    pytest.param("python", "# read the file\n<CURSOR>x = 1", None, id="code follows on the line"),
    pytest.param("python", "# read the file\nx = 1<CURSOR>", None, id="behind code"),
    pytest.param("python", "# read the file\nx = 1\n<CURSOR>", None, id="code between"),
    pytest.param("python", "<CURSOR>\n# read the file\n", None, id="below the cursor"),
    pytest.param("python", "<CURSOR>", None, id="an empty text"),
    pytest.param("python", "# read the file\n# and count\n<CURSOR># its words\n",
                 "read the file\nand count\nits words", id="several lines are one"),
    pytest.param("python", "# read the file\n#\n# count\n<CURSOR>", "read the file\n\ncount",
                 id="with a paragraph between"),
    pytest.param("python", "def f():\n    # read the file\n# and count\n<CURSOR>", "and count",
                 id="of one depth"),
    pytest.param("python", "x = 1  # the first\n# read the file\n<CURSOR>", "read the file",
                 id="what is behind code is another one"),
    pytest.param("python", "x = 1  # the first\n<CURSOR>", None,
                 id="behind code, and not asked about"),
    pytest.param("python", "x = '#'  # the <CURSOR>first\n", "the first", id="behind code, in it"),
    pytest.param("c", "int a; /* the <CURSOR>first */\n", "the first",
                 id="a block behind code, in it"),
    pytest.param("c", "/* the first */ int a;\n<CURSOR>", None, id="a block before code"),
    pytest.param("python", "#   a list:\n#     - one\n<CURSOR>", "a list:\n  - one",
                 id="what is indented stays so"),
    pytest.param("python", "##  read it  ##\n<CURSOR>", "read it  ##", id="a repeated mark"),
    pytest.param("python", "#: how many there are\n<CURSOR>", "how many there are", id="Sphinx's"),
    pytest.param("python", "# =====\n# Read it\n# -----\n<CURSOR>", "Read it",
                 id="rulers around it"),
    pytest.param("python", "x = '''\n# read the file\n<CURSOR>\n'''\n", None, id="in a string"),
    pytest.param("python", "x = '# read <CURSOR>the file'\n", None, id="a mark in a string"),
    pytest.param("python", "x = '''\n# say'''\n# read it\n<CURSOR>", "read it",
                 id="a string ends above"),
    pytest.param("javascript", "/// read it\n<CURSOR>", "read it", id="///"),
    pytest.param("javascript", "// read 'it'\n<CURSOR>", "read 'it'", id="//"),
    pytest.param("rust", "//! Reads it.\n<CURSOR>", "Reads it.", id="Rust's //!"),
    pytest.param("c", "/* read it */\n<CURSOR>", "read it", id="a block"),
    pytest.param("c", "<CURSOR>/* read it */", "read it", id="a block, before it"),
    pytest.param("c", "  /* read it */  <CURSOR>\n", "read it", id="a block, behind it"),
    pytest.param("c", "/* read it\n * and <CURSOR>count */\n", "read it\nand count",
                 id="with stars"),
    pytest.param("java",
                 "class A {\n    /**\n     * Reads it.\n     *\n     * @param a what\n     */\n"
                 "    <CURSOR>\n}\n", "Reads it.\n\n@param a what", id="Javadoc"),
    pytest.param("c", "/*\nread it\n  and count\n*/\n<CURSOR>", "read it\n  and count",
                 id="without stars"),
    pytest.param("c", "/* read it */\n/* and count */\n<CURSOR>", "read it\nand count",
                 id="several blocks are one"),
    pytest.param("c", "/* read /* it */\n<CURSOR>", "read /* it", id="a mark in a block"),
    pytest.param("c", "int a;\n/* read it\n<CURSOR>", None, id="a block that is not closed"),
    pytest.param("css", "/* make it\nround */\n<CURSOR>", "make it\nround",
                 id="blocks without a tree"),
    pytest.param("css", "a::before { content: '/*'; }\n/* make it */\n<CURSOR>", "make it",
                 id="a mark in a string, without a tree"),
    pytest.param("html", "<!-- a list\n     of all -->\n<CURSOR>", "a list\nof all", id="html"),
    pytest.param("lua", "-- read it\n--- and count\n<CURSOR>", "read it\nand count", id="lua"),
    pytest.param("lua", "--[[ read it\nand count ]]\n<CURSOR>", "read it\nand count",
                 id="lua's block"),
    pytest.param("lua", "--[[\nread it\n--]]\n<CURSOR>", "read it",
                 id="lua's block as lua writes it"),
    pytest.param("sql", "SELECT 1;\n-- all of them\n<CURSOR>", "all of them", id="sql"),
    pytest.param("haskell", "{- read it -}\n<CURSOR>", "read it", id="haskell"),
    pytest.param("bat", "rem read it\nREM\n:: and count\n<CURSOR>", "read it\n\nand count",
                 id="bat"),
    pytest.param("clojure", ";; read it\n<CURSOR>", "read it", id="clojure"),
    pytest.param("latex", "% read it\n<CURSOR>", "read it", id="latex"),
    pytest.param("shellscript", "#!/bin/sh\n# read it\n<CURSOR>", "read it", id="below a shebang"),
    pytest.param("plaintext", "# read it\n<CURSOR>", "read it",
                 id="a text of which nothing is known"),
    pytest.param("json", "// read it\n<CURSOR>", None, id="a language without comments"),
    pytest.param("python", "#!/usr/bin/env python\n<CURSOR>", None, id="a shebang"),
    pytest.param("python", "#!/usr/bin/env py<CURSOR>thon\n", None, id="in a shebang"),
    pytest.param("python", "#!/bin/env python\n# vim: set fileencoding=utf-8 :\n<CURSOR>", None,
                 id="an encoding"),
    pytest.param("python", "# Copyright (c) 2024 Somebody\n# All rights reserved\n<CURSOR>", None,
                 id="a licence"),
    pytest.param("python", "# SPDX-License-Identifier: MIT\n<CURSOR>", None, id="a licence's name"),
    pytest.param("python", "# print the copyright\n<CURSOR>", "print the copyright",
                 id="no licence"),
    pytest.param("python", "# ----------\n<CURSOR>", None, id="a ruler"),
    pytest.param("python", "# 12\n<CURSOR>", None, id="a number"),
    pytest.param("python", "x = 1\n\n# Decoding: read it\n<CURSOR>", "Decoding: read it",
                 id="no encoding"),
    pytest.param("python", "# read it<CURSOR>\n  # and count\n", "read it", id="of one depth, below"),
    pytest.param("lua", "-- read <CURSOR>it\n--[[ and count ]]\n", "read it", id="of one form"),
    pytest.param("c", "/* read it */\n  /* count */\n<CURSOR>", "count", id="blocks of one depth"),
    pytest.param("c", "/* read<CURSOR> it */\n  /* count */\n", "read it",
                 id="blocks of one depth, below"),
    pytest.param("c", "/* read<CURSOR> it */\n/* count */\n", "read it\ncount",
                 id="several blocks, from the first"),
    pytest.param("c", "/** Reads it. **/\n<CURSOR>", "Reads it.", id="a block with more stars"),
    pytest.param("html", "<!--\n* one\n* two\n-->\n<CURSOR>", "* one\n* two", id="a list's stars"),
    pytest.param("javascript", "function f() {\n  'use strict'\n  <CURSOR>\n}\n", None,
                 id="a string that is no docstring"),
    pytest.param("plaintext", "see issue #12 of it<CURSOR>", None, id="a mark in a text"),
    pytest.param("python", "# TODO读取文件\n<CURSOR>", "读取文件", id="TODO without a space"),
    pytest.param("python", "#\n<CURSOR>", None, id="an empty comment"),
    pytest.param("python", "# x = f(1)\n<CURSOR>", None, id="an assignment"),
    pytest.param("python", "# if x:\n#     return y[0]\n<CURSOR>", None, id="a statement"),
    pytest.param("python", "# break\n<CURSOR>", None, id="a keyword"),
    pytest.param("python", "# average (mean)\n<CURSOR>", "average (mean)",
                 id="like a call, but is none"),
    pytest.param("python", "# sort\n<CURSOR>", "sort", id="a word"),
    pytest.param("python", "# sort so that f(2) == 4\n<CURSOR>", "sort so that f(2) == 4",
                 id="code in words"),
    pytest.param("python", "# the dictionary is {1: 2}\n<CURSOR>", "the dictionary is {1: 2}",
                 id="a value at its end"),
    pytest.param("cpp", "// if (a) {\n//   b();\n<CURSOR>", None, id="a part of a statement"),
    pytest.param("kotlin", "// val a = b;\n<CURSOR>", None, id="a statement, without a tree"),
    pytest.param("python", "# TODO: read it\n<CURSOR>", "read it", id="TODO:"),
    pytest.param("python", "# TODO read it\n<CURSOR>", "read it", id="TODO"),
    pytest.param("python", "# FIXME(ann, #12): read it\n<CURSOR>", "read it",
                 id="FIXME with a name"),
    pytest.param("python", "# XXX - read it\n<CURSOR>", "read it", id="XXX with a dash"),
    pytest.param("python", "# todo: read it\n<CURSOR>", "read it", id="in small letters"),
    pytest.param("python", "# hack the planet\n<CURSOR>", "hack the planet",
                 id="a word that is no mark"),
    pytest.param("python", "# TODO：读取文件\n<CURSOR>", "读取文件", id="a wide colon"),
    pytest.param("python", "# TODO: read it\n# TODO: count\n<CURSOR>", "read it\n\ncount",
                 id="a second one begins a paragraph"),
    pytest.param("python", "# read all\n# TODO items\n<CURSOR>", "read all\nTODO items",
                 id="a word in a sentence"),
    pytest.param("python", "# TODO\n<CURSOR>", None, id="nothing but TODO"),
    pytest.param("java", "/* @todo read it */\n<CURSOR>", "read it", id="@todo"),
    pytest.param("python", "# 排序\n<CURSOR>", "排序", id="Chinese"),
    pytest.param("python", "# לקרוא את הקובץ\n<CURSOR>", "לקרוא את הקובץ", id="Hebrew"),
    pytest.param("go", "// прочитать файл\n<CURSOR>", "прочитать файл", id="Russian"),
]  # fmt: skip

DOCSTRINGS = [
    pytest.param('def f(a):\n    """Read it."""\n    <CURSOR>', "Read it.", id="right above"),
    pytest.param('def f(a):\n    """Read <CURSOR>it."""\n', "Read it.", id="under the cursor"),
    pytest.param('def f(a):\n    """Read it.\n\n    Then:\n        count.\n    """\n    <CURSOR>',
                 "Read it.\n\nThen:\n    count.", id="of several lines"),
    pytest.param('def f(a):\n    """\n    Read<CURSOR> it.\n    """\n    return 1\n', "Read it.",
                 id="begun on its second line"),
    pytest.param('def f(a):\n    """Read it."""\n\n<CURSOR>', "Read it.",
                 id="a blank line between"),
    pytest.param("class A:\n    'Reads it.'\n    <CURSOR>", "Reads it.",
                 id="a class's, single quotes"),
    pytest.param('class A:\n    """A."""\n    def f(self):\n        r"""Read it."""\n        <CURSOR>',
                 "Read it.", id="the innermost"),
    pytest.param('#!/bin/python\n"""Read it."""\n<CURSOR>', "Read it.", id="a module's"),
    pytest.param('def f():\n    """Read it."""\n    x = 1\n    <CURSOR>', None, id="code between"),
    pytest.param('def f():\n    """# read it."""\n    <CURSOR>', "# read it.", id="with a mark"),
    pytest.param('def f():\n    """TODO: read it."""\n    <CURSOR>', "read it.", id="with TODO"),
    pytest.param('def f():\n    x = """Read it."""\n    <CURSOR>', None, id="a string"),
    pytest.param('def f():\n    x = 1\n    """Read it."""\n    <CURSOR>', None, id="not the first"),
    pytest.param('def f(): """Read it."""\n    <CURSOR>', None, id="on the header's line"),
    pytest.param('def f():\n    """Read it.\n    <CURSOR>', None, id="not closed"),
    pytest.param('def f():\n    """Read it.""".strip()\n    <CURSOR>', None, id="code behind it"),
]  # fmt: skip

SELECTIONS = [
    pytest.param("python", "«# read it\nx = 1\n# count\n# them\n\n# say»\n",
                 ["read it", "count\nthem", "say"], id="in order"),
    pytest.param("python", "# read it\nx« = 1\n# co»unt\n# say it\n", ["count\nsay it"],
                 id="parts of them"),
    pytest.param("python", "# read it\n«x = 1\n»# count\n", [], id="up to the next line's start"),
    pytest.param("python", "«»# read it\n", ["read it"], id="a cursor"),
    pytest.param("python", "«# read it\nx = 1  # one\n# y = x[0]\n# ------»", ["read it"],
                 id="not behind code, nor code, nor a ruler"),
    pytest.param("python", "def f():\n    «'''Read it.'''\n    # count them\n    # x = 1»\n",
                 ["Read it.", "count them\nx = 1"], id="docstrings"),
    pytest.param("python", "x = '''\n«# read it\n'''»\n", [], id="no strings"),
    pytest.param("c", "/* read\n * i«t */\nint a;\n/* count */»", ["read\nit", "count"],
                 id="blocks"),
    pytest.param("c", "«/* the first */ int a;\nint b; /* the second */»", [], id="beside code"),
    pytest.param("c", "«»", [], id="an empty text"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "marked", "stated"), STATED)
def test_what_is_stated(language: str, marked: str, stated: str | None) -> None:
    found = intent_at(*parsed(marked, language))
    assert (found.text if found else None) == stated
    assert found is None or found.kind == "comment"


@pytest.mark.parametrize(("marked", "stated"), DOCSTRINGS)
def test_what_a_docstring_states(marked: str, stated: str | None) -> None:
    found = intent_at(*parsed(marked))
    assert (found.text if found else None) == stated
    assert found is None or found.kind == "docstring"


@pytest.mark.parametrize(
    ("language", "marked", "kept", "indent"),
    [
        ("python", "x\n«  # a b\n  # c\n»  <CURSOR>\n", "comment", "  "),
        ("python", "«# a b<CURSOR>»", "comment", ""),
        ("python", "«x = 1  # a b<CURSOR>\n»y", "comment", ""),
        ("c", "  {\n«    /* a b\n     * c */\n»<CURSOR>", "comment", "    "),
        ("python", "def f():\n«    '''A b.\n    '''\n»    <CURSOR>\n", "docstring", "    "),
    ],
)
def test_where_it_stands(language: str, marked: str, kept: str, indent: str) -> None:
    bare = marked.replace("«", "").replace("»", "")
    found = intent_at(*parsed(bare, language))
    unmarked = marked.replace(CURSOR, "")
    start, end = unmarked.index("«"), unmarked.index("»") - 1
    assert found is not None
    assert found == Intent(found.text, start, end, indent, found.kind)
    assert found.kind == kept


@pytest.mark.parametrize(("language", "marked", "stated"), SELECTIONS)
def test_what_a_selection_states(language: str, marked: str, stated: list[str]) -> None:
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    assert [found.text for found in intents_in(parse(text, language), start, end)] == stated


def test_far_from_the_last_edit() -> None:
    """There the tree of a large text is an excerpt's."""
    lines = "".join(f"# read file {n}\nvalue_{n} = {n}\n" for n in range(2_000))
    before = parse(lines, "python")
    broken = "x = (\n" + lines
    after = parse(broken, "python", before)
    assert after.tree is not after.whole
    found = intent_at(after, broken.rindex("# read"))
    assert found is not None
    assert found.text == "read file 1999"
    assert len(intents_in(after, 0, len(broken))) == 2_000


@pytest.mark.parametrize("language", ["python", "ruby", "c", "css"])
def test_ten_thousand_words(language: str) -> None:
    text = " ".join(f"word{n} don't (" for n in range(10_000))
    written = as_comment(text, language, "    ")
    found = intent_at(parse("\n" + written, language), len(written) // 2)
    assert found is not None
    assert found.text.split() == text.split()


@pytest.mark.parametrize(
    ("language", "text", "written"),
    [
        ("python", "read it", "  # read it\n"),
        ("python", "read it\n\n  - one\n", "  # read it\n  #\n  #   - one\n"),
        ("python", "w" * 50 + " " + "v" * 40, f"  # {'w' * 50}\n  # {'v' * 40}\n"),
        ("python", "w" * 200, f"  # {'w' * 200}\n"),
        ("python", "w" * 84 + " - b", f"  # {'w' * 84} -\n  # b\n"),
        ("python", ">>> " + "f(1)  " * 20, f"  # >>> {'f(1)  ' * 20}".rstrip() + "\n"),
        ("python", "read\u2028it\r", "  # read it\n"),
        ("python", " \n", ""),
        ("c", "read it", "  // read it\n"),
        ("c", "split at \\", "  /* split at \\ */\n"),
        ("c", "all\nbehind \\", "  /*\n   * all\n   * behind \\\n   */\n"),
        ("php", "end with ?>", "  // end with ? >\n"),
        ("sql", "read it", "  -- read it\n"),
        ("bat", "read\n\nit", "  rem read\n  rem\n  rem it\n"),
        ("css", "all of a*/b", "  /* all of a* /b */\n"),
        ("css", "read\n\nit", "  /*\n   * read\n   *\n   * it\n   */\n"),
        ("html", "read\nit", "  <!--\n   read\n   it\n  -->\n"),
        ("plaintext", "read it", "  # read it\n"),
        ("nobody's", "read it", "  # read it\n"),
        ("json", "read it", ""),
    ],
)
def test_as_comment(language: str, text: str, written: str) -> None:
    assert as_comment(text, language, "  ") == written


WORDS = st.sampled_from(
    [
        "read", "the", "file", "文件", "קובץ", "слово", "e.g.", "f(2)", "==", "4", "-", "1.", "a)", "*/",
        "-->", "don't", '"a b"', "`x`", "x[1]", "{", "}", "*", "#", "//", "!", "<!--", "--[[", ">>>",
        "?>", "ruler", "TODO", "\\", "w" * 90,
    ]
)  # fmt: skip
# No language parses this.
PROSE = "it is all of them"


@given(
    st.lists(
        st.lists(WORDS, max_size=25).map(lambda words: " ".join(["a", *words])), max_size=6
    ).map("\n".join),
    st.sampled_from(["", "    ", "        "]),
    st.sampled_from(sorted(LANGUAGES)),
    st.data(),
)
def test_what_is_written_is_found(
    text: str, indent: str, language: str, data: st.DataObject
) -> None:
    text = f"{PROSE} {text} {PROSE}"
    written = as_comment(text, language, indent)
    if not written:
        assert language in {"json", "vim"}
        return
    offset = data.draw(st.sampled_from([0, len(written) // 2, len(written) - 1, len(written)]))
    found = intent_at(parse(written + indent, language), offset)
    assert found is not None
    assert "".join(found.text.split()) == "".join(text.split())
    assert (found.start, found.end, found.indent) == (0, len(written), indent)


def parsed(marked: str, language: str = "python") -> tuple[Parsed, int]:
    document, offset = at_cursor(marked, language)
    return parse(document.text, language), offset
