"""The command line: wires the rooms and decides nothing else.

What takes long to import stands inside the commands: an editor waits for `serve`, a person for `--help`.
"""

from __future__ import annotations

import gc
import json
import logging
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from codegen_lsp import __version__
from codegen_lsp.complete import Request, n_ctx_for
from codegen_lsp.complete import complete as complete_at
from codegen_lsp.config import Config
from codegen_lsp.context import gather
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine, EngineError
from codegen_lsp.languages import language_of
from codegen_lsp.models import ModelError, add, find, installed, models_dir, remove
from codegen_lsp.position import Position, offset_at
from codegen_lsp.privacy import readable
from codegen_lsp.worker import Worker

# A thread that computes lets others have the interpreter after so many seconds (Python: 0.005). A key
# passes three threads, and the engine's is often at work.
SWITCH_S = 0.0005

app = typer.Typer(
    add_completion=False,
    help="Complete code offline, with CodeGen models on llama.cpp.",
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="List, add and remove models.", invoke_without_command=True)
app.add_typer(models_app, name="models")
bench_app = typer.Typer(help="Measure how fast completing is here.", no_args_is_help=True)
app.add_typer(bench_app, name="bench")
eval_app = typer.Typer(help="Measure how good what it writes is.", no_args_is_help=True)
app.add_typer(eval_app, name="eval")

ModelOption = Annotated[str, typer.Option(help="An installed model's name, or a GGUF file.")]


def main() -> None:
    """Run the command line; what a person can mend is one line on stderr and exit status 1."""
    try:
        app()
    except (EngineError, ModelError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    stdio: Annotated[bool, typer.Option("--stdio", hidden=True)] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    if stdio or not sys.stdin.isatty():
        serve()
    else:
        print(context.get_help())


@app.command()
def serve(
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Speak on standard input and output (as always).")
    ] = True,
    model: ModelOption = "nano",
    log_file: Annotated[Path | None, typer.Option(help="Log here instead of to stderr.")] = None,
) -> None:
    """Serve an editor over LSP until it goes away."""
    gc.disable()  # nothing of what follows is garbage, and looking for some takes 30 of 450 ms
    from codegen_lsp.server import serve as serve_lsp

    gc.freeze()
    gc.enable()
    del stdio
    sys.setswitchinterval(SWITCH_S)
    _log_to(log_file)
    serve_lsp(_load_apart, Config(model=model))


