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

# Characters of a text, and of an intent, that one line for a person has room for.
MAX_SHOWN = 60

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Server(progress.Server, Protocol):
    """A server, as far as commands need one."""

    session: Session
    trials: Trials

    @property
    def encoding(self) -> Encoding: ...

    def command(self, name: str) -> Callable[[Handler], Handler]: ...

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


def shortened(text: str) -> str:
    """A text on one line, with an end that a display has room for."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
