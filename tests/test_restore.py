"""What `convert` made of a checkpoint, `restore` makes a checkpoint again: the same numbers and the
same tokenizer; and of a quantized file, the model that llama.cpp runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from numpy.typing import NDArray

from codegen_lsp.engine import Cancel, Prompt, Sampling
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from quantize.checkpoint import open_checkpoint
from quantize.convert import OutType, convert
from quantize.quantize import quantize_file
from quantize.random_weights import write_random, write_tokenizer, write_weights
from quantize.restore import RestoreError, restore
from quantize.shape import Shape
from quantize.tensors import map_tensor
from quantize.vocabulary import read_json, read_vocabulary
from tests.conftest import write_random_phi2

REAL_TOKENIZER = Path(__file__).parents[2] / "shared" / "data" / "codegen2-tokenizer"


def weights(folder: Path) -> dict[str, NDArray[np.float16]]:
    tensors = open_checkpoint(folder).tensors
    assert {tensor.dtype for tensor in tensors.values()} == {"F16"}
    return {name: map_tensor(tensor) for name, tensor in tensors.items()}


def check_same_bits(
    one: Mapping[str, NDArray[np.generic]], other: Mapping[str, NDArray[np.generic]]
) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and `model.gguf` beside it, in f16."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    write_random("tiny", folder)
    convert(folder, folder.with_suffix(".gguf"))
    return folder


@pytest.fixture
def gguf(tiny: Path, tmp_path: Path) -> Path:
    """A copy of `model.gguf`, to be spoiled."""
    path = tmp_path / "model.gguf"
    path.write_bytes(tiny.with_suffix(".gguf").read_bytes())
    return path


# The same checkpoint again


@pytest.mark.parametrize("outtype", ["f16", "f32"])
@pytest.mark.parametrize("name", ["tiny", "codegen2-tiny"])
def test_there_and_back(tmp_path: Path, name: str, outtype: OutType) -> None:
    write_random(name, tmp_path / "model")
    check_there_and_back(tmp_path, outtype)


def test_sizes_that_are_all_different(tmp_path: Path) -> None:
    shape = Shape(
        n_layer=3,
        n_embd=96,
        n_head=8,
        rotary_dim=10,
        n_inner=160,
        n_vocab=720,
        n_positions=64,
        layer_norm_epsilon=3e-6,
    )
    (tmp_path / "model").mkdir()
    write_tokenizer(tmp_path / "model", shape, has_masks=False)
    write_weights(tmp_path / "model" / "model.safetensors", shape, 0, lambda _fraction: None)
    check_there_and_back(tmp_path, "f16")


def check_there_and_back(folder: Path, outtype: OutType) -> None:
    model, again = folder / "model", folder / "again"
    convert(model, folder / "model.gguf", outtype)
    restore(folder / "model.gguf", again)
    assert open_checkpoint(again).shape == open_checkpoint(model).shape
    assert open_checkpoint(again).end_of_text == open_checkpoint(model).end_of_text
    check_same_bits(weights(again), weights(model))
    for name in ("config.json", "vocab.json", "added_tokens.json", "special_tokens_map.json"):
        assert read_json(again / name) == read_json(model / name)
    assert (again / "merges.txt").read_bytes() == (model / "merges.txt").read_bytes()


def test_a_tokenizer_without_added_tokens(tiny: Path, tmp_path: Path) -> None:
    """That of the NL models, which is GPT-2's."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in tiny.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "added_tokens.json").unlink()
    convert(folder, tmp_path / "model.gguf")
    restore(tmp_path / "model.gguf", tmp_path / "again")
    assert not (tmp_path / "again" / "added_tokens.json").exists()
    assert read_vocabulary(tmp_path / "again") == read_vocabulary(folder)


def test_the_real_tokenizer(tmp_path: Path) -> None:
    """50,257 tokens of GPT-2, whitespace, and CodeGen2's masks and dummies up to 51,199."""
    if not REAL_TOKENIZER.exists():
        pytest.skip(
            "no ../shared/data/codegen2-tokenizer, the published files that this test reads"
        )
    shape = Shape(n_layer=1, n_embd=32, n_head=8, rotary_dim=4, n_inner=32, n_vocab=51200)
    folder = tmp_path / "model"
    folder.mkdir()
    write_tokenizer(folder, shape, has_masks=True)  # for config.json
    write_weights(folder / "model.safetensors", shape, 0, lambda _fraction: None)
    for path in REAL_TOKENIZER.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    convert(folder, tmp_path / "model.gguf")
    restore(tmp_path / "model.gguf", tmp_path / "again")
    again, real = (read_vocabulary(path) for path in (tmp_path / "again", REAL_TOKENIZER))
    assert {**again.tokens, **again.added} == {**real.tokens, **real.added}
    assert again.added.keys() == real.added.keys() - {"<|endoftext|>"}
    assert again.merges == real.merges
    check_same_bits(weights(tmp_path / "again"), weights(folder))


@pytest.mark.parametrize(
    ("type_name", "error"), [("Q8_0", 0.01), ("Q6_K", 0.03), ("Q4_K_M", 0.1), ("IQ4_NL", 0.1)]
)
def test_a_quantized_file_is_near(tiny: Path, tmp_path: Path, type_name: str, error: float) -> None:
    quantize_file(tiny.with_suffix(".gguf"), tmp_path / "small.gguf", type_name)
    restore(tmp_path / "small.gguf", tmp_path / "again")
    restored = weights(tmp_path / "again")
    for name, weight in weights(tiny).items():
        numbers = weight.astype(np.float32)
        difference = np.square(restored[name] - numbers).mean() / np.square(numbers).mean()
        assert np.sqrt(difference) < (error if weight.ndim == 2 else 1e-9), name


