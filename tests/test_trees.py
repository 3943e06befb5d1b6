from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_lsp import trees
from codegen_lsp.trees import Parsed, adds_error, errors, parse, stand_in
from tests.marked import CURSOR

SOURCES = {
    "python": "import a\n\n\nclass A:\n    def f(self, b):\n        return (b, [self.f(1)])\n\n\n"
    "x = {'é': 1}\n",
    "javascript": "class A {\n  f(b) {\n    return [b, `é ${this.f(1)}`];\n  }\n}\n",
    "typescript": "interface A { b: C<D> }\nexport const f = (a: A): void => { g(a.b); };\n",
    "java": "class A {\n  int f(int b) {\n    return b + f(new int[]{1});\n  }\n}\n",
    "go": 'package a\n\nfunc f(b int) (c error) {\n\treturn g(b, "é")\n}\n',
    "c": "#include <a.h>\nint f(int b)\n{\n\treturn b ? f(1) : 'x';\n}\n",
    "cpp": "namespace n {\ntemplate <class T> T f(T b) { return b + 1; }\n}\n",
    "rust": "impl A {\n    fn f<'a>(b: &'a str) -> u8 {\n        g(b, '{')\n    }\n}\n",
}
PIECES = [
    "x",
    " ",
    "\n",
    "\n    ",
    "(",
    ")",
    "{",
    "}",
    '"',
    "'",
    ":",
    ";",
    "é",
    "\U0001f600",
    "# c",
    "return ",
]


def fresh(parsed: Parsed) -> str:
    return spelled(parse(parsed.text, parsed.language))


def spelled(parsed: Parsed) -> str:
    """A tree, and where its parts are in the text."""
    assert parsed.tree is not None
    root = parsed.tree.root_node
    places = [(child.start_byte, tuple(child.start_point)) for child in root.children]
    return f"{root} {places} {tuple(root.end_point)}"


Edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=8
)


@pytest.mark.parametrize("language", SOURCES)
@settings(max_examples=60, deadline=None)
@given(edits=Edits)
def test_edits_and_back_make_the_tree_of_a_full_parse(
    language: str, edits: list[tuple[float, int, str]]
) -> None:
    """Where a text has errors tree-sitter may recover in another way than it would from the start: what
    it keeps from before is another beginning. So trees are compared where there are none."""
    parsed = parse(SOURCES[language], language)
    texts = [parsed.text]
    for where, n_deleted, inserted in edits:
        at = int(where * len(parsed.text))
        texts.append(parsed.text[:at] + inserted + parsed.text[at + n_deleted :])
        parsed = parse(texts[-1], language, parsed)
        if parsed.tree is not None and not parsed.tree.root_node.has_error:
            assert spelled(parsed) == fresh(parsed)
    for text in reversed(texts):
        parsed = parse(text, language, parsed)
    assert spelled(parsed) == fresh(parsed)


@given(st.text(st.characters()))
def test_a_stand_in_has_a_byte_for_each_character(text: str) -> None:
    assert len(stand_in(text)) == len(text)
    assert b"\0" not in stand_in(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1", b"a = 1"),
        ("größe", b"gr__e"),
        ("e\u0301", b"e_"),
        ("a\u00a0b", b"a b"),
        ("\ufeffa", b"\fa"),
        ("→\ud800\0", b"\1\1\1"),
        ("名前 = '値'", b"__ = '_'"),
    ],
)
def test_stand_in(text: str, expected: bytes) -> None:
    assert stand_in(text) == expected


def large(language: str, unit: str, n_units: int = 60) -> str:
    """A text of so many definitions, long enough that excerpts of it are parsed."""
    text = "".join(unit.replace("NAME", f"name_{n}") for n in range(n_units))
    assert len(text) > 2 * trees.SMALL, language
    return text


FUNCTION = {
    "python": "def NAME(a):\n" + "    b = [a, (1, 2), {'c': 3}]\n" * 20 + "    return b\n\n\n",
    "typescript": "export function NAME(a: A): B {\n"
    + "  const b = [a, { c: 3 }];\n" * 20
    + "  return b;\n}\n\n",
    "cpp": "int NAME(int a)\n{\n"
    + "    auto b = f<int>(a, {1, 2});\n" * 20
    + "    return b;\n}\n\n",
    "rust": "pub fn NAME(a: &A) -> B {\n" + "    let b = vec![a, (1, 2)];\n" * 20 + "    b\n}\n\n",
    "go": "func NAME(a int) int {\n" + "\tb := []int{a, f(1, 2)}\n" * 25 + "\treturn b\n}\n\n",
}
AROUND = {
    "python": ("class A:\n", "    "),
    "typescript": ("namespace A {\n", "  ", "}\n"),
    "cpp": ("namespace a {\n", "", "}\n"),
    "rust": ("mod a {\n", "    ", "}\n"),
}


def typed(parsed: Parsed, offset: int, text: str) -> Parsed:
    for n in range(len(text)):
        now = parsed.text[: offset + n] + text[n] + parsed.text[offset + n :]
        parsed = parse(now, parsed.language, parsed)
    return parsed


