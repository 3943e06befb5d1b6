"""A GGUF file, loaded into llama.cpp, as a function from tokens to logits."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codegen_lsp.llama import physical_cores
from codegen_lsp.native import captured_log, lib

Tokens = npt.NDArray[np.int32]
Logits = npt.NDArray[np.float32]


class NativeError(Exception):
    """llama.cpp refuses; the message is one line for a person."""


@contextmanager
def open_model(path: Path, n_ctx: int, n_threads: int = 0) -> Iterator[Model]:
    """Load `path` with room for `n_ctx` tokens, and free it at the end.

    `n_ctx` is at most what the model was made for; `n_threads` 0 means the physical cores.
    llama.cpp's log is kept from the screen meanwhile. Raises `NativeError`.
    """
    threads = n_threads or physical_cores()
    with captured_log() as log:
        weights = lib.llama_model_load_from_file(
            os.fsencode(path), lib.llama_model_default_params()
        )
        if not weights:
            raise NativeError(f"llama.cpp cannot load {path}: {log.reason()}")
        context = None
        try:
            n_ctx_train = int(lib.llama_model_n_ctx_train(weights))
            if not 0 < n_ctx <= n_ctx_train:  # llama.cpp aborts on some sizes, and asks no one
                raise NativeError(f"{path} reads 1 to {n_ctx_train} tokens at a time, not {n_ctx}")
            params = lib.llama_context_default_params()
            params.n_ctx = params.n_batch = n_ctx
            params.n_threads = params.n_threads_batch = threads
            context = lib.llama_init_from_model(weights, params)
            if not context:
                raise NativeError(f"llama.cpp cannot run {path}: {log.reason()}")
            yield Model(path, weights, context)
        finally:
            if context:
                lib.llama_free(context)
            lib.llama_model_free(weights)


class Model:
    """Weights and one context: what `open_model` yields. For one thread."""

    def __init__(self, path: Path, weights: Any, context: Any) -> None:
        self.path = path
        self.n_params = int(lib.llama_model_n_params(weights))
        self.n_tensor_bytes = int(lib.llama_model_size(weights))
        self._vocab: Any = lib.llama_model_get_vocab(weights)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self._vocab))
        self._context = context
        self._memory: Any = lib.llama_get_memory(context)

    def vocabulary(self) -> list[bytes]:
        """The text of each token as the file has it."""
        return [
            lib.llama_vocab_get_text(self._vocab, token) or b"" for token in range(self.n_vocab)
        ]

    def tokenize(self, text: str) -> Tokens:
        """The tokens of `text`, with nothing added; special tokens in it are plain text."""
        data = text.encode("utf-8", errors="replace")
        tokens = np.empty(len(data) + 1, np.int32)  # a token has a byte at least
        pointer = tokens.ctypes.data_as(ctypes.POINTER(lib.llama_token))
        n = lib.llama_tokenize(self._vocab, data, len(data), pointer, len(tokens), False, False)
        if n < 0:
            raise NativeError(f"{self.path}: its tokenizer fails on this text")
        return tokens[:n].copy()

    def n_bytes(self, token: int) -> int:
        """How many bytes of text the token stands for."""
        # With no room to write to, llama.cpp returns the size that it needs, negated.
        return -int(lib.llama_token_to_piece(self._vocab, token, b"", 0, 0, True))

    def clear(self) -> None:
        """Forget all tokens: the next one stands at position 0."""
        lib.llama_memory_clear(self._memory, False)

    def evaluate(self, tokens: Tokens, n_outputs: int = 1) -> Logits:
        """Append `tokens` (at most n_ctx in all) and return the logits of the last `n_outputs`.

        Shape (n_outputs, n_vocab); llama.cpp's own memory, good until the next call.
        """
        tokens = np.ascontiguousarray(tokens, np.int32)
        wanted = np.zeros(len(tokens), np.int8)
        wanted[-n_outputs:] = 1
        batch = lib.llama_batch(
            n_tokens=len(tokens),
            token=tokens.ctypes.data_as(ctypes.POINTER(lib.llama_token)),
            logits=wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        status = lib.llama_decode(self._context, batch)
        if status != 0:
            raise NativeError(f"{self.path}: llama.cpp's evaluation fails with status {status}")
        logits: Any = lib.llama_get_logits(self._context)
        return np.ctypeslib.as_array(logits, shape=(n_outputs, self.n_vocab))
