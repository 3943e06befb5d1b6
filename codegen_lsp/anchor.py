"""A wish followed into another version of its document, and code that was written for one version put
into another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen_lsp.document import Document
from codegen_lsp.edits import Change, changes
from codegen_lsp.spans import begins_line, ends_line
from codegen_lsp.synthesis import Asked, Proposal


def carried(asked: Asked, document: Document, made: Sequence[Change] | None = None) -> Asked | None:
    """The same wish in another version of its document, of which the changes that were `made` may be
    known. None where its comment no longer stands there as it did; or, if that is still to be written,
    where something else was written in its place. Not for a turn: those follow by themselves."""
    text = asked.document.text
    made = changes(text, document.text) if made is None else made
    is_written = not asked.change.text
    first, last = (asked.start, asked.border) if is_written else asked.change[:2]
    if any(each.start < last and first < each.end for each in made):
        return None
    by = sum(len(each.text) - (each.end - each.start) for each in made if each.end <= first)
    start, end = first + by, last + by
    is_same = document.text[start:end] == text[first:last]
    is_whole = begins_line(document.text, start) == begins_line(text, first)
    if not (is_same and is_whole and ends_line(document.text, end)):
        return None
    change = Change(asked.change.start + by, asked.change.end + by, asked.change.text)
    return replace(asked, document=document, change=change, start=asked.start + by)


def anew(proposal: Proposal, asked: Asked) -> Proposal:
    """The same code for another version of what was asked, which may begin deeper or less deep."""
    before, now = (each.lead.lstrip("\r\n") for each in (proposal.asked, asked))
    first, *others = proposal.code.removeprefix(proposal.asked.lead).split("\n")
    lines = [
        now + line.removeprefix(before) if line.startswith(before) and line.strip() else line
        for line in others
    ]
    return replace(proposal, asked=asked, code=asked.lead + "\n".join([first, *lines]))