# `-:3:1` is a place and no option.
@app.command(context_settings={"ignore_unknown_options": True})
def complete(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE:LINE:COL", help="Where the cursor is, counted from 1; - reads stdin."
        ),
    ],
    n: Annotated[int, typer.Option("--n", min=1, max=10, help="How many candidates.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, max=1024, help="The longest candidate.")] = 96,
    model: ModelOption = "nano",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    why: Annotated[
        bool, typer.Option("--explain", help="Print why, instead: what was read, written, cut.")
    ] = False,
) -> None:
    """Complete the code at one place of a file, and show it where it would stand."""
    from codegen_lsp.terminal import completion_json, print_completion

    document, offset = _read(place)
    if gather(document, offset) is None:
        _fail(f"{place}: nothing to suggest in a line of more than 1,000 characters")
    config = Config(model=model, max_tokens=max_tokens)
    begun = time.perf_counter()
    engine = _load_here(config)
    loaded = time.perf_counter()
    request = Request(document, offset, n, invoked=True)
    if why:
        print(_explained(request, engine, config, as_json=as_json))
        return
    completion = complete_at(request, engine, config, Cancel())
    ended = time.perf_counter()
    if as_json:
        times = {"load": loaded - begun, "total": ended - begun}
        print(json.dumps(completion_json(completion, model, times), ensure_ascii=False))
    else:
        print_completion(document, offset, completion)


@app.command()
def doctor(
    model: ModelOption = "nano",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check what completing needs here, measure how fast it is, and say what to do where it fails."""
    from codegen_lsp.doctor import examine
    from codegen_lsp.terminal import print_checks

    checks = examine(_load_apart, Config(model=model))
    if as_json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        print_checks(checks)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@models_app.callback()
def list_models(context: typer.Context) -> None:
    from codegen_lsp.terminal import print_models

    if context.invoked_subcommand is None:
        print_models(installed(), models_dir())


@models_app.command("add")
def add_model(
    path: Annotated[Path, typer.Argument(metavar="PATH.gguf", help="A GGUF file.")],
    name: Annotated[
        str | None, typer.Option(help="What to call it; its file's name if left out.")
    ] = None,
) -> None:
    """Copy a GGUF file to the installed models, after llama.cpp has shown that it can load it."""
    Worker(path).close()
    print(f"added {add(path, name).name}")


@models_app.command("remove")
def remove_model(name: Annotated[str, typer.Argument(help="An added model.")]) -> None:
    """Delete an added model."""

    remove(name)
    print(f"removed {name}")


@bench_app.callback()
def bench() -> None:
    """Its callback makes `engine` a word of its own, as there will be other benchmarks."""


@bench_app.command("engine")
def bench_engine(
    model: ModelOption = "nano",
    repetitions: Annotated[int, typer.Option(min=1, max=100, help="Samples of a figure.")] = 10,
    quick: Annotated[bool, typer.Option("--quick", help="Two samples: does it work?")] = False,
    threads: Annotated[int, typer.Option(min=0, max=512, help="0 takes what suits.")] = 0,
    peers: Annotated[
        bool, typer.Option("--peers", help="Measure others too, as far as they are installed.")
    ] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="The model as a Hugging Face folder, for transformers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the engine against bare llama.cpp (some minutes; let the machine do nothing else)."""
    from codegen_lsp.evaluate.bench import FIGURES, BenchError, measure
    from codegen_lsp.evaluate.peers import compare
    from codegen_lsp.evaluate.program import ProgramError
    from codegen_lsp.terminal import bench_json, print_bench, print_step

    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # as Ctrl-C: what was started is ended
    path = find(model)
    n = 2 if quick else repetitions

    def start(speculate: bool) -> Worker:
        return Worker(path, n_threads=threads, speculate=speculate)

    try:
        report = measure(path, start, n, print_step)
        others = compare(path, checkpoint, start, n, print_step) if peers else {}
    except (BenchError, ProgramError) as error:
        _fail(str(error))
    if as_json:
        print(json.dumps(bench_json(report, others), ensure_ascii=False))
    else:
        print_bench(report, others, FIGURES)


@bench_app.command("replay")
def bench_replay(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="What to type from; folders, too.")
    ],
    model: ModelOption = "nano",
    pieces: Annotated[int, typer.Option(min=1, help="How many places are typed at.")] = 20,
    length: Annotated[int, typer.Option(min=1, help="Characters typed at a place, or more.")] = 120,
    seed: Annotated[int, typer.Option(help="Of places, typos and intervals.")] = 0,
    client: Annotated[
        Literal["vscode", "neovim"], typer.Option(help="Whose manners the keys come with.")
    ] = "vscode",
    fast: Annotated[
        bool, typer.Option("--fast", help="Each key as soon as the last is answered; no times.")
    ] = False,
    thresholds: Annotated[
        str, typer.Option(help="Values of minConfidence to type it with again: 0.1,0.3")
    ] = "",
    baseline: Annotated[
        bool, typer.Option("--baseline", help="llama.vim's policy, too, on the same weights.")
    ] = False,
    title: Annotated[
        str, typer.Option(help="What its results are called; or else the model.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Type real files through the real server as a person would, and measure what comes of it."""
    from codegen_lsp.evaluate.contest import Conditions, hold
    from codegen_lsp.evaluate.program import ProgramError
    from codegen_lsp.evaluate.replay import ReplayError, script
    from codegen_lsp.evaluate.tally import FIGURES
    from codegen_lsp.terminal import print_replay, print_step, replay_json

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    path, gates = find(model), _numbers(thresholds)
    try:
        text = script(files, pieces, length, seed)
        conditions = Conditions(title or path.stem, client, seed, fast)
        report = hold(text, path, conditions, gates, baseline, print_step)
    except (ReplayError, ProgramError) as error:
        _fail(str(error))
    if as_json:
        print(json.dumps(replay_json(report), ensure_ascii=False))
    else:
        print_replay(report, FIGURES)


@eval_app.callback()
def evaluate() -> None:
    """Its callback makes `mtpb` a word of its own, as there will be other evaluations."""


@eval_app.command("mtpb")
def eval_mtpb(
    data: Annotated[Path, typer.Option(help="The benchmark's problems, mtpb.jsonl.")],
    model: ModelOption = "nano",
    n: Annotated[int, typer.Option("--n", min=1, help="Programs for each input.")] = 1,
    problems: Annotated[str, typer.Option(help="Only these: 1,2,3")] = "",
    turns: Annotated[
        Literal["multi", "single"], typer.Option(help="Ask step by step, or for all at once.")
    ] = "multi",
    samples: Annotated[
        Path | None,
        typer.Option(help="Keep the programs in this file, and go on with those it holds."),
    ] = None,
    score: Annotated[
        Path | None, typer.Option(help="Judge the programs of this file; needs no model.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Have a model solve the paper's Multi-Turn Programming Benchmark, and run what it writes."""
    from codegen_lsp.evaluate import mtpb
    from codegen_lsp.evaluate.problems import BenchmarkError, read_problems
    from codegen_lsp.evaluate.samples import mend, read_samples
    from codegen_lsp.sandbox import SandboxError, unavailable
    from codegen_lsp.terminal import mtpb_json, print_mtpb, progress_bar

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if why := unavailable():
        _fail(why)
    done = []
    try:
        ids = [each.strip() for each in problems.split(",") if each.strip()]
        listed = read_problems(data, ids)
        if score is not None:
            given = [
                each for each in read_samples(score).values() if not ids or each.key.problem in ids
            ]
            if not given:
                _fail(f"{score} holds no programs for these problems")
            total, judged = len(given), mtpb.scored(given, listed)
        else:
            if samples is not None:
                mend(samples)
            path = find(model)
            keys = mtpb.wanted(listed, path.stem, turns, n)
            kept = read_samples(samples) if samples is not None else {}
            start = partial(Worker, path, n_ctx=mtpb.N_CTX)
            total, judged = len(keys), mtpb.sampled(keys, listed, kept, start, samples)
        with progress_bar("Running", total, quiet=as_json) as step:
            for each in judged:
                done.append(each)
                step()
    except (BenchmarkError, SandboxError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _stop(f"{samples} holds what is finished; the same command goes on" if samples else "")
    results = mtpb.report(done, listed)
    if as_json:
        print(json.dumps(mtpb_json(results), ensure_ascii=False))
    else:
        print_mtpb(results)


def _explained(request: Request, engine: Engine, config: Config, *, as_json: bool) -> str:
    """Why a request is answered as it is; of its document nothing secret is told."""
    from codegen_lsp.explain import explain
    from codegen_lsp.story import as_data, markdown

    asked = replace(request, document=readable(request.document)[0])
    told = explain(asked, engine, config, Cancel())
    return json.dumps(as_data(told), ensure_ascii=False) if as_json else markdown(told).rstrip()


def _numbers(listed: str) -> list[float]:
    try:
        return [float(each) for each in listed.split(",") if each]
    except ValueError:
        _fail(f"{listed!r} is no list of numbers such as 0.1,0.3")


def _load_apart(config: Config, progress: Callable[[float], bool]) -> Worker:
    """The engine that a configuration asks for, in a process of its own. Raises `EngineError`."""
    return Worker(
        _weights(config),
        n_threads=config.threads,
        n_spare_cores=config.spare_cores,
        n_gpu_layers=config.gpu_layers,
        n_ctx=n_ctx_for(config),
        kv_mb=config.kv_cache_mb,
        progress=progress,
    )


def _load_here(config: Config) -> Engine:
    """The same in this process, for one question. Raises `EngineError`."""
    from codegen_lsp.llama import LlamaEngine, default_tuning

    return LlamaEngine(
        _weights(config),
        tuning=default_tuning(config.threads),
        n_gpu_layers=config.gpu_layers,
        n_ctx=n_ctx_for(config),
        kv_mb=config.kv_cache_mb,
    )


def _weights(config: Config) -> Path:
    """The file that a configuration's model lies in. Raises `EngineError`."""
    try:
        return find(config.model)
    except ModelError as error:
        raise EngineError(str(error)) from error


def _read(place: str) -> tuple[Document, int]:
    """The document and the offset that `FILE:LINE:COL` means; `-` alone is the end of stdin."""

    name, line, column = _parse_place(place)
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        _fail(f"{name} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        _fail(f"{name} is no text in UTF-8")
    if "\0" in text:
        _fail(f"{name} is a binary file")
    if not text:
        _fail(f"{name} is empty: there is nothing to go on")
    language = "python" if name == "-" else language_of(Path(name).suffix)
    document = Document(name, language, 0, text)
    if line == 0:
        return document, len(text)
    n_lines = len(document.line_starts)
    if line > n_lines:
        _fail(f"{name} has {n_lines} lines; there is no line {line}")
    offset = offset_at(document, Position(line - 1, column - 1), "utf-32")
    n_columns = offset - document.line_starts[line - 1] + 1
    if column > n_columns:
        _fail(f"line {line} of {name} has columns 1 to {n_columns}; there is no column {column}")
    return document, offset


def _parse_place(place: str) -> tuple[str, int, int]:
    """File, line and column, the latter two from 1; 0 and 0 for stdin's end."""
    if place == "-":
        return place, 0, 0
    name, line, column = parts if len(parts := place.rsplit(":", 2)) == 3 else ("", "", "")
    if not name or not (line.isdecimal() and column.isdecimal() and int(line) and int(column)):
        _fail(f"{place!r} is not FILE:LINE:COL with line and column from 1, such as main.py:12:5")
    return name, int(line), int(column)


def _fail(message: str) -> NoReturn:
    print(f"codegen-lsp: {message}", file=sys.stderr)
    sys.exit(1)


def _stop(message: str) -> NoReturn:
    """End as a person wished, by Ctrl-C."""
    print(f"codegen-lsp: stopped. {message}".rstrip(), file=sys.stderr)
    sys.exit(130)


def _log_to(file: Path | None) -> None:
    """Log to a file or to stderr, never to stdout: that is the protocol's."""
    try:
        handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler()
    except OSError as error:
        _fail(f"{file} cannot be written: {error.strerror}")
    logging.basicConfig(
        handlers=[handler], format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO
    )


if __name__ == "__main__":
    main()
