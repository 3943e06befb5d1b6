"""The engine on llama.cpp.

Low-level on purpose. One context with one sequence keeps the tokens of the last prompt and answer, so
that a new prompt costs only what differs from it; an evaluation ends at once when a flag is raised.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from codegen_lsp.engine import Cancel, EngineError, Prompt, Sampling, Stats, Stop, Token, until_stop
from codegen_lsp.healing import Vocabulary
from codegen_lsp.native import captured_log, lib

# Enough for every CodeGen (2,048 positions); a longer one only costs memory until slots can use it.
MAX_CTX = 4096
# One call to llama.cpp; what was evaluated in finished micro-batches survives a cancellation.
N_BATCH, N_UBATCH = 512, 128

DECODE_ABORTED = 2  # llama_decode's status after the abort callback said so


class LlamaEngine:
    """A GGUF file, loaded. See `engine.Engine` for what can be asked of it."""

    def __init__(
        self,
        path: Path,
        *,
        n_threads: int = 0,
        n_gpu_layers: int = -1,
        progress: Callable[[float], bool] = lambda _: True,
    ) -> None:
        """Load `path`. `progress` hears a share from 0 to 1, and ends the loading by returning False.
        0 threads means the physical cores, -1 layers all of them. Raises `EngineError`."""
        self._model = _load_model(path, n_gpu_layers, progress)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self._n_vocab = lib.llama_vocab_n_tokens(self._vocab)
        self._ctx = _new_context(self._model, n_threads or physical_cores())
        self._memory = lib.llama_get_memory(self._ctx)
        self._cached: list[int] = []  # the tokens that the KV cache holds
        self._pieces = [self._piece(id_) for id_ in range(self._n_vocab)]
        self._vocabulary = Vocabulary(self._pieces)
        self._stats = Stats()
        self._abort_on(Cancel())

    @property
    def n_ctx(self) -> int:
        return int(lib.llama_n_ctx(self._ctx))

    @property
    def stats(self) -> Stats:
        return self._stats

    def tokenize(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        tokens = (lib.llama_token * (len(data) + 1))()  # a token is a byte at least
        n_tokens = lib.llama_tokenize(
            self._vocab, data, len(data), tokens, len(tokens), False, False
        )
        return list(tokens[:n_tokens])

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancel: Cancel
    ) -> Generator[Token, None, None]:
        tokens = list(prompt.tokens) or [lib.llama_vocab_bos(self._vocab)]
        if len(tokens) >= self.n_ctx:
            raise EngineError(
                f"the prompt has {len(tokens)} tokens and the model takes {self.n_ctx}; "
                "lower promptTokens"
            )
        self._abort_on(cancel)
        n_reused = self._reuse(tokens)
        run = _Run(n_prompt=len(tokens), n_reused=n_reused)
        try:
            if self._evaluate(tokens[n_reused:]):
                run.prefilled()
                answer = until_stop(self._decode(prompt.heal, sampling, run), sampling.stop)
                if (yield from answer):
                    run.stop = "stop"
        finally:
            if cancel.is_set():
                run.stop = "cancelled"
            self._stats = run.stats()

    def close(self) -> None:
        lib.llama_free(self._ctx)
        lib.llama_model_free(self._model)

    def _abort_on(self, cancel: Cancel) -> None:
        """Let llama.cpp look at the flag at every node of its graph.

        The callback is the C library's `strlen` on the flag's bytes ("" is false, "\\1" is true): a
        callback in Python would take the interpreter's lock some hundred times a token.
        """
        self._flag = (ctypes.c_char * len(cancel.flag)).from_buffer(cancel.flag)
        lib.llama_set_abort_callback(self._ctx, _STRLEN, ctypes.addressof(self._flag))

    def _reuse(self, tokens: list[int]) -> int:
        """Drop from the KV cache what the prompt does not begin with; return how much remains.

        The last token is always evaluated again: its logits are wanted.
        """
        n_reused = 0
        for cached, token in zip(self._cached, tokens[:-1], strict=False):
            if cached != token:
                break
            n_reused += 1
        lib.llama_memory_seq_rm(self._memory, 0, n_reused, -1)
        del self._cached[n_reused:]
        return n_reused

    def _evaluate(self, tokens: list[int]) -> bool:
        """Append tokens to the KV cache. False after a cancellation; what was done by then stays."""
        for start in range(0, len(tokens), N_BATCH):
            if self._flag[0] != b"\0":  # a GPU does not ask the callback
                return False
            part = tokens[start : start + N_BATCH]
            array = (lib.llama_token * len(part))(*part)  # the batch holds only its address
            batch = lib.llama_batch_get_one(array, len(part))
            status = lib.llama_decode(self._ctx, batch)
            if status != 0:
                n_kept = int(lib.llama_memory_seq_pos_max(self._memory, 0)) + 1
                self._cached = (self._cached + part)[:n_kept]
                if status == DECODE_ABORTED:
                    return False
                raise EngineError(f"llama.cpp could not evaluate the prompt (status {status})")
            self._cached += part
        return True

    def _decode(self, heal: str, sampling: Sampling, run: _Run) -> Iterator[Token]:
        sampler = _new_sampler(sampling)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        wanted = heal.encode("utf-8", "replace")
        try:
            for _ in range(sampling.max_tokens):
                id_, logprob = self._choose(sampler, wanted)
                if lib.llama_vocab_is_eog(self._vocab, id_):
                    run.stop = "eos"
                    return
                piece = self._pieces[id_]
                wanted = wanted[len(piece) :]
                run.n_generated += 1
                run.stop = "consumer"  # should nobody come back for another
                yield Token(id_, decoder.decode(piece), logprob)
                run.stop = "length"
                if len(self._cached) + 1 >= self.n_ctx or not self._evaluate([id_]):
                    return
        finally:
            lib.llama_sampler_free(sampler)

    def _choose(self, sampler: Any, wanted: bytes) -> tuple[int, float]:
        """The next token and the logarithm of its probability among those that are allowed."""
        pointer = lib.llama_get_logits_ith(self._ctx, -1)
        logits = np.ctypeslib.as_array(pointer, shape=(self._n_vocab,))
        if wanted and (agreeing := self._vocabulary.agreeing(wanted)):
            allowed = logits[agreeing]
            logits.fill(-np.inf)
            logits[agreeing] = allowed
        id_ = int(lib.llama_sampler_sample(sampler, self._ctx, -1))
        peak = logits.max()
        total = np.exp(logits - peak).sum()
        return id_, float(logits[id_] - peak - np.log(total))

    def _piece(self, id_: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            n_bytes = lib.llama_token_to_piece(self._vocab, id_, buffer, size, 0, False)
            if n_bytes >= 0:
                return buffer.raw[:n_bytes]
            size = -n_bytes


class _Run:
    """What one generation has cost so far."""

    def __init__(self, n_prompt: int, n_reused: int) -> None:
        self.n_prompt = n_prompt
        self.n_reused = n_reused
        self.n_generated = 0
        self.stop: Stop = "length"
        self._begun = self._prefilled = time.perf_counter()

    def prefilled(self) -> None:
        self._prefilled = time.perf_counter()

    def stats(self) -> Stats:
        ended = time.perf_counter()
        has_prefilled = self._prefilled > self._begun
        border = self._prefilled if has_prefilled else ended
        return Stats(
            n_prompt=self.n_prompt,
            n_reused=self.n_reused,
            n_generated=self.n_generated,
            prefill_ms=(border - self._begun) * 1000,
            decode_ms=(ended - border) * 1000,
            stop=self.stop,
        )


def physical_cores() -> int:
    """Cores, not hyper-threads: two threads of one core share the unit that multiplies."""
    return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1


def supports_gpu() -> bool:
    """Whether this llama.cpp was built for a GPU."""
    return bool(lib.llama_supports_gpu_offload())


def system_info() -> str:
    """The processor features that this llama.cpp uses, in its own words."""
    return bytes(lib.llama_print_system_info()).decode("utf-8", "replace").strip()


def _load_model(path: Path, n_gpu_layers: int, progress: Callable[[float], bool]) -> Any:
    if not path.is_file():
        raise EngineError(f"{path}: there is no such file")
    params = lib.llama_model_default_params()
    params.n_gpu_layers = n_gpu_layers if supports_gpu() else 0
    params.progress_callback = lib.llama_progress_callback(lambda share, _: progress(share))
    with captured_log() as log:
        model = lib.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise EngineError(f"{path}: llama.cpp cannot load it ({log.reason()})")
    return model


def _new_context(model: Any, n_threads: int) -> Any:
    params = lib.llama_context_default_params()
    params.n_ctx = min(int(lib.llama_model_n_ctx_train(model)), MAX_CTX)
    params.n_batch, params.n_ubatch = N_BATCH, N_UBATCH
    params.n_threads = params.n_threads_batch = n_threads
    with captured_log() as log:
        ctx = lib.llama_init_from_model(model, params)
    if not ctx:
        lib.llama_model_free(model)
        raise EngineError(f"llama.cpp cannot make room for the model ({log.reason()})")
    return ctx


def _new_sampler(sampling: Sampling) -> Any:
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    if sampling.temperature <= 0:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
        return chain
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(sampling.temperature))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed))
    return chain


# See `LlamaEngine._abort_on`. None names the program itself, which Windows does not know.
_LIBC = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
_STRLEN = ctypes.cast(_LIBC.strlen, lib.ggml_abort_callback)
