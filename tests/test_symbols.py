from __future__ import annotations

import pytest

from codegen_lsp.symbols import MAX_LINES, MAX_SYMBOLS, MAX_WIDTH, outline
from codegen_lsp.syntax import parse


def texts(text: str, language: str) -> dict[str, str]:
    return {symbol.name: symbol.text for symbol in outline(parse(text, language))}


@pytest.mark.parametrize(
    ("language", "text", "name", "expected"),
    [
        pytest.param(
            "python", "def add(a: int, b: int) -> int:\n    return a + b\n", "add",
            "def add(a: int, b: int) -> int:", id="a function",
        ),
        pytest.param(
            "python",
            "class Cart:\n    def add(self, item):\n        pass\n\n    def total(self): pass\n",
            "Cart", "class Cart:\n    def add(self, item):\n    def total(self):", id="a class",
        ),
        pytest.param(
            "python", "class Cart:\n    def add(self, item):\n        pass\n", "add",
            "class Cart:\n    def add(self, item):", id="a method, in its class",
        ),
        pytest.param(
            "python", "class A:\n    def add(\n        self,\n    ):\n        pass\n", "add",
            "class A:\n    def add(\n        self,\n    ):", id="a method of several lines",
        ),
        pytest.param(
            "python", "class Point:\n    x: int\n    y: int\n", "Point",
            "class Point:\n    x: int\n    y: int", id="a class of fields",
        ),
        pytest.param(
            "java", "class A {\n  public int size(\n      int x) {\n    return 1;\n  }\n}\n", "A",
            "class A\n    public int size( int x)", id="a signature of two lines in one",
        ),
        pytest.param(
            "go",
            "package a\n\ntype Cart struct{}\n\nfunc (c *Cart) Add(name string) error {\n}\n", "Add",
            "func (c *Cart) Add(name string) error", id="Go",
        ),
        pytest.param(
            "go",
            "package a\n\ntype Cart struct {\n\tn int\n}\n\nfunc (c *Cart) Size() int {\n}\n", "Cart",
            "type Cart struct {\n\tn int\n}\nfunc (c *Cart) Size() int", id="methods elsewhere",
        ),
        pytest.param(
            "typescript", "export interface Item {\n  name: string;\n}\n", "Item",
            "export interface Item {\n  name: string;\n}", id="an interface",
        ),
    ],
)  # fmt: skip
def test_a_definition_is_shown_as_it_is_used(
    language: str, text: str, name: str, expected: str
) -> None:
    assert texts(text, language)[name] == expected


def test_nothing_is_known_without_a_grammar() -> None:
    assert outline(parse("def add(a):\n", "cobol")) == ()


def test_what_is_shown_is_bounded() -> None:
    long = "x" * 500
    members = "".join(f"    def m{n}(self):\n        pass\n" for n in range(50))
    shown = texts(f"class A:\n{members}\ndef f({long}):\n    pass\n", "python")
    assert shown["A"].count("\n") + 1 == MAX_LINES
    assert len(shown["f"]) == MAX_WIDTH
    many = "".join(f"def f{n}(): pass\n" for n in range(MAX_SYMBOLS + 1))
    assert len(outline(parse(many, "python"))) == MAX_SYMBOLS
