"""Code is written while the person watches, and put into the document as one edit, or offered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.commands.server import MAX_SHOWN, Server, range_of, shortened
from codegen_lsp.document import Document
from codegen_lsp.edits import Change
from codegen_lsp.engine import Cancel
from codegen_lsp.synthesis import Asked, Proposal

# Seconds between two reports of a text that is being written.
REPORT_EVERY = 0.1
# Seconds in which an editor has to have told of an edit that it has made.
PATIENCE = 5.0


async def proposed(server: Server, asked: Asked, cancel: Cancel) -> tuple[Proposal, ...]:
    """Code for an intent, the best first; the person may raise the flag."""
    begin = types.WorkDoneProgressBegin(title=shortened(asked.intent), cancellable=True)
    async with progress.displayed(server, begin, cancel) as show:
        return await server.session.propose(asked, cancel, telling(show))


async def put_in(server: Server, proposal: Proposal) -> bool:
    """Have the editor make a proposal's change, if its document still says what it said; say whether it
    did."""
    session, document = server.session, proposal.asked.document
    if session.documents.get(document.uri) != document:
        return False
    session.dialogue.plan(proposal)
    if not await applied(server, document, proposal.change):
        session.dialogue.follow(document)
        return False
    return await _says(server, document.uri, proposal.result)


async def applied(server: Server, document: Document, change: Change) -> bool:
    """Whether the editor has made a change of a version of a document."""
    edit = types.TextEdit(range_of(server, document, change.start, change.end), change.text)
    wanted = types.ApplyWorkspaceEditParams(_workspace_edit(server, document, edit))
    return (await server.workspace_apply_edit_async(wanted)).applied


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
