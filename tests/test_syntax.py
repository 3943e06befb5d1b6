from __future__ import annotations

import pytest

from codegen_lsp import syntax
from codegen_lsp.languages import LANGUAGES
from codegen_lsp.syntax import Parsed, parse
from tests.marked import CURSOR

WITH_GRAMMAR = [name for name, language in LANGUAGES.items() if language.grammar]


def at(marked: str, language: str) -> tuple[Parsed, int]:
    return parse(marked.replace(CURSOR, ""), language), marked.index(CURSOR)


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        ("python", "x = <CURSOR>1", "code"),
        ("python", "# not <CURSOR>yet", "comment"),
        ("python", "x = 1  # not yet<CURSOR>", "comment"),
        ("python", "x = 1  # not yet<CURSOR>\ny = 2\n", "comment"),
        ("python", "x = 1  # not yet\n<CURSOR>", "code"),
        ("python", "x = 'a<CURSOR>b'", "string"),
        ("python", "x = 'ab'<CURSOR>", "code"),
        ("python", "x = <CURSOR>'ab'", "code"),
        ("python", "x = 'a<CURSOR>", "string"),
        ("python", "x = 'a<CURSOR>\ny = 1\n", "string"),
        ("python", "x = 'a\n<CURSOR>\n", "code"),
        ("python", 'def f():\n    """Say.\n\n    <CURSOR>', "string"),
        ("python", 'def f():\n    """Say.\n    <CURSOR>\n    """\n', "string"),
        ("python", 'x = f"{a.<CURSOR>b} c"', "code"),
        ("python", 'x = f"{a.b} c<CURSOR>"', "string"),
        ("python", "def f(a, b=(\n    # and <CURSOR>\n", "comment"),
        ("javascript", "let a = `x ${b<CURSOR>} y`;", "code"),
        ("javascript", "let a = `x ${b} y<CURSOR>`;", "string"),
        ("javascript", "let a = `x\n y<CURSOR>", "string"),
        ("javascript", "/* a\n <CURSOR>\n*/ let b;", "comment"),
        ("javascript", "/* a */<CURSOR>", "code"),
        ("javascript", "f(/[({'\"]/, <CURSOR>", "code"),
        ("javascriptreact", "const a = <p>don't <CURSOR></p>;", "code"),
        ("typescript", "class A {\n  // say <CURSOR>\n", "comment"),
        ("typescriptreact", 'const a = <p title="x<CURSOR>"/>;', "string"),
        ("java", 'String s = """\n  a<CURSOR>\n  """;', "string"),
        ("java", "class A { char c = '<CURSOR>'; }", "string"),
        ("go", "var s = `a\\<CURSOR>`", "string"),
        ("go", 'package a\n\nfunc f() {\n\tx := "<CURSOR>\n}\n', "string"),
        ("c", "#include <st<CURSOR>dio.h>\n", "string"),
        ("c", "int a = 1; /* <CURSOR>", "comment"),
        ("cpp", 'auto s = R"(a " <CURSOR>)";', "string"),
        ("cpp", "int n = 1'000; int <CURSOR>", "code"),
        ("rust", "fn f<'a>(x: &'a str) { <CURSOR> }", "code"),
        ("rust", "fn f() { let c = '{'; <CURSOR>", "code"),
        ("rust", "fn f() { /* a <CURSOR>", "comment"),
        ("rust", 'let s = "a\n b<CURSOR>', "string"),
        ("lua", "x = 1 -- why <CURSOR>", "comment"),
        ("lua", "--[[ a\n<CURSOR>", "comment"),
        ("shellscript", "echo 'a # b' <CURSOR>", "code"),
        ("html", "<p><!-- a <CURSOR> --></p>", "comment"),
        ("plaintext", "# <CURSOR>", "code"),
    ],
)
def test_kind_at(language: str, marked: str, expected: str) -> None:
    assert syntax.kind_at(*at(marked, language)) == expected


