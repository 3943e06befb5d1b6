"""The price of a quantization, measured: how far one GGUF's predictions are from another's.

Both files read the same text in windows of `n_ctx` tokens, of which the second half is scored, so
that each scored token has half a window of context at least. That is what llama.cpp's own
perplexity tool does (tools/perplexity/perplexity.cpp, `kl_divergence`), so the figures may be set
beside published ones. A last window that is not full is left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantize.model import Logits, Model, NativeError, Tokens, open_model

if TYPE_CHECKING:
    from rich.table import Table

Floats = npt.NDArray[np.float64]

N_DECODED = 32  # tokens that make up a measurement of decoding: about a line of code
N_RUNS = 3  # the best is reported: other programs only ever make a run slower


class CompareError(Exception):
    """The two files cannot be compared; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One file. Bits per weight count the tensors; the file's bytes also its vocabulary.

    With the natural logarithm of the probability p of each scored token after those before it,
    perplexity = exp(-mean(ln p)), and bits_per_byte = -sum(log2 p) / bytes of the scored tokens;
    the latter does not depend on the tokenizer.
    """

    path: str
    n_bytes: int
    bits_per_weight: float
    perplexity: float
    bits_per_byte: float
    prefill_tokens_per_s: float
    decode_tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two files on one text.

    The KL divergence of a position is sum_t P(t) (ln P(t) - ln Q(t)) in nats, over all tokens t,
    with P of the reference and Q of the test (Kullback and Leibler 1951, equation 2.4).
    `same_top` is the fraction of positions where both hold the same token most probable.
    """

    reference: Measured
    test: Measured
    kld_mean: float
    kld_p99: float
    same_top: float
    n_scored: int
    n_ctx: int


