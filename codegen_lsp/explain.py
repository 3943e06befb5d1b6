"""Why there is what is suggested at a place, or nothing: what was decided, read, written and taken away.

It is asked for by a person, and so it is made anew: the very same `complete` runs, with its record kept.
Nothing in an `Explanation` holds more of a document than a prompt may. `story.py` tells it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from codegen_lsp.complete import (
    NOTHING,
    Completion,
    Known,
    Record,
    Request,
    budget_for,
    complete,
    ignore,
)
from codegen_lsp.config import Config
from codegen_lsp.context import Context
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Infill, Stats, Stop
from codegen_lsp.extent import COMPLETE, extent_at
from codegen_lsp.history import transcript
from codegen_lsp.layout import Layout, comments
from codegen_lsp.rank import fitted
from codegen_lsp.secrets import mask
from codegen_lsp.written import DOUBT, IMPROBABLE, LENGTH, SECRET, UNLIKELY_LINE, Written

# Why each step takes from a text what it takes; also why nothing comes behind it any more.
WHY = {
    LENGTH: "its last line was cut by the longest candidate there may be (`maxTokens`)",
    DOUBT: "the model is not sure enough of it (`minConfidence`)",
    UNLIKELY_LINE: "it is too unlikely to go on on another line",
    SECRET: "it looks like a secret",
    IMPROBABLE: "all of it together is not likely enough",
    "straight": "a statement is indented deeper than it may stand here",
    "no_sentinels": "it is a mark that only models write",
    "no_comment_unasked": "it is a comment that was not asked for",
    "no_ruler": "it is a ruler",
    "no_foreign_comment": "it is a comment as another language writes them",
    "one_line": "one line is suggested here",
    "paper": "a piece of a program ends there (the rules of CodeGen's paper)",
    "no_bracket_too_many": "it closes a bracket that nothing has opened",
    "no_quote_again": "the quote stands right of the cursor already",
    "one_paragraph": "the block ends there, by its indentation or a blank line",
    "no_shallow_body": "it is not indented deeper than the header that it belongs to",
    "no_loop": "it repeats a line that was written before",
    "no_element_again": "it repeats an element of the same list",
    "no_line_from_below": "it repeats the line that stands below the cursor",
    "closed_block": "the block is closed there",
    "no_stutter": "it repeats itself within a line",
    "no_circle": "its words come again and again",
    "no_rest_of_line": "it repeats what stands right of the cursor",
    "own_unit": "it is indented by another step than this file is",
    "not_only_an_echo": "it only says in a comment what stands above",
    "no_new_error": "the file would parse worse with it",
}
STOPS: dict[str, str] = {
    "eos": "the model ends the text there",
    "length": "it was as long as a candidate may be (`maxTokens`)",
    "stop": "it met a text that ends every answer",
    "cancelled": "it was interrupted",
}

Remembered = Literal["cache", "typed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much is suggested, by syntax, and in a few words why it is that much."""

    extent: str
    reason: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What a filter has taken away: it got the text `before` and left `after`."""

    filter: str
    why: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Said:
    """A token that the model wrote, and whether it is part of what is left."""

    text: str
    logprob: float
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A candidate: how it was sampled, what was written and why no more, what was taken away, and what
    is left; its place among those shown (from 1), or why it is none of them. They are ranked by
    `mean_logprob` and `fit` together (see `rank`)."""

    temperature: float
    top_p: float
    seed: int
    written: str
    ended: str
    cuts: tuple[Cut, ...]
    text: str
    place: int | None
    why_not: str
    mean_logprob: float
    probability: float
    fit: float
    tokens: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the prompt: what it is, where from, and how many tokens it has alone."""

    what: str
    where: str
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Told:
    """A turn that the prompt repeats, or that its window shows: what was wanted, where that is, and how
    many tokens comment and code have."""

    intent: str
    where: str
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Read:
    """The prompt, of at most `budget` tokens; `healed` was taken back, so that the answer begins with
    it."""

    text: str
    n_tokens: int
    budget: int
    parts: tuple[Part, ...]
    turns: tuple[Told, ...]
    healed: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate of an earlier answer, or what is left of it, and the probability of the whole."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Earlier:
    """An answer that the session has already, and gives: for this very text, or of which a part was
    typed since."""

    source: Remembered
    candidates: tuple[Kept, ...]
    reason: str
    stats: Stats


@dataclass(frozen=True, slots=True)
class Explanation:
    """Line and column count from 1. `is_shown` and `verdict` say what a client is answered, and in one
    sentence why; `reason` is why so much is asked of the model or nothing, in a few words. `earlier` is
    an answer that needs no model; the rest is as if there were none."""

    path: str
    line: int
    column: int
    language: str
    model: str
    invoked: bool
    is_shown: bool
    verdict: str
    reason: str
    while_typing: Verdict | None = None
    when_asked: Verdict | None = None
    min_confidence: float = 0.0
    candidates: tuple[Made, ...] = ()
    prompt: Read | None = None
    stats: Stats | None = None
    earlier: Earlier | None = None
    next_line: Explanation | None = None

    @property
    def shown(self) -> tuple[Made, ...]:
        """Those candidates, the best first, that are left of what was written."""
        left = (each for each in self.candidates if each.place)
        return tuple(sorted(left, key=lambda each: each.place or 0))


def explain(
    request: Request, engine: Engine, config: Config, cancel: Cancel, known: Known = NOTHING
) -> Explanation:
    """Why a request is answered as it is. Its document is one without secrets (see `privacy.readable`),
    and of what is written those are masked, too. Raises `EngineError`."""
    records: list[Record] = []
    completion = complete(request, engine, config, cancel, known, ignore, records.append)
    if cancel.is_set():
        return interrupted(request, config, known.path)
    context = completion.known.gather(request.document, request.offset)
    told = refused(request, config, completion.reason, known.path)
    if context is None:
        return told
    just_deleted = request.just_deleted
    decisions = (
        extent_at(context, invoked=asked, just_deleted=just_deleted) for asked in (False, True)
    )
    while_typing, when_asked = (Verdict(each.extent.value, each.reason) for each in decisions)
    told = replace(told, while_typing=while_typing, when_asked=when_asked)
    if not records:
        return told
    (record,) = records
    candidates = _candidates(record, completion)
    return replace(
        told,
        is_shown=bool(completion.candidates),
        verdict=_verdict(candidates, completion),
        min_confidence=config.min_confidence,
        candidates=candidates,
        prompt=_read(record, budget_for(config, engine), engine),
        stats=completion.stats,
    )


def refused(request: Request, config: Config, why: str, path: str = "") -> Explanation:
    """Nothing is asked of a model, and why."""
    document, offset = request.document, request.offset
    line, column = _line_and_column(document, offset)
    return Explanation(
        path or document.uri,
        line,
        column,
        document.language,
        config.model,
        request.invoked,
        is_shown=False,
        verdict=f"Nothing is suggested: {why}.",
        reason=why,
    )


def interrupted(request: Request, config: Config, path: str = "") -> Explanation:
    """Something else came first."""
    why = "something was typed or asked for meanwhile"
    verdict = f"There is no explanation: {why}. Ask again."
    return replace(refused(request, config, why, path), verdict=verdict)


def with_earlier(told: Explanation, source: Remembered, completion: Completion) -> Explanation:
    """The same, where an earlier answer is given again."""
    kept = tuple(Kept(mask(each.text), _probability(each)) for each in completion.candidates)
    earlier = Earlier(source, kept, completion.reason, completion.stats)
    how = {
        "cache": "this very text was asked about before",
        "typed": "what was typed since is a part of what was answered before",
    }[source]
    what = code(short(kept[0].text)) if kept else "Nothing"
    verdict = f"{what} is suggested: {how}."
    return replace(told, is_shown=bool(kept), verdict=verdict, earlier=earlier)


def with_next_line(told: Explanation, ahead: Explanation, sure: float) -> Explanation:
    """The same where the statement is complete, and `ahead` explains the line behind the Enter key. That
    is suggested to who asks, and to others if its probability is `sure`."""
    known: Sequence[Kept | Made] = ahead.earlier.candidates if ahead.earlier else ahead.shown
    best = next(iter(known), None)
    is_shown = best is not None and (told.invoked or best.probability >= sure)
    if best is None:
        why = f"there is none for the next line either ({ahead.reason})"
    else:
        needed = "it was asked for" if told.invoked else f"unasked, {sure:g} is needed"
        why = f"the next line has a probability of {best.probability:.2g} ({needed})"
    what = f"The next line, {code(short(best.text))}," if best and is_shown else "Nothing"
    verdict = f"{what} is suggested: {COMPLETE}, and {why}."
    return replace(told, is_shown=is_shown, verdict=verdict, next_line=ahead)


def short(text: str) -> str:
    """The first line of a text; an ellipsis for the others."""
    first, *others = text.strip().split("\n")
    return f"{first.strip()} …" if others else first.strip()


def code(text: str) -> str:
    """A text as Markdown shows code in a line: between more backticks than it has in a row."""
    ticks = "`" * (longest_ticks(text) + 1)
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _line_and_column(document: Document, offset: int) -> tuple[int, int]:
    line = bisect_right(document.line_starts, offset)
    return line, offset - document.line_starts[line - 1] + 1


def _verdict(candidates: Sequence[Made], completion: Completion) -> str:
    """Of one that was asked of the model."""
    if best := next((each for each in candidates if each.place == 1), None):
        return f"{code(short(best.text))} is suggested: {completion.reason}."
    if completion.reason == COMPLETE:
        return f"Nothing is suggested: the model says that {COMPLETE}."
    first = candidates[0]
    what = f"the model wrote {code(short(first.written))}, and " if first.written.strip() else ""
    return f"Nothing is suggested: {what}{first.why_not}."


def _candidates(record: Record, completion: Completion) -> tuple[Made, ...]:
    places = {each.seed: n for n, each in enumerate(completion.candidates, 1)}
    fits = {each.seed: each.fit for each in fitted(record.candidates, record.context)}
    seeds = [each.seed for each in record.candidates]
    return tuple(
        _made(record, n, stop, places.get(seed), fits.get(seed, 0.0))
        for n, (stop, seed) in enumerate(zip(completion.stats.stops, seeds, strict=True))
    )


def _made(record: Record, n: int, stop: Stop, place: int | None, fit: float) -> Made:
    """The n-th of them."""
    sampling, written, candidate = record.samplings[n], record.written[n], record.candidates[n]
    n_healed = len(record.rendered.prompt.heal)
    context = record.context
    text = _masked(written.text, context.prefix[: len(context.prefix) - n_healed])
    cuts = tuple(_cuts(written, stop, text[n_healed:], context))
    spans = pairwise((0, *written.ends))
    tokens = tuple(
        Said(text[start:end], logprob, n < candidate.n_tokens)
        for n, ((start, end), logprob) in enumerate(zip(spans, written.logprobs, strict=True))
    )
    why_not = "" if place else _why_not(text[n_healed:], candidate, cuts)
    return Made(
        sampling.temperature,
        sampling.top_p,
        sampling.seed,
        text[n_healed:],
        WHY.get(written.ended_by) or STOPS[stop],
        cuts,
        candidate.text,
        place,
        why_not,
        candidate.mean_logprob,
        _probability(candidate),
        fit,
        tokens,
    )


def _cuts(written: Written, stop: Stop, shown: str, context: Context) -> Iterable[Cut]:
    """What each step has taken from what was `written`, of which `shown` is the text without secrets.
    White space at its end is nothing that one misses."""
    before, masked = written.shown, shown
    for name, after in written.steps(stop):
        left = masked[: len(after)] if before.startswith(after) else _masked(after, context.prefix)
        if after.rstrip() != before.rstrip():
            yield Cut(name, WHY[name], masked, left)
        before, masked = after, left


def _probability(candidate: Candidate) -> float:
    """Of all its tokens, one after the other."""
    return math.exp(candidate.mean_logprob * candidate.n_tokens)


def _why_not(written: str, candidate: Candidate, cuts: Sequence[Cut]) -> str:
    """Why a candidate is not among those shown."""
    if candidate.text.strip():
        return "another candidate says the same"
    if not written.strip():
        return STOPS["eos"] if candidate.stop == "eos" else "the model wrote nothing but space"
    last = next((each for each in cuts if not each.after.strip()), None)
    return last.why if last else "nothing is left of it"


def _masked(text: str, prefix: str) -> str:
    """A text without its secrets, some of which may show only by what stands in front of it."""
    return mask(prefix + text)[len(prefix) :]


def _read(record: Record, budget: int, engine: Engine) -> Read:
    prompt, layout = record.rendered.prompt, record.rendered.layout
    n_suffix = sum(len(layout.tokens[stretch]) for stretch in record.rendered.suffix)
    n_marks = _n_marks(engine.infill)
    n_window = len(prompt.tokens) - len(layout.tokens[layout.front]) - n_suffix - n_marks
    window = Part("this file", f"from line {layout.first_line + 1} to the cursor", n_window)
    behind = Part("this file", "behind the cursor", n_suffix)
    marks = Part("marks", "between what stands before and behind the cursor", n_marks)

    def count(text: str) -> int:
        return len(engine.tokenize(text))

    parts = (*_front(layout, record.context.language, count), window, behind, marks)
    return Read(
        prompt.text,
        len(prompt.tokens),
        budget,
        tuple(part for part in parts if part.n_tokens),
        tuple(_turns(record, count)),
        prompt.heal,
    )


def _front(layout: Layout, language: str, count: Callable[[str], int]) -> Iterable[Part]:
    """What stands in front of the window: each chunk counts with the line that says where it is from."""
    for chunk in layout.chunks:
        yield Part("another file", chunk.path, count(comments([chunk], language)))
    elsewhere = transcript(layout.said_elsewhere, "", language).removesuffix("\n")
    above = transcript(layout.said_above, "", language).removesuffix("\n")
    yield Part("turns", "of other files", count(elsewhere))
    yield Part("imports", "above the window", count(layout.imports))
    yield Part("turns", "above the window", count(above))
    rest = layout.front
    for known in (comments(layout.chunks, language), elsewhere, layout.imports, above):
        rest = rest.replace(known, "", 1)
    yield Part("definitions", "in this file, outside the window", count(rest.strip()))


def _turns(record: Record, count: Callable[[str], int]) -> Iterable[Told]:
    layout, context = record.rendered.layout, record.context
    for where, turns in (
        ("in another file", layout.said_elsewhere),
        ("above the window", layout.said_above),
    ):
        for each in turns:
            text = transcript([each], "", context.language)
            yield Told(mask(each.intent), where, count(text))
    for turn in record.rendered.turns:
        text = context.parsed.text[turn.start : turn.end]
        yield Told(mask(turn.intent), "in the window", count(text))


def _n_marks(infill: Infill | None) -> int:
    if infill is None:
        return 0
    return len(infill.before_prefix + infill.before_suffix + infill.before_middle)
