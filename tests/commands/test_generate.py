"""Code for comments: where it goes, what is shown meanwhile, and what if the text changes then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.client import TIMEOUT, URI, Client, running
from tests.commands.asking import (
    ACCOUNT,
    CLIENT,
    FIRST,
    SECOND,
    after,
    execute,
    position,
    progress_of,
    said,
    turns,
)

FIVE = "".join(f"def step_{n}(values):\n    # {what} the values\n\n\n" for n, what in enumerate(
    ["sort", "count", "print", "add", "return"]
))  # fmt: skip


def test_code_is_written_below_a_comment_and_is_a_turn_of_the_document(client: Client) -> None:
    client.open(ACCOUNT)
    done = execute(client, "generateFromComment", position=position(8, 12))
    assert done == {"inserted": 1, "offered": ""}
    (edit,) = client.edits
    at = position(8, len(FIRST))
    assert edit["range"] == {"start": at, "end": at}
    assert edit["newText"].startswith("\n        ")
    (turn,) = turns(client)
    assert turn["intent"] == "add the amount to the balance"
    assert turn["code"].strip() == edit["newText"].strip()
    assert turn["range"]["start"] == position(8)
    assert (turn["model"], turn["isStale"]) == ("nano", False)

    client.change(3, "whole ", (8, 10 + len("add the")))
    (turn,) = turns(client)
    assert turn["isStale"]
    assert execute(client, "clearTurns") == 1
    assert turns(client) == []


def test_the_comments_of_a_selection_are_answered_in_their_order(client: Client) -> None:
    client.open(ACCOUNT)
    selected = {"start": position(7), "end": position(12)}
    done = execute(client, "generateFromComment", range=selected)
    made = turns(client)
    assert done["inserted"] == len(client.edits) == len(made) == 2
    n_lines = client.edits[0]["newText"].count("\n")
    assert [edit["range"]["start"] for edit in client.edits] == [
        position(8, len(FIRST)),
        position(11 + n_lines, len(SECOND)),  # it has moved
    ]
    assert [turn["intent"] for turn in made] == [
        "add the amount to the balance",
        "take the amount from the balance",
    ]


def test_a_wish_that_comes_before_the_model_waits_for_it() -> None:
    with running() as client:
        client.holds_settings = True
        workspace = {**CLIENT["workspace"], "configuration": True}
        client.initialize(**{**CLIENT, "workspace": workspace})
        client.open(ACCOUNT)
        arguments = [{"uri": URI, "position": position(8)}]
        wish = {"command": "codegen.generateFromComment", "arguments": arguments}
        request = client.send("workspace/executeCommand", wish)
        status = {"command": "codegen.status"}
        assert client.request("workspace/executeCommand", status)["state"] == "loading"
        client.release_settings()
        assert client.answer(request)["result"]["inserted"] == 1
        client.leave()


def test_of_a_selection_only_what_has_no_code_is_answered(client: Client) -> None:
    client.open("# one\nx = 1\n\n" + ACCOUNT)
    everything = {"start": position(0), "end": position(20)}
    assert execute(client, "generateFromComment", range=everything)["inserted"] == 2
    assert execute(client, "generateFromComment", range=everything)["inserted"] == 0
    assert "have their code already" in said(client)


def test_what_is_written_is_shown_with_a_button_to_cancel_it() -> None:
    with running() as client:
        client.initialize(**CLIENT, window={"workDoneProgress": True})
        client.open(ACCOUNT)
        done = execute(client, "generateFromComment", position=position(8))
        assert done["inserted"] == 1
        told = progress_of(client, "add the amount to the balance")
        assert told[0]["cancellable"]
        assert all(value["message"] for value in told[1:-1])
        client.leave()


def test_five_comments_get_five_pieces_in_order_with_one_undo_each(client: Client) -> None:
    client.open(FIVE)
    everything = {"start": position(0), "end": position(FIVE.count("\n"))}
    done = execute(client, "generateFromComment", range=everything)
    assert done == {"inserted": 5, "offered": ""}
    texts = [FIVE]
    for edit in client.edits:
        assert edit["range"]["start"] == edit["range"]["end"]
        texts.append(after(texts[-1], edit))
    comments = [line for line in FIVE.split("\n") if "#" in line]
    ends = [edit["range"]["start"] for edit in client.edits]
    assert [
        text.split("\n")[end["line"]] for text, end in zip(texts, ends, strict=False)
    ] == comments
    for n_left in (4, 3, 2, 1, 0):
        client.say(100 - n_left, texts[n_left])
        assert [f"    # {turn['intent']}" for turn in turns(client)] == comments[:n_left]


def test_cancelled_nothing_is_inserted() -> None:
    with running() as client:
        client.initialize({"maxTokens": 1024}, **CLIENT, window={"workDoneProgress": True})
        client.open(FIVE)
        everything = {"start": position(0), "end": position(FIVE.count("\n"))}
        arguments = [{"uri": "file:///test.py", "range": everything}]
        command = {"command": "codegen.generateFromComment", "arguments": arguments}
        request = client.send("workspace/executeCommand", command)
        shown: dict[str, Any] = {}
        while shown.get("value", {}).get("title") != "sort the values":
            shown = client.wait_for("$/progress")
        client.notify("window/workDoneProgress/cancel", {"token": shown["token"]})
        assert client.answer(request)["result"] == {"inserted": 0, "offered": ""}
        assert "workspace/applyEdit" not in client.asked
        assert turns(client) == []
        client.leave()


def test_what_the_editor_does_not_insert_is_offered_and_no_turn(client: Client) -> None:
    client.applies = False
    client.open(ACCOUNT)
    done = execute(client, "generateFromComment", position=position(8))
    assert done["inserted"] == 0
    assert done["offered"].startswith("\n        ")
    assert turns(client) == []
    assert (
        "while code for “add the amount to the balance” was written"
        in client.questions[0]["message"]
    )


def test_an_editor_that_applies_no_edits_is_not_asked_to() -> None:
    with running() as client:
        client.initialize(workspace={}, textDocument={})
        client.open(ACCOUNT)
        done = execute(client, "generateFromComment", position=position(8))
        assert (done["inserted"], done["offered"][:9]) == (0, "\n        ")
        assert "workspace/applyEdit" not in client.asked
        client.leave()


def changed_meanwhile(client: Client, place: dict[str, Any], *changes: Any) -> dict[str, Any]:
    """What a command comes to whose document is edited while code is written."""
    client.open(ACCOUNT)
    command = {
        "command": "codegen.generateFromComment",
        "arguments": [{"uri": "file:///test.py", **place}],
    }
    request = client.send("workspace/executeCommand", command)
    for version, (text, at) in enumerate(changes, start=2):
        client.change(version, text, at)
    return dict(client.answer(request)["result"])


def test_code_for_a_text_that_has_changed_goes_where_its_comment_is_now(client: Client) -> None:
    client.chooses = "Insert"
    at = {"position": position(8)}
    done = changed_meanwhile(client, at, ("import os\n", (0, 0)), ("\n\n", (12, 0)))
    assert done["inserted"] == 0
    answers = (turns(client) for _ in range(1_000))  # it is asked about behind the answer
    (turn,) = next(answer for answer in answers if answer)
    (edit,) = client.edits
    assert edit["newText"] == done["offered"]
    assert edit["range"]["start"] == position(9, len(FIRST))
    assert turn["range"]["start"] == position(9)


@pytest.mark.parametrize("choice", [None, "Insert"])
def test_code_for_a_comment_that_has_changed_is_only_returned(
    client: Client, choice: str | None
) -> None:
    client.chooses = choice
    done = changed_meanwhile(client, {"position": position(8)}, ("whole ", (8, len(FIRST))))
    assert done["inserted"] == 0
    assert done["offered"]
    assert "nothing was inserted" in said(client)
    assert (client.questions, client.edits) == ([], [])


def test_the_rest_of_a_selection_goes_on_where_it_is_now(client: Client) -> None:
    selected = {"range": {"start": position(7), "end": position(12)}}
    done = changed_meanwhile(client, selected, ("import os\n", (0, 0)))
    assert done["inserted"] == 1
    (turn,) = turns(client)
    assert turn["intent"] == "take the amount from the balance"
    assert turn["range"]["start"] == position(12)
    assert len(client.questions) == 1


def test_a_comment_of_a_selection_that_has_changed_is_left_alone(client: Client) -> None:
    selected = {"range": {"start": position(7), "end": position(12)}}
    done = changed_meanwhile(client, selected, (" twice", (11, len(SECOND))))
    assert (done["inserted"], len(client.edits)) == (0, 0)
    assert "“take the amount from the balance” has changed" in said(client)


def test_in_a_file_that_is_kept_back_nothing_is_written(client: Client) -> None:
    client.open(ACCOUNT, "file:///.env.py")
    execute(client, "generateFromComment", uri="file:///.env.py", position=position(8))
    assert "an ignored or secret file" in said(client)


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
    done = execute(client, "generateFromComment", **place)
    assert done == {"inserted": 0, "offered": ""}
    assert message in said(client)
    assert not client.edits


def test_turns_are_there_again_after_a_restart_until_they_are_wiped() -> None:
    with restarted() as client:
        client.open(ACCOUNT)
        execute(client, "generateFromComment", position=position(8))
        code = client.edits[0]["newText"]
    comment = "# add the amount to the balance"
    text = ACCOUNT.replace(comment, comment + code)
    with restarted() as client:
        client.open(text)
        assert len(turns(client)) == 1
    with restarted() as client:
        clear = {"command": "codegen.clearTurns", "arguments": [{}]}
        assert client.request("workspace/executeCommand", clear) == 0  # nothing is open
    with restarted() as client:
        client.open(text)
        assert turns(client) == []


@contextmanager
def restarted() -> Iterator[Client]:
    """A server that ends by itself, when it has written down what it knows."""
    with running() as client:
        client.initialize(**CLIENT)
        yield client
        client.leave()
        client.process.wait(TIMEOUT)
