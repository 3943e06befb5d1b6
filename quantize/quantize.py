"""A GGUF file becomes a smaller GGUF file: llama.cpp's own quantization, made safe to interrupt.

llama.cpp works in a child process, because a call into it hears no Ctrl-C and an assertion that
fails inside it ends the process; the child's standard error is llama.cpp's log, from which this
process reads the progress and, where it fails, the reason.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from codegen_lsp.native import lib
from quantize.whole import whole_file


class QuantizeError(Exception):
    """The file cannot be quantized; the message is one line for a person."""


def _known_types() -> dict[str, int]:
    prefix = re.compile(r"LLAMA_FTYPE_(?:MOSTLY|ALL)_(.+)")
    names = {match[1]: name for name in dir(lib) if (match := prefix.fullmatch(name))}
    del names["NVFP4"]  # files of this type can be read, but llama_model_quantize makes none
    numbers = {name: int(getattr(lib, constant)) for name, constant in names.items()}

    def most_bits_first(name: str) -> tuple[int, int]:
        digits = re.search(r"\d+", name)
        return (-int(digits[0]) if digits else 0, numbers[name])

    return {name: numbers[name] for name in sorted(numbers, key=most_bits_first)}


TYPES: Mapping[str, int] = _known_types()
"""The file types that llama.cpp makes, from the most bits per weight to the fewest: their names
(those of `llama_ftype` in llama.h) and numbers."""


def quantize_file(
    source: Path,
    target: Path,
    type_name: str,
    *,
    n_threads: int = 0,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> None:
    """Write to `target` the model in `source` (GGUF, best f32 or f16) as `type_name` of `TYPES`.

    `n_threads` 0 means all cores; `progress` hears the fraction of tensors done, at last 1.0.
    `target` appears when it is whole, or not at all. Raises `QuantizeError`.
    """
    number = TYPES.get(type_name.upper())
    if number is None:
        raise QuantizeError(f"there is no type {type_name!r}; the types are {', '.join(TYPES)}")
    _check_paths(source, target)
    try:
        with whole_file(target) as part:
            part.touch()  # so that a bad place is refused with its reason: llama.cpp knows none
            status, log = _run_child(source, part, number, n_threads, progress)
            if status != 0:
                raise QuantizeError(_explain(log, status, source, target, type_name.upper()))
    except OSError as error:
        raise QuantizeError(f"cannot write {target}: {error.strerror}") from error
    progress(1.0)


def _check_paths(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as file:
            magic = file.read(4)
        if target.exists() and source.samefile(target):
            raise QuantizeError(f"{target} is the file to read: name another one to write")
    except OSError as error:
        raise QuantizeError(f"cannot read {source}: {error.strerror}") from error
    if magic != b"GGUF":
        raise QuantizeError(
            f"{source} is no GGUF file; python -m quantize convert makes one from a checkpoint"
        )
    if target.is_dir():
        raise QuantizeError(f"{target} is a folder: name a file to write")


def _run_child(
    source: Path, target: Path, number: int, n_threads: int, progress: Callable[[float], None]
) -> tuple[int, str]:
    """Quantize in a child; return its exit status and llama.cpp's log. If this process is
    interrupted meanwhile, the child does not outlive it."""
    paths = [str(path.absolute()) for path in (source, target)]
    command = [sys.executable, "-m", __name__, *paths, str(number)]
    log = []
    with subprocess.Popen(
        [*command, str(n_threads)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # `-m` puts the working directory on the path: not the person's, whose random.py we would import.
        cwd=Path(__file__).resolve().parent.parent,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stderr is not None
        try:
            for line in child.stderr:
                log.append(line)
                if tensor := re.match(r"\[ *(\d+)/ *(\d+)\]", line):
                    progress(int(tensor[1]) / int(tensor[2]))
        except BaseException:
            child.kill()
            raise
    return child.returncode, "".join(log)


def _explain(log: str, status: int, source: Path, target: Path, type_name: str) -> str:
    """What a person should know of a failure, from what llama.cpp logged about it."""
    match = re.search(r"(?:failed to quantize|error loading model): (.+)", log)
    reason = match[1] if match else f"it ended with status {status}"
    if "imatrix" in reason or "importance matrix" in reason:
        return (
            f"{type_name} needs an importance matrix, which this command does not make: "
            "choose a type of three bits or more that does without, such as Q3_K_S or IQ3_S"
        )
    if "requantizing" in reason:
        return f"{source} is quantized already: start from the f16 or f32 file it was made from"
    if "iostream error" in reason:  # all that std::ofstream says when a write fails
        free = shutil.disk_usage(target.parent).free // 1_000_000
        return f"{target} could not be written whole: is the disk full? ({free} MB are free)"
    if "architecture" in reason:
        return f"{source} is a model that llama.cpp does not know: {reason}"
    if "failed to load model" in reason or "corrupted or incomplete" in reason:
        return f"{source} is damaged or not complete: copy or convert it again"
    return f"llama.cpp could not quantize {source}: {reason}"


def _quantize_in_this_process(source: str, target: str, number: int, n_threads: int) -> bool:
    """What the child does: quantize, and then see that llama.cpp accepts what it has written."""
    lib.llama_log_set(lib.llama_log_callback(), ctypes.c_void_p(None))
    params = lib.llama_model_quantize_default_params()
    params.ftype = number
    params.nthread = n_threads
    if lib.llama_model_quantize(os.fsencode(source), os.fsencode(target), params) != 0:
        return False
    # Opening a model compares the tensors' places with the size of the file.
    model_params = lib.llama_model_default_params()
    model_params.vocab_only = True
    return bool(lib.llama_model_load_from_file(os.fsencode(target), model_params))


if __name__ == "__main__":
    _, source_path, target_path, *numbers = sys.argv
    sys.exit(not _quantize_in_this_process(source_path, target_path, *map(int, numbers)))
