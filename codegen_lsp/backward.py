"""Back-translation: how likely an intent is, given the code that was written for it.

Codex's paper trains a model of its own for that (Chen et al. 2021, section 5); here the same model is
asked, by a comment below the code. Of seven other forms of asking, none was better by more than chance
(`benchmarks/back_translation.py`).
"""

from __future__ import annotations

from codegen_lsp.engine import Cancel, Engine, mean_logprob
from codegen_lsp.history import comment

# Tokens that are read of the code, its first, and of the intent: so much a candidate costs at most.
# HumanEval's longest solution has some 250.
MAX_CODE, MAX_INTENT = 512, 64


def likelihood(intent: str, code: str, language: str, engine: Engine, cancel: Cancel) -> float:
    """The mean natural log-probability of the intent's tokens, given the code.

    That costs the tokens of both, evaluated once: for some 100, 0.6 s with a 350M model on two cores,
    0.05 s with the embedded one. For another intent of the same code it costs only its own.
    Candidates for one intent can be compared by it. To compare intents, subtract from each what it has
    with no code: some are likelier than others whatever the code says. Once the flag is raised, the
    value says nothing. Raises `EngineError`.
    """
    given, asked = tokens(intent, code, language, engine)
    return mean_logprob(engine.score(given + asked, len(given), cancel))


def tokens(intent: str, code: str, language: str, engine: Engine) -> tuple[list[int], list[int]]:
    """Those of the code and the comment's mark, and those of the intent, which has one line there."""
    n_left = engine.n_ctx - 1
    written = comment(" ".join(intent.split()), language)
    mark, _, words = written.partition(" ")
    asked = engine.tokenize(f" {words}".rstrip())[: min(MAX_INTENT, n_left // 2)]
    opened = engine.tokenize(f"\n{mark}")
    n_left -= len(asked) + len(opened)
    answer = engine.tokenize(code.strip("\n") + "\n")[: max(0, min(MAX_CODE, n_left))]
    return answer + opened, asked
