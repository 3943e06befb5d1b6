"""Code for a comment, or for all comments of a selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from codegen_lsp.anchor import carried
from codegen_lsp.commands.server import Server, selected, shortened
from codegen_lsp.commands.writing import outcome, placed, proposed, why_nothing
from codegen_lsp.edits import Change
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import Asked, below, unanswered

GENERATE = "codegen.generateFromComment"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(GENERATE)
    async def generate(place: dict[str, Any]) -> dict[str, Any]:
        return await _generate(server, place)


async def _generate(server: Server, place: dict[str, Any]) -> dict[str, Any]:
    """Write code for the comment at a place, or for those of a selection that have none yet, one after
    the other; each sees what came of those before. Returns how many were inserted, and the code that was
    not."""
    document, start, end = selected(server, place)
    if document is None:
        server.show(types.MessageType.Info, f"{GENERATE} needs a place in an open file")
        return outcome(0)
    stated = await server.session.stated_in(document, start, end)
    if not stated:
        why = server.session.refusal(document)
        what = f"no code is written here: {why}" if why else "no comment here says what to write"
        server.show(types.MessageType.Info, what)
    if start < end and stated and not (stated := unanswered(stated, document)):
        server.show(types.MessageType.Info, "all comments here have their code already")
    waiting = [below(each, document) for each in stated]
    n_inserted, left = 0, list[str]()
    while waiting:
        cancel = Cancel()
        asked, *waiting = waiting
        found = await proposed(server, asked, cancel)
        made: tuple[Change, ...] | None = None
        if cancel.is_set():
            break
        if not found:
            server.show(types.MessageType.Info, why_nothing(server, asked.intent))
        elif await placed(server, found):
            n_inserted, made = n_inserted + 1, (found[0].change,)
        else:
            left.append(found[0].code)
        waiting = _carried(server, waiting, made)
    return outcome(n_inserted, "\n".join(left))


def _carried(
    server: Server, waiting: Sequence[Asked], made: tuple[Change, ...] | None
) -> list[Asked]:
    """What is still to be written, where it belongs now; the person is told of comments that do not say
    any more what they said. The changes that were `made` may be known."""
    left = []
    for asked in waiting:
        document = server.session.documents.get(asked.document.uri)
        now = carried(asked, document, made) if document else None
        if now is None:
            what = f"“{shortened(asked.intent)}” has changed: no code was written for it"
            server.show(types.MessageType.Info, what)
        else:
            left.append(now)
    return left
