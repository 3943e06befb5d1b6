"""Where the next request will likely be: a cursor that was known once, followed through edits.

LSP tells a server what changed and not where the cursor went. What an edit says about the cursor is
read off the two texts, so that it does not matter how many changes lie between them.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen_lsp.common import n_common_end, n_common_start
from codegen_lsp.document import Document


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
        from_line_on = before[_line_start(before, place.offset) :]
        start = len(after) - len(from_line_on)
        if after.endswith(from_line_on) and _line_start(after, start) == start:
            return Place(document, place.offset + len(after) - len(before))
    n_start = n_common_start(before, after)
    n_end = n_common_end(before, after)
    n_end = min(n_end, len(before) - n_start, len(after) - n_start)
    return Place(document, len(after) - n_end)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
