"""The whole flow on one page: a document and an offset become candidates."""

from __future__ import annotations

from dataclasses import dataclass

from codegen_lsp.config import Config
from codegen_lsp.context import Context, gather, newline
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling, Stats
from codegen_lsp.postprocess import clean, is_complete, whole_lines
from codegen_lsp.prompt import render
from codegen_lsp.rank import rank


@dataclass(frozen=True, slots=True)
class Completion:
    """Candidates, best first, and what they were made from; one `Stats` for each generation."""

    candidates: tuple[Candidate, ...] = ()
    prompt: Prompt | None = None
    stats: tuple[Stats, ...] = ()


def complete(
    document: Document, offset: int, engine: Engine, config: Config, n: int, cancel: Cancel
) -> Completion:
    """Up to `n` candidates for the cursor at `offset`: a greedy one, and the others sampled."""
    context = gather(document, offset)
    if context is None:
        return Completion()
    budget = max(1, min(config.prompt_tokens, engine.n_ctx - config.max_tokens - 1))
    prompt = render(context, engine.tokenize, budget)
    eol = newline(document)
    candidates, stats = [], []
    for seed in range(n):
        temperature = config.temperature if seed else 0.0
        sampling = Sampling(config.max_tokens, temperature, config.top_p, seed)
        candidates.append(_candidate(context, prompt, sampling, engine, cancel, eol))
        stats.append(engine.stats)
    return Completion(() if cancel.is_set() else rank(candidates), prompt, tuple(stats))


def _candidate(
    context: Context, prompt: Prompt, sampling: Sampling, engine: Engine, cancel: Cancel, eol: str
) -> Candidate:
    text, logprobs = "", []
    tokens = engine.generate(prompt, sampling, cancel)
    for token in tokens:
        text += token.text
        logprobs.append(token.logprob)
        if is_complete(text[len(prompt.heal) :], context):
            break
    tokens.close()
    stop = engine.stats.stop
    written = whole_lines(text) if stop == "length" else text
    shown = clean(written[len(prompt.heal) :], context).replace("\n", eol)
    mean_logprob = sum(logprobs) / max(1, len(logprobs))
    return Candidate(shown, mean_logprob, len(logprobs), stop)