def compare(
    reference: Path,
    test: Path,
    text: str,
    *,
    n_ctx: int = 512,
    n_threads: int = 0,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Comparison:
    """Measure both files on `text`, in windows of `n_ctx` tokens (at least 8).

    `n_threads` 0 means the physical cores; where other programs keep those busy, 1 is much faster,
    because llama.cpp's threads wait for each other at each step of the graph. `progress` hears the
    fraction of windows done. Both models are in memory together, but the logits of one window only.
    Raises `CompareError`.
    """
    if n_ctx < 8:
        raise CompareError(f"a window of {n_ctx} tokens is too small: take 8 or more")
    try:
        with ExitStack() as stack:
            models = [
                stack.enter_context(open_model(path, n_ctx, n_threads))
                for path in (reference, test)
            ]
            windows = _windows(models, text, n_ctx)
            scores = []
            for window in windows:
                scores.append(_score(models, window))
                progress(len(scores) / len(windows))
            log_p, log_q, kld, same_top = np.concatenate(scores, axis=1)
            return Comparison(
                reference=_measured(models[0], windows, log_p),
                test=_measured(models[1], windows, log_q),
                kld_mean=float(np.mean(kld)),
                kld_p99=float(np.percentile(kld, 99)),
                same_top=float(np.mean(same_top)),
                n_scored=len(kld),
                n_ctx=n_ctx,
            )
    except NativeError as error:
        raise CompareError(str(error)) from error


def render(comparison: Comparison) -> Table:
    """The comparison as a table for a terminal of 80 columns."""
    from rich.table import Table  # noqa: PLC0415 - only people need it

    files = (comparison.reference, comparison.test)
    table = Table("", *(Path(file.path).name for file in files))
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("size, MiB", *(f"{file.n_bytes / 2**20:,.1f}" for file in files))
    table.add_row("bits per weight", *(f"{file.bits_per_weight:.2f}" for file in files))
    table.add_row("perplexity", *(f"{file.perplexity:.4f}" for file in files))
    table.add_row("bits per byte", *(f"{file.bits_per_byte:.4f}" for file in files))
    table.add_row("prefill, tokens/s", *(f"{file.prefill_tokens_per_s:,.0f}" for file in files))
    table.add_row("decode, tokens/s", *(f"{file.decode_tokens_per_s:,.0f}" for file in files))
    table.add_section()
    table.add_row("KL divergence, mean", "", f"{comparison.kld_mean:.6f}")
    table.add_row("KL divergence, 99th percentile", "", f"{comparison.kld_p99:.6f}")
    table.add_row("same token on top", "", f"{comparison.same_top:.2%}")
    table.caption = f"{comparison.n_scored:,} tokens scored, windows of {comparison.n_ctx}"
    return table


def _windows(models: Sequence[Model], text: str, n_ctx: int) -> Tokens:
    """The text's tokens, shape (n_windows, n_ctx), the same for both models."""
    reference, test = models
    tokens = reference.tokenize(text)
    same_tokens = np.array_equal(tokens, test.tokenize(text))
    if not same_tokens or reference.vocabulary() != test.vocabulary():
        raise CompareError(
            f"{reference.path} and {test.path} have different vocabularies: compare each with "
            "itself and set their bits per byte side by side"
        )
    if len(tokens) < n_ctx:
        raise CompareError(
            f"the text has {len(tokens)} tokens and one window takes {n_ctx}: "
            "give a longer text or a smaller window"
        )
    return tokens[: len(tokens) // n_ctx * n_ctx].reshape(-1, n_ctx)


def _score(models: Sequence[Model], window: Tokens) -> Floats:
    """ln P and ln Q of each scored token, KL divergence, same top (0 or 1): (4, n_scored)."""
    targets = _scored(window)
    logits = []
    for model in models:
        model.clear()
        logits.append(model.evaluate(window[:-1], len(targets)))  # a token's predict the next one
        if not np.isfinite(logits[-1]).all():
            raise CompareError(f"{model.path} gives no finite logits: its weights are damaged")
    # Blocks of rows keep small what is in float64: 64 rows of CodeGen's 51,200 tokens are 26 MB.
    blocks = [slice(start, start + 64) for start in range(0, len(targets), 64)]
    scores = [_score_rows(logits[0][at], logits[1][at], targets[at]) for at in blocks]
    return np.concatenate(scores, axis=1)


def _scored(windows: Tokens) -> Tokens:
    """The tokens whose probabilities count: those past the middle of each window."""
    return windows[..., windows.shape[-1] // 2 + 1 :]


def _score_rows(reference: Logits, test: Logits, targets: Tokens) -> Floats:
    """`_score` from the logits, each of shape (n_scored, n_vocab)."""
    rows = np.arange(len(targets))
    log_p, log_q = _log_softmax(reference), _log_softmax(test)
    kld = np.sum(np.exp(log_p) * (log_p - log_q), axis=1)
    kld = np.maximum(kld, 0.0)  # it is negative by rounding only (Gibbs' inequality)
    same_top = log_p.argmax(axis=1) == log_q.argmax(axis=1)
    return np.stack([log_p[rows, targets], log_q[rows, targets], kld, same_top])


def _log_softmax(logits: Logits) -> Floats:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _measured(model: Model, windows: Tokens, log_probabilities: Floats) -> Measured:
    tokens, counts = np.unique(_scored(windows), return_counts=True)
    n_text_bytes = sum(
        model.n_bytes(int(token)) * int(count) for token, count in zip(tokens, counts, strict=True)
    )
    prefill, decode = np.max([_speed(model, windows[0]) for _ in range(N_RUNS)], axis=0)
    return Measured(
        path=str(model.path),
        n_bytes=model.path.stat().st_size,
        bits_per_weight=8 * model.n_tensor_bytes / model.n_params,
        perplexity=math.exp(-np.mean(log_probabilities)),
        bits_per_byte=-float(np.sum(log_probabilities)) / math.log(2) / n_text_bytes,
        prefill_tokens_per_s=float(prefill),
        decode_tokens_per_s=float(decode),
    )


def _speed(model: Model, window: Tokens) -> tuple[float, float]:
    """Tokens per second: of the window's beginning at once, of its end one by one."""
    n_decoded = min(N_DECODED, len(window) // 2)
    model.clear()
    start = time.perf_counter()
    model.evaluate(window[:-n_decoded])
    middle = time.perf_counter()
    for at in range(len(window) - n_decoded, len(window)):
        model.evaluate(window[at : at + 1])
    end = time.perf_counter()
    return (len(window) - n_decoded) / (middle - start), n_decoded / (end - middle)