SCOPES = [
    ("python", "class A:\n    def f(self):\n        return <CURSOR>1\n", "class A, function f"),
    (
        "python",
        "class A:\n    def f(self):\n        return 1\n\n        <CURSOR>\n",
        "class A, function f",
    ),
    ("python", "class A:\n    def f(self):\n        return 1\n\n    <CURSOR>\n", "class A"),
    ("python", "class A:\n    def f(self):\n        return 1\n\n<CURSOR>\n", ""),
    (
        "python",
        "class A:\n    def f(self):\n        x = g(<CURSOR>\n\n    def h(self):\n",
        "class A, function f",
    ),
    (
        "python",
        "class A:\n    def f(\n        self,\n    ) -> int:\n        <CURSOR>",
        "class A, function f",
    ),
    ("python", "class A:\n    def f(self, <CURSOR>", "class A"),
    (
        "python",
        "class A:\n    x = [\n    def f(self):\n        if x:\n            <CURSOR>",
        "class A, function f",
    ),
    ("python", "def f():\n    def g():\n        a\n    <CURSOR>", "function f"),
    ("python", "@a\n@b(1)\nclass A:\n    <CURSOR>", "class A"),
    ("python", "x = 1\n<CURSOR>", ""),
    ("javascript", "class A {\n  f() {\n    <CURSOR>\n  }\n}\n", "class A, function f"),
    ("javascript", "class A {\n  f() {\n    <CURSOR>\n", "class A, function f"),
    ("javascript", "class A {\n  f() {\n  }\n  <CURSOR>\n", "class A"),
    ("javascript", "const f = (a) => {\n  <CURSOR>\n};\n", "function f"),
    ("javascript", "const f = (a) => {\n  <CURSOR>\n", "function f"),
    ("javascript", "async function f() {\n  if (a) {\n    b(<CURSOR>\n  }\n}\n", "function f"),
    ("javascript", "function f() {\n}\n<CURSOR>", ""),
    (
        "typescript",
        "export class A<T> {\n  private f(a: T): void {\n    <CURSOR>\n",
        "class A, function f",
    ),
    ("typescript", "namespace N {\n  interface A {\n    b: <CURSOR>\n  }\n}\n", "class N, class A"),
    (
        "java",
        "class A {\n    @Override\n    public int f(int a) {\n        <CURSOR>\n    }\n}\n",
        "class A, function f",
    ),
    (
        "java",
        "public class A {\n    public int f(int a) {\n        return a <CURSOR>\n",
        "class A, function f",
    ),
    ("go", "package a\n\nfunc (s *Set) Add(x int) {\n\t<CURSOR>\n}\n", "function Add"),
    ("go", "package a\n\nfunc (s *Set) Add(x int) {\n\tif x > <CURSOR>\n", "function Add"),
    ("go", "package a\n\ntype S struct {\n\t<CURSOR>\n}\n", "class S"),
    ("c", "static int *f(int a)\n{\n    <CURSOR>\n}\n", "function f"),
    ("c", "static int f(int a)\n{\n    if (<CURSOR>\n", "function f"),
    ("c", "struct s {\n    int <CURSOR>\n};\n", "class s"),
    (
        "cpp",
        "namespace n {\nclass A : public B {\n  void f() const {\n    <CURSOR>\n  }\n};\n}\n",
        "class n, class A, function f",
    ),
    ("cpp", "void A::f(int a) {\n  <CURSOR>\n}\n", "function f"),
    (
        "rust",
        "impl<T> Set<T> {\n    pub fn add(&mut self) {\n        <CURSOR>\n    }\n}\n",
        "class Set, function add",
    ),
    (
        "rust",
        "impl Display for Set {\n    fn fmt(&self) {\n        let x = (<CURSOR>\n",
        "class Set, function fmt",
    ),
    ("csharp", "class A\n{\n    int F(int a)\n    {\n        <CURSOR>\n", "class A, function F"),
    ("plaintext", "def f():\n    <CURSOR>", ""),
]


