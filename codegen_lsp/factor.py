"""One intent as steps, each a comment of its own; and steps as one intent again. The paper calls the
first factorization: its smallest model solves three times as many problems that are told in steps.

Nothing is generated here: both say what a document is to become.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from codegen_lsp.context import MAX_LINE
from codegen_lsp.document import Document
from codegen_lsp.edits import LINE, Change
from codegen_lsp.intents import as_comment, intents_in, split
from codegen_lsp.normal import normal
from codegen_lsp.spans import behind_line
from codegen_lsp.syntax import parse
from codegen_lsp.synthesis import Asked, Proposal, Stated
from codegen_lsp.turns import Turn, Turns

# What only fills a body that is still to be written.
FILLERS = frozenset({"pass", "..."})


class FactorError(Exception):
    """It cannot be done there; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Factored:
    """What each step's comment states, the change that writes these comments, and from where to where
    they stand then."""

    steps: tuple[str, ...]
    change: Change
    start: int
    end: int


def factored(stated: Stated, document: Document, turns: Turns) -> Factored:
    """The steps of an intent as comments of the same form and depth, a blank line between two: that is
    where code will go. They take the comment's place, or that of a docstring's body.

    Raises `FactorError` where there are no two steps, or what was written for the whole is there.
    """
    text, language = document.text, document.language
    newline, indent = _cut(stated.lead)
    is_docstring = stated.kind == "docstring"
    like = "" if is_docstring else text[stated.start : stated.end]
    comments = _comments(split(stated.text), language, indent, like)
    if len(comments) < 2:
        raise FactorError("this is one step already")
    if any(turn.start == stated.start for turn in turns.turns):
        raise FactorError("this comment has its code already: undo the turn, then split it")
    if is_docstring and _is_begun(text, stated.end, indent):
        raise FactorError("something stands below this docstring already: nothing was split")
    written = "\n".join(comment for comment, _ in comments)
    written = written.removesuffix("\n").replace("\n", newline)
    start, gap = (stated.end, newline) if is_docstring else (stated.start, "")
    begun = start + len(gap)
    return Factored(
        tuple(said for _, said in comments),
        Change(start, stated.end, gap + written),
        begun,
        begun + len(written),
    )


def turns_up_to(turns: Turns, stated: Sequence[Stated], offset: int) -> tuple[Turn, ...]:
    """The turns up to the one at a cursor, or right above it, between which nothing stands. Their
    comments are among those `stated`; a docstring is no step."""
    comments = _comments_by_start(stated)
    found: list[Turn] = []
    end = offset
    for turn in reversed([turn for turn in turns.turns if turn.start <= offset]):
        if turn.start not in comments or turns.text[turn.end : end].strip():
            break
        found.append(turn)
        end = turn.start
    return tuple(reversed(found))


def joined(turns: Sequence[Turn], stated: Sequence[Stated], document: Document) -> Asked:
    """Code that is wanted for several turns at once: what their comments say now in one, where the first
    one stands, line behind line as in the paper's single turn. All of their code is taken away.

    Raises `FactorError` where these are no steps that follow each other.
    """
    text = document.text
    if len(turns) < 2:
        raise FactorError("there are no two turns here that could be one")
    comments = _comments_by_start(stated)
    if not all(turn.start in comments for turn in turns):
        raise FactorError("only turns whose comments say what is wanted can be one")
    if any(text[turn.end : after.start].strip() for turn, after in pairwise(turns)):
        raise FactorError("something else stands between these turns")
    first, start = comments[turns[0].start], turns[0].start
    newline, indent = _cut(first.lead)
    intent = "\n".join(comments[turn.start].text for turn in turns)
    like = text[start : first.end]
    comment = as_comment(intent, document.language, indent, like, MAX_LINE)
    end = start + len(text[start : turns[-1].end].rstrip())
    change = Change(start, end, comment.removesuffix("\n").replace("\n", newline))
    return Asked(document, change, start, intent, first.lead, n_intents=len(turns))


def code_of_proposal(proposal: Proposal) -> tuple[Document, tuple[int, int]]:
    """What a document would be, and between which offsets the code's lines would stand in it."""
    asked = proposal.asked
    document = replace(asked.document, text=proposal.result)
    end = asked.border + len(proposal.code)
    return document, (behind_line(document.text, asked.border, end), end)


def _cut(lead: str) -> tuple[str, str]:
    """The line end and the indentation with which code begins below a comment."""
    indent = lead.lstrip("\r\n")
    return lead[: len(lead) - len(indent)], indent


def _is_begun(text: str, end: int, indent: str) -> bool:
    """Whether more stands in a body, below a docstring that ends at `end`, than fills it."""
    for line in LINE.finditer(text, end):
        said = line[0].strip()
        if said and not line[0].startswith(indent):
            return False
        if said and said not in FILLERS:
            return True
    return False


def _comments(steps: Sequence[str], language: str, indent: str, like: str) -> list[tuple[str, str]]:
    """Steps as comments, and what each states. What would state nothing alone (code, a ruler) goes with
    the step before it, or else with the next one."""

    def written(step: str) -> tuple[str, str]:
        comment = as_comment(step, language, indent, like)
        return comment, _said_in(normal(comment, language), language)

    texts: list[str] = []
    made: list[tuple[str, str]] = []
    for step in steps:
        texts.append(step)
        made.append(written(step))
        while len(made) > 1 and not (made[-1][1] and made[-2][1]):
            texts[-2:] = ["\n".join(texts[-2:])]
            made[-2:] = [written(texts[-1])]
    return made


def _said_in(comment: str, language: str) -> str:
    """What a comment states, if it is one and all of it does."""
    found = intents_in(parse(comment, language), 0, len(comment))
    is_whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(comment))
    return found[0].text if is_whole else ""


def _comments_by_start(stated: Sequence[Stated]) -> dict[int, Stated]:
    return {each.start: each for each in stated if each.kind == "comment"}
