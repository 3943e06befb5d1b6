"""The command line of `quantize`: wires the rooms and decides nothing else.

What takes long to import stands inside the commands, so that `--help` answers at once. Results go to
standard output; progress and errors to standard error, an error as one line with exit status 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from quantize.shape import FAMILY

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="From a published CodeGen checkpoint to a file that a laptop runs.\n\n"
    "The usual way: `convert` a checkpoint to float16, `quantize` that, and `compare` the two to see"
    " what the smaller file costs in quality and gains in speed.",
)

Gguf = Annotated[Path, typer.Argument(metavar="IN.gguf", show_default=False)]
Output = Annotated[Path, typer.Argument(metavar="OUT.gguf", show_default=False)]


def main() -> None:
    """The entry point of `codegen-quantize` and `python -m quantize`."""
    app(prog_name="codegen-quantize")


@app.command("convert")
def convert_command(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT_DIR",
            show_default=False,
            help="A folder in the Hugging Face layout: config.json, the weights (safetensors or"
            " pytorch_model.bin, in one file or in shards with their index), the tokenizer.",
        ),
    ],
    output: Output,
    outtype: Annotated[
        Literal["f16", "f32"],
        typer.Option(
            help="The type of matrices; vectors are always f32. f16 loses nothing of"
            " the published checkpoints that are float16."
        ),
    ] = "f16",
    mp_num: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=False,
            help="How many blocks the attention's qkv_proj is laid out in: 4 in CodeGen, 8 in"
            " CodeGen2. Told by the tokenizer unless given here.",
        ),
    ] = None,
) -> None:
    """Convert a CodeGen or CodeGen2 checkpoint to GGUF, without loss and without torch.

    The weights are read and written in pieces, so a model of 16 B parameters needs no 32 GB of
    memory. No code from the checkpoint runs: a .bin that asks for any is refused.
    """
    from quantize.checkpoint import CheckpointError
    from quantize.convert import ConvertError, convert

    with _errors_in_one_line(CheckpointError, ConvertError):
        with _progress_bar("Converting") as progress:
            convert(checkpoint, output, outtype, mp_num, progress)
        _say_written(output)


@app.command("quantize")
def quantize_command(
    source: Gguf,
    output: Output,
    type_name: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            show_default=False,
            help="A type of llama.cpp, such as Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q4_0 or IQ4_NL; any"
            " other word lists them all.",
        ),
    ],
) -> None:
    """Make a GGUF file smaller, and faster to run.

    Q8_0 is as good as the original, at half of its size; Q4_K_M, a third, is the usual choice for a
    laptop. Start from the f16 or f32 file that `convert` made.
    """
    from quantize.quantize import QuantizeError, quantize_file

    with _errors_in_one_line(QuantizeError):
        with _progress_bar("Quantizing") as progress:
            quantize_file(source, output, type_name, progress=progress)
        _say_written(output)


@app.command("compare")
def compare_command(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE.gguf", show_default=False)],
    test: Annotated[Path, typer.Argument(metavar="TEST.gguf", show_default=False)],
    text: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="The text to read, in UTF-8: some hundred kilobytes of code that the model was"
            " not trained on.",
        ),
    ],
    threads: Annotated[
        int,
        typer.Option(
            min=0,
            help="CPU threads; 0 is one for each core. Fewer are faster while other programs keep the"
            " machine busy.",
        ),
    ] = 0,
    window: Annotated[
        int,
        typer.Option(
            min=8,
            help="Tokens read at a time, of which the second half is scored: no more than the model"
            " was made for.",
        ),
    ] = 512,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure what a quantization costs.

    Both files read the text. Shown are their perplexities, the mean and the 99th percentile of the
    KL divergence between their predictions, how often they hold the same token most probable, size,
    bits per weight and speed.
    """
    from quantize.compare import CompareError, compare, render

    with _errors_in_one_line(CompareError):
        with _progress_bar("Reading") as progress:
            content = text.read_text(encoding="utf-8", errors="replace")
            comparison = compare(
                reference, test, content, n_ctx=window, n_threads=threads, progress=progress
            )
        if as_json:
            print(json.dumps(asdict(comparison), indent=2))
        else:
            Console().print(render(comparison))


@app.command("random")
def random_command(
    output: Annotated[Path, typer.Argument(metavar="OUT_DIR", show_default=False)],
    shape: Annotated[str, typer.Option(show_default=False, help=f"One of {', '.join(FAMILY)}.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same weights.")] = 0,
) -> None:
    """Make up a checkpoint with random weights, in the Hugging Face layout.

    It writes no sense, but takes the memory and the time of the real model, so that speed can be
    measured without a download.
    """
    from quantize.random_weights import RandomError, write_random

    with _errors_in_one_line(RandomError):
        with _progress_bar("Writing") as progress:
            write_random(shape, output, seed, progress)
        _tell(f"{output} is written; next: codegen-quantize convert {output} OUT.gguf")


@app.command("inflate")
def inflate_command(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT_DIR", show_default=False, help="A trained CodeGen 1 checkpoint."
        ),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT_DIR", show_default=False)],
    shape: Annotated[str, typer.Option(show_default=False, help=f"One of {', '.join(FAMILY)}.")],
) -> None:
    """Grow a small trained checkpoint to a larger shape without changing what it computes.

    It costs what a model of that shape costs and writes what the small one writes, so that speed can
    be measured on sensible text. Heads and rotary_dim have to be as large in both, and the widths
    of the shape multiples of the checkpoint's.
    """
    from quantize.checkpoint import CheckpointError
    from quantize.inflate import InflateError, family_shape, inflate

    with _errors_in_one_line(CheckpointError, InflateError):
        with _progress_bar("Growing") as progress:
            inflate(checkpoint, output, family_shape(shape), progress)
        _tell(f"{output} is written; next: codegen-quantize convert {output} OUT.gguf")


@app.command("restore")
def restore_command(
    source: Gguf,
    output: Annotated[Path, typer.Argument(metavar="OUT_DIR", show_default=False)],
) -> None:
    """Make a checkpoint again from a GGUF file that `convert` made, quantized or not.

    It is in the Hugging Face layout and in float16, to be trained further, inflated, or quantized in
    another way. What a quantization has lost stays lost.
    """
    from quantize.restore import RestoreError, restore

    with _errors_in_one_line(RestoreError):
        with _progress_bar("Restoring") as progress:
            restore(source, output, progress)
        _tell(f"{output} is written; next: codegen-quantize convert {output} OUT.gguf")


@contextmanager
def _errors_in_one_line(*expected: type[Exception]) -> Iterator[None]:
    """Print a foreseen failure as one line and leave with status 1, or 130 after Ctrl-C."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        _tell("interrupted; nothing was written")
        raise typer.Exit(130) from None
    except expected as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    _tell(" ".join(message.split()))
    raise typer.Exit(1)


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def _say_written(path: Path) -> None:
    _tell(f"{path} is written, {path.stat().st_size / 2**20:,.1f} MiB")


@contextmanager
def _progress_bar(what: str) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, gone at the end; nothing where that is not a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)


if __name__ == "__main__":
    main()