@pytest.mark.parametrize(("language", "marked", "expected"), SCOPES)
def test_scopes(language: str, marked: str, expected: str) -> None:
    found = syntax.scopes(*at(marked, language))
    assert ", ".join(f"{scope.kind} {scope.name}" for scope in found) == expected


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        (
            "python",
            "@a\ndef f(a,\n      b=':') -> int:\n    <CURSOR>",
            "@a\ndef f(a,\n      b=':') -> int:",
        ),
        (
            "python",
            'def f(a):\n    """Say.\n\n    More.\n    """\n    <CURSOR>x',
            'def f(a):\n    """Say."""',
        ),
        (
            "python",
            "class A(B):\n    '''Say.'''\n\n    x = 1\n    <CURSOR>",
            "class A(B):\n    '''Say.'''",
        ),
        ("python", "class A: x = {1:<CURSOR>", ""),
        (
            "javascript",
            "// Old.\n\n// Say.\n//\n// More.\nfunction f(a) {\n  <CURSOR>\n}",
            "// Say.\nfunction f(a) {",
        ),
        (
            "typescript",
            "class A {\n  /** Say. */\n  f(): void {\n    <CURSOR>\n  }\n}\n",
            "  /** Say. */\n  f(): void {",
        ),
        (
            "java",
            "/**\n * Say.\n *\n * @param a\n */\nclass A {\n    <CURSOR>\n}\n",
            "/**\n * Say. */\nclass A {",
        ),
        ("c", "int f(int a)\n{\n    <CURSOR>\n}\n", "int f(int a)\n{"),
        ("rust", "/// Say.\npub fn f() -> u8 {\n    <CURSOR>", "/// Say.\npub fn f() -> u8 {"),
    ],
)
def test_header(language: str, marked: str, expected: str) -> None:
    parsed, offset = at(marked, language)
    innermost = syntax.scopes(parsed, offset)[-1:]
    assert "".join(syntax.header(parsed, scope) for scope in innermost) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "python",
            "import a\nfrom b import (\n    c,\n)\nx = 1\n\ndef f():\n    import d\n",
            ["import a", "from b import (\n    c,\n)"],
        ),
        ("python", "try:\n    import a\nexcept ImportError:\n    a = None\n", ["import a"]),
        ("python", "import a\n\ndef f(a,\n", ["import a"]),
        ("javascript", "import a from 'b';\nlet c = 1;\n", ["import a from 'b';"]),
        (
            "typescript",
            "import type { A } from './a'\nexport class B {}\n",
            ["import type { A } from './a'"],
        ),
        ("java", "package a.b;\n\nimport c.D;\n\nclass E {}\n", ["package a.b;", "import c.D;"]),
        ("go", 'package a\n\nimport (\n\t"b"\n\t"c"\n)\n', ['import (\n\t"b"\n\t"c"\n)']),
        (
            "c",
            '#ifndef A\n#define A\n#include <a.h>\n#include "b.h"\n#endif\n',
            ["#include <a.h>", '#include "b.h"'],
        ),
        ("cpp", "#include <a>\nusing std::b;\n", ["#include <a>", "using std::b;"]),
        (
            "rust",
            "use a::{b, c};\nextern crate d;\nfn f() {}\n",
            ["use a::{b, c};", "extern crate d;"],
        ),
        ("csharp", "using System;\nclass A {}\n", ["using System;"]),
        ("plaintext", "import this\n", []),
    ],
)
def test_imports(language: str, text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in syntax.imports(parse(text, language))] == expected


DEFINITIONS = [
    (
        "python",
        "A = 1\n\n@x\nclass B:\n    c = 2\n    def f(self): pass\n\ndef g():\n    d = 1\n"
        "    def h(): pass\n",
        ["constant A", "class B", "function B.f", "function g", "function h"],
    ),
    (
        "python",
        "class A:\n    def f(self):\n        pass\n\n    def g(self, \n\n    def h(self):\n"
        "        pass\n",
        ["class A", "function A.f", "function A.h"],
    ),
    (
        "javascript",
        "export const A = 1, f = () => 2;\nfunction g() {}\nclass B { h() {} static i() {} }\n",
        ["constant A", "function f", "function g", "class B", "function B.h", "function B.i"],
    ),
    (
        "typescript",
        "interface A { f(): void }\ntype B = A;\nenum C { D }\n"
        "export abstract class E { abstract g(): A; }\n",
        ["class A", "function A.f", "type B", "class C", "class E", "function E.g"],
    ),
    ("typescriptreact", "export default function App() { return <p/>; }\n", ["function App"]),
    (
        "java",
        "class A {\n  A() {}\n  int f() { return 1; }\n  enum B { C }\n}\nrecord D(int e) {}\n",
        ["class A", "function A.A", "function A.f", "class A.B", "class D"],
    ),
    (
        "go",
        "package a\n\nconst A = 1\n\ntype S struct{}\n\nfunc (s *S) f() {}\n\nfunc g() {}\n\n"
        "var (\n\tb = 1\n)\n",
        ["constant A", "class S", "function S.f", "function g", "constant b"],
    ),
    (
        "c",
        "#define A 1\nstruct s { int a; };\ntypedef struct { int b; } t;\n"
        "struct s *f(struct s a) { return 0; }\nint g = 1;\n",
        ["constant A", "class s", "type t", "function f", "constant g"],
    ),
    (
        "cpp",
        "namespace n {\ntemplate <class T> class A { void f() {} };\n"
        "int A::g(int a) { return a; }\nusing B = A;\n}\n",
        ["class n", "class n.A", "function A.f", "function n.g", "type n.B"],
    ),
    (
        "rust",
        "const A: u8 = 1;\nstruct S;\nimpl S {\n    fn f(&self) {}\n}\ntrait T { fn g(); }\n"
        "fn h() {}\ntype U = S;\n",
        [
            "constant A",
            "class S",
            "function S.f",
            "class T",
            "function T.g",
            "function h",
            "type U",
        ],
    ),
    ("csharp", "class A\n{\n    int F(int a)\n    {\n    }\n}\n", ["class A", "function A.F"]),
    ("plaintext", "def f():\n    pass\n", []),
]


