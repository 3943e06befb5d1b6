"""Whether an intent is clear to a model: how much its words surprise it.

Where a prompt's perplexity is high, models fail more often (Nijkamp et al. 2022, section 4.4). From
which perplexity on that is so depends on the model: `benchmarks/clarity.py` measures it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from codegen_lsp.engine import Cancel, Engine, Prompt, mean_logprob
from codegen_lsp.models import unclear_from


def perplexity(
    prompt_tokens: Sequence[int], n_intent_tokens: int, engine: Engine, cancel: Cancel
) -> float:
    """That of a prompt's last tokens, given those before them: exp of the negative mean log-probability.

    Before the code is generated it costs next to nothing, as what is evaluated for it the generation
    need not; afterwards the intent's tokens once more, and those of the answer when it is accepted.
    Raises `EngineError`.
    """
    return math.exp(-mean_logprob(intent_logprobs(prompt_tokens, n_intent_tokens, engine, cancel)))


def perplexity_of(prompt: Prompt, comment: str, engine: Engine, cancel: Cancel) -> float:
    """That of a comment with which the text of a prompt ends, marks and line end included, as it stands
    in its document."""
    # Between prompt and answer stands what is behind the cursor, for a model that reads that.
    tokens = prompt.tokens if engine.infill is None else engine.tokenize(prompt.text)
    return perplexity(tokens, len(engine.tokenize(comment.strip() + "\n")), engine, cancel)


def intent_logprobs(
    prompt_tokens: Sequence[int], n_intent_tokens: int, engine: Engine, cancel: Cancel
) -> tuple[float, ...]:
    """The natural logarithms of the probabilities of a prompt's last tokens, given those before them;
    but for its very first one, of which a model says nothing."""
    return engine.score(prompt_tokens, max(1, len(prompt_tokens) - n_intent_tokens), cancel)


def is_unclear(perplexity: float, model: str) -> bool:
    """Whether it is so high that a model's code is likely wrong; never for a model that was not
    measured."""
    threshold = unclear_from(model)
    return threshold is not None and perplexity >= threshold
