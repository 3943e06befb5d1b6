"""What a checkpoint can have wrong: each is one clear line, and no code of a pickle ever runs."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantize.checkpoint import CheckpointError, open_checkpoint
from quantize.tensors import map_tensor, read_tensors, to_float

MODEL = Path(__file__).parent / "data" / "parity" / "model"
SAFETENSORS = ("config.json", "vocab.json", "merges.txt", "added_tokens.json", "model.safetensors")
PYTORCH = (*SAFETENSORS[:4], "pytorch_model.bin")
SHARDS = (
    *SAFETENSORS[:4],
    "pytorch_model.bin.index.json",
    "pytorch_model-00001-of-00002.bin",
    "pytorch_model-00002-of-00002.bin",
)


def check(
    tmp_path: Path, names: tuple[str, ...], damage: Callable[[Path], object], say: str
) -> None:
    """A copy of the named files opens; once damaged it says so, in one line that names its place."""
    folder = copy_of(tmp_path, names)
    open_checkpoint(folder)
    damage(folder)
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(folder)
    message = str(caught.value)
    assert say in message
    assert message.startswith(str(folder))
    assert "\n" not in message


def copy_of(tmp_path: Path, names: tuple[str, ...]) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in names:
        shutil.copyfile(MODEL / name, folder / name)
    return folder


# What is right


def test_torch_and_safetensors_hold_the_same(tmp_path: Path) -> None:
    """The .bin files are torch's own; one is float16 with causal masks, one bfloat16 in shards."""
    reference = open_checkpoint(copy_of(tmp_path / "a", SAFETENSORS))
    for place, names in (("b", PYTORCH), ("c", SHARDS)):
        checkpoint = open_checkpoint(copy_of(tmp_path / place, names))
        assert list(checkpoint.tensors) == list(reference.tensors)
        for name, tensor in checkpoint.tensors.items():
            expected = to_float(map_tensor(reference.tensors[name]))
            assert np.array_equal(to_float(map_tensor(tensor)), expected), name


@pytest.fixture(autouse=True)
def places(tmp_path: Path) -> None:
    for place in "abc":
        (tmp_path / place).mkdir()


def test_end_of_text_is_the_tokenizers_word(tmp_path: Path) -> None:
    """The published config.json says `bos_token_id` 1 and the tokenizer says what is true."""
    folder = copy_of(tmp_path, SAFETENSORS)
    change_json("config.json", bos_token_id=1, eos_token_id=2)(folder)
    vocabulary = json.loads((folder / "vocab.json").read_text())
    assert open_checkpoint(folder).end_of_text == vocabulary["<|endoftext|>"]


def test_a_transposed_tensor_keeps_its_numbers(tmp_path: Path) -> None:
    """torch saves a view as its strides in a storage."""
    path = tmp_path / "pytorch_model.bin"
    numbers = np.arange(6, dtype=np.float32)
    storage = Storage("FloatStorage", "0", 6)
    write_pytorch(path, {"w": Rebuilt(storage, 1, (2, 2), (1, 2))}, {"0": numbers.tobytes()})
    assert map_tensor(read_tensors(path)["w"]).tolist() == [[1, 3], [2, 4]]


# Files


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "merges.txt", "model.safetensors"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    said = {
        "config.json": "no config.json there",
        "model.safetensors": "no weights there; expected model.safetensors or pytorch_model.bin",
    }
    tokenizer = "no tokenizer: expected tokenizer.json, or vocab.json and merges.txt"
    check(tmp_path, SAFETENSORS, lambda f: (f / name).unlink(), said.get(name, tokenizer))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        open_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("size", [0, 5, 100, 5_000, 300_000, -1])
@pytest.mark.parametrize(
    "names", [SAFETENSORS, PYTORCH, SHARDS], ids=["safetensors", "pytorch", "shards"]
)
def test_truncated_weights(tmp_path: Path, names: tuple[str, ...], size: int) -> None:
    def truncate(folder: Path) -> None:
        data = (folder / names[-1]).read_bytes()
        (folder / names[-1]).write_bytes(data[:size])

    check(tmp_path, names, truncate, "is truncated")


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "added_tokens.json"])
@pytest.mark.parametrize("text", ["{", "", "\x00", '{"a": 1', "[" * 100_000])
def test_not_json(tmp_path: Path, name: str, text: str) -> None:
    check(tmp_path, SAFETENSORS, lambda f: (f / name).write_text(text), f"{name} is not valid JSON")


