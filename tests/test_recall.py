"""What of a document's turns is found again after a restart, and what is never written."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.document import Document
from codegen_lsp.models import state_dir
from codegen_lsp.recall import MAX_FILE, Recall
from codegen_lsp.turns import Origin, Turns, accept, add, follow

TEXT = "import os\n\n# add two\nx = 1 + 2\n\n# say it\nprint(x)\n"
ORIGIN = Origin("nano", 7, 120, -0.25)
needs_permissions = pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="nothing is forbidden to this user",
)


def document(text: str = TEXT, uri: str = "file:///home/me/work/x.py") -> Document:
    return Document(uri, "python", 1, text)


def turns_of(text: str = TEXT) -> Turns:
    turns, _ = add(Turns(text), 11, 21, 30, "add two", ORIGIN)
    turns, _ = add(turns, 32, 41, 49, "say it")
    return turns


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "turns"


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param(turns_of(), id="two turns"),
        pytest.param(follow(turns_of(), TEXT.replace("say it", "tell it")), id="one of them stale"),
        pytest.param(follow(turns_of(), TEXT.replace("\n", "\r\n")), id="other line ends"),
        pytest.param(replace(follow(turns_of(), TEXT[31:]), aside=()), id="the second of two"),
        pytest.param(accept(turns_of(), 2), id="one of them settled"),
        pytest.param(
            add(Turns("# a b\nx"), 0, 6, 7, "a b", ORIGIN, opening="\n\n")[0], id="with its comment"
        ),
        pytest.param(follow(turns_of(), "name = '\ud83d'\n" + TEXT), id="half of a character"),
    ],
)
def test_turns_survive_a_restart(folder: Path, turns: Turns) -> None:
    Recall(folder).save(document(turns.text), turns)
    assert Recall(folder).load(document(turns.text)) == turns


def test_a_stale_comment_that_says_again_what_it_said_is_fresh(folder: Path) -> None:
    stale = follow(turns_of(), TEXT.replace("say it", "tell it"))
    Recall(folder).save(document(stale.text), stale)
    assert follow(Recall(folder).load(document(stale.text)), TEXT).turns == turns_of().turns


def test_a_number_is_not_given_again_after_a_restart(folder: Path) -> None:
    turns = follow(turns_of(), TEXT[:31])
    Recall(folder).save(document(turns.text), turns)
    turns = follow(Recall(folder).load(document(turns.text)), TEXT)
    assert add(turns, 32, 41, 49, "say it")[1] == 3


def test_a_text_that_changed_meanwhile_has_none(folder: Path) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    assert recall.load(document(TEXT + "\n")) == Turns(TEXT + "\n")
    assert recall.load(document()) == turns_of()
    assert recall.load(document(uri="file:///home/me/work/y.py")) == Turns(TEXT)


def test_a_document_without_turns_is_forgotten(folder: Path) -> None:
    recall = Recall(folder)
    recall.save(document(), Turns(TEXT))
    assert files(folder) == []
    recall.save(document(), turns_of())
    recall.save(document(), Turns(TEXT))
    assert files(folder) == []


def test_turns_of_another_text_are_not_kept(folder: Path) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    recall.save(document(TEXT + "\n"), turns_of())
    assert files(folder) == []


def test_no_code_no_path_and_no_secret_is_written(folder: Path) -> None:
    key = "AKIA" + "Q3EGRJ7XKW2NPLZM"
    text = f"# add with {key}\nx = 1 + 2\n"
    turns, _ = add(Turns(text), 0, text.index("x"), len(text) - 1, f"add with {key}", ORIGIN)
    turns = follow(turns, text.replace("add", "sum"))
    Recall(folder).save(document(turns.text), turns)
    [path] = files(folder)
    written = path.name + path.read_text(encoding="utf-8")
    assert "add with " in written
    for text in (key, "1 + 2", "x.py", "work", "sum"):
        assert text not in written


@pytest.mark.skipif(os.name == "nt", reason="there are no permissions of this kind")
def test_the_files_are_the_persons_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        Recall(folder).save(document(), turns_of())
    finally:
        os.umask(before)
    [path] = files(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_they_lie_in_the_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("codegen_lsp.recall.state_dir", lambda: tmp_path)
    Recall().save(document(), turns_of())
    assert len(files(tmp_path / "turns")) == 1
    assert state_dir().name == "codegen-lsp"


def filled(folder: Path, recall: Recall, n_documents: int) -> list[Document]:
    """Documents with turns, each file a second newer than the one before."""
    documents = [document(uri=f"file:///{number}.py") for number in range(n_documents)]
    for number, each in enumerate(documents):
        before = set(files(folder))
        recall.save(each, turns_of())
        for path in set(files(folder)) - before:
            os.utime(path, (1_000 + number, 1_000 + number))
    return documents


def remembered(recall: Recall, documents: list[Document]) -> list[int]:
    return [number for number, each in enumerate(documents) if recall.load(each).turns]


def test_the_oldest_go_where_there_are_too_many(folder: Path) -> None:
    recall = Recall(folder, max_documents=3)
    documents = filled(folder, recall, 5)
    assert remembered(recall, documents) == [2, 3, 4]


def test_the_oldest_go_where_they_are_too_large(folder: Path) -> None:
    other = folder.with_name("other")
    Recall(other).save(document(), turns_of())
    size = files(other)[0].stat().st_size
    recall = Recall(folder, max_bytes=2 * size + size // 2)
    assert remembered(recall, filled(folder, recall, 5)) == [3, 4]


def test_what_is_too_large_for_one_document_is_not_kept(folder: Path) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    large, _ = add(Turns(TEXT), 11, 21, 30, "word " * (MAX_FILE // 5))
    recall.save(document(), large)
    assert files(folder) == []


def test_all_is_forgotten_at_once(folder: Path) -> None:
    recall = Recall(folder)
    assert recall.wipe()
    filled(folder, recall, 3)
    (folder / "tmp.part").write_bytes(b"left when the machine stopped")
    assert recall.wipe()
    assert files(folder) == []


def changed(**values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A file in which something else stands; `turn_` names are of its first turn."""

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        for name, value in values.items():
            at = stored["turns"][0] if name.startswith("turn_") else stored
            at[name.removeprefix("turn_")] = value
        return stored

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: [], id="a list"),
        pytest.param(lambda _: {}, id="nothing in it"),
        pytest.param(changed(format=2), id="another format"),
        pytest.param(changed(text="0"), id="another text"),
        pytest.param(changed(n_given=1), id="a number that was not given"),
        pytest.param(changed(turn_number=True), id="a number that is none"),
        pytest.param(changed(turns=3), id="turns that are none"),
        pytest.param(changed(turns=["x"]), id="a turn that is none"),
        pytest.param(changed(turn_opening=3), id="an opening that is none"),
        pytest.param(changed(turn_start=-1), id="in front of the text"),
        pytest.param(changed(turn_end=33), id="one in another"),
        pytest.param(changed(turn_border=5), id="in no order"),
        pytest.param(changed(turn_start=1.5), id="half a character"),
        pytest.param(changed(turn_number=2), id="the same number twice"),
        pytest.param(changed(turn_border=10, turn_start=9), id="a blank comment"),
        pytest.param(changed(turn_border=30, turn_end=31), id="blank code"),
        pytest.param(changed(turn_intent=None), id="no intent"),
        pytest.param(changed(turn_is_stale=True), id="stale, and nobody knows since when"),
        pytest.param(changed(turn_origin={"model": "nano"}), id="half an origin"),
        pytest.param(
            changed(turn_origin={"model": "m", "seed": 1, "n_prompt": 1, "mean_logprob": 1e999}),
            id="no number",
        ),
        pytest.param(
            changed(turn_origin={"model": "m", "seed": 1, "n_prompt": 1, "mean_logprob": 10**400}),
            id="a number of four hundred digits",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_no_memory(
    folder: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    [path] = files(folder)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    assert recall.load(document()) == Turns(TEXT)
    recall.save(document(), turns_of())
    assert recall.load(document()) == turns_of()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b"[" * 100_000],
    ids=["empty", "half", "bytes", "null", "deep"],
)
def test_a_broken_file_is_no_memory(folder: Path, content: bytes) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    files(folder)[0].write_bytes(content)
    assert recall.load(document()) == Turns(TEXT)


