"""How candidates for an intent are drawn, and which is offered first."""

from __future__ import annotations

import pytest

from codegen_lsp.choose import Scores, Weights, goodness, mark, samplings
from codegen_lsp.config import Config
from codegen_lsp.engine import Sampling


@pytest.mark.parametrize(
    ("n", "first_seed", "temperatures"),
    [(1, 0, [0.2]), (3, 0, [0.2, 0.6, 0.6]), (3, 3, [0.6] * 3), (11, 1, [0.8] * 11)],
)
def test_candidates_are_drawn_at_the_papers_temperatures(
    n: int, first_seed: int, temperatures: list[float]
) -> None:
    drawn = samplings(n, Config(max_tokens=7, top_p=0.9, temperature=1.5), first_seed)
    assert drawn == tuple(
        Sampling(7, temperature, 0.9, seed)
        for seed, temperature in enumerate(temperatures, first_seed)
    )


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(Scores(-0.4), Scores(-0.5), id="the surer one"),
        pytest.param(Scores(-0.5), Scores(-0.4, fit=-0.5), id="names that are there"),
        pytest.param(Scores(-0.9, -4.0), Scores(-0.5, -9.0), id="what the intent says"),
        pytest.param(Scores(-9.0, n_passed=1, n_examples=2), Scores(-0.1), id="an example"),
        pytest.param(
            Scores(-9.0, n_passed=2, n_examples=2),
            Scores(-0.1, n_passed=1, n_examples=2),
            id="two examples",
        ),
        pytest.param(
            Scores(-0.1, n_passed=1, n_examples=2),
            Scores(-0.5, n_passed=1, n_examples=2),
            id="the surer one of those that pass as many",
        ),
    ],
)
def test_one_is_better_than_another(better: Scores, worse: Scores) -> None:
    weights = Weights(back=0.5)
    assert goodness(better, weights) > goodness(worse, weights)


def test_a_mark_says_how_many_examples_hold() -> None:
    assert mark(Scores(-0.5, n_passed=1, n_examples=2)) == "1/2 examples"
    assert mark(Scores(-0.5)) == mark(None) == ""
