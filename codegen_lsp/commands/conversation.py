"""What is wanted next, said as text; and other code for what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lsprotocol import types

from codegen_lsp.commands.server import (
    RefusedError,
    Server,
    document_of,
    may_write,
    selected,
    shortened,
    turn_in,
    turns_of,
)
from codegen_lsp.commands.writing import MAX_ATTEMPTS, outcome, placed, proposed, why_nothing
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import Asked, Proposal, UnsayableError, again, said_next
from codegen_lsp.turns import Turn, turn_at

NEXT_TURN = "codegen.nextTurn"
RETRY_TURN = "codegen.retryTurn"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(NEXT_TURN)
    async def next_turn(wish: dict[str, Any]) -> dict[str, Any]:
        try:
            return await _next(server, wish, Cancel())
        except RefusedError as error:
            return _nothing(server, error)

    @server.command(RETRY_TURN)
    async def retry_turn(place: dict[str, Any]) -> dict[str, Any]:
        try:
            return await _retry(server, place, Cancel())
        except RefusedError as error:
            return _nothing(server, error)


async def _next(server: Server, wish: dict[str, Any], cancel: Cancel) -> dict[str, Any]:
    """Write an intent as a comment, and its code, below the turn that the cursor is in, or the last one;
    or, where there are none, at the cursor, or at the end of the text. Returns how many were inserted
    (one or none), and the code that was not."""
    document, intent = document_of(server, wish), wish.get("intent")
    if document is None or not isinstance(intent, str):
        raise RefusedError(f"{NEXT_TURN} needs an intent and an open file")
    may_write(server, document)
    turns, at = turns_of(server, document), selected(server, wish)
    offset = len(document.text) if at[0] is None else at[1]
    after = turn_at(turns, offset) or next(iter(turns.turns[-1:]), None)
    try:
        asked = said_next(intent, document, after.end if after else offset, after)
    except UnsayableError as error:
        raise RefusedError(str(error)) from error
    if not await server.session.is_sayable(asked):
        raise RefusedError("no comment can be written in the middle of a string or a comment")
    found = await proposed(server, asked, cancel)
    if not (found or cancel.is_set()):
        raise RefusedError(why_nothing(server, intent))
    return await _placed(server, () if cancel.is_set() else found)


async def _retry(server: Server, place: dict[str, Any], cancel: Cancel) -> dict[str, Any]:
    """Other code for a turn: that which the model has not given yet, or a `candidate` that it has, by
    its number. Returns the same as above."""
    document, turns, turn = turn_in(server, place)
    if "candidate" in place:
        return await _placed(server, [_candidate(server, document, turn, place["candidate"])])
    may_write(server, document)
    if turn.is_stale:
        stated = await server.session.stated_in(document, turn.start, turn.start)
        if not stated:
            raise RefusedError("the comment does not say any more what to write")
        turn = replace(turn, intent=stated[0].text)
    others = await _others(server, again(turn, turns, document), cancel)
    if not (others or cancel.is_set()):
        raise RefusedError(f"the model has no other code for “{shortened(turn.intent)}”")
    return await _placed(server, () if cancel.is_set() else others)


async def _others(server: Server, asked: Asked, cancel: Cancel) -> tuple[Proposal, ...]:
    """Code for a turn that was not given before, the best first; until somebody raises the flag."""
    dialogue, config = server.session.dialogue, server.session.config
    for _ in range(MAX_ATTEMPTS):
        first_seed = dialogue.first_seed(asked, config.candidates, config.model)
        found = await proposed(server, asked, cancel, first_seed)
        new = tuple(each for each in found if dialogue.is_new(asked, each.code))
        if new or cancel.is_set():
            return new
    return ()


def _candidate(server: Server, document: Document, turn: Turn, number: object) -> Proposal:
    known = server.session.dialogue.alternatives(document.uri, turn.number)
    if not isinstance(number, int) or not 0 < number <= len(known):
        raise RefusedError(f"no such candidate: {len(known)} of that code are known")
    return known[number - 1]


async def _placed(server: Server, found: Sequence[Proposal]) -> dict[str, Any]:
    is_placed = bool(found) and await placed(server, found)
    offered = found[0].code if found and not is_placed else ""
    return outcome(int(is_placed), offered)


def _nothing(server: Server, error: RefusedError) -> dict[str, Any]:
    server.show(types.MessageType.Info, str(error))
    return outcome(0)
