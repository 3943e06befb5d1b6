"""A context becomes the prompt that the model reads: inside the token budget, the same from key to key.

A prompt is the front of a `Layout` and the text up to the cursor from some line on, the window. What
evaluates quickly is what begins as the last prompt began. So all but the window's end is chosen seldom,
and kept until the budget is full.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice, pairwise

from codegen_lsp.context import Context
from codegen_lsp.engine import Infill, Prompt
from codegen_lsp.layout import Layout, lay_out, said_above
from codegen_lsp.page import CUT, Page
from codegen_lsp.turns import Turn

# The longest word healed: each of its tokens is evaluated again at every key.
UNFINISHED = re.compile(r"[ \t]*(?:(?<!\w)\w{1,24})?\Z")
# The share of the budget that is for what stands behind the cursor, for models that read it (Copilot's);
# and by how many lines it grows.
SUFFIX = 0.15
SUFFIX_GRID = 4
# Where nobody waits, a layout is renewed that fills so much of the budget.
WORN = 0.85
# A window has so much of the budget at least, unless it shows all there is: the first, or the layout is
# not kept; the second, or it is renewed where nobody waits. Apart, so that a cursor which goes up and
# down changes nothing.
SHOWN = 0.05
SHOWN_FRESH = 0.25
# Characters of a token of code, until some were counted; in CodeGen's vocabulary.
PER_TOKEN = 3.4
# A character has at most four bytes, and a byte makes at most one token.
PER_TOKEN_AT_LEAST = 0.25

Tokenize = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt for a context, whose window begins at an offset of the context's whole text; the layout
    that the document's next prompt is made with; and what the model reads of the text behind the cursor,
    in the stretches in which it was tokenized."""

    prompt: Prompt
    layout: Layout
    context: Context = field(repr=False, compare=False)
    start: int
    suffix: tuple[str, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the document that begin in the window, at their places in the whole text."""
        return tuple(turn for turn in self.context.turns if turn.start >= self.start)


def render(
    context: Context,
    tokenize: Tokenize,
    budget: int,
    layout: Layout | None = None,
    infill: Infill | None = None,
    *,
    fresh: bool = False,
    asked: bool = False,
) -> Rendered:
    """The prompt for a context, of at most `budget` tokens, by the layout of the document's last prompt
    as long as that fits. `fresh` is for when nobody waits: then a layout that is outdated or nearly
    full is renewed, too. `asked` is for a person who wants code for an intent, and waits for longer than
    the prompt takes: then everything is shown, as long as that fits, as in the models' paper.

    The word that is being typed, and the spaces before it, are taken back to be healed: the model never
    saw a run of spaces or a word cut in two (see `healing.py`).
    """
    unfinished = UNFINISHED.search(context.line_before)
    heal = unfinished[0] if unfinished else ""
    page = Page(context.prefix[: len(context.prefix) - len(heal)], context.first_line)
    counter = _Counter(tokenize, layout)
    suffix: tuple[str, ...] = ()
    if infill is not None:
        budget -= len(infill.before_prefix + infill.before_suffix + infill.before_middle)
        suffix = _suffix(context, counter, int(budget * SUFFIX))
        budget -= counter.count(suffix)
    placed = _kept(page, layout, counter, budget)
    if asked:
        placed = _most(context, page, layout, placed, counter, budget)
    if placed is None or (fresh and _is_worn(context, placed, counter, budget)):
        placed = _new(context, page, layout, counter, budget)
    tokens = counter.tokens(placed.stretches)
    if infill is not None:
        behind = (*infill.before_suffix, *counter.tokens(suffix), *infill.before_middle)
        tokens = (*infill.before_prefix, *tokens, *behind)
    used = {stretch: counter.tokens([stretch]) for stretch in (*placed.stretches, *suffix)}
    return Rendered(
        Prompt("".join(placed.stretches), tokens, heal),
        replace(
            placed.layout,
            first_line=page.first_line + page.line_at(placed.start),
            tokens=used,
        ),
        context,
        context.offset - len(context.prefix) + placed.start,
        suffix,
    )


class _Counter:
    """Tokenizes stretches of text, each of them once, and those of the last prompt not again."""

    def __init__(self, tokenize: Tokenize, layout: Layout | None) -> None:
        self._tokenize = tokenize
        self._known = dict(layout.tokens) if layout else {}

    @property
    def per_token(self) -> float:
        """Characters of a token, as far as any have been counted."""
        n_tokens = sum(map(len, self._known.values()))
        return sum(map(len, self._known)) / n_tokens if n_tokens else PER_TOKEN

    def tokens(self, stretches: Iterable[str]) -> tuple[int, ...]:
        return tuple(chain.from_iterable(map(self._of, stretches)))

    def count(self, stretches: Iterable[str]) -> int:
        return sum(len(self._of(stretch)) for stretch in stretches)

    def _of(self, stretch: str) -> tuple[int, ...]:
        if stretch not in self._known:
            self._known[stretch] = tuple(self._tokenize(stretch))
        return self._known[stretch]


@dataclass(frozen=True)
class _Placed:
    """A layout on a page, on which its window begins at the offset `start`."""

    layout: Layout
    page: Page
    start: int

    @cached_property
    def window(self) -> tuple[str, ...]:
        """A blank line comes behind the front, unless the window begins in the middle of something."""
        first, *others = self.page.stretches(self.start)
        gap = "\n" if self.layout.front and not first[:1].isspace() else ""
        return (gap + first, *others)

    @property
    def stretches(self) -> tuple[str, ...]:
        return (self.layout.front, *self.window)

    @property
    def shows_all(self) -> bool:
        return self.page.begins_file(self.start)


def _suffix(context: Context, counter: _Counter, share: int) -> tuple[str, ...]:
    """Blocks of lines behind the cursor, as many as fit; or as much of its own line as fits."""
    text = context.suffix.rstrip()
    cuts = [cut.end() for cut in CUT.finditer(text)][SUFFIX_GRID - 1 :: SUFFIX_GRID]
    kept: list[str] = []
    for start, end in pairwise((0, *cuts, len(text))):
        if counter.count([*kept, text[start:end]]) > share:
            break
        kept.append(text[start:end])
    return tuple(kept) or (context.line_after[: int(share * PER_TOKEN_AT_LEAST)],)


def _kept(page: Page, layout: Layout | None, counter: _Counter, budget: int) -> _Placed | None:
    """The last layout if the page fits in, or else the one before it."""
    if layout is None:
        return None
    known = [layout]
    if layout.before is not None:
        known.append(replace(layout.before, before=replace(layout, before=None)))
    # A window much longer than what fits is not tokenized to learn that it does not.
    earliest = len(page.text) - 2 * budget * counter.per_token
    for each in known:
        start = each.start_in(page)
        if start is not None and start >= earliest:
            placed = _Placed(each, page, start)
            is_much = placed.shows_all or counter.count(placed.window) >= SHOWN * budget
            if is_much and counter.count(placed.stretches) <= budget:
                return placed
    return None


def _is_worn(context: Context, placed: _Placed, counter: _Counter, budget: int) -> bool:
    """Whether another layout would serve better, though this one still fits."""
    if counter.count(placed.stretches) > WORN * budget:
        return True
    if not placed.shows_all and counter.count(placed.window) < SHOWN_FRESH * budget:
        return True
    kept = placed.layout
    other, _ = lay_out(context, placed.page, int(budget * counter.per_token), kept)
    above = tuple(islice(said_above(context, placed.start), len(kept.said_above)))
    return (
        (other.chunks, other.imports) != (kept.chunks, kept.imports)
        or other.said_elsewhere != kept.said_elsewhere
        or above != kept.said_above[::-1]
    )


def _most(
    context: Context,
    page: Page,
    layout: Layout | None,
    kept: _Placed | None,
    counter: _Counter,
    budget: int,
) -> _Placed | None:
    """All that there is above the cursor, and turns of other files that have to do with the intent; if
    that is too much, what was kept, unless such turns are missing there."""
    n_characters = int(budget * counter.per_token)
    lacks = False
    if kept is not None and not set(kept.layout.said_elsewhere).issuperset(context.related):
        other, _ = lay_out(context, page, n_characters, layout, is_whole=kept.shows_all)
        lacks = not set(kept.layout.said_elsewhere).issuperset(other.said_elsewhere)
    if kept is not None and kept.shows_all and not lacks:
        return kept
    if page.first_line == 0 and len(page.text) <= 2 * n_characters:
        # The second time with nothing in front, which is estimated.
        for n_there in (n_characters, len(page.text)):
            new, _ = lay_out(context, page, n_there, layout, is_whole=True)
            whole = _Placed(replace(new, before=_left(layout)), page, 0)
            if counter.count(whole.stretches) <= budget:
                return whole
    return kept if kept is not None and (kept.shows_all or not lacks) else None


def _new(
    context: Context, page: Page, layout: Layout | None, counter: _Counter, budget: int
) -> _Placed:
    """A layout that leaves part of the budget free. Where a token has fewer characters than was thought,
    and more than the budget was filled, it is made again."""
    per_token = counter.per_token
    while True:
        new, start = lay_out(context, page, int(budget * per_token), layout)
        placed = _Placed(replace(new, before=_left(layout)), page, start)
        n_tokens = counter.count(placed.stretches)
        if n_tokens <= budget or per_token <= PER_TOKEN_AT_LEAST:
            return placed
        measured = sum(map(len, placed.stretches)) / n_tokens
        per_token = max(PER_TOKEN_AT_LEAST, min(measured, per_token / 2))


def _left(layout: Layout | None) -> Layout | None:
    """A layout that is left for another one, as that remembers it."""
    return replace(layout, tokens={}, before=None) if layout else None
