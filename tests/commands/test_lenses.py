"""What an editor is given to show above turns and on comments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.models import models_dir
from tests.client import URI, Client, running
from tests.commands.asking import ACCOUNT, CLIENT, FIRST, execute, lenses, position, turns


def titles(client: Client) -> list[str]:
    return [lens["command"]["title"] for lens in lenses(client)]


def press(client: Client, title: str) -> None:
    """What an editor does where a person clicks on a lens."""
    (command,) = [each["command"] for each in lenses(client) if each["command"]["title"] == title]
    del command["title"]
    client.request("workspace/executeCommand", command)


def actions(
    client: Client, first: dict[str, int], last: dict[str, int], only: list[str] | None = None
) -> list[dict[str, Any]]:
    context: dict[str, Any] = {"diagnostics": []}
    if only is not None:
        context["only"] = only
    params = {
        "textDocument": {"uri": URI},
        "range": {"start": first, "end": last},
        "context": context,
    }
    return list(client.request("textDocument/codeAction", params))


def written(client: Client) -> None:
    """With code below the first comment."""
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))


def test_lenses_do_what_they_say(client: Client) -> None:
    written(client)
    assert {lens["range"]["start"]["line"] for lens in lenses(client)} == {8}
    n = turns(client)[0]["nCandidates"]
    assert n > 1
    assert titles(client) == ["retry", f"1/{n}", "undo", "accept"]
    for shown in range(1, n + 1):
        press(client, f"{shown}/{n}")
        assert turns(client)[0]["candidate"] == shown % n + 1
    press(client, "retry")
    assert turns(client)[0]["candidate"] == n + 1
    client.change(90, " twice", (8, len(FIRST)))
    assert titles(client) == ["comment changed: regenerate", "undo", "accept"]
    press(client, "comment changed: regenerate")
    assert "retry" in titles(client)
    press(client, "accept")
    assert (titles(client), len(turns(client))) == ([], 1)


def test_a_hint_says_that_a_comment_was_unclear(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a model for which somebody has measured from where on that is so; not to the embedded one."""
    written(client)
    assert not turns(client)[0]["isUnclear"]
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    measured = models_dir() / "clarity.json"
    measured.parent.mkdir(parents=True)
    measured.write_text('{"nano": {"unclear_from": 1.0}}', encoding="utf-8")
    with running() as other:
        other.initialize(**CLIENT)
        written(other)
        assert turns(other)[0]["isUnclear"]
        hint = lenses(other)[0]["command"]
        assert hint["title"] == "unclear to the model: try smaller steps"
        assert hint["command"] == ""  # editors show it as text
        other.leave()


def test_a_lens_takes_a_turn_back(client: Client) -> None:
    written(client)
    press(client, "undo")
    assert (lenses(client), turns(client)) == ([], [])


def test_of_a_file_that_is_not_open_there_are_none(client: Client) -> None:
    assert lenses(client, "file:///b.py") == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(position(11), position(11), ["Write code for this comment"], id="a comment"),
        pytest.param(position(7), position(11, 4), ["Write code for 2 comments"], id="two of them"),
        pytest.param(position(4), position(4), [], id="code"),
    ],
)  # fmt: skip
def test_actions_on_comments(
    client: Client, first: dict[str, int], last: dict[str, int], expected: list[str]
) -> None:
    client.open(ACCOUNT)
    found = actions(client, first, last)
    assert [each["title"] for each in found] == expected
    assert {each["kind"] for each in found} <= {"refactor.codegen"}
    for each in found:
        command = each["command"]
        del command["title"]
        done = client.request("workspace/executeCommand", command)
        assert done["inserted"] == len(client.edits) == (2 if "2" in each["title"] else 1)


def test_actions_on_a_turn(client: Client) -> None:
    written(client)
    found = actions(client, position(9), position(9))
    assert [each["title"] for each in found] == [
        "Write other code", "Undo this turn", "Forget turns of this file",
    ]  # fmt: skip
    command = found[-1]["command"]
    assert client.request("workspace/executeCommand", {**command, "title": None}) == 1
    assert actions(client, position(9), position(9)) == []


@pytest.mark.parametrize(
    ("only", "n_found"),
    [
        ([], 1), (["refactor"], 1), (["refactor.codegen"], 1), (["quickfix", "refactor"], 1),
        (["quickfix"], 0), (["refactor.code"], 0), (["refactor.codegen.some"], 0),
    ],
)  # fmt: skip
def test_actions_of_other_kinds_are_left_out(client: Client, only: list[str], n_found: int) -> None:
    client.open(ACCOUNT)
    assert len(actions(client, position(8), position(8), only)) == n_found


def test_in_a_language_that_is_switched_off_nothing_is_shown() -> None:
    with running() as client:
        client.initialize({"disabledLanguages": ["python"]}, **CLIENT)
        client.open(ACCOUNT)
        assert actions(client, position(8), position(8)) == []
        client.leave()


def test_commands_for_who_knows_no_actions() -> None:
    with running() as client:
        can = {**CLIENT["textDocument"], "codeAction": {}}
        client.initialize(**{**CLIENT, "textDocument": can})
        client.open(ACCOUNT)
        (command,) = actions(client, position(8), position(8))
        assert command["command"] == "codegen.generateFromComment"
        client.leave()


def test_who_shows_neither_is_offered_neither() -> None:
    with running() as client:
        able = client.initialize(textDocument={"inlineCompletion": {}})
        assert "codeLensProvider" not in able
        assert "codeActionProvider" not in able
        client.leave()
