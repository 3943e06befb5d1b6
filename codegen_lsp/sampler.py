"""Which token comes next: the likeliest, or one drawn; among those that heal, while there is something
to heal. The sampling itself is llama.cpp's."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen_lsp.engine import Sampling
from codegen_lsp.healing import Vocabulary
from codegen_lsp.native import lib

# Tokens whose probability is less than e^-30 of the likeliest one's: all of CodeGen's 51,200 together
# are less than a draw of 24 bits can hit. Leaving them out makes a draw ten times as fast.
NEVER = 30.0

_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Sampler:
    """Chooses the tokens of one candidate."""

    def __init__(self, sampling: Sampling, vocabulary: Vocabulary, heal: str) -> None:
        self._temperature = sampling.temperature
        self._chain = None if sampling.temperature <= 0 else _new_chain(sampling)
        self._vocabulary = vocabulary
        self._wanted = heal.encode("utf-8", "replace")

    @property
    def is_healing(self) -> bool:
        return bool(self._wanted)

    def choose(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """The next token, and the natural logarithm of its probability at temperature 1 among those
        that are allowed."""
        allowed = self._vocabulary.agreeing(self._wanted) if self._wanted else []
        scores = logits[allowed] if allowed else logits
        at = int(scores.argmax()) if self._chain is None else self._draw(scores)
        id_ = allowed[at] if allowed else at
        self._wanted = self._wanted[len(self._vocabulary.pieces[id_]) :]
        return id_, log_probability(scores, at)

    def close(self) -> None:
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)

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
