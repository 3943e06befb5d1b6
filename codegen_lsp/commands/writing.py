"""Code is written while the person watches, and put into the document as one edit, or offered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.choose import mark
from codegen_lsp.commands.server import MAX_SHOWN, Server, range_of, shortened
from codegen_lsp.document import Document
from codegen_lsp.edits import Change, changed
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import Asked, Proposal

# Seconds between two reports of a text that is being written.
REPORT_EVERY = 0.1
# Seconds in which an editor has to have told of an edit that it has made.
PATIENCE = 5.0


async def proposed(server: Server, asked: Asked, cancel: Cancel) -> tuple[Proposal, ...]:
    """Code for an intent, the best first; the person may raise the flag. How many examples it passes is
    said, if it was run against any."""
    begin = types.WorkDoneProgressBegin(title=shortened(asked.intent), cancellable=True)
    async with progress.displayed(server, begin, cancel) as show:
        found = await server.session.propose(asked, cancel, _telling(show))
        found = await server.trials.judged(found, server.session.config, cancel)
        passed = mark(found[0].scores) if found and not cancel.is_set() else ""
        if passed:
            show(types.WorkDoneProgressReport(message=passed))
    if passed:
        server.show(types.MessageType.Info, f"{passed}: “{shortened(asked.intent)}”")
    return found


async def put_in(server: Server, proposal: Proposal) -> bool:
    """Have the editor make a proposal's change, if its document still says what it said; say whether it
    did."""
    if not is_current(server, proposal.asked.document):
        return False
    server.session.dialogue.plan(proposal)
    return await edited(server, proposal.asked.document, proposal.change)


async def edited(server: Server, document: Document, change: Change) -> bool:
    """Have the editor make a change of a version of a document, if that still is the newest; say whether
    it did."""
    if not is_current(server, document):
        return False
    start, end, text = change
    edit = types.TextEdit(range_of(server, document, start, end), text)
    params = types.ApplyWorkspaceEditParams(_workspace_edit(server, document, edit))
    result = await server.workspace_apply_edit_async(params)
    if not result.applied:
        server.session.dialogue.follow(document)  # what was planned does not come
        return False
    return await _says(server, document.uri, changed(document.text, change))


def is_current(server: Server, document: Document) -> bool:
    """Whether a document still says what this version of it says."""
    return server.session.documents.get(document.uri) == document


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


def _telling(show: Callable[[types.WorkDoneProgressReport], None]) -> Callable[[str], None]:
    """What shows the end of a text that is being written, now and then; to be told on any thread."""
    loop, reported = asyncio.get_running_loop(), 0.0

    def hear(text: str) -> None:
        nonlocal reported
        shown = text.strip()[-MAX_SHOWN:]
        if shown and time.monotonic() - reported >= REPORT_EVERY:
            reported = time.monotonic()
            loop.call_soon_threadsafe(show, types.WorkDoneProgressReport(message=shown))

    return hear
