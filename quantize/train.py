"""Train a small CodeGen for a given time, on whatever processor there is; or train one further.

    python -m quantize.corpus build/corpus
    python -m quantize.train build/corpus build/nano --minutes 90
    python -m quantize convert build/nano/nano build/nano-f16.gguf

The recipe is that of the small-model speed runs (Jordan et al. 2024): Muon for the blocks' matrices,
AdamW for the rest, and a learning rate that falls linearly to zero, reached when the time is up.

On a machine that others use too, put `OMP_WAIT_POLICY=PASSIVE nice -n 19` before the command, so that
waiting threads sleep (codegen_lsp/native.py says what spinning costs).
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

try:
    import torch
    from torch.nn import functional

    from quantize import network, tokens
    from quantize.muon import Muon
except ImportError as error:
    raise SystemExit(f"error: {error}; training needs: pip install 'codegen-lsp[train]'") from None

from quantize.checkpoint import CheckpointError
from quantize.shape import Shape
from quantize.vocabulary import END_OF_TEXT
from quantize.whole import whole_file, whole_folder

Ids = NDArray[np.uint16]

WINDOWS = ((0.0, 256), (0.1, 1024), (0.45, 2048))
"""From which part of the time on windows are how long. Short ones cost less and vary more, but a
model is lost in a context longer than it was trained on, and an editor's prompts have up to 2,048
tokens. Bits per byte of held-out files: trained on 256, 1.18 up to there and 1.89 past 1,024; trained
on 1,024, then 1.04 up to there and 1.24 past 1,536."""

N_STEP_TOKENS = 4096  # a step's tokens on a CPU: 16 windows of 256, 4 of 1,024, 2 of 2,048
MUON_RATE = 0.02  # this and Adam's: modded-nanogpt's, and those of nano's first training
ADAM_RATE = 3e-3
CONTINUED = 0.4  # of these rates for a trained model: at 0.75 it unlearned 10 % in 100 steps
N_WARM_UP_STEPS = 50
REPORT_EVERY_S = 20.0
SAVE_EVERY_S = 240.0

TOKENIZER_FILES = ("vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json")


class TrainError(Exception):
    """Training cannot go on; the message is one line for a person."""


@dataclass(slots=True)
class Run:
    """All that changes while training, and so all that a resumed run needs."""

    model: network.CodeGen
    muon: Muon
    adam: Any
    n_steps: int = 0
    n_tokens: int = 0
    elapsed_s: float = 0.0


def train(
    corpus: Path,
    out_dir: Path,
    *,
    minutes: float,
    init: Path | None = None,
    resume: bool = False,
    n_embd: int = 256,
    n_layer: int = 6,
    step_tokens: int = N_STEP_TOKENS,
    compiled: bool = True,
    say: Callable[[str], None] = lambda _line: None,
) -> Path:
    """Train on what `quantize.corpus` wrote and return the folder of the Hugging Face checkpoint.

    `init` is a checkpoint to start from: its shape and tokenizer stay. `minutes` is the time in all,
    with what a resumed run took before. `say` hears lines of progress. When interrupted, what was
    learned is in `out_dir` for `resume`. Raises `TrainError`.
    """
    try:
        model = network.load(init) if init else None
        out_dir.mkdir(parents=True, exist_ok=True)
        tokenizer_folder = init or _own_tokenizer(corpus, out_dir)
        texts = [
            tokens.encoded(tokenizer_folder, corpus / f"{part}.txt", out_dir / f"{part}.npy")
            for part in ("train", "heldout")
        ]
        tokenizer = tokens.load_tokenizer(tokenizer_folder)
        n_vocab = -(-tokenizer.get_vocab_size() // 64) * 64  # GPUs like whole tiles
        shape = Shape(n_layer, n_embd, n_embd // 64, 32, 4 * n_embd, n_vocab)
        torch.manual_seed(0)
        run = _start(model or network.CodeGen(shape))
        if resume:
            _restore(out_dir / "state.pt", run)
        n_bytes = tokens.bytes_of_tokens(tokenizer, run.model.shape.n_vocab)
        say(f"held-out text, bits per byte: {_describe(run.model, texts[1], n_bytes)}")
        peak = CONTINUED if init else 1.0
        _loop(run, texts[0], minutes * 60, peak, step_tokens, compiled, out_dir / "state.pt", say)
        say(f"held-out text, bits per byte: {_describe(run.model, texts[1], n_bytes)}")
        end_of_text = tokenizer.token_to_id(END_OF_TEXT) or 0
        folder = out_dir / out_dir.resolve().name  # the converter names a model after its folder
        return _write_checkpoint(run.model, tokenizer_folder, end_of_text, folder)
    except (CheckpointError, ValueError) as error:
        raise TrainError(str(error)) from error
    except FileNotFoundError as error:
        raise TrainError(
            f"{error.filename}: no such file; see the --help of this command"
        ) from error
    except OSError as error:
        raise TrainError(f"{error.filename or out_dir}: {error.strerror}") from error


def nats_by_position(
    model: Any, text: Ids, n_bytes: NDArray[np.int64], n_windows: int = 64
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cross-entropy in nats and the bytes it is for, at each position of the context; two arrays of
    `n_positions`, or fewer for a short text, summed over windows that lie evenly in `text`.

    A window begins anywhere in a file; end-of-text counts in neither array.
    """
    length = min(model.shape.n_positions, text.size - 1)
    n_windows = min(n_windows, text.size // length)
    nats, size = np.zeros(length), np.zeros(length)
    for offset in np.linspace(0, text.size - length - 1, n_windows).astype(int):
        window = text[offset : offset + length + 1].astype(np.int64)
        target = window[1:]
        with torch.no_grad():
            ids = torch.from_numpy(window).to(model.lm_head.weight.device)
            logits = model(ids[None, :-1])[0].float()
            losses = functional.cross_entropy(logits, ids[1:], reduction="none")
        nats += losses.double().cpu().numpy() * (n_bytes[target] > 0)
        size += n_bytes[target]
    return nats, size


def _own_tokenizer(corpus: Path, out_dir: Path) -> Path:
    folder = out_dir / "tokenizer"
    if not folder.exists():
        tokens.train_tokenizer(corpus / "train.txt", folder)
    return folder


def _start(model: network.CodeGen) -> Run:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        device = "mps"
    model.to(device)
    muon = Muon(model)
    matrices = {id(matrix) for matrix in muon.matrices}
    others = [p for p in model.parameters() if id(p) not in matrices]
    return Run(model, muon, torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0))


