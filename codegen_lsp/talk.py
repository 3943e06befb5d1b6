"""What was said before, as a prompt may repeat it: the turns of a document, and those of others.

A turn says what its document says now. What comes in here is in normal form already, and holds nothing
that a model may not read.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from codegen_lsp.history import Said
from codegen_lsp.intents import intents_in
from codegen_lsp.languages import row
from codegen_lsp.lines import words as words_of
from codegen_lsp.normal import normal_length
from codegen_lsp.similar import Index, words
from codegen_lsp.syntax import parse
from codegen_lsp.turns import Turn


def nothing() -> tuple[Said, ...]:
    """Nobody has said anything elsewhere."""
    return ()


@dataclass(frozen=True, slots=True)
class Talk:
    """The turns of a document, in order; and those of other open ones, looked up when somebody asks."""

    turns: tuple[Turn, ...] = ()
    elsewhere: Callable[[], tuple[Said, ...]] = nothing


SILENCE = Talk()


def placed(turns: Iterable[Turn], text: str, language: str) -> tuple[Turn, ...]:
    """The turns of a text at their places in its normal form."""
    found: list[Turn] = []
    done = n_normal = 0
    for turn in turns:
        places = []
        for place in turn.span:
            # Nothing can be between the two characters of a line's end, which becomes one.
            here = place - 1 if place and text.startswith("\r\n", place - 1) else place
            n_normal += normal_length(text, done, here, language)
            done = here
            places.append(n_normal)
        start, border, end = places
        found.append(replace(turn, start=start, border=border, end=end))
    return tuple(found)


def said(turns: Iterable[Turn], text: str, language: str) -> tuple[Said, ...]:
    """What turns say, in a text in normal form: to the letter what was wanted, unless their comment says
    something else by now, or not all of it may be read. Without those that want nothing any more."""
    found = (_said(turn, text, language) for turn in turns)
    return tuple(each for each in found if each is not None)


def related(known: Sequence[Said], intent: str, language: str) -> tuple[Said, ...]:
    """Those whose code shares names with an intent, the nearest first; of names that are in all code
    little is made (see `similar`)."""
    index: Index[int] = Index()
    for number, each in enumerate(known):
        names = words_of(each.code, 0, len(each.code), row(language))
        index.add(number, words(" ".join(names)))
    query = words(intent) - row(language).keywords
    return tuple(known[number] for number, _ in index.matches(query))


def _said(turn: Turn, text: str, language: str) -> Said | None:
    comment = text[turn.start : turn.border]
    code = textwrap.dedent(text[turn.border : turn.end]).rstrip()
    is_same = " ".join(comment.split()) == turn.comment
    intent = turn.intent if is_same else _stated(textwrap.dedent(comment), language)
    return Said(intent, code) if intent and code else None


def _stated(comment: str, language: str) -> str:
    found = intents_in(parse(comment, language), 0, len(comment))
    return "\n".join(intent.text for intent in found)
