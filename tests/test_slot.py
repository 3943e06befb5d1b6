"""Slots on the real llama.cpp: what is kept, what is forgotten, and that no answer tells of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen_lsp.engine import Cancel, EngineError, Prompt, Sampling, Stats, Token, mean_logprob
from codegen_lsp.llama import MAX_LOST, LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH

SOURCES = sorted(Path(__file__).parent.parent.glob("codegen_lsp/*.py"))
ONE_SLOT_MB, TWO_SLOTS_MB = 13, 29  # of the embedded model


@pytest.fixture(scope="module")
def engine() -> Iterator[LlamaEngine]:
    engine = LlamaEngine(EMBEDDED_PATH, exact=True)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def forgetful() -> Iterator[LlamaEngine]:
    """The reference: nothing that it answers rests on anything that it was asked before."""
    engine = LlamaEngine(EMBEDDED_PATH, exact=True, kv_mb=ONE_SLOT_MB, speculate=False)
    assert engine.footprint.n_slots == 1
    yield engine
    engine.close()


def forget(engine: LlamaEngine) -> None:
    engine.warm(engine.tokenize("€"), Cancel())


def tokens_of(engine: LlamaEngine, name: str, n_tokens: int) -> tuple[int, ...]:
    """The beginning of one of our own files."""
    path = next(path for path in SOURCES if path.stem == name)
    return tuple(engine.tokenize(path.read_text("utf-8"))[:n_tokens])


def ask(
    engine: LlamaEngine, tokens: Sequence[int], *samplings: Sampling, heal: str = ""
) -> tuple[list[list[Token]], Stats]:
    """The tokens of each candidate; a greedy one of 8 tokens unless told otherwise."""
    samplings = samplings or (Sampling(8),)
    answers: list[list[Token]] = [[] for _ in samplings]
    generation = engine.generate(Prompt("", tuple(tokens), heal), samplings, Cancel())
    for token in generation:
        answers[token.candidate].append(token)
    return answers, generation.stats


def n_evaluated(engine: LlamaEngine, tokens: Sequence[int]) -> int:
    stats = ask(engine, tokens)[1]
    return stats.n_prompt - stats.n_reused


def test_going_to_another_document_and_back_evaluates_nothing(engine: LlamaEngine) -> None:
    one, other = tokens_of(engine, "server", 900), tokens_of(engine, "session", 900)
    ask(engine, one)
    ask(engine, other)
    assert n_evaluated(engine, one) == 0
    assert n_evaluated(engine, other) == 0


def test_going_up_in_a_document_and_back_evaluates_nothing(engine: LlamaEngine) -> None:
    whole = tokens_of(engine, "config", 800)
    ask(engine, whole)
    assert n_evaluated(engine, whole[:500]) <= 1
    assert n_evaluated(engine, whole[:500]) == 0
    assert n_evaluated(engine, (*whole[:500], 13, 13)) == 2
    assert n_evaluated(engine, whole) == 0


def test_the_answer_is_kept_with_its_prompt(engine: LlamaEngine, forgetful: LlamaEngine) -> None:
    tokens = tokens_of(engine, "document", 120)
    answer = ask(engine, tokens)[0][0]
    accepted = (*tokens, *(token.id for token in answer))
    assert n_evaluated(engine, accepted) == 1  # the last one was said and not evaluated
    ask(engine, tokens)
    for prompt in (accepted[:-1], accepted, accepted[:-1], tokens[:90], tokens[:90], tokens):
        forget(forgetful)
        assert ask(engine, prompt)[0] == ask(forgetful, prompt)[0]


def test_what_a_few_keys_changed_takes_no_slot_of_its_own(engine: LlamaEngine) -> None:
    others = [tokens_of(engine, name, 300) for name in ("context", "models", "native")]
    for tokens in others:
        ask(engine, tokens)
    typed = tokens_of(engine, "position", 400)
    for n_tokens in range(len(typed), len(typed) - MAX_LOST, -3):
        ask(engine, (*typed[:n_tokens], 13))
    assert [n_evaluated(engine, tokens) for tokens in others] == [0, 0, 0]


def test_the_slot_that_was_not_used_for_the_longest_time_is_given_up() -> None:
    engine = LlamaEngine(EMBEDDED_PATH, kv_mb=TWO_SLOTS_MB)
    assert engine.footprint.n_slots == 2
    one, two, three = (tokens_of(engine, name, 300) for name in ("server", "session", "config"))
    for tokens in (one, two, one, three):
        ask(engine, tokens)
    assert n_evaluated(engine, one) == 0
    assert n_evaluated(engine, two) > 200
    engine.close()


@pytest.mark.parametrize(("kv_mb", "n_ctx"), [(2, 256), (10, 1536), (50, 2048), (512, 2048)])
def test_the_kv_cache_stays_below_its_bound(kv_mb: int, n_ctx: int) -> None:
    engine = LlamaEngine(EMBEDDED_PATH, kv_mb=kv_mb)
    assert engine.n_ctx == n_ctx
    assert 0 < engine.footprint.kv_cache <= kv_mb * 1_000_000
    ask(engine, tokens_of(engine, "server", engine.n_ctx - 20))
    with pytest.raises(EngineError, match="raise kvCacheMb"):
        ask(engine, tokens_of(engine, "server", 100) * 50)
    engine.close()


def test_slots_are_no_larger_than_what_is_asked_for() -> None:
    short, long = (LlamaEngine(EMBEDDED_PATH, kv_mb=40, n_ctx=n_ctx) for n_ctx in (700, 2048))
    assert short.n_ctx == 700
    assert short.footprint.n_slots > long.footprint.n_slots
    short.close()
    long.close()


def test_a_prompt_that_was_warmed_up_is_there(engine: LlamaEngine) -> None:
    tokens = tokens_of(engine, "syntax", 500)
    assert engine.warm(tokens, Cancel()) >= 490
    assert engine.warm(tokens, Cancel()) == 0
    assert n_evaluated(engine, tokens) == 0
    answer = ask(engine, tokens)[0][0]
    assert engine.warm(tokens, Cancel()) == 0
    assert n_evaluated(engine, (*tokens, *(token.id for token in answer))) == 1
    cancel = Cancel()
    cancel.set()
    assert engine.warm(tokens_of(engine, "doctor", 500), cancel) == 0


def test_candidates_side_by_side_are_what_they_are_alone(engine: LlamaEngine) -> None:
    tokens = tokens_of(engine, "engine", 300)
    samplings = [Sampling(24), *(Sampling(24, 0.8, seed=seed) for seed in (1, 2, 3))]
    together, stats = ask(engine, tokens, *samplings, heal="    ")
    for index, sampling in enumerate(samplings):
        alone = ask(engine, tokens, sampling, heal="    ")[0][0]
        assert [(token.id, token.logprob) for token in together[index]] == [
            (token.id, token.logprob) for token in alone
        ]
    assert len({tuple(token.id for token in answer) for answer in together}) == 4
    assert stats.n_generated == sum(map(len, together))


def test_each_candidate_ends_on_its_own(engine: LlamaEngine) -> None:
    tokens = tokens_of(engine, "engine", 200)
    samplings = [Sampling(20), Sampling(3, 0.8, seed=1), Sampling(20, 0.8, seed=2, stop=("\n",))]
    whole = ask(engine, tokens, *samplings)[0]
    generation = engine.generate(Prompt("", tokens), samplings, Cancel())
    n_first = 0
    answers: list[list[Token]] = [[], [], []]
    for token in generation:
        answers[token.candidate].append(token)
        n_first += token.candidate == 0
        if n_first == 5:
            generation.stop(0)
    assert answers[0] == whole[0][:5]
    assert answers[1:] == whole[1:]
    assert generation.stats.stops[0] == "consumer"
    assert generation.stats.stops[1] == "length"


def test_scores_are_the_logprobs_of_the_answer(engine: LlamaEngine) -> None:
    tokens = tokens_of(engine, "rank", 150)
    answer = ask(engine, tokens, Sampling(40))[0][0]
    forget(engine)
    scores = engine.score([*tokens, *(token.id for token in answer)], len(tokens), Cancel())
    assert scores == pytest.approx([token.logprob for token in answer])
    code, salad = tokens_of(engine, "rank", 150), tuple(reversed(tokens_of(engine, "rank", 150)))
    likely, unlikely = (mean_logprob(engine.score(some, 1, Cancel())) for some in (code, salad))
    assert unlikely < likely - 1
    assert len(engine.score(code, 1, Cancel())) == len(code) - 1
    assert engine.score(code, len(code), Cancel()) == ()


def test_scoring_ends_when_the_flag_is_raised(engine: LlamaEngine) -> None:
    cancel = Cancel()
    cancel.set()
    assert engine.score(tokens_of(engine, "rank", 150), 1, cancel) == ()


@given(
    st.sampled_from(SOURCES),
    st.integers(0, 6000),
    st.integers(1, 400),
    st.sampled_from(["", "", "    ", "re", "        self."]),
    st.integers(1, 3),
    st.one_of(st.none(), st.floats(0.0, 0.06)),
)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_can_tell_what_was_asked_before(
    engine: LlamaEngine,
    forgetful: LlamaEngine,
    source: Path,
    start: int,
    n_tokens: int,
    heal: str,
    n_candidates: int,
    cancelled_after: float | None,
) -> None:
    """An engine that reuses, guesses, decodes side by side and was cancelled at some moment before
    answers to the bit what a fresh one does that decodes token by token."""
    text = source.read_text("utf-8")
    tokens = engine.tokenize(text[start % len(text) :])[:n_tokens]
    if cancelled_after is not None:
        cancel = Cancel()
        timer = threading.Timer(cancelled_after, cancel.set)
        timer.start()
        for _ in engine.generate(Prompt("", tuple(tokens), heal), [Sampling(24)], cancel):
            pass
        timer.join()
    samplings = [Sampling(16), *(Sampling(16, 0.8, seed=n) for n in range(1, n_candidates))]
    answers = ask(engine, tokens, *samplings, heal=heal)[0]
    forget(forgetful)
    expected = ask(forgetful, tokens, Sampling(16), heal=heal)[0][0]
    assert answers[0] == expected
