"""What the model itself says of candidates that are written: how likely their intent is given each, and
how clear that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen_lsp.backward import likelihood
from codegen_lsp.choose import WEIGHTS, Scores
from codegen_lsp.clarity import perplexity_of
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine, Prompt
from codegen_lsp.secrets import mask
from codegen_lsp.synthesis import Asked, Proposal, best_first, request_for


def surprise(asked: Asked, prompt: Prompt, engine: Engine, cancel: Cancel) -> float | None:
    """The perplexity of an intent's comment in the prompt that ends with it; None where the flag was
    raised meanwhile. To be asked before the code is: then the prompt is evaluated anyway. Raises
    `EngineError`."""
    text = mask(request_for(asked, ()).document.text)
    found = perplexity_of(prompt, text[asked.start : asked.border], engine, cancel)
    return None if cancel.is_set() else found


def weighed(
    candidates: Sequence[Proposal],
    surprise: float | None,
    cancel: Cancel,
    document: Document,
    engine: Engine,
) -> tuple[Proposal, ...]:
    """The proposals for an intent of such a perplexity with all that their scores say, the best first;
    as they were if the flag is raised meanwhile.

    One costs the tokens of its code and of the intent, evaluated once: a sixth of the time that drawing
    it took (`benchmarks/choosing.py`). Raises `EngineError`.
    """
    intent = mask(candidates[0].asked.intent)

    def scored(proposal: Proposal) -> Proposal:
        scores = proposal.scores or Scores(proposal.origin.mean_logprob)
        if WEIGHTS.back and len(candidates) > 1:
            back = likelihood(intent, proposal.code, document.language, engine, cancel)
            scores = replace(scores, back=back)
        return replace(proposal, scores=scores, perplexity=surprise)

    found = best_first(map(scored, candidates))
    return tuple(candidates) if cancel.is_set() else found
