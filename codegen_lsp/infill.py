"""How a loaded model is asked for what stands between two texts, read off its vocabulary.

Two forms: that of all models whose GGUF names its tokens for it ("FIM", fill in the middle; Bavarian et
al. 2022), and that of CodeGen2.
"""

from __future__ import annotations

from typing import Any

from codegen_lsp.engine import Infill
from codegen_lsp.native import lib


def infill_of(vocab: Any) -> Infill | None:
    """The form that a vocabulary (a `llama_vocab`) knows, or None where it knows none."""
    return _named(vocab) or _codegen2(vocab)


def _named(vocab: Any) -> Infill | None:
    """Prefix, suffix, middle: as llama.cpp's own `/infill` has them. Some models have no token in front
    of the middle. None of these can be part of an answer, and those for padding, for a new repository
    and for a new file end all answers anyway (llama.cpp takes them for ends)."""
    before_prefix, before_suffix, before_middle = (
        (int(token),) if token != lib.LLAMA_TOKEN_NULL else ()
        for token in (
            lib.llama_vocab_fim_pre(vocab),
            lib.llama_vocab_fim_suf(vocab),
            lib.llama_vocab_fim_mid(vocab),
        )
    )
    if not before_prefix or not before_suffix:
        return None
    ends = before_prefix + before_suffix + before_middle
    return Infill(before_prefix, before_suffix, before_middle, ends)


def _codegen2(vocab: Any) -> Infill | None:
    """The prefix, `<mask_1>`, the suffix, `<|endoftext|><sep><mask_1>`; the answer ends at `<eom>`
    (Nijkamp et al. 2023, and the model's card)."""
    mask, separator, end = (_control(vocab, text) for text in ("<mask_1>", "<sep>", "<eom>"))
    if mask is None or separator is None or end is None:
        return None
    end_of_text = int(lib.llama_vocab_eos(vocab))
    return Infill((), (mask,), (end_of_text, separator, mask), ends=(end,))


def _control(vocab: Any, text: str) -> int | None:
    """The control token of this text, if there is one."""
    data = text.encode()
    tokens = (lib.llama_token * len(data))()
    n_tokens = lib.llama_tokenize(vocab, data, len(data), tokens, len(tokens), False, True)
    is_one = n_tokens == 1 and lib.llama_vocab_is_control(vocab, tokens[0])
    return int(tokens[0]) if is_one else None
