"""How much is suggested at a place: a block, a line, or nothing; decided by syntax."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from codegen_lsp.context import Context

# What a line ends with when a block follows.
OPENERS = (":", "{")


class Extent(Enum):
    """How far a suggestion may reach from the cursor."""

    NOTHING = "nothing"
    LINE = "line"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Decision:
    """An extent, and in a few words why it is that one."""

    extent: Extent
    reason: str


def extent_at(context: Context, *, invoked: bool, just_deleted: bool) -> Decision:
    """What to suggest at a context's cursor; who `invoked` it gets something wherever that is
    possible."""
    if just_deleted and not invoked:
        return Decision(Extent.NOTHING, "something was just deleted")
    begins_block = not context.line_before.strip() or opens_block(context)
    if begins_block and not context.line_after.strip():
        return Decision(Extent.BLOCK, "a statement can begin")
    return Decision(Extent.LINE, "a statement was begun")


def opens_block(context: Context) -> bool:
    return context.line_before.rstrip().endswith(OPENERS)
