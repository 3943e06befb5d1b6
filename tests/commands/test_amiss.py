"""Turns where something is amiss: over stdio, with the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.models import EMBEDDED_PATH
from tests.client import URI, Client, running
from tests.commands.asking import CLIENT, execute, position, progress_of, said, turns

TEXT = "import os\n\n# the names of the files\n\n# the size of the files\n"
FIRST, SECOND = 2, 4  # the lines of its comments
SHORT = {"maxTokens": 16}


@pytest.fixture
def client() -> Iterator[Client]:
    with running() as client:
        client.initialize(SHORT, **CLIENT)
        yield client
        client.leave()


def generate(client: Client, line: int, uri: str = URI, character: int = 3) -> Any:
    at = position(line, character)
    return execute(client, "generateFromComment", uri=uri, position=at)


def close(client: Client, uri: str = URI) -> None:
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def written(client: Client, text: str) -> str:
    """The text with what the client has put in, one edit after the other."""
    for edit in client.edits:
        lines = text.split("\n")
        at = edit["range"]["start"]
        offset = sum(len(line) + 1 for line in lines[: at["line"]]) + at["character"]
        text = text[:offset] + edit["newText"] + text[offset:]
    return text


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        pytest.param('x = "# say hello"\n', 0, 8, id="in a string"),
        pytest.param('x = """\n# say hello\n"""\n', 1, 5, id="in a string of several lines"),
        pytest.param("say = 1\n", 0, 0, id="in code"),
        pytest.param("", 0, 0, id="in an empty file"),
        pytest.param("# \n", 0, 2, id="a comment that says nothing"),
        pytest.param("# say hello\n", 7, 0, id="behind the end, where nothing is above"),
    ],
)
def test_what_is_no_comment_is_answered_with_one_line(
    client: Client, text: str, line: int, character: int
) -> None:
    client.open(text)
    done = generate(client, line, character=character)
    if line < 7:
        assert "no comment here" in said(client)
        assert not client.edits
    else:  # editors clamp such a position, and so does the server: to the line below the comment
        assert done["inserted"] == 1


def test_an_intent_of_ten_thousand_words_is_answered(client: Client) -> None:
    words = "\n".join(
        f"    # step {n}: take the {n}th name of all that are there" for n in range(1000)
    )
    client.open(f"def names(path):\n{words}\n")
    generate(client, 40)
    (turn,) = turns(client)
    assert len(turn["intent"].split()) == 11_000
    assert turn["code"].strip()
    client.change(5, "x = 1\n", (0, 0))
    assert len(turns(client)) == 1


def test_turns_go_with_a_file_that_is_renamed(client: Client) -> None:
    client.open(TEXT)
    generate(client, FIRST)
    text, other = written(client, TEXT), "file:///renamed.py"
    close(client)
    client.open(text, uri=other)
    files = [{"oldUri": URI, "newUri": other}]
    client.notify("workspace/didRenameFiles", {"files": files})
    (turn,) = turns(client, other)
    assert turn["intent"] == "the names of the files"
    assert turns(client) == []
    assert generate(client, SECOND + 1, other)["inserted"] == 1
    assert len(turns(client, other)) == 2


def test_of_a_closed_file_there_are_no_turns_until_it_is_open_again(client: Client) -> None:
    client.open(TEXT)
    generate(client, FIRST)
    close(client)
    assert turns(client) == []
    generate(client, FIRST)
    assert "an open file" in said(client)
    client.open(written(client, TEXT))
    assert len(turns(client)) == 1


def test_of_a_file_that_has_changed_on_the_disk_there_are_no_turns(client: Client) -> None:
    client.open(TEXT)
    generate(client, FIRST)
    close(client)
    client.open(written(client, TEXT).replace("files", "folders"))
    assert turns(client) == []
    assert generate(client, FIRST)["inserted"] <= 1
    client.change(9, "x = 1\n", (0, 0))
    assert len(turns(client)) == len(client.edits) - 1


def test_two_clients_have_the_same_file_each_with_its_turns() -> None:
    with running() as one, running() as other:
        for client in (one, other):
            client.initialize(SHORT, **CLIENT)
            client.open(TEXT)
        generate(one, FIRST)
        generate(other, SECOND)
        assert [turn["intent"] for turn in turns(one)] == ["the names of the files"]
        assert [turn["intent"] for turn in turns(other)] == ["the size of the files"]
        for client in (one, other):
            close(client)
            turns(client)  # it has heard of that
        # The file says what was written last, and so does what is remembered.
        one.open(written(other, TEXT))
        assert [turn["intent"] for turn in turns(one)] == ["the size of the files"]
        one.leave()
        other.leave()


def test_another_model_goes_on_with_the_turns_of_the_first(tmp_path: Path) -> None:
    weights = tmp_path / "other.gguf"
    weights.symlink_to(EMBEDDED_PATH)
    with running() as client:
        client.initialize(SHORT, **CLIENT, window={"workDoneProgress": True})
        client.open(TEXT)
        generate(client, SECOND)
        settings = {"codegen": {**SHORT, "model": str(weights)}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        progress_of(client, f"Loading {weights}")  # until then the first one answers
        generate(client, FIRST)
        told = turns(client)
        assert [turn["intent"] for turn in told] == [
            "the names of the files", "the size of the files"
        ]  # fmt: skip
        assert [turn["model"] for turn in told] == [str(weights), "nano"]
        client.leave()


def test_where_there_is_no_model_one_line_says_so(tmp_path: Path) -> None:
    weights = tmp_path / "broken.gguf"
    weights.write_bytes(b"GGUF")
    with running("--model", str(weights)) as client:
        client.initialize(SHORT, **CLIENT)
        client.open(TEXT)
        assert generate(client, FIRST) == {"inserted": 0, "offered": ""}
        messages = [said(client), said(client)]
        assert any("broken.gguf" in message for message in messages)
        assert any("there is no model" in message for message in messages)
        client.leave()
