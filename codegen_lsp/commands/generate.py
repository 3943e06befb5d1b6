"""Code for a comment, or for all comments of a selection."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from codegen_lsp.commands.server import Server, selected, shortened
from codegen_lsp.commands.writing import proposed, put_in
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import below

GENERATE = "codegen.generateFromComment"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(GENERATE)
    async def generate(place: dict[str, Any]) -> dict[str, Any]:
        return await _generate(server, place)


async def _generate(server: Server, place: dict[str, Any]) -> dict[str, Any]:
    """Write code for the comment at a place, or for those of a selection one after the other; each sees
    what came of those before. Returns how many were inserted, and the code that was not."""
    document, start, end = selected(server, place)
    if document is None:
        server.show(types.MessageType.Info, f"{GENERATE} needs a place in an open file")
        return _done(0)
    stated = await server.session.stated_in(document, start, end)
    if not stated:
        server.show(types.MessageType.Info, "no comment here says what to write")
    n_inserted = n_more = 0
    for each in stated:
        cancel = Cancel()
        asked = below(each.moved(n_more), document)
        best = next(iter(await proposed(server, asked, cancel)), None)
        if cancel.is_set():
            break
        if best is None:
            what = f"the model has no code for “{shortened(each.text)}”"
            server.show(types.MessageType.Info, what)
            continue
        if not await put_in(server, best):
            server.show(types.MessageType.Warning, "the text has changed: nothing was inserted")
            return _done(n_inserted, best.code)
        document = server.session.documents[document.uri]
        n_more += len(best.code)
        n_inserted += 1
    return _done(n_inserted)


def _done(n_inserted: int, offered: str = "") -> dict[str, Any]:
    return {"inserted": n_inserted, "offered": offered}
