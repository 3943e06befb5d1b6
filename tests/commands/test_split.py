"""A long comment as steps and steps as one turn, through the real server and the embedded model."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client, running
from tests.commands.asking import CLIENT, execute, position

COUNTER = '''\
class Counter:
    """How often words occur."""

    def __init__(self):
        self.counts = {}

    def add(self, word):
        # Get the count of the word. Add one to the count. Set the count of the word.
'''
LAST = position(7, 20)


def test_a_comment_is_split_with_one_edit_and_then_answered_step_by_step(client: Client) -> None:
    client.open(COUNTER)
    done = execute(client, "splitIntent", position=LAST)
    assert done["steps"] == [
        "Get the count of the word.", "Add one to the count.", "Set the count of the word."
    ]  # fmt: skip
    assert done["range"] == {
        "start": position(7),
        "end": position(11, len("        # Set the count of the word.")),
    }
    (edit,) = client.edits
    assert edit["newText"].count("\n\n") == 2
    assert execute(client, "listTurns") == []  # nothing was generated
    assert execute(client, "generateFromComment", range=done["range"])["inserted"] == 3
    intents = [turn["intent"] for turn in execute(client, "listTurns")]
    assert intents == done["steps"]


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        (COUNTER, position(4), "no comment here"),
        (COUNTER, position(1, 10), "one step already"),
        ("x = 1  # Read it. Count.\n", position(0, 12), "a line of its own"),
        ('def f():\n    """Read it. Count."""\n    return 1\n', position(1, 8), "below this"),
    ],
)
def test_what_cannot_be_split_stays(
    client: Client, text: str, at: dict[str, int], message: str
) -> None:
    client.open(text)
    done = execute(client, "splitIntent", position=at)
    assert done == {"steps": [], "range": None}
    assert message in client.wait_for("window/showMessage")["message"]
    assert not client.edits


def test_a_comment_that_has_its_code_is_not_split(client: Client) -> None:
    client.open(COUNTER)
    execute(client, "generateFromComment", position=LAST)
    assert execute(client, "splitIntent", position=LAST)["steps"] == []
    assert "has its code already" in client.wait_for("window/showMessage")["message"]


def test_an_action_says_how_many_steps_a_comment_has() -> None:
    with running() as client:
        actions: dict[str, Any] = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}
        client.initialize(**{**CLIENT, "textDocument": {"codeAction": actions}})
        client.open(COUNTER + "        x = 1  # Read it. Count.\n")
        assert titles(client, LAST) == ["Split into 3 steps"]
        assert titles(client, position(8, 20)) == []
        assert titles(client, position(4)) == []
        execute(client, "splitIntent", position=LAST)
        assert titles(client, position(7, 20)) == []
        client.leave()


@pytest.mark.parametrize("command", ["splitIntent", "asOneTurn"])
@pytest.mark.parametrize(
    "place", [{}, {"uri": 1, "range": []}, {"uri": "file:///b", "numbers": [1]}]
)
def test_without_a_place_one_line_says_so(
    client: Client, command: str, place: dict[str, Any]
) -> None:
    client.open(COUNTER)
    execute(client, command, **place)
    assert "needs a place in an open file" in client.wait_for("window/showMessage")["message"]


def test_an_editor_that_does_not_split(client: Client) -> None:
    client.applies = False
    client.open(COUNTER)
    assert execute(client, "splitIntent", position=LAST)["steps"] == []
    assert "nothing was split" in client.wait_for("window/showMessage")["message"]


def test_the_better_one_is_offered_first_and_without_an_answer_nothing_changes(
    client: Client,
) -> None:
    turns = answered(client)
    done = execute(client, "asOneTurn", position=position(last_line(turns)))
    (question,) = client.questions
    first, second = (action["title"] for action in question["actions"])
    scores = done["scores"]
    is_one_better = scores["one"] > scores["turns"]
    assert done["better"] == ("one" if is_one_better else "turns")
    expected = ["Keep 3 turns", "Take one turn"]
    expected = expected[::-1] if is_one_better else expected
    assert [first, second] == [f"{expected[0]} (better)", expected[1]]
    assert all(score < 0 for score in scores.values())
    assert done["code"].strip()
    assert not done["taken"]
    assert execute(client, "listTurns") == turns


def test_one_turn_takes_the_place_of_all_and_undo_brings_them_back(client: Client) -> None:
    turns = answered(client)
    before = len(client.edits)
    client.chooses = "Take one turn"
    done = execute(client, "asOneTurn", numbers=[turn["number"] for turn in turns])
    assert done["taken"]
    (edit,) = client.edits[before:]
    assert edit["range"] == {"start": turns[0]["range"]["start"], "end": turns[-1]["range"]["end"]}
    assert edit["newText"].startswith(
        "        # Get the count of the word.\n"
        "        # Add one to the count.\n"
        "        # Set the count of the word.\n"
    )
    (one,) = execute(client, "listTurns")
    assert one["code"].strip() == done["code"].strip()
    assert one["intent"].split("\n") == [turn["intent"] for turn in turns]

    written = "".join(text_of(turn) + "\n\n" for turn in turns).rstrip("\n")
    put_back(client, edit, written)
    assert execute(client, "listTurns") == turns


def test_a_text_that_changes_meanwhile_stays(client: Client) -> None:
    turns = answered(client)
    before = len(client.edits)
    client.chooses = "Take one turn"
    client.meanwhile = lambda: client.change(100, "# mine\n", (0, 0))
    done = execute(client, "asOneTurn", position=position(last_line(turns)))
    assert "nothing was replaced" in client.wait_for("window/showMessage")["message"]
    assert done["code"].strip()
    assert not done["taken"]
    assert client.edits[before:] == []
    assert len(execute(client, "listTurns")) == 3


def test_cancelled_it_leaves_everything_as_it_was() -> None:
    with running() as client:
        client.initialize(**CLIENT, window={"workDoneProgress": True})
        turns = answered(client)
        before = len(client.edits)
        client.chooses = "Take one turn"
        place = {"uri": "file:///test.py", "range": whole(turns)}
        params = {"command": "codegen.asOneTurn", "arguments": [place]}
        request = client.send("workspace/executeCommand", params)
        while True:
            shown = client.wait_for("$/progress")
            title = shown["value"].get("title", "")
            if title.startswith("Get the count of the word. Add"):
                break
        client.notify("window/workDoneProgress/cancel", {"token": shown["token"]})
        done = client.answer(request)["result"]
        assert done == {"better": None, "scores": {}, "code": "", "taken": False}
        assert client.edits[before:] == client.questions == []
        told = [each["method"] for each in client.notifications.queue]
        assert "window/showMessage" not in told
        assert execute(client, "listTurns") == turns
        client.leave()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# add\n", "no two turns"),
        (COUNTER, "no two turns"),
    ],
)
def test_where_there_are_no_turns_one_line_says_so(client: Client, text: str, message: str) -> None:
    client.open(text)
    done = execute(client, "asOneTurn", position=position(0))
    assert done == {"better": None, "scores": {}, "code": "", "taken": False}
    assert message in client.wait_for("window/showMessage")["message"]


def titles(client: Client, at: dict[str, int]) -> list[str]:
    """Those of the actions at a place that split something."""
    params = {
        "textDocument": {"uri": "file:///test.py"},
        "range": {"start": at, "end": at},
        "context": {"diagnostics": []},
    }
    found = client.request("textDocument/codeAction", params)
    return [each["title"] for each in found if each["title"].startswith("Split")]


def answered(client: Client) -> list[dict[str, Any]]:
    """Three steps and their code; the turns."""
    client.open(COUNTER)
    steps = execute(client, "splitIntent", position=LAST)["range"]
    execute(client, "generateFromComment", range=steps)
    turns = list(execute(client, "listTurns"))
    assert len(turns) == 3
    return turns


def last_line(turns: list[dict[str, Any]]) -> int:
    return int(turns[-1]["range"]["end"]["line"])


def whole(turns: list[dict[str, Any]]) -> dict[str, Any]:
    return {"start": turns[0]["range"]["start"], "end": turns[-1]["range"]["end"]}


def text_of(turn: dict[str, Any]) -> str:
    return f"        # {turn['intent']}\n{turn['code']}"


def put_back(client: Client, edit: dict[str, Any], text: str) -> None:
    """As an editor's undo does."""
    start = edit["range"]["start"]
    lines = edit["newText"].split("\n")
    end = position(start["line"] + len(lines) - 1, len(lines[-1]))
    params = {
        "textDocument": {"uri": "file:///test.py", "version": 200},
        "contentChanges": [{"range": {"start": start, "end": end}, "text": text}],
    }
    client.notify("textDocument/didChange", params)
