"""One step after the other: what is wanted next, and other code for what was said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client, running
from tests.commands.asking import (
    ACCOUNT,
    CLIENT,
    FIRST,
    after,
    execute,
    position,
    said,
    turns,
    without_blanks,
)

NOTHING = {"inserted": 0, "offered": ""}


def text_of(client: Client, text: str) -> str:
    """What a document says that was opened with a text, and edited by the server alone."""
    for edit in client.edits:
        text = after(text, edit)
    return text


def test_steps_follow_each_other_in_an_empty_file(client: Client) -> None:
    client.open("")
    wishes = ["read the numbers", "sort them", "print the sum of them, " * 5, "return all", "count"]
    done = [execute(client, "nextTurn", intent=wish)["inserted"] for wish in wishes]
    made = turns(client)
    assert [turn["intent"] for turn in made] == [w for w, n in zip(wishes, done, strict=True) if n]
    assert len(client.edits) == len(made) > 1  # one undo each; to some the model has no answer
    steps = [f"# {turn['intent']}\n{turn['code']}" for turn in made]
    assert text_of(client, "") == "\n\n".join(steps)


@pytest.mark.parametrize(
    ("place", "line"),
    [({"position": position(3)}, "    # say it"), ({}, "# say it")],
    ids=["at the cursor", "at the end"],
)
def test_without_turns_the_next_step_is(client: Client, place: dict[str, Any], line: str) -> None:
    client.open("def f():\n    x = 1\n\n    \n\ny = 2\n")
    assert execute(client, "nextTurn", intent="say it", **place)["inserted"] == 1
    (turn,) = turns(client)
    written = text_of(client, "def f():\n    x = 1\n\n    \n\ny = 2\n").split("\n")
    assert written[turn["range"]["start"]["line"]] == line


def test_the_next_step_is_below_the_turn_that_the_cursor_is_in(client: Client) -> None:
    client.open("")
    for intent in ("read it", "sort it"):
        execute(client, "nextTurn", intent=intent)
    execute(client, "nextTurn", intent="check it", position=position(0, 3))
    assert [turn["intent"] for turn in turns(client)] == ["read it", "check it", "sort it"]


@pytest.mark.parametrize(
    ("text", "wish", "message"),
    [
        pytest.param("", {"intent": "  "}, "without words", id="no words"),
        pytest.param("", {}, "needs an intent", id="no intent"),
        pytest.param("", {"intent": 3}, "needs an intent", id="a number"),
        pytest.param("", {"intent": "a b", "uri": "file:///b.py"}, "an open file", id="not open"),
        pytest.param(
            'x = """\n\n"""\n', {"intent": "read it", "position": position(1)}, "in the middle of",
            id="in a string",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_said_next(
    client: Client, text: str, wish: dict[str, Any], message: str
) -> None:
    client.open(text)
    assert execute(client, "nextTurn", **wish) == NOTHING
    assert message in said(client)
    assert client.edits == []


def test_in_a_language_without_comments_nothing_is_said(client: Client) -> None:
    client.open("{}", "file:///a.json", "json")
    assert execute(client, "nextTurn", uri="file:///a.json", intent="read it") == NOTHING
    assert "json has no comments" in said(client)


def test_an_intent_of_ten_thousand_words(client: Client) -> None:
    client.open("")
    intent = " ".join(f"word{n}" for n in range(10_000))
    done = execute(client, "nextTurn", intent=intent)
    if done["inserted"]:
        (turn,) = turns(client)
        assert turn["intent"] == intent
    else:
        assert "the model has no code" in said(client)


def test_a_retry_gives_other_code_and_all_of_it_stays_at_hand(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    given = [turns(client)[0]["code"]]
    for _ in range(3):
        assert execute(client, "retryTurn", position=position(9, 4))["inserted"] == 1
        (turn,) = turns(client)
        assert turn["number"] == 1
        given.append(turn["code"])
    assert len({without_blanks(code) for code in given}) == 4
    n_edits, n_known = len(client.edits), turn["nCandidates"]
    assert n_known >= 4
    assert execute(client, "retryTurn", number=1, candidate=1)["inserted"] == 1
    (turn,) = turns(client)
    assert (turn["code"], turn["candidate"], turn["nCandidates"]) == (given[0], 1, n_known)
    assert len(client.edits) == n_edits + 1
    assert text_of(client, ACCOUNT) == ACCOUNT.replace(FIRST, f"{FIRST}\n{given[0]}")


def test_what_an_undo_brings_back_is_the_candidate_that_it_was(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    text = text_of(client, ACCOUNT)
    execute(client, "retryTurn", number=1)
    assert turns(client)[0]["candidate"] > 1
    client.say(90, text)
    (turn,) = turns(client)
    assert (turn["number"], turn["candidate"]) == (1, 1)


def test_a_model_that_says_nothing_else_is_asked_no_further() -> None:
    with running() as client:
        client.initialize({"topP": 0.05, "candidates": 1}, **CLIENT)  # the likeliest token, always
        client.open(ACCOUNT)
        execute(client, "generateFromComment", position=position(8))
        (before,) = turns(client)
        assert execute(client, "retryTurn", number=1) == NOTHING
        assert "no other code for “add the amount to the balance”" in said(client)
        assert (turns(client), len(client.edits)) == ([before], 1)
        client.leave()


def test_a_comment_that_was_edited_is_answered_as_it_is_now(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    client.change(50, " twice", (8, len(FIRST)))
    assert turns(client)[0]["isStale"]
    execute(client, "retryTurn", number=1)
    (turn,) = turns(client)
    assert (turn["intent"], turn["isStale"]) == ("add the amount to the balance twice", False)
    assert turn["candidate"] == 1  # those of the former comment are no answers to this one


def test_a_comment_that_says_nothing_any_more_gets_no_code(client: Client) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    text = text_of(client, ACCOUNT)
    client.say(50, text.replace(FIRST, "        # ---"))
    assert execute(client, "retryTurn", number=1) == NOTHING
    assert "does not say any more what to write" in said(client)


@pytest.mark.parametrize("command", ["retryTurn", "undoTurn", "acceptTurn"])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"uri": "file:///b.py", "number": 1}, "an open file"),
        ({"number": 7}, "no turn 7"),
        ({"position": position(0)}, "no turn is here"),
        ({"number": "x"}, "no turn is here"),
        ({}, "no turn is here"),
    ],
)
def test_where_no_turn_is_one_line_says_so(
    client: Client, command: str, place: dict[str, Any], message: str
) -> None:
    client.open(ACCOUNT)
    execute(client, command, **place)
    assert message in said(client)
    assert client.edits == []


@pytest.mark.parametrize("candidate", [0, 99, "2", None])
def test_a_candidate_that_nobody_knows(client: Client, candidate: object) -> None:
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    assert execute(client, "retryTurn", number=1, candidate=candidate) == NOTHING
    assert "no such candidate" in said(client)
    assert len(client.edits) == 1


def test_other_code_for_a_turn_whose_text_has_moved_is_offered_there(client: Client) -> None:
    client.chooses = "Insert"
    client.open(ACCOUNT)
    execute(client, "generateFromComment", position=position(8))
    (before,) = turns(client)
    arguments = [{"uri": "file:///test.py", "number": 1}]
    command = {"command": "codegen.retryTurn", "arguments": arguments}
    request = client.send("workspace/executeCommand", command)
    client.change(50, "import os\n", (0, 0))
    done = client.answer(request)["result"]
    assert done["inserted"] == 0
    answers = (turn for _ in range(1_000) for turn in turns(client))
    turn = next(answer for answer in answers if answer["code"] != before["code"])
    assert (turn["number"], turn["code"]) == (1, done["offered"])
    assert turn["range"]["start"] == position(9)
