"""What is suggested where: by somebody's typing, and by asking for it."""

from __future__ import annotations

import pytest

from codegen_lsp.extent import Extent, extent_at
from tests.marked import context_at

# language, text, what who types gets and why
AUTOMATIC = [
    ("python", "<CURSOR>", "line", "a statement can begin"),
    ("python", "import os\n\n\n<CURSOR>", "line", "a statement can begin"),
    ("python", "def f():\n    x = 1\n    <CURSOR>\n    return x\n", "line",
     "a statement can begin"),
    ("python", "def f():<CURSOR>", "block", "the block behind the header is empty"),
    ("python", "def f():\n    <CURSOR>", "block", "the block behind the header is empty"),
    ("python", "class A:\n    def f(self):\n        <CURSOR>\n\n    def g(self):\n        pass\n",
     "block", "the block behind the header is empty"),
    ("python", "if a:\n    b()\nelse:\n    <CURSOR>\nc()\n", "block",
     "the block behind the header is empty"),
    ("python", 'def f(a):\n    """Say it."""\n    <CURSOR>\n', "block",
     "the block behind the header is empty"),
    ("python", "x = {\n    <CURSOR>\n}\n", "line", "a statement can begin"),
    ("python", "f(\n    a,\n    <CURSOR>\n)\n", "line", "a statement can begin"),
    ("python", "@property\n<CURSOR>\n", "line", "a statement can begin"),
    ("python", "# read the file and count its words\n<CURSOR>", "block",
     "the comment above says what follows"),
    ("python", "def f():\n    a = 1\n    # add the others to it\n    <CURSOR>\n    return a\n",
     "block", "the comment above says what follows"),
    ("python", "#!/usr/bin/env python\n<CURSOR>", "line", "a statement can begin"),
    ("python", "# ----------\n<CURSOR>", "line", "a statement can begin"),
    ("python", "a = 1  # the first of them\n<CURSOR>", "line", "a statement can begin"),
    ("python", "# the first of them\n\n<CURSOR>", "line", "a statement can begin"),
    ("python", "return <CURSOR>", "line", "a statement was begun"),
    ("python", "self.<CURSOR>", "line", "a statement was begun"),
    ("python", "x = fo<CURSOR>", "line", "a statement was begun"),
    ("python", "def f(a, b)<CURSOR>", "line", "a statement was begun"),
    ("python", "if f(a)<CURSOR>", "line", "a statement was begun"),
    ("python", "assert f(a)<CURSOR>", "line", "a statement was begun"),
    ("python", "x = a1<CURSOR>", "line", "a statement was begun"),
    ("python", "f(a, b<CURSOR>", "line", "a statement was begun"),
    ("python", "x = 1<CURSOR>", "nothing", "the statement is complete"),
    ("python", "x = f(a)<CURSOR>", "nothing", "the statement is complete"),
    ("python", "x = 'a'<CURSOR>", "nothing", "the statement is complete"),
    ("python", "for a in b:\n    pass<CURSOR>", "nothing", "the statement is complete"),
    ("python", "x = [\n    1,\n]<CURSOR>", "nothing", "the statement is complete"),
    ("python", "def f(\n    a,\n)<CURSOR>", "line", "a statement was begun"),
    ("python", "f(<CURSOR>)", "line", "code follows on the line"),
    ("python", "f(<CURSOR>, b)", "line", "code follows on the line"),
    ("python", "x = f(<CURSOR>)])}\"'`;", "line", "code follows on the line"),
    ("python", "x = f(<CURSOR>, 'abcdefgh')", "nothing", "too much follows on the line"),
    ("python", "x = <CURSOR> + abcdefgh", "nothing", "too much follows on the line"),
    ("python", "x = fo<CURSOR>o", "nothing", "a word follows the cursor"),
    ("python", "x = <CURSOR>foo", "nothing", "a word follows the cursor"),
    ("python", "# say <CURSOR>", "nothing", "in a comment"),
    ("python", "x = 1  # say <CURSOR>\ny = 2\n", "nothing", "in a comment"),
    ("python", "x = '<CURSOR>'", "nothing", "in a string"),
    ("python", "x = 'a <CURSOR>'\n", "nothing", "in a string"),
    ("python", 'def f():\n    """Say it.\n    <CURSOR>\n    """\n', "nothing", "in a string"),
    ("python", 'def f():\n    """<CURSOR>"""\n', "line", "code follows on the line"),
    ("python", 'def f():\n    """<CURSOR>\n    return 1\n', "line", "a statement was begun"),
    ("python", "x = f'{<CURSOR>}'\n", "line", "code follows on the line"),
    ("python", "x = f'a {b.<CURSOR>}'\n", "line", "code follows on the line"),
    ("python", "x = f'a {{<CURSOR>'\n", "nothing", "in a string"),
    ("python", "x = f'a {b} <CURSOR>'\n", "nothing", "in a string"),
    ("python", "x = '{<CURSOR>}'\n", "nothing", "in a string"),
    ("c", "int f(int a) {<CURSOR>\n", "block", "the block behind the header is empty"),
    ("c", "int f(int a) {\n    <CURSOR>\n}\n", "block", "the block behind the header is empty"),
    ("c", "int f(int a) {\n    a = 1;<CURSOR>\n}\n", "nothing", "the statement is complete"),
    ("c", "int f(int a) {\n    for (int i = 0;<CURSOR>\n}\n", "line", "a statement was begun"),
    ("c", "int f(int a) {\n    g(a)<CURSOR>\n}\n", "line", "a statement was begun"),
    ("c", "int f(int a) {\n    return 1;\n}<CURSOR>\n", "nothing", "the statement is complete"),
    ("c", "int f() {\n    // sum of all of them\n    <CURSOR>\n}\n", "block",
     "the comment above says what follows"),
    ("c", "/* Adds one\n * and more. */\n<CURSOR>\n", "block",
     "the comment above says what follows"),
    ("cpp", "int f() {\n    // return first;\n    <CURSOR>\n    return 1;\n}\n", "line",
     "a statement can begin"),
    ("cpp", "class A {\n  int b;\n  <CURSOR>\n};\n", "line", "a statement can begin"),
    ("cpp", "// say <CURSOR>\n", "nothing", "in a comment"),
    ("cpp", "auto a = \"<CURSOR>\";\n", "nothing", "in a string"),
    ("go", "func f() {\n\t<CURSOR>\n}\n", "block", "the block behind the header is empty"),
    ("go", "func f() {\n\tx := g(a)<CURSOR>\n}\n", "nothing", "the statement is complete"),
    ("go", "func f(a int)<CURSOR>\n", "line", "a statement was begun"),
    ("java", "class A {\n    int f() {\n        <CURSOR>\n    }\n}\n", "block",
     "the block behind the header is empty"),
    ("java", "class A {\n    int b;<CURSOR>\n}\n", "nothing", "the statement is complete"),
    ("java", "class A {\n    /** Adds one. */\n    <CURSOR>\n}\n", "block",
     "the comment above says what follows"),
    ("rust", "fn f() {\n    <CURSOR>\n}\n", "block", "the block behind the header is empty"),
    ("rust", "fn f() {\n    let a = 1;<CURSOR>\n}\n", "nothing", "the statement is complete"),
    ("rust", "fn f() {\n    g(a)<CURSOR>\n}\n", "line", "a statement was begun"),
    ("javascript", "function f() {\n  <CURSOR>\n}\n", "block",
     "the block behind the header is empty"),
    ("javascript", "function f() {<CURSOR>}\n", "line", "code follows on the line"),
    ("javascript", "const a = {\n  b: 1,\n  <CURSOR>\n};\n", "line", "a statement can begin"),
    ("javascript", "f(a)<CURSOR>\n", "nothing", "the statement is complete"),
    ("javascript", "const f = (a) => {\n  <CURSOR>\n};\n", "block",
     "the block behind the header is empty"),
    ("javascript", "x = `a ${<CURSOR>}`;\n", "line", "code follows on the line"),
    ("typescript", "interface A {\n  b: number;<CURSOR>\n}\n", "nothing",
     "the statement is complete"),
    ("typescriptreact", "const a = <button>b <CURSOR></button>;\n", "line",
     "code follows on the line"),
    ("typescriptreact", "const a = <b c={<CURSOR>}>d</b>;\n", "line", "code follows on the line"),
    ("plaintext", "anything <CURSOR>", "line", "a statement was begun"),
    ("plaintext", "x = 1<CURSOR>", "line", "a statement was begun"),
]  # fmt: skip

