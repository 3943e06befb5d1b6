"""Which token comes next: the likeliest, or one drawn; at an answer's beginning among those that it may
begin with. The sampling itself is llama.cpp's."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen_lsp.engine import Sampling
from codegen_lsp.healing import Beginning
from codegen_lsp.native import lib

# Tokens whose probability is less than e^-30 of the likeliest one's: all of CodeGen's 51,200 together
# are less than a draw of 24 bits can hit. Leaving them out makes a draw ten times as fast.
NEVER = 30.0

_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Sampler:
    """Chooses the tokens of one candidate."""

    def __init__(self, sampling: Sampling, beginning: Beginning) -> None:
        self._temperature = sampling.temperature
        self._chain = None if sampling.temperature <= 0 else _new_chain(sampling)
        self._beginning = beginning

    @property
    def is_beginning(self) -> bool:
        """Whether not every token may come next."""
        return not self._beginning.is_over

    def choose(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """The next token, and the natural logarithm of its probability at temperature 1 among those
        that are allowed."""
        if self._beginning.is_over:
            at = self._pick(logits)
            return at, log_probability(logits, at)
        allowed = self._beginning.allowed()
        scores = logits[allowed] if allowed else self._without_forbidden(logits)
        at = self._pick(scores)
        id_ = allowed[at] if allowed else at
        self._beginning.take(id_)
        return id_, log_probability(scores, at)

    def close(self) -> None:
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)

    def _without_forbidden(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        scores = logits.copy()
        scores[list(self._beginning.forbidden())] = -np.inf
        return scores

    def _pick(self, scores: NDArray[np.float32]) -> int:
        return int(scores.argmax()) if self._chain is None else self._draw(scores)

    def _draw(self, scores: NDArray[np.float32]) -> int:
        ids = np.flatnonzero(scores > scores.max() - NEVER * self._temperature)
        data = np.zeros(len(ids), _TOKEN_DATA)
        data["id"], data["logit"] = ids, scores[ids]
        pointer = ctypes.cast(data.ctypes.data, ctypes.POINTER(lib.llama_token_data))
        array = lib.llama_token_data_array(data=pointer, size=len(data), selected=-1, sorted=False)
        lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)


def log_probability(logits: NDArray[np.float32], id_: int) -> float:
    """Of one token, in natural logarithms, by the softmax over all."""
    peak = logits.max()
    return float(logits[id_] - peak - np.log(np.exp(logits - peak).sum()))


def _new_chain(sampling: Sampling) -> Any:
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(sampling.temperature))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed))
    return chain
