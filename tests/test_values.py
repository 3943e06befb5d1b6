"""The benchmark's definition of a value: what counts as printed, and what is the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codegen_lsp.evaluate.values import printed, same
from codegen_lsp.inside import to_json


def value_of(program: str, expected: Any) -> Any:
    outcome = outcome_of(program, expected)
    return outcome["value"] if "value" in outcome else outcome["error"]


def outcome_of(program: str, expected: Any) -> dict[str, Any]:
    """What comes out of the sandbox: JSON."""
    outcome: dict[str, Any] = json.loads(to_json(printed(program, type(expected).__name__)))
    return outcome


def check(program: str, expected: Any, *, passes: bool = True) -> None:
    outcome = outcome_of(program, expected)
    assert ("value" in outcome and same(outcome["value"], expected)) is passes, outcome


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param("print(1)\nprint(2)", 2, id="the last print"),
        pytest.param("print(7, 8, sep='-')", 7, id="its first argument"),
        pytest.param("print([1])", [1], id="the value, not its text"),
        pytest.param("for n in range(4):\n    print(n)", 3, id="inside a loop"),
        pytest.param("def f():\n    print(3)\nf()", "None", id="the value of a last call comes after"),
        pytest.param("1 + 1", 2, id="a last expression"),
        pytest.param("print(5)\nx = 6", 6, id="a last assignment"),
        pytest.param("x = 1\nx += 4", 4, id="what a last assignment adds"),
        pytest.param("print(5)\nimport math", 5, id="a last statement without a value"),
        pytest.param("print(5)\n# 6", 5, id="a comment is no statement"),
        pytest.param("print(5)\nraise ValueError('no')", 5, id="an exception behind it"),
        pytest.param("print(5)\nimport sys\nsys.exit(3)", 5, id="its own end"),
        pytest.param("import no_such_thing\nprint(1)", "ModuleNotFoundError", id="it fails at once"),
        pytest.param("print(", "SyntaxError", id="no program"),
        pytest.param("", "nothing was printed", id="nothing"),
        pytest.param("x: int", "nothing was printed", id="an annotation alone"),
        pytest.param("print()", "nothing was printed", id="an empty line"),
        pytest.param("def f() -> int: ...\nprint(f.__annotations__['return'] is int)", "True",
                     id="none of our own __future__"),
    ],
)  # fmt: skip
def test_what_counts_as_printed(program: str, expected: Any) -> None:
    assert str(value_of(program, expected)).partition(":")[0] == str(expected)


def test_what_is_printed_stays_inside(capsys: pytest.CaptureFixture[str]) -> None:
    printed("print('a word')", "str")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param("print('4')", 4, id="a text, to an integer"),
        pytest.param("print(4.7)", 4, id="a float, to an integer"),
        pytest.param("print(4)", 4.0, id="an integer, to a float"),
        pytest.param("print(0.1 + 0.2)", 0.3, id="rounding"),
        pytest.param("print(2.0000009)", 2.0, id="within the tolerance"),
        pytest.param("print(12)", "12", id="to a text"),
        pytest.param("print([1, 'a'])", "[1, 'a']", id="a list, to a text"),
        pytest.param("print(True)", "True", id="a truth value, to a text"),
        pytest.param("print('False')", False, id="a text for a truth value"),
        pytest.param("print(None)", None, id="None"),
        pytest.param("print('None')", None, id="a text for None"),
        pytest.param("print((17, 2))", [17, 2], id="a tuple"),
        pytest.param("print([(1, 'a'), (2, 'b')])", [[1, "a"], [2, "b"]], id="a list of tuples"),
        pytest.param("print({3})", [3], id="a set"),
        pytest.param("print(range(3))", [0, 1, 2], id="a range"),
        pytest.param("print({'a': 1}.keys())", ["a"], id="keys"),
        pytest.param("print(n * n for n in (1, 2))", [1, 4], id="a generator"),
        pytest.param("print('abc')", ["a", "b", "c"], id="letters"),
        pytest.param("print([0.1 + 0.2, 1e-30])", [0.3, 1e-30], id="rounding in a list"),
        pytest.param("print([1])", [1.0000001], id="an integer in a list, for a float"),
        pytest.param("print({'a': [1, 2]})", {"a": [1, 2]}, id="a dictionary"),
        pytest.param("print({'b': 1, 'a': 2})", {"a": 2, "b": 1}, id="in any order"),
        pytest.param("print([[1, None], [False, 'x']])", [[1, None], [False, "x"]], id="nested"),
        pytest.param("import numpy as np\nprint(np.int64(3))", 3, id="numpy's integer"),
        pytest.param("import numpy as np\nprint(np.float32(0.5))", 0.5, id="numpy's float"),
        pytest.param("import numpy as np\nprint(np.bool_(True))", True, id="numpy's truth value"),
        pytest.param("import numpy as np\nprint(np.eye(2))", [[1, 0], [0, 1]], id="an array"),
        pytest.param("import numpy as np\nprint([np.int64(1), 2])", [1, 2], id="inside a list"),
        pytest.param("class A:\n    def tolist(self): return [1, (2.5, 3)]\nprint(A())", [1, [2.5, 3]],
                     id="all that knows the way to lists, as pandas' series"),
        pytest.param("import numpy as np\nprint(np.mean([1, 2]))", "1.5", id="without numpy's name"),
    ],
)  # fmt: skip
def test_the_same(program: str, expected: Any) -> None:
    check(program, expected)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param("print(3)", 4, id="another number"),
        pytest.param("print(2.000002)", 2.0, id="beyond the tolerance"),
        pytest.param("print(float('nan'))", 0.0, id="no number"),
        pytest.param("print(float('nan'))", 0, id="no number for an integer"),
        pytest.param("print('4.0')", 4, id="a text that is no integer"),
        pytest.param("print([4])", 4, id="a list for a number"),
        pytest.param("print(1)", True, id="1 is not True"),
        pytest.param("print(0)", None, id="0 is not None"),
        pytest.param("print('abcd')", "abc", id="another text"),
        pytest.param("print([2, 1])", [1, 2], id="another order"),
        pytest.param("print([1, 2, 2])", [1, 2], id="one more"),
        pytest.param("print([1e-30, 5])", [0, 5], id="tiny is not zero in a list"),
        pytest.param("print([1000001])", [1000002], id="integers are exact"),
        pytest.param("print(3)", [3], id="a number for a list"),
        pytest.param("print({1: 'a'})", {"1": "a"}, id="a key that is no text"),
        pytest.param("print({'a': 1})", {"a": 1, "b": 2}, id="a key less"),
        pytest.param("print({'a': 1})", {"a": 2}, id="another value"),
        pytest.param("print(dict)", {"a": 1}, id="a class"),
        pytest.param("print([10 ** 400])", [0.5], id="too large for a float"),
        pytest.param("class A:\n    def __str__(self): return 1\nprint(A())", "1", id="no text"),
    ],
)
def test_not_the_same(program: str, expected: Any) -> None:
    check(program, expected, passes=False)


def test_pandas_values() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    program = "import pandas as pd\nframe = pd.DataFrame({'Yes': [50, 21], 'No': [131, 2]})\n"
    check(program + "print(frame.mean())", [35.5, 66.5])
    check(program + "print(frame.mean())", [35.5, 66.0], passes=False)
    check(program + "frame['Yes'].max()", 50)
    check(program + "print(frame)", ["Yes", "No"])
