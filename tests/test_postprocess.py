from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.extent import extent_at
from codegen_lsp.indents import straight
from codegen_lsp.postprocess import clean, is_complete, truncate, whole_lines
from codegen_lsp.syntax import adds_error
from tests.marked import cleaned, context_at, with_ghost

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
        "<CURSOR>", "a = load(x)\nb = 1\na = load(x)\nb = 1",
        "«a = load(x)\nb = 1»", id="no circles",
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
    pytest.param(
        "f(a, <CURSOR>)", "'OR', " * 5 + "'", "f(a, «'OR'»)", id="an element in closed brackets"
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


# Each filter with what it is for: language, text, reply, what is shown to somebody who asked.
GOLDEN = {
    "sentinels": [
        ("python", "x = <CURSOR>", "1<|endoftext|>2", "x = «1»"),
        ("c", "x = <CURSOR>", "1;<mask_1>", "x = «1;»"),
        ("rust", "let x = <CURSOR>", "1;<fim_middle>", "let x = «1;»"),
        ("go", "x := <CURSOR>", "1<|fim_pad|>", "x := «1»"),
        ("python", "x = <CURSOR>", "1<|endof", "x = «1»"),
        ("python", "x = <CURSOR>", "a <b", "x = «a <b»"),
        ("java", "List<<CURSOR>", "String> a;", "List<«String> a;»"),
    ],
    "the paper's truncation": [
        ("python", "<CURSOR>", "print(1)\nprint(2)", "«print(1)»"),
        ("python", "<CURSOR>", "def f():\n    return 1\ndef g():\n    pass",
         "«def f():\n    return 1»"),
        ("python", "<CURSOR>", "a = 1\n\n\nb = 2", "«a = 1»"),
        ("python", "a = 1 # <CURSOR>", "of them", "a = 1 # «of them»"),
        ("c", "<CURSOR>", "#include <a.h>\n#include <b.h>\n", "«#include <a.h>\n#include <b.h>»"),
        ("c", "<CURSOR>", "int a;\n\n\nint b;", "«int a;»"),
    ],
    "comments": [
        ("cpp", "void f() {\n  <CURSOR>\n}\n", "a();\n  # and more\n  b();",
         "void f() {\n  «a();»\n}\n"),
        ("c", "<CURSOR>\n", "#  define A 1", "«#  define A 1»\n"),
        ("rust", "<CURSOR>\n", "#[test]\nfn f() {}", "«#[test]\nfn f() {}»\n"),
        ("python", "def f():\n    a()\n    <CURSOR>\n", "# and more\n    b()",
         "def f():\n    a()\n    «# and more\n    b()»\n"),
    ],
    "one line": [
        ("java", "int a = <CURSOR>", "b;\nint c = d;", "int a = «b;»"),
        ("javascript", "const a = <CURSOR>", "f(\n  b,\n);\nc();", "const a = «f(\n  b,\n);»"),
        ("javascript", "const a = <CURSOR>", "{\n" + "  b,\n" * 9, "const a = <CURSOR>"),
        ("python", "x = <CURSOR>", "[\n    1,\n]\ny = 2", "x = «[\n    1,\n]»"),
        ("python", "x = 'a (<CURSOR>", "b'\ny = 2", "x = 'a («b'»"),
        ("python", "# say (<CURSOR>", "this\n# and that", "# say («this»"),
    ],
    "a bracket too many": [
        ("python", "f(<CURSOR>)", "a) + g(b)", "f(«a»)"),
        ("python", "f(<CURSOR>", "a) + g(b)", "f(«a) + g(b)»"),
        ("python", "x = [f(<CURSOR>)]", "a)]", "x = [f(«a»)]"),
        ("python", "f(<CURSOR>)", "')' + a)", "f(«')' + a»)"),
        ("python", "f(\n    a,\n    <CURSOR>\n)\n", "b,\n)", "f(\n    a,\n    «b,»\n)\n"),
        ("c", "int f() {\n    <CURSOR>\n}\n", "a();\n}\nint g() {\n", "int f() {\n    «a();»\n}\n"),
        ("c", "int f() {\n    <CURSOR>\n", "a();\n}\n", "int f() {\n    «a();\n}»\n"),
        ("go", "func f() {\n\tif a {<CURSOR>\n}\n", "\n\t\tb()\n\t}\n}\n",
         "func f() {\n\tif a {«\n\t\tb()\n\t}»\n}\n"),
        ("rust", "fn f<'a>(b: &'a str) {\n    g(<CURSOR>);\n}\n", "'(', b);",
         "fn f<'a>(b: &'a str) {\n    g(«'(', b»);\n}\n"),
        ("typescript", "f((a) => {<CURSOR>})\n", " b(a) })", "f((a) => {« b(a)»})\n"),
    ],
    "rulers": [
        ("go", "func f() {\n\t<CURSOR>\n}\n", "~~~~~~~~~~~~", "func f() {\n\t<CURSOR>\n}\n"),
        ("typescript", "// export\n<CURSOR>\n", "/" * 40, "// export\n<CURSOR>\n"),
        ("typescript", "// ----<CURSOR>\n", "-" * 40, "// ----«" + "-" * 40 + "»\n"),
    ],
    "a quote that is there": [
        ("python", "f('<CURSOR>')", "a', b)", "f('«a»')"),
        ("javascript", "f(\"<CURSOR>\");", "a \\\"b\\\"\");", "f(\"«a \\\"b\\\"»\");"),
        ("python",
         'def f():\n    """<CURSOR>"""\n', 'Say it."""\n    return 1',
         'def f():\n    """«Say it.»"""\n'),
    ],
    "the end of a block": [
        ("javascript", "function f() {<CURSOR>", "\n  return 1;\n}\n\nfunction g() {",
         "function f() {«\n  return 1;\n}»"),
        ("javascript", "function f() {\n  <CURSOR>\n}\n", "return 1;\n}\nx = 2;",
         "function f() {\n  «return 1;»\n}\n"),
        ("java", "class A {\n    int f() {<CURSOR>\n}\n",
         "\n        return 1;\n    }\n\n    int g() {\n",
         "class A {\n    int f() {«\n        return 1;\n    }»\n}\n"),
        ("cpp", "void f() {<CURSOR>",
         "\n  if (a) {\n    b();\n  } else {\n    c();\n  }\n}\n\nvoid g() {",
         "void f() {«\n  if (a) {\n    b();\n  } else {\n    c();\n  }\n}»"),
        ("python", "def f():\n    <CURSOR>", '"""Say it."""\n\n    return 1\n\n    # more\n',
         'def f():\n    «"""Say it."""\n\n    return 1»'),
        ("python", "def f():\n    <CURSOR>", '"""Say it.\n\n    In full.\n    """\n    return 1\n',
         'def f():\n    «"""Say it.\n\n    In full.\n    """\n    return 1»'),
        ("python", "def f():<CURSOR>", "\n    a = 1\n\n    b = 2\n", "def f():«\n    a = 1»"),
        ("python", "def f():<CURSOR>", "\nreturn 1\n", "def f():<CURSOR>"),
        ("python", "# the sum of all\n<CURSOR>", "def f(a):\n    b = 0\n\n    return b\n\nf([1])\n",
         "# the sum of all\n«def f(a):\n    b = 0\n\n    return b»"),
        ("javascript", "// the sum of all\n<CURSOR>",
         "function f(a) {\n  b();\n\n  return b;\n}\n\nf();\n",
         "// the sum of all\n«function f(a) {\n  b();\n\n  return b;\n}»"),
        ("plaintext", "a:\n  <CURSOR>", "b\n  c\nd", "a:\n  «b\n  c»"),
    ],
    "a line's place": [
        ("python", "def f():\n    a = 1\n    <CURSOR>", "    b = 2",
         "def f():\n    a = 1\n    «b = 2»"),
        ("python", "def f():\n    # Say it\n    <CURSOR>", "    return 1",
         "def f():\n    # Say it\n    «return 1»"),
        ("python", "import a\n\n<CURSOR>", "    def f():\n        return 1\n\n    def",
         "import a\n\n«def f():\n    return 1»"),
        ("python", "if a:\n    return\n<CURSOR>", "        b = 2", "if a:\n    return\n«b = 2»"),
        ("python", "def f():\n    a = 1\n<CURSOR>", "    b = 2",
         "def f():\n    a = 1\n«    b = 2»"),
        ("python", "def f():\n<CURSOR>", "return 1", "def f():\n<CURSOR>"),
        ("python", "f(\n    a,\n<CURSOR>", "      b)", "f(\n    a,\n«      b)»"),
        ("c", "f(a,\n  b,\n<CURSOR>", "    c);", "f(a,\n  b,\n«    c);»"),
        ("c", "int f() {\n  a();\n  <CURSOR>\n}\n", "  b();", "int f() {\n  a();\n  «b();»\n}\n"),
        ("go", "func f() {\n\tif a {\n\t<CURSOR>\n\t}\n}\n", "\tb()",
         "func f() {\n\tif a {\n\t«\tb()»\n\t}\n}\n"),
    ],
    "the file's own unit": [
        ("python", "def f():\n  pass\n\ndef g():\n  <CURSOR>", "if a:\n    b()",
         "def f():\n  pass\n\ndef g():\n  «if a:\n    b()»"),
        ("python", "def f():\n  pass\n\ndef g():\n  <CURSOR>", "if a:\n      b()",
         "def f():\n  pass\n\ndef g():\n  «if a:»"),
        ("rust", "fn f() {\n    a();\n}\n\nfn g() {\n    <CURSOR>\n}\n",
         "a();\n    if b {\n      c();\n    }\n",
         "fn f() {\n    a();\n}\n\nfn g() {\n    «a();»\n}\n"),
    ],
    "repetition": [
        ("c", "f(<CURSOR>", "first, second, third, fourth, fifth, " * 9,
         "f(«first, second, third, fourth, fifth,»"),
        ("python", "<CURSOR>", "a.go(b)\na.go(b)\n", "«a.go(b)»"),
        ("python", "def f():\n    <CURSOR>",
         "if a:\n        return False\n    if b:\n        return False\n    return c",
         "def f():\n    «if a:\n        return False\n    if b:\n        return False\n    return c»"),
        ("python", "def f():\n    <CURSOR>", "self.b = 1\n    c()\n    self.b = 1\n    d()",
         "def f():\n    «self.b = 1\n    c()»"),
        ("javascript", "f(<CURSOR>", "null, null, null, null, null", "f(«null,»"),
        ("go", "x := []string{<CURSOR>}", ", ".join(["a", "b", "c",
         "d"] * 9), "x := []string{«a, b, c, d,»}"),
        ("cpp", "f(n_chunks, n_ch<CURSOR>", "unks, n_chunks, n_chunks, n",
         "f(n_chunks, n_ch<CURSOR>"),
        ("typescript", "if (re<CURSOR>",
         "sult is None or result is None or result is None or result",
         "if (re«sult is None»"),
        ("python", "x = [<CURSOR>]", "0, 0, 0, 0, 0, 0", "x = [«0, 0, 0, 0, 0, 0»]"),
        ("c", "/* <CURSOR> */", "-" * 60, "/* «" + "-" * 60 + "» */"),
    ],
    "elements from above": [
        ("python", "x = [\n    'first',\n    'second',\n    'third',\n    <CURSOR>\n]\n",
         "'second',", "x = [\n    'first',\n    'second',\n    'third',\n    <CURSOR>\n]\n"),
        ("python", "x = [\n    'first',\n]\ny = [\n    'second',\n    <CURSOR>\n]\n", "'first',",
         "x = [\n    'first',\n]\ny = [\n    'second',\n    «'first',»\n]\n"),
        ("python", "x = [\n    'first',\n    'second',\n    <CURSOR>\n]\n", "'third',",
         "x = [\n    'first',\n    'second',\n    «'third',»\n]\n"),
    ],
    "lines from below": [
        ("python", "def f():\n    <CURSOR>\n\n    return a\n", "a = 1\n    return a",
         "def f():\n    «a = 1»\n\n    return a\n"),
        ("java", "int f() {\n  <CURSOR>\n  return first(second, third);\n}\n",
         "a();\n  return first(second, third)\n",
         "int f() {\n  «a();»\n  return first(second, third);\n}\n"),
        ("python", "<CURSOR>\nvalue = function_of(argument)\n", "value = function_of(arguments)",
         "<CURSOR>\nvalue = function_of(argument)\n"),
        ("python", "<CURSOR>\na = 1\n", "b = 1", "«b = 1»\na = 1\n"),
        ("python", "<CURSOR>\n    a = 1\n", "a = 1", "«a = 1»\n    a = 1\n"),
    ],
    "the rest of the line": [
        ("c", "int x = <CURSOR>;", "1;", "int x = «1»;"),
        ("python", "f(<CURSOR>, b)", "a, b", "f(«a», b)"),
        ("python", "f(<CURSOR>b)", "sub", "f(«sub»b)"),
        ("python", "f(<CURSOR> = 1)", "a =", "f(«a» = 1)"),
        ("javascript", "f(<CURSOR>);", "a, g(b));", "f(«a, g(b)»);"),
        ("javascript", "f(<CURSOR>);", "g(b)", "f(«g(b)»);"),
        ("typescriptreact", "const a = <b><CURSOR></b>;\n", "c</b>", "const a = <b>«c»</b>;\n"),
    ],
    "an echo": [
        ("python", "# Sort the list\n<CURSOR>", "# sort the list.", "# Sort the list\n<CURSOR>"),
        ("python", "def f():\n    # Sort the list\n    <CURSOR>", '"""Sort the list."""',
         "def f():\n    # Sort the list\n    <CURSOR>"),
        ("python", "def f():\n    # Sort the list\n    <CURSOR>", "# sort the list.\n    a.sort()",
         "def f():\n    # Sort the list\n    «# sort the list.\n    a.sort()»"),
        ("go", "// Sort the list\n<CURSOR>", "// sort", "// Sort the list\n<CURSOR>"),
        ("go", "// Sort the list\n<CURSOR>", "// Backwards", "// Sort the list\n«// Backwards»"),
    ],
    "a new syntax error": [
        ("python", "x = <CURSOR>\n", "f(a)[b", "x = «f(a)»\n"),
        ("python", "<CURSOR>\n", "f(a, b", "«f»\n"),
        ("python", "<CURSOR>\n", "x = self.f(a, b", "«x = self.f»\n"),
        ("python", "<CURSOR>\n", "x = a +", "«x = a»\n"),
        ("python", "<CURSOR>\n", "x = [", "<CURSOR>\n"),
        ("python", "<CURSOR>\n", "if x", "<CURSOR>\n"),
        ("python", "<CURSOR>\n", "if x:", "«if x:»\n"),
        ("javascript", "function f() {\n  <CURSOR>\n}\n", "if (a) {",
         "function f() {\n  <CURSOR>\n}\n"),
        ("javascript", "function f() {\n  <CURSOR>\n}\n", "a();\n  if (a) {\n    b();",
         "function f() {\n  «a();»\n}\n"),
        ("cpp", "int f() {\n    <CURSOR>\n}\n", "elif a(b):", "int f() {\n    <CURSOR>\n}\n"),
        ("c", "int f() {\n    <CURSOR>\n}\n", "a(b)", "int f() {\n    <CURSOR>\n}\n"),
        ("java", "class A {\n    <CURSOR>\n}\n", "int b;\n    int c",
         "class A {\n    «int b;»\n}\n"),
        ("rust", "fn f() {\n    <CURSOR>\n}\n", "let a = b;\n    let c =",
         "fn f() {\n    «let a = b;»\n}\n"),
        ("go", "func f() {\n\t<CURSOR>\n}\n", "a := 1\n\tb :=", "func f() {\n\t«a := 1»\n}\n"),
        ("typescript", "<CURSOR>\n", "const a: number = 1;\nconst b:", "«const a: number = 1;»\n"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "marked", "reply", "expected"),
    [
        pytest.param(*case, id=f"{name} {n}")
        for name, cases in GOLDEN.items()
        for n, case in enumerate(cases)
    ],
)
def test_filters(language: str, marked: str, reply: str, expected: str) -> None:
    assert with_ghost(marked, cleaned(reply, context_at(marked, language))) == expected


# Texts with a cursor, and what random replies are made of.
PLACES = {
    "python": ["<CURSOR>", "x = <CURSOR>", "def f():\n    <CURSOR>\n    return a\n",
    "f(<CURSOR>)\n", "f(<CURSOR>",
               "def f():<CURSOR>", "x = '<CURSOR>'\n", "# say <CURSOR>\nx = 1\n",
               "x = {\n    <CURSOR>\n}\n"],
    "javascript": ["<CURSOR>", "function f() {\n  <CURSOR>\n}\n", "f((a) => {<CURSOR>",
    "x = `${<CURSOR>}`;", "f(<CURSOR>);"],
    "java": ["class A {\n    <CURSOR>\n}\n", "class A {\n    int f() {\n        <CURSOR>\n",
    "int a = <CURSOR>;\n"],
    "go": ["func f() {\n\t<CURSOR>\n}\n", "package a\n\n<CURSOR>", "x := f(<CURSOR>)\n"],
    "c": ["int f() {\n    <CURSOR>\n}\n", "#include <CURSOR>\n", "int f(<CURSOR>) {\n}\n"],
    "rust": ["fn f() {\n    <CURSOR>\n}\n", "let a = <CURSOR>", "impl A {\n    <CURSOR>\n"],
    "typescriptreact": ["const a = <b><CURSOR></b>;\n", "const a = (<CURSOR>\n",
    "interface A {\n  <CURSOR>\n}\n"],
}  # fmt: skip
PIECES = [
    "a", "self.b", "call(", ")", "(", "{", "}", "[", "]", " = ", ", ", ";", ":", "\n", "\n",
    "\n    ",
    "    ", "\t", "if a", "else", "return ", "def f", "for ", "function ", "fn ", "func ",
    "class A ", "# c",
    "// c", "/*", "*/", '"', "'", '"""', "`", "${", "<b>", "</b>", "1", " + ", "\n\n", "\\",
    "<|endoftext|>", "import ", "\n    return a",
]  # fmt: skip
places = st.sampled_from([(language, place) for language in PLACES for place in PLACES[language]])
replies = st.lists(st.sampled_from(PIECES), max_size=40)


@given(places, replies)
def test_a_candidate_is_a_beginning_and_parses_no_worse(
    place: tuple[str, str], reply: list[str]
) -> None:
    language, marked = place
    context = context_at(marked, language)
    shown = cleaned("".join(reply), context)
    assert straight("".join(reply), context).startswith(shown)
    assert not adds_error(context.parsed, context.offset, shown)


@given(places, replies, st.booleans())
def test_what_comes_behind_an_end_is_not_shown(
    place: tuple[str, str], reply: list[str], invoked: bool
) -> None:
    language, marked = place
    context = context_at(marked, language)
    extent = extent_at(context, invoked=invoked, just_deleted=False).extent
    written = list(accumulate(reply))
    ended = next((text for text in written if is_complete(text, context, extent)), None)
    if ended is not None:
        assert clean(written[-1], context, extent) == clean(ended, context, extent)


@pytest.mark.parametrize(
    ("language", "marked", "reply", "expected"),
    [
        ("python", "a()\n<CURSOR>\n", "b()\nc()", "a()\n«b()»\n"),
        ("python", "a()\n<CURSOR>\n", "# and more\nb()", "a()\n<CURSOR>\n"),
        (
            "python",
            "def f():\n    <CURSOR>\n",
            "# and more\n    b()",
            "def f():\n    «# and more\n    b()»\n",
        ),
        (
            "go",
            "func f() {\n\ta()\n\t<CURSOR>\n}\n",
            "// and more\n",
            "func f() {\n\ta()\n\t<CURSOR>\n}\n",
        ),
        (
            "java",
            "int a;\n<CURSOR>\n",
            "if (a) {\n    b();\n}\nc();",
            "int a;\n«if (a) {\n    b();\n}»\n",
        ),
    ],
)
def test_who_types_gets_a_line_of_code(
    language: str, marked: str, reply: str, expected: str
) -> None:
    context = context_at(marked, language)
    extent = extent_at(context, invoked=False, just_deleted=False).extent
    assert with_ghost(marked, clean(reply, context, extent)) == expected


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