# The embedded model


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model, restored and converted again, in f16."""
    folder = tmp_path_factory.mktemp("nano") / "nano"
    restore(EMBEDDED_PATH, folder)
    convert(folder, folder.with_suffix(".gguf"))
    return folder.with_suffix(".gguf")


def test_the_embedded_models_checkpoint_is_not_lost(nano: Path, tmp_path: Path) -> None:
    """In Q8_0 the restored checkpoint is the embedded model again, to the last bit. That is no luck:
    the file was made from float16, and Q8_0 keeps a block's largest number up to float16's rounding."""
    quantize_file(nano, tmp_path / "nano.gguf", "Q8_0")
    again, embedded = (
        {tensor.name: tensor.data for tensor in GGUFReader(path).tensors}
        for path in (tmp_path / "nano.gguf", EMBEDDED_PATH)
    )
    check_same_bits(again, embedded)


def test_the_restored_embedded_model_writes_the_same(nano: Path) -> None:
    text = "import json\n\n\ndef load(path):\n    with open(path) as file:\n"
    assert greedy(nano, text) == greedy(EMBEDDED_PATH, text)


def greedy(path: Path, text: str) -> str:
    engine = LlamaEngine(path)
    prompt = Prompt(text, tuple(engine.tokenize(text)), "")
    tokens = list(engine.generate(prompt, [Sampling(32, temperature=0.0)], Cancel()))
    engine.close()
    assert len(tokens) > 8
    return "".join(token.text for token in tokens)


# What is not ours


def check_refused(source: Path, say: str) -> None:
    """The line names the file, and nothing is written."""
    before = sorted(source.parent.iterdir())
    with pytest.raises(RestoreError, match=say) as caught:
        restore(source, source.parent / "again")
    assert str(caught.value).startswith(f"{source}: ")
    assert sorted(source.parent.iterdir()) == before


@pytest.mark.parametrize("name", ["blk.0.attn_qkv.bias", "blk.1.attn_output.bias"])
def test_a_real_phi_2(gguf: Path, name: str) -> None:
    tensor_of(gguf, name)[-1] = 1e-3
    check_refused(gguf, f"a real Phi-2, not CodeGen, which has no biases such as {name}")


def test_another_architecture(tmp_path: Path) -> None:
    write_random_phi2(tmp_path / "model.gguf", architecture="gptj")
    check_refused(tmp_path / "model.gguf", "this is a gptj model")


def test_no_gguf(gguf: Path) -> None:
    content = gguf.read_bytes()
    for spoiled in (b"", b"def f():\n", content[:100], content[: len(content) // 2]):
        gguf.write_bytes(spoiled)
        check_refused(gguf, "no GGUF file, or not all of one")


def test_a_vocabulary_alone(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "model.gguf", "phi2")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    check_refused(tmp_path / "model.gguf", r"the key phi2\.\S+ is missing")


@pytest.mark.parametrize(
    ("key", "value", "say"),
    [
        ("phi2.block_count", 3, r"the tensor blk\.2\.attn_norm\.weight is missing"),
        ("phi2.feed_forward_length", 512, r"blk\.0\.ffn_up\.weight has another size"),
        ("phi2.attention.head_count", 3, "n_embd 256 is not divisible by n_head 3"),
        ("phi2.attention.head_count", 2, "mp_num 4 does not divide the 2 heads"),
    ],
)
def test_keys_that_contradict_the_tensors(gguf: Path, key: str, value: int, say: str) -> None:
    field = GGUFReader(gguf, "r+").get_field(key)
    assert field is not None
    field.parts[-1][0] = value
    check_refused(gguf, say)


def test_a_number_too_large_for_float16(tiny: Path, tmp_path: Path) -> None:
    convert(tiny, tmp_path / "model.gguf", "f32")
    tensor_of(tmp_path / "model.gguf", "output.weight")[-1, -1] = 1e6
    check_refused(tmp_path / "model.gguf", r"output\.weight holds numbers that float16 cannot hold")


def test_a_type_that_gguf_cannot_read(gguf: Path) -> None:
    reader = GGUFReader(gguf, "r+")
    tensor = next(t for t in reader.tensors if t.name == "output.weight")
    tensor.field.parts[4][0] = GGMLQuantizationType.I16
    check_refused(gguf, r"output\.weight is I16, which is not known")


def tensor_of(path: Path, name: str) -> NDArray[np.float32]:
    """The numbers in the file itself, to be changed."""
    return next(t.data for t in GGUFReader(path, "r+").tensors if t.name == name)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        restore(tmp_path / "nowhere.gguf", tmp_path / "again")


def test_nothing_is_overwritten(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(FileExistsError, match="it is there already"):
        restore(tiny.with_suffix(".gguf"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_interruption_leaves_nothing(tiny: Path, tmp_path: Path) -> None:
    def interrupt(fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(tiny.with_suffix(".gguf"), tmp_path / "again", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_progress_goes_from_0_to_1(tiny: Path, tmp_path: Path) -> None:
    heard: list[float] = []
    restore(tiny.with_suffix(".gguf"), tmp_path / "again", heard.append)
    assert heard[0] == 0
    assert heard[-1] == 1
    assert heard == sorted(heard)
