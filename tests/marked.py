"""Texts of tests with the cursor in them: `<CURSOR>`, and ghost text between « and »."""

from __future__ import annotations

from codegen_lsp.context import Context, gather
from codegen_lsp.document import Document
from codegen_lsp.extent import Extent, extent_at
from codegen_lsp.postprocess import clean

CURSOR = "<CURSOR>"


def at_cursor(marked: str, language: str = "python") -> tuple[Document, int]:
    offset = marked.index(CURSOR)
    return Document("file:///t", language, 1, marked.replace(CURSOR, "")), offset


def context_at(marked: str, language: str = "python") -> Context:
    context = gather(*at_cursor(marked, language))
    assert context is not None
    return context


def with_ghost(marked: str, text: str) -> str:
    return marked.replace(CURSOR, f"«{text}»" if text else CURSOR)


def extent_of(context: Context) -> Extent:
    """How much somebody gets who asks for it."""
    return extent_at(context, invoked=True, just_deleted=False).extent


def cleaned(reply: str, context: Context) -> str:
    return clean(reply, context, extent_of(context))
