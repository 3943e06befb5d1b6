"""An intent becomes code: where it is stated in a document, and what is to be put in below it.

The comment stays as it is. The code begins on a line of its own below it, as deep, and is what would be
suggested there to somebody who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codegen_lsp.complete import Completion, Known, Request
from codegen_lsp.config import Config
from codegen_lsp.context import MAX_TEXT
from codegen_lsp.document import Document
from codegen_lsp.intents import Intent, intent_at, intents_in
from codegen_lsp.likely import Place, after
from codegen_lsp.normal import normal, style_at
from codegen_lsp.syntax import Parsed
from codegen_lsp.turns import Origin


@dataclass(frozen=True, slots=True)
class Stated:
    """An intent in a document as its client has it: its comment's first line begins at `start`, and its
    last one ends at `end`, in front of the line end; the code begins with `lead`."""

    text: str
    start: int
    end: int
    lead: str

    def moved(self, by: int) -> Stated:
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Code for an intent: `text` is to be put in at `offset`, the end of its comment, which begins at
    `start`; in that very version of the document."""

    document: Document
    start: int
    offset: int
    text: str
    intent: str
    origin: Origin

    @property
    def result(self) -> str:
        """What the document says with it."""
        return after(Place(self.document, self.offset), self.text).document.text


def stated_in(document: Document, start: int, end: int, known: Known) -> tuple[Stated, ...]:
    """What is stated in a selection, in order; where nothing is selected, on the cursor's line or above
    it. Nothing in a text that is too large to be parsed as a whole."""
    context = known.gather(document, start) if len(document.text) <= MAX_TEXT else None
    if context is None:
        return ()
    parsed, at = context.parsed, context.offset
    if start == end:
        found = intent_at(parsed, at)
        intents: Sequence[Intent] = (found,) if found else ()
    else:
        length = len(normal(document.text[start:end], document.language))
        intents = intents_in(parsed, at, at + length)
    return tuple(_stated(intent, parsed, document) for intent in intents)


def request_for(stated: Stated, document: Document, n: int) -> Request:
    """What would be asked on a new line below the comment."""
    below = after(Place(document, stated.end), stated.lead)
    return Request(below.document, stated.end + len(stated.lead), n, invoked=True)


def proposal(
    stated: Stated, document: Document, completion: Completion, config: Config
) -> Proposal | None:
    """The best of what was written for a `request_for` this; None where that is nothing."""
    best = next(iter(completion.candidates), None)
    if best is None:
        return None
    origin = Origin(config.model, best.seed, completion.stats.n_prompt, best.mean_logprob)
    text = stated.lead + best.text.rstrip()
    return Proposal(document, stated.start, stated.end, text, stated.text, origin)


def _stated(intent: Intent, parsed: Parsed, document: Document) -> Stated:
    """The same lines in the client's text, whose line ends and tabs may be others."""
    first = parsed.text.count("\n", 0, intent.start)
    n_lines = parsed.text[intent.start : intent.end].removesuffix("\n").count("\n")
    starts = document.line_starts
    start, last = starts[first], starts[first + n_lines]
    behind = (*starts, len(document.text))[first + n_lines + 1]
    end = last + len(document.text[last:behind].rstrip("\r\n"))
    line = document.text[start:end]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    newline = style_at(document.text, start, document.language).newline
    return Stated(intent.text, start, end, newline + indent)
