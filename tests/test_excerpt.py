"""What of a file is run to see whether a piece of it does what the examples say."""

from __future__ import annotations

import pytest

from codegen_lsp.examples import Example, program
from codegen_lsp.excerpt import MAX_TEXT, programs


def made(marked: str, intent: str) -> tuple[str, ...]:
    """The programs for the piece between « and »."""
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    return programs(text, start, end, intent)


@pytest.mark.parametrize(
    ("marked", "call", "excerpt"),
    [
        pytest.param(
            "def f(n):«\n    return n»\n", "f(1)", "def f(n):\n    return n", id="its function"
        ),
        pytest.param(
            "# f\n«def f(n):\n    return n»\n\nf(2)\n", "f(1)", "def f(n):\n    return n",
            id="at top level, calls of it left out",
        ),
        pytest.param(
            "import os\nimport re\n\ndef f(n):«\n    return re.sub('a', 'b', n)»\n", "f('a')",
            "import re\ndef f(n):\n    return re.sub('a', 'b', n)", id="a module that it needs",
        ),
        pytest.param(
            "A = 1\nB = A + 1\nC = 3\ndef g():\n    return B\n"
            "def f(n):«\n    C = 1\n    return g() + C»\n",
            "f(1)",
            "A = 1\nB = A + 1\ndef g():\n    return B\ndef f(n):\n    C = 1\n    return g() + C",
            id="what it needs through others, and no name of its own",
        ),
        pytest.param(
            "import np\ndef f(n):«\n    return n»\n", "f(np.array([1]))",
            "import np\ndef f(n):\n    return n", id="what the example needs",
        ),
        pytest.param(
            "D = {}\nD['a'] = 1\nE = {}\ndef f(n):«\n    return D[n]»\n", "f('a')",
            "D = {}\nD['a'] = 1\ndef f(n):\n    return D[n]", id="what is put into it",
        ),
        pytest.param(
            "try:\n    import re\nexcept ImportError:\n    re = None\ndef f(n):«\n    return re»\n",
            "f(1)",
            "try:\n    import re\nexcept ImportError:\n    re = None\ndef f(n):\n    return re",
            id="a module that may be missing",
        ),
        pytest.param(
            "from __future__ import annotations\ndef f(n: X):«\n    return n»\n", "f(1)",
            "from __future__ import annotations\ndef f(n: X):\n    return n", id="how it is read",
        ),
        pytest.param(
            "from functools import cache\n@cache\ndef f(n):«\n    return n»\n", "f(1)",
            "from functools import cache\n@cache\ndef f(n):\n    return n", id="a decorator",
        ),
        pytest.param(
            "class A:\n    def f(self, n):«\n        return n»\n", "A().f(1)",
            "class A:\n\n    def f(self, n):\n        return n", id="a method of an object",
        ),
        pytest.param(
            "def g(n):«\n    return n»\n\ndef f(n):\n    return g(n)\n", "f(1)",
            "def g(n):\n    return n\ndef f(n):\n    return g(n)", id="needed by what is called",
        ),
        pytest.param("# f\n«g = 1»\n", "f(1)", "g = 1", id="a piece that should have defined it"),
        pytest.param(
            "x = 1  # f«\ndef f(n):\n    return n»\n", "f(1)", "def f(n):\n    return n",
            id="not what stands before its comment",
        ),
        pytest.param(
            "from math import *\ndef f(n):«\n    return floor(n)»\n", "f(1)",
            "from math import *\ndef f(n):\n    return floor(n)", id="what may bind any name",
        ),
        pytest.param(
            "def f(n):«\n    return n»\n", "f((x := 1) + x)", "def f(n):\n    return n",
            id="an example that binds a name",
        ),
        pytest.param(
            "def f(n):«\r\n    return n»\r\n", "f(1)", "def f(n):\n    return n", id="line ends"
        ),
        pytest.param(
            "def f(n):«\n    return n»\n", "f(lambda x: x)", "def f(n):\n    return n",
            id="an example with names of its own",
        ),
    ],
)  # fmt: skip
def test_a_program_holds_what_the_piece_needs(marked: str, call: str, excerpt: str) -> None:
    assert made(marked, f">>> {call}\n1") == (program(excerpt, Example(call, "1")),)


@pytest.mark.parametrize(
    ("marked", "intent"),
    [
        pytest.param("def f(n):«\n    return n»\n", "return n", id="no examples"),
        pytest.param("def g():\n    pass\n«h = 1»\n", "g() == 1", id="of another function"),
        pytest.param("class A:\n    def f(n):«\n        pass»\n", "f(1) == 1", id="no object"),
        pytest.param("def f(n):«\n    return n»\n\nx = (\n", "f(1) == 1", id="a broken file"),
        pytest.param("def f(n):«\n    return n»\n" + "#" * MAX_TEXT, "f(1) == 1", id="a huge file"),
        pytest.param("x = 1\n«# nothing»\n", "f(1) == 1", id="no code"),
    ],
)
def test_what_cannot_be_run_is_not(marked: str, intent: str) -> None:
    assert made(marked, intent) == ()


def test_a_program_holds_what_the_value_needs() -> None:
    (found,) = made("class A:\n    pass\ndef f(n):«\n    return n»\n", ">>> f(1)\nA(1)")
    assert found.startswith("class A:")


def test_every_example_has_its_program() -> None:
    first, second = made("def f(n):«\n    return n»\n", "f(1) == 1, and f(2) == 2")
    assert "f(1)" in first
    assert "f(2)" in second
