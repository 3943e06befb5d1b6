"""An intent becomes code: where it is stated in a document, what is asked of a model, and what is to be
done to the document.

The comment stays as it is, or is written with the code. The code begins on a line of its own below it,
as deep, and is what would be suggested there to somebody who asks, but that it begins with code.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from codegen_lsp import history
from codegen_lsp.choose import Scores, goodness
from codegen_lsp.complete import Completion, Known, Request
from codegen_lsp.context import MAX_LINE, MAX_TEXT
from codegen_lsp.document import Candidate, Document, line_start
from codegen_lsp.edits import LINE_END, Change, changed
from codegen_lsp.engine import Sampling
from codegen_lsp.intents import MAX_COLUMNS, Intent, as_comment, intent_at, intents_in
from codegen_lsp.languages import DEFAULT, row
from codegen_lsp.likely import Place, enter
from codegen_lsp.lines import indentation
from codegen_lsp.normal import normal, style_at
from codegen_lsp.syntax import Parsed
from codegen_lsp.turns import Origin, Turn, Turns, code_of

# Characters that the marks of a comment may take, and a margin.
MARGIN = 16
# From the end of a line to the first letter of the next one that is not blank.
BELOW = re.compile(r"[ \t]*(?:\r\n|\n|\r)(?P<blank>\s*?(?:\r\n|\n|\r))?(?P<indent>[ \t]*)\S")


@dataclass(frozen=True, slots=True)
class Stated:
    """An intent in a document as its client has it: its comment's first line begins at `start`, and its
    last one ends at `end`, in front of the line end; the code begins with `lead`."""

    text: str
    start: int
    end: int
    lead: str
    kind: Literal["comment", "docstring"] = "comment"

    def moved(self, by: int) -> Stated:
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class Asked:
    """Code that is wanted in a version of a document, behind a `change` of it, which may say nothing:
    it writes the comment, or takes former code away. With it, the comment begins at `start`. The code
    begins with `lead`; it is for a `turn` that there is, by its number, or for another one. The
    intent is made of `n_intents`, and their code is as much longer."""

    document: Document
    change: Change
    start: int
    intent: str
    lead: str
    turn: int | None = None
    n_intents: int = 1

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
        return changed(self.asked.document.text, self.change)


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


def unanswered(stated: Sequence[Stated], document: Document) -> tuple[Stated, ...]:
    """Those below which no code stands yet: nothing as deep is on the next line, or, behind a docstring,
    on the next that is not blank."""
    return tuple(each for each in stated if not _has_code(each, document.text))


def below(stated: Stated, document: Document) -> Asked:
    """Code below a comment that stands there."""
    nothing = Change(stated.end, stated.end, "")
    return Asked(document, nothing, stated.start, stated.text, stated.lead)


def said_next(intent: str, document: Document, offset: int, after: Turn | None = None) -> Asked:
    """An intent as a comment on lines of its own, and code below it: below the line of an offset, or on
    that line if it is blank. As deep as the comment of the turn `after` which it comes, of which the
    offset is the end; or else as the line, or as the Enter key would go. A blank line is left above it,
    unless that line begins a block.

    One line stays one line, to the letter, as in the models' paper, if models can read so long a one.
    Raises `UnsayableError` where no comment can say it.
    """
    text, language = document.text, document.language
    start = line_start(text, offset)
    end = _line_end(text, offset)
    is_blank = not text[start:end].strip()
    indent = _indent_of(text, after.start) if after else _indent_at(document, start, end)
    newline = style_at(text, offset, language).newline
    comment = _comment_of(intent, language, indent).replace("\n", newline)
    above = text[:start].rstrip("\r\n \t") if is_blank else text[:end]
    is_far = is_blank and len(LINE_END.findall(text, len(above), start)) != 1
    last = above[line_start(above, len(above)) :]
    gap = newline if last and not is_far and indentation(last) >= len(indent) else ""
    if is_blank:
        change, begun = Change(start, end, gap + comment), start + len(gap)
    else:
        change, begun = Change(end, end, newline + gap + comment), end + len(newline + gap)
    return Asked(document, change, begun, intent, newline + indent)


def again(turn: Turn, turns: Turns, document: Document) -> Asked:
    """Other code for a turn, whose former code is taken away."""
    code = code_of(turns, turn)
    is_below = line_start(turns.text, turn.border) == turn.border
    lead = _indent_of(turns.text, turn.start) if is_below else code[: indentation(code)]
    change = Change(turn.border, turn.end, "")
    return Asked(document, change, turn.start, turn.intent, lead, turn.number)


class UnsayableError(ValueError):
    """An intent that no comment can say; its message is one line for a person."""


def is_sayable(asked: Asked, known: Known) -> bool:
    """Whether the comment that is to be written would be one there, and not words of a string."""
    text = changed(asked.document.text, asked.change)
    mark = asked.start + len(_indent_of(text, asked.start))
    context = known.gather(replace(asked.document, text=text), mark)
    if context is None:
        return False
    is_unknown = row(asked.document.language) is DEFAULT
    return is_unknown or mark == 0 or context.kind == "code"


def request_for(asked: Asked, samplings: tuple[Sampling, ...]) -> Request:
    """What would be asked on the code's first line; each candidate drawn in its own way."""
    text = changed(asked.document.text, asked.change)
    text = text[: asked.border] + asked.lead + text[asked.border :]
    begun = replace(asked.document, text=text)
    return Request(
        begun,
        asked.border + len(asked.lead),
        len(samplings),
        invoked=True,
        n_intents=asked.n_intents,
        begins_code=True,
        samplings=samplings,
    )