def _loop(
    run: Run,
    text: Ids,
    budget_s: float,
    peak: float,
    step_tokens: int,
    compiled: bool,
    state: Path,
    say: Callable[[str], None],
) -> None:
    """Take steps until the time is up; report and save now and then, and save when interrupted."""
    loss_of = torch.compile(_loss) if compiled else _loss
    started = time.monotonic() - run.elapsed_s
    reported = saved = run.elapsed_s
    n_reported = run.n_tokens
    losses: list[Any] = []
    try:
        while run.elapsed_s < budget_s:
            part = run.elapsed_s / budget_s
            windows = _windows(text, run.n_steps, part, step_tokens)
            warm_up = min(1.0, (run.n_steps + 1) / N_WARM_UP_STEPS)
            losses.append(_step(run, windows, loss_of, peak * warm_up * (1 - part)))
            run.elapsed_s = time.monotonic() - started
            if run.elapsed_s - reported > REPORT_EVERY_S:
                speed = (run.n_tokens - n_reported) / (run.elapsed_s - reported)
                say(_progress(run, torch.stack(losses).mean().item(), speed, budget_s))
                reported, n_reported = run.elapsed_s, run.n_tokens
                losses.clear()
                if run.elapsed_s - saved > SAVE_EVERY_S:  # after the report, which checks the loss
                    _save(state, run)
                    saved = run.elapsed_s
    except KeyboardInterrupt:
        _save(state, run)
        raise TrainError("interrupted; the same command with --resume goes on from here") from None


def _windows(text: Ids, n_steps: int, part: float, step_tokens: int) -> Any:
    """The windows of a step, (n, length + 1) ids, drawn at random: a function of the step, so that a
    resumed run continues as if nothing had happened."""
    length = [length for start, length in WINDOWS if part >= start][-1]
    length = min(length, text.size - 1, step_tokens)
    random = np.random.default_rng([7, n_steps])
    offsets = random.integers(0, text.size - length, step_tokens // length)
    rows = [text[offset : offset + length + 1] for offset in offsets]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def _step(run: Run, windows: Any, loss_of: Callable[[Any, Any], Any], rate: float) -> Any:
    """One step of both optimizers at `rate`, a part of their full rates; the loss before it."""
    windows = windows.to(run.model.lm_head.weight.device)
    loss = loss_of(run.model, windows)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.muon.step(MUON_RATE * rate)
    for group in run.adam.param_groups:
        group["lr"] = ADAM_RATE * rate
    run.adam.step()
    run.model.zero_grad(set_to_none=True)
    run.n_steps += 1
    run.n_tokens += windows.shape[0] * (windows.shape[1] - 1)
    return loss.detach()


def _loss(model: Any, windows: Any) -> Any:
    """Mean cross-entropy in nats per token."""
    device = windows.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=_has_bfloat16(device)):
        logits = model(windows[:, :-1])
    return functional.cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())