def test_no_large_file_is_read(folder: Path) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    [path] = files(folder)
    path.write_bytes(path.read_bytes() + b" " * MAX_FILE)
    assert recall.load(document()) == Turns(TEXT)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes of this kind")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    [path] = files(folder)
    path.unlink()
    os.mkfifo(path)
    assert recall.load(document()) == Turns(TEXT)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_where_nothing_can_be_written_there_is_one_line(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Something else has the folder's name."""
    folder.parent.mkdir()
    folder.write_bytes(b"")
    recall = Recall(folder)
    recall.save(document(), turns_of())
    recall.save(document(), turns_of())
    assert recall.load(document()) == Turns(TEXT)
    [line] = warnings(caplog)
    assert line.startswith(f"turns cannot be remembered in {folder}: ")
    assert recall.wipe()


def test_what_is_half_written_is_taken_away(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Something else has the file's name, so that it cannot be put in its place."""
    recall = Recall(folder)
    recall.save(document(), turns_of())
    [path] = files(folder)
    path.unlink()
    path.mkdir()
    recall.save(document(), turns_of())
    assert files(folder) == [path]
    assert recall.load(document()) == Turns(TEXT)
    assert not recall.wipe()
    assert len(warnings(caplog)) == 1


@needs_permissions
def test_a_folder_that_nobody_may_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    recall = Recall(folder)
    recall.save(document(), turns_of())
    folder.chmod(0)
    try:
        assert recall.load(document()) == Turns(TEXT)
        assert not recall.wipe()
    finally:
        folder.chmod(0o700)
    assert len(warnings(caplog)) == 1
    assert recall.load(document()) == turns_of()
