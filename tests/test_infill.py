"""What stands between two texts: on real files of both forms."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest

from codegen_lsp.complete import Request, complete, prompt_for
from codegen_lsp.config import Config
from codegen_lsp.context import gather
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Infill, Prompt, Sampling
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from codegen_lsp.worker import Worker
from quantize.convert import convert
from quantize.random_weights import write_tokenizer, write_weights
from quantize.shape import Shape

REAL_TOKENIZER = Path(__file__).parents[2] / "shared" / "data" / "codegen2-tokenizer"
TINY = Shape(n_layer=1, n_embd=64, n_head=8, rotary_dim=8, n_inner=64, n_vocab=1024)


def codegen2(folder: Path, tokenizer: Path | None = None) -> Path:
    """CodeGen2's vocabulary, ours or the real one, on small random weights."""
    shape = TINY if tokenizer is None else replace(TINY, n_vocab=51_200)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    write_tokenizer(checkpoint, shape, has_masks=tokenizer is None)
    for path in tokenizer.iterdir() if tokenizer else ():
        shutil.copyfile(path, checkpoint / path.name)
    write_weights(checkpoint / "model.safetensors", shape, 0, lambda _: None)
    convert(checkpoint, folder / "model.gguf")
    return folder / "model.gguf"


def rewritten(source: Path, target: Path, values: dict[str, int]) -> Path:
    """A copy of a GGUF with more metadata, written as `gguf`'s own scripts do it."""
    reader = gguf.GGUFReader(source)
    architecture = str(reader.fields["general.architecture"].contents())
    writer = gguf.GGUFWriter(target, architecture)
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            sub_type = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type)
    for name, value in values.items():
        writer.add_uint32(name, value)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def with_fim(folder: Path, *names: str) -> Path:
    """The embedded model, which the file says to have such tokens: the first of its vocabulary."""
    values = {f"tokenizer.ggml.fim_{name}_token_id": n for n, name in enumerate(names, 1)}
    return rewritten(EMBEDDED_PATH, folder / "model.gguf", values)


def token_of(path: Path, text: str) -> int:
    tokens: Any = gguf.GGUFReader(path).fields["tokenizer.ggml.tokens"].contents()
    return int(tokens.index(text))


@pytest.mark.parametrize("tokenizer", [None, REAL_TOKENIZER], ids=["ours", "the real one"])
def test_codegen2_by_its_vocabulary(tmp_path: Path, tokenizer: Path | None) -> None:
    if tokenizer is not None and not tokenizer.is_dir():
        pytest.skip(f"no tokenizer files of CodeGen2 in {tokenizer}")
    path = codegen2(tmp_path, tokenizer)
    mask, separator, end, end_of_text = (
        token_of(path, text) for text in ("<mask_1>", "<sep>", "<eom>", "<|endoftext|>")
    )
    engine = LlamaEngine(path)
    assert engine.infill == Infill((), (mask,), (end_of_text, separator, mask), ends=(end,))
    engine.close()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("pre", "suf", "mid"), Infill((1,), (2,), (3,), ends=(1, 2, 3))),
        (("pre", "suf"), Infill((1,), (2,), (), ends=(1, 2))),
        (("pre",), None),
        ((), None),
    ],
)
def test_other_models_by_their_metadata(
    tmp_path: Path, names: tuple[str, ...], expected: Infill | None
) -> None:
    engine = LlamaEngine(with_fim(tmp_path, *names))
    assert engine.infill == expected
    engine.close()


def test_another_process_tells_it_too(tmp_path: Path) -> None:
    worker = Worker(with_fim(tmp_path, "pre", "suf", "mid"))
    assert worker.infill == Infill((1,), (2,), (3,), ends=(1, 2, 3))
    worker.close()


@pytest.mark.parametrize("candidate", [0, 1])
def test_an_answer_ends_where_infilling_ends(tmp_path: Path, candidate: int) -> None:
    """The embedded model's own answer, in which a token is said to be such an end: what came before it
    is the answer, and it is over."""
    samplings = [Sampling(24), Sampling(24, temperature=0.5, seed=3)]

    def answers(path: Path) -> tuple[list[list[int]], tuple[str, ...]]:
        engine = LlamaEngine(path, exact=True)
        text = "def load(path):\n    with open(path) as file:\n"
        prompt = Prompt(text, tuple(engine.tokenize(text)), "        ")
        generation = engine.generate(prompt, samplings, Cancel())
        tokens = list(generation)
        engine.close()
        ids = [[t.id for t in tokens if t.candidate == n] for n in range(len(samplings))]
        return ids, generation.stats.stops

    whole, _ = answers(EMBEDDED_PATH)
    ids = whole[candidate]
    at = next(at for at in range(4, len(ids)) if ids[at] not in ids[:at])
    names = {f"tokenizer.ggml.fim_{name}_token_id": 1 for name in ("pre", "suf")}
    path = rewritten(
        EMBEDDED_PATH,
        tmp_path / "model.gguf",
        {**names, "tokenizer.ggml.fim_mid_token_id": ids[at]},
    )
    cut, stops = answers(path)
    assert cut[candidate] == ids[:at]
    assert stops[candidate] == "eos"


PREFIX, SUFFIX = "def add(a, b):\n    total = ", "\n    return total\n"


def test_codegen2_reads_what_stands_behind_the_cursor(tmp_path: Path) -> None:
    """Its prompt is what the model's card says, and an answer to it comes back."""
    path = codegen2(tmp_path)
    engine = LlamaEngine(path)
    document = Document("file:///a.py", "python", 1, PREFIX + SUFFIX)
    context = gather(document, len(PREFIX))
    assert context is not None
    prompt = prompt_for(context, engine, Config()).prompt
    mask, separator, end_of_text = (
        token_of(path, text) for text in ("<mask_1>", "<sep>", "<|endoftext|>")
    )
    assert list(prompt.tokens) == [
        *engine.tokenize(PREFIX.removesuffix(" ")),
        mask,
        *engine.tokenize(SUFFIX.rstrip()),
        end_of_text,
        separator,
        mask,
    ]
    assert prompt.heal == " "
    request = Request(document, len(PREFIX), invoked=True)
    completion = complete(request, engine, Config(max_tokens=8), Cancel())
    engine.close()
    assert completion.stats.n_prompt == len(prompt.tokens)
    assert completion.stats.n_generated > 0


def test_other_models_read_it_too(tmp_path: Path) -> None:
    engine = LlamaEngine(with_fim(tmp_path, "pre", "suf", "mid"))
    document = Document("file:///a.py", "python", 1, PREFIX + SUFFIX)
    context = gather(document, len(PREFIX))
    assert context is not None
    tokens = prompt_for(context, engine, Config()).prompt.tokens
    before, behind = engine.tokenize(PREFIX.removesuffix(" ")), engine.tokenize(SUFFIX.rstrip())
    engine.close()
    assert list(tokens) == [1, *before, 2, *behind, 3]
