"""A GGUF file, loaded into llama.cpp, as a function from tokens to logits; and llama.cpp's log."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import psutil

Tokens = npt.NDArray[np.int32]
Logits = npt.NDArray[np.float32]

_ERROR = 4  # GGML_LOG_LEVEL_ERROR of ggml.h; llama_cpp has no names for the levels
_log_lock = threading.RLock()


class NativeError(Exception):
    """llama.cpp refuses; the message is one line for a person."""


@contextmanager
def open_model(path: Path, n_ctx: int, n_threads: int = 0) -> Iterator[Model]:
    """Load `path` with room for `n_ctx` tokens, and free it at the end.

    `n_ctx` is at most what the model was made for; `n_threads` 0 means the physical cores.
    llama.cpp's log is kept from the screen meanwhile. Raises `NativeError`.
    """
    threads = n_threads or psutil.cpu_count(logical=False) or 1
    with captured_log() as log:
        weights = llama_cpp.llama_model_load_from_file(
            os.fsencode(path), llama_cpp.llama_model_default_params()
        )
        if not weights:
            raise NativeError(f"llama.cpp cannot load {path}: {log.reason()}")
        context = None
        try:
            n_ctx_train = int(llama_cpp.llama_model_n_ctx_train(weights))
            if not 0 < n_ctx <= n_ctx_train:  # llama.cpp aborts on some sizes, and asks no one
                raise NativeError(f"{path} reads 1 to {n_ctx_train} tokens at a time, not {n_ctx}")
            params = llama_cpp.llama_context_default_params()
            params.n_ctx = params.n_batch = n_ctx
            params.n_threads = params.n_threads_batch = threads
            context = llama_cpp.llama_init_from_model(weights, params)
            if not context:
                raise NativeError(f"llama.cpp cannot run {path}: {log.reason()}")
            yield Model(path, weights, context)
        finally:
            if context:
                llama_cpp.llama_free(context)
            llama_cpp.llama_model_free(weights)


class Model:
    """Weights and one context: what `open_model` yields. For one thread."""

    def __init__(self, path: Path, weights: Any, context: Any) -> None:
        self.path = path
        self.n_params = int(llama_cpp.llama_model_n_params(weights))
        self.n_tensor_bytes = int(llama_cpp.llama_model_size(weights))
        self._vocab: Any = llama_cpp.llama_model_get_vocab(weights)
        self.n_vocab = int(llama_cpp.llama_vocab_n_tokens(self._vocab))
        self._context = context
        self._memory: Any = llama_cpp.llama_get_memory(context)

    def vocabulary(self) -> list[bytes]:
        """The text of each token as the file has it."""
        return [
            llama_cpp.llama_vocab_get_text(self._vocab, token) or b""
            for token in range(self.n_vocab)
        ]

    def tokenize(self, text: str) -> Tokens:
        """The tokens of `text`, with nothing added; special tokens in it are plain text."""
        data = text.encode("utf-8", errors="replace")
        tokens = np.empty(len(data) + 1, np.int32)  # a token has a byte at least
        pointer = tokens.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token))
        n = llama_cpp.llama_tokenize(
            self._vocab, data, len(data), pointer, len(tokens), False, False
        )
        if n < 0:
            raise NativeError(f"{self.path}: its tokenizer fails on this text")
        return tokens[:n].copy()

    def n_bytes(self, token: int) -> int:
        """How many bytes of text the token stands for."""
        # With no room to write to, llama.cpp returns the size that it needs, negated.
        return -int(llama_cpp.llama_token_to_piece(self._vocab, token, b"", 0, 0, True))

    def clear(self) -> None:
        """Forget all tokens: the next one stands at position 0."""
        llama_cpp.llama_memory_clear(self._memory, False)

    def evaluate(self, tokens: Tokens, n_outputs: int = 1) -> Logits:
        """Append `tokens` (at most n_ctx in all) and return the logits of the last `n_outputs`.

        Shape (n_outputs, n_vocab); llama.cpp's own memory, good until the next call.
        """
        tokens = np.ascontiguousarray(tokens, np.int32)
        wanted = np.zeros(len(tokens), np.int8)
        wanted[-n_outputs:] = 1
        batch = llama_cpp.llama_batch(
            n_tokens=len(tokens),
            token=tokens.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token)),
            logits=wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        status = llama_cpp.llama_decode(self._context, batch)
        if status != 0:
            raise NativeError(f"{self.path}: llama.cpp's evaluation fails with status {status}")
        logits: Any = llama_cpp.llama_get_logits(self._context)
        return np.ctypeslib.as_array(logits, shape=(n_outputs, self.n_vocab))


@dataclass(frozen=True, slots=True)
class Log:
    """What llama.cpp has said: pairs of a level as in ggml.h (4 is an error) and text."""

    pieces: list[tuple[int, str]] = field(default_factory=list)

    def reason(self) -> str:
        """The last error that names a cause, without the name of the function that met it."""
        errors = [text.strip() for level, text in self.pieces if level == _ERROR and text.strip()]
        causes = [text for text in errors if "failed to load model" not in text]
        last = (causes or errors or ["it gives no reason"])[-1]
        return last.split(": ", 1)[-1].splitlines()[0].removeprefix("error loading model: ")


@contextmanager
def captured_log() -> Iterator[Log]:
    """Collect llama.cpp's log instead of showing it. The log is one for the whole process: a
    second thread waits until the first is done; the former callback comes back at the end."""
    log = Log()

    def collect(level: int, text: bytes, _user_data: object) -> None:
        log.pieces.append((level, text.decode("utf-8", errors="replace")))

    collector = llama_cpp.llama_log_callback(collect)  # must live as long as llama.cpp calls it
    with _log_lock:
        callback, user_data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
        llama_cpp.llama_log_get(ctypes.byref(callback), ctypes.byref(user_data))
        llama_cpp.llama_log_set(collector, ctypes.c_void_p(None))
        try:
            yield log
        finally:
            llama_cpp.llama_log_set(callback, user_data)
