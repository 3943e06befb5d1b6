"""What a person asks for by name, through the real server, the embedded model and the real protocol."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.client import TIMEOUT, URI, Client, running

CLIENT: dict[str, Any] = {
    "workspace": {"workspaceEdit": {"documentChanges": True}, "applyEdit": True},
    "textDocument": {"inlineCompletion": {}},
}
ACCOUNT = '''\
class Account:
    """The money of one owner."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        # add the amount to the balance

    def withdraw(self, amount):
        # take the amount from the balance
'''


@pytest.fixture
def client() -> Iterator[Client]:
    with running() as client:
        client.initialize(**CLIENT)
        yield client
        client.leave()


def execute(client: Client, command: str, **place: Any) -> Any:
    arguments = [{"uri": URI, **place}]
    return client.request("workspace/executeCommand", {"command": command, "arguments": arguments})


def progress_of(client: Client, title: str) -> list[dict[str, Any]]:
    """What one progress display has shown, from its beginning to its end."""
    token, values = None, list[dict[str, Any]]()
    while not values or values[-1]["kind"] != "end":
        params = client.wait_for("$/progress")
        if params["value"].get("title") == title:
            token = params["token"]
        if params["token"] == token:
            values.append(params["value"])
    return values


def position(line: int, character: int = 0) -> dict[str, int]:
    return {"line": line, "character": character}


def test_code_is_written_below_a_comment_and_is_a_turn_of_the_document(client: Client) -> None:
    client.open(ACCOUNT)
    done = execute(client, "codegen.generateFromComment", position=position(8, 12))
    assert done == {"inserted": 1, "offered": ""}
    (edit,) = client.edits
    at = position(8, len("        # add the amount to the balance"))
    assert edit["range"] == {"start": at, "end": at}
    assert edit["newText"].startswith("\n        ")
    (turn,) = execute(client, "codegen.listTurns")
    assert turn["intent"] == "add the amount to the balance"
    assert turn["code"].strip() == edit["newText"].strip()
    assert turn["range"]["start"] == position(8)
    assert (turn["model"], turn["isStale"]) == ("nano", False)

    client.change(3, "whole ", (8, 10 + len("add the")))
    (turn,) = execute(client, "codegen.listTurns")
    assert turn["isStale"]
    assert execute(client, "codegen.clearTurns") == 1
    assert execute(client, "codegen.listTurns") == []


def test_the_comments_of_a_selection_are_answered_in_their_order(client: Client) -> None:
    client.open(ACCOUNT)
    selected = {"start": position(7), "end": position(12)}
    done = execute(client, "codegen.generateFromComment", range=selected)
    turns = execute(client, "codegen.listTurns")
    assert done["inserted"] == len(client.edits) == len(turns) == 2
    n_lines = client.edits[0]["newText"].count("\n")
    assert [edit["range"]["start"] for edit in client.edits] == [
        position(8, len("        # add the amount to the balance")),
        position(11 + n_lines, len("        # take the amount from the balance")),  # it has moved
    ]
    assert [turn["intent"] for turn in turns] == [
        "add the amount to the balance",
        "take the amount from the balance",
    ]


def test_what_is_written_is_shown_with_a_button_to_cancel_it() -> None:
    with running() as client:
        client.initialize(**CLIENT, window={"workDoneProgress": True})
        client.open(ACCOUNT)
        done = execute(client, "codegen.generateFromComment", position=position(8))
        assert done["inserted"] == 1
        told = progress_of(client, "add the amount to the balance")
        assert told[0]["cancellable"]
        assert all(value["message"] for value in told[1:-1])
        client.leave()


def test_what_the_editor_does_not_insert_is_offered_and_no_turn(client: Client) -> None:
    client.applies = False
    client.open(ACCOUNT)
    done = execute(client, "codegen.generateFromComment", position=position(8))
    assert done["inserted"] == 0
    assert done["offered"].startswith("\n        ")
    assert "nothing was inserted" in client.wait_for("window/showMessage")["message"]
    assert execute(client, "codegen.listTurns") == []


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"position": position(4)}, "no comment here"),
        ({"uri": "file:///other.py", "position": position(8)}, "an open file"),
        ({"uri": 1, "position": {"line": "x"}}, "an open file"),
        ({}, "an open file"),
    ],
)
def test_where_nothing_is_stated_one_line_says_so(
    client: Client, place: dict[str, Any], message: str
) -> None:
    client.open(ACCOUNT)
    done = execute(client, "codegen.generateFromComment", **place)
    assert done == {"inserted": 0, "offered": ""}
    assert message in client.wait_for("window/showMessage")["message"]
    assert not client.edits


def test_turns_are_there_again_after_a_restart_until_they_are_wiped() -> None:
    with restarted() as client:
        client.open(ACCOUNT)
        execute(client, "codegen.generateFromComment", position=position(8))
        code = client.edits[0]["newText"]
    comment = "# add the amount to the balance"
    text = ACCOUNT.replace(comment, comment + code)
    with restarted() as client:
        client.open(text)
        assert len(execute(client, "codegen.listTurns")) == 1
    with restarted() as client:
        clear = {"command": "codegen.clearTurns", "arguments": [{}]}
        assert client.request("workspace/executeCommand", clear) == 0  # nothing is open
    with restarted() as client:
        client.open(text)
        assert execute(client, "codegen.listTurns") == []


@contextmanager
def restarted() -> Iterator[Client]:
    """A server that ends by itself, when it has written down what it knows."""
    with running() as client:
        client.initialize(**CLIENT)
        yield client
        client.leave()
        client.process.wait(TIMEOUT)


SETTINGS = """\
import json


class Settings:
    def read(self, path):
        with open(path) as file:
            self.values = json.load(file)
"""


@pytest.mark.parametrize("name", ["Settings", "read"])
def test_a_function_or_a_class_is_described_by_one_edit(client: Client, name: str) -> None:
    client.open(SETTINGS)
    lines = SETTINGS.splitlines()
    at = next(n for n, each in enumerate(lines) if name in each)
    done = execute(client, "codegen.documentFunction", position=position(at, 8))
    assert done["inserted"] == 1
    (edit,) = client.edits
    assert edit["range"] == {"start": position(at + 1), "end": position(at + 1)}
    indent = lines[at + 1][: len(lines[at + 1]) - len(lines[at + 1].lstrip())]
    assert edit["newText"].startswith(f'{indent}"""')
    words = " ".join(edit["newText"].replace('"""', "").split())
    assert words.replace("\\\\", "\\") == done["descriptions"][0]
    ast.parse("\n".join([*lines[: at + 1], edit["newText"], *lines[at + 1 :]]))
    assert execute(client, "codegen.listTurns") == []


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"position": position(0)}, "Account has a description already"),
        ({"position": position(7, 4)}, "deposit does nothing yet"),
        ({"uri": "file:///other.py", "position": position(8)}, "an open file"),
        ({}, "an open file"),
    ],
)
def test_where_nothing_can_be_described_one_line_says_so(
    client: Client, place: dict[str, Any], message: str
) -> None:
    client.open(ACCOUNT)
    done = execute(client, "codegen.documentFunction", **place)
    assert done == {"inserted": 0, "descriptions": []}
    assert message in client.wait_for("window/showMessage")["message"]
    assert not client.edits


def test_a_description_is_shown_while_it_is_written_and_offered_where_it_is_not_taken() -> None:
    with running() as client:
        client.initialize(**CLIENT, window={"workDoneProgress": True})
        client.applies = False
        client.open(SETTINGS)
        done = execute(client, "codegen.documentFunction", position=position(3))
        assert done["inserted"] == 0
        assert done["descriptions"]
        told = progress_of(client, "describe Settings")
        assert told[0]["cancellable"]
        assert "nothing was inserted" in client.wait_for("window/showMessage")["message"]
        client.leave()
