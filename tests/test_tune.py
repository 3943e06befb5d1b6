"""Threads and batch size: what is tried, what is chosen, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen_lsp import tune
from codegen_lsp.engine import Cancel, Prompt, Sampling
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from codegen_lsp.slot import Tuning
from codegen_lsp.tune import measure, measured, most_threads, tuning_for


class Machine:
    """Speeds in tokens a second, by threads and by micro-batch, and a clock that only they advance."""

    def __init__(self, decode: dict[int, float], batches: dict[int, float]) -> None:
        self.now = 0.0
        self.tried: list[tuple[int, ...]] = []
        self._decode, self._batches = decode, batches

    def clock(self) -> float:
        return self.now

    def decode_speed(self, n_threads: int, seconds: float) -> float:
        self.tried.append((n_threads,))
        self.now += max(seconds, 2 / self._decode[n_threads])
        return self._decode[n_threads]

    def prefill_speed(self, n_threads: int, n_ubatch: int) -> float:
        self.tried.append((n_threads, n_ubatch))
        speed = self._batches.get(n_ubatch, 1.0) * n_threads
        self.now += n_ubatch / speed
        return speed


FAST = {64: 1e4, 128: 1e4, 256: 1e4, 512: 1e4}


@pytest.mark.parametrize(
    ("n_most", "decode", "batches", "expected"),
    [
        pytest.param(1, {1: 20}, FAST, Tuning(1, 1, 256), id="one core"),
        pytest.param(2, {1: 40, 2: 70}, FAST, Tuning(2, 2, 256), id="two are worth it"),
        pytest.param(2, {1: 68, 2: 70}, FAST, Tuning(1, 2, 256), id="two for the prompt only"),
        pytest.param(
            8, {1: 10, 4: 50, 7: 51, 8: 48}, FAST, Tuning(4, 8, 256), id="memory is the limit"
        ),
        pytest.param(
            2, {1: 40, 2: 70}, FAST | {512: 1.09e4}, Tuning(2, 2, 256), id="9 % is not clearly"
        ),
        pytest.param(
            2, {1: 40, 2: 70}, FAST | {512: 1.2e4}, Tuning(2, 2, 512), id="20 % is clearly"
        ),
        pytest.param(
            2,
            {1: 40, 2: 70},
            FAST | {64: 1.2e4, 512: 1.25e4},
            Tuning(2, 2, 64),
            id="the smaller of two that are much the same",
        ),
    ],
)
def test_the_fastest_is_chosen(
    n_most: int, decode: dict[int, float], batches: dict[int, float], expected: Tuning
) -> None:
    machine = Machine(decode, batches)
    assert measured(n_most, machine, machine.clock) == expected


def test_threads_that_a_prompt_does_not_need_either() -> None:
    machine = Machine({1: 70, 2: 70}, FAST)
    machine.prefill_speed = lambda n_threads, n_ubatch: 1e4  # type: ignore[method-assign]
    assert measured(2, machine, machine.clock) == Tuning(1, 1, 256)


def test_a_model_that_is_slow_is_not_measured_for_minutes() -> None:
    machine = Machine({n: 0.1 * n for n in range(1, 9)}, dict.fromkeys(FAST, 0.4))
    assert measured(8, machine, machine.clock) == Tuning(8, 8, 256)
    assert machine.tried == [(8,)]


def test_what_would_take_longer_than_there_is_time_is_left_out() -> None:
    """A 350M on two cores that are not the fastest."""
    machine = Machine({1: 40, 2: 70}, dict.fromkeys(FAST, 150.0))
    measured(2, machine, machine.clock)
    assert machine.tried == [(2,), (1,), (2, 256), (2, 64)]
    assert machine.now < tune.SECONDS


@pytest.mark.parametrize(
    ("n_cores", "spare", "expected"),
    [(1, 0, 1), (1, 1, 1), (2, 0, 2), (2, 1, 2), (4, 1, 3), (4, 3, 2), (8, 2, 6)],
)
def test_the_spare_cores(n_cores: int, spare: int, expected: int) -> None:
    assert most_threads(n_cores, spare) == expected


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's cache directory, not there yet; on an idle machine of four cores."""
    monkeypatch.setattr(tune, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(tune, "physical_cores", lambda: 4)
    monkeypatch.setattr(tune, "_others", lambda: 0.0)
    return tmp_path / "cache"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def machine() -> Machine:
    return Machine({1: 20.0, 2: 35.0, 3: 50.0, 4: 60.0}, FAST)


def was_measured(weights: Path, *, spare_cores: int = 1) -> bool:
    """Whether asking for a tuning tries anything; the answer is the same in both cases."""
    n_most = 4 - spare_cores
    tuning, is_known = tuning_for(weights, 0, spare_cores)
    if not is_known:
        tuning = measure(weights, spare_cores, machine())
    assert tuning == Tuning(n_most, n_most)
    return not is_known


def test_a_persons_word_is_not_measured(cache: Path, weights: Path) -> None:
    assert tuning_for(weights, 3, 2) == (Tuning(3, 3), True)
    assert not cache.exists()


def test_what_was_measured_is_remembered(cache: Path, weights: Path) -> None:
    assert was_measured(weights)
    assert not was_measured(weights)
    assert [path.name for path in cache.iterdir()] == ["tuning.json"]


def test_what_changes_is_measured_again_and_the_rest_is_kept(
    cache: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert was_measured(weights)
    assert was_measured(weights, spare_cores=0)
    other = weights.with_name("other.gguf")
    other.write_bytes(b"GGUF")
    assert was_measured(other)
    with monkeypatch.context() as patch:
        patch.setattr(tune, "_processor", lambda: "a faster one")
        assert was_measured(weights)
    assert not was_measured(weights)
    weights.write_bytes(b"GGUF, but another")
    assert was_measured(weights)
    assert not was_measured(other)


def test_nothing_is_learned_from_a_busy_machine(
    cache: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more core is busy with something else each second."""
    slow = Machine(dict.fromkeys(range(1, 5), 20.0), FAST)
    with monkeypatch.context() as patch:
        patch.setattr(tune, "_others", lambda: slow.now)
        assert measure(weights, 1, slow) == Tuning(3, 3)
    assert not cache.exists()
    assert was_measured(weights)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param('{"n_threads": 3, "n_threads_batch": 3, "n_ubatch": "many"}', id="no number"),
        pytest.param('{"n_threads": 64, "n_threads_batch": 3, "n_ubatch": 128}', id="too many"),
        pytest.param('{"n_threads": 0, "n_threads_batch": 3, "n_ubatch": 128}', id="none"),
        pytest.param('{"n_threads": 3, "n_threads_batch": 3, "n_ubatch": 100000}', id="too large"),
        pytest.param('{"threads": 3}', id="other names"),
        pytest.param("[3, 3, 128]", id="a list"),
    ],
)
def test_an_entry_that_makes_no_sense_is_measured_again(
    cache: Path, weights: Path, entry: str
) -> None:
    assert was_measured(weights)
    path = cache / "tuning.json"
    path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), json.loads(entry))))
    assert was_measured(weights)
    assert not was_measured(weights)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_broken_file_is_replaced(cache: Path, weights: Path, content: bytes) -> None:
    cache.mkdir()
    (cache / "tuning.json").write_bytes(content)
    assert was_measured(weights)
    assert not was_measured(weights)


@pytest.mark.parametrize("blocked", ["cache", "tuning.json"])
def test_a_file_that_cannot_be_written_costs_one_line(
    cache: Path, weights: Path, caplog: pytest.LogCaptureFixture, blocked: str
) -> None:
    """Something else has the name of the folder, or of the file."""
    if blocked == "cache":
        cache.write_bytes(b"")
    else:
        (cache / "tuning.json").mkdir(parents=True)
    assert was_measured(weights)
    lines = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any("cannot be written, so the speed is not remembered" in line for line in lines)
    assert was_measured(weights)
    left = [] if blocked == "cache" else ["tuning.json"]
    assert [path.name for path in cache.glob("*")] == left


@pytest.fixture
def engine() -> Iterator[LlamaEngine]:
    engine = LlamaEngine(EMBEDDED_PATH, exact=True)
    yield engine
    engine.close()


def test_the_real_engine_is_measured_and_goes_on(cache: Path, engine: LlamaEngine) -> None:
    prompt = Prompt("", tuple(engine.tokenize("def add(a, b):\n    return")))
    before = list(engine.generate(prompt, [Sampling(8)], Cancel()))
    tuning = measure(EMBEDDED_PATH, 3, engine)
    assert tuning.n_threads <= tuning.n_threads_batch <= 2
    again = engine.generate(prompt, [Sampling(8)], Cancel())
    assert list(again) == before
    assert again.stats.n_reused == len(prompt.tokens)  # the measuring took nothing away
    engine.retune(tuning)
    assert list(engine.generate(prompt, [Sampling(8)], Cancel())) == before
