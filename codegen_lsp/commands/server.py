"""The server, as far as commands need one; and what they are told, and tell, of places in a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.document import Document
from codegen_lsp.position import Encoding, Position, offset_at, position_at
from codegen_lsp.session import Session
from codegen_lsp.trials import Trials
from codegen_lsp.turns import Turn, Turns, find, follow, turn_at

# Characters of a text, and of an intent, that one line for a person has room for.
MAX_SHOWN = 60

Handler = TypeVar("Handler", bound=Callable[..., Any])


class RefusedError(Exception):
    """What a person asks for cannot be done; the message is one line for them."""


class Server(progress.Server, Protocol):
    """A server, as far as commands need one."""

    session: Session
    trials: Trials

    @property
    def encoding(self) -> Encoding: ...

    def command(self, name: str) -> Callable[[Handler], Handler]: ...

    def feature(self, name: str, options: Any = None) -> Callable[[Handler], Handler]: ...

    def workspace_code_lens_refresh(self, params: None) -> Any: ...

    def show(self, kind: types.MessageType, message: str) -> None: ...

    async def choose(self, question: str, answers: Sequence[str]) -> str | None: ...

    async def workspace_apply_edit_async(
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult: ...


def document_of(server: Server, place: dict[str, Any]) -> Document | None:
    """The open document that a command is about."""
    return server.session.documents.get(str(place.get("uri", "")))


def selected(server: Server, place: dict[str, Any]) -> tuple[Document | None, int, int]:
    """The document of a place and the offsets that it selects; the same twice for a cursor."""
    document = document_of(server, place)
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


def range_of(server: Server, document: Document, start: int, end: int) -> types.Range:
    """The range between two offsets."""
    ends = (position_at(document, offset, server.encoding) for offset in (start, end))
    return types.Range(*(types.Position(*each) for each in ends))


def turns_of(server: Server, document: Document) -> Turns:
    """The turns of a document, as it is also while an edit of it is on its way."""
    server.session.dialogue.settle(document.uri)
    return follow(server.session.dialogue.of(document.uri), document.text)


def may_write(server: Server, document: Document) -> None:
    """Raises `RefusedError` where nothing of a document may reach a model."""
    if why := server.session.refusal(document):
        raise RefusedError(f"no code is written here: {why}")


def turn_in(server: Server, place: dict[str, Any]) -> tuple[Document, Turns, Turn]:
    """The turn that a command is about, by its `number` or at a position, among those of its document.
    Raises `RefusedError`."""
    document = document_of(server, place)
    if document is None:
        raise RefusedError("that needs a turn of an open file")
    turns, number = turns_of(server, document), place.get("number")
    if isinstance(number, int):
        turn, why = find(turns, number), f"there is no turn {number} here"
    else:
        at = selected(server, place)
        turn = turn_at(turns, at[1]) if at[0] else None
        why = "no turn is here: a comment, and the code that answers it"
    if turn is None:
        raise RefusedError(why)
    return document, turns, turn


def refresh(server: Server) -> None:
    """Turns are others than before: the client is to ask again what it shows of them."""
    workspace = server.client_capabilities.workspace
    if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
        server.workspace_code_lens_refresh(None)


def shortened(text: str) -> str:
    """A text on one line, with an end that a display has room for."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
