"""Training, on checkpoints small enough for seconds. Needs the [train] extra: skipped without it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="training is an extra: pip install 'codegen-lsp[train]'"
)
transformers = pytest.importorskip("transformers")

from typer import Typer  # noqa: E402 - after the modules that may be missing
from typer.testing import CliRunner  # noqa: E402

from quantize import muon, network, tokens, train  # noqa: E402
from quantize.checkpoint import open_checkpoint  # noqa: E402
from quantize.random_weights import write_random  # noqa: E402
from quantize.shape import Shape  # noqa: E402

SHAPE = Shape(n_layer=2, n_embd=256, n_head=4, rotary_dim=32, n_inner=1024, n_vocab=320)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Text that a model learns within a few steps."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    functions = [f"def f{i}(x):\n    return x + {i % 10}\n" for i in range(800)]
    (folder / "train.txt").write_text("<|endoftext|>".join(functions), encoding="utf-8")
    (folder / "heldout.txt").write_text("<|endoftext|>".join(functions[::7]), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def a_second_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks when it is read, so that a busy machine takes as many steps as an idle one.
    The training loop reads it once a step."""
    monkeypatch.setattr("quantize.train.time.monotonic", itertools.count().__next__)


def run(*arguments: object) -> tuple[int, str]:
    app = Typer()
    app.command()(train.main)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def held_out_bits(output: str) -> list[float]:
    lines = [line for line in output.splitlines() if line.startswith("held-out")]
    return [float(line.split(": ")[1].split()[0]) for line in lines]


def test_logits_equal_those_of_transformers(tmp_path: Path) -> None:
    write_random("tiny", tmp_path / "random")
    model = network.load(tmp_path / "random")
    network.save(model, tmp_path / "random", 0)  # so that our own writer is in the loop
    theirs = transformers.CodeGenForCausalLM.from_pretrained(
        tmp_path / "random", dtype=torch.float32
    )
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 1024, (2, 200)))
    with torch.no_grad():
        difference = (model(ids) - theirs(ids).logits).abs().max().item()
    assert difference < 1e-3


def test_muon_makes_singular_values_one() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(3, 64, 256)
    values = torch.linalg.svdvals(muon.orthogonal(matrix))
    assert values.min().item() > 0.6
    assert values.max().item() < 1.3


@pytest.mark.parametrize("shape", [(256, 256), (768, 256), (1024, 256), (256, 1024)])
def test_muon_stacks_and_unstacks(shape: tuple[int, int]) -> None:
    matrix = torch.arange(shape[0] * shape[1]).float().view(shape)
    stack = muon.as_stack(matrix)
    assert stack.shape[-2] <= stack.shape[-1]
    assert torch.equal(muon.from_stack(stack, matrix), matrix)


def test_muon_keeps_queries_apart_from_values() -> None:
    qkv = torch.zeros(4, 3, 64, 256)
    qkv[:, 1] = 1.0  # V is the second of Q, V, K
    sums = muon.as_stack(qkv.view(768, 256)).abs().sum(dim=(1, 2))
    assert sums.tolist() == [0.0, 256.0 * 256.0, 0.0]


def test_a_fresh_block_is_the_identity() -> None:
    model = network.CodeGen(SHAPE)
    x = torch.randn(1, 5, 256)
    assert torch.equal(model.transformer.h[0](x, model.cos[:5], model.sin[:5]), x)


def test_nats_by_position_are_those_of_the_tokens() -> None:
    """Against the plain sum over one window, with end-of-text left out of both."""
    torch.manual_seed(0)
    model = network.CodeGen(SHAPE)
    text = np.random.default_rng(0).integers(1, 320, 100).astype(np.uint16)
    n_bytes = np.where(np.arange(320) == 0, 0, 3).astype(np.int64)
    text[50] = 0
    nats, size = train.nats_by_position(model, text, n_bytes, n_windows=1)
    ids = torch.from_numpy(text.astype(np.int64))
    with torch.no_grad():
        logs = torch.log_softmax(model(ids[None, :-1])[0], dim=-1)
    expected = [-logs[i, token].item() for i, token in enumerate(ids[1:].tolist())]
    expected[49] = 0.0
    np.testing.assert_allclose(nats, expected, rtol=1e-4)
    assert size.tolist() == [0.0 if i == 49 else 3.0 for i in range(99)]


