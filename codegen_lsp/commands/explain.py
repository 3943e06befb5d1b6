"""Why there is what is suggested at a place, or nothing: as a text to read, and as data."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from codegen_lsp.commands.server import Server, selected
from codegen_lsp.story import as_data, markdown

EXPLAIN = "codegen.explain"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(EXPLAIN)
    async def explain(place: dict[str, Any]) -> dict[str, Any] | None:
        return await _explain(server, place)


async def _explain(server: Server, place: dict[str, Any]) -> dict[str, Any] | None:
    """As while one types, or, for a place that says so, as for somebody who asks. Opens nothing: the
    client knows how its person reads."""
    document, offset, _ = selected(server, place)
    if document is None:
        server.show(types.MessageType.Info, f"{EXPLAIN} needs a place in an open file")
        return None
    invoked = place.get("invoked") is True
    n = server.session.config.candidates if invoked else 1
    told = await server.session.explain(document, offset, n, invoked=invoked)
    return {"markdown": markdown(told), **as_data(told)}
