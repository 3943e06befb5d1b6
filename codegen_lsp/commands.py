"""What a person asks for by name: code for a comment, and the turns that come of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.position import Encoding, Position, offset_at, position_at
from codegen_lsp.session import Session
from codegen_lsp.synthesis import Proposal, Stated
from codegen_lsp.turns import Turn, Turns, code_of

GENERATE = "codegen.generateFromComment"
LIST_TURNS = "codegen.listTurns"
CLEAR_TURNS = "codegen.clearTurns"

# Seconds between two reports of a text that is being written.
REPORT_EVERY = 0.1
# Characters of a text, and of an intent, that a progress display has room for.
MAX_SHOWN = 60
# Seconds in which an editor has to have told of an edit that it has made.
PATIENCE = 5.0


Handler = TypeVar("Handler", bound=Callable[..., Any])


class Server(progress.Server, Protocol):
    """A server, as far as commands need one."""

    session: Session

    @property
    def encoding(self) -> Encoding: ...

    def command(self, name: str) -> Callable[[Handler], Handler]: ...

    def show(self, kind: types.MessageType, message: str) -> None: ...

    async def workspace_apply_edit_async(
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult: ...


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(GENERATE)
    async def generate(place: dict[str, Any]) -> dict[str, Any]:
        return await _generate(server, place)

    @server.command(LIST_TURNS)
    def list_turns(place: dict[str, Any]) -> list[dict[str, Any]]:
        uri = str(place.get("uri", ""))
        document, turns = server.session.documents.get(uri), server.session.dialogue.of(uri)
        if document is None:
            return []
        return [_told(turn, turns, document, server) for turn in turns.turns]

    @server.command(CLEAR_TURNS)
    def clear_turns(place: dict[str, Any]) -> int:
        dialogue = server.session.dialogue
        if "uri" in place:
            return dialogue.clear(str(place["uri"]))
        dialogue.wipe()
        return sum(dialogue.clear(uri) for uri in server.session.documents)


async def _generate(server: Server, place: dict[str, Any]) -> dict[str, Any]:
    """Write code for the comment at a place, or for those of a selection one after the other; each sees
    what came of those before. Returns how many were inserted, and the code that was not."""
    document, start, end = _selected(server, place)
    if document is None:
        server.show(types.MessageType.Info, f"{GENERATE} needs a place in an open file")
        return _done(0)
    stated = await server.session.stated_in(document, start, end)
    if not stated:
        server.show(types.MessageType.Info, "no comment here says what to write")
    n_inserted = n_more = 0
    for each in stated:
        cancel = Cancel()
        found = await _proposed(server, each.moved(n_more), document, cancel)
        if cancel.is_set():
            break
        if found is None:
            what = f"the model has no code for “{_shortened(each.text)}”"
            server.show(types.MessageType.Info, what)
            continue
        if server.session.documents.get(document.uri) != document or not await _insert(
            server, found
        ):
            server.show(types.MessageType.Warning, "the text has changed: nothing was inserted")
            return _done(n_inserted, found.text)
        document = server.session.documents[document.uri]
        n_more += len(found.text)
        n_inserted += 1
    return _done(n_inserted)


def _done(n_inserted: int, offered: str = "") -> dict[str, Any]:
    return {"inserted": n_inserted, "offered": offered}


async def _proposed(
    server: Server, stated: Stated, document: Document, cancel: Cancel
) -> Proposal | None:
    """Code for one intent; the person may raise the flag."""
    begin = types.WorkDoneProgressBegin(title=_shortened(stated.text), cancellable=True)
    async with progress.displayed(server, begin, cancel) as show:
        return await server.session.propose(stated, document, cancel, _telling(show))


async def _insert(server: Server, proposal: Proposal) -> bool:
    """Have the editor put a proposal into its document, as one edit; say whether it did."""
    session, document = server.session, proposal.document
    position = types.Position(*position_at(document, proposal.offset, server.encoding))
    edit = types.TextEdit(types.Range(position, position), proposal.text)
    session.dialogue.plan(proposal)
    change = _workspace_edit(server, document, edit)
    result = await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(change))
    if not result.applied:
        session.dialogue.follow(document)
        return False
    text = proposal.result
    deadline = time.monotonic() + PATIENCE
    while session.documents[document.uri].text != text and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return session.documents[document.uri].text == text


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


def _selected(server: Server, place: dict[str, Any]) -> tuple[Document | None, int, int]:
    """The document of a place and the offsets that it selects; the same twice for a cursor."""
    document = server.session.documents.get(str(place.get("uri", "")))
    match place:
        case {"range": {"start": {"line": int(a), "character": int(b)},
                        "end": {"line": int(c), "character": int(d)}}}:  # fmt: skip
            ends = (Position(a, b), Position(c, d))
        case {"position": {"line": int(a), "character": int(b)}}:
            ends = (Position(a, b), Position(a, b))
        case _:
            return None, 0, 0
    if document is None:
        return None, 0, 0
    start, end = (offset_at(document, each, server.encoding) for each in ends)
    return document, start, end


def _told(turn: Turn, turns: Turns, document: Document, server: Server) -> dict[str, Any]:
    start = position_at(document, turn.start, server.encoding)
    end = position_at(document, turn.end, server.encoding)
    origin = turn.origin
    return {
        "number": turn.number,
        "intent": turn.intent,
        "code": code_of(turns, turn),
        "range": {"start": start._asdict(), "end": end._asdict()},
        "isStale": turn.is_stale,
        "model": origin.model if origin else None,
        "meanLogprob": origin.mean_logprob if origin else None,
    }


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
