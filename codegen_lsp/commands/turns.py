"""The turns of a document, told and forgotten."""

from __future__ import annotations

from typing import Any

from codegen_lsp.commands.server import Server, document_of, range_of
from codegen_lsp.document import Document
from codegen_lsp.turns import Turn, Turns, code_of

LIST_TURNS = "codegen.listTurns"
CLEAR_TURNS = "codegen.clearTurns"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(LIST_TURNS)
    def list_turns(place: dict[str, Any]) -> list[dict[str, Any]]:
        document = document_of(server, place)
        if document is None:
            return []
        server.session.dialogue.settle(document.uri)
        turns = server.session.dialogue.of(document.uri)
        return [_told(turn, turns, document, server) for turn in turns.turns]

    @server.command(CLEAR_TURNS)
    def clear_turns(place: dict[str, Any]) -> int:
        dialogue = server.session.dialogue
        if "uri" in place:
            return dialogue.clear(str(place["uri"]))
        dialogue.wipe()
        return sum(dialogue.clear(uri) for uri in server.session.documents)


def _told(turn: Turn, turns: Turns, document: Document, server: Server) -> dict[str, Any]:
    origin = turn.origin
    return {
        "number": turn.number,
        "intent": turn.intent,
        "code": code_of(turns, turn),
        "range": range_of(server, document, turn.start, turn.end),
        "isStale": turn.is_stale,
        "model": origin.model if origin else None,
        "meanLogprob": origin.mean_logprob if origin else None,
    }
