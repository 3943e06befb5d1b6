"""An intent becomes code: where it is stated in a document, what is asked of a model, and what is to be
done to the document.

The comment stays as it is, or is written with the code. The code begins on a line of its own below it, as
deep, and is what would be suggested there to somebody who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codegen_lsp.choose import Scores
from codegen_lsp.complete import Completion, Known, Request
from codegen_lsp.config import Config
from codegen_lsp.context import MAX_TEXT
from codegen_lsp.document import Candidate, Document
from codegen_lsp.edits import Change
from codegen_lsp.engine import Sampling
from codegen_lsp.intents import Intent, intent_at, intents_in
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
class Asked:
    """Code that is wanted in a version of a document, behind a `change` of it, which may say nothing:
    it writes the comment, or takes former code away. With it, the comment begins at `start`. The code
    begins with `lead`; it is for a `turn` that there is, by its number, or for another one."""

    document: Document
    change: Change
    start: int
    intent: str
    lead: str
    turn: int | None = None

    @property
    def border(self) -> int:
        """Where the comment ends and the code begins, once the change is made."""
        return self.change.start + len(self.change.text)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of it: `code`, from its lead on, and by what it was made; its scores, and the intent's
    perplexity, as far as they are known."""

    asked: Asked
    code: str
    origin: Origin
    scores: Scores | None = None
    perplexity: float | None = None

    @property
    def change(self) -> Change:
        """What is to be done to the document, in one."""
        start, end, text = self.asked.change
        return Change(start, end, text + self.code)

    @property
    def result(self) -> str:
        """What the document says then."""
        return _changed(self.asked.document.text, self.change)


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


def below(stated: Stated, document: Document) -> Asked:
    """Code below a comment that stands there."""
    nothing = Change(stated.end, stated.end, "")
    return Asked(document, nothing, stated.start, stated.text, stated.lead)


def request_for(asked: Asked, n: int, samplings: tuple[Sampling, ...] = ()) -> Request:
    """What would be asked on the code's first line."""
    text = _changed(asked.document.text, asked.change)
    text = text[: asked.border] + asked.lead + text[asked.border :]
    begun = replace(asked.document, text=text)
    return Request(begun, asked.border + len(asked.lead), n, invoked=True, samplings=samplings)


def proposals(asked: Asked, completion: Completion, config: Config) -> tuple[Proposal, ...]:
    """What was written for a `request_for` this, the best first."""

    def made(candidate: Candidate) -> Proposal:
        n_prompt, mean_logprob = completion.stats.n_prompt, candidate.mean_logprob
        origin = Origin(config.model, candidate.seed, n_prompt, mean_logprob)
        scores = Scores(mean_logprob, fit=candidate.fit)
        return Proposal(asked, asked.lead + candidate.text.rstrip(), origin, scores)

    return tuple(made(each) for each in completion.candidates)


def _changed(text: str, change: Change) -> str:
    return text[: change.start] + change.text + text[change.end :]


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
