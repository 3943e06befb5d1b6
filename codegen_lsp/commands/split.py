"""A long comment becomes a step each, and steps become one turn again, to compare."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.commands.server import (
    Server,
    document_of,
    range_of,
    selected,
    turns_of,
)
from codegen_lsp.commands.writing import edited, is_current, proposed, put_in, why_nothing
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.factor import (
    Factored,
    FactorError,
    code_of_proposal,
    factored,
    joined,
    turns_up_to,
)
from codegen_lsp.synthesis import Asked, Proposal, Stated
from codegen_lsp.turns import Turn, Turns

SPLIT = "codegen.splitIntent"
AS_ONE_TURN = "codegen.asOneTurn"

# What is stated in a version of a document, between two offsets.
FindStated = Callable[[Document, int, int], Awaitable[tuple[Stated, ...]]]


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(SPLIT)
    async def split(place: dict[str, Any]) -> dict[str, Any]:
        return await _split(server, place)

    @server.command(AS_ONE_TURN)
    async def as_one_turn(place: dict[str, Any]) -> dict[str, Any]:
        cancel = Cancel()
        try:
            turns, asked = await _asked(server, place)
            return await _as_one_turn(server, turns, asked, cancel)
        except FactorError as error:
            server.show(types.MessageType.Info, str(error))
            return _compared()
        finally:
            cancel.set()  # the client may have taken its request back


async def n_steps_at(server: Server, document: Document, offset: int) -> int:
    """How many steps the comment under a cursor or above it would become; 0 where it cannot be split.
    Does not wait until the engine has time."""
    turns, find = turns_of(server, document), server.session.stated_near
    try:
        return len((await _steps_at(document, offset, turns, find)).steps)
    except FactorError:
        return 0


async def _split(server: Server, place: dict[str, Any]) -> dict[str, Any]:
    """Write each step of a long comment as a comment of its own, for the person to edit. Returns what
    the steps say, and the range that they are in."""
    nothing: dict[str, Any] = {"steps": [], "range": None}
    document, start, _ = selected(server, place)
    if document is None:
        server.show(types.MessageType.Info, f"{SPLIT} needs a place in an open file")
        return nothing
    try:
        turns, find = turns_of(server, document), server.session.stated_in
        found = await _steps_at(document, start, turns, find)
    except FactorError as error:
        server.show(types.MessageType.Info, str(error))
        return nothing
    if not await edited(server, document, found.change):
        server.show(types.MessageType.Warning, "the text has changed: nothing was split")
        return nothing
    document = server.session.documents[document.uri]
    steps = range_of(server, document, found.start, found.end)
    return {"steps": list(found.steps), "range": steps}


async def _steps_at(document: Document, offset: int, turns: Turns, find: FindStated) -> Factored:
    """The steps of the comment under a cursor or above it, as comments. Raises `FactorError`."""
    for stated in await find(document, offset, offset):
        # A comment behind code is none where its line is selected: to replace it would take the code.
        if await find(document, stated.start, stated.end):
            return factored(stated, document, turns)
        raise FactorError("a comment behind code is not split: give it a line of its own")
    raise FactorError("no comment here says what to write")


async def _as_one_turn(
    server: Server, turns: Sequence[Turn], asked: Asked, cancel: Cancel
) -> dict[str, Any]:
    """Write code for several turns at once, and have the person choose between it and theirs, the one
    that is likelier to the model first. Returns which that is, how likely they are (mean natural
    logarithms of a token's probability), the code, and whether it was taken."""
    found = await proposed(server, asked, cancel)
    one = next(iter(found), None)
    if cancel.is_set():
        return _compared()
    if one is None:
        raise FactorError(why_nothing(server, asked.intent))
    scores = await _scores(server, turns, one, cancel)
    if cancel.is_set():
        return _compared()
    if not scores:
        server.show(types.MessageType.Warning, "the model cannot say which is better")
        return _compared(code=one.code)
    if is_current(server, asked.document) and not await _is_wanted(server, len(turns), scores):
        return _compared(scores, one.code)
    is_taken = await put_in(server, one, found[1:])
    if not is_taken:
        server.show(types.MessageType.Warning, "the text has changed: nothing was replaced")
    return _compared(scores, one.code, taken=is_taken)


async def _asked(server: Server, place: dict[str, Any]) -> tuple[tuple[Turn, ...], Asked]:
    """The turns that are meant, and what is to be asked instead."""
    session = server.session
    document, start, end = selected(server, place)
    numbers = place.get("numbers")
    document = document or (document_of(server, place) if isinstance(numbers, list) else None)
    if document is None:
        raise FactorError(f"{AS_ONE_TURN} needs a place in an open file")
    turns = turns_of(server, document)
    stated = await session.stated_in(document, 0, len(document.text))
    if isinstance(numbers, list):
        meant = tuple(turn for turn in turns.turns if turn.number in numbers)
    elif start < end:
        meant = tuple(turn for turn in turns.turns if turn.start < end and start < turn.end)
    else:
        meant = turns_up_to(turns, stated, start)
    return meant, joined(meant, stated, document)


async def _scores(
    server: Server, turns: Sequence[Turn], one: Proposal, cancel: Cancel
) -> dict[str, float]:
    """How likely the code is to the model as it stands, by whomever it was written, and how likely that
    of the one turn; nothing where the model does not say."""
    begin = types.WorkDoneProgressBegin(title="Comparing", cancellable=True)
    async with progress.displayed(server, begin, cancel):
        there = [(turn.border, turn.end) for turn in turns]
        of_turns = await server.session.score(one.asked.document, there, cancel)
        document, code = code_of_proposal(one)
        of_one = await server.session.score(document, [code], cancel)
    if of_turns is None or of_one is None:
        return {}
    return {"turns": of_turns, "one": of_one}


async def _is_wanted(server: Server, n_turns: int, scores: dict[str, float]) -> bool:
    """Whether the person takes the one turn."""
    keep, take = f"Keep {n_turns} turns", "Take one turn"
    better, other = (take, keep) if _better(scores) == "one" else (keep, take)
    question = (
        f"the model is {math.exp(scores['turns']):.0%} sure of each token in {n_turns} turns, "
        f"and {math.exp(scores['one']):.0%} as one turn"
    )
    chosen = await server.choose(question, [f"{better} (better)", other])
    return chosen is not None and chosen.startswith(take)


def _better(scores: dict[str, float]) -> str | None:
    """The likelier way; where there is no difference, that of the text as it is."""
    return max(scores, key=lambda way: scores[way], default=None)


def _compared(
    scores: dict[str, float] | None = None, code: str = "", *, taken: bool = False
) -> dict[str, Any]:
    scores = scores or {}
    return {"better": _better(scores), "scores": scores, "code": code, "taken": taken}
