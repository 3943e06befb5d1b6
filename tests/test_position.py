"""Positions and edits, against a model too plain to be wrong: lists of lines, and code units by
encoding every character alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_lsp.document import Document
from codegen_lsp.position import Encoding, Position, edit, offset_at, position_at

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
# Every line end of LSP, everything else that str.splitlines takes for one, and characters of every
# width in every encoding.
ALPHABET = [
    "a",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\f",
    "\x0b",
    "\x1c",
    "\x85",
    "\u2028",
    "é",
    "漢",
    "😀",
    "\t",
]
texts = st.lists(st.sampled_from(ALPHABET), max_size=40).map("".join)
# Line ends of one kind, as most texts have them, take another way.
unix_texts = texts.map(lambda text: text.replace("\r", ""))


def units(character: str, encoding: Encoding) -> int:
    if encoding == "utf-32":
        return 1
    codec, unit = ("utf-8", 1) if encoding == "utf-8" else ("utf-16-le", 2)
    return len(character.encode(codec)) // unit


def plain_lines(text: str) -> list[str]:
    """Lines with their ends, as the specification has them."""
    parts = re.split("(\r\n|\n|\r)", text)
    ends = [*parts[1::2], ""]
    return [line + end for line, end in zip(parts[::2], ends, strict=True)]


def plain_offset(text: str, position: Position, encoding: Encoding) -> int:
    lines = plain_lines(text)
    if position.line >= len(lines):
        return len(text)
    offset = sum(len(line) for line in lines[: position.line])
    left = position.character
    for character in lines[position.line].rstrip("\r\n"):
        left -= units(character, encoding)
        if left < 0:
            break
        offset += 1
    return offset


@settings(max_examples=500)
@given(st.sampled_from([texts, unix_texts]), st.data())
def test_random_edits_agree_with_the_plain_model(
    texts: st.SearchStrategy[str], data: st.DataObject
) -> None:
    """Each example makes up to ten edits, in all three encodings: some fifteen thousand in all."""
    text = data.draw(texts)
    for encoding in ENCODINGS:
        document, plain = Document("file:///t", "python", 0, text), text
        for version in range(1, data.draw(st.integers(1, 10)) + 1):
            n_lines = len(plain_lines(plain))
            ends = [
                Position(data.draw(st.integers(0, n_lines)), data.draw(st.integers(0, 12)))
                for _ in range(2)
            ]
            start, end = sorted(ends)
            new = data.draw(texts)
            first, last = (plain_offset(plain, at, encoding) for at in (start, end))
            plain = plain[:first] + new + plain[last:]
            document = edit(document, version, start, end, new, encoding)
            assert document.text == plain
            assert document.version == version


@given(texts, st.sampled_from(ENCODINGS))
def test_every_offset_comes_back(text: str, encoding: Encoding) -> None:
    document = Document("file:///t", "python", 0, text)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n":
            continue  # no position points between the two
        assert offset_at(document, position_at(document, offset, encoding), encoding) == offset


@pytest.mark.parametrize(
    ("text", "position", "encoding", "expected"),
    [
        pytest.param("a\n", Position(1, 0), "utf-16", 2, id="the empty line at the end"),
        pytest.param("ab", Position(0, 9), "utf-16", 2, id="behind the end of an unfinished line"),
        pytest.param("ab\r\ncd", Position(0, 9), "utf-16", 2, id="behind the end of a line"),
        pytest.param("ab", Position(7, 0), "utf-16", 2, id="behind the last line"),
        pytest.param("😀x", Position(0, 1), "utf-16", 0, id="in the middle of a pair"),
        pytest.param("😀x", Position(0, 2), "utf-16", 1, id="behind a pair"),
        pytest.param("😀x", Position(0, 4), "utf-8", 1, id="behind four bytes"),
        pytest.param("a\fb\nc", Position(1, 1), "utf-16", 5, id="a form feed ends no line"),
    ],
)
def test_offset_at(text: str, position: Position, encoding: Encoding, expected: int) -> None:
    assert offset_at(Document("file:///t", "python", 0, text), position, encoding) == expected


def test_half_a_surrogate_pair_does_no_harm() -> None:
    document = Document("file:///t", "python", 0, "\ud83d = 1")
    assert edit(document, 1, Position(0, 4), Position(0, 5), "2", "utf-16").text == "\ud83d = 2"
