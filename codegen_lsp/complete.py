"""The whole flow on one page: a document and an offset become candidates."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from codegen_lsp.config import Config
from codegen_lsp.context import Context, gather
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling, Stats, Stop, Token, mean_logprob
from codegen_lsp.extent import COMPLETE, Extent, extent_at
from codegen_lsp.languages import row
from codegen_lsp.layout import Layout
from codegen_lsp.normal import normal
from codegen_lsp.postprocess import clean, is_complete, whole_lines
from codegen_lsp.prompt import Rendered, render
from codegen_lsp.rank import rank
from codegen_lsp.secrets import until_secret
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.syntax import Parsed, adds_error, parses, parses_afresh
from codegen_lsp.talk import SILENCE, Talk


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

# Tokens of a candidate before its confidence is asked for: the first one is the hardest to guess.
N_SEEN = 2
# The probability, the product of all tokens', from which on a statement that has opened a bracket goes
# on on another line. Of 149 right suggestions in 2,245 places none was lost by it.
ANOTHER_LINE = 0.1


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


def ignore(_: str) -> None:
    """Nobody listens."""


def complete(
    request: Request,
    engine: Engine,
    config: Config,
    cancel: Cancel,
    known: Known = NOTHING,
    hear: Callable[[str], None] = ignore,
) -> Completion:
    """Candidates for a cursor. `hear` is told what the first one says so far, at each of its tokens."""
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
    samplings = tuple(drawn) or _samplings(config, request.n)
    written = [_Written(context, extent, len(prompt.heal), doubt, least) for _ in samplings]
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
    ranked = rank(candidates, replace(context, chunks=rendered.layout.chunks))
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
    budget = max(1, min(config.prompt_tokens, engine.n_ctx - config.max_tokens - 1))
    tokenize, infill = engine.tokenize, engine.infill
    return render(context, tokenize, budget, layout, infill, fresh=fresh, asked=asked)


def _with_room(config: Config, n_intents: int, engine: Engine) -> Config:
    """Settings for an answer to several intents: as long as one to each, in half of what a model can
    have before it, as in the paper's benchmark."""
    n_tokens = min(config.max_tokens * n_intents, engine.n_ctx // 2)
    return replace(config, max_tokens=max(config.max_tokens, n_tokens))


def _samplings(config: Config, n: int) -> tuple[Sampling, ...]:
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


class _Written:
    """A candidate while it is being written."""

    def __init__(
        self, context: Context, extent: Extent, n_healed: int, doubt: float, least: float
    ) -> None:
        self._context, self._extent = context, extent
        self._n_healed = n_healed
        self._doubt = doubt  # the least mean log-probability worth showing
        self._least = least  # and the least log-probability of all of it
        self._is_given_up = False
        self._text = ""
        self._ends: list[int] = []  # of each token, in the text
        self._logprobs: list[float] = []
        self._n_sure = 0  # characters up to the last line's end at which it was sure enough

    @property
    def shown(self) -> str:
        """What stands behind the text that was taken back."""
        return self._text[self._n_healed :]

    def ends_with(self, token: Token) -> bool:
        """Take a token; say whether the ones behind it would not be shown."""
        if "\n" in token.text and self.is_sure:
            self._n_sure = len(self._text) + token.text.index("\n")
        self._text += token.text
        self._ends.append(len(self._text))
        self._logprobs.append(token.logprob)
        is_lost = len(self._logprobs) >= N_SEEN and not self.is_sure
        is_unasked = self._doubt > -math.inf
        if "\n" in token.text and self._extent is Extent.LINE and is_unasked:
            is_lost |= sum(self._logprobs) < math.log(ANOTHER_LINE)
        if is_lost or is_complete(self.shown, self._context, self._extent):
            return True
        self._is_given_up = sum(self._logprobs) < self._least
        return self._is_given_up

    def cleaned(self, stop: Stop) -> Candidate:
        """What is left to be shown of it, and of which tokens that is made."""
        text = whole_lines(self._text) if stop == "length" else self._text
        if not self.is_sure:
            text = text[: self._n_sure]
        # First, or the quote in front of the secret would be left open.
        text = until_secret(text[self._n_healed :], self._context.line_before)
        shown = "" if self._is_given_up else clean(text, self._context, self._extent)
        n_kept = bisect_left(self._ends, self._n_healed + len(shown)) + 1 if shown else 0
        return Candidate(
            self._context.restored(shown), mean_logprob(self._logprobs[:n_kept]), n_kept, stop
        )

    @property
    def is_sure(self) -> bool:
        return mean_logprob(self._logprobs) >= self._doubt
