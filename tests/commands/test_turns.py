"""Turns that are taken back, settled and forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.commands.asking import ACCOUNT, CLIENT, after, execute, position, said, turns

BLANK_LINE = "x = 1\n\n    \n\ny = 2\n"


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        pytest.param("", {}, "", id="in an empty file"),
        pytest.param("x = 1\n", {"position": position(0)}, "x = 1\n", id="below code"),
        pytest.param(
            BLANK_LINE, {"position": position(2)}, BLANK_LINE.replace(" " * 4, ""), id="on a line"
        ),
        pytest.param("x = 1\r\n", {}, "x = 1\r\n", id="other line ends"),
    ],
)
def test_a_step_is_taken_back_whole(
    client: Client, text: str, place: dict[str, Any], expected: str
) -> None:
    client.open(text)
    execute(client, "nextTurn", intent="print the result", **place)
    (turn,) = turns(client)
    assert execute(client, "undoTurn", number=turn["number"]) == turn["number"]
    written, taken = client.edits
    assert after(after(text, written), taken) == expected
    assert turns(client) == []
    client.say(90, after(text, written))  # the editor's undo
    assert turns(client) == [turn]


def test_of_a_comment_that_was_there_only_the_code_is_taken_back(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    execute(client, "undoTurn", position=position(8))
    written, taken = client.edits
    assert after(after(ACCOUNT, written), taken) == ACCOUNT
    assert turns(client) == []


def test_a_comment_that_was_edited_stays(client: Client) -> None:
    client.open("")
    execute(client, "nextTurn", intent="print the result")
    client.change(50, " twice", (0, len("# print the result")))
    execute(client, "undoTurn", number=1)
    text = after("", client.edits[0]).replace("result", "result twice", 1)
    assert after(text, client.edits[1]) == "# print the result twice"


def test_what_the_editor_refuses_to_take_back_stays(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    client.applies = False
    assert execute(client, "undoTurn", number=1) is None
    assert "nothing was taken back" in said(client)
    assert len(turns(client)) == 1


def test_a_settled_turn_stays_and_its_candidates_go(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    (before,) = turns(client)
    assert execute(client, "acceptTurn", number=1) == 1
    (turn,) = turns(client)
    assert turn == {**before, "isAccepted": True, "candidate": 0, "nCandidates": 0}
    execute(client, "retryTurn", number=1)
    (turn,) = turns(client)
    assert not turn["isAccepted"]


def test_forgotten_turns_have_no_candidates(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    assert execute(client, "clearTurns") == 1
    execute(client, "retryTurn", number=1)
    assert "no turn 1" in said(client)


def test_the_client_asks_again_for_lenses_where_turns_have_changed(client: Client) -> None:
    assert CLIENT["workspace"]["codeLens"]["refreshSupport"]
    client.open(ACCOUNT)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("generateFromComment", {"position": position(8)}),
        ("acceptTurn", {"number": 1}),
        ("undoTurn", {"number": 1}),
        ("clearTurns", {}),
    ]
    for n_asked, (command, place) in enumerate(asked, start=1):
        execute(client, command, **place)
        assert client.asked.count("workspace/codeLens/refresh") == n_asked
