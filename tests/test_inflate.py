"""An inflated checkpoint is the same function: its logits, on the real llama.cpp, are those of the
checkpoint that it grew from."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantize.checkpoint import CheckpointError, open_checkpoint
from quantize.convert import convert
from quantize.inflate import InflateError, family_shape, inflate, shares
from quantize.model import Logits, Tokens, open_model
from quantize.random_weights import write_random, write_tokenizer, write_weights
from quantize.shape import FAMILY, Shape
from quantize.tensors import map_tensor

SMALL = Shape(
    n_layer=2, n_embd=64, n_head=4, rotary_dim=8, n_inner=128, n_vocab=800, n_positions=64
)
TOKENS = np.random.default_rng(0).integers(0, 700, 64, np.int32)
NANO_SEED = Path(__file__).parents[2] / "shared" / "data" / "nano-seed"


def grown(times: int = 1, **sizes: int) -> Shape:
    """SMALL, `times` as wide, and with `sizes` as they are given."""
    wide = replace(SMALL, n_embd=64 * times, n_head=4 * times, n_inner=128 * times)
    return replace(wide, **sizes)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "model"
    folder.mkdir()
    write_tokenizer(folder, SMALL, has_masks=False)
    write_weights(folder / "model.safetensors", SMALL, 0, lambda _fraction: None)
    return folder


@pytest.fixture(scope="module")
def expected(small: Path) -> Logits:
    return logits_of(small, TOKENS)


def logits_of(folder: Path, tokens: Tokens) -> Logits:
    """Of every position, shape (n_tokens, n_vocab), through a GGUF file in f32."""
    target = folder.with_suffix(".gguf")
    convert(folder, target, "f32")
    with open_model(target, n_ctx=len(tokens), n_threads=1) as model:
        return model.evaluate(tokens, n_outputs=len(tokens)).copy()


def check_same(logits: Logits, expected: Logits) -> None:
    n_vocab = expected.shape[1]
    assert np.abs(logits[:, :n_vocab] - expected).max() < 1e-3 * expected.std()
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).all()


# The same function


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(grown(), id="as it is"),
        pytest.param(grown(2), id="width"),
        pytest.param(grown(3), id="width, not a power of two"),
        pytest.param(grown(n_inner=384), id="n_inner alone"),
        pytest.param(grown(n_layer=5), id="depth"),
        pytest.param(grown(n_vocab=1000), id="vocabulary"),
        pytest.param(grown(n_positions=128), id="context"),
        pytest.param(
            grown(4, n_layer=4, n_inner=384, n_vocab=2048, n_positions=256), id="everything"
        ),
    ],
)
def test_logits_stay(small: Path, expected: Logits, tmp_path: Path, shape: Shape) -> None:
    inflate(small, tmp_path / "large", shape)
    assert open_checkpoint(tmp_path / "large").shape == shape
    logits = logits_of(tmp_path / "large", TOKENS)
    assert logits.shape == (64, shape.n_vocab)
    assert (logits[:, SMALL.n_vocab :] == -1e4).all()
    check_same(logits, expected)


def test_the_checkpoints_own_epsilon_stays(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_config(small, folder, {"layer_norm_epsilon": 0.01})
    inflate(folder, tmp_path / "large", grown(2))
    assert open_checkpoint(tmp_path / "large").shape.layer_norm_epsilon == 0.01
    check_same(logits_of(tmp_path / "large", TOKENS), logits_of(folder, TOKENS))


def test_a_trained_checkpoint_of_a_real_shape(tmp_path: Path) -> None:
    """The seed of the embedded model, four times as wide."""
    if not NANO_SEED.exists():
        pytest.skip("no ../shared/data/nano-seed, the trained checkpoint that this test inflates")
    folder = tmp_path / "nano-seed"
    folder.symlink_to(NANO_SEED)
    inflate(folder, tmp_path / "large", replace(family_shape("codegen-350M"), n_layer=7))
    check_same(logits_of(tmp_path / "large", TOKENS), logits_of(folder, TOKENS))


@pytest.mark.parametrize(
    ("n_copies", "parts"),
    [
        (1, [1]),
        (2, [1 / 2, 1 / 2]),
        (3, [1 / 4, 1 / 4, 1 / 2]),
        (4, [1 / 4, 1 / 4, 1 / 4, 1 / 4]),
        (5, [1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 4]),
    ],
)
def test_shares(n_copies: int, parts: list[float]) -> None:
    assert shares(n_copies).tolist() == parts


# The folder


def test_what_is_no_weight_is_copied(small: Path, tmp_path: Path) -> None:
    inflate(small, tmp_path / "large", grown(2))
    files = {path.name for path in small.iterdir()}
    assert {path.name for path in (tmp_path / "large").iterdir()} == files
    for name in files - {"config.json", "model.safetensors"}:
        assert (tmp_path / "large" / name).read_bytes() == (small / name).read_bytes()


@pytest.mark.parametrize("stored", ["F16", "F32"])
def test_no_precision_is_lost(small: Path, tmp_path: Path, stored: str) -> None:
    """Weights in float16 take no more room, those in float32 are not rounded."""
    folder = tmp_path / "model"
    write_config(small, folder, {})
    if stored == "F32":
        as_float32(folder / "model.safetensors")
    inflate(folder, tmp_path / "large", grown(2))
    before, after = (open_checkpoint(path).tensors for path in (folder, tmp_path / "large"))
    assert {tensor.dtype for tensor in after.values()} == {stored}
    name = "transformer.h.0.mlp.fc_in.weight"
    halved, whole = map_tensor(after[name])[:128, :64], map_tensor(before[name])
    smallest = {"F16": 2**-24, "F32": 0}[stored]  # below it, halving a float16 rounds
    assert np.abs(2 * halved - whole).max() <= smallest


def test_memory_does_not_grow_with_the_shape(small: Path, tmp_path: Path) -> None:
    shape = grown(8, n_layer=16, n_vocab=40960)  # two matrices of 40 MiB and blocks of 2 MiB
    tracemalloc.start()
    try:
        inflate(small, tmp_path / "large", shape)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = (tmp_path / "large" / "model.safetensors").stat().st_size
    assert size > 110 << 20
    assert peak < 40 << 20


def test_progress_goes_from_0_to_1(small: Path, tmp_path: Path) -> None:
    heard: list[float] = []
    inflate(small, tmp_path / "large", grown(2), heard.append)
    assert heard[0] == 0
    assert heard[-1] == 1
    assert heard == sorted(heard)


# What does not fit


@pytest.mark.parametrize(
    ("shape", "say"),
    [
        (grown(2, n_head=4), "heads of 16 and the shape 32"),
        (grown(2, rotary_dim=16), "rotary_dim 8 and the shape 16"),
        (grown(n_embd=96, n_head=6), "n_embd 64 does not divide the shape's 96"),
        (grown(n_inner=192), "n_inner 128 does not divide the shape's 192"),
        (grown(n_layer=1), "n_layer is 2 and the shape's only 1"),
        (grown(n_vocab=799), "vocab_size is 800 and the shape's only 799"),
    ],
)
def test_a_shape_that_does_not_fit(small: Path, tmp_path: Path, shape: Shape, say: str) -> None:
    with pytest.raises(InflateError, match=say):
        inflate(small, tmp_path / "large", shape)
    assert list(tmp_path.iterdir()) == []


def test_codegen2_is_refused(tmp_path: Path) -> None:
    write_random("codegen2-tiny", tmp_path / "model")
    with pytest.raises(InflateError, match="this is a CodeGen2 model"):
        inflate(tmp_path / "model", tmp_path / "large", FAMILY["codegen2-tiny"])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_heads_that_codegen_cannot_have(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    shape = replace(SMALL, n_head=2)
    write_tokenizer(folder, shape, has_masks=False)
    write_weights(folder / "model.safetensors", shape, 0, lambda _fraction: None)
    with pytest.raises(InflateError, match="its 2 heads are not divisible by 4"):
        inflate(folder, tmp_path / "large", replace(shape, n_layer=3))


def test_an_unknown_shape() -> None:
    with pytest.raises(InflateError, match="no shape 'huge'; known are codegen-350M, "):
        family_shape("huge")


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        inflate(tmp_path / "nowhere", tmp_path / "large", SMALL)


def test_nothing_is_overwritten(small: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(FileExistsError, match="it is there already"):
        inflate(small, tmp_path, grown(2))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_interruption_leaves_nothing(small: Path, tmp_path: Path) -> None:
    def interrupt(fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inflate(small, tmp_path / "large", grown(2), interrupt)
    assert list(tmp_path.iterdir()) == []


def write_config(source: Path, folder: Path, changes: dict[str, object]) -> None:
    """A copy of the checkpoint `source` with another config.json."""
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((source / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def as_float32(path: Path) -> None:
    """Rewrite a safetensors file of float16 in place, with numbers that float16 has not."""
    content = path.read_bytes()
    n_header = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n_header])
    for name in header.keys() - {"__metadata__"}:
        offsets = [2 * offset for offset in header[name]["data_offsets"]]
        header[name] |= {"dtype": "F32", "data_offsets": offsets}
    text = json.dumps(header).encode()
    numbers = np.frombuffer(content[8 + n_header :], np.float16) * np.float32(1.001)
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers.tobytes())
