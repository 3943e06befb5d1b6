"""The whole flow on one page: a document and an offset become candidates."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen_lsp.config import Config
from codegen_lsp.context import Context, gather, newline
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling, Stats, Stop, mean_logprob
from codegen_lsp.extent import Extent, extent_at
from codegen_lsp.postprocess import clean, is_complete, whole_lines
from codegen_lsp.prompt import render
from codegen_lsp.rank import rank
from codegen_lsp.syntax import Parsed


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: up to `n` candidates for the cursor at `offset`; by a person (`invoked`), or
    because one types, perhaps after something was `just_deleted`."""

    document: Document
    offset: int
    n: int = 1
    invoked: bool = False
    just_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known from earlier requests about the same document, to do less now."""

    parsed: Parsed | None = None


NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Completion:
    """Candidates, best first; what they were made from, and what that cost; and why they are so many
    and so long, in a few words."""

    candidates: tuple[Candidate, ...] = ()
    reason: str = ""
    prompt: Prompt | None = None
    stats: Stats = field(default_factory=Stats)
    known: Known = field(default_factory=Known)


@dataclass(slots=True)
class _Written:
    """A candidate while it is being written."""

    text: str = ""
    logprobs: list[float] = field(default_factory=list)


def complete(
    request: Request, engine: Engine, config: Config, cancel: Cancel, known: Known = NOTHING
) -> Completion:
    """Candidates for a cursor: a greedy one, and the others sampled."""
    context = gather(request.document, request.offset, known.parsed)
    if context is None:
        return Completion(reason="a binary file or an overlong line")
    known = Known(context.parsed)
    decision = extent_at(context, invoked=request.invoked, just_deleted=request.just_deleted)
    if decision.extent is Extent.NOTHING:
        return Completion(reason=decision.reason, known=known)
    prompt = prompt_for(context, engine, config)
    written = [_Written() for _ in range(request.n)]
    generation = engine.generate(prompt, _samplings(config, request.n), cancel)
    for token in generation:
        candidate = written[token.candidate]
        candidate.text += token.text
        candidate.logprobs.append(token.logprob)
        if is_complete(candidate.text[len(prompt.heal) :], context, decision.extent):
            generation.stop(token.candidate)
    stats = generation.stats
    if cancel.is_set():
        return Completion((), "cancelled", prompt, stats, known)
    eol = newline(request.document)
    candidates = [
        _cleaned(candidate, stop, prompt, context, decision.extent, eol)
        for candidate, stop in zip(written, stats.stops, strict=True)
    ]
    return Completion(rank(candidates, context), decision.reason, prompt, stats, known)


def n_ctx_for(config: Config) -> int:
    """How many tokens the longest prompt and the longest candidate behind it have together."""
    return config.prompt_tokens + config.max_tokens + 1


def prompt_for(context: Context, engine: Engine, config: Config) -> Prompt:
    """The prompt, with room left behind it for the longest candidate."""
    budget = max(1, min(config.prompt_tokens, engine.n_ctx - config.max_tokens - 1))
    return render(context, engine.tokenize, budget)


def _samplings(config: Config, n: int) -> list[Sampling]:
    temperatures = [0.0] + [config.temperature] * (n - 1)
    return [
        Sampling(config.max_tokens, temperature, config.top_p, seed)
        for seed, temperature in enumerate(temperatures)
    ]


def _cleaned(
    written: _Written, stop: Stop, prompt: Prompt, context: Context, extent: Extent, eol: str
) -> Candidate:
    text = whole_lines(written.text) if stop == "length" else written.text
    shown = clean(text[len(prompt.heal) :], context, extent).replace("\n", eol)
    return Candidate(shown, mean_logprob(written.logprobs), len(written.logprobs), stop)
