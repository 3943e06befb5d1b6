"""Turns for which nobody asked: suggestions taken below a comment, and a person's own code."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.commands.asking import ACCOUNT, FIRST, execute, lenses, position, turns

BELOW = ACCOUNT.replace(FIRST, f"{FIRST}\n        ")


def accept(client: Client) -> tuple[str, str]:
    """Take the first suggestion there, as an editor does; the code, and the text that comes of it."""
    client.open(BELOW)
    code = str(client.inline(9, 8, kind=1)[0]["insertText"])
    client.change(2, code, (9, 8))
    return code, BELOW.replace(f"{FIRST}\n        ", f"{FIRST}\n        {code}")


def test_ghost_text_that_is_accepted_below_a_comment_is_a_turn(client: Client) -> None:
    code, text = accept(client)
    (turn,) = turns(client)
    assert turn["intent"] == "add the amount to the balance"
    assert turn["code"].strip() == code.strip()
    assert turn["range"]["start"] == position(8)
    assert (turn["model"], turn["isStale"]) == ("nano", False)
    assert turn["meanLogprob"] < 0 < turn["nPrompt"]
    assert turn["seed"] == 0
    assert lenses(client)
    client.say(3, BELOW)  # the editor's undo
    assert turns(client) == []
    client.say(4, text)  # and redo
    assert turns(client) == [turn]


def test_other_code_can_be_had_for_it(client: Client) -> None:
    code, _ = accept(client)
    done = execute(client, "retryTurn", number=1)
    (turn,) = turns(client)
    assert (done["inserted"], turn["number"]) == (1, 1)
    assert turn["code"].strip() != code.strip()


@pytest.mark.parametrize("end", ["", "\n"])
def test_code_that_a_person_writes_below_a_comment_is_a_turn_without_a_model(
    client: Client, end: str
) -> None:
    client.open(ACCOUNT)
    assert turns(client) == []
    for n, letter in enumerate("        self.balance += amount" + end):
        client.change(2 + n, letter, (9, n))
    (turn,) = turns(client)
    assert turn["intent"] == "add the amount to the balance"
    assert turn["code"] == "        self.balance += amount"
    assert [turn[key] for key in ("model", "seed", "nPrompt", "meanLogprob")] == [None] * 4
    assert not lenses(client)
