"""Whether an intent is clear to a model: how much its words surprise it.

Where a prompt's perplexity is high, models fail more often (Nijkamp et al. 2022, section 4.4). From
which perplexity on that is so depends on the model: `benchmarks/clarity.py` measures it. For the
embedded model the answer is: from none.
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

    Right before the code is generated this costs next to nothing, as what is evaluated for it the
    generation need not: 0.3 s for 18 tokens with a 350M model on two cores, by which 48 tokens of
    answer come sooner (1.3 s with their comment); 16 ms with the embedded model. Afterwards it takes
    0.2 s, and 0.5 s more when the answer is accepted, which the engine then has to read again.
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
