"""The engine on the real llama.cpp with the embedded model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen_lsp.engine import Cancel, EngineError, Generation, Prompt, Sampling, Stats, Token
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from codegen_lsp.slot import N_BATCH
from tests.conftest import write_random_phi2

CODE = '''import json


def load(path):
    """Read a JSON file."""
    with open(path) as file:
'''


@pytest.fixture(scope="module")
def engine() -> Iterator[LlamaEngine]:
    """With one slot, so that another prompt makes it forget, and to the bit (see `exact`)."""
    engine = LlamaEngine(EMBEDDED_PATH, kv_mb=13, exact=True)
    assert engine.footprint.n_slots == 1
    yield engine
    engine.close()


def prompt(engine: LlamaEngine, text: str, heal: str = "") -> Prompt:
    return Prompt(text, tuple(engine.tokenize(text)), heal)


def generate(
    engine: LlamaEngine, text: str, heal: str = "", *, max_tokens: int = 16, **how: object
) -> Generated:
    sampling = Sampling(max_tokens, **how)  # type: ignore[arg-type]
    return generated(engine.generate(prompt(engine, text, heal), [sampling], Cancel()))


class Generated(NamedTuple):
    tokens: list[Token]
    stats: Stats

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)


def generated(generation: Generation) -> Generated:
    tokens = list(generation)
    return Generated(tokens, generation.stats)


def forget(engine: LlamaEngine) -> None:
    """Fill the KV cache with something that shares nothing with what follows."""
    generate(engine, "€", max_tokens=1)


def test_it_writes_python(engine: LlamaEngine) -> None:
    answer = generate(engine, CODE, "        ", stop=("\n",))
    assert answer.text.startswith("        ")
    compile(CODE + answer.text + "\n", "completed", "exec")
    assert answer.stats.stops == ("stop",)


def test_what_was_evaluated_is_not_evaluated_again(engine: LlamaEngine) -> None:
    forget(engine)
    fresh = generate(engine, CODE)
    assert fresh.stats.n_reused == 0
    again = generate(engine, CODE)
    assert again.stats.n_reused == again.stats.n_prompt
    assert again.tokens == fresh.tokens
    longer = generate(engine, CODE + "        data")
    assert longer.stats.n_reused >= len(engine.tokenize(CODE)) - 1
    shorter = generate(engine, CODE[:60])
    assert shorter.stats.n_reused >= len(engine.tokenize(CODE[:60])) - 2
    forget(engine)
    assert generate(engine, CODE + "        data").tokens == longer.tokens
    forget(engine)
    assert generate(engine, CODE[:60]).tokens == shorter.tokens


def test_sampling_is_reproducible_by_its_seed(engine: LlamaEngine) -> None:
    first, second, other = (
        generate(engine, CODE, temperature=1.5, seed=seed).text for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


def test_logprobs_are_of_the_likeliest_token_when_greedy(engine: LlamaEngine) -> None:
    greedy = generate(engine, CODE, max_tokens=1).tokens[0]
    sampled = [
        generate(engine, CODE, max_tokens=1, temperature=2.0, seed=s).tokens[0] for s in range(8)
    ]
    assert greedy.logprob <= 0
    assert all(token.logprob <= greedy.logprob for token in sampled)


@pytest.mark.parametrize("heal", ["    ", " ", "\t\t", "ret", "é漢😀", "        self.pa"])
def test_the_answer_begins_with_what_was_taken_back(engine: LlamaEngine, heal: str) -> None:
    text = generate(engine, "def f(self):\n", heal, max_tokens=24).text
    assert text.startswith(heal)


@pytest.mark.parametrize("heal", ["", "    "])
def test_an_answer_begins_with_nothing_that_is_shunned(engine: LlamaEngine, heal: str) -> None:
    text = "import os\n\n# read the file\n"
    free = Prompt(text, tuple(engine.tokenize(text)), heal)
    bound = replace(free, shun=(" ", "\n", "#", *first_words(engine, free)))
    assert not first_words(engine, bound)[0].startswith(bound.shun)
    for seed in range(5):
        drawn = Sampling(4, temperature=2.0, top_p=1.0, seed=seed)
        said = "".join(token.text for token in engine.generate(bound, [drawn], Cancel()))
        assert not said.removeprefix(heal).startswith(bound.shun)


def first_words(engine: LlamaEngine, prompt: Prompt) -> tuple[str, ...]:
    """What a greedy answer begins with, behind what is healed."""
    tokens = engine.generate(prompt, [Sampling(3)], Cancel())
    return ("".join(token.text for token in tokens).removeprefix(prompt.heal),)


@given(st.text("aé漢😀\n \t", min_size=1, max_size=12))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_characters_split_over_tokens_come_out_whole(engine: LlamaEngine, heal: str) -> None:
    """Every byte of these characters is a token of its own to the embedded model."""
    assert generate(engine, "x = '", heal, max_tokens=60).text.startswith(heal)


def test_a_stop_string_ends_the_answer(engine: LlamaEngine) -> None:
    whole = generate(engine, CODE, "        ", max_tokens=24).text
    stop = whole[12:15]
    cut = generate(engine, CODE, "        ", max_tokens=24, stop=(stop,)).text
    assert cut == whole[: whole.index(stop)]


def test_a_cancellation_acts_inside_one_batch_and_keeps_what_was_done(engine: LlamaEngine) -> None:
    """The prompt is one batch for llama.cpp. When the flag is raised at ever later moments of its
    evaluation, some of them must leave a part of it evaluated, and no part may spoil the answer."""
    text = CODE * 14
    one_batch = prompt(engine, text)
    assert 300 < len(one_batch.tokens) <= N_BATCH
    expected = generate(engine, text).text
    forget(engine)
    begun = time.perf_counter()
    generate(engine, text, max_tokens=1)
    whole = time.perf_counter() - begun
    n_reused = set()
    for part in range(1, 20):
        forget(engine)
        cancel = Cancel()
        timer = threading.Timer(whole * part / 20, cancel.set)
        timer.start()
        answer = generated(engine.generate(one_batch, [Sampling(1)], cancel))
        timer.join()
        if not answer.tokens:
            assert answer.stats.stops == ("cancelled",)
            again = generate(engine, text)
            assert again.text == expected
            n_reused.add(again.stats.n_reused)
    assert any(0 < n < len(one_batch.tokens) - 1 for n in n_reused), n_reused


def test_a_raised_flag_stops_at_once(engine: LlamaEngine) -> None:
    forget(engine)
    cancel = Cancel()
    cancel.set()
    answer = generated(engine.generate(prompt(engine, CODE), [Sampling(8)], cancel))
    assert answer.tokens == []
    assert answer.stats.stops == ("cancelled",)


def test_the_consumer_may_stop_at_any_token(engine: LlamaEngine) -> None:
    generation = engine.generate(prompt(engine, CODE), [Sampling(16)], Cancel())
    next(generation)
    next(generation)
    generation.close()
    assert generation.stats.stops == ("consumer",)
    assert generation.stats.n_generated == 2


def test_an_empty_prompt_is_answered(engine: LlamaEngine) -> None:
    assert generate(engine, "", max_tokens=2).tokens


def test_the_context_is_never_exceeded(engine: LlamaEngine) -> None:
    tokens = (engine.tokenize("x") * engine.n_ctx)[: engine.n_ctx]
    almost = Prompt("", tuple(tokens[:-3]))
    assert len(list(engine.generate(almost, [Sampling(16)], Cancel()))) <= 3
    with pytest.raises(EngineError, match="lower promptTokens"):
        list(engine.generate(Prompt("", tuple(tokens)), [Sampling(1)], Cancel()))


def test_the_loading_tells_how_far_it_is_and_can_be_ended() -> None:
    shares: list[float] = []

    def hear(share: float) -> bool:
        shares.append(share)
        return True

    LlamaEngine(EMBEDDED_PATH, progress=hear).close()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with pytest.raises(EngineError):
        LlamaEngine(EMBEDDED_PATH, progress=lambda _: False)


def test_a_file_that_is_no_gguf(tmp_path: Path) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(b"this is no model" * 100)
    with pytest.raises(EngineError, match=r"no\.gguf: llama\.cpp cannot load it \(.+\)$"):
        LlamaEngine(path)


def test_a_truncated_gguf(tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    data = EMBEDDED_PATH.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(EngineError, match="corrupted or incomplete"):
        LlamaEngine(path)


def test_an_architecture_that_llama_cpp_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "strange.gguf"
    write_random_phi2(path, architecture="strange")
    with pytest.raises(EngineError, match="unknown model architecture: 'strange'"):
        LlamaEngine(path)
