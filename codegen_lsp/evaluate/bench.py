"""How fast the engine is on this machine, measured against bare llama.cpp in the same run.

A machine that is busy with something else is slower for both, so it is ratios that can be compared.
The two take turns, and nothing of ours runs while one of them is timed. The text is this package's own.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import math
import platform
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from codegen_lsp import __version__
from codegen_lsp.engine import Cancel, Engine, EngineError, Generation, Prompt, Sampling
from codegen_lsp.evaluate.program import LanguageServer, running
from codegen_lsp.evaluate.raw import Raw
from codegen_lsp.worker import Worker

# What is measured, with its unit, in the order in which it is shown.
FIGURES = {
    "raw_prefill_tps": ("tokens/s", "bare llama.cpp reads a prompt of 512 tokens"),
    "raw_decode_tps": ("tokens/s", "... and writes 32 tokens behind it, greedily"),
    "prefill_ratio": ("×", "ours, through its process, to that"),
    "decode_ratio": ("×", "ours, through its process, to that"),
    "reuse_ms": ("ms", "one more token behind a prompt of 1,500"),
    "raw_step_ms": ("ms", "bare llama.cpp evaluates that token"),
    "switch_ms": ("ms", "the same, back in another document"),
    "cancel_prefill_ms_p95": ("ms", "from the flag to an idle engine, while it reads"),
    "cancel_decode_ms_p95": ("ms", "from the flag to an idle engine, while it writes"),
    "candidates_cost": ("×", "3 candidates of 24 tokens to 1"),
    "speculative_repetitive": ("×", "guessing to not guessing where the text repeats"),
    "speculative_novel": ("×", "guessing to not guessing where it does not"),
    "restart_ms": ("ms", "from the end of the engine's process to the next answer"),
    "server_rss_mb": ("MB", "the server, after a completion"),
    "engine_rss_mb": ("MB", "the engine's process, after a prompt of 512 tokens"),
    "weights_mb": ("MB", "of these, the weights"),
    "kv_mb": ("MB", "of these, the KV cache of the one slot in use"),
    "engine_overhead_mb": ("MB", "and the rest"),
    "initialize_ms": ("ms", "from the server's start to its answer to `initialize`"),
}

N_PROMPT, N_LONG = 512, 1500  # tokens
N_DECODED = 32
N_CANDIDATES, N_EACH = 3, 24
N_GUESSED, N_REPEATED = 64, 32
MAX_REPETITIONS = 100
ROOM = N_LONG + MAX_REPETITIONS + N_GUESSED  # what a model has to have room for
PATIENCE = 60.0  # seconds that a process has for starting again
STRIDE = 97  # tokens from one passage to the next; a prime, so that a second round meets new ones
TRIES = 20  # passages or seeds for one repetition: a few make the model end early


# `-m` imports from the working directory, too: it has to be where this package lies.
PACKAGE = Path(__file__).resolve().parent.parent
SERVE = (sys.executable, "-m", "codegen_lsp", "serve")


class BenchError(Exception):
    """It cannot be measured; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One result: the median of its samples, or their 95th percentile where its name says `p95`; and
    between which they lie."""

    value: float
    median: float
    min: float
    max: float
    n: int


@dataclass(frozen=True, slots=True)
class Report:
    """What one run has found, and where."""

    model: str
    quantization: str
    date: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    figures: Mapping[str, Figure]


Start = Callable[[bool], Worker]
"""Starts an engine, which guesses at tokens or does not."""
Samples = dict[str, list[float]]
"""What was measured, by the names in `FIGURES`."""


def measure(path: Path, start: Start, n: int, hear: Callable[[str], None]) -> Report:
    """Measure everything `n` times (cancellations four times as often). `hear` is told what comes
    next. Raises `BenchError` and `EngineError`."""
    load = psutil.getloadavg()
    samples: Samples = {}
    with contextlib.ExitStack() as stack:
        guessing = stack.enter_context(contextlib.closing(start(True)))
        if guessing.n_ctx < ROOM:
            raise BenchError(
                f"{path} has room for {guessing.n_ctx} tokens; measuring takes {ROOM:,}"
            )
        plain = stack.enter_context(contextlib.closing(start(False)))
        raw = stack.enter_context(contextlib.closing(raw_beside(plain, path)))
        passages = Passages(plain)
        steps: dict[str, Callable[[], Samples]] = {
            "memory": lambda: _memory(guessing, passages),
            "the server": lambda: _server(path, n),
            "prefill and decode": lambda: _prefill_and_decode(plain, raw, passages, n),
            "one more token": lambda: _reuse(plain, raw, passages, n),
            "another document": lambda: _switch(plain, passages, n),
            "cancelling": lambda: _cancel(plain, passages, 4 * n),
            "several candidates": lambda: _candidates(plain, passages, n),
            "guessing": lambda: _speculative(guessing, plain, passages, n),
            "starting again": lambda: _restart(guessing, passages, n),
        }
        for what, step in steps.items():
            hear(what)
            samples |= step()
        where, quantization = machine(plain.ready.n_threads, load), raw.quantization
    return Report(
        path.name,
        quantization,
        datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        where,
        versions(),
        {name: figure(samples[name], name) for name in FIGURES},
    )


def raw_beside(engine: Worker, path: Path) -> Raw:
    """The same weights with the same threads."""
    return Raw(path, engine.ready.n_threads, engine.ready.n_threads_batch)


def figure(samples: Sequence[float], name: str = "") -> Figure:
    """What samples come to."""
    ordered = sorted(samples)
    median = statistics.median(ordered)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    value = p95 if name.endswith("_p95") else median
    return Figure(value, median, ordered[0], ordered[-1], len(ordered))


class Passages:
    """Real code, in pieces that no engine has read before."""

    def __init__(self, engine: Engine) -> None:
        sources = sorted(PACKAGE.glob("*.py"))
        self.text = "".join(source.read_text(encoding="utf-8") for source in sources)
        self._tokens = tuple(engine.tokenize(self.text))
        self._start = 0

    def next(self, n_tokens: int) -> tuple[int, ...]:
        self._start = (self._start + STRIDE) % (len(self._tokens) - n_tokens)
        return self._tokens[self._start : self._start + n_tokens]


@dataclass(frozen=True, slots=True)
class Answer:
    """How many tokens came, and seconds until the end."""

    n_tokens: int
    total_s: float


def ask(engine: Engine, tokens: Sequence[int], *samplings: Sampling) -> Answer:
    """Ask an engine, and read all that it answers."""
    begun = time.perf_counter()
    generation = engine.generate(Prompt("", tuple(tokens)), samplings, Cancel())
    n_tokens = sum(1 for _ in generation)
    return Answer(n_tokens, time.perf_counter() - begun)


def written_tps(engine: Engine, tokens: Sequence[int], how: Sampling) -> float | None:
    """Tokens a second, behind a prompt that the engine holds; None where it ends early. The first
    costs nothing then. When it arrives is not looked at: on a busy machine we may read it late, and
    those behind it with it."""
    answer = ask(engine, tokens, how)
    return (answer.n_tokens - 1) / answer.total_s if answer.n_tokens == how.max_tokens else None


def collect(n: int, sample: Callable[[], dict[str, float] | None]) -> Samples:
    """Take `n` samples of some figures, behind one more that warms up. None is a sample that does not
    count, because the model ended early. Raises `BenchError` where too few count."""
    taken: list[dict[str, float]] = []
    for _ in range(TRIES * (n + 1)):
        one = sample()
        if one is not None:
            taken.append(one)
        if len(taken) > n:
            return {name: [one[name] for one in taken[1:]] for name in taken[0]}
    raise BenchError("the model ends its texts too early to be measured")


def _prefill_and_decode(engine: Engine, raw: Raw, passages: Passages, n: int) -> Samples:
    def sample() -> dict[str, float] | None:
        tokens = passages.next(N_PROMPT)
        run = raw.run(tokens, N_DECODED + 1)
        read_s = ask(engine, tokens, Sampling(1)).total_s
        tps = written_tps(engine, tokens, Sampling(N_DECODED + 1))
        if raw.ends(run.tokens) or tps is None:
            return None
        raw_tps = N_DECODED / run.others_s
        return {
            "raw_prefill_tps": N_PROMPT / run.first_s,
            "raw_decode_tps": raw_tps,
            "prefill_ratio": run.first_s / read_s,
            "decode_ratio": tps / raw_tps,
        }

    return collect(n, sample)


def _reuse(engine: Engine, raw: Raw, passages: Passages, n: int) -> Samples:
    document = passages.next(N_LONG + MAX_REPETITIONS)
    lengths = itertools.count(N_LONG + 1)
    ask(engine, document[:N_LONG], Sampling(1))
    raw.run(document[:N_LONG], 1)

    def sample() -> dict[str, float]:
        length = next(lengths)
        begun = time.perf_counter()
        raw.evaluate(document[length - 1 : length])
        raw_s = time.perf_counter() - begun
        answer = ask(engine, document[:length], Sampling(1))
        return {"raw_step_ms": raw_s * 1000, "reuse_ms": answer.total_s * 1000}

    return collect(n, sample)


def _switch(engine: Engine, passages: Passages, n: int) -> Samples:
    documents = [passages.next(N_LONG + MAX_REPETITIONS) for _ in range(2)]
    turns = itertools.count()
    for document in documents:
        ask(engine, document[:N_LONG], Sampling(1))

    def sample() -> dict[str, float]:
        turn = next(turns)
        document = documents[turn % 2]
        answer = ask(engine, document[: N_LONG + 1 + turn // 2], Sampling(1))
        return {"switch_ms": answer.total_s * 1000}

    return collect(n, sample)


def _cancel(engine: Engine, passages: Passages, n: int) -> Samples:
    """At random moments of reading and of writing, which are spread over nine tenths of it."""
    moments = random.Random(0)
    tokens = passages.next(N_PROMPT)
    read_s = ask(engine, tokens, Sampling(1)).total_s
    write_s = ask(engine, tokens, Sampling(N_DECODED)).total_s

    def while_reading() -> dict[str, float] | None:
        generation, cancel = _begin(engine, passages.next(N_PROMPT))
        ms = _cancelled_ms(engine, generation, cancel, moments.uniform(0.05, 0.95) * read_s)
        is_early = generation.stats.n_generated == 0
        return {"cancel_prefill_ms_p95": ms} if ms is not None and is_early else None

    def while_writing() -> dict[str, float] | None:
        generation, cancel = _begin(engine, passages.next(N_PROMPT))
        next(generation, None)
        ms = _cancelled_ms(engine, generation, cancel, moments.uniform(0.05, 0.95) * write_s)
        return None if ms is None else {"cancel_decode_ms_p95": ms}

    return collect(n, while_reading) | collect(n, while_writing)


def _begin(engine: Engine, tokens: tuple[int, ...]) -> tuple[Generation, Cancel]:
    cancel = Cancel()
    return engine.generate(Prompt("", tokens), [Sampling(2 * N_DECODED)], cancel), cancel


def _cancelled_ms(
    engine: Engine, generation: Generation, cancel: Cancel, delay_s: float
) -> float | None:
    """Milliseconds from the flag, raised after a delay, until the engine takes a next request; None
    where the generation had ended before."""
    raised = []

    def raise_flag() -> None:
        raised.append(time.perf_counter())
        cancel.set()

    timer = threading.Timer(delay_s, raise_flag)
    timer.start()
    for _ in generation:
        pass
    engine.tokenize("x")
    idle = time.perf_counter()
    timer.cancel()
    timer.join()
    return (idle - raised[0]) * 1000 if generation.stats.stops == ("cancelled",) else None


def _candidates(engine: Engine, passages: Passages, n: int) -> Samples:
    """Behind a prompt that the engine holds already, as it does when a person asks for more."""
    tokens = passages.next(N_PROMPT)
    seeds = itertools.count()
    ask(engine, tokens, Sampling(1))

    def sample() -> dict[str, float] | None:
        samplings = [
            Sampling(N_EACH, temperature=0.8, seed=next(seeds)) for _ in range(N_CANDIDATES)
        ]
        one, all_ = ask(engine, tokens, samplings[0]), ask(engine, tokens, *samplings)
        if one.n_tokens < N_EACH or all_.n_tokens < N_CANDIDATES * N_EACH:
            return None
        return {"candidates_cost": all_.total_s / one.total_s}

    return collect(n, sample)


def _speculative(guessing: Engine, plain: Engine, passages: Passages, n: int) -> Samples:
    """Where three lines come again and again, and where the text was drawn and is new."""
    seeds = itertools.count()

    def repetitive() -> dict[str, float] | None:
        block = passages.next(N_REPEATED)
        again = block * (N_PROMPT // N_REPEATED)
        tokens, how = again[: -N_REPEATED // 2], Sampling(N_GUESSED)
        return _compared("speculative_repetitive", tokens, how)

    def novel() -> dict[str, float] | None:
        how = Sampling(N_GUESSED, temperature=0.8, seed=next(seeds))
        return _compared("speculative_novel", passages.next(N_PROMPT), how)

    def _compared(name: str, tokens: tuple[int, ...], how: Sampling) -> dict[str, float] | None:
        for engine in (plain, guessing):
            ask(engine, tokens, Sampling(1))
        slow, fast = written_tps(plain, tokens, how), written_tps(guessing, tokens, how)
        return {name: fast / slow} if slow and fast else None

    return collect(n, repetitive) | collect(n, novel)


def _restart(engine: Worker, passages: Passages, n: int) -> Samples:
    def sample() -> dict[str, float]:
        dead = engine.pid
        begun = time.perf_counter()
        psutil.Process(dead).kill()
        while time.perf_counter() < begun + PATIENCE:
            with contextlib.suppress(EngineError):  # it is not there yet
                answer = ask(engine, passages.next(16), Sampling(1))
                if answer.n_tokens and engine.pid != dead:
                    return {"restart_ms": (time.perf_counter() - begun) * 1000}
            time.sleep(0.002)
        raise BenchError(f"the engine's process does not start again within {PATIENCE:.0f} s")

    return collect(n, sample)


def _memory(engine: Worker, passages: Passages) -> Samples:
    """Once: it hardly varies. Slots take memory as they are used, and this engine has used one."""
    ask(engine, passages.next(N_PROMPT), Sampling(N_DECODED))
    footprint = engine.footprint
    rss, weights = psutil.Process(engine.pid).memory_info().rss, footprint.weights
    kv_cache = footprint.kv_cache // footprint.n_slots
    sizes = {
        "engine_rss_mb": rss,
        "weights_mb": weights,
        "kv_mb": kv_cache,
        "engine_overhead_mb": rss - weights - kv_cache,
    }
    return {name: [size / 1e6] for name, size in sizes.items()}


def _server(path: Path, n: int) -> Samples:
    """The real server, as an editor starts it."""
    text = Path(__file__).read_text(encoding="utf-8")[:3000]
    item = {"uri": "file:///bench.py", "languageId": "python", "version": 1, "text": text}
    position = {"line": text.count("\n"), "character": len(text) - text.rfind("\n") - 1}
    place = {"textDocument": {"uri": item["uri"]}, "position": position}

    def sample() -> dict[str, float]:
        begun = time.perf_counter()
        with running([*SERVE, "--model", str(path.absolute())], cwd=PACKAGE.parent) as program:
            server = LanguageServer(program)
            server.request("initialize", {"capabilities": {}})
            initialized = time.perf_counter()
            server.notify("initialized", {})
            server.notify("textDocument/didOpen", {"textDocument": item})
            server.request(
                "textDocument/inlineCompletion", {**place, "context": {"triggerKind": 2}}
            )
            rss = psutil.Process(server.pid).memory_info().rss
        return {"initialize_ms": (initialized - begun) * 1000, "server_rss_mb": rss / 1e6}

    return collect(n, sample)


def machine(n_threads: int, load: Sequence[float]) -> dict[str, Any]:
    """Where something was measured; `load` is the machine's from before."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "threads": n_threads,
        "memory_mb": psutil.virtual_memory().total // 10**6,
        "load": round(load[0], 2),
        "system": platform.platform(),
    }


def _processor() -> str:
    """Its name. Python knows it on Windows and macOS; on Linux the kernel tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of what was measured."""
    return {
        "codegen-lsp": __version__,
        "llama-cpp-python": metadata.version("llama-cpp-python"),
        "python": platform.python_version(),
    }