def test_it_learns_writes_a_checkpoint_and_goes_on(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = (corpus, out, "--n-layer", 1, "--step-tokens", 512, "--no-compile")
    code, output = run(*options, "--minutes", 1)
    assert code == 0, output
    before, after = held_out_bits(output)
    assert after < 0.5 * before
    checkpoint = open_checkpoint(out / "run")  # what the converter does first
    assert checkpoint.shape.n_layer == 1
    further = ("--minutes", 0, "--init", out / "run")
    code, output = run(corpus, tmp_path / "more", "--no-compile", *further)
    assert code == 0, output
    assert held_out_bits(output)[0] == pytest.approx(after, abs=0.01)


def test_an_interrupted_run_goes_on(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    options = (corpus, out, "--n-layer", 1, "--step-tokens", 512, "--no-compile", "--minutes", 0.2)
    step = train._step

    def step_and_interrupt(run: train.Run, *arguments: object) -> object:
        if run.n_steps == 3:
            raise KeyboardInterrupt
        return step(run, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(train, "_step", step_and_interrupt)
    code, output = run(*options)
    assert code == 1
    assert output.splitlines()[-1].startswith("error: interrupted; the same command with --resume")
    monkeypatch.undo()
    saved = torch.load(out / "state.pt", weights_only=True)
    assert saved["counts"][0] == 3
    seen = []

    def step_and_note(run: train.Run, *arguments: object) -> object:
        seen.append(run.n_steps)
        return step(run, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(train, "_step", step_and_note)
    monkeypatch.setattr("quantize.train.time.monotonic", itertools.count().__next__)
    code, output = run(*options, "--resume")
    assert code == 0, output
    assert seen[0] == 3
    assert (out / "run" / "model.safetensors").exists()


def test_it_saves_now_and_then(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY_S", 20.0)
    options = (corpus, tmp_path, "--n-layer", 1, "--step-tokens", 16, "--no-compile")
    code, output = run(*options, "--minutes", 0.5)
    assert code == 0, output
    assert "step 21" in output
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    assert saved["counts"][0] == 21


def test_a_resumed_run_sees_the_same_windows() -> None:
    text = np.arange(60000, dtype=np.uint16)
    first, again, later = (train._windows(text, step, 0.0, 4096) for step in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert first.shape == (16, 257)
    assert train._windows(text, 5, 0.9, 4096).shape == (2, 2049)


@pytest.mark.parametrize(
    ("break_it", "options", "message"),
    [
        pytest.param("heldout.txt", (), "heldout.txt: no such file", id="no corpus"),
        pytest.param("", ("--resume",), "nothing to resume", id="nothing to resume"),
        pytest.param("", ("--init", "nowhere"), "nowhere: no such folder", id="no checkpoint"),
        pytest.param("", ("--n-embd", 100), "take 256", id="a width that has no heads"),
    ],
)
def test_bad_input(
    corpus: Path, tmp_path: Path, break_it: str, options: tuple[object, ...], message: str
) -> None:
    if break_it:
        (corpus / break_it).unlink()
    code, output = run(corpus, tmp_path / "run", "--minutes", 0, "--no-compile", *options)
    assert code == 1
    assert message in output.splitlines()[-1]
    assert output.splitlines()[-1].startswith("error: ")


def test_a_loss_that_explodes_is_said(corpus: Path) -> None:
    with pytest.raises(train.TrainError, match="not a number"):
        train._progress(train.Run(None, None, None), float("nan"), 1.0, 1.0)  # type: ignore[arg-type]


def test_what_is_written_is_complete(tmp_path: Path) -> None:
    corpus = tmp_path / "train.txt"
    corpus.write_text("def f():\n    pass\n", encoding="utf-8")
    tokens.train_tokenizer(corpus, tmp_path / "tokenizer", 320)
    train._write_checkpoint(network.CodeGen(SHAPE), tmp_path / "tokenizer", 0, tmp_path / "out")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"config.json", "model.safetensors", *train.TOKENIZER_FILES}
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "codegen"
