"""Why it does not work, or how well it does: checks for a person, each with what to do about it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from codegen_lsp import __version__
from codegen_lsp.config import Config
from codegen_lsp.engine import Cancel, Engine, EngineError, Prompt, Sampling
from codegen_lsp.models import find, models_dir
from codegen_lsp.sandbox import unavailable
from codegen_lsp.worker import Worker

# The editors we look for, and which of their versions show ghost text from a language server.
EDITORS = {
    "nvim": "ghost text from 0.12",
    "code": "ghost text with the extension",
    "codium": "ghost text with the extension",
    "hx": "ordinary completion",
    "emacs": "ordinary completion",
}

N_PREFILL, N_DECODE = 256, 32  # tokens measured; a second or two with a 350M model


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `advice` says what to do where it is not ok."""

    name: str
    ok: bool
    value: str
    advice: str = ""


Load = Callable[[Config, Callable[[float], bool]], Worker]
"""Loads the configured model; here nobody wants to hear how far it is."""


def examine(load: Load, config: Config) -> tuple[Check, ...]:
    """Everything that completing needs on this machine, checked."""
    return (
        Check("codegen-lsp", True, __version__),
        Check("python", True, f"{platform.python_version()} on {platform.platform()}"),
        *_packages(),
        _processor(),
        *_model(load, config),
        *_editors(),
        Check("sandbox", True, _sandbox()),
        Check("models", True, str(models_dir())),
    )


def _packages() -> Iterator[Check]:
    for name in ("llama-cpp-python", "pygls", "lsprotocol", "tree-sitter"):
        yield Check(name, True, metadata.version(name))


def _processor() -> Check:
    from codegen_lsp.llama import physical_cores, supports_gpu, system_info

    gpu = "with a GPU" if supports_gpu() else "without a GPU"
    return Check("llama.cpp", True, f"{gpu}, {physical_cores()} cores; {system_info()}")


def _model(load: Load, config: Config) -> Iterator[Check]:
    """Load the model and measure it: the two figures that decide how long a suggestion takes."""
    try:
        begun = time.perf_counter()
        engine = load(config, lambda _: True)
        seconds = time.perf_counter() - begun
    except EngineError as error:
        yield Check(
            "model", False, str(error), "choose another with --model; see: codegen-lsp models"
        )
        return
    yield Check("model", True, f"{config.model}, {find(config.model)}, loaded in {seconds:.2f} s")
    yield Check("threads", True, _threads(engine))
    yield Check("KV cache", True, _kv_cache(engine))
    prefill, decode = _measure(engine)
    engine.close()
    yield Check("speed", True, f"prefill {prefill:.0f} tokens/s, decode {decode:.0f} tokens/s")


def _threads(engine: Worker) -> str:
    ready = engine.ready
    return (
        f"{ready.n_threads} to write, {ready.n_threads_batch} to read, "
        f"{ready.n_ubatch} tokens of a prompt at a time"
    )


def _kv_cache(engine: Worker) -> str:
    cache = engine.footprint
    prompts = "1 prompt" if cache.n_slots == 1 else f"{cache.n_slots} prompts"
    return f"at most {cache.kv_cache / 1e6:.0f} MB: {prompts} of up to {engine.n_ctx:,} tokens"


def _measure(engine: Engine) -> tuple[float, float]:
    """Prefill and decode speed in tokens per second, for a prompt that was never seen before."""
    line = "def function(argument):\n    return argument\n\n"
    tokens = tuple(engine.tokenize(line * N_PREFILL)[:N_PREFILL])
    generation = engine.generate(Prompt("", tokens), [Sampling(max_tokens=N_DECODE)], Cancel())
    n_decoded = sum(1 for _ in generation)
    stats = generation.stats
    return (
        len(tokens) * 1000 / max(stats.prefill_ms, 0.001),
        n_decoded * 1000 / max(stats.decode_ms, 0.001),
    )


def _sandbox() -> str:
    """Whether examples could be run here. It starts a program; where there are no walls, that ends."""
    return unavailable() or "code can be walled in, so that runExamples has an effect"


def _editors() -> Iterator[Check]:
    found = [name for name in EDITORS if shutil.which(name)]
    for name in found:
        yield Check(name, True, f"{_first_line([name, '--version'])} ({EDITORS[name]})")
    if not found:
        yield Check("editors", True, "none of " + ", ".join(EDITORS) + " is on the PATH")


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "does not answer"
    return (done.stdout.splitlines() or [""])[0]
