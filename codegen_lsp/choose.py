"""Several candidates for one intent: how they are drawn, and which of them is offered first."""

from __future__ import annotations

from dataclasses import dataclass

from codegen_lsp.config import Config
from codegen_lsp.engine import Sampling

# The temperature of the very first candidate, and of others where so many at most are drawn: those with
# which the paper measured pass@1, pass@10 and pass@100 (Nijkamp et al. 2022, section 3.3).
FIRST = 0.2
OTHERS = ((10, 0.6), (100, 0.8))


@dataclass(frozen=True, slots=True)
class Scores:
    """What is known of a candidate, in natural logarithms of probabilities a token: its own, the
    intent's where the code is given (`backward`), and what its names and brackets are worth (`rank`);
    and how many of the intent's examples it passes, if it was run against them."""

    mean_logprob: float
    back: float | None = None
    n_passed: int = 0
    n_examples: int = 0
    fit: float = 0.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much of each counts.

    Measured as in `benchmarks/choosing.py` with the embedded model, which rarely knows what people want:
    twice three candidates for some 500 comments and docstrings of marshmallow, sqlparse and structlog.
    What the file says on its first line one of the three said 42 times in 997. The one that was chosen

    - said it 18 times, and 28.8 % of all characters were the same, if that was done by chance,
    - 29 times (31.0 %) by log-probability, with names and brackets or without,
    - 30 times (31.1 %) with back-translation at 0.2, 31 times (31.4 %) at 1, and with that as a whole 19
      times, not 14. It helps below docstrings (10 and 5), and not below comments (9 and 9).

    The greedy one said it 26 times (31.1 %). With the first one drawn at 0.6, too, the best choice did
    so 22 times (29.7 %).
    """

    mean_logprob: float = 1.0
    fit: float = 1.0
    back: float = 1.0


WEIGHTS = Weights()


def samplings(n: int, config: Config, first_seed: int = 0) -> tuple[Sampling, ...]:
    """How `n` candidates are drawn: each with a seed of its own, by which it can be had again. Seed 0
    makes the very first one for an intent."""
    others = next(each for most, each in OTHERS if n <= most)
    return tuple(
        Sampling(config.max_tokens, others if seed else FIRST, config.top_p, seed)
        for seed in range(first_seed, first_seed + n)
    )


def goodness(scores: Scores, weights: Weights = WEIGHTS) -> tuple[int, float]:
    """What candidates for one intent are ordered by, the greatest first: examples are a specification,
    all else is opinion. That a candidate parses `postprocess` has seen to."""
    opinion = (
        weights.mean_logprob * scores.mean_logprob
        + weights.fit * scores.fit
        + weights.back * (scores.back or 0.0)
    )
    return scores.n_passed, opinion


def mark(scores: Scores | None) -> str:
    """What a person is told of a candidate that was run: "2/2 examples"."""
    if scores is None or not scores.n_examples:
        return ""
    return f"{scores.n_passed}/{scores.n_examples} examples"