@pytest.mark.parametrize(("language", "text", "expected"), DEFINITIONS)
def test_definitions(language: str, text: str, expected: list[str]) -> None:
    found = syntax.definitions(parse(text, language))
    named = [f"{each.kind} {each.container}.{each.name}".replace(" .", " ") for each in found]
    assert named == expected
    assert all(each.start <= each.body <= each.end <= len(text) for each in found)
    assert all(each.name in text[each.start : each.end] for each in found)


def test_definitions_of_a_large_text_that_is_broken() -> None:
    """Those around the cursor are read off an excerpt, the others off what the whole was before."""
    unit = "def NAME(a):\n" + "    b = [a, (1, 2), {'c': 3}]\n" * 20 + "    return b\n\n\n"
    text = "".join(unit.replace("NAME", f"f{n}") for n in range(60))
    parsed = parse(text, "python")
    offset = text.index("def f30")
    for n in range(1, 11):
        parsed = parse(text[:offset] + "def new(): x(["[:n] + text[offset:], "python", parsed)
    parsed = parse(text[:offset] + "def new(): pass\ny = (\n\n" + text[offset:], "python", parsed)
    assert parsed.tree is not parsed.whole
    found = [each.name for each in syntax.definitions(parsed)]
    assert found[:31] == [*(f"f{n}" for n in range(30)), "new"]
    assert found[-20:] == [f"f{n}" for n in range(40, 60)]
    assert len(found) == len(set(found))
    assert all(text.count(f"def {name}(") == 1 for name in found if name != "new")


def test_a_definition_has_its_decorators_and_its_body() -> None:
    text = "@a\ndef f(b):\n    return b\n\nexport\n"
    (found,) = syntax.definitions(parse(text, "python"))
    assert text[found.start : found.body] == "@a\ndef f(b):"
    assert text[found.start : found.end] == "@a\ndef f(b):\n    return b"


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        ("python", "<CURSOR>a = f(b.c, d=a)  # e\n'g'<CURSOR>", "a f b c d"),
        ("python", "x<CURSOR> = y(<CURSOR>z", "y"),
        ("typescript", "<CURSOR>class A { #b: C = this.d; }<CURSOR>", "A #b C d"),
        ("go", "<CURSOR>package a; var b c.D<CURSOR>", "a b c D"),
        ("rust", "<CURSOR>let a: B = B { c, d: e };<CURSOR>", "a B c d e"),
        ("cpp", "<CURSOR>std::vector<T> a = b->c;<CURSOR>", "std vector T a b c"),
        ("kotlin", "<CURSOR>a(b) // c<CURSOR>", "a b"),
    ],
)
def test_names(language: str, marked: str, expected: str) -> None:
    before, middle, after = marked.split(CURSOR)
    parsed = parse(before + middle + after, language)
    found = syntax.names(parsed, len(before), len(before) + len(middle))
    assert " ".join(found) == expected


