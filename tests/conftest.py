"""What several rooms' tests share: a tiny random model that llama.cpp loads, made on the spot."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import gguf
import hypothesis
import numpy as np
import pytest

# A slow moment of the machine is no failure; what takes for ever ends with the run.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
# A shell's background jobs are born deaf to Ctrl-C; tests of it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or writes what the person's own server has measured or remembers here."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phi2 GGUF in f16 with random weights: 2 layers, n_embd 256, 258 tokens; 2.7 MB.

    Rows of 256 are what the K-quants need to be themselves rather than a fallback.
    """
    path = tmp_path_factory.mktemp("models") / "tiny-f16.gguf"
    write_random_phi2(path)
    return path


def write_random_phi2(
    path: Path, *, seed: int = 0, extra_token: str = "in", architecture: str = "phi2"
) -> None:
    """Write a random model of `architecture`, with phi2's tensors and a byte-level tokenizer
    that knows every byte, two spaces in a row and `extra_token` (of two letters)."""
    random = np.random.default_rng(seed)
    n_embd, n_ff, n_layer = 256, 1024, 2
    tokens = [*_byte_alphabet(), "ĠĠ", extra_token, "<|endoftext|>"]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(512)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_feed_forward_length(n_ff)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_rope_freq_base(10000.0)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([*[gguf.TokenType.NORMAL] * (len(tokens) - 1), gguf.TokenType.CONTROL])
    writer.add_token_merges(["Ġ Ġ", " ".join(extra_token)])
    writer.add_bos_token_id(len(tokens) - 1)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_add_bos_token(False)

    def matrix(name: str, *shape: int) -> None:
        values = random.standard_normal(shape) / np.sqrt(shape[-1])
        writer.add_tensor(f"{name}.weight", values.astype(np.float16))

    def vector(name: str, n: int, value: float = 0.0) -> None:
        writer.add_tensor(name, np.full(n, value, np.float32))

    matrix("token_embd", len(tokens), n_embd)
    vector("output_norm.weight", n_embd, 1.0)
    vector("output_norm.bias", n_embd)
    matrix("output", len(tokens), n_embd)
    vector("output.bias", len(tokens))
    for layer in range(n_layer):
        block = f"blk.{layer}"
        vector(f"{block}.attn_norm.weight", n_embd, 1.0)
        vector(f"{block}.attn_norm.bias", n_embd)
        matrix(f"{block}.attn_qkv", 3 * n_embd, n_embd)
        vector(f"{block}.attn_qkv.bias", 3 * n_embd)
        matrix(f"{block}.attn_output", n_embd, n_embd)
        vector(f"{block}.attn_output.bias", n_embd)
        matrix(f"{block}.ffn_up", n_ff, n_embd)
        vector(f"{block}.ffn_up.bias", n_ff)
        matrix(f"{block}.ffn_down", n_embd, n_ff)
        vector(f"{block}.ffn_down.bias", n_embd)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _byte_alphabet() -> list[str]:
    """GPT-2's printable character for each of the 256 bytes (bytes_to_unicode in its encoder.py)."""
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (byte for byte in range(256) if byte not in printable)
    moved = {byte: chr(256 + k) for k, byte in enumerate(others)}
    return [moved.get(byte, chr(byte)) for byte in range(256)]
