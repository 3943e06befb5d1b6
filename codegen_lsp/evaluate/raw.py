"""llama.cpp with nothing around it: the loop that everything else is measured against."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codegen_lsp.engine import EngineError
from codegen_lsp.native import captured_log, lib

MAX_CTX = 2048  # CodeGen's own; another model may have a million


@dataclass(frozen=True, slots=True)
class Run:
    """A prompt and greedy tokens behind it; seconds until the first of them, and for the others."""

    tokens: tuple[int, ...]
    first_s: float
    others_s: float


class Raw:
    """A GGUF file in one context, with llama.cpp's own defaults but for its threads."""

    def __init__(self, path: Path, n_threads: int, n_threads_batch: int) -> None:
        """Threads for one token at a time, and for a prompt. Raises `EngineError`."""
        params = lib.llama_model_default_params()
        params.n_gpu_layers = -1 if lib.llama_supports_gpu_offload() else 0
        with captured_log() as log:
            self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise EngineError(f"{path}: llama.cpp cannot load it ({log.reason()})")
        self._vocab = lib.llama_model_get_vocab(self._model)
        self._n_vocab = int(lib.llama_vocab_n_tokens(self._vocab))
        context = lib.llama_context_default_params()
        self.n_ctx = min(int(lib.llama_model_n_ctx_train(self._model)), MAX_CTX)
        context.n_ctx = self.n_ctx
        context.n_threads, context.n_threads_batch = n_threads, n_threads_batch
        with captured_log() as log:
            self._ctx = lib.llama_init_from_model(self._model, context)
        if not self._ctx:
            lib.llama_model_free(self._model)
            raise EngineError(f"{path}: llama.cpp cannot make room for it ({log.reason()})")

    @property
    def quantization(self) -> str:
        """In llama.cpp's words, such as `Q4_K - Medium`."""
        buffer = ctypes.create_string_buffer(128)
        lib.llama_model_desc(self._model, buffer, len(buffer))
        return buffer.value.decode().rpartition("B ")[2]  # behind architecture and size

    def run(self, prompt: Sequence[int], n_tokens: int) -> Run:
        """Forget everything, evaluate a prompt and decode `n_tokens` greedily, whatever they are."""
        lib.llama_memory_clear(lib.llama_get_memory(self._ctx), False)
        begun = time.perf_counter()
        tokens = [self.evaluate(prompt)]
        first = time.perf_counter()
        while len(tokens) < n_tokens:
            tokens.append(self.evaluate(tokens[-1:]))
        return Run(tuple(tokens), first - begun, time.perf_counter() - first)

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append tokens; the likeliest one behind them. Raises `EngineError`."""
        array = (lib.llama_token * len(tokens))(*tokens)
        status = lib.llama_decode(self._ctx, lib.llama_batch_get_one(array, len(tokens)))
        if status != 0:
            raise EngineError(f"llama.cpp could not evaluate {len(tokens)} tokens ({status})")
        logits = lib.llama_get_logits_ith(self._ctx, -1)
        return int(np.ctypeslib.as_array(logits, shape=(self._n_vocab,)).argmax())

    def ends(self, tokens: Sequence[int]) -> bool:
        """Whether the model's own end is among these."""
        return any(lib.llama_vocab_is_eog(self._vocab, token) for token in tokens)

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens stand for."""
        return _text(self._vocab, tokens)

    def close(self) -> None:
        lib.llama_free(self._ctx)
        lib.llama_model_free(self._model)


class Vocabulary:
    """The tokens of a GGUF file, without its weights."""

    def __init__(self, path: Path) -> None:
        """Raises `EngineError`."""
        params = lib.llama_model_default_params()
        params.vocab_only = True
        with captured_log() as log:
            self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise EngineError(f"{path}: llama.cpp cannot load it ({log.reason()})")
        self._vocab = lib.llama_model_get_vocab(self._model)

    def tokenize(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        tokens = (lib.llama_token * (len(data) + 1))()  # a token is a byte at least
        n_tokens = lib.llama_tokenize(
            self._vocab, data, len(data), tokens, len(tokens), False, False
        )
        return list(tokens[:n_tokens])

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens stand for."""
        return _text(self._vocab, tokens)

    def close(self) -> None:
        lib.llama_model_free(self._model)


def _text(vocab: object, tokens: Sequence[int]) -> str:
    array = (lib.llama_token * len(tokens))(*tokens)
    buffer = ctypes.create_string_buffer(64 * len(tokens) + 1)
    n_bytes = lib.llama_detokenize(vocab, array, len(tokens), buffer, len(buffer), False, True)
    return buffer.raw[: max(0, n_bytes)].decode("utf-8", "replace")
