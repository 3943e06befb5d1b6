"""Where the next request will likely be: a cursor that was known once, followed through edits.

LSP tells a server what changed and not where the cursor went. What an edit says about the cursor is
read off the two texts, so that it does not matter how many changes lie between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from codegen_lsp.common import n_common_end, n_common_start
from codegen_lsp.document import Document, line_start
from codegen_lsp.normal import style_at

INDENTED = re.compile(r"^(\t| {1,8})[^\s*]", re.MULTILINE)
# What a line ends with behind which editors go one step further in.
OPENERS = (":", "{", "(", "[")
# Python's ends of a block, behind which editors go back one step (as VS Code and Neovim do).
LEAVES = re.compile(r"[ \t]+(?:return|pass|break|continue|raise)\b")


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor in one version of a document; None where nobody has said yet where it is."""

    document: Document
    offset: int | None


def follow(place: Place, document: Document) -> Place:
    """The likely cursor in another version of its document: where the edit ended; or where it was,
    moved along, when all that changed are lines above it (a formatter, an added import)."""
    before, after = place.document.text, document.text
    if before == after:
        return Place(document, place.offset)
    if place.offset is not None:
        from_line_on = before[line_start(before, place.offset) :]
        start = len(after) - len(from_line_on)
        if after.endswith(from_line_on) and line_start(after, start) == start:
            return Place(document, place.offset + len(after) - len(before))
    n_start = n_common_start(before, after)
    n_end = n_common_end(before, after)
    n_end = min(n_end, len(before) - n_start, len(after) - n_start)
    return Place(document, len(after) - n_end)


def after(place: Place, text: str) -> Place:
    """Where one is once `text` was put in at the cursor."""
    document, offset = place.document, place.offset or 0
    typed = document.text[:offset] + text + document.text[offset:]
    return Place(replace(document, text=typed), offset + len(text))


def enter(place: Place) -> str:
    """What the Enter key will put in at the cursor: a line's end, and the indentation that editors
    give the next line."""
    text, offset = place.document.text, place.offset or 0
    line = text[line_start(text, offset) : offset]
    indentation = line[: len(line) - len(line.lstrip(" \t"))]
    if line.rstrip().endswith(OPENERS):
        indentation += _unit(text)
    elif LEAVES.match(line):
        indentation = indentation.removesuffix(_unit(text))
    return style_at(text, offset, place.document.language).newline + indentation


def _unit(text: str) -> str:
    """One step of indentation in this text: as the first line that has any."""
    first = INDENTED.search(text)
    return first[1] if first else "    "
