"""The engine in its own process: what it answers, and how a reader and a flag end that."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen_lsp.engine import Cancel, EngineError, Prompt, Sampling, Token
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from codegen_lsp.worker import Worker
from tests.processes import (
    CODE,
    ended_in_time,
    generate,
    long_prompt,
    text_of,
    until,
    when_it_computes,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker(EMBEDDED_PATH)
    yield worker
    worker.close()


@pytest.fixture(autouse=True)
def in_time(worker: Worker) -> Iterator[None]:
    with ended_in_time(worker):
        yield


def prompt_of(worker: Worker | LlamaEngine, text: str = CODE, heal: str = "") -> Prompt:
    return Prompt(text, tuple(worker.tokenize(text)), heal)


def several(n: int, max_tokens: int = 24) -> list[Sampling]:
    """A greedy sampling, and others that differ by their seeds."""
    return [Sampling(max_tokens, 0.8 if seed else 0.0, seed=seed) for seed in range(n)]


def test_it_writes_what_the_engine_writes_in_this_process(worker: Worker) -> None:
    engine = LlamaEngine(EMBEDDED_PATH)
    assert worker.n_ctx == engine.n_ctx
    assert worker.footprint == engine.footprint
    for text, heal in ((CODE, ""), (CODE, "        "), ("x = '", "é漢😀"), ("", "")):
        assert worker.tokenize(text) == engine.tokenize(text)
        ours = worker.generate(prompt_of(worker, text, heal), several(3), Cancel())
        theirs = engine.generate(prompt_of(engine, text, heal), several(3), Cancel())
        for one, other in zip(ours, theirs, strict=True):
            assert (one.id, one.text, one.candidate) == (other.id, other.text, other.candidate)
            assert one.logprob == pytest.approx(other.logprob, abs=0.05)
        assert ours.stats.n_prompt == theirs.stats.n_prompt
        assert ours.stats.stops == theirs.stats.stops
    engine.close()


def test_it_scores_as_the_engine_does_in_this_process(worker: Worker) -> None:
    engine = LlamaEngine(EMBEDDED_PATH)
    tokens = engine.tokenize(CODE)
    expected = engine.score(tokens, 3, Cancel())
    assert len(expected) == len(tokens) - 3
    assert worker.score(tokens, 3, Cancel()) == pytest.approx(expected, abs=0.05)
    engine.close()


def test_what_was_warmed_is_not_evaluated_again(worker: Worker) -> None:
    prompt = prompt_of(worker, "warm = 1\n" * 20)
    assert worker.warm(prompt.tokens, Cancel()) > 50
    generation = worker.generate(prompt, [Sampling(1)], Cancel())
    assert len(list(generation)) == 1
    assert generation.stats.n_reused == len(prompt.tokens)


def test_texts_to_remember_disturb_no_answer(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = text_of(generate(worker, CODE))
    worker.remember("file:///a", "x = 1\n" * 5000)
    worker.remember("file:///a", "y = 2\n")
    assert text_of(generate(worker, CODE)) == expected
    worker.remember("file:///a", "")
    worker.remember("file:///never", "")
    monkeypatch.setattr("codegen_lsp.wire.MAX_SIZE", 10_000)
    worker.remember("file:///long", "x" * 20_000)  # longer than a message may be
    worker.remember("file:///long", "")
    assert text_of(generate(worker, CODE)) == expected


def test_what_the_engine_refuses_costs_no_process(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = worker.pid
    with pytest.raises(EngineError, match="lower promptTokens"):
        list(worker.generate(Prompt("", (1,) * worker.n_ctx), [Sampling(1)], Cancel()))
    with pytest.raises(EngineError, match="lower promptTokens"):
        worker.warm((1,) * worker.n_ctx, Cancel())
    monkeypatch.setattr("codegen_lsp.wire.MAX_SIZE", 10_000)
    with pytest.raises(EngineError, match="too long for the engine"):
        worker.tokenize("x" * 20_000)
    assert generate(worker, CODE)
    assert worker.pid == pid


def test_what_nobody_thought_of_costs_no_process_and_shows_no_code(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    pid = worker.pid
    with pytest.raises(EngineError, match=r"^the engine has failed \(\w+\); its log says where$"):
        worker.warm((2**40,), Cancel())  # no token, and no 32 bits
    assert "in the engine's process\n" in caplog.text
    assert "slot.py" in caplog.text
    assert str(2**40) not in caplog.text
    assert generate(worker, CODE)
    assert worker.pid == pid


def test_a_generation_that_its_reader_has_left_ends_with_the_next_question(worker: Worker) -> None:
    for ask in (worker.tokenize, lambda text: worker.remember("a", text)):
        generation = worker.generate(prompt_of(worker), [Sampling(1000)], Cancel())
        with contextlib.suppress(RuntimeError):
            for _ in generation:
                raise RuntimeError
        ask("x = 1\n")
        assert list(generation) == []
        assert generation.stats.stops == ("consumer",)
    assert generate(worker, CODE)


def test_a_second_thread_is_refused(worker: Worker) -> None:
    cancel = Cancel()
    refused: list[str] = []

    def ask() -> None:
        try:
            worker.tokenize("x")
        except EngineError as error:
            refused.append(str(error))
        cancel.set()

    thread = when_it_computes(worker.pid, ask)
    assert worker.warm(long_prompt(worker, "g").tokens, cancel)
    thread.join()
    assert refused == ["the engine is asked a second thing before the first has ended"]


def test_a_cancellation_acts_in_the_middle_of_a_prompt(worker: Worker) -> None:
    cancel = Cancel()
    prompt = long_prompt(worker, "a")
    thread = when_it_computes(worker.pid, cancel.set)
    generation = worker.generate(prompt, [Sampling(64)] * 2, cancel)
    assert list(generation) == []
    thread.join()
    assert generation.stats.stops == ("cancelled",) * 2
    again = worker.generate(prompt, [Sampling(1)], Cancel())
    assert len(list(again)) == 1
    assert 0 < again.stats.n_reused < len(prompt.tokens) - 1


def test_a_cancellation_acts_in_the_middle_of_warming_and_scoring(worker: Worker) -> None:
    prompt = long_prompt(worker, "b")
    cancel = Cancel()
    thread = when_it_computes(worker.pid, cancel.set)
    assert 0 < worker.warm(prompt.tokens, cancel) < len(prompt.tokens)
    thread.join()
    cancel = Cancel()
    thread = when_it_computes(worker.pid, cancel.set)
    assert len(worker.score(long_prompt(worker, "c").tokens, 1, cancel)) < len(prompt.tokens) - 1
    thread.join()


def test_a_cancellation_acts_in_the_middle_of_an_answer(worker: Worker) -> None:
    cancel = Cancel()
    generation = worker.generate(prompt_of(worker), several(2, 1000), cancel)
    next(generation)
    cancel.set()
    assert list(generation) == []
    assert generation.stats.stops == ("cancelled",) * 2
    assert generation.stats.n_generated < 1000
    assert text_of(generate(worker, CODE)) == text_of(generate(worker, CODE))


def test_a_flag_that_is_raised_already(worker: Worker) -> None:
    cancel = Cancel()
    cancel.set()
    generation = worker.generate(long_prompt(worker, "d"), [Sampling(8)], cancel)
    assert list(generation) == []
    assert generation.stats.stops == ("cancelled",)
    assert worker.warm(long_prompt(worker, "e").tokens, cancel) == 0
    assert worker.score(long_prompt(worker, "f").tokens, 1, cancel) == ()


def test_the_reader_may_end_all_at_any_token(worker: Worker) -> None:
    generation = worker.generate(prompt_of(worker), [Sampling(1), *several(2, 1000)], Cancel())
    for _ in range(7):
        next(generation)
    generation.close()
    assert list(generation) == []
    assert generation.stats.stops == ("length", "consumer", "consumer")
    assert 7 <= generation.stats.n_generated < 1000


def test_who_ends_at_the_end_of_a_line_gets_nothing_written_behind_it(worker: Worker) -> None:
    for n_lines in (1, 2, 3):
        read: list[Token] = []
        generation = worker.generate(prompt_of(worker), [Sampling(1000)], Cancel())
        for token in generation:
            read.append(token)
            if sum("\n" in each.text for each in read) == n_lines:
                generation.stop(0)
        assert generation.stats.n_generated == len(read)


def test_the_engine_is_a_token_ahead_of_its_reader_at_most(worker: Worker) -> None:
    for n_read in (3, 10, 30):
        generation = worker.generate(prompt_of(worker), [Sampling(1000)], Cancel())
        for n, _ in enumerate(generation, 1):
            time.sleep(0.005)  # in which it could write several
            if n == n_read:
                generation.stop(0)
        assert generation.stats.n_generated <= n_read + 1


def test_a_flag_raised_at_the_end_of_a_line_holds_up_no_lines_behind_it(worker: Worker) -> None:
    """Several lines may come in one step, where they were guessed, or here where a stop string might
    have begun: the process waits at the end of none of them for who reads no more."""
    pid = worker.pid
    lines = "x = 1\n" * 20
    written = text_of(generate(worker, lines, max_tokens=24))
    assert written.count("\n") > 3
    cancel = Cancel()
    at_once = Sampling(24, stop=(written + "\0",))
    generation = worker.generate(prompt_of(worker, lines), [at_once], cancel)
    for token in generation:
        if "\n" in token.text:
            cancel.set()
    assert generation.stats.stops == ("cancelled",)
    assert text_of(generate(worker, lines, max_tokens=24)) == written
    assert worker.pid == pid


def until_all_has_come(worker: Worker, n_tokens: int) -> None:
    """So many tokens and what they cost, none of them read."""
    child = worker._keeper._newest
    assert child is not None
    until(lambda: child._inbox.qsize() == n_tokens + 1)


def test_an_answer_that_has_come_but_was_not_read_did_not_end_by_itself(worker: Worker) -> None:
    """Of several candidates: the process does not run ahead with a single one."""
    generation = worker.generate(prompt_of(worker), several(2, 2), Cancel())
    next(generation)
    until_all_has_come(worker, 3)
    generation.close()
    assert generation.stats.stops == ("consumer", "consumer")


def test_the_reader_may_end_one_candidate_and_hears_no_more_of_it(worker: Worker) -> None:
    whole = list(worker.generate(prompt_of(worker), several(3), Cancel()))
    generation = worker.generate(prompt_of(worker), several(3), Cancel())
    read: list[Token] = []
    for token in generation:
        read.append(token)
        if token.candidate == 1 and sum(other.candidate == 1 for other in read) == 5:
            until_all_has_come(worker, len(whole) - len(read))
            generation.stop(1)
    assert [token.id for token in read if token.candidate == 1] == [
        token.id for token in whole if token.candidate == 1
    ][:5]
    for candidate in (0, 2):
        assert [token.id for token in read if token.candidate == candidate] == [
            token.id for token in whole if token.candidate == candidate
        ]
    assert generation.stats.stops == ("length", "consumer", "length")


def test_the_end_of_one_candidate_saves_its_work(worker: Worker) -> None:
    """The process is told: it does not write what is not read."""
    generation = worker.generate(prompt_of(worker), several(2, 400), Cancel())
    for token in generation:
        if token.candidate == 1:
            generation.stop(1)
    assert generation.stats.stops[1] == "consumer"
    assert generation.stats.n_generated < 600


def test_the_end_of_the_last_candidate_is_the_end(worker: Worker) -> None:
    generation = worker.generate(prompt_of(worker), several(3, 400), Cancel())
    n_read = [0, 0, 0]
    for token in generation:
        n_read[token.candidate] += 1
        if n_read[token.candidate] == 2 + token.candidate:
            generation.stop(token.candidate)
    assert n_read == [2, 3, 4]
    assert generation.stats.stops == ("consumer",) * 3
    assert generation.stats.n_generated < 400


def test_the_end_of_a_candidate_at_its_last_token(worker: Worker) -> None:
    for n_tokens in (1, 2, 5):
        generation = worker.generate(prompt_of(worker), several(2, n_tokens), Cancel())
        n_read = [0, 0]
        for token in generation:
            n_read[token.candidate] += 1
            if n_read[token.candidate] == n_tokens:
                generation.stop(token.candidate)
        assert n_read == [n_tokens, n_tokens]
        assert generation.stats.stops == ("consumer", "consumer")


def test_a_flag_raised_at_any_moment_leaves_the_process_in_order(worker: Worker) -> None:
    """Above all at the moment in which the answer ends."""
    expected = text_of(generate(worker, CODE))
    chance = random.Random(1)
    prompt = prompt_of(worker)
    for _ in range(200):
        cancel = Cancel()
        generation = worker.generate(prompt, several(2, 3), cancel)
        timer = threading.Timer(chance.random() * 0.02, cancel.set)
        timer.start()
        n_read = len(list(generation))
        timer.join()
        assert n_read == 6 or "cancelled" in generation.stats.stops
    assert text_of(generate(worker, CODE)) == expected


def test_random_questions_and_ends_leave_none_unanswered(worker: Worker) -> None:
    chance = random.Random(3)
    expected = text_of(generate(worker, CODE))
    timers = []
    for n in range(400):
        text = CODE * chance.randint(1, 4) + "x" * chance.randint(0, 3)
        prompt, cancel = prompt_of(worker, text), Cancel()
        if n % 3:
            timers.append(threading.Timer(chance.random() * 0.03, cancel.set))
            timers[-1].start()
        if n % 5 == 0:
            worker.warm(prompt.tokens, cancel)
        if n % 7 == 0:
            worker.score(prompt.tokens, 1, cancel)
        generation = worker.generate(prompt, several(chance.randint(1, 3), 8), cancel)
        for _ in range(chance.randint(0, 20)):
            token = next(generation, None)
            if token is not None and chance.random() < 0.2:
                generation.stop(token.candidate)
        generation.close()
    for timer in timers:
        timer.join()
    assert text_of(generate(worker, CODE)) == expected


def test_the_server_process_knows_neither_llama_cpp_nor_numpy() -> None:
    script = (
        "import sys, codegen_lsp.__main__, codegen_lsp.server, codegen_lsp.worker;"
        "print({'numpy', 'llama_cpp', 'codegen_lsp.llama'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "set()\n"
