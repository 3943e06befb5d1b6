"""The whole flow on one page: a document and an offset become candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from codegen_lsp.config import Config
from codegen_lsp.context import Context, gather
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling, Stats
from codegen_lsp.extent import COMPLETE, Extent, extent_at
from codegen_lsp.languages import row
from codegen_lsp.layout import Layout
from codegen_lsp.normal import normal
from codegen_lsp.prompt import Rendered, render
from codegen_lsp.rank import rank
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.syntax import Parsed, adds_error, parses, parses_afresh
from codegen_lsp.talk import SILENCE, Talk
from codegen_lsp.written import Written


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: up to `n` candidates for the cursor at `offset`; by a person (`invoked`), or
    because one types, perhaps after something was `just_deleted`; perhaps a `single_line` only, to
    spare the machine. It answers so many intents at once. One that has to be as probable as `at_least`,
    all its tokens together, is given up as soon as it is not. What `begins_code` begins with neither
    blanks nor a comment. `samplings` say how each candidate is drawn, however long it may be; without
    them one is greedy, and the others are sampled."""

    document: Document
    offset: int
    n: int = 1
    invoked: bool = False
    just_deleted: bool = False
    single_line: bool = False
    at_least: float = 0.0
    n_intents: int = 1
    begins_code: bool = False
    samplings: tuple[Sampling, ...] = ()

    def covers(self, other: Request) -> bool:
        """Whether what this one gets is as much as the other one wants."""
        return (
            self.n >= other.n
            and self.invoked >= other.invoked
            and self.single_line <= other.single_line
            and self.at_least <= other.at_least
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a document from earlier requests, to do less now; and of other files, which call
    it by its `path`. What was said is handed in with each request, and not kept."""

    parsed: Parsed | None = None
    layout: Layout | None = None
    surroundings: Surroundings | None = None
    path: str = ""
    talk: Talk = SILENCE

    def gather(self, document: Document, offset: int) -> Context | None:
        """The context of a cursor in another version of the document."""
        return gather(document, offset, self.parsed, self.surroundings, self.path, self.talk)


NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Completion:
    """Candidates, best first; what they were made from, and what that cost; and why they are so many
    and so long, in a few words. `is_sound` tells whether the text had no errors: then they
    cause none either, however much of them is typed; `dropped` is what was written and is not
    shown, sure as the model was of it."""

    candidates: tuple[Candidate, ...] = ()
    dropped: str = ""
    is_sound: bool = True
    reason: str = ""
    prompt: Prompt | None = None
    stats: Stats = field(default_factory=Stats)
    known: Known = field(default_factory=Known)


@dataclass(frozen=True, slots=True)
class Record:
    """How a completion came about, for who asks why: what was decided and read, and each candidate as
    it was sampled, written and cleaned, before they were ranked in this context."""

    context: Context
    extent: Extent
    rendered: Rendered
    samplings: Sequence[Sampling]
    written: Sequence[Written]
    candidates: Sequence[Candidate]


def ignore(_: object) -> None:
    """Nobody listens."""


def complete(
    request: Request,
    engine: Engine,
    config: Config,
    cancel: Cancel,
    known: Known = NOTHING,
    hear: Callable[[str], None] = ignore,
    keep: Callable[[Record], None] = ignore,
    read: Callable[[Prompt], None] = ignore,
) -> Completion:
    """Candidates for a cursor. `read` is told the prompt before the engine is, `hear` what the first
    candidate says so far, at each of its tokens, and `keep` at the end how they were made, if at all."""
    context = known.gather(request.document, request.offset)
    known = replace(known, talk=SILENCE)
    if context is None:
        return Completion(reason="a binary file or an overlong line", known=known)
    known = replace(known, parsed=context.parsed)
    if request.n_intents > 1:
        context = replace(context, n_intents=request.n_intents)
        config = _with_room(config, request.n_intents, engine)
    extent, reason = _extent(request, context)
    if extent is Extent.NOTHING:
        return Completion(reason=reason, known=known)
    is_asked = request.invoked and bool(context.intent)
    rendered = prompt_for(context, engine, config, known.layout, asked=is_asked)
    prompt, known = rendered.prompt, replace(known, layout=rendered.layout)
    if request.begins_code:
        prompt = replace(prompt, shun=_no_code(context.language))
    doubt = math.log(config.min_confidence) if not request.invoked else -math.inf
    least = math.log(request.at_least) if request.at_least else -math.inf
    drawn = (replace(each, max_tokens=config.max_tokens) for each in request.samplings)
    samplings = tuple(drawn) or greedy_first(config, request.n)
    written = [Written(context, extent, len(prompt.heal), doubt, least) for _ in samplings]
    read(prompt)
    generation = engine.generate(prompt, samplings, cancel)
    for token in generation:
        candidate = written[token.candidate]
        if candidate.ends_with(token):
            generation.stop(token.candidate)
        if token.candidate == 0:
            hear(candidate.shown)
    stats = generation.stats
    if cancel.is_set():
        return Completion(reason="cancelled", prompt=prompt, stats=stats, known=known)
    candidates = [
        replace(candidate.cleaned(stop), seed=sampling.seed)
        for candidate, stop, sampling in zip(written, stats.stops, samplings, strict=True)
    ]
    context = replace(context, chunks=rendered.layout.chunks)
    keep(Record(context, extent, rendered, samplings, written, candidates))
    ranked = rank(candidates, context)
    dropped = written[0].shown if not ranked and written[0].is_sure else ""
    if dropped.startswith("\n") and context.line_before.strip():
        reason = COMPLETE  # in the model's opinion
    return Completion(ranked, dropped, parses(context.parsed), reason, prompt, stats, known)


def without_new_errors(
    candidates: Sequence[Candidate], document: Document, offset: int, known: Known
) -> tuple[Candidate, ...]:
    """Those with which the document parses no worse than it does now. What was begun on behalf of an
    error may be one too many when that is mended."""
    context = known.gather(document, offset)
    if context is None:
        return ()
    language, parsed, at = document.language, context.parsed, context.offset
    texts = [normal(candidate.text, language) for candidate in candidates]
    return tuple(
        candidate
        for candidate, text in zip(candidates, texts, strict=True)
        if not adds_error(parsed, at, text) and parses_afresh(parsed, at, text)
    )


def n_ctx_for(config: Config) -> int:
    """How many tokens the longest prompt and the longest candidate behind it have together."""
    return config.prompt_tokens + config.max_tokens + 1


def prompt_for(
    context: Context,
    engine: Engine,
    config: Config,
    layout: Layout | None = None,
    *,
    fresh: bool = False,
    asked: bool = False,
) -> Rendered:
    """The prompt, with room left behind it for the longest candidate."""
    budget, tokenize, infill = budget_for(config, engine), engine.tokenize, engine.infill
    return render(context, tokenize, budget, layout, infill, fresh=fresh, asked=asked)


def budget_for(config: Config, engine: Engine) -> int:
    """How many tokens a prompt may have."""
    return max(1, min(config.prompt_tokens, engine.n_ctx - config.max_tokens - 1))


def _with_room(config: Config, n_intents: int, engine: Engine) -> Config:
    """Settings for an answer to several intents: as long as one to each, in half of what a model can
    have before it, as in the paper's benchmark."""
    n_tokens = min(config.max_tokens * n_intents, engine.n_ctx // 2)
    return replace(config, max_tokens=max(config.max_tokens, n_tokens))


def greedy_first(config: Config, n: int) -> tuple[Sampling, ...]:
    """How `n` candidates are drawn unless somebody says otherwise: the first one is the likeliest."""
    temperatures = [0.0] + [config.temperature] * (n - 1)
    return tuple(
        Sampling(config.max_tokens, temperature, config.top_p, seed)
        for seed, temperature in enumerate(temperatures)
    )


def _no_code(language: str) -> tuple[str, ...]:
    """What nothing begins with that does something: blanks, comments, docstrings."""
    known = row(language)
    blocks = (begin for begin, _ in known.block_comments)
    strings = (quotes.begin for quotes in known.quotes if quotes.lines and quotes.begin[1:])
    return (" ", "\t", "\n", "\r", *map(str.rstrip, known.line_comments), *blocks, *strings)


def _extent(request: Request, context: Context) -> tuple[Extent, str]:
    decision = extent_at(context, invoked=request.invoked, just_deleted=request.just_deleted)
    if request.single_line and decision.extent is Extent.BLOCK:
        return Extent.LINE, "a single line spares the machine"
    return decision.extent, decision.reason
