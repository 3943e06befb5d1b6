from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.postprocess import is_complete, truncate, whole_lines
from tests.marked import cleaned, context_at, extent_of, with_ghost

PYTHON = [
    pytest.param("return <CURSOR>", "a + b", "return «a + b»", id="the rest of the line"),
    pytest.param("return <CURSOR>", "a + b\n\nx", "return «a + b»", id="one line is one line"),
    pytest.param("x = <CURSOR> + 1", "a\nb", "x = «a» + 1", id="code follows on the line"),
    pytest.param("f(<CURSOR>)", "a, b)", "f(«a, b»)", id="the closing bracket is there already"),
    pytest.param("f(<CURSOR>)", "g(a)", "f(«g(a)»)", id="a closing bracket of its own stays"),
    pytest.param("f(<CURSOR>):", "a):", "f(«a»):", id="the whole rest of the line is there"),
    pytest.param("x = <CURSOR>  ", "1   ", "x = «1»  ", id="no trailing spaces"),
    pytest.param("x = <CURSOR>", "  \n", "x = <CURSOR>", id="nothing but space is nothing"),
    pytest.param(
        "def f():\n    <CURSOR>\n", "a = 1\n    return a\n\ndef g():\n    pass",
        "def f():\n    «a = 1\n    return a»\n", id="the block ends where indentation ends",
    ),
    pytest.param(
        "def f():<CURSOR>", "\n    a = 1\n    return a\nx = 2",
        "def f():«\n    a = 1\n    return a»", id="a block behind its header",
    ),
    pytest.param(
        "def f():\n    <CURSOR>\n", "a = 1\n\n    b = 2",
        "def f():\n    «a = 1»\n", id="a new paragraph was not asked for",
    ),
    pytest.param(
        "def f():\n    <CURSOR>\n", "if a:\n\n        b = 2\n    c",
        "def f():\n    «if a:\n\n        b = 2\n    c»\n", id="a gap inside a block is no end",
    ),
    pytest.param(
        "def f():\n    <CURSOR>\n    return a\n", "a = 1\n    return a",
        "def f():\n    «a = 1»\n    return a\n", id="the next line is there already",
    ),
    pytest.param(
        "<CURSOR>", "a = load(x)\nb = 1\na = load(x)\nb = 1", "«a = load(x)\nb = 1»", id="no circles",
    ),
    pytest.param(
        "def f():\n    <CURSOR>", '"""Say it."""\n    return 1',
        'def f():\n    «"""Say it."""\n    return 1»', id="an indented docstring is no end",
    ),
    pytest.param(
        "def f():\n    <CURSOR>", "self.go()\n    self.go()\n",
        "def f():\n    «self.go()»", id="no circles where the first line is indented already",
    ),
    pytest.param(
        "import json\n<CURSOR>\n", "import json\nimport os", "import json\n<CURSOR>\n",
        id="the line above is not said again",
    ),
    pytest.param(
        "for a in b:\n    <CURSOR>", "if a.c():\n        if a.c():\n            d",
        "for a in b:\n    «if a.c():»", id="nor said again deeper",
    ),
    pytest.param(
        "f(<CURSOR>)", "a=None, b=None, c=None", "f(«a=None, b=None, c=None»)",
        id="alike is not the same",
    ),
    pytest.param("f(<CURSOR>)", "cols=None, " * 3, "f(«cols=None,»)", id="a longer stutter"),
    pytest.param("x: <CURSOR>", "Any, Any, Any, Any, Any", "x: «Any,»", id="no stutter"),
    pytest.param("x = <CURSOR>", "'--------'", "x = «'--------'»", id="a ruler is no stutter"),
    pytest.param("<CURSOR>", "a = 1\n# More", "«a = 1»", id="a comment at the margin is an end"),
    pytest.param(
        "def f():\n    <CURSOR>\n", "a = [1,\n    b = 2",
        "def f():\n    <CURSOR>\n", id="never a new syntax error",
    ),
    pytest.param(
        "def f():\n    <CURSOR>\n", "a = 1\n    b = (",
        "def f():\n    «a = 1»\n", id="cut where it still parses",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "reply", "expected"), PYTHON)
def test_clean_python(marked: str, reply: str, expected: str) -> None:
    assert with_ghost(marked, cleaned(reply, context_at(marked))) == expected


@pytest.mark.parametrize(
    ("marked", "reply", "expected"),
    [
        pytest.param(
            "function f() {<CURSOR>", "\n  return 1;\n}\n\nfunction g() {",
            "function f() {«\n  return 1;\n}»", id="the bracket that closes the block is its end",
        ),
        pytest.param(
            "function f() {\n  <CURSOR>\n}\n", "return 1;\n}\nx = 2;",
            "function f() {\n  «return 1;»\n}\n", id="the block was closed already",
        ),
    ],
)  # fmt: skip
def test_clean_javascript(marked: str, reply: str, expected: str) -> None:
    assert with_ghost(marked, cleaned(reply, context_at(marked, "javascript"))) == expected


@given(
    st.lists(st.sampled_from(["a = 1\n", "    ", "\n", "if b:\n", "f(", ")", "# c", "def "])).map(
        "".join
    ),
    st.sampled_from(["<CURSOR>", "x = <CURSOR>", "def f():\n    <CURSOR>\n", "f(<CURSOR>)\n"]),
)
def test_cleaning_only_shortens_and_an_end_stays_an_end(reply: str, marked: str) -> None:
    context = context_at(marked)
    assert reply.startswith(cleaned(reply, context))
    ended = [is_complete(reply[:end], context, extent_of(context)) for end in range(len(reply) + 1)]
    assert ended == sorted(ended), "a text that had ended goes on"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("print(1)\nprint(2)", "print(1)\n", id="before the second print"),
        pytest.param("def f():\n  x\ndef g():", "def f():\n  x\n", id="before the second def"),
        pytest.param("x\n# y", "x\n", id="at a comment"),
        pytest.param("x\n'''y", "x\n", id="at a string of three quotes"),
        pytest.param("x\n\n\ny", "x", id="at two blank lines"),
        pytest.param("x<|endoftext|>y", "x", id="at the end of text"),
        pytest.param("  # y\nprint(1)", "  # y\nprint(1)", id="nothing to cut"),
    ],
)
def test_truncate_as_in_the_paper(text: str, expected: str) -> None:
    assert truncate(text) == expected


def test_whole_lines() -> None:
    assert whole_lines("a = 1\nb = (1") == "a = 1"
    assert whole_lines("a = (1") == "a = (1"
