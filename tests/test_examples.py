"""Examples in intents, and the programs that check them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from codegen_lsp.examples import MAX_EXAMPLES, MAX_LENGTH, Example, examples, program

# an intent, and the examples in it: call and value
TABLE = [
    pytest.param("square it, so that f(2) == 4", [("f(2)", "4")], id="=="),
    pytest.param("f(2) = 4", [("f(2)", "4")], id="="),
    pytest.param("f(2)->4", [("f(2)", "4")], id="->"),
    pytest.param("f(2) => 4, f(3) => 9", [("f(2)", "4"), ("f(3)", "9")], id="=>"),
    pytest.param("`f(2)` returns `4`.", [("f(2)", "4")], id="returns, in backticks"),
    pytest.param("f(2) == 4 and f(3) == 9", [("f(2)", "4"), ("f(3)", "9")], id="and"),
    pytest.param("f(2) == 4.", [("f(2)", "4")], id="a full stop"),
    pytest.param("f(2) == 4.5!", [("f(2)", "4.5")], id="a fraction"),
    pytest.param("f(2) == -1e-3", [("f(2)", "-1e-3")], id="a small number"),
    pytest.param('E.g., to_binary(0xFF) = "11111111".', [("to_binary(0xFF)", '"11111111"')],
                 id="a string"),
    pytest.param("f(')') returns '(', f(\"a\\\"b\") returns 'x'", [("f(')')",
                 "'('"), ('f("a\\"b")', "'x'")],
                 id="brackets and quotes in strings"),
    pytest.param("f([1, 2], k=g(3)) == [1, (2, {'a': 3})]", [("f([1, 2], k=g(3))",
                 "[1, (2, {'a': 3})]")],
                 id="nested"),
    pytest.param("f(\n  1,\n) == [\n  2]", [("f(\n  1,\n)", "[\n  2]")], id="over lines"),
    pytest.param("f(1) == Point(1, 2)", [("f(1)", "Point(1, 2)")], id="an object"),
    pytest.param("a.f(np.array([1])) == None", [("a.f(np.array([1]))", "None")], id="attributes"),
    pytest.param("f([x for x in range(3)]) == 3", [("f([x for x in range(3)])", "3")],
                 id="a comprehension's own names"),
    pytest.param("f(2) == 4, f(2) == 4", [("f(2)", "4")], id="once"),
    pytest.param("写f。f(2) == 4。", [("f(2)", "4")], id="in any language"),
    pytest.param("- f(2) == 4\n* f(3) == 9", [("f(2)", "4"), ("f(3)", "9")], id="in a list"),
    pytest.param("f(n) == 4", [], id="which n?"),
    pytest.param("f(2) == n", [], id="what is n?"),
    pytest.param("f(2) == [n]", [], id="what is n, in a list?"),
    pytest.param("def f(a=1) -> int", [], id="a type"),
    pytest.param("f(1) -> List[int]", [], id="a type with a parameter"),
    pytest.param("f(1) -> list[int]", [], id="a type of Python's with a parameter"),
    pytest.param("f(int) == 3", [("f(int)", "3")], id="Python's names"),
    pytest.param("f(1) == [g(2) == 4]", [("f(1)", "[g(2) == 4]")], id="one in another's value"),
    pytest.param("f(2) == 4 + 1", [], id="more than a value"),
    pytest.param("f(2) == 'a'.upper()", [], id="a value's method"),
    pytest.param("f(2) == 3, 1", [], id="one value or two?"),
    pytest.param("f(2) == 4 if it is even", [], id="a condition behind it"),
    pytest.param("if f(2) == 4, stop", [], id="a condition"),
    pytest.param("1 + f(2) == 4", [], id="a part of a sum"),
    pytest.param("not f(2) == 4", [], id="a denial"),
    pytest.param("f(2) != 4, f(2) <= 4, f(2) === 4", [], id="other operators"),
    pytest.param("f(2 == 4", [], id="not closed"),
    pytest.param("f(2] == 4", [], id="closed by another bracket"),
    pytest.param("f(2 3) == 4", [], id="no Python"),
    pytest.param("f(1) == 0x", [], id="no number"),
    pytest.param("(2) == 4", [], id="no call"),
    pytest.param("f == 4", [], id="no brackets"),
    pytest.param(f"f('{'a' * MAX_LENGTH}') == 4", [], id="a long one"),
    pytest.param("Square.\n>>> f(2)\n4\n", [("f(2)", "4")], id="doctest"),
    pytest.param("  >>> f(2)\n  4\n  >>> f(3)\n  9\n\n  f(4) == 16",
                 [("f(2)", "4"), ("f(3)", "9"), ("f(4)", "16")], id="several"),
    pytest.param(">>> f(\n...   2,\n... )\n4", [("f(\n  2,\n)", "4")], id="a call over lines"),
    pytest.param(">>> f(2)\n[[1, 2],\n [3, 4]]\n", [("f(2)", "[[1, 2],\n[3, 4]]")],
                 id="output over lines"),
    pytest.param(">>> print(f(2))\na b\n", [("str(f(2))", "'a b'")], id="what is printed"),
    pytest.param(">>> print(1, f(2))\n1 2\n", [], id="several are printed"),
    pytest.param(">>> f(0)\nTraceback (most recent call last):\n  ...\nValueError: no\n>>> f(2)\n4",
                 [("f(2)", "4")], id="an error"),
    pytest.param(">>> x = 3\n>>> f(x)\n9\n>>> f(2)\n4", [], id="something is prepared"),
    pytest.param(">>> print(*f(2))\n1 2\n", [], id="parts are printed"),
    pytest.param(">>> x = [print(1)]\n1\n>>> f(2)\n4", [], id="something is prepared, and printed"),
    pytest.param(">>> a.push(3)\n>>> a.pop()\n3", [], id="something is done"),
    pytest.param(">>> f(2) == 4\nTrue\n>>> f(3)\n9", [("f(3)", "9")], id="no call"),
    pytest.param(">>> f('\\d')\n9", [("f('\\d')", "9")], id="what Python warns of"),
    pytest.param("", [], id="nothing"),
]  # fmt: skip

# code, example, whether it holds
CHECKS = [
    pytest.param("def f(x):\n    return x * x", "f(2)", "4", True, id="right"),
    pytest.param("def f(x):\n    return x + 1", "f(2)", "4", False, id="wrong"),
    pytest.param("def f(x):\n    return 0.1 + 0.2", "f(2)", "0.3", True, id="nearly"),
    pytest.param("def f(x):\n    return 0.301", "f(2)", "0.3", False, id="not near enough"),
    pytest.param("def f(x):\n    return 4", "f(2)", "4.0", True, id="a whole number"),
    pytest.param("def f(x):\n    return '4'", "f(2)", "4.0", False, id="a text is no number"),
    pytest.param("def f(x):\n    return [(0.1 + 0.2, 'a')]", "f(2)", "[(0.3, 'a')]", True,
                 id="in lists"),
    pytest.param("def f(x):\n    return [1]", "f(2)", "[1, 2]", False, id="a shorter list"),
    pytest.param("def f(x):\n    return [1, 2]", "f(2)", "(1, 2)", False, id="a list is no tuple"),
    pytest.param("def f(x):\n    return {'a': 0.1 + 0.2}", "f(2)", "{'a': 0.3}", True,
                 id="in dictionaries"),
    pytest.param("def f(x):\n    return {'b': 1}", "f(2)", "{'a': 1}", False, id="other keys"),
    pytest.param("def f(x):\n    return float('nan')", "f(2)", "float('nan')", True,
                 id="no number at all"),
    pytest.param("def f(x):\n    return float('inf')", "f(2)", "float('inf')", True, id="infinite"),
    pytest.param("import array\ndef f(x):\n    return array.array('i', [1, 2])", "f(2)",
                 "[1, 2]", True,
                 id="an array"),
    pytest.param("list = [1]\nlen = isinstance = all = map = None\ndef f(x):\n    return [2]", "f(2)",
                 "[2]",
                 True, id="names taken"),
    pytest.param("from __future__ import annotations\ndef f(x):\n    return 1", "f(2)", "1", True,
                 id="what has to stand first"),
    pytest.param("def f(x):\n    return 1  # one", "f(\n  2)  # two", "1  # one", True,
                 id="comments"),
    pytest.param("def f(x):\n    return 1, 2", "f(2)", "1, 2", True, id="a bare tuple"),
]  # fmt: skip


@pytest.mark.parametrize(("intent", "found"), TABLE)
def test_examples(intent: str, found: list[tuple[str, str]]) -> None:
    assert examples(intent) == tuple(Example(*each) for each in found)


def test_they_are_bounded() -> None:
    many = " ".join(f"f({n}) == {n}," for n in range(100))
    assert len(examples(many)) == MAX_EXAMPLES
    assert examples("(" * 100_000 + "f(2) == 4") == ()
    assert examples("f(" * 50_000) == ()
    assert examples("f(" + "[" * 300 + "]" * 300 + ") == 4") == ()


@pytest.mark.parametrize(("code", "call", "value", "holds"), CHECKS)
def test_program(code: str, call: str, value: str, holds: bool) -> None:
    assert last_value(program(code, Example(call, value))) is holds


def test_an_exception_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        last_value(program("def f(x):\n    return 1 / 0", Example("f(2)", "4")))


def test_programs_run_by_themselves() -> None:
    """In another interpreter, as they will."""
    source = program("def f(x):\n    return x * x", Example("f(2)", "4"))
    last = ast.unparse(ast.parse(source).body[-1])
    whole = source + f"\nimport json\nprint(json.dumps({last}))\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", whole], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) is True


def last_value(source: str) -> object:
    """What the last expression of a program is."""
    *statements, last = ast.parse(source).body
    assert isinstance(last, ast.Expr)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(ast.Module(statements, []), "program", "exec"), names)
    return eval(compile(ast.Expression(last.value), "program", "eval"), names)
