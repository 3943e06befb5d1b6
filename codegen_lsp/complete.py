"""The whole flow on one page: a document and an offset become candidates."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen_lsp.config import Config
from codegen_lsp.context import Context, gather, newline
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling, Stats, Stop, mean_logprob
from codegen_lsp.postprocess import clean, is_complete, whole_lines
from codegen_lsp.prompt import render
from codegen_lsp.rank import rank


@dataclass(frozen=True, slots=True)
class Completion:
    """Candidates, best first; what they were made from, and what that cost."""

    candidates: tuple[Candidate, ...] = ()
    prompt: Prompt | None = None
    stats: Stats = field(default_factory=Stats)


@dataclass(slots=True)
class _Written:
    """A candidate while it is being written."""

    text: str = ""
    logprobs: list[float] = field(default_factory=list)


def complete(
    document: Document, offset: int, engine: Engine, config: Config, n: int, cancel: Cancel
) -> Completion:
    """Up to `n` candidates for the cursor at `offset`: a greedy one, and the others sampled."""
    context = gather(document, offset)
    if context is None:
        return Completion()
    prompt = prompt_for(context, engine, config)
    written = [_Written() for _ in range(n)]
    generation = engine.generate(prompt, _samplings(config, n), cancel)
    for token in generation:
        candidate = written[token.candidate]
        candidate.text += token.text
        candidate.logprobs.append(token.logprob)
        if is_complete(candidate.text[len(prompt.heal) :], context):
            generation.stop(token.candidate)
    stats = generation.stats
    if cancel.is_set():
        return Completion((), prompt, stats)
    eol = newline(document)
    candidates = [
        _cleaned(candidate, stop, prompt, context, eol)
        for candidate, stop in zip(written, stats.stops, strict=True)
    ]
    return Completion(rank(candidates), prompt, stats)


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
    written: _Written, stop: Stop, prompt: Prompt, context: Context, eol: str
) -> Candidate:
    text = whole_lines(written.text) if stop == "length" else written.text
    shown = clean(text[len(prompt.heal) :], context).replace("\n", eol)
    return Candidate(shown, mean_logprob(written.logprobs), len(written.logprobs), stop)
