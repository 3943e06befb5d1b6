"""A CodeGen checkpoint becomes a GGUF file that an unmodified llama.cpp runs.

llama.cpp knows no `codegen`, but its `phi2` graph computes the same function: one LayerNorm that
feeds attention and MLP side by side, partial rotary embedding, tanh-GELU, a biased head. Three
differences are in the numbers' order and are undone here: `qkv_proj` is laid out in `mp_num` blocks
of Q, V, K (one for each TPU core that trained it); rotary pairs are neighbours (2i, 2i+1) in CodeGen
and halves (i, i + rotary_dim/2) in phi2; and phi2 has two biases more, which are zero here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from gguf import GGUFWriter, LlamaFileType, TokenType
from numpy.typing import NDArray

from quantize.checkpoint import Checkpoint, open_checkpoint
from quantize.shape import Shape
from quantize.tensors import StoredTensor, map_tensor, to_float
from quantize.vocabulary import Vocabulary
from quantize.whole import whole_file

OutType = Literal["f16", "f32"]

_ALIGNMENT = 32  # bytes; GGUF's default for the beginning of each tensor
_CHUNK = 16 << 20  # elements converted at a time: 64 MB as float32

_BLOCK = {
    "attn_norm.weight": "ln_1.weight",
    "attn_norm.bias": "ln_1.bias",
    "attn_qkv.weight": "attn.qkv_proj.weight",
    "attn_qkv.bias": None,
    "attn_output.weight": "attn.out_proj.weight",
    "attn_output.bias": None,
    "ffn_up.weight": "mlp.fc_in.weight",
    "ffn_up.bias": "mlp.fc_in.bias",
    "ffn_down.weight": "mlp.fc_out.weight",
    "ffn_down.bias": "mlp.fc_out.bias",
}
"""The tensors of one block: phi2's name, and CodeGen's or None where CodeGen has none (zeros)."""

_OUTSIDE = {
    "token_embd.weight": "transformer.wte.weight",
    "output_norm.weight": "transformer.ln_f.weight",
    "output_norm.bias": "transformer.ln_f.bias",
    "output.weight": "lm_head.weight",
    "output.bias": "lm_head.bias",
}


class ConvertError(Exception):
    """The checkpoint is sound but cannot be converted as asked; one line for a person."""


def convert(
    folder: Path,
    target: Path,
    outtype: OutType = "f16",
    mp_num: int | None = None,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> None:
    """Write the checkpoint in `folder` to the GGUF file `target`.

    Matrices become `outtype`, vectors float32. `mp_num` is the number of blocks in `qkv_proj`; None
    takes 8 for CodeGen2 and 4 for CodeGen, told apart by the tokenizer. `progress` hears the
    fraction done, from 0 to 1. Raises `CheckpointError`, `ConvertError`, `OSError`.
    """
    checkpoint = open_checkpoint(folder)
    rows = qkv_order(checkpoint.shape, mp_num or default_mp_num(checkpoint.vocabulary))
    plan = list(_plan(checkpoint, rows, outtype))
    n_bytes = sum(tensor.n_bytes for tensor in plan)
    n_done = 0
    progress(0.0)
    with whole_file(target) as part:
        _write_description(part, checkpoint, plan, outtype)
        # gguf's writer takes only whole tensors; written in pieces they need not fit into memory.
        with part.open("ab") as file:
            _pad(file)
            for tensor in plan:
                for chunk in _chunks(tensor):
                    file.write(chunk.data)
                    n_done += chunk.nbytes
                    progress(n_done / n_bytes)
                _pad(file)


def default_mp_num(vocabulary: Vocabulary) -> int:
    """How many blocks `qkv_proj` has. It stands in no file, only in the code that trained the model:
    4 in CodeGen, 8 in CodeGen2, which is the one with mask tokens."""
    return 4 if vocabulary.id_of("<mask_1>") is None else 8


def qkv_order(shape: Shape, mp_num: int) -> NDArray[np.intp]:
    """Which row of CodeGen's `qkv_proj` stands where in phi2's `attn_qkv`: shape (3 n_embd,).

    In: mp_num blocks, each Q, V, K of its own heads, rotary pairs side by side. Out: all of Q, then
    K, then V; in each head of Q and K the even dimensions of the rotary part, then its odd ones,
    then the rest. Q and K change alike, so that their products stay what they were.
    """
    if mp_num < 1 or shape.n_head % mp_num:
        raise ConvertError(f"mp_num {mp_num} does not divide the {shape.n_head} heads of the model")
    heads = np.arange(3 * shape.n_embd).reshape(mp_num, 3, -1, shape.head_size)
    query, value, key = heads[:, 0], heads[:, 1], heads[:, 2]
    rotary = np.arange(shape.rotary_dim)
    rest = np.arange(shape.rotary_dim, shape.head_size)
    halves = np.concatenate([rotary[0::2], rotary[1::2], rest])
    return np.concatenate([query[..., halves].ravel(), key[..., halves].ravel(), value.ravel()])


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor to write: where its numbers come from (None: zeros) and in which order of rows."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    source: StoredTensor | None
    source_name: str
    rows: NDArray[np.intp] | None

    @property
    def n_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize


def _plan(checkpoint: Checkpoint, rows: NDArray[np.intp], outtype: OutType) -> Iterator[_Tensor]:
    n_zeros = {
        "attn_qkv.bias": 3 * checkpoint.shape.n_embd,
        "attn_output.bias": checkpoint.shape.n_embd,
    }
    names: dict[str, str | None] = dict(_OUTSIDE)
    for layer in range(checkpoint.shape.n_layer):
        for name, source in _BLOCK.items():
            names[f"blk.{layer}.{name}"] = source and f"transformer.h.{layer}.{source}"
    for name, source_name in names.items():
        if source_name is None:
            shape: tuple[int, ...] = (n_zeros[name.split(".", 2)[2]],)
            yield _Tensor(name, shape, np.dtype(np.float32), None, "", None)
            continue
        stored = checkpoint.tensors[source_name]
        is_matrix = len(stored.shape) == 2
        dtype = np.dtype(np.float16 if is_matrix and outtype == "f16" else np.float32)
        order = rows if name.endswith("attn_qkv.weight") else None
        yield _Tensor(name, stored.shape, dtype, stored, source_name, order)


def _chunks(tensor: _Tensor) -> Iterator[NDArray[Any]]:
    """The tensor's numbers, some rows at a time, in their order and type."""
    if tensor.source is None:
        yield np.zeros(tensor.shape, tensor.dtype)
        return
    stored = map_tensor(tensor.source)
    n_rows = max(1, _CHUNK // int(np.prod(tensor.shape[1:])))
    for first in range(0, len(stored), n_rows):
        some = slice(first, first + n_rows)
        raw = stored[some if tensor.rows is None else tensor.rows[some]]
        with np.errstate(over="ignore"):  # told in better words below
            chunk = np.ascontiguousarray(to_float(raw), dtype=tensor.dtype)
        if not np.isfinite(chunk).all():
            raise ConvertError(
                f"the tensor {tensor.source_name} holds numbers that {tensor.dtype} cannot hold"
                + ("; try --outtype f32" if tensor.dtype == np.float16 else "")
            )
        yield chunk


def _pad(file: IO[bytes]) -> None:
    file.write(bytes(-file.tell() % _ALIGNMENT))


def _write_description(
    path: Path, checkpoint: Checkpoint, plan: list[_Tensor], outtype: OutType
) -> None:
    """All of the file but the tensors' numbers."""
    writer = GGUFWriter(path, "phi2")
    _describe_model(writer, checkpoint, outtype)
    _describe_vocabulary(writer, checkpoint)
    for tensor in plan:
        writer.add_tensor_info(tensor.name, tensor.shape, tensor.dtype, tensor.n_bytes)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()


def _describe_model(writer: GGUFWriter, checkpoint: Checkpoint, outtype: OutType) -> None:
    shape = checkpoint.shape
    writer.add_name(checkpoint.name)
    writer.add_description("CodeGen's function, laid out for llama.cpp's phi2 graph")
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if outtype == "f16" else LlamaFileType.ALL_F32)
    writer.add_context_length(shape.n_positions)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_inner)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head)
    writer.add_layer_norm_eps(shape.layer_norm_epsilon)
    writer.add_rope_dimension_count(shape.rotary_dim)
    writer.add_rope_freq_base(10000.0)


