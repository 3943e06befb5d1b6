"""A converted checkpoint is the same model: logits as transformers computes them, tokens as the
`tokenizers` library cuts them. Both run on the real llama.cpp."""

from __future__ import annotations

import json
import random
import resource
import shutil
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader, TokenType
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers

from quantize.checkpoint import CheckpointError, open_checkpoint
from quantize.convert import ConvertError, OutType, convert, qkv_order
from quantize.model import open_model
from quantize.random_weights import write_random, write_tokenizer, write_weights
from quantize.shape import Shape
from quantize.tensors import map_tensor, to_float

PARITY = Path(__file__).parent / "data" / "parity"
REAL_TOKENIZER = Path(__file__).parents[2] / "shared" / "data" / "codegen2-tokenizer"
TOLERANCE: dict[OutType, float] = {"f32": 0.02, "f16": 0.05}  # of the logits' standard deviation

# Logits


@pytest.mark.parametrize("outtype", ["f32", "f16"])
@pytest.mark.parametrize("mp_num", [4, 8])
@pytest.mark.parametrize(
    "stored",
    [
        "model.safetensors",
        "pytorch_model.bin",  # float16, written by torch, with the causal masks
        "pytorch_model.bin.index.json",  # bfloat16, written by torch
        "float32 safetensors in shards",
        "bfloat16 safetensors in shards",
    ],
)
def test_logits_are_those_of_transformers(
    tmp_path: Path, stored: str, mp_num: int, outtype: OutType
) -> None:
    folder = parity_checkpoint(tmp_path / "model", stored)
    if mp_num == 8:
        lay_out_in_8_blocks(folder)
    convert(folder, tmp_path / "model.gguf", outtype, mp_num)
    expected = np.load(PARITY / "logits.npz")
    tokens, reference = expected["tokens"], expected["logits"]
    with open_model(tmp_path / "model.gguf", n_ctx=64, n_threads=1) as model:
        logits = model.evaluate(tokens, n_outputs=len(tokens)).copy()
    assert np.abs(logits - reference).max() < TOLERANCE[outtype] * reference.std()
    assert (logits.argmax(axis=1) == reference.argmax(axis=1)).all()


def parity_checkpoint(folder: Path, stored: str) -> Path:
    """A copy of the parity checkpoint that has its weights in one form only."""
    shutil.copytree(PARITY / "model", folder)
    forms = {
        "model.safetensors": ["model.safetensors"],
        "pytorch_model.bin": ["pytorch_model.bin"],
        "pytorch_model.bin.index.json": [
            "pytorch_model.bin.index.json",
            "pytorch_model-00001-of-00002.bin",
            "pytorch_model-00002-of-00002.bin",
        ],
    }
    if stored not in forms:
        write_shards(folder, stored.split(maxsplit=1)[0])
    for form, names in forms.items():
        for name in names:
            if form != stored:
                (folder / name).unlink()
    return folder


def write_shards(folder: Path, dtype: str) -> None:
    checkpoint = open_checkpoint(folder)
    arrays = {
        name: to_float(map_tensor(tensor)).astype(np.float32)
        for name, tensor in checkpoint.tensors.items()
    }
    names = list(arrays)
    where: dict[str, str] = {}
    for number, part in enumerate((names[:5], names[5:]), 1):
        shard = f"model-{number:05d}-of-00002.safetensors"
        write_safetensors(folder / shard, {name: arrays[name] for name in part}, dtype)
        where |= dict.fromkeys(part, shard)
    index = json.dumps({"metadata": {}, "weight_map": where})
    (folder / "model.safetensors.index.json").write_text(index)


