"""Turns of open documents: planned, confirmed or refused by the client, written down and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
