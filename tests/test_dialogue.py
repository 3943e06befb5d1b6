"""Turns of open documents: planned, confirmed or refused by the client, written down and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codegen_lsp.alternatives import MAX_KEPT
from codegen_lsp.dialogue import Dialogue
from codegen_lsp.document import Document
from codegen_lsp.edits import Change
from codegen_lsp.recall import Recall
from codegen_lsp.synthesis import Asked, Proposal, again, said_next
from codegen_lsp.turns import Origin, code_of

ORIGIN = Origin("nano", 0, 9, -0.5)
BEFORE = "# set x\ny = 2\n"
AFTER = "# set x\nx = 1\ny = 2\n"


def document(text: str, version: int = 1) -> Document:
    return Document("file:///a.py", "python", version, text)


def dialogue(folder: Path, *, may_keep: bool = True) -> Dialogue:
    return Dialogue(lambda _: may_keep, Recall(folder))


def planned(folder: Path, *, may_keep: bool = True) -> Dialogue:
    """With a document in which code for its comment is about to be inserted."""
    made = dialogue(folder, may_keep=may_keep)
    opened = document(BEFORE)
    made.follow(opened)
    made.plan(Proposal(Asked(opened, Change(7, 7, ""), 0, "set x", "\n"), "\nx = 1", ORIGIN))
    return made


def codes(dialogue: Dialogue) -> list[str]:
    turns = dialogue.of("file:///a.py")
    return [code_of(turns, turn) for turn in turns.turns]


def test_what_was_planned_is_a_turn_when_the_document_says_so(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    assert codes(made) == ["x = 1"]
    made.follow(document(AFTER.replace("x = 1", "x = 11"), 3))
    assert codes(made) == ["x = 11"]


def test_turns_that_one_takes_the_place_of_come_back_with_their_text(tmp_path: Path) -> None:
    """Also where their comments and pieces of their code have stayed."""
    made = dialogue(tmp_path)
    text = "# set x\nself.x = x\n\n# set y\nself.y = y\nz = 2\n"
    made.follow(document(text.replace("\nself.x = x", "").replace("\nself.y = y", "")))
    for comment, code in [("# set x", "\nself.x = x"), ("# set y", "\nself.y = y")]:
        before = made.of("file:///a.py").text
        start = before.index(comment)
        end = start + len(comment)
        asked = Asked(document(before), Change(end, end, ""), start, comment[2:], "\n")
        made.plan(Proposal(asked, code, ORIGIN))
        made.follow(document(before[:end] + code + before[end:]))
    turns = made.of("file:///a.py").turns
    both = Change(0, text.index("z") - 1, "# set x\n# set y")
    one = Proposal(Asked(document(text), both, 0, "set x\nset y", "\n"), "\nself.x = y", ORIGIN)
    made.plan(one)
    made.follow(document(one.result, 2))
    assert codes(made) == ["self.x = y"]
    made.follow(document(text, 3))
    assert made.of("file:///a.py").turns == turns
    assert len(turns) == 2


def test_what_the_client_refuses_is_none(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(BEFORE))
    assert codes(made) == []


def test_turns_are_read_again_where_the_text_is_the_same(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    made.close(document(AFTER, 2))
    assert codes(made) == []  # it is not open
    again = dialogue(tmp_path)
    again.follow(document(AFTER))
    assert codes(again) == ["x = 1"]
    assert again.wipe()
    once_more = dialogue(tmp_path)
    once_more.follow(document(AFTER))
    assert codes(once_more) == []


def test_of_a_file_that_is_kept_back_nothing_is_written_down(tmp_path: Path) -> None:
    made = planned(tmp_path, may_keep=False)
    made.follow(document(AFTER, 2))
    made.close(document(AFTER, 2))
    assert not list(tmp_path.iterdir())


def test_what_is_forgotten_is_not_written_down(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    made.keep(document(AFTER, 2))
    assert made.clear("file:///a.py") == 1
    made.keep(document(AFTER, 2))
    again = dialogue(tmp_path)
    again.follow(document(AFTER))
    assert codes(again) == []


def written(folder: Path, *texts: str, may_keep: bool = True) -> Dialogue:
    """With a document that said these in turn, and rested after each."""
    made = dialogue(folder, may_keep=may_keep)
    for version, text in enumerate(texts):
        made.follow(document(text, version))
        made.settle("file:///a.py")
    return made


def test_code_below_ones_own_comment_is_a_turn_without_a_model(tmp_path: Path) -> None:
    made = written(tmp_path, "# set x\n", "# set x\nx = 1\n")
    (turn,) = made.of("file:///a.py").turns
    assert (turn.intent, turn.origin) == ("set x", None)
    made.close(document("# set x\nx = 1\n", 1))
    assert not codes(made)


def test_it_is_one_turn_while_it_is_written(tmp_path: Path) -> None:
    text = "# set x\nx = 1\ny = 2\nz = 3\n"
    made = written(tmp_path, *(text[:end] for end in range(len("# set"), len(text) + 1)))
    (turn,) = made.of("file:///a.py").turns
    assert (turn.number, codes(made)) == (1, ["x = 1\ny = 2\nz = 3"])


def test_what_nobody_has_asked_about_is_written_down_all_the_same(tmp_path: Path) -> None:
    made = written(tmp_path, "# set x\n")
    made.follow(document("# set x\nx = 1\n", 2))
    made.close(document("# set x\nx = 1\n", 2))
    assert codes(written(tmp_path, "# set x\nx = 1\n")) == ["x = 1"]


def test_of_a_file_that_is_kept_back_nothing_is_a_turn(tmp_path: Path) -> None:
    assert not codes(written(tmp_path, "# set x\n", "# set x\nx = 1\n", may_keep=False))


def test_what_was_written_while_a_file_was_kept_back_is_none_later(tmp_path: Path) -> None:
    may_keep = False
    made = Dialogue(lambda _: may_keep, Recall(tmp_path))
    for text in ("# set x\n", "# set x\nx = 1\n"):
        made.follow(document(text))
        made.settle("file:///a.py")
    may_keep = True
    made.follow(document("# set x\nx = 1\nz\n"))
    made.settle("file:///a.py")
    assert not codes(made)


def test_what_a_command_has_made_is_whole(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.settle("file:///a.py")  # the edit is on its way
    for text in (AFTER, AFTER.replace("y = 2", "z = 3\ny = 2")):
        made.follow(document(text, 2))
        made.settle("file:///a.py")
    (turn,) = made.of("file:///a.py").turns
    assert (turn.number, turn.origin, codes(made)) == (1, ORIGIN, ["x = 1"])


def test_code_ends_above_what_a_command_has_made_in_it(tmp_path: Path) -> None:
    block = "def f():\n    # set y\n"
    before = document(f"# run\n\n{block}")
    made = written(tmp_path, before.text)
    end = len(before.text) - 1
    asked = Asked(before, Change(end, end, ""), end - len("    # set y"), "set y", "\n    ")
    made.plan(Proposal(asked, "\n    y = 2", ORIGIN))
    block += "    y = 2\n"
    # Cut there, and pasted right below the comment.
    for text in (f"# run\n\n{block}", "# run\n\n", f"# run\n{block}\n"):
        made.follow(document(text))
        made.settle("file:///a.py")
    assert codes(made) == ["def f():", "    y = 2"]


def test_what_has_changed_while_it_was_closed_is_no_turn(tmp_path: Path) -> None:
    made = written(tmp_path, "# set x\n")
    made.close(document("# set x\n"))
    made.follow(document("# set x\nx = 1\n"))
    made.settle("file:///a.py")
    assert not codes(made)


def test_what_is_planned_knows_what_was_written_before(tmp_path: Path) -> None:
    made = written(tmp_path, "# set x\n\n# set y\n")
    before = document("# set x\nx = 1\n\n# set y\n", 2)
    made.follow(before)
    end = len(before.text) - 1
    asked = Asked(before, Change(end, end, ""), end - len("# set y"), "set y", "\n")
    made.plan(Proposal(asked, "\ny = 2", ORIGIN))
    made.follow(document("# set x\nx = 1\n\n# set y\ny = 2\n", 3))
    turns = made.of("file:///a.py").turns
    assert [(turn.intent, turn.origin) for turn in turns] == [("set x", None), ("set y", ORIGIN)]


def test_what_was_forgotten_does_not_come_back_as_something_new(tmp_path: Path) -> None:
    made = written(tmp_path, "# set x\n")
    made.follow(document("# set x\nx = 1\n", 2))
    assert made.clear("file:///a.py") == 1
    made.follow(document("# set x\nx = 1\ny = 2\n", 3))
    made.settle("file:///a.py")
    assert not codes(made)


def test_what_the_person_has_accepted_does_not_grow(tmp_path: Path) -> None:
    made = written(tmp_path, "# set x\n", "# set x\nx = 1\n")
    made.accept("file:///a.py", 1)
    made.follow(document("# set x\nx = 1\ny = 2\n", 3))
    made.settle("file:///a.py")
    (turn,) = made.of("file:///a.py").turns
    assert (turn.is_accepted, codes(made)) == (True, ["x = 1"])


def test_nor_does_what_a_command_has_written_instead(tmp_path: Path) -> None:
    texts = ("# set x\n", "# set x\nx = 1\n", "# set x\nx = 2\n\nx += 3\n")
    made = written(tmp_path, *texts[:2])
    asked = Asked(document(texts[1], 1), Change(8, 13, ""), 0, "set x", "", 1)
    made.plan(Proposal(asked, "x = 2\n\nx += 3", ORIGIN))
    for text in (texts[2], texts[2].replace("x = 2", "x = 22")):
        made.follow(document(text, 2))
        made.settle("file:///a.py")
    assert codes(made) == ["x = 22\n\nx += 3"]


def test_undo_takes_it_away_and_redo_brings_it_back(tmp_path: Path) -> None:
    texts = ("# set x\n", "# set x\nx = 1\ny = 2\n")
    made = written(tmp_path, *texts, texts[0])
    assert not codes(made)
    made.follow(document(texts[1], 4))
    made.settle("file:///a.py")
    (turn,) = made.of("file:///a.py").turns
    assert (turn.number, codes(made)) == (1, ["x = 1\ny = 2"])


@pytest.mark.parametrize("opened", ["before", "after", "in between", "never"])
def test_turns_go_with_a_file_that_is_renamed(tmp_path: Path, opened: str) -> None:
    """Editors tell of it before they close the one and open the other, or after, or between."""
    made = planned(tmp_path)
    old, new = document(AFTER, 2), replace(document(AFTER), uri="file:///b.py")
    made.follow(old)
    if opened in ("after", "never"):
        made.close(old)
    if opened in ("after", "in between"):
        made.follow(new)
    made.rename(old.uri, new.uri)
    made.follow(new)
    assert [turn.intent for turn in made.of(new.uri).turns] == ["set x"]
    if opened in ("before", "in between"):
        made.close(old)
    assert not Recall(tmp_path).load(old).turns
    made.rename("file:///none.py", "file:///b.py")
    assert made.of(new.uri).turns


URI = "file:///a.py"


def retried(made: Dialogue, *codes: str, seed: int = 0) -> Asked:
    """Other code is put in for the turn; the first of several."""
    turns = made.of(URI)
    asked = again(turns.turns[0], turns, document(turns.text))
    best, *others = (
        Proposal(asked, code, replace(ORIGIN, seed=seed + n)) for n, code in enumerate(codes)
    )
    made.plan(best, tuple(others))
    made.follow(document(best.result))
    return asked


def known(dialogue: Dialogue) -> list[str]:
    return [each.code for each in dialogue.alternatives(URI, 1)]


def test_all_that_was_written_for_a_turn_is_known(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    assert (known(made), made.current(URI, 1)) == (["x = 1"], 0)
    asked = retried(made, "x = 2", "x = 3", "x  =  1")
    assert (known(made), made.current(URI, 1)) == (["x = 1", "x = 2", "x = 3"], 1)
    assert codes(made) == ["x = 2"]
    assert [made.is_new(asked, code) for code in ("x=1", "x = 3 ", "x = 4")] == [False, False, True]
    for n, each in enumerate(made.alternatives(URI, 1)):
        assert each.result == AFTER.replace("x = 1", f"x = {n + 1}")


def test_an_earlier_one_may_be_chosen_or_come_back_by_undo(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    retried(made, "x = 2", "x = 3")
    first = made.alternatives(URI, 1)[0]
    made.plan(first)
    made.follow(document(first.result))
    assert (codes(made), known(made)) == (["x = 1"], ["x = 1", "x = 2", "x = 3"])
    assert made.current(URI, 1) == 0
    made.follow(document(AFTER.replace("x = 1", "x = 2")))
    assert made.current(URI, 1) == 1
    made.follow(document(AFTER.replace("x = 1", "x = 2.5")))
    assert made.current(URI, 1) == 0  # the last that was put in


def test_what_a_person_made_of_it_is_not_given_again_either(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    made.follow(document(AFTER.replace("x = 1", "x = 7"), 3))
    asked = retried(made, "x = 2")
    assert not made.is_new(asked, "x = 7")
    assert known(made) == ["x = 1", "x = 2"]


def test_of_another_intent_nothing_is_left(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    turns = made.of(URI)
    now = again(replace(turns.turns[0], intent="set y"), turns, document(turns.text))
    assert made.is_new(now, "x = 1")
    made.plan(Proposal(now, "x = 5", ORIGIN))
    assert known(made) == ["x = 5"]


def test_no_seed_is_used_twice_for_a_turn_and_a_model(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    asked = retried(made, "x = 2", "x = 3", seed=1)
    assert [made.first_seed(asked, 3, "nano") for _ in range(2)] == [3, 6]
    assert made.first_seed(asked, 3, "another") == 0
    assert made.first_seed(replace(asked, intent="set y"), 3, "nano") == 0


def test_no_more_than_so_many_are_kept_and_the_one_shown_is_among_them(tmp_path: Path) -> None:
    made = planned(tmp_path)
    made.follow(document(AFTER, 2))
    asked = retried(made, *(f"x = {n}" for n in range(10, 100)))
    assert len(known(made)) == MAX_KEPT
    assert known(made)[made.current(URI, 1)] == "x = 10"
    assert not made.is_new(asked, "x = 11")


def test_candidates_go_with_the_turn(tmp_path: Path) -> None:
    for end in ("accepted", "cleared", "closed", "deleted"):
        made = planned(tmp_path)
        made.follow(document(AFTER, 2))
        match end:
            case "accepted":
                made.accept(URI, 1)
                assert made.of(URI).turns[0].is_accepted
            case "cleared":
                made.clear(URI)
            case "closed":
                made.close(document(AFTER, 2))
                made.wipe()
                made.follow(document(AFTER))
            case _:
                made.follow(document("y = 2\n", 3))
        assert known(made) == []
    made.follow(document(AFTER, 4))  # undo
    assert known(made) == ["x = 1"]


def test_a_comment_that_is_written_with_its_code_knows_what_is_above_it(tmp_path: Path) -> None:
    made = dialogue(tmp_path)
    opened = document("x = 1\n")
    made.follow(opened)
    asked = said_next("set y", opened, 0)
    made.plan(Proposal(asked, asked.lead + "y = 2", ORIGIN))
    made.follow(document("x = 1\n\n# set y\ny = 2\n"))
    (turn,) = made.of(URI).turns
    assert (turn.opening, codes(made)) == ("\n\n", ["y = 2"])
