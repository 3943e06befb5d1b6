"""A description for a function or a class: a docstring, or a comment above it."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from codegen_lsp import progress
from codegen_lsp.commands.server import Server, selected
from codegen_lsp.commands.writing import edited, telling
from codegen_lsp.describe import (
    Description,
    Subject,
    change_for,
    described,
    subject_at,
)
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine

DESCRIBE = "codegen.documentFunction"


def register(server: Server) -> None:
    """Say which commands there are."""

    @server.command(DESCRIBE)
    async def describe(place: dict[str, Any]) -> dict[str, Any]:
        return await _describe(server, place)


async def _describe(server: Server, place: dict[str, Any]) -> dict[str, Any]:
    """Describe the definition around a position. Returns how many descriptions were inserted, one or
    none, and all that were found, the best first."""
    document, offset, _ = selected(server, place)
    if document is None:
        server.show(types.MessageType.Info, f"{DESCRIBE} needs a place in an open file")
        return _done(0)
    subject, cancel = subject_at(document, offset), Cancel()
    if isinstance(subject, str):
        server.show(types.MessageType.Info, subject)
        return _done(0)
    found = await _described(server, subject, offset, cancel)
    if cancel.is_set():
        return _done(0)
    if not found:
        server.show(types.MessageType.Info, f"the model has no words for {subject.name}")
        return _done(0)
    if not await edited(server, document, change_for(subject, found[0])):
        server.show(types.MessageType.Warning, "the text has changed: nothing was inserted")
        return _done(0, found)
    return _done(1, found)


async def _described(
    server: Server, subject: Subject, offset: int, cancel: Cancel
) -> tuple[Description, ...]:
    """What the model says; the person may raise the flag. Nothing where it may not read the file."""
    config = server.session.config
    begin = types.WorkDoneProgressBegin(title=f"describe {subject.name}", cancellable=True)
    async with progress.displayed(server, begin, cancel) as show:
        hear = telling(show)

        def describe(known: Document, engine: Engine) -> tuple[Description, ...]:
            readable = subject_at(known, offset)
            if isinstance(readable, str):
                return ()
            return described(readable, engine, config, cancel, hear)

        return await server.session.think(subject.document, describe) or ()


def _done(n_inserted: int, found: tuple[Description, ...] = ()) -> dict[str, Any]:
    return {"inserted": n_inserted, "descriptions": [each.text for each in found]}
