"""Code is written while the person watches, and put into the document as one edit, or offered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.anchor import anew, carried
from codegen_lsp.choose import mark
from codegen_lsp.commands.server import (
    MAX_SHOWN,
    Server,
    range_of,
    refresh,
    shortened,
    turns_of,
)
from codegen_lsp.document import Document
from codegen_lsp.edits import Change, changed
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import Asked, Proposal, again
from codegen_lsp.turns import find

# Seconds between two reports of a text that is being written.
REPORT_EVERY = 0.1
# Seconds in which an editor has to have told of an edit that it has made.
PATIENCE = 5.0
# How often the model is asked, each time for as many candidates as the person wants.
MAX_ATTEMPTS = 3
# What a person may answer who is offered code.
INSERT = "Insert"

# asyncio itself keeps no task alive.
_offers: set[asyncio.Task[None]] = set()


async def proposed(
    server: Server, asked: Asked, cancel: Cancel, first_seed: int = 0
) -> tuple[Proposal, ...]:
    """Code for an intent, the best first; the person may raise the flag. Where nothing that the model
    has written can be used, it is asked again. How many examples the code passes is said, if it was run
    against any."""
    begin = types.WorkDoneProgressBegin(title=shortened(asked.intent), cancellable=True)
    async with progress.displayed(server, begin, cancel) as show:
        try:
            for attempt in range(MAX_ATTEMPTS):
                seed = first_seed + attempt * server.session.config.candidates
                found = await server.session.propose(asked, cancel, telling(show), seed)
                if found or cancel.is_set():
                    break
            found = await server.trials.judged(found, server.session.config, cancel)
        except asyncio.CancelledError:  # the client has taken its request back
            cancel.set()
            raise
        passed = mark(found[0].scores) if found and not cancel.is_set() else ""
        if passed:
            show(types.WorkDoneProgressReport(message=passed))
    if passed:
        server.show(types.MessageType.Info, f"{passed}: “{shortened(asked.intent)}”")
    return found


def outcome(n_inserted: int, offered: str = "") -> dict[str, Any]:
    """What a command that writes code returns: how often it was inserted, and the code that was not."""
    return {"inserted": n_inserted, "offered": offered}


def why_nothing(server: Server, intent: str) -> str:
    """What a person is told who gets no code."""
    if server.session.state == "off":
        return "no code is written: there is no model (the log says why)"
    return f"the model has no code for “{shortened(intent)}”"


async def placed(server: Server, found: Sequence[Proposal]) -> bool:
    """Put the best of several proposals in; say whether that was possible. Otherwise the person is asked
    whether they want it where its comment is now. The other ones are remembered."""
    best, *others = found
    if await put_in(server, best, others):
        return True
    if _followed(server, best) is None:
        server.show(types.MessageType.Warning, "the text has changed: nothing was inserted")
        return False
    task = asyncio.ensure_future(_offer(server, best, others))
    _offers.add(task)
    task.add_done_callback(_offers.discard)
    return False


async def put_in(server: Server, proposal: Proposal, others: Sequence[Proposal] = ()) -> bool:
    """Have the editor make a proposal's change, if its document still says what it said; say whether it
    did. `others` were made at the same time."""
    if not is_current(server, proposal.asked.document):
        return False
    server.session.dialogue.plan(proposal, tuple(others))
    document = proposal.asked.document
    is_there = proposal.result == document.text
    is_there = is_there or await edited(server, document, proposal.change)
    now = server.session.documents.get(document.uri)
    if now is not None and not is_there:
        server.session.dialogue.follow(now)  # what was planned does not come
    refresh(server)
    return is_there


async def edited(server: Server, document: Document, change: Change) -> bool:
    """Have the editor make a change of a version of a document, if that still is the newest; say whether
    it did."""
    workspace = server.client_capabilities.workspace
    if not is_current(server, document) or workspace is None or not workspace.apply_edit:
        return False
    start, end, text = change
    edit = types.TextEdit(range_of(server, document, start, end), text)
    params = types.ApplyWorkspaceEditParams(_workspace_edit(server, document, edit))
    result = await server.workspace_apply_edit_async(params)
    if not result.applied:
        return False
    return await _says(server, document.uri, changed(document.text, change))


def is_current(server: Server, document: Document) -> bool:
    """Whether a document still says what this version of it says."""
    return server.session.documents.get(document.uri) == document


async def _offer(server: Server, proposal: Proposal, others: Sequence[Proposal]) -> None:
    """Ask the person about code that could not be inserted. An editor may never answer."""
    what = f"the text has changed while code for “{shortened(proposal.asked.intent)}” was written"
    if await server.choose(what, [INSERT]) != INSERT:
        return
    moved = [_followed(server, each) for each in (proposal, *others)]
    found = [each for each in moved if each is not None]
    if not found or not await put_in(server, found[0], found[1:]):
        server.show(types.MessageType.Warning, "the text has changed again: nothing was inserted")


def _followed(server: Server, proposal: Proposal) -> Proposal | None:
    """A proposal for what its document says now; None where its comment does not stand there as it did,
    or its turn is gone."""
    asked, session = proposal.asked, server.session
    document = session.documents.get(asked.document.uri)
    if document is None:
        return None
    if asked.turn is None:
        now = carried(asked, document)
        return anew(proposal, now) if now else None
    turns = turns_of(server, document)
    turn = find(turns, asked.turn)
    comment = asked.document.text[asked.start : asked.border]
    if turn is None or turns.text[turn.start : turn.border] != comment:
        return None
    return anew(proposal, again(replace(turn, intent=asked.intent), turns, document))


async def _says(server: Server, uri: str, text: str) -> bool:
    """Whether a document says this soon."""
    documents = server.session.documents
    deadline = time.monotonic() + PATIENCE
    while uri in documents and documents[uri].text != text and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return uri in documents and documents[uri].text == text


def _workspace_edit(
    server: Server, document: Document, edit: types.TextEdit
) -> types.WorkspaceEdit:
    """An edit of that version only, where the client knows versions."""
    workspace = server.client_capabilities.workspace
    edits = workspace.workspace_edit if workspace else None
    if edits is None or not edits.document_changes:
        return types.WorkspaceEdit(changes={document.uri: [edit]})
    versioned = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(versioned, [edit])])


def telling(show: Callable[[types.WorkDoneProgressReport], None]) -> Callable[[str], None]:
    """What shows the end of a text that is being written, now and then; to be told on any thread."""
    loop, reported = asyncio.get_running_loop(), 0.0

    def hear(text: str) -> None:
        nonlocal reported
        shown = text.strip()[-MAX_SHOWN:]
        if shown and time.monotonic() - reported >= REPORT_EVERY:
            reported = time.monotonic()
            loop.call_soon_threadsafe(show, types.WorkDoneProgressReport(message=shown))

    return hear
