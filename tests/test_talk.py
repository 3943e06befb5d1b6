"""What turns say, wherever they stand and whatever became of their comments."""

from __future__ import annotations

import pytest

from codegen_lsp.history import Said
from codegen_lsp.normal import normal
from codegen_lsp.talk import placed, related, said
from codegen_lsp.turns import Turns, follow
from tests.spoken import turns_in

PYTHON = "x = 0\n# set y\ny = 1\n\n# and z\n# twice\nz = 2\nz = 2\n"


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param(PYTHON, "python", PYTHON, id="as it is"),
        pytest.param(PYTHON.replace("\n", "\r\n"), "python", PYTHON, id="line ends"),
        pytest.param(PYTHON.replace("\n", "\r"), "python", PYTHON, id="other line ends"),
        pytest.param(
            "if x:\n\t# set y\n\ty = 1\n\t# and z\n\t# twice\n\tz = 2\n\tz = 2\n", "python",
            "if x:\n    # set y\n    y = 1\n    # and z\n    # twice\n    z = 2\n    z = 2\n",
            id="tabs",
        ),
    ],
)  # fmt: skip
def test_turns_are_at_their_places_in_normal_form(text: str, language: str, expected: str) -> None:
    newline = "\r\n" if "\r\n" in text else "\r" if "\r" in text else "\n"
    turns = turns_in(text, ("set y", "y = 1"), ("and z", "z = 2"))
    plain = normal(text, language)
    assert plain == expected
    found = placed(turns.turns, text, language)
    assert [plain[turn.border : turn.end].strip() for turn in found] == ["y = 1", "z = 2"]
    assert [plain[: turn.start].count("\n") for turn in found] == [
        text[: turn.start].count(newline) for turn in turns.turns
    ]
    assert all(plain[turn.start : turn.border].strip()[0] == "#" for turn in found)


def test_no_turn_ends_within_a_line_end() -> None:
    text = "# set y\r\ny = 1\r\n# set z\r\nz = 2\r\n"
    turns = turns_in(text, ("set y", "y = 1\r"), ("set z", "z = 2"))
    plain = normal(text, "python")
    found = placed(turns.turns, text, "python")
    assert [plain[turn.start : turn.end] for turn in found] == ["# set y\ny = 1", "# set z\nz = 2"]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param("# set y\ny = 1\n", "# set y\ny = 1\n", Said("set y", "y = 1"), id="as it was"),
        pytest.param("# set y\ny = 1\n", "# set y\ny = 12\n", Said("set y", "y = 12"), id="code"),
        pytest.param("# set y\ny = 1\n", "# set yy\ny = 1\n", Said("set yy", "y = 1"), id="stale"),
        pytest.param("# set y\ny = 1\n", "# set *\ny = 1\n", Said("set *", "y = 1"), id="masked"),
        pytest.param("# set y\ny = 1\n", "# ----\ny = 1\n", None, id="says nothing any more"),
        pytest.param(
            "if x:\n    # set y\n    y = 1\n    y = 2\n", "if x:\n    # set it\n    y = 1\n    y = 2\n",
            Said("set it", "y = 1\ny = 2"), id="indented",
        ),
        pytest.param(
            'def f(y):\n    """set y"""\n    return y\n', 'def f(y):\n    """get y"""\n    return y\n',
            Said("get y", "return y"), id="a docstring",
        ),
    ],
)  # fmt: skip
def test_what_a_turn_says(before: str, now: str, expected: Said | None) -> None:
    code = before[before.index("set y") :].partition("\n")[2].strip()
    turns = follow(turns_in(before, ("set y", code)), now)
    found = said(turns.turns, now, "python")
    assert found == (() if expected is None else (expected,))


def test_what_was_wanted_is_told_to_the_letter() -> None:
    turns = turns_in("# set\n# y\ny = 1\n", ("set\n# y", "y = 1"), intents=["set  y "])
    assert said(turns.turns, turns.text, "python") == (Said("set  y ", "y = 1"),)


def test_what_may_not_be_read_is_told_by_the_masked_text() -> None:
    turns = turns_in("# use abc\ny = 'abc'\n", ("use abc", "y = 'abc'"))
    masked = turns.text.replace("abc", "xxx")
    assert said(turns.turns, masked, "python") == (Said("use xxx", "y = 'xxx'"),)


ADD = Said("add two", "def add_up(a, b):\n    return a + b")
LOG = Said("a log", 'log = open("total.txt")  # the total of it')
TOTAL = Said("the sum", "total = add_up(1, 2)")


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        pytest.param("call add_up with 3 and 4", (ADD, TOTAL), id="a name"),
        pytest.param("print the total", (TOTAL,), id="not what strings and comments say"),
        pytest.param("write total to log", (LOG, TOTAL), id="the nearest first"),
        pytest.param("return it, and not def", (), id="keywords are no names"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_related(intent: str, expected: tuple[Said, ...]) -> None:
    found = related([ADD, LOG, TOTAL], intent, "python")
    assert set(found) == set(expected)
    assert found[:1] == expected[:1] or intent.startswith("call")


def test_nothing_is_related_to_nothing() -> None:
    assert related([], "add", "python") == ()
    assert said(Turns("").turns, "", "python") == ()
