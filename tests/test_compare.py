"""The figures of a comparison against their definitions, worked out token by token."""

from __future__ import annotations

import io
import json
import math
from dataclasses import asdict
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from rich.console import Console

from codegen_lsp.native import captured_log
from quantize.compare import CompareError, Comparison, compare, render
from quantize.quantize import quantize_file
from tests.conftest import write_random_phi2

TEXT = Path(__file__).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def quantized(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("quantized")
    paths = {name: folder / f"tiny-{name}.gguf" for name in ("Q8_0", "Q4_K_M", "Q2_K")}
    for name, path in paths.items():
        quantize_file(tiny_gguf, path, name)
    return paths


def test_a_file_with_itself(tiny_gguf: Path) -> None:
    fractions: list[float] = []
    same = compare(tiny_gguf, tiny_gguf, TEXT, n_ctx=128, n_threads=1, progress=fractions.append)
    assert (same.kld_mean, same.kld_p99, same.same_top) == (0.0, 0.0, 1.0)
    assert same.reference.perplexity == same.test.perplexity
    assert same.reference.n_bytes == tiny_gguf.stat().st_size
    assert same.reference.bits_per_weight == pytest.approx(16, rel=0.01)
    assert same.reference.prefill_tokens_per_s > same.reference.decode_tokens_per_s > 0
    assert fractions == [(k + 1) / len(fractions) for k in range(len(fractions))]
    assert same.n_scored == len(fractions) * 63


def test_fewer_bits_are_further_from_the_reference(
    tiny_gguf: Path, quantized: dict[str, Path]
) -> None:
    q8_0, q4_k_m, q2_k = (
        compare(tiny_gguf, quantized[name], TEXT, n_ctx=128, n_threads=1) for name in quantized
    )
    assert 0 < q8_0.kld_mean < 0.001
    assert 5 * q8_0.kld_mean < q4_k_m.kld_mean
    assert 5 * q4_k_m.kld_mean < q2_k.kld_mean
    assert q8_0.kld_p99 < q4_k_m.kld_p99 < q2_k.kld_p99
    assert 1 > q8_0.same_top > q4_k_m.same_top > q2_k.same_top
    assert q8_0.test.bits_per_weight > q4_k_m.test.bits_per_weight > q2_k.test.bits_per_weight


def test_figures_equal_their_definitions(tiny_gguf: Path, quantized: dict[str, Path]) -> None:
    """Two windows of 32 tokens, by llama_cpp's own high-level class and sums in plain Python."""
    text = "def áß(x):\n    return [x for x in range(10)]\n\n\nclass Main:\n    pass\n"
    n_ctx = 32
    reference, test = (
        log_probabilities(path, text, n_ctx) for path in (tiny_gguf, quantized["Q2_K"])
    )
    assert len(reference) == len(test) == 2 * (n_ctx // 2 - 1)

    result = compare(tiny_gguf, quantized["Q2_K"], text, n_ctx=n_ctx, n_threads=1)
    nats = [-log_p[target] for target, _, log_p in reference]
    assert result.n_scored == len(nats)
    assert result.reference.perplexity == pytest.approx(math.exp(sum(nats) / len(nats)), rel=1e-4)
    n_text_bytes = sum(n_bytes for _, n_bytes, _ in reference)
    bits_per_byte = sum(nats) / math.log(2) / n_text_bytes
    assert result.reference.bits_per_byte == pytest.approx(bits_per_byte, rel=1e-4)

    klds = [
        sum(math.exp(p) * (p - q) for p, q in zip(log_p, log_q, strict=True))
        for (_, _, log_p), (_, _, log_q) in zip(reference, test, strict=True)
    ]
    assert result.kld_mean == pytest.approx(sum(klds) / len(klds), rel=2e-3)
    assert result.kld_p99 == pytest.approx(np.percentile(klds, 99), rel=5e-3)
    n_same = sum(
        log_p.index(max(log_p)) == log_q.index(max(log_q))
        for (_, _, log_p), (_, _, log_q) in zip(reference, test, strict=True)
    )
    assert result.same_top * len(klds) == pytest.approx(n_same, abs=1)


def log_probabilities(path: Path, text: str, n_ctx: int) -> list[tuple[int, int, list[float]]]:
    """Each scored token, its length in bytes, and ln p of all tokens in its place."""
    rows = []
    with captured_log():
        model = llama_cpp.Llama(str(path), n_ctx=n_ctx, logits_all=True, n_threads=1)
        tokens = model.tokenize(text.encode(), add_bos=False)
        for start in range(0, len(tokens) - n_ctx + 1, n_ctx):
            window = tokens[start : start + n_ctx]
            model.n_tokens = 0  # forget the window before
            model.eval(window)
            for at in range(n_ctx // 2 + 1, n_ctx):
                logits = [float(logit) for logit in model.scores[at - 1]]
                total = math.log(sum(math.exp(logit) for logit in logits))
                n_bytes = len(model.detokenize([window[at]]))
                rows.append((window[at], n_bytes, [logit - total for logit in logits]))
        model.close()
    return rows


def test_different_vocabularies(tiny_gguf: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    write_random_phi2(other, extra_token="de")
    check_refused(tiny_gguf, other, TEXT, 64, f"{tiny_gguf} and {other} have different vocab")


def test_text_too_short(tiny_gguf: Path) -> None:
    check_refused(tiny_gguf, tiny_gguf, "abc", 64, "the text has 3 tokens and one window takes 64")
    check_refused(tiny_gguf, tiny_gguf, "", 64, "the text has 0 tokens and one window takes 64")


def test_window_out_of_range(tiny_gguf: Path) -> None:
    line = "a window of 7 tokens is too small"
    check_refused(tiny_gguf, tiny_gguf, TEXT, 7, line)
    line = f"{tiny_gguf} reads 1 to 512 tokens at a time, not 513"
    check_refused(tiny_gguf, tiny_gguf, TEXT, 513, line)


def test_damaged_files(tiny_gguf: Path, tmp_path: Path) -> None:
    damaged, not_finite = tmp_path / "damaged.gguf", tmp_path / "not_finite.gguf"
    damaged.write_bytes(tiny_gguf.read_bytes()[:100_000])
    check_refused(tiny_gguf, damaged, TEXT, 64, f"llama.cpp cannot load {damaged}: tensor ")
    damaged.write_bytes(b"")
    check_refused(damaged, tiny_gguf, TEXT, 64, f"llama.cpp cannot load {damaged}: failed to read")
    whole = tiny_gguf.read_bytes()
    not_finite.write_bytes(whole[:-1024] + np.full(256, np.nan, np.float32).tobytes())
    check_refused(tiny_gguf, not_finite, TEXT, 64, f"{not_finite} gives no finite logits")


def check_refused(reference: Path, test: Path, text: str, n_ctx: int, line: str) -> None:
    with pytest.raises(CompareError) as refusal:
        compare(reference, test, text, n_ctx=n_ctx, n_threads=1)
    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)


def test_nothing_of_llama_cpp_is_shown(tiny_gguf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    compare(tiny_gguf, tiny_gguf, TEXT, n_ctx=64, n_threads=1)
    assert capfd.readouterr() == ("", "")


def test_render_and_json(tiny_gguf: Path) -> None:
    comparison = compare(tiny_gguf, tiny_gguf, TEXT, n_ctx=128, n_threads=1)
    console = Console(width=80, file=io.StringIO())
    with console.capture() as capture:
        console.print(render(comparison))
    shown = capture.get()
    assert f"{comparison.reference.perplexity:.4f}" in shown
    assert "100.00%" in shown
    assert f"{comparison.n_scored:,} tokens scored" in shown
    fields = json.loads(json.dumps(asdict(comparison)))
    assert fields.keys() == set(Comparison.__slots__)
    assert fields["test"]["path"] == str(tiny_gguf)
