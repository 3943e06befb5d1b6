"""Code becomes its description, through the real server and the embedded model."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tests.client import Client, running
from tests.commands.asking import ACCOUNT, CLIENT, execute, position, progress_of

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
    done = execute(client, "documentFunction", position=position(at, 8))
    assert done["inserted"] == 1
    (edit,) = client.edits
    assert edit["range"] == {"start": position(at + 1), "end": position(at + 1)}
    indent = lines[at + 1][: len(lines[at + 1]) - len(lines[at + 1].lstrip())]
    assert edit["newText"].startswith(f'{indent}"""')
    words = " ".join(edit["newText"].replace('"""', "").split())
    assert words.replace("\\\\", "\\") == done["descriptions"][0]
    ast.parse("\n".join([*lines[: at + 1], edit["newText"], *lines[at + 1 :]]))
    assert execute(client, "listTurns") == []


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
    done = execute(client, "documentFunction", **place)
    assert done == {"inserted": 0, "descriptions": []}
    assert message in client.wait_for("window/showMessage")["message"]
    assert not client.edits


def test_a_description_is_shown_while_it_is_written_and_offered_where_it_is_not_taken() -> None:
    with running() as client:
        client.initialize(**CLIENT, window={"workDoneProgress": True})
        client.applies = False
        client.open(SETTINGS)
        done = execute(client, "documentFunction", position=position(3))
        assert done["inserted"] == 0
        assert done["descriptions"]
        told = progress_of(client, "describe Settings")
        assert told[0]["cancellable"]
        assert "nothing was inserted" in client.wait_for("window/showMessage")["message"]
        client.leave()
