"""Turns while somebody edits: the real server, told of each edit, against a plain model of the document,
a list of pieces of which some are turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client import Client, running
from tests.commands.asking import CLIENT, execute, turns

N_EDITS, MAX_UNDONE = 20, 8  # between two turns, and at once
NAMES = count()  # each document is a new one: turns are remembered by name
FILLER = ("pass\n", "# note\n", "# 😀 é\n", "}\n", "\n", "x = 1\n", "    y = '𝛼'\n")

filler = st.lists(st.sampled_from(FILLER), min_size=1, max_size=3)
kinds = st.sampled_from(["write", "write", "word", "letter", "delete", "undo"])
edit = st.tuples(kinds, st.integers(0, 99), filler, st.integers(0, 3))
edits = st.lists(edit, min_size=N_EDITS, max_size=N_EDITS)


@dataclass(frozen=True)
class Piece:
    """Some lines, each with its end; `number` is that of the turn that they are, or 0."""

    text: str
    number: int = 0


@dataclass
class Page:
    """The document as its editor has it, and the server that is told of each edit."""

    client: Client
    uri: str
    newline: str
    pieces: list[Piece]
    version: int = 1
    numbers: Iterator[int] = field(default_factory=count)
    past: list[list[Piece]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces).replace("\n", self.newline)

    def become(self, pieces: list[Piece]) -> None:
        """Tell the server what is different, as one edit."""
        before, self.pieces = self.text, pieces
        self.past.append(pieces)
        after = self.text
        n_start = 0
        while n_start < min(len(before), len(after)) and before[n_start] == after[n_start]:
            n_start += 1
        n_end = 0
        while n_end < min(len(before), len(after)) - n_start and before[~n_end] == after[~n_end]:
            n_end += 1
        end = len(before) - n_end
        self.version += 1
        change = {
            "range": {"start": position(before, n_start), "end": position(before, end)},
            "text": after[n_start : len(after) - n_end],
        }
        document = {"uri": self.uri, "version": self.version}
        params = {"textDocument": document, "contentChanges": [change]}
        self.client.notify("textDocument/didChange", params)

    def add_turn(self, where: int) -> None:
        """Write a comment somewhere, and have the model write its code, if it has any."""
        at = self.filler(where)
        comment = f"# set value {next(self.numbers)}\n"
        blank = Piece("\n")  # or what stands there might be a part of the comment
        self.become([*self.pieces[:at], blank, Piece(comment), blank, *self.pieces[at:]])
        line = self.text.count("\n", 0, self.text.index(comment.strip()))
        n_edits = len(self.client.edits)
        place = {"line": line, "character": 3}
        execute(self.client, "generateFromComment", uri=self.uri, position=place)
        if not (changes := self.client.edits[n_edits:]):
            return  # all that the model would say stands there already
        (change,) = changes
        self.version += 1
        code = change["newText"].replace(self.newline, "\n").removeprefix("\n") + "\n"
        number = max(turn["number"] for turn in turns(self.client, self.uri))
        turn = [Piece(comment + code, number)]
        self.pieces = [*self.pieces[: at + 1], *turn, *self.pieces[at + 2 :]]
        self.past.append(self.pieces)

    def edit(self, kind: str, which: int, lines: list[str], where: int) -> None:
        turns = [at for at, piece in enumerate(self.pieces) if piece.number and piece.text]
        if kind == "undo":
            self.undo(which % MAX_UNDONE)
        elif kind == "delete":
            self.put(which % len(self.pieces), "")
        elif kind in ("word", "letter") and turns:
            at = turns[which % len(turns)]
            text = self.pieces[at].text
            # In the comment, or at the end of its code's last line.
            self.put(
                at, text.replace("# set", "# set the") if kind == "word" else text[:-1] + "x\n"
            )
        else:
            at = self.filler(which)
            old = self.pieces[at].text.splitlines(keepends=True)
            self.put(at, "".join([*old[:where], *lines, *old[where + len(lines) % 2 :]]))

    def undo(self, n: int) -> None:
        """As editors do: one edit after the other."""
        for _ in range(min(n, len(self.past) - 1)):
            self.past.pop()
            self.become(self.past.pop())

    def filler(self, which: int) -> int:
        places = [at for at, piece in enumerate(self.pieces) if not piece.number]
        return places[which % len(places)]

    def put(self, at: int, text: str) -> None:
        piece = Piece(text, self.pieces[at].number)
        self.become([*self.pieces[:at], piece, *self.pieces[at + 1 :]])

    def check(self) -> None:
        """What the model wrote is there, once, with its number, and nothing else is."""
        expected = [(each.number, each.text.rstrip("\n")) for each in self.pieces]
        told = [turn for turn in turns(self.client, self.uri) if turn["model"]]
        found = [(turn["number"], between(self.text, turn["range"])) for turn in told]
        assert found == [
            (number, text.replace("\n", self.newline))
            for number, text in expected
            if number and text
        ]


def position(text: str, offset: int) -> dict[str, int]:
    line_start = text.rfind("\n", 0, offset) + 1
    n_units = len(text[line_start:offset].encode("utf-16-le")) // 2
    return {"line": text.count("\n", 0, offset), "character": n_units}


def between(text: str, where: dict[str, Any]) -> str:
    start, end = (
        sum(map(len, text.split("\n")[: at["line"]])) + at["line"] + _units(text, at)
        for at in (where["start"], where["end"])
    )
    return text[start:end]


def _units(text: str, at: dict[str, int]) -> int:
    line = text.split("\n")[at["line"]].encode("utf-16-le")
    return len(line[: 2 * at["character"]].decode("utf-16-le"))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running() as client:
        # Short answers: what they say does not matter here.
        client.initialize({"maxTokens": 12}, **CLIENT)
        yield client
        client.leave()


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["\n", "\r\n"]))
def test_random_edits_between_turns_lose_and_duplicate_none(
    client: Client, data: st.DataObject, newline: str
) -> None:
    uri = f"file:///edited-{next(NAMES)}.py"
    page = Page(client, uri, newline, [Piece("import os\n"), Piece("print(os)\n")])
    page.past.append(page.pieces)
    client.open(page.text, uri=uri)
    for n_earlier, where in enumerate(
        data.draw(st.lists(st.integers(0, 99), min_size=2, max_size=4))
    ):
        page.add_turn(where)
        assert n_earlier or any(piece.number for piece in page.pieces)
        page.check()
        for each in data.draw(edits):
            page.edit(*each)
        page.check()
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
