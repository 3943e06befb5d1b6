"""A slot: a context of llama.cpp, and the tokens that its KV cache holds.

A prompt that begins as a slot's tokens do is evaluated only from where it differs. Slots are contexts
of their own and not sequences of one: beside 4,500 tokens of other sequences, a 350M model decodes at
24 tokens a second instead of 32 (two cores), because attention walks over their cells too.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen_lsp.common import n_common_start
from codegen_lsp.engine import Cancel, EngineError
from codegen_lsp.native import captured_log, lib

Logits = NDArray[np.float32]

N_BATCH = 512  # tokens in one call to llama.cpp, at most
# Tokens in the first call of a prompt; each further one takes twice as many. A cancellation throws away
# what is not finished, and most come early: whoever has waited for a second has stopped typing. Equal
# batches of 128 make a prompt of 512 tokens take 5 % longer than one batch does, this 2 %.
N_FIRST = 64
MAX_SEQUENCES = 16  # candidates side by side
# Logits of one batch. Room for all of its tokens would take 100 MB with CodeGen's vocabulary.
MAX_LOGITS = 64

ABORTED = 2  # llama_decode's status after the abort callback said so
NO_ROOM = 1  # ... and where the KV cache is full


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a machine runs a model best: threads for one token at a time, threads for a prompt, and the
    size of a batch, which is also what a cancellation may throw away."""

    n_threads: int
    n_threads_batch: int
    n_ubatch: int = 256


class Slot:
    """Sequence 0 holds a prompt and the first candidate behind it; further candidates share the
    prompt's cells in sequences of their own, until they are done."""

    def __init__(self, model: Any, n_cells: int, tuning: Tuning, *, exact: bool) -> None:
        self.n_cells = n_cells
        self.tokens: list[int] = []  # of sequence 0
        self.n_prompt = 0  # how many of them were asked about; the others were answers
        self.n_reused = 0  # how many of those were there before, the last time
        self.ending: Logits | None = None  # of the prompt's last token
        self._ctx = _new_context(model, n_cells, tuning, exact=exact)
        self._memory = lib.llama_get_memory(self._ctx)
        self._n_vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        self._batch = _Batch(N_BATCH)
        self._n_ubatch = tuning.n_ubatch
        self._flag = (ctypes.c_char * 2)()

    def abort_on(self, cancel: Cancel) -> None:
        """Let llama.cpp look at the flag at every node of its graph.

        The callback is the C library's `strlen` on the flag's bytes ("" is false, "\\1" is true): a
        callback in Python would take the interpreter's lock some hundred times a token.
        """
        self._flag = (ctypes.c_char * len(cancel.flag)).from_buffer(cancel.flag)
        lib.llama_set_abort_callback(self._ctx, _STRLEN, ctypes.addressof(self._flag))

    def n_common(self, tokens: list[int]) -> int:
        """With how many of this slot's tokens the given ones begin."""
        return n_common_start(self.tokens, tokens)

    def keep(self, n_tokens: int) -> None:
        """Forget what stands behind the first `n_tokens`."""
        self.trim(0, n_tokens)
        del self.tokens[n_tokens:]
        if n_tokens < self.n_prompt:
            self.n_prompt, self.ending = n_tokens, None

    def prepare(self, tokens: Sequence[int]) -> bool:
        """Hold a prompt that begins with this slot's tokens, and its `ending`. False after a
        cancellation. Raises `EngineError`."""
        self.n_reused = len(self.tokens)
        if self.n_prompt == len(self.tokens) == len(tokens) and self.ending is not None:
            return True
        self.n_reused = min(len(self.tokens), len(tokens) - 1)
        self.keep(self.n_reused)
        self.ending = None
        try:
            if not self.evaluate(tokens[len(self.tokens) :]):
                return False
        finally:
            self.n_prompt = len(self.tokens)
        self.ending = self.logits(-1).copy()
        return True

    def take_from(self, other: Slot) -> None:
        """Hold what another slot holds. Costs two copies of its cells, a hundredth of evaluating
        them."""
        self.keep(0)
        size = lib.llama_state_seq_get_size(other._ctx, 0)
        state = (ctypes.c_uint8 * size)()
        lib.llama_state_seq_get_data(other._ctx, state, size, 0)
        if lib.llama_state_seq_set_data(self._ctx, state, size, 0):
            self.tokens = list(other.tokens)

    def evaluate(self, tokens: Sequence[int], n_logits: int = 1) -> bool:
        """Append tokens to sequence 0; the logits of the last `n_logits` are there afterwards. False
        after a cancellation: what was evaluated by then stays. Raises `EngineError`."""
        size, start = min(N_FIRST, self._n_ubatch), 0
        while part := tokens[start : start + size]:
            start, size = start + size, min(2 * size, self._n_ubatch)
            n_before = len(self.tokens)
            rows = [Row(token, n_before + at, 0) for at, token in enumerate(part)]
            status = self.decode(rows, n_logits if start >= len(tokens) else 0)
            n_after = int(lib.llama_memory_seq_pos_max(self._memory, 0)) + 1
            self.tokens += part[: n_after - n_before]
            if status == ABORTED:
                return False
            if status != 0:
                raise EngineError(f"llama.cpp could not evaluate the prompt (status {status})")
        return True

    def decode(self, rows: Sequence[Row], n_logits: int) -> int:
        """Evaluate rows (at most `N_BATCH`), keeping the logits of the last `n_logits` of them.
        Returns llama.cpp's status."""
        if self._flag[0] != b"\0":  # a GPU does not ask the callback
            return ABORTED
        self._batch.fill(rows, n_logits)
        return int(lib.llama_decode(self._ctx, self._batch.struct))

    def logits(self, row: int) -> Logits:
        """Of one row of the last batch (-1 is the last): a view, valid until the next."""
        pointer = lib.llama_get_logits_ith(self._ctx, row)
        return np.ctypeslib.as_array(pointer, shape=(self._n_vocab,))

    def share(self, n_sequences: int) -> None:
        """Let sequences 1 to `n_sequences` - 1 begin with the cells of sequence 0."""
        for sequence in range(1, n_sequences):
            lib.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)

    def trim(self, sequence: int, n_tokens: int) -> None:
        """Free a sequence's cells behind the first `n_tokens`."""
        lib.llama_memory_seq_rm(self._memory, sequence, n_tokens, -1)

    def close(self) -> None:
        lib.llama_free(self._ctx)