OPEN = [
    ("python", "def f():\n    <CURSOR>\n", True),
    ("python", "def f():<CURSOR>", True),
    ("python", "if x:<CURSOR>\ny = 1\n", True),
    ("python", "if x:  # so\n    <CURSOR>\n", True),
    ("python", "if x:\n    # so\n    <CURSOR>\n", True),
    ("python", 'def f():\n    """Say."""\n    <CURSOR>\n', True),
    ("python", 'def f():\n    """Say.\n\n    More: so\n    """\n    <CURSOR>\n\nx = 1\n', True),
    ("python", "def f(\n    a,\n):\n    <CURSOR>\n", True),
    (
        "python",
        "class A:\n    def f(self):\n        <CURSOR>\n\n    def g(self):\n        pass\n",
        True,
    ),
    ("python", "class A:\n    x = (\n\n    def f(self):\n        <CURSOR>\n", True),
    ("python", "def f():\n    <CURSOR>\n    return 1\n", False),
    ("python", "def f():\n    a = 1\n    <CURSOR>\n", False),
    ("python", "x = {'a':<CURSOR>", False),
    ("python", "x = a[1:<CURSOR>", False),
    ("python", "x = lambda a:<CURSOR>", False),
    ("python", "def f(): <CURSOR>return 1\n", False),
    ("python", "def f()<CURSOR>", False),
    ("python", "x = 1\n<CURSOR>\n", False),
    ("python", "# if so:\n<CURSOR>", False),
    ("javascript", "function f() {<CURSOR>}", True),
    ("javascript", "function f() {\n  <CURSOR>\n}\n", True),
    ("javascript", "function f() {\n  <CURSOR>\n\nfunction g() {\n}\n", True),
    ("javascript", "const f = () => {<CURSOR>", True),
    ("javascript", "a.map((b) => {\n  <CURSOR>\n});\n", True),
    ("javascript", "const a = {<CURSOR>", False),
    ("javascript", "f({\n  <CURSOR>\n})", False),
    ("javascript", "if (a) {\n  <CURSOR>\n  b();\n}\n", False),
    ("javascript", "function f() {\n  'use strict'\n  <CURSOR>\n}\n", False),
    ("typescript", "interface A {\n  <CURSOR>\n}\n", True),
    ("typescript", "f(): { a: b } {\n  <CURSOR>\n", True),
    (
        "java",
        "class A {\n    void f() {\n        <CURSOR>\n    }\n\n    void g() {\n    }\n}\n",
        True,
    ),
    ("java", "int[] a = {<CURSOR>};", False),
    ("go", "func f() {\n\t<CURSOR>\n}\n", True),
    ("go", "type S struct {\n\t<CURSOR>\n}\n", True),
    ("go", "x := S{<CURSOR>}\n", False),
    ("c", "int f(int a)\n{\n    <CURSOR>\n}\n", True),
    ("c", "struct s {\n    <CURSOR>\n};\n", True),
    ("cpp", "std::vector<int> a{<CURSOR>};", False),
    ("rust", "impl A {\n    <CURSOR>\n}\n", True),
    ("rust", "let a = match b {\n    <CURSOR>\n};\n", True),
    ("lua", "function f(a)\n  <CURSOR>\nend\n", True),
    ("ruby", "def f(a)\n  <CURSOR>\nend\n", True),
    ("plaintext", "Like this:\n    <CURSOR>\n", True),
    ("plaintext", "Like this\n    <CURSOR>\n", False),
]


@pytest.mark.parametrize(("language", "marked", "expected"), OPEN)
def test_open_block(language: str, marked: str, expected: bool) -> None:
    assert syntax.open_block(*at(marked, language)) is expected


