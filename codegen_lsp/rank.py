"""Candidates become fewer, the best first."""

from __future__ import annotations

import re
from collections.abc import Iterable

from codegen_lsp.brackets import missing
from codegen_lsp.context import Context
from codegen_lsp.document import Candidate

IDENTIFIER = re.compile(r"[^\W\d]\w*")
# Not names: inside of strings, and what follows a comment's mark.
QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*|//[^\n]*")
# Characters around the cursor in which names are looked for; it takes a third of a millisecond.
REACH = 16_384


def rank(candidates: Iterable[Candidate], context: Context) -> tuple[Candidate, ...]:
    """Without empty ones, and of those that say nearly the same only the best."""
    best: list[Candidate] = []
    shown = [candidate for candidate in candidates if candidate.text.strip()]
    for candidate in sorted(shown, key=lambda candidate: -candidate.mean_logprob):
        if not any(_say_the_same(candidate.text, other.text) for other in best):
            best.append(candidate)
    return tuple(best)


def _say_the_same(one: str, other: str) -> bool:
    return one == other