def test_a_git_lfs_pointer(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    damage = lambda f: (f / "model.safetensors").write_text(pointer)  # noqa: E731
    check(tmp_path, SAFETENSORS, damage, "is a Git LFS pointer, not the weights")


# Shards


def test_the_index_names_a_shard_that_is_not_there(tmp_path: Path) -> None:
    check(tmp_path, SHARDS, lambda f: (f / SHARDS[-1]).unlink(), f"names the shard {SHARDS[-1]}")


def test_the_index_misses_a_shard(tmp_path: Path) -> None:
    def forget(folder: Path) -> None:
        index = json.loads((folder / SHARDS[4]).read_text())
        where = {name: shard for name, shard in index["weight_map"].items() if shard != SHARDS[-1]}
        (folder / SHARDS[4]).write_text(json.dumps({"weight_map": where}))

    check(tmp_path, SHARDS, forget, f"does not name the shard {SHARDS[-1]}")


@pytest.mark.parametrize("name", ["../secret.bin", "/etc/passwd", ".."])
def test_the_index_names_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.bin").touch()
    index = json.loads((MODEL / SHARDS[4]).read_text())
    index["weight_map"]["lm_head.bias"] = name
    damage = lambda f: (f / SHARDS[4]).write_text(json.dumps(index))  # noqa: E731
    check(tmp_path, SHARDS, damage, f"names the shard {name}, which is not there")


def test_a_tensor_is_not_where_the_index_says(tmp_path: Path) -> None:
    index = json.loads((MODEL / SHARDS[4]).read_text())
    index["weight_map"]["lm_head.more"] = SHARDS[-1]
    damage = lambda f: (f / SHARDS[4]).write_text(json.dumps(index))  # noqa: E731
    check(tmp_path, SHARDS, damage, f"the tensor lm_head.more is not in {SHARDS[-1]}")


# The model


def change_json(name: str, **values: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text(encoding="utf-8")) | values
        (folder / name).write_text(json.dumps(content), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("values", "say"),
    [
        ({"model_type": "llama"}, "not a CodeGen model but 'llama'"),
        ({"activation_function": "relu"}, "activation_function is 'relu'"),
        ({"n_head": None}, "n_head should be a positive whole number and is None"),
        ({"n_layer": -1}, "n_layer should be a positive whole number and is -1"),
        ({"n_embd": 9.5}, "n_embd should be a positive whole number and is 9.5"),
        ({"n_head": 7}, "n_embd 96 is not divisible by n_head 7"),
        ({"rotary_dim": 14}, "rotary_dim 14 is odd or more than the head size 12"),
        ({"layer_norm_epsilon": "x"}, "layer_norm_epsilon should be a number"),
        ({"vocab_size": 700}, "the embedding only 700 rows"),
        ({"vocab_size": 721}, "transformer.wte.weight has the shape [720, 96]"),
        (
            {"n_inner": 8},
            "mlp.fc_in.weight has the shape [384, 96], but config.json asks for [8, 96]",
        ),
        ({"n_layer": 3}, "the tensor transformer.h.2.ln_1.weight is missing"),
        ({"n_layer": 1}, "the tensor transformer.h.1.attn.out_proj.weight is not one that CodeGen"),
    ],
)
def test_the_config_and_the_rest_disagree(
    tmp_path: Path, values: dict[str, object], say: str
) -> None:
    check(tmp_path, SAFETENSORS, change_json("config.json", **values), say)


@pytest.mark.parametrize(
    ("name", "values", "say"),
    [
        ("added_tokens.json", {"\t" * 10: 720}, "ids up to 720, but the embedding only 720 rows"),
        ("added_tokens.json", {"\t" * 10: 5}, "the same id 5"),
        ("added_tokens.json", {"\t" * 10: "5"}, "the id '5'"),
        ("vocab.json", {"    ": 719}, "one token two ids"),
    ],
)
def test_a_vocabulary_that_cannot_be(
    tmp_path: Path, name: str, values: dict[str, object], say: str
) -> None:
    check(tmp_path, SAFETENSORS, change_json(name, **values), say)


@pytest.mark.parametrize(
    ("content", "say"),
    [
        ({}, "tokenizer.json is no tokenizer of the usual form"),
        (
            {"model": {"type": "Unigram"}, "pre_tokenizer": None, "added_tokens": []},
            "tokenizer.json holds no byte-level BPE",
        ),
    ],
)
def test_a_tokenizer_json_of_another_kind(
    tmp_path: Path, content: dict[str, object], say: str
) -> None:
    damage = lambda f: (f / "tokenizer.json").write_text(json.dumps(content))  # noqa: E731
    check(tmp_path, SAFETENSORS, damage, say)


def test_merges_that_are_none(tmp_path: Path) -> None:
    damage = lambda f: (f / "merges.txt").write_text("a b c\n")  # noqa: E731
    check(tmp_path, SAFETENSORS, damage, "merges.txt: not two tokens")


# Pickles


class Storage:
    """What torch pickles as a persistent id."""

    def __init__(self, kind: str, key: str, n_elements: int) -> None:
        self.kind, self.key, self.n_elements = kind, key, n_elements


class Rebuilt:
    """What torch pickles as a call of `_rebuild_tensor_v2`."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments


def write_pytorch(path: Path, state: Any, storages: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", torch_pickle(state) + b".")
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)


def torch_pickle(value: Any) -> bytes:
    """Protocol 0 is text, so that torch's names can be written without having torch."""
    if isinstance(value, Storage):
        kind = f"ctorch\n{value.kind}\n"
        return f"(Vstorage\n{kind}V{value.key}\nVcpu\nI{value.n_elements}\ntQ".encode()
    if isinstance(value, Rebuilt):
        arguments = b"".join(torch_pickle(argument) for argument in (*value.arguments, False, None))
        return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"
    if isinstance(value, dict):
        items = b"".join(torch_pickle(k) + torch_pickle(v) + b"s" for k, v in value.items())
        return b"(d" + items
    if isinstance(value, tuple):
        return b"(" + b"".join(map(torch_pickle, value)) + b"t"
    return pickle.dumps(value, 0).removesuffix(b".")


def store_state(state: Any, storages: dict[str, bytes] | None = None) -> Callable[[Path], object]:
    return lambda folder: write_pytorch(folder / "pytorch_model.bin", state, storages or {})


class Touch:
    """Unpickled by Python's own unpickler, this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_a_pickle_does_not_run_code(tmp_path: Path) -> None:
    witness = tmp_path / "it ran"
    pickle.loads(pickle.dumps(Touch(witness))).close()
    assert witness.exists()  # so the trap works
    witness.unlink()
    check(tmp_path, PYTORCH, store_state({"w": Touch(witness)}), "asks to run 'io.open'")
    assert not witness.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("__builtin__", "getattr"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_tensor_v3"),
        ("torch._utils", "__builtins__"),
        ("collections", "_sys.exit"),
        ("collections.OrderedDict", "__init__"),
        ("numpy", "ndarray"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 4])
def test_any_other_name_is_refused(tmp_path: Path, module: str, name: str, protocol: int) -> None:
    """GLOBAL in old pickles, STACK_GLOBAL in new ones, which may reach for attributes by dots."""
    if protocol == 0:
        code = f"c{module}\n{name}\n)R."
    else:
        code = "".join(f"\x8c{chr(len(text))}{text}" for text in (module, name)) + "\x93)R."
    damage = store_pickle(code.encode("latin-1"))
    check(tmp_path, PYTORCH, damage, f"asks to run '{module}.{name}', which is refused")


def store_pickle(code: bytes) -> Callable[[Path], object]:
    def store(folder: Path) -> None:
        with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
            archive.writestr("archive/data.pkl", code)

    return store


F32 = Storage("FloatStorage", "0", 4)


@pytest.mark.parametrize(
    ("damage", "say"),
    [
        pytest.param(store_pickle(b""), "holds a damaged pickle", id="empty"),
        pytest.param(store_pickle(b"\x80\x04garbage"), "holds a damaged pickle", id="garbage"),
        pytest.param(store_pickle(b"ctorch\nFloatStorage\n)R."), "damaged pickle", id="call"),
        pytest.param(store_pickle(b"I1\n."), "is not a dictionary", id="number"),
        pytest.param(store_state({"w": 1}), "entry 'w' is not a tensor", id="no tensor"),
        pytest.param(store_state({1: 1}), "entry 1 is not a tensor", id="no name"),
        pytest.param(
            store_state({"w": Rebuilt(F32, 0, (4,), (1,))}), "storage 0 is missing", id="no storage"
        ),
        pytest.param(
            store_state({"w": Rebuilt(F32, 1, (4,), (1,))}, {"0": bytes(16)}),
            "reaches past the end of its storage",
            id="past its storage",
        ),
        pytest.param(
            store_state({"w": Rebuilt(F32, -1, (4,), (1,))}, {"0": bytes(16)}),
            "senseless shape",
            id="before its storage",
        ),
        pytest.param(
            store_state({"w": Rebuilt(F32, 0, (2, 2), (1,))}, {"0": bytes(16)}),
            "senseless shape",
            id="strides",
        ),
        pytest.param(
            store_state({"w": Rebuilt("x", 0, (2,), (1,))}), "senseless shape", id="what storage"
        ),
    ],
)
def test_a_damaged_pickle(tmp_path: Path, damage: Callable[[Path], object], say: str) -> None:
    check(tmp_path, PYTORCH, damage, say)


def test_a_compressed_zip(tmp_path: Path) -> None:
    def compress(folder: Path) -> None:
        with zipfile.ZipFile(folder / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({}))

    check(tmp_path, PYTORCH, compress, "is a compressed zip")


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    def store(folder: Path) -> None:
        with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
            archive.writestr("hello.txt", "hello")

    check(tmp_path, PYTORCH, store, "is a zip file without data.pkl")


# Safetensors


@pytest.mark.parametrize(
    ("header", "say"),
    [
        ("[]", "its header is not an object"),
        ('{"w": {}}', "has a damaged safetensors header"),
        ('{"w": 1}', "has a damaged safetensors header"),
        ('{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', "contradicts its shape"),
        ('{"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}', "contradicts its shape"),
        ('{"w": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}', "contradicts its shape"),
        ('{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', "is truncated"),
        ("nonsense", "model.safetensors: "),
    ],
)
def test_a_damaged_header(tmp_path: Path, header: str, say: str) -> None:
    data = len(header).to_bytes(8, "little") + header.encode()
    check(tmp_path, SAFETENSORS, lambda f: (f / "model.safetensors").write_bytes(data), say)