@dataclass(frozen=True, slots=True)
class Row:
    """One token of a batch: where it stands and in which sequence."""

    token: int
    position: int
    sequence: int


class _Batch:
    """llama.cpp's batch over numpy arrays, so that filling it takes no call for each token."""

    def __init__(self, size: int) -> None:
        self._token, self._pos, self._seq = (np.zeros(size, np.int32) for _ in range(3))
        self._n_seq = np.ones(size, np.int32)
        self._seq_ids = self._seq.ctypes.data + 4 * np.arange(size, dtype=np.uintp)
        self._logits = np.zeros(size, np.int8)
        self.struct = lib.llama_batch(
            token=_pointer(self._token, ctypes.c_int32),
            pos=_pointer(self._pos, ctypes.c_int32),
            n_seq_id=_pointer(self._n_seq, ctypes.c_int32),
            seq_id=_pointer(self._seq_ids, ctypes.POINTER(ctypes.c_int32)),
            logits=_pointer(self._logits, ctypes.c_int8),
        )

    def fill(self, rows: Sequence[Row], n_logits: int) -> None:
        n = self.struct.n_tokens = len(rows)
        self._token[:n] = [row.token for row in rows]
        self._pos[:n] = [row.position for row in rows]
        self._seq[:n] = [row.sequence for row in rows]
        self._logits[:n] = 0
        self._logits[n - n_logits : n] = 1


def _pointer(array: NDArray[Any], type_: Any) -> Any:
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(type_))


def bytes_per_cell(model: Any) -> int:
    """What the KV cache takes for one token: a key and a value in each layer, two bytes a number."""
    n_head = int(lib.llama_model_n_head(model))
    n_embd_head = int(lib.llama_model_n_embd(model)) // max(1, n_head)
    n_numbers = int(lib.llama_model_n_head_kv(model)) * n_embd_head
    return 2 * 2 * n_numbers * int(lib.llama_model_n_layer(model))


def _new_context(model: Any, n_cells: int, tuning: Tuning, *, exact: bool) -> Any:
    params = lib.llama_context_default_params()
    params.n_ctx = n_cells
    params.n_batch, params.n_ubatch = N_BATCH, tuning.n_ubatch
    params.n_seq_max, params.kv_unified = MAX_SEQUENCES, True
    params.n_outputs_max = MAX_LOGITS
    params.n_threads, params.n_threads_batch = tuning.n_threads, tuning.n_threads_batch
    if exact:
        params.flash_attn_type, params.type_v = _FLASH_ATTN_ENABLED, _BF16
    with captured_log() as log:
        ctx = lib.llama_init_from_model(model, params)
    if not ctx:
        raise EngineError(f"llama.cpp cannot make room for the model ({log.reason()})")
    return ctx


_FLASH_ATTN_ENABLED, _BF16 = 1, 30  # of llama.h and ggml.h

# See `Slot.abort_on`. None names the program itself, which Windows does not know.
_LIBC = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
_STRLEN = ctypes.cast(_LIBC.strlen, lib.ggml_abort_callback)
