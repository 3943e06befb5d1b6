"""Turns that follow edits, text in, text out: «1:# comment|code» is a turn, «1*:...» a stale one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_lsp.edits import changed
from codegen_lsp.turns import (
    MAX_ASIDE,
    MAX_ASIDE_CHARACTERS,
    Origin,
    Turns,
    accept,
    add,
    clear,
    code_of,
    find,
    follow,
    remove,
    rewrite,
    taken_back,
    turn_at,
)

MARK = re.compile(r"«\d+\*?:|¦|»")
ORIGIN = Origin("nano", 7, 120, -0.25)
OTHER = Origin("nano", 8, 130, -0.5)


def plain(marked: str) -> str:
    return MARK.sub("", marked)


def read(marked: str) -> Turns:
    """Turns as they are added; their numbers in the text are theirs."""
    turns = Turns(plain(marked))
    found = re.findall(r"«(\d+):([^¦]*)¦([^»]*)»", marked)
    for number, comment, code in sorted(found, key=lambda each: int(each[0])):
        start = len(plain(marked[: marked.index(f"«{number}:")]))
        border = start + len(comment)
        turns, given = add(
            turns, start, border, border + len(code), comment.strip(" #\r\n"), ORIGIN
        )
        assert given == int(number)
    return turns


def shown(turns: Turns) -> str:
    text = turns.text
    for turn in reversed(turns.turns):
        stale = "*" if turn.is_stale else ""
        comment, code = text[turn.start : turn.border], code_of(turns, turn)
        marked = f"«{turn.number}{stale}:{comment}¦{code}»"
        text = text[: turn.start] + marked + text[turn.end :]
    return text


def check(*states: str) -> None:
    """Each state's text after the one before it, with everything marked as it has to be; and the same
    with other line ends."""
    if "\r" not in "".join(states):
        check(*(state.replace("\n", "\r\n") for state in states))
    turns = read(states[0])
    assert shown(turns) == states[0]
    for state in states[1:]:
        turns = follow(turns, plain(state))
        assert shown(turns) == state


TURN = "«1:# add\n¦x = a + b»\n"
TWO_LINES = "«1:# add\n¦x = a\nx += b»\n"
TWO = "import os\n\n«1:# one\n¦x = 1»\n\n«2:# two\n¦y = 2»\n\nprint(x)\n"
CLOSE = "«1:# one\n¦x = 1»\n«2:# two\n¦y = 2»\n"
ALIKE = "«1:# one\n¦x = 0»\n«2:# two\n¦y = 0»\n"
EQUAL = "«1:# x\n¦a»\n\n«2:# x\n¦a»\n"
INDENTED = """\
def f():
    import os

«1:    # one
¦    x = 1»

«2:    # two
¦    y = 2»

    print(x)