def write_safetensors(path: Path, arrays: dict[str, NDArray[Any]], dtype: str) -> None:
    header = {}
    data = b""
    for name, array in arrays.items():
        raw = array.tobytes() if dtype == "float32" else upper_halves(array).tobytes()
        header[name] = {
            "dtype": {"float32": "F32", "bfloat16": "BF16"}[dtype],
            "shape": array.shape,
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def upper_halves(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    """bfloat16: the parity weights lose nothing by it."""
    bits = array.view(np.uint32)
    assert not (bits & 0xFFFF).any()
    return (bits >> 16).astype(np.uint16)


def lay_out_in_8_blocks(folder: Path) -> None:
    """Rewrite `qkv_proj`, in place, from 4 blocks of two heads to 8 blocks of one. transformers knows
    4 only, but the function is the same, so its logits stay right."""
    checkpoint = open_checkpoint(folder)
    assert checkpoint.shape.n_head == 8
    for name, tensor in checkpoint.tensors.items():
        if name.endswith("qkv_proj.weight"):
            rows = np.asarray(map_tensor(tensor))
            in_4 = rows.reshape(4, 3, 2, checkpoint.shape.head_size, -1)
            in_8 = in_4.transpose(0, 2, 1, 3, 4)
            with tensor.path.open("r+b") as file:
                file.seek(tensor.offset)
                file.write(in_8.tobytes())


def test_qkv_order_on_paper() -> None:
    """Two blocks of one head of size 6, of which 4 dimensions rotate: Q, V, K, Q, V, K."""
    shape = Shape(n_layer=1, n_embd=12, n_head=2, rotary_dim=4, n_inner=1)
    query = [0, 2, 1, 3, 4, 5, 18, 20, 19, 21, 22, 23]
    key = [12, 14, 13, 15, 16, 17, 30, 32, 31, 33, 34, 35]
    value = [6, 7, 8, 9, 10, 11, 24, 25, 26, 27, 28, 29]
    assert qkv_order(shape, mp_num=2).tolist() == query + key + value


@pytest.mark.parametrize(("name", "mp_num"), [("tiny", 4), ("codegen2-tiny", 8)])
def test_mp_num_is_told_by_the_tokenizer(tmp_path: Path, name: str, mp_num: int) -> None:
    write_random(name, tmp_path / "model")
    convert(tmp_path / "model", tmp_path / "told.gguf")
    convert(tmp_path / "model", tmp_path / "said.gguf", mp_num=mp_num)
    convert(tmp_path / "model", tmp_path / "other.gguf", mp_num=12 - mp_num)
    told, said, other = ((tmp_path / f"{n}.gguf").read_bytes() for n in ("told", "said", "other"))
    assert told == said
    assert told != other


# The file


def test_the_description(tmp_path: Path) -> None:
    write_random("codegen2-tiny", tmp_path / "model")
    convert(tmp_path / "model", tmp_path / "model.gguf")
    reader = GGUFReader(tmp_path / "model.gguf")
    added = json.loads((tmp_path / "model" / "added_tokens.json").read_text())
    vocabulary = json.loads((tmp_path / "model" / "vocab.json").read_text())
    expected = {
        "general.architecture": "phi2",
        "general.name": "model",
        "general.file_type": 1,
        "phi2.context_length": 2048,
        "phi2.embedding_length": 256,
        "phi2.block_count": 2,
        "phi2.feed_forward_length": 1024,
        "phi2.attention.head_count": 8,
        "phi2.attention.head_count_kv": 8,
        "phi2.rope.dimension_count": 16,
        "phi2.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.bos_token_id": vocabulary["<|endoftext|>"],
        "tokenizer.ggml.eos_token_id": vocabulary["<|endoftext|>"],
        "tokenizer.ggml.eot_token_id": added["<eom>"],
        "tokenizer.ggml.add_bos_token": False,
    }
    assert {key: value_of(reader, key) for key in expected} == expected
    kinds = {tensor.tensor_type.name for tensor in reader.tensors if len(tensor.shape) == 1}
    assert kinds == {"F32"}
    kinds = {tensor.tensor_type.name for tensor in reader.tensors if len(tensor.shape) == 2}
    assert kinds == {"F16"}


def value_of(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    assert field is not None, key
    return field.contents()


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("d", TokenType.NORMAL),
        ("    ", TokenType.USER_DEFINED),
        ("\t\t", TokenType.USER_DEFINED),
        ("<|endoftext|>", TokenType.CONTROL),
        ("<mask_1>", TokenType.CONTROL),
        ("<sep>", TokenType.CONTROL),
        ("<eom>", TokenType.CONTROL),
    ],
)
def test_token_types(tmp_path: Path, token: str, expected: TokenType) -> None:
    assert token_types(tmp_path, "codegen2-tiny")[token] == expected


def test_padding_is_unused_and_each_has_a_name_of_its_own(tmp_path: Path) -> None:
    types = token_types(tmp_path, "tiny")
    assert len(types) == 1024
    assert types["[PAD1023]"] == TokenType.UNUSED


def token_types(tmp_path: Path, name: str) -> dict[str, TokenType]:
    write_random(name, tmp_path / "model")
    convert(tmp_path / "model", tmp_path / "model.gguf")
    reader = GGUFReader(tmp_path / "model.gguf")
    texts = value_of(reader, "tokenizer.ggml.tokens")
    types = value_of(reader, "tokenizer.ggml.token_type")
    return {text: TokenType(kind) for text, kind in zip(texts, types, strict=True)}


def test_progress_goes_from_0_to_1(tmp_path: Path) -> None:
    heard: list[float] = []
    write_random("tiny", tmp_path / "model")
    convert(tmp_path / "model", tmp_path / "model.gguf", progress=heard.append)
    assert heard[0] == 0
    assert heard[-1] == 1
    assert heard == sorted(heard)


# Bad input. What a checkpoint itself can have wrong stands in test_checkpoint.py.


def test_mp_num_has_to_divide_the_heads(tmp_path: Path) -> None:
    write_random("tiny", tmp_path / "model")
    with pytest.raises(ConvertError, match="mp_num 3 does not divide the 8 heads"):
        convert(tmp_path / "model", tmp_path / "model.gguf", mp_num=3)


def test_a_number_too_large_for_float16(tmp_path: Path) -> None:
    folder = parity_checkpoint(tmp_path / "model", "bfloat16 safetensors in shards")
    tensor = open_checkpoint(folder).tensors["transformer.wte.weight"]
    with tensor.path.open("r+b") as file:
        file.seek(tensor.offset)
        file.write(upper_halves(np.array([2.0**100], np.float32)).tobytes())
    target = tmp_path / "model.gguf"
    with pytest.raises(ConvertError, match=r"wte\.weight holds numbers that float16 cannot hold"):
        convert(folder, target)
    assert list(tmp_path.iterdir()) == [folder]
    convert(folder, target, "f32")
    assert target.exists()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk: the write fails in the same place."""
    write_random("tiny", tmp_path / "model")
    target = tmp_path / "model.gguf"
    target.write_text("what was there before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(OSError, match=r"File too large: .*model\.gguf'"):
            convert(tmp_path / "model", target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_text() == "what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.gguf"]


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    write_random("tiny", tmp_path / "model")
    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "model", tmp_path / "model.gguf", progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_damaged_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    write_random("tiny", tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError):
        convert(tmp_path / "model", tmp_path / "model.gguf")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


# Tokens


@pytest.fixture(scope="module")
def own_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "model"
    write_random("tiny", folder)
    return folder


@pytest.fixture(scope="module")
def real_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CodeGen2's tokenizer, of which CodeGen's is the beginning, on weights that are small."""
    if not REAL_TOKENIZER.is_dir():
        pytest.skip(f"no tokenizer files of CodeGen2 in {REAL_TOKENIZER}")
    shape = Shape(n_layer=1, n_embd=32, n_head=8, rotary_dim=4, n_inner=32)
    folder = tmp_path_factory.mktemp("real")
    write_tokenizer(folder, shape, has_masks=False)
    for path in REAL_TOKENIZER.iterdir():
        shutil.copyfile(path, folder / path.name)
    write_weights(folder / "model.safetensors", shape, 0, lambda _fraction: None)
    return folder


@pytest.mark.parametrize("form", ["vocab.json and merges.txt", "tokenizer.json"])
@pytest.mark.parametrize("tokenizer", ["own_tokenizer", "real_tokenizer"])
def test_tokens_are_those_of_the_tokenizers_library(
    request: pytest.FixtureRequest, tmp_path: Path, tokenizer: str, form: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(request.getfixturevalue(tokenizer), folder)
    reference = reference_tokenizer(folder)
    if form == "tokenizer.json":
        reference.save(str(folder / "tokenizer.json"))
        for name in ("vocab.json", "merges.txt", "added_tokens.json"):
            (folder / name).unlink()
    convert(folder, tmp_path / "model.gguf")
    texts = snippets()
    assert len({*texts}) >= 200
    with open_model(tmp_path / "model.gguf", n_ctx=64, n_threads=1) as model:
        found = {text: model.tokenize(text).tolist() for text in texts}
    assert found == {text: reference.encode(text).ids for text in texts}


def test_text_cannot_spell_a_control_token(real_tokenizer: Path, tmp_path: Path) -> None:
    convert(real_tokenizer, tmp_path / "model.gguf")
    with open_model(tmp_path / "model.gguf", n_ctx=64, n_threads=1) as model:
        tokens = model.tokenize("<|endoftext|><mask_1>").tolist()
    assert 50256 not in tokens
    assert 51199 not in tokens


def reference_tokenizer(folder: Path) -> Tokenizer:
    """CodeGen's tokenizer, as transformers builds it."""
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:-1]
    merges = [(left, right) for left, _, right in (line.partition(" ") for line in lines)]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = byte_level
    added = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.add_tokens(sorted(added, key=added.__getitem__))
    assert {text: tokenizer.token_to_id(text) for text in added} == added
    return tokenizer


def snippets() -> list[str]:
    """Python cut out of the standard library at any place, and what is hard on purpose."""
    generator = random.Random(0)
    library = Path(sysconfig.get_path("stdlib"))
    names = ("argparse", "textwrap", "ast", "heapq", "inspect", "locale", "difflib", "turtle")
    sources = [(library / f"{name}.py").read_text(encoding="utf-8") for name in names]
    cut: list[str] = []
    for _ in range(150):
        source = generator.choice(sources)
        begin = generator.randrange(len(source))
        cut.append(source[begin : begin + generator.randrange(1, 400)])
    indented = [f"if x:\n{' ' * n}y = 1{' ' * (n % 4)}\n" for n in range(0, 40)]
    tabbed = [f"{tab}x{tab} #{tab}\n" for tab in ("\t" * n for n in range(1, 14))]
    mixed = ["".join(generator.choices([" ", "\t", "\n", "\r\n", "x"], k=30)) for _ in range(40)]
    return [*cut, *indented, *tabbed, *mixed, *NASTY]


NASTY = [
    " ",
    "\n",
    "\t",
    "\r\n\r\n",
    "def f():\n    return 1   ",
    "def f():\n\treturn 1\t\t\n\t\t",
    "x = 1 \n \n  \n   \n",
    "naïve = 'façade'  # déjà vu",
    "变量 = '你好，世界'\n",
    "имя = 'Привет'  # ёж",
    "s = '😀👩‍👩‍👧 \U0001f3f4'\n",
    "a\u0301 \u200b\u2028\u2029\x85\xa0\x0c\x1c",
    "\u3000全角\u3000スペース  ",
    "ſ ẞ İ ǅ ⅷ ² ① ٣ ۴",
    "it's we're I've you'll he'd I'm don't IT'S",
    "x='s''t'\"re\"",
    "1234567890 0x1F_ff 1e-10 3.14j 1_000",
    "__init__ _ __ ___ camelCase SCREAMING_SNAKE",
    "!!! ??? ... >>>=**=//=->:=@",
    "\ufeff# -*- coding: utf-8 -*-\n",
    "[PAD8191] [PAD51199]",
]