# Who asks gets something.
INVOKED = [
    ("python", "x = fo<CURSOR>o", "line"),
    ("python", "# say <CURSOR>", "line"),
    ("python", "x = '<CURSOR>'", "line"),
    ("python", "x = 1<CURSOR>", "line"),
    ("python", "x = <CURSOR> + abcdefgh", "line"),
    ("python", "def f():\n    x = 1\n    <CURSOR>\n", "block"),
    ("python", "<CURSOR>", "block"),
    ("c", "int f(int a) {\n    a = 1;<CURSOR>\n}\n", "line"),
]


@pytest.mark.parametrize(("language", "marked", "extent", "reason"), AUTOMATIC)
def test_who_types(language: str, marked: str, extent: str, reason: str) -> None:
    decision = extent_at(context_at(marked, language), invoked=False, just_deleted=False)
    assert (decision.extent.value, decision.reason) == (extent, reason)


@pytest.mark.parametrize(("language", "marked", "extent"), INVOKED)
def test_who_asks(language: str, marked: str, extent: str) -> None:
    decision = extent_at(context_at(marked, language), invoked=True, just_deleted=False)
    assert decision.extent.value == extent


def test_after_a_deletion_only_who_asks_gets_something() -> None:
    context = context_at("def f():\n    <CURSOR>")
    typed = extent_at(context, invoked=False, just_deleted=True)
    assert (typed.extent, typed.reason) == (Extent.NOTHING, "something was just deleted")
    assert extent_at(context, invoked=True, just_deleted=True).extent is Extent.BLOCK
