"""Others that complete with the same weights, asked the same in the same run.

Each is started as its own documentation says, on loopback, with as many threads as we take, and ended by
its process id. Ours and theirs take turns; nothing runs while one of them is timed.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata, util
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling
from codegen_lsp.evaluate import bench
from codegen_lsp.evaluate.bench import (
    MAX_REPETITIONS,
    N_CANDIDATES,
    N_DECODED,
    N_EACH,
    N_LONG,
    N_PROMPT,
    PACKAGE,
    Figure,
    Passages,
    Start,
    collect,
    figure,
    raw_beside,
)
from codegen_lsp.evaluate.program import Program, ProgramError, running
from codegen_lsp.evaluate.raw import MAX_CTX

# What is compared, in milliseconds, in the order in which it is shown.
RACES = {
    "cold_ms": "a new prompt of 512 tokens, and 32 behind it",
    "reuse_ms": "one more token behind a prompt of 1,500",
    "switch_ms": "the same, back in another document",
    "cancel_ms": "from giving up a request to the answer of the next, which is small",
    "candidates_ms": "3 candidates of 24 tokens behind a prompt that was asked about before",
}

HOST = "127.0.0.1"
START_S = 120.0  # in which a server has to be ready
ANSWER_S = 300.0  # a large model that evaluates 1,500 tokens with all it has
TEMPERATURE = 0.8  # of further candidates
N_SMALL = 16  # tokens of a small request


Tokens = tuple[int, ...]
Threads = tuple[int, int]
"""For one token at a time, and for a prompt."""


class PeerError(Exception):
    """A peer cannot be asked; the message is one line for a person."""


class Peer(Protocol):
    """Somebody who continues a prompt."""

    @property
    def version(self) -> str: ...

    @property
    def n_candidates(self) -> int:
        """How many it writes side by side."""

    @property
    def can_give_up(self) -> bool: ...

    def ask(self, tokens: Tokens, n_tokens: int, n_candidates: int = 1) -> int:
        """Wait for greedy continuations (several are drawn); how many tokens came, of all. Raises
        `PeerError`."""

    def give_up(self, tokens: Tokens, n_tokens: int, delay_s: float) -> float:
        """Ask, want no answer any more after a delay, and return the moment of that."""


@dataclass(frozen=True, slots=True)
class Race:
    """Ours and theirs in milliseconds, and how many times as fast ours was, turn by turn."""

    ours: Figure
    theirs: Figure
    ratio: Figure


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of the races against one peer; or else `missing` says why there were none."""

    version: str = ""
    missing: str = ""
    races: Mapping[str, Race] = field(default_factory=dict)


def compare(
    path: Path,
    checkpoint: Path | None,
    start: Start,
    n: int,
    hear: Callable[[str], None],
) -> dict[str, Comparison]:
    """Run each race `n` times against each peer that is here. Raises `EngineError`."""
    comparisons = {}
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(contextlib.closing(start(True)))
        raw = stack.enter_context(contextlib.closing(raw_beside(engine, path)))
        threads = (engine.ready.n_threads, engine.ready.n_threads_batch)
        passages, ours = Passages(engine), _Ours(engine)
        peers: dict[str, Callable[[], contextlib.AbstractContextManager[Peer]]] = {
            "llama-server": lambda: _llama_server(path, threads),
            "llama_cpp.server": lambda: _llama_cpp_server(path, threads, raw.text),
            "transformers": lambda: _transformers(path, checkpoint, threads),
        }
        for name, open_peer in peers.items():
            hear(f"against {name}")
            try:
                with open_peer() as peer:
                    races = _races(ours, peer, passages, n)
                    comparisons[name] = Comparison(peer.version, races=races)
            except (PeerError, ProgramError) as error:
                comparisons[name] = Comparison(missing=str(error))
    return comparisons


Turn = Callable[[Peer], "float | None"]
"""What one side does when it is its turn, and for how many seconds; None where its text ended early."""