def _describe_vocabulary(writer: GGUFWriter, checkpoint: Checkpoint) -> None:
    vocabulary = checkpoint.vocabulary
    texts, types = token_table(vocabulary, checkpoint.shape.n_vocab, checkpoint.end_of_text)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(checkpoint.end_of_text)
    writer.add_eos_token_id(checkpoint.end_of_text)
    end_of_mask = vocabulary.id_of("<eom>")
    if end_of_mask is not None:  # CodeGen2's infill ends there, and so shall the generation
        writer.add_eot_token_id(end_of_mask)
    writer.add_add_bos_token(False)


def token_table(
    vocabulary: Vocabulary, n_vocab: int, end_of_text: int
) -> tuple[list[str], list[TokenType]]:
    """The text and the type of each of the `n_vocab` ids.

    Runs of whitespace are USER_DEFINED: llama.cpp matches them in any text before BPE, as CodeGen's
    tokenizer does. `<|endoftext|>` and CodeGen2's `<mask_1>`, `<sep>`, `<eom>` and the like are CONTROL:
    a prompt may ask for them, but a source file that happens to spell one cannot break out of its
    prompt. Ids without a token are padding of the embedding: UNUSED, under names that no text has.
    """
    texts = [f"[PAD{token_id}]" for token_id in range(n_vocab)]
    types = [TokenType.UNUSED] * n_vocab
    kinds: tuple[tuple[Mapping[str, int], Callable[[str], TokenType]], ...] = (
        (vocabulary.tokens, lambda _text: TokenType.NORMAL),
        (vocabulary.added, _added_type),
    )
    for part, type_of in kinds:
        for text, token_id in part.items():
            texts[token_id], types[token_id] = text, type_of(text)
    types[end_of_text] = TokenType.CONTROL
    return texts, types


def _added_type(text: str) -> TokenType:
    is_mark = text.startswith("<") and text.endswith(">")
    return TokenType.CONTROL if is_mark else TokenType.USER_DEFINED
