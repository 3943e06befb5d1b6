"""Turns of open documents: planned, confirmed or refused by the client, written down and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codegen_lsp.dialogue import Dialogue
from codegen_lsp.document import Document
from codegen_lsp.edits import Change
from codegen_lsp.recall import Recall
from codegen_lsp.synthesis import Asked, Proposal
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
    documents = {old.uri: old}
    if opened in ("after", "never"):
        made.close(documents.pop(old.uri))
    if opened in ("after", "in between"):
        made.follow(new)
        documents[new.uri] = new
    made.rename(old.uri, new.uri, documents)
    made.follow(new)
    assert [turn.intent for turn in made.of(new.uri).turns] == ["set x"]
    if old.uri in documents:
        made.close(old)
    assert not Recall(tmp_path).load(old).turns
    made.rename("file:///none.py", "file:///b.py", documents)
    assert made.of(new.uri).turns