"""
FIRST = "import os\n\n«1:# one\n¦x = 1»\n\n"


@pytest.mark.parametrize(
    "states",
    [
        pytest.param((TURN, "import os\n" + TURN), id="a line above"),
        pytest.param(("import os\n" + TURN, TURN), id="a line above deleted"),
        pytest.param((TURN, TURN + "print(x)\n"), id="typed below"),
        pytest.param((TURN, "«1:# add\n¦x = a + b»\n\n", "«1:# add\n¦x = a + b»\ny\n"), id="Enter"),
        pytest.param(("«1:# add\n¦x\n»", "«1:# add\n¦x\n»y\n"), id="below its last line end"),
        pytest.param((TURN, "«1:# add\n¦x = a + b + c»\n"), id="at the end of its last line"),
        pytest.param(
            (TURN, "«1:# add\n¦x = a + b »\n", "«1:# add\n¦x = a + b -»\n"), id="key by key"
        ),
        pytest.param((TURN, "«1:# add\n¦x = a + b - 1»\ny\n"), id="at its end, and a line more"),
        pytest.param((TURN, "«1:# add\n¦x = a * b»\n"), id="in its code"),
        pytest.param((TURN, "«1:# add\n¦y = 0\nx = a + b»\n"), id="a line above its code"),
        pytest.param((TWO_LINES, "«1:# add\n¦x = a\ny = 0\nx += b»\n"), id="a line in its code"),
        pytest.param((TURN, "«1:# add\n¦return sum(\n    all\n)»\n"), id="other code, pasted over"),
        pytest.param((TURN, "«1*:# add up\n¦x = a + b»\n", TURN), id="another comment, and back"),
        pytest.param((TURN, "«1*:# add\n# up\n¦x = a + b»\n", TURN), id="one line more of it"),
        pytest.param(
            (
                TURN,
                "«1:# add\n¦\nx = a + b»\n",
                "«1*:# add\n#\n¦x = a + b»\n",
                "«1*:# add\n# u\n¦x = a + b»\n",
                TURN,
            ),
            id="one line more of it, key by key",
        ),
        pytest.param((TURN, "«1:# add\n¦# x = a + b»\n", TURN), id="its code commented out"),
        pytest.param((TWO_LINES, "«1:# add\n¦# x = a\n# x += b»\n", TWO_LINES), id="all of it"),
        pytest.param(("«1:# x\n¦a»\n", "# new\n«1:# x\n¦a»\n"), id="a comment above its own"),
        pytest.param(("«1:# x\n¦a»\n", "# x\nb\n«1:# x\n¦a»\n"), id="the same comment above it"),
        pytest.param(
            ("# x\nb\n«1:# x\n¦a»\n", "«1:# x\n¦a»\n", "# x\nb\n«1:# x\n¦a»\n"),
            id="the same comment above it deleted",
        ),
        pytest.param(("z\n# x\na\n«1:# x\n¦a»\n", "z\n«1:# x\n¦a»\n"), id="the same text above deleted"),
        pytest.param(
            ("«1:# x\n¦a\nq»\n# x\na\nw\n", "# x\na\nw\n"), id="deleted, and what follows begins alike"
        ),
        pytest.param((TURN, "«1:  # add\n¦x = a + b»\n"), id="its comment indented"),
        pytest.param(
            (TWO_LINES, "if x:\n«1:    # add\n¦    x = a\n    x += b»\n", TWO_LINES),
            id="indented below something",
        ),
        pytest.param(
            (TWO_LINES, "«1:# add\r\n¦x = a\r\nx += b»\r\n", TWO_LINES), id="other line ends"
        ),
        pytest.param((TURN, "«1*:x# add\n¦x = a + b»\n", TURN), id="typed before its comment"),
        pytest.param((TURN, "«1:# add¦x = a + b»\n", TURN), id="joined"),
        pytest.param(
            ("«1:# set a\n¦a = a»\n", "«1*:# set b\n¦b = a»\n", "«1:# set a\n¦a = a»\n"),
            id="renamed in both",
        ),
        pytest.param((TURN, "# ad + b\n", TURN), id="from its comment into the line's end"),
    ],
)  # fmt: skip
def test_edits_of_a_turn_and_around_it(states: tuple[str, ...]) -> None:
    check(*states)


@pytest.mark.parametrize(
    "states",
    [
        pytest.param((TURN, "# add\n\n", TURN), id="the code"),
        pytest.param((TURN, "# add\n", TURN), id="the code's line"),
        pytest.param((TURN, "# add\n  \t\n", TURN), id="the code, but for blanks"),
        pytest.param((TURN, "x = a + b\n", TURN), id="the comment"),
        pytest.param((TURN, "\nx = a + b\n", TURN), id="the comment, but for its line"),
        pytest.param((TURN, "", TURN), id="all of the text"),
        pytest.param((TURN, "nothing\nof it\n", TURN), id="all of the text, by other text"),
        pytest.param((TURN, "", "print()\n", "print()\n" + TURN), id="and pasted elsewhere"),
        pytest.param(
            (TURN + "a\nb\n", "a\n" + TURN + "b\n", "a\nb\n" + TURN), id="moved down, line by line"
        ),
        pytest.param((TURN, "", "# ad\n", "# add\nx\n", TURN), id="and typed again"),
        pytest.param((TURN, "", "## add\nx = a + b\n"), id="not where its comment says more"),
        pytest.param((TURN, "", TURN, TURN + "# add\nx = a + b\n"), id="but once only"),
        pytest.param((TWO_LINES, "«1:# add\n¦x = a»\n", TWO_LINES), id="its last line"),
        pytest.param((TWO_LINES, "«1:# add\n¦x = a»", TWO_LINES), id="its last line, and the text's"),
        pytest.param(
            (TWO_LINES, "«1:# add\n¦x = a»\n", "# add\n", "«1:# add\n¦x = a»\n", TWO_LINES),
            id="line by line",
        ),
        pytest.param((TWO, FIRST + "print(x)\n", TWO), id="the second of two"),
        pytest.param((TWO, "import os\n\n«2:# two\n¦y = 2»\n\nprint(x)\n", TWO), id="the first of two"),
        pytest.param((TWO, "import os\n\nprint(x)\n", TWO), id="two at once"),
        pytest.param((TWO, FIRST, "import os\n\n", TWO), id="two, one after the other"),
        pytest.param(
            (TWO, FIRST + "print(x)\n", "import os\n\nprint(x)\n", FIRST + "print(x)\n"),
            id="two, and one of them is back",
        ),
        pytest.param((EQUAL, "", EQUAL), id="two that are equal"),
        pytest.param((EQUAL, "«1:# x\n¦a»\n", "y\n«1:# x\n¦a»\n"), id="one of two that are equal"),
        pytest.param((TWO_LINES, "z\nx += b\n", TWO_LINES), id="the comment and a line"),
        pytest.param((TWO_LINES, "«1:# add\n¦x = a\n»\n", TWO_LINES), id="the words of its last line"),
        pytest.param(
            (TWO_LINES[:-1], "«1:# add\n¦x = a»", TWO_LINES[:-1]), id="its last line, at the text's end"
        ),
        pytest.param(
            (TWO_LINES + "\n", "«1:# add\n¦x = a1»", TWO_LINES + "\n"), id="its last line and more"
        ),
        pytest.param(
            (TURN + "z\n# add\nx = a + b\n", "z\n# add\nx = a + b\n", "z\n# add\nx = a + b\n\nz\n"),
            id="but no copy of it, far from the edit",
        ),
        pytest.param(
            (TURN, "«1*:# add up\n¦x = a + b»\n", "", "«1*:# add up\n¦x = a + b»\n", TURN), id="stale"
        ),
    ],
)  # fmt: skip
def test_what_is_deleted_is_no_turn_until_it_is_back(states: tuple[str, ...]) -> None:
    check(*states)


@pytest.mark.parametrize(
    "states",
    [
        pytest.param((CLOSE, "«1:# one\n¦x »«2*:wo\n¦y = 2»\n", CLOSE), id="from one into the other"),
        pytest.param(
            (TWO, "import os\n\n«1:# one\n¦x = 3»\nz = 4\n«2*: two\n¦y = 2»\n\nprint(x)\n"),
            id="replaced by several lines",
        ),
        pytest.param(
            (TWO, "import os\n\n«1:# one\n¦x = »«2:# two\n¦y = 2»\n\nprint(x)\n"), id="joined"
        ),
        pytest.param((TWO, "import os\n\n# y = 2\n\nprint(x)\n", TWO), id="of both, only pieces left"),
        pytest.param((TWO, TWO.replace("os", "io").replace("(x)", "(y)"), TWO), id="around both"),
        pytest.param((TWO, f"a\n{TWO}b\n".replace("»\n\n«", "»\n\nz = 0\n«"), TWO), id="and between"),
        pytest.param(
            (TWO, "import os\n\n«1:# one\n¦x »(x)\n", TWO), id="from one to behind the other"
        ),
        pytest.param((TWO, "import «2*:wo\n¦y = 2»\n\nprint(x)\n", TWO), id="from above into one"),
        pytest.param(
            (ALIKE, "«1:# one\n¦x = 0»\n", "«2:# two\n¦y = 0»\n", "«1:# one\n¦x = 0»\n"),
            id="one in the place of the other",
        ),
        pytest.param((TWO, INDENTED, TWO), id="both indented"),
        pytest.param(
            (
                CLOSE,
                "«1:# one\n¦x = 1»#2\n",
                "«1:# one\n¦x = 1»\n",
                "«1:# one\n¦x = 1#2»\n",
                CLOSE,
            ),
            id="the second back in what the first became",
        ),
        pytest.param(
            (TWO, "import os\n\n«2:# two\n¦y = 2»\n\n«1:# one\n¦x = 1»\n\nprint(x)\n", TWO), id="swapped"
        ),
    ],
)  # fmt: skip
def test_edits_of_two(states: tuple[str, ...]) -> None:
    check(*states)


@pytest.mark.parametrize(
    ("start", "border", "end", "intent"),
    [
        pytest.param(0, 6, 16, " \n", id="an intent that says nothing"),
        pytest.param(0, 6, 6, "add", id="no code"),
        pytest.param(0, 15, 16, "add", id="blank code"),
        pytest.param(16, 17, 20, "add", id="a blank comment"),
        pytest.param(6, 6, 15, "add", id="no comment"),
        pytest.param(0, 6, 99, "add", id="behind the text"),
        pytest.param(-1, 6, 16, "add", id="in front of the text"),
        pytest.param(0, 16, 6, "add", id="in no order"),
    ],
)
def test_what_says_nothing_is_no_turn(start: int, border: int, end: int, intent: str) -> None:
    turns = Turns("# add\nx = a + b\n\ny\n")
    assert add(turns, start, border, end, intent) == (turns, None)


def test_a_comment_may_end_before_its_line_does() -> None:
    turns, number = add(Turns("# add  \r\n\r\nx = 1"), 0, 5, 16, "add")
    assert number == 1
    assert shown(turns) == "«1:# add  \r\n¦\r\nx = 1»"


def test_code_that_is_taken_word_by_word_is_one_turn() -> None:
    turns = read("«1:# add\n¦x =»")
    assert turns.turns[0].origin == ORIGIN
    turns = follow(turns, "# add\nx = a\n")
    turns, number = add(turns, 0, 6, 11, "add", OTHER)
    assert number == 1
    assert shown(turns) == "«1:# add\n¦x = a»\n"
    assert turns.turns[0].origin == OTHER


@pytest.mark.parametrize(
    ("before", "add_marked", "expected"),
    [
        pytest.param(
            "«1:# a\n¦x\n\n# b\ny\nz»", "# a\nx\n\n«2:# b\n¦y»\nz", "«1:# a\n¦x»\n\n«2:# b\n¦y»\nz",
            id="in the code of one",
        ),
        pytest.param(
            "«1:# a\n¦# b\ny»\n", "# a\n«2:# b\n¦y»\n", "# a\n«2:# b\n¦y»\n", id="all of the code of one"
        ),
        pytest.param(
            "«1:# a\n¦x»\n«2:# b\n¦y»\n«3:# c\n¦z»\n", "«4:# a\n¦x\n# b\ny»\n# c\nz\n",
            "«4:# a\n¦x\n# b\ny»\n«3:# c\n¦z»\n".replace("4", "1"), id="its code has another",
        ),
        pytest.param(
            "«1:# a\n¦x»\n«2:# b\n¦y»\n", "«3:# a\nx\n# b\n¦y»\n", "«3:# a\nx\n# b\n¦y»\n",
            id="over others",
        ),
    ],
)  # fmt: skip
def test_a_newer_turn_has_the_right_of_way(before: str, add_marked: str, expected: str) -> None:
    turns = read(before)
    start, border, end = (
        len(plain(add_marked[: add_marked.index(mark)])) for mark in ("«", "¦", "»")
    )
    turns, _ = add(turns, start, border, end, "b")
    assert shown(turns) == expected


def test_a_number_is_never_given_twice() -> None:
    turns = clear(remove(read(TWO), 2))
    assert (turns.turns, turns.n_given) == ((), 2)
    turns, number = add(turns, 11, 17, 22, "one")
    assert number == 3
    turns, number = add(turns, 24, 30, 35, "two")
    assert number == 4
    turns, number = add(turns, 11, 17, 22, "one")
    assert number == 3
    _, number = add(turns, 0, 9, 35, "all")
    assert number == 5


def test_what_is_removed_stays_away() -> None:
    turns = remove(read(TWO), 1)
    assert shown(turns) == TWO.replace("«1:", "").replace("¦", "", 1).replace("»", "", 1)
    turns = follow(turns, "")
    turns = remove(turns, 2)
    assert follow(turns, plain(TWO)).turns == ()
    assert follow(clear(follow(read(TWO), "")), plain(TWO)).turns == ()


def test_other_code_for_a_turn_and_the_old_one_back() -> None:
    before = read(TWO)
    after = rewrite(before, 1, "x = 3\nx -= 2", OTHER)
    assert shown(after) == TWO.replace("x = 1", "x = 3\nx -= 2")
    assert [turn.origin for turn in after.turns] == [OTHER, ORIGIN]
    undone = follow(after, before.text)
    assert undone.turns == before.turns
    redone = follow(undone, after.text)
    assert redone.turns == after.turns
    assert follow(redone, before.text).turns == before.turns


def test_shorter_code_for_a_turn_and_the_old_one_back() -> None:
    before = rewrite(read(TWO), 1, "x = 3\nx -= 2", OTHER)
    after = rewrite(before, 1, "x = 3", ORIGIN)
    edited = follow(after, after.text.replace("x = 3", "x = 34"))
    assert [turn.origin for turn in edited.turns] == [ORIGIN, ORIGIN]
    assert follow(edited, before.text).turns == before.turns


def test_of_two_earlier_codes_the_one_that_is_there_is_back() -> None:
    turns = rewrite(read(TURN), 1, "x = a + b\nx += c", OTHER)
    other = rewrite(turns, 1, "nothing", ORIGIN)
    back = follow(other, turns.text)
    assert shown(back) == "«1:# add\n¦x = a + b\nx += c»\n"
    assert back.turns[0].origin == OTHER


def test_of_two_earlier_codes_that_begin_alike_the_whole_one_is_back() -> None:
    longer = rewrite(read(TURN), 1, "x = a + b\nx += c", OTHER)
    shorter = rewrite(longer, 1, "x = a + b", ORIGIN)
    back = follow(follow(shorter, ""), longer.text)
    assert back.turns == longer.turns


def test_typing_behind_what_an_earlier_code_said_takes_nothing_away() -> None:
    turns = rewrite(read(TURN), 1, "x = a + b\nx += c", OTHER)
    edited = follow(turns, "# add\nx = a + bc\nx += c\n")
    assert shown(edited) == "«1:# add\n¦x = a + bc\nx += c»\n"
    assert edited.turns[0].origin == OTHER


def test_what_is_back_is_no_longer_kept() -> None:
    turns = follow(read(TWO_LINES), "# add\nx = a\n")
    assert len(turns.aside) == 1
    assert follow(turns, plain(TWO_LINES)).aside == ()


def test_what_has_become_another_turn_stays_that() -> None:
    turns = follow(read("«1:# a\n¦x\n# b\ny»\n"), "# a\nx\n")
    turns, _ = add(follow(turns, "# a\nx\n# b\nz\n"), 6, 10, 11, "b")
    assert shown(follow(turns, "# a\nx\n# b\ny\n")) == "«1:# a\n¦x»\n«2:# b\n¦y»\n"


def test_longer_code_is_not_taken_for_the_shorter_one_that_it_begins_with() -> None:
    turns = rewrite(read(TURN), 1, "x = a + b\nx += c", OTHER)
    for text in ("# add\nx = a + \nx += c\n", "# add\nx = a + b\nx += c\n"):
        turns = follow(turns, text)
    assert shown(turns) == "«1:# add\n¦x = a + b\nx += c»\n"
    assert turns.turns[0].origin == OTHER


def test_other_code_for_a_comment_that_was_edited() -> None:
    stale = follow(read(TURN), "# add up\nx = a + b\n")
    assert shown(rewrite(stale, 1, "x = sum(a)", OTHER)) == "«1*:# add up\n¦x = sum(a)»\n"
    fresh = rewrite(stale, 1, "x = sum(a)", OTHER, "add up")
    assert shown(fresh) == "«1:# add up\n¦x = sum(a)»\n"
    assert fresh.turns[0].intent == "add up"
    assert shown(follow(fresh, "# add\nx = sum(a)\n")) == "«1*:# add\n¦x = sum(a)»\n"


@pytest.mark.parametrize(("number", "code"), [(1, " \n"), (1, ""), (9, "x")])
def test_no_code_is_no_answer(number: int, code: str) -> None:
    turns = read(TWO)
    assert rewrite(turns, number, code, OTHER) is turns


@pytest.mark.parametrize(
    ("marked", "opening", "expected"),
    [
        ("x\n«1:# add\n¦y»\nz\n", None, "x\n# add\nz\n"),
        ("x\r\n«1:  # add\r\n¦  y»\r\nz", None, "x\r\n  # add\r\nz"),
        ("«1:/* add */¦ y;»\n", None, "/* add */\n"),
        ("x\n\n«1:# add\n¦y»\nz\n", "\n\n", "x\nz\n"),
        ("«1:# add\n¦y»\nz\n", "", "\nz\n"),
        ("x\n«1:# add\n¦y»\nz\n", "\n\n", "x\n\nz\n"),
    ],
)
def test_what_takes_a_turn_back(marked: str, opening: str | None, expected: str) -> None:
    turns = read(marked)
    turn = replace(turns.turns[0], opening=opening)
    assert changed(turns.text, taken_back(turns, turn)) == expected
    stale = replace(turn, opening="", is_stale=True)
    kept = changed(turns.text, taken_back(turns, stale))
    assert kept == changed(turns.text, taken_back(turns, replace(turn, opening=None)))


def test_a_settled_turn_is_asked_about_again_with_other_code() -> None:
    turns = accept(read(TWO), 2)
    assert [turn.is_accepted for turn in turns.turns] == [False, True]
    turns = follow(turns, "#!\n" + turns.text)
    assert [turn.is_accepted for turn in turns.turns] == [False, True]
    turns = rewrite(turns, 2, "y = 3", OTHER)
    assert [turn.is_accepted for turn in turns.turns] == [False, False]


def test_the_same_code_again_has_the_newer_origin() -> None:
    turns = rewrite(read(TURN), 1, "x = a + b", OTHER)
    assert follow(follow(turns, "# add\nx = a + bc\n"), turns.text).turns[0].origin == OTHER


def test_the_turn_at_a_cursor() -> None:
    turns = read("a\n«1:# b\n¦c\n»«2:# d\n¦e»\nf")
    numbers = [turn.number if (turn := turn_at(turns, at)) else 0 for at in range(15)]
    assert numbers == [0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0]
    assert turn_at(Turns(""), 0) is None
    assert find(turns, 2) is turns.turns[1]
    assert find(turns, 3) is None


def test_what_is_kept_aside_is_bounded() -> None:
    empty = Turns("")
    turns = empty
    for number in range(MAX_ASIDE + 20):
        text = f"# say {number}\nprint({number})\n"
        turns, _ = add(follow(turns, text), 0, text.index("\n") + 1, len(text) - 1, "say")
        turns = follow(turns, "")
    assert len(turns.aside) == MAX_ASIDE
    assert follow(turns, "# say 319\nprint(319)\n").turns[0].number == 320
    assert follow(turns, "# say 0\nprint(0)\n").turns == ()
    long = "# long\n" + "x" * MAX_ASIDE_CHARACTERS
    turns, _ = add(follow(turns, long), 0, 7, len(long), "long")
    assert follow(turns, "").aside == ()


# Edits between turns, against a document that is a list of pieces, some of which are turns.

Piece = tuple[str, int]  # text, and the number of the turn that it is, or 0
filler = st.lists(
    st.sampled_from(["pass\n", "# say 0\n", "# note\n", "}\n", "\n", "x = 1\n"]), max_size=3
)
kinds = st.sampled_from(["write", "write", "delete", "undo"])
steps = st.lists(st.tuples(kinds, st.integers(0, 99), filler, st.integers(0, 3)), max_size=20)


def said(pieces: list[Piece]) -> str:
    return "".join(text for text, _ in pieces)


def made_of(numbers: int) -> tuple[list[Piece], Turns]:
    """Turns with something that is none before, between and behind them."""
    pieces: list[Piece] = [("import os\n", 0)]
    for number in range(1, numbers + 1):
        code = f"value_{number} = {number}\nprint(value_{number})\n"
        pieces += [(f"# say {number}\n{code}", number), ("\n", 0)]
    turns, at = Turns(said(pieces)), 0
    for text, number in pieces:
        if number:
            turns, given = add(turns, at, at + text.index("\n") + 1, at + len(text) - 1, "say")
            assert given == number
        at += len(text)
    return pieces, turns


@settings(max_examples=300)
@given(st.integers(1, 4), steps, st.integers(1, 3), st.booleans())
def test_random_edits_between_turns_lose_and_duplicate_none(
    n_turns: int, edits: list[tuple[str, int, list[str], int]], n_at_once: int, crlf: bool
) -> None:
    pieces, turns = made_of(n_turns)
    newline = "\r\n" if crlf else "\n"
    turns = follow(turns, said(pieces).replace("\n", newline))
    past = [pieces]
    for count, (kind, which, lines, where) in enumerate(edits):
        if kind == "undo":
            pieces = past[which % len(past)]
        elif kind == "delete":
            at = which % len(pieces)
            pieces = [("" if k == at else text, number) for k, (text, number) in enumerate(pieces)]
        else:
            places = [k for k, (_, number) in enumerate(pieces) if not number]
            at = places[which % len(places)]
            old = pieces[at][0].splitlines(keepends=True)
            new = "".join([*old[:where], *lines, *old[where + len(lines) % 2 :]])
            pieces = [*pieces[:at], (new, 0), *pieces[at + 1 :]]
        past.append(pieces)
        if count % n_at_once == 0:  # several edits may lie between two versions
            turns = follow(turns, said(pieces).replace("\n", newline))
            assert_same(turns, pieces, newline)
    turns = follow(turns, said(pieces).replace("\n", newline))
    assert_same(turns, pieces, newline)


def assert_same(turns: Turns, pieces: list[Piece], newline: str) -> None:
    expected = [(number, text.rstrip("\n")) for text, number in pieces if number and text]
    found = [(turn.number, turns.text[turn.start : turn.end]) for turn in turns.turns]
    assert found == [(number, text.replace("\n", newline)) for number, text in expected]
    assert not any(turn.is_stale for turn in turns.turns)


anything = st.text(alphabet="#ab \r\n", max_size=12)


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), anything), max_size=8),
)
def test_turns_stay_in_order_and_apart_whatever_is_edited(
    n_turns: int, edits: list[tuple[int, int, str]]
) -> None:
    _, turns = made_of(n_turns)
    texts = [turns.text]
    for where, n_deleted, text in edits:
        at = where % (len(turns.text) + 1)
        texts.append(turns.text[:at] + text + turns.text[at + n_deleted :])
        turns = follow(turns, texts[-1])
        assert_sound(turns)
    for text in reversed(texts):
        turns = follow(turns, text)
        assert_sound(turns)


def assert_sound(turns: Turns) -> None:
    at = 0
    for turn in turns.turns:
        assert at <= turn.start < turn.border < turn.end <= len(turns.text)
        assert turns.text[turn.start : turn.border].strip()
        assert code_of(turns, turn).strip()
        at = turn.end
    numbers = [turn.number for turn in turns.turns]
    assert len(numbers) == len(set(numbers))


def test_what_is_not_touched_is_the_same_value() -> None:
    turns = read(TWO)
    assert follow(turns, turns.text) is turns
    after = follow(turns, turns.text + "x")
    assert after.turns[0] is turns.turns[0]
    assert replace(after, text=turns.text) == turns
