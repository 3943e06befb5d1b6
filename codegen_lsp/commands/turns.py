"""The turns of a document: told, settled, taken back and forgotten."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from codegen_lsp.choose import mark
from codegen_lsp.clarity import is_unclear
from codegen_lsp.commands.server import (
    RefusedError,
    Server,
    document_of,
    range_of,
    refresh,
    turn_in,
    turns_of,
)
from codegen_lsp.commands.writing import edited
from codegen_lsp.document import Document
from codegen_lsp.synthesis import Proposal
from codegen_lsp.turns import Turn, Turns, code_of, taken_back

ACCEPT_TURN = "codegen.acceptTurn"
UNDO_TURN = "codegen.undoTurn"
LIST_TURNS = "codegen.listTurns"
CLEAR_TURNS = "codegen.clearTurns"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(LIST_TURNS)
    def list_turns(place: dict[str, Any]) -> list[dict[str, Any]]:
        document = document_of(server, place)
        if document is None:
            return []
        turns = turns_of(server, document)
        return [_told(turn, turns, document, server) for turn in turns.turns]

    @server.command(CLEAR_TURNS)
    def clear_turns(place: dict[str, Any]) -> int:
        dialogue = server.session.dialogue
        if "uri" in place:
            n_forgotten = dialogue.clear(str(place["uri"]))
        else:
            dialogue.wipe()
            n_forgotten = sum(dialogue.clear(uri) for uri in server.session.documents)
        refresh(server)
        return n_forgotten

    @server.command(ACCEPT_TURN)
    def accept_turn(place: dict[str, Any]) -> int | None:
        try:
            return _accept(server, place)
        except RefusedError as error:
            server.show(types.MessageType.Info, str(error))
            return None

    @server.command(UNDO_TURN)
    async def undo_turn(place: dict[str, Any]) -> int | None:
        try:
            return await _undo(server, place)
        except RefusedError as error:
            server.show(types.MessageType.Info, str(error))
            return None


def was_unclear(shown: Proposal | None) -> bool:
    """Whether the comment of a turn has surprised the model that wrote the code."""
    surprise = shown.perplexity if shown else None
    return shown is not None and surprise is not None and is_unclear(surprise, shown.origin.model)


def _accept(server: Server, place: dict[str, Any]) -> int:
    """A turn is settled. Returns its number."""
    document, _, turn = turn_in(server, place)
    server.session.dialogue.accept(document.uri, turn.number)
    refresh(server)
    return turn.number


async def _undo(server: Server, place: dict[str, Any]) -> int:
    """Take a turn's code out of the text, as one edit, and its comment, if that was written with it.
    Returns its number."""
    document, turns, turn = turn_in(server, place)
    if turn.origin is None:
        raise RefusedError("that code is your own: it is not taken back")
    if not await edited(server, document, taken_back(turns, turn)):
        raise RefusedError("the text has changed: nothing was taken back")
    refresh(server)
    return turn.number


def _told(turn: Turn, turns: Turns, document: Document, server: Server) -> dict[str, Any]:
    origin, dialogue = turn.origin, server.session.dialogue
    n_known = dialogue.n_known(document.uri, turn.number)
    shown = dialogue.shown(document.uri, turn.number)
    return {
        "number": turn.number,
        "intent": turn.intent,
        "code": code_of(turns, turn),
        "range": range_of(server, document, turn.start, turn.end),
        "isStale": turn.is_stale,
        "isAccepted": turn.is_accepted,
        "candidate": dialogue.current(document.uri, turn.number) + 1 if n_known else 0,
        "nCandidates": n_known,
        "examples": mark(shown.scores) if shown else "",
        "isUnclear": was_unclear(shown),
        "model": origin.model if origin else None,
        "seed": origin.seed if origin else None,
        "nPrompt": origin.n_prompt if origin else None,
        "meanLogprob": origin.mean_logprob if origin else None,
    }
