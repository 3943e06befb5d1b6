from __future__ import annotations

from codegen_lsp.document import Candidate
from codegen_lsp.rank import rank
from tests.marked import context_at


def candidate(text: str, mean_logprob: float) -> Candidate:
    return Candidate(text, mean_logprob, 1, "eos")


def test_the_surest_comes_first_and_equal_ones_are_one() -> None:
    given = [candidate("a", -2), candidate("b", -1), candidate("a", -0.5), candidate(" \n", 0)]
    assert rank(given, context_at("<CURSOR>")) == (candidate("a", -0.5), candidate("b", -1))
