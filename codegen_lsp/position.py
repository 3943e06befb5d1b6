"""Between LSP's positions (line and code units) and our offsets (Python string indices).

Pure, and apart from `server.py` so that thousands of random edits can be tried on it alone: the
document of pygls splits lines with `str.splitlines` and loses its place behind a form feed or U+2028.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Literal, NamedTuple

from codegen_lsp.document import Document

Encoding = Literal["utf-8", "utf-16", "utf-32"]


class Position(NamedTuple):
    """Zero-based line, and code units of the agreed encoding from its start."""

    line: int
    character: int


def offset_at(document: Document, position: Position, encoding: Encoding) -> int:
    """The offset of a position. What lies behind a line's end means its end, what lies behind the
    last line means the end of the text, and the middle of a character means its start."""
    start = document.start_of(position.line)
    if start is None:
        return len(document.text)
    end = document.start_of(position.line + 1)
    line = document.text[start:end].rstrip("\r\n")
    return start + _n_characters(line, position.character, encoding)


def position_at(document: Document, offset: int, encoding: Encoding) -> Position:
    """The position of an offset; inverse of `offset_at`."""
    line = bisect_right(document.line_starts, offset) - 1
    before = document.text[document.line_starts[line] : offset]
    return Position(line, _n_units(before, encoding))


def edit(
    document: Document, version: int, start: Position, end: Position, text: str, encoding: Encoding
) -> Document:
    """The document with `text` in place of what stands between two positions."""
    first, last = (offset_at(document, at, encoding) for at in (start, end))
    return document.edited(version, start.line, first, max(first, last), text)


def _n_characters(line: str, n_units: int, encoding: Encoding) -> int:
    """How many whole characters of the line the first `n_units` code units make up."""
    if encoding == "utf-32" or line.isascii():
        return min(n_units, len(line))
    codec, unit = ("utf-8", 1) if encoding == "utf-8" else ("utf-16-le", 2)
    encoded = line.encode(codec, "surrogatepass")
    end = min(n_units * unit, len(encoded))
    while end < len(encoded) and _is_inside_character(encoded, end, encoding):
        end -= unit
    return len(encoded[:end].decode(codec, "surrogatepass"))


def _is_inside_character(encoded: bytes, at: int, encoding: Encoding) -> bool:
    if encoding == "utf-8":
        return encoded[at] & 0xC0 == 0x80
    is_low_surrogate = encoded[at + 1] & 0xFC == 0xDC
    return is_low_surrogate and at >= 2 and encoded[at - 1] & 0xFC == 0xD8


def _n_units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