def _has_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster there: on a CPU with instructions for it (3 times on Zen 4)."""
    if device == "cpu":
        # Private, but there since PyTorch 2.5, and nothing public says it in that version.
        return bool(torch.cpu._is_avx512_bf16_supported())
    return device == "cuda"


def _progress(run: Run, loss: float, speed: float, budget_s: float) -> str:
    if not math.isfinite(loss):
        raise TrainError("the loss is not a number any more; --resume goes back to the last save")
    left_min = max(0.0, budget_s - run.elapsed_s) / 60
    return (
        f"{run.elapsed_s / budget_s:4.0%}  step {run.n_steps}  {run.n_tokens / 1e6:.2f} M tokens"
        f"  loss {loss:.4f}  {speed:,.0f} tokens/s  {left_min:.0f} min left"
    )


def _describe(model: Any, text: Ids, n_bytes: NDArray[np.int64]) -> str:
    nats, size = nats_by_position(model, text, n_bytes)
    pieces = [slice(0, 256), slice(256, 1024), slice(1024, None)]
    bits = [nats[at].sum() / size[at].sum() / math.log(2) for at in pieces if size[at].sum()]
    by_context = ", ".join(f"{value:.4f}" for value in bits)
    return f"{nats.sum() / size.sum() / math.log(2):.4f} (before 256, 1,024, all: {by_context})"


def _save(path: Path, run: Run) -> None:
    state = {
        "model": run.model.state_dict(),
        "momenta": run.muon.momenta,
        "adam": run.adam.state_dict(),
        "counts": [run.n_steps, run.n_tokens, run.elapsed_s],
    }
    with whole_file(path) as part:
        torch.save(state, part)


def _restore(path: Path, run: Run) -> None:
    if not path.exists():
        raise TrainError(f"{path}: no such file, so nothing to resume; leave --resume out")
    state = torch.load(path, map_location="cpu", weights_only=True)
    try:
        run.model.load_state_dict(state["model"])
    except RuntimeError as error:
        raise TrainError(f"{path} is of a model of another shape; leave --resume out") from error
    for momentum, saved in zip(run.muon.momenta, state["momenta"], strict=True):
        momentum.copy_(saved)
    run.adam.load_state_dict(state["adam"])
    run.n_steps, run.n_tokens, run.elapsed_s = state["counts"]


def _write_checkpoint(model: Any, tokenizer_folder: Path, end_of_text: int, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    with whole_folder(folder) as part:
        network.save(model.cpu(), part, end_of_text)
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer_folder / name, part / name)
    return folder


def main(
    corpus: Annotated[Path, typer.Argument(help="The folder that quantize.corpus wrote.")],
    out_dir: Annotated[Path, typer.Argument(help="A folder for this run.")],
    minutes: Annotated[float, typer.Option(min=0, help="How long to train, in all.")],
    init: Annotated[Path | None, typer.Option(help="Start from this trained checkpoint.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where OUT_DIR stopped.")] = False,
    n_embd: Annotated[int, typer.Option(help="Width, a multiple of 256.")] = 256,
    n_layer: Annotated[int, typer.Option(min=1, help="Blocks.")] = 6,
    step_tokens: Annotated[
        int, typer.Option(min=16, help="Tokens in a step; a large GPU wants 65536 or more.")
    ] = N_STEP_TOKENS,
    compiled: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Compiling needs a C++ compiler.")
    ] = True,
) -> None:
    """Train a small CodeGen model on a corpus of Python."""
    try:
        if n_embd % 256:
            raise TrainError(f"--n-embd {n_embd}: heads are 64 wide and come in fours, so take 256")
        folder = train(
            corpus,
            out_dir,
            minutes=minutes,
            init=init,
            resume=resume,
            n_embd=n_embd,
            n_layer=n_layer,
            step_tokens=step_tokens,
            compiled=compiled,
            say=typer.echo,
        )
    except TrainError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"written: {folder}")


if __name__ == "__main__":
    typer.run(main)