def _races(ours: Peer, theirs: Peer, passages: Passages, n: int) -> dict[str, Race]:
    def race(turns: Iterator[Turn]) -> Race:
        def sample() -> dict[str, float] | None:
            turn = next(turns)
            ours_s, theirs_s = turn(ours), turn(theirs)
            if ours_s is None or theirs_s is None:
                return None
            return {"ours": ours_s * 1000, "theirs": theirs_s * 1000, "ratio": theirs_s / ours_s}

        return Race(**{name: figure(samples) for name, samples in collect(n, sample).items()})

    both = (ours, theirs)
    races = {"cold_ms": race(_cold(passages))}
    races["reuse_ms"] = race(_one_more_token(both, [passages.next(N_LONG + MAX_REPETITIONS)]))
    documents = [passages.next(N_LONG + MAX_REPETITIONS) for _ in range(2)]
    races["switch_ms"] = race(_one_more_token(both, documents))
    if theirs.can_give_up:
        cold_s = {ours: races["cold_ms"].ours.median / 1000}
        cold_s[theirs] = races["cold_ms"].theirs.median / 1000
        races["cancel_ms"] = race(_giving_up(passages, cold_s))
    if theirs.n_candidates >= N_CANDIDATES:
        races["candidates_ms"] = race(_candidates(both, passages.next(N_PROMPT)))
    return races


def _cold(passages: Passages) -> Iterator[Turn]:
    while True:
        yield partial(_asked_s, passages.next(N_PROMPT), N_DECODED, 1)


def _one_more_token(both: Sequence[Peer], documents: Sequence[Tokens]) -> Iterator[Turn]:
    """One document after the other grows by a token."""
    for peer, document in itertools.product(both, documents):
        peer.ask(document[:N_LONG], 1)
    for length in itertools.count(N_LONG + 1):
        for document in documents:
            yield partial(_asked_s, document[:length], 1, 1)


def _candidates(both: Sequence[Peer], tokens: Tokens) -> Iterator[Turn]:
    for peer in both:
        peer.ask(tokens, 1)
    return itertools.repeat(partial(_asked_s, tokens, N_EACH, N_CANDIDATES))


def _asked_s(tokens: Tokens, n_tokens: int, n_candidates: int, peer: Peer) -> float | None:
    begun = time.perf_counter()
    n_answered = peer.ask(tokens, n_tokens, n_candidates)
    return time.perf_counter() - begun if n_answered == n_tokens * n_candidates else None


def _giving_up(passages: Passages, cold_s: Mapping[Peer, float]) -> Iterator[Turn]:
    """At random moments, spread over nine tenths of what the whole takes each."""
    moments = random.Random(0)
    while True:
        moment = moments.uniform(0.05, 0.95)
        delays_s = {peer: moment * seconds for peer, seconds in cold_s.items()}
        yield partial(_given_up_s, passages.next(N_PROMPT), passages.next(N_SMALL), delays_s)


def _given_up_s(tokens: Tokens, small: Tokens, delays_s: Mapping[Peer, float], peer: Peer) -> float:
    given_up = peer.give_up(tokens, N_DECODED, delays_s[peer])
    peer.ask(small, 1)
    return time.perf_counter() - given_up


class _Ours:
    version = ""
    n_candidates = N_CANDIDATES
    can_give_up = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, tokens: Tokens, n_tokens: int, n_candidates: int = 1) -> int:
        drawn = [
            Sampling(n_tokens, temperature=TEMPERATURE, seed=n) for n in range(1, n_candidates)
        ]
        return bench.ask(self._engine, tokens, Sampling(n_tokens), *drawn).n_tokens

    def give_up(self, tokens: Tokens, n_tokens: int, delay_s: float) -> float:
        cancel = Cancel()
        generation = self._engine.generate(Prompt("", tokens), [Sampling(n_tokens)], cancel)
        timer = threading.Timer(delay_s, cancel.set)
        begun = time.perf_counter()
        timer.start()
        for _ in generation:
            pass
        timer.cancel()
        return min(time.perf_counter(), begun + delay_s)


