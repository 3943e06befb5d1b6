"""Texts of tests with the cursor in them: `<CURSOR>`, and ghost text between « and »."""

from __future__ import annotations

from codegen_lsp.context import Context, gather
from codegen_lsp.document import Document

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