@pytest.mark.parametrize("language", FUNCTION)
def test_of_a_large_text_an_excerpt_is_parsed_while_it_is_broken(language: str) -> None:
    text = large(language, FUNCTION[language])
    parsed = parse(text, language)
    offset = text.index("[", len(text) // 2) if "[" in text else text.index("(", len(text) // 2)
    broken = typed(parsed, offset, '((["')
    assert broken.tree is not None
    assert broken.tree is not broken.whole
    n_kept = sum(each.end_byte - each.start_byte for each in broken.tree.included_ranges)
    assert n_kept < 3 * trees.REACH
    n_whole_lines = {each.start_point.column for each in broken.tree.included_ranges}
    assert n_whole_lines == {0}
    mended = broken
    for _ in range(4):
        mended = parse(mended.text[:offset] + mended.text[offset + 1 :], language, mended)
    assert mended.text == text
    assert mended.tree is mended.whole
    assert spelled(mended) == fresh(mended)


@pytest.mark.parametrize("language", AROUND)
def test_an_excerpt_is_sound_where_the_text_is(language: str) -> None:
    head, indent, *tail = AROUND[language]
    inner = large(language, FUNCTION[language])
    inner = "".join(indent + line if line.strip() else line for line in inner.splitlines(True))
    parsed = parse(head + inner + "".join(tail), language)
    assert parsed.tree is not None
    assert not parsed.tree.root_node.has_error
    for part in range(1, 8):
        offset = len(parsed.text) * part // 8
        view, found = trees._view(parsed, offset)
        assert view is not parsed.tree
        assert found == []


def test_an_excerpt_leaves_out_long_neighbours() -> None:
    unit = FUNCTION["python"]
    long = unit.replace(
        "    return b\n", "    b = [a, (1, 2), {'c': 3}]\n" * 600 + "    return b\n"
    )
    text = long.replace("NAME", "f") + unit.replace("NAME", "g") + long.replace("NAME", "h")
    broken = typed(parse(text, "python"), text.index("[", text.index("def g")), "((")
    assert broken.tree is not None
    assert (
        sum(each.end_byte - each.start_byte for each in broken.tree.included_ranges) < len(unit) * 2
    )


def test_what_cannot_be_parsed_in_time_is_given_up_and_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = large("python", FUNCTION["python"])
    monkeypatch.setattr(trees, "EFFORT", 5)
    parsed = parse(text, "python")
    assert parsed.tree is None
    monkeypatch.undo()
    for n in range(trees.LONG_WAIT):
        parsed = parse(f"{text}\n{n}", "python", parsed)
        assert parsed.tree is None
    assert parse(text, "python", parsed).tree is not None


def test_a_text_that_is_too_long_has_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MAX_TEXT", 10)
    parsed = parse("x = 12345678", "python")
    assert parsed.tree is None
    assert parse("x = 123", "python", parsed).tree is not None


@pytest.mark.parametrize(
    "failure",
    [ImportError("no module"), ValueError("Incompatible Language version 99"), AttributeError()],
)
def test_a_grammar_that_cannot_be_loaded_is_asked_for_once(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(name: str) -> None:
        asked.append(name)
        raise failure

    monkeypatch.setattr("importlib.import_module", load)
    trees.grammar_of.cache_clear()
    try:
        assert parse("x", "python").tree is None
        assert parse("xy", "python").tree is None
        assert asked == ["tree_sitter_python"]
    finally:
        trees.grammar_of.cache_clear()


def test_two_threads_may_parse_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [FUNCTION["python"].replace("NAME", f"f{n}") * 10 for n in range(10, 26)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: spelled(parse(text, "python")), texts))
    assert found == [found[0]] * 16


WORSE = [
    # In sound code.
    ("python", "def f():\n    <CURSOR>\n", "return 1", False),
    ("python", "def f():\n    <CURSOR>\n", "return (1", True),
    ("python", "def f():\n    <CURSOR>\n", "return 1)", True),
    ("python", "def f():\n    <CURSOR>\n", "if a:", False),  # the grammar lets blocks be empty
    ("python", "x = <CURSOR>1\n", "'", True),
    ("python", "x = 1<CURSOR>\n", "  # (", False),
    ("python", "x = '<CURSOR>'\n", "(", False),
    ("javascript", "f(<CURSOR>);\n", "a, (b) => { c(); }", False),
    ("javascript", "f(<CURSOR>);\n", "a, (b) => { c();", True),
    ("typescript", "let a: <CURSOR>;\n", "Map<string, B>", False),
    ("java", "class A {\n  <CURSOR>\n}\n", "int f() { return 1; }", False),
    ("java", "class A {\n  <CURSOR>\n}\n", "int f() { return 1; } }", True),
    (
        "go",
        "package a\n\nfunc f() {\n\t<CURSOR>\n}\n",
        "if a := g(); a != nil {\n\t\treturn\n\t}",
        False,
    ),
    ("go", "package a\n\nfunc f() {\n\t<CURSOR>\n}\n", "if a := g(); a != nil {", True),
    ("c", "int f(void)\n{\n    <CURSOR>\n}\n", "for (;;) { g(); }", False),
    ("c", "int f(void)\n{\n    <CURSOR>\n}\n", "for (;;", True),
    ("cpp", "auto a = <CURSOR>;\n", "[&](int b) { return b; }", False),
    ("cpp", "int f() { <CURSOR> }\n", "auto a = [&](int b) { return b;", True),
    ("rust", "fn f() -> u8 {\n    <CURSOR>\n}\n", "match a { _ => 1 }", False),
    ("rust", "fn f() -> u8 {\n    <CURSOR>\n}\n", "match a { _ => 1", True),
    # Where a statement was begun there is an error, which goes, or stays one.
    ("python", "def f(a,<CURSOR>\n", " b):\n    return a", False),
    ("python", "def f(a,<CURSOR>\n", " b", False),
    ("python", "if x<CURSOR>\n", " > 1:\n    pass", False),
    ("python", "if x<CURSOR>\n", " > 1:\n    return )\n)", True),
    ("python", "x = foo(<CURSOR>\ny = 2\n", "a)", False),
    (
        "python",
        "class A:\n    def f(self<CURSOR>\n\n    def g(self):\n        pass\n",
        ", a):\n        pass",
        False,
    ),
    ("javascript", "function f() {\n  return g(<CURSOR>\n}\n", "a);", False),
    ("javascript", "function f() {\n  return g(<CURSOR>\n}\n", "a", False),
    ("javascript", "function f() {\n  return g(<CURSOR>\n}\n", "a); }}", True),
    ("typescript", "class A {\n  f(): number {\n    return foo(<CURSOR>\n  }\n}\n", "1)", False),
    ("java", "class A {\n  void f() {\n    int x = <CURSOR>\n  }\n}\n", "1", False),
    ("java", "class A {\n  void f() {\n    int x = <CURSOR>\n  }\n}\n", "1;\n}", True),
    ("go", "package a\n\nfunc f() {\n\tx := <CURSOR>\n}\n", "1", False),
    ("rust", "fn f() {\n    let x = <CURSOR>\n}\n", "1;", False),
    ("rust", "fn f() {\n    let x = <CURSOR>\n}\n", "1;\n}", True),
    ("cpp", "int f() {\n  auto x = <CURSOR>\n}\n", "1;", False),
    # An error elsewhere is nothing to trade with.
    ("python", "x = )\n\ndef f():\n    <CURSOR>\n", "return 1", False),
    ("python", "x = )\n\ndef f():\n    <CURSOR>\n", "return (1", True),
    ("python", "def f():\n    <CURSOR>\n\nx = )\n", "return 1)", True),
    ("javascript", "let = ;\nf(<CURSOR>);\n", "a", False),
    ("javascript", "let = ;\nf(<CURSOR>);\n", "a b", True),
    ("java", "class A { int ; void f() { <CURSOR> } }\n", "g();", False),
    ("go", "package a\n\nvar = 1\n\nfunc f() {\n\t<CURSOR>\n}\n", "g(", True),
    ("c", "int = 1;\nint f(void) { <CURSOR> }\n", "g(;", True),
    ("rust", "let = 1;\nfn f() { <CURSOR> }\n", "g();", False),
    # A character that no rule knows is an error within an error.
    ("cpp", "int f() {\n  i<CURSOR>\n  return s;\n}\n", "n the :ref:`py", True),
    # Without a tree there is nothing to say.
    ("plaintext", "<CURSOR>", "(", False),
]


@pytest.mark.parametrize(("language", "marked", "text", "expected"), WORSE)
def test_adds_error(language: str, marked: str, text: str, expected: bool) -> None:
    parsed = parse(marked.replace(CURSOR, ""), language)
    assert adds_error(parsed, marked.index(CURSOR), text) is expected


@pytest.mark.parametrize("language", FUNCTION)
def test_adds_error_in_a_large_text(language: str) -> None:
    text = large(language, FUNCTION[language])
    parsed = parse(text, language)
    line = FUNCTION[language].splitlines(keepends=True)[2]
    offset = text.index(line, len(text) // 2)
    assert not adds_error(parsed, offset, line)
    assert adds_error(parsed, offset, line.rstrip()[:-1] + "((\n")
    assert adds_error(parsed, offset, '"' if language != "go" else "`")


@pytest.mark.parametrize("language", SOURCES)
@settings(max_examples=40, deadline=None)
@given(where=st.floats(0, 1), length=st.integers(0, 30), taken=st.integers(0, 30))
def test_nothing_that_parses_adds_an_error_and_nothing_new_is_let_through(
    language: str, where: float, length: int, taken: int
) -> None:
    """The rest of a line that was taken away parses, put back; a part of it makes no more errors."""
    text = SOURCES[language]
    start = int(where * len(text))
    missing = text[start : start + length]
    base = parse(text[:start] + text[start + length :], language)
    assert base.tree is not None
    assert not adds_error(base, start, missing)
    if not adds_error(base, start, missing[:taken]):
        after = parse(base.text[:start] + missing[:taken] + base.text[start:], language, base)
        assert after.tree is not None
        assert len(errors(after.tree)) <= len(errors(base.tree))