# What is inserted stands behind the cursor, up to its end between « and »; then what is too much.
ENDS = [
    ("python", "def f():\n    <CURSOR>\n", "«a = 1\n    return a»\n\ndef g"),
    ("python", "def f():\n    <CURSOR>\n", "a = 1\n    return a\n\n    "),
    ("python", "def f():<CURSOR>", "«\n    a = 1»\nb"),
    ("python", "def f():\n<CURSOR>", "«    a = 1\n    b»\nz"),
    (
        "python",
        "class A:\n    <CURSOR>\n",
        "«def f(self):\n        a = [\n1,\n]\n\n    def g(self):\n        b»\nz",
    ),
    ("python", "class A:\n    x = 1\n\n    <CURSOR>\n", "«def f(self):\n        a»\n\n    def g"),
    (
        "python",
        "def f():\n    a = 1\n    <CURSOR>\n",
        "«if a:\n        b\n    else:\n        c\n    d»\n\nz",
    ),
    ("python", "if a<CURSOR>", "«:\n    b\nelif c:\n    d»\nz"),
    ("python", "if a<CURSOR>", ":\n    b\nel"),
    ("python", "x = <CURSOR>", "«1»\ny"),
    ("python", "x = f(<CURSOR>", "«a,\nb)»\ny"),
    ("python", "x = '''<CURSOR>", "«a»\nb"),
    ("python", "<CURSOR>\n", "«@a\ndef f():\n    b»\n\ndef"),
    ("python", "<CURSOR>\n", "import a\nimport b\n"),
    ("python", "def f():\n    <CURSOR>\n", "«x = '''\na\n'''\n    y»\nz"),
    ("javascript", "function f() {<CURSOR>", "«\n  return '}';\n}»\ng"),
    ("javascript", "function f() {\n  <CURSOR>\n}\n", "«return 1;»\n}\n"),
    ("javascript", "function f() {\n  <CURSOR>\n}\n", "if (a) {\n    b();\n  }\n"),
    ("javascript", "class A {\n  f() {\n    <CURSOR>\n}\n", "«return 1;\n  }»\n"),
    (
        "javascript",
        "function f() {\n  a();\n  <CURSOR>\n}\n",
        "«if (b) {\n    c();\n  } else {\n  }\n  d();»\n}",
    ),
    ("javascript", "if (a<CURSOR>", "«) {\n  b();\n} else {\n  c();\n}»\nd"),
    ("javascript", "let a = <CURSOR>", "«b\n  .c();»\nd"),
    ("javascript", "<CURSOR>", "«function f() {\n  return 1;\n}»\nfunction"),
    (
        "java",
        "class A {\n    int a;\n\n    <CURSOR>\n}\n",
        "«int f() {\n        return a;\n    }»\n\n    int",
    ),
    ("go", "func f() {\n\t<CURSOR>\n", "«return 1 // }\n}»\n"),
    ("c", "int f(int a)\n{\n    <CURSOR>\n}\n", "«return a;»\n}\n"),
    ("cpp", "for (<CURSOR>", "«int i = 0; i < n; ++i)\n{\n  f();\n}»\ng"),
    ("rust", "fn f() {\n    let a = <CURSOR>\n}\n", "«match b {\n        _ => 1,\n    };»\n    c"),
    ("lua", "function f(a)\n  <CURSOR>", "«return a\nend»\n\nz"),
    ("lua", "function f(a)\n  <CURSOR>\nend\n", "«return a»\nend\n"),
]


@pytest.mark.parametrize(("language", "marked", "reply"), ENDS)
def test_block_end(language: str, marked: str, reply: str) -> None:
    expected = len(reply.partition("»")[0]) - 1 if "«" in reply else None
    text = reply.replace("«", "").replace("»", "")
    assert syntax.block_end(*at(marked, language), text) == expected


@pytest.mark.parametrize(("language", "marked", "reply"), ENDS)
def test_a_block_that_has_ended_stays_so(language: str, marked: str, reply: str) -> None:
    text = reply.replace("«", "").replace("»", "")
    parsed, offset = at(marked, language)
    ends = [syntax.block_end(parsed, offset, text[:end]) for end in range(len(text) + 1)]
    found = [end for end in ends if end is not None]
    assert len(set(found)) <= 1
    assert ends[len(ends) - len(found) :] == found


HOSTILE = {
    "nothing": "",
    "no code at all": "ceci n'est pas — du code! ?? ]]] }}} ((( \n" * 50,
    "NUL bytes": "def f(\0):\n    return '\0'\n\0\n",
    "right to left, combining": "x = 'שלום עולם'  # e\u0301 \u202e\nשם = 1\n",
    "lone surrogates": "x = '\ud800'\n\udfff = 2\n",
    "other planes": "x = '\U0001f600' * 2\n\U0001d4d0 = 1\n",
    "a byte order mark": "\ufeffdef f():\n    pass\n",
    "backslashes": '"' + "\\" * 3_000,
    "a long line": "x = [" + "1, " * 5_000,
    "nested": "(" * 10_000,
    "nested and closed": "[" * 10_000 + "]" * 10_000,
    "braces": "{\n" * 10_000,
    "deep": "".join(" " * n + "if x:\n" for n in range(300)),
}


@pytest.mark.parametrize("language", [*WITH_GRAMMAR, "lua", "plaintext"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_question_has_an_answer_for_any_text(language: str, text: str) -> None:
    parsed = parse(text, language)
    for offset in sorted({0, len(text) // 2, len(text)}):
        assert syntax.kind_at(parsed, offset) in {"code", "comment", "string"}
        for scope in syntax.scopes(parsed, offset):
            assert syntax.header(parsed, scope)
        syntax.open_block(parsed, offset)
        syntax.block_end(parsed, offset, "a\n}\nb")
        syntax.adds_error(parsed, offset, "a(")
    syntax.imports(parsed)
    syntax.definitions(parsed)
    syntax.names(parsed, 0, min(1_000, len(text)))
