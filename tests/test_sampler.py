"""Choosing among logits; the drawing is llama.cpp's."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from codegen_lsp.engine import Sampling
from codegen_lsp.healing import Beginning, Vocabulary
from codegen_lsp.sampler import Sampler, log_probability

PIECES = [b"a", b"ab", b"abc", b"b", b"x"]
LOGITS = np.log(np.array([0.1, 0.2, 0.05, 0.15, 0.5], np.float32))


def sampler_of(sampling: Sampling, heal: str = "", *shun: str) -> Sampler:
    return Sampler(sampling, Beginning(Vocabulary(PIECES), heal, shun))


def chosen(sampling: Sampling, heal: str = "", *shun: str, n: int = 1) -> list[int]:
    sampler = sampler_of(sampling, heal, *shun)
    ids = [sampler.choose(LOGITS)[0] for _ in range(n)]
    sampler.close()
    return ids


def test_greedy_takes_the_likeliest() -> None:
    assert chosen(Sampling(8), n=3) == [4, 4, 4]


@pytest.mark.parametrize(
    ("heal", "expected"),
    [
        pytest.param("a", [1, 4], id="a token that begins with it"),
        pytest.param("abcd", [1, 4], id="a token that it begins with"),
        pytest.param("bx", [3, 4], id="token by token"),
        pytest.param("q", [4, 4], id="nothing agrees"),
    ],
)
def test_healing_narrows_the_choice(heal: str, expected: list[int]) -> None:
    assert chosen(Sampling(8), heal, n=2) == expected


@pytest.mark.parametrize(
    ("heal", "shun", "expected"),
    [
        pytest.param("", ("x",), [1, 4], id="the likeliest other one"),
        pytest.param("", ("x", "a"), [3, 4], id="also none that goes on"),
        pytest.param("", ("xx",), [4, 1, 4], id="nor a second half of it"),
        pytest.param("a", ("b",), [0, 4], id="behind what is healed"),
        pytest.param("ab", ("c", "x"), [1, 1, 4], id="behind what is healed by a whole token"),
    ],
)
def test_an_answer_begins_with_nothing_that_is_shunned(
    heal: str, shun: tuple[str, ...], expected: list[int]
) -> None:
    assert chosen(Sampling(8), heal, *shun, n=len(expected)) == expected
    drawn = Sampling(8, temperature=1.0, top_p=1.0, seed=3)
    texts = (b"".join(PIECES[id_] for id_ in chosen(drawn, heal, *shun, n=3)) for _ in range(50))
    assert not any(
        text[len(heal) :].startswith(tuple(each.encode() for each in shun)) for text in texts
    )


def test_the_probability_is_among_what_is_allowed() -> None:
    sampler = sampler_of(Sampling(8), "a")
    before = sampler.is_beginning
    id_, logprob = sampler.choose(LOGITS)
    assert (before, sampler.is_beginning) == (True, False)
    assert np.exp(logprob) == pytest.approx(0.2 / 0.35, rel=1e-5)
    assert np.exp(log_probability(LOGITS, id_)) == pytest.approx(0.2, rel=1e-5)


def test_draws_follow_the_probabilities_and_the_seed() -> None:
    how = Sampling(8, temperature=1.0, top_p=1.0, seed=7)
    ids = chosen(how, n=4000)
    assert ids == chosen(how, n=4000)
    shares = {id_: n / len(ids) for id_, n in Counter(ids).items()}
    assert shares == pytest.approx({0: 0.1, 1: 0.2, 2: 0.05, 3: 0.15, 4: 0.5}, abs=0.03)


def test_top_p_leaves_the_unlikely_out() -> None:
    ids = chosen(Sampling(8, temperature=1.0, top_p=0.6, seed=1), n=500)
    assert set(ids) == {1, 4}