def proposals(asked: Asked, completion: Completion, model: str) -> tuple[Proposal, ...]:
    """What a model has written for a `request_for` this, the best first."""

    def made(candidate: Candidate) -> Proposal:
        n_prompt, mean_logprob = completion.stats.n_prompt, candidate.mean_logprob
        origin = Origin(model, candidate.seed, n_prompt, mean_logprob)
        scores = Scores(mean_logprob, fit=candidate.fit)
        return Proposal(asked, asked.lead + candidate.text.rstrip(), origin, scores)

    return tuple(made(each) for each in completion.candidates)


def best_first(candidates: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """Proposals for one intent, by their scores; where these are equal, in the order given."""

    def worth(each: Proposal) -> tuple[int, float]:
        return goodness(each.scores or Scores(each.origin.mean_logprob))

    return tuple(sorted(candidates, key=worth, reverse=True))


def _has_code(stated: Stated, text: str) -> bool:
    below = BELOW.match(text, stated.end)
    if below is None or (below["blank"] and stated.kind == "comment"):
        return False
    return len(below["indent"]) >= len(stated.lead.lstrip("\r\n"))


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
    return Stated(intent.text, start, end, newline + indent, intent.kind)


def _comment_of(intent: str, language: str, indent: str) -> str:
    """An intent as a comment, without its last line end."""
    if not intent.strip():
        raise UnsayableError("an intent without words says nothing")
    longest = max(map(len, intent.split("\n")))
    columns = MAX_LINE if len(indent) + longest < MAX_LINE - MARGIN else MAX_COLUMNS
    comment = as_comment(intent, language, indent, columns=columns).removesuffix("\n")
    if not comment:
        raise UnsayableError(f"{language} has no comments that could say it")
    return _to_the_letter(intent, comment, language, indent)


def _to_the_letter(intent: str, comment: str, language: str, indent: str) -> str:
    """A comment as models are asked in the paper, with the blanks at its lines' ends, and no second mark
    where a line has one; as it is, where that is not the same comment."""
    letters = textwrap.indent(history.comment(intent, language), indent).removesuffix("\n")
    mark = letters[len(indent) :].partition(" ")[0]
    lines, written = letters.split("\n"), comment.split("\n")
    is_same = len(lines) == len(written) and all(
        each in (line.rstrip(" "), f"{indent}{mark} {line[len(indent) :]}".rstrip(" "))
        for each, line in zip(written, lines, strict=True)
    )
    return letters if is_same else comment


def _indent_at(document: Document, start: int, end: int) -> str:
    """How deep a comment is to be on a blank line, or below another one."""
    text = document.text
    if text[start:end].strip():
        return _enter(document, end)
    if start < end:
        return text[start:end]
    above = len(text[:start].rstrip())
    deeper, indent = _enter(document, above), _indent_of(text, line_start(text, above))
    below = text[end:].lstrip("\r\n")
    if len(deeper) > len(indent):
        return deeper
    return min(deeper, _indent_of(below, 0), key=len)


def _enter(document: Document, offset: int) -> str:
    return enter(Place(document, offset)).lstrip("\r\n")


def _indent_of(text: str, start: int) -> str:
    """The blanks with which a line begins."""
    end = _line_end(text, start)
    return text[start : end - len(text[start:end].lstrip(" \t"))]


def _line_end(text: str, offset: int) -> int:
    found = LINE_END.search(text, offset)
    return found.start() if found else len(text)