@dataclass(frozen=True, eq=False)
class _Server:
    """A server that is asked over HTTP, one connection a request. `request` gives the path and the
    body that ask for so many tokens in so many candidates; `count` the tokens in an answer."""

    version: str
    port: int
    n_candidates: int
    request: Callable[[Tokens, int, int], tuple[str, dict[str, Any]]]
    count: Callable[[Any], int]
    can_give_up: bool = True

    def ask(self, tokens: Tokens, n_tokens: int, n_candidates: int = 1) -> int:
        with contextlib.closing(self._sent(tokens, n_tokens, n_candidates)) as connection:
            try:
                response = connection.getresponse()
                data = response.read()
            except (OSError, http.client.HTTPException) as error:
                raise PeerError(f"it gives no answer ({error})") from error
        if response.status != http.client.OK:
            raise PeerError(f"it answers with status {response.status}")
        return self.count(json.loads(data))

    def give_up(self, tokens: Tokens, n_tokens: int, delay_s: float) -> float:
        """By closing the connection, as an editor's plugin does."""
        with contextlib.closing(self._sent(tokens, n_tokens, 1, stream=True)):
            time.sleep(delay_s)
            return time.perf_counter()

    def _sent(
        self, tokens: Tokens, n_tokens: int, n_candidates: int, *, stream: bool = False
    ) -> http.client.HTTPConnection:
        where, body = self.request(tokens, n_tokens, n_candidates)
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_S)
        try:
            data = json.dumps({**body, "stream": stream})
            connection.request("POST", where, data, {"Content-Type": "application/json"})
        except OSError as error:
            raise PeerError(f"it takes no request ({error})") from error
        return connection


@contextmanager
def _llama_server(path: Path, threads: Threads) -> Iterator[_Server]:
    """With a slot for each candidate and for each document, and room for a whole prompt in each."""
    program = shutil.which("llama-server")
    if program is None:
        raise PeerError("there is none on the PATH")

    def request(tokens: Tokens, n_tokens: int, n_candidates: int) -> tuple[str, dict[str, Any]]:
        return "/completion", {
            "prompt": tokens,
            "n_predict": n_tokens,
            "n_cmpl": n_candidates,
            "temperature": 0 if n_candidates == 1 else TEMPERATURE,
            "ignore_eos": True,
            "cache_prompt": True,
        }

    def count(answer: Any) -> int:
        answers = answer if isinstance(answer, list) else [answer]
        return sum(one["tokens_predicted"] for one in answers)

    n_slots = N_CANDIDATES + 1
    port = _free_port()
    command = [
        *(program, "--model", str(path), "--host", HOST, "--port", str(port)),
        *("--threads", str(threads[0]), "--threads-batch", str(threads[1])),
        *("--parallel", str(n_slots), "--ctx-size", str(n_slots * MAX_CTX)),
    ]
    with _ready(command, port, "/health"):
        yield _Server(_version(program), port, N_CANDIDATES, request, count)


@contextmanager
def _llama_cpp_server(
    path: Path, threads: Threads, text: Callable[[Tokens], str]
) -> Iterator[_Server]:
    """It takes text, and ignores how many candidates are asked for."""

    def request(tokens: Tokens, n_tokens: int, _: int) -> tuple[str, dict[str, Any]]:
        prompt = {"prompt": text(tokens), "max_tokens": n_tokens, "temperature": 0}
        return "/v1/completions", prompt

    def count(answer: Any) -> int:
        return int(answer["usage"]["completion_tokens"])

    with llama_cpp_server(path, threads) as started:
        yield _Server(started.version, started.port, 1, request, count)


class Started(NamedTuple):
    """A server that listens on loopback."""

    version: str
    port: int


@contextmanager
def llama_cpp_server(path: Path, threads: Threads) -> Iterator[Started]:
    """llama-cpp-python's own server, ready to answer. Raises `PeerError`."""
    if not util.find_spec("uvicorn"):
        raise PeerError("it is not installed; pip install 'codegen-lsp[bench]'")
    port = _free_port()
    command = [
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(path.absolute())),
        *("--host", HOST, "--port", str(port), "--n_ctx", str(MAX_CTX)),
        *("--n_threads", str(threads[0])),
        *("--n_threads_batch", str(threads[1])),
    ]
    with _ready(command, port, "/v1/models"):
        yield Started(metadata.version("llama-cpp-python"), port)


@contextmanager
def _ready(command: Sequence[str], port: int, where: str) -> Iterator[None]:
    """A server that has begun to answer. Raises `PeerError` with its last word where it does not."""
    with running(command, cwd=PACKAGE.parent, env=_environment(), quiet=True) as program:
        end = time.monotonic() + START_S
        while not _answers(port, where):
            if program.process.poll() is not None or time.monotonic() > end:
                raise PeerError(f"it does not start: {program.last_line}")
            time.sleep(0.05)
        yield


def _answers(port: int, where: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=START_S)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", where)
        return connection.getresponse().status == http.client.OK
    return False


def _environment() -> dict[str, str]:
    """Ours, without what `native.py` has set for this process: others wait as they are used to."""
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    return {name: value for name, value in os.environ.items() if name not in ours}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _version(program: str) -> str:
    """What follows `version:` in the first line; llama-server writes it to stderr."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    line = next(iter((done.stderr + done.stdout).splitlines()), "")
    return line.removeprefix("version: ").strip()


class _Transformers:
    """PyTorch in a process of its own; see `torch_peer.py`."""

    n_candidates = N_CANDIDATES
    can_give_up = False  # nobody who uses it has a way to

    def __init__(self, program: Program) -> None:
        self._program = program
        self.version = str(self._hear()["version"])

    def ask(self, tokens: Tokens, n_tokens: int, n_candidates: int = 1) -> int:
        question = {"tokens": tokens, "n_tokens": n_tokens, "n_candidates": n_candidates}
        try:
            self._program.stdin.write(json.dumps(question).encode() + b"\n")
            self._program.stdin.flush()
        except OSError as error:
            raise PeerError(f"it has ended: {self._program.last_line}") from error
        return int(self._hear()["n_tokens"])

    def give_up(self, tokens: Tokens, n_tokens: int, delay_s: float) -> float:
        del tokens, n_tokens, delay_s
        raise PeerError("it cannot be interrupted")

    def _hear(self) -> Any:
        line = self._program.stdout.readline()
        if not line:
            raise PeerError(f"it has ended: {self._program.last_line}")
        return json.loads(line)


@contextmanager
def _transformers(path: Path, checkpoint: Path | None, threads: Threads) -> Iterator[_Transformers]:
    if not (util.find_spec("torch") and util.find_spec("transformers")):
        raise PeerError("it is not installed; pip install torch transformers")
    folder = checkpoint or _checkpoint_beside(path)
    if not (folder and (folder / "config.json").is_file()):
        raise PeerError(
            f"there is no checkpoint at {folder or path.parent}; name it by --checkpoint"
        )
    command = [sys.executable, "-m", "codegen_lsp.evaluate.torch_peer", str(folder.absolute())]
    command.append(str(threads[1]))
    with running(command, cwd=PACKAGE.parent, env=_environment()) as program:
        yield _Transformers(program)


def _checkpoint_beside(path: Path) -> Path | None:
    """The folder whose name the file's begins with, as in `nano/` and `nano-Q8_0.gguf`."""
    folders = [each for each in path.absolute().parent.iterdir() if each.is_dir()]
    named = [each for each in folders if path.name.startswith(f"{each.name}-")]
    return max(named, key=lambda each: len(each.name), default=None)
