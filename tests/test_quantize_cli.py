"""The command line as a person meets it: a process, its exit status, and what it prints where."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quantize.shape import FAMILY

TEXT = Path(__file__)
ONE = ("--threads", "1")  # more would wait for each other where the machine is busy


def run(*arguments: str | Path, before: Callable[[], None] | None = None) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "quantize", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=before,
    )
    return done.returncode, done.stdout, done.stderr


def check_failure(folder: Path, *arguments: str | Path, say: str) -> None:
    """One line on standard error that says it, status 1, and not a file more than before."""
    before = sorted(folder.rglob("*"))
    status, output, error = run(*arguments)
    assert (status, output) == (1, "")
    assert say in error
    assert error.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `checkpoint/` and `model.gguf`, made by the commands themselves."""
    folder = tmp_path_factory.mktemp("cli")
    assert run("random", "--shape", "tiny", folder / "checkpoint")[0] == 0
    assert run("convert", folder / "checkpoint", folder / "model.gguf")[0] == 0
    return folder


def test_from_nothing_to_a_comparison(model: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.gguf"
    status, output, error = run("quantize", model / "model.gguf", small, "Q4_K_M")
    assert (status, output) == (0, "")
    assert error.startswith(f"{small} is written, ")
    status, output, _ = run("compare", model / "model.gguf", small, "--text", TEXT, "--json", *ONE)
    assert status == 0
    comparison = json.loads(output)
    assert comparison["test"]["n_bytes"] == small.stat().st_size
    assert comparison["reference"]["bits_per_weight"] > 2 * comparison["test"]["bits_per_weight"]
    assert 0 < comparison["kld_mean"] < comparison["kld_p99"]


def test_a_larger_model_and_its_checkpoint_again(model: Path, tmp_path: Path) -> None:
    large, gguf, again = tmp_path / "large", tmp_path / "large.gguf", tmp_path / "again"
    status, output, error = run("inflate", model / "checkpoint", large, "--shape", "tiny")
    assert (status, output) == (0, "")
    assert error == f"{large} is written; next: codegen-quantize convert {large} OUT.gguf\n"
    assert run("convert", large, gguf)[0] == 0
    status, output, error = run("restore", gguf, again)
    assert (status, output) == (0, "")
    assert error == f"{again} is written; next: codegen-quantize convert {again} OUT.gguf\n"
    weights = (model / "checkpoint" / "model.safetensors").read_bytes()
    assert (again / "model.safetensors").read_bytes() == weights


def test_a_comparison_for_people(model: Path) -> None:
    gguf = model / "model.gguf"
    status, output, _ = run("compare", gguf, gguf, "--text", TEXT, "--window", "64", *ONE)
    assert status == 0
    assert "windows of 64" in output
    assert "same token on top" in output
    assert "100.00%" in output


def test_the_same_seed_gives_the_same_checkpoint(model: Path, tmp_path: Path) -> None:
    for name, seed in (("same", "0"), ("other", "1")):
        assert run("random", "--shape", "tiny", tmp_path / name, "--seed", seed)[0] == 0
    weights = (model / "checkpoint" / "model.safetensors").read_bytes()
    assert (tmp_path / "same" / "model.safetensors").read_bytes() == weights
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != weights


@pytest.mark.parametrize(
    "command", ["convert", "quantize", "compare", "random", "inflate", "restore"]
)
def test_each_command_explains_itself(command: str) -> None:
    status, output, _ = run(command, "--help")
    assert status == 0
    assert "Usage: codegen-quantize" in output


def test_help_does_not_wait_for_libraries() -> None:
    """numpy, gguf and llama.cpp take most of a second together."""
    code = (
        "import sys, quantize.__main__\n"
        "print(*{'numpy', 'gguf', 'llama_cpp', 'torch'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_outtype_and_mp_num_arrive(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    options = ("--outtype", "f32", "--mp-num", "8")
    assert run("convert", model / "checkpoint", target, *options)[0] == 0
    assert target.stat().st_size > 1.9 * (model / "model.gguf").stat().st_size


# Failures


def test_no_checkpoint(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    check_failure(tmp_path, "convert", tmp_path / "nowhere", target, say="no such folder")
    check_failure(tmp_path, "convert", tmp_path, target, say="no config.json there")


def test_mp_num_that_does_not_fit(model: Path, tmp_path: Path) -> None:
    arguments = ("convert", model / "checkpoint", tmp_path / "model.gguf", "--mp-num", "3")
    check_failure(tmp_path, *arguments, say="mp_num 3 does not divide the 8 heads")


def test_an_output_that_cannot_be(model: Path, tmp_path: Path) -> None:
    checkpoint = model / "checkpoint"
    lost = tmp_path / "nowhere" / "model.gguf"
    check_failure(tmp_path, "convert", checkpoint, lost, say=f"{lost}: No such file or directory")
    check_failure(tmp_path, "convert", checkpoint, tmp_path, say=f"{tmp_path}: it is a folder")


def test_an_unknown_type_lists_the_known(model: Path, tmp_path: Path) -> None:
    arguments = ("quantize", model / "model.gguf", tmp_path / "small.gguf", "Q4_X")
    check_failure(tmp_path, *arguments, say="there is no type 'Q4_X'")
    assert "Q4_K_M" in run(*arguments)[2]


def test_an_unknown_shape_lists_the_known(tmp_path: Path) -> None:
    arguments = ("random", "--shape", "huge", tmp_path / "checkpoint")
    check_failure(tmp_path, *arguments, say=f"known are {', '.join(FAMILY)}")


def test_a_shape_that_does_not_fit(model: Path, tmp_path: Path) -> None:
    arguments = ("inflate", model / "checkpoint", tmp_path / "large", "--shape")
    check_failure(tmp_path, *arguments, "huge", say=f"known are {', '.join(FAMILY)}")
    check_failure(tmp_path, *arguments, "codegen-350M", say="it has heads of 32 and the shape 64")
    nowhere = ("inflate", tmp_path, tmp_path / "large", "--shape", "tiny")
    check_failure(tmp_path, *nowhere, say="no config.json there")


def test_a_random_checkpoint_overwrites_nothing(model: Path) -> None:
    arguments = ("random", "--shape", "tiny", model)
    check_failure(model, *arguments, say=f"{model}: it is there already")


def test_no_text(model: Path, tmp_path: Path) -> None:
    gguf = model / "model.gguf"
    text = tmp_path / "nowhere.py"
    check_failure(tmp_path, "compare", gguf, gguf, "--text", text, say=f"{text}: No such file")


def test_no_gguf(model: Path, tmp_path: Path) -> None:
    arguments = ("quantize", TEXT, tmp_path / "small.gguf", "Q8_0")
    check_failure(tmp_path, *arguments, say="is no GGUF file")
    check_failure(tmp_path, "compare", TEXT, TEXT, "--text", TEXT, say="cannot load")
    check_failure(tmp_path, "restore", TEXT, tmp_path / "again", say="this is no GGUF file")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte, where we may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk; the limit on a file's size is tested instead")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("command", ["convert", "random", "inflate", "restore"])
def test_a_full_disk(model: Path, small_disk: Path, command: str) -> None:
    arguments = {
        "convert": (model / "checkpoint", small_disk / "model.gguf"),
        "random": ("--shape", "tiny", small_disk / "checkpoint"),
        "inflate": (model / "checkpoint", small_disk / "large", "--shape", "tiny"),
        "restore": (model / "model.gguf", small_disk / "again"),
    }
    check_failure(small_disk, command, *arguments[command], say="No space left on device")


def test_a_limit_on_a_files_size(model: Path, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    target = tmp_path / "model.gguf"
    status, output, error = run("convert", model / "checkpoint", target, before=limit)
    assert (status, output, error) == (1, "", f"{target}: File too large\n")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_and_the_progress_bar(tmp_path: Path) -> None:
    """On a terminal the bar is drawn on standard error; Ctrl-C ends with 130 and leaves nothing."""
    terminal, far_end = pty.openpty()
    command = [sys.executable, "-m", "quantize", "random", "--shape", "codegen-2B"]
    with subprocess.Popen(
        [*command, tmp_path / "checkpoint"],
        stdout=subprocess.PIPE,
        stderr=far_end,
        env=os.environ | {"TERM": "xterm"},
    ) as child:
        os.close(far_end)
        seen = b""
        deadline = time.monotonic() + 60
        while b"%" not in seen:
            assert time.monotonic() < deadline
            seen += os.read(terminal, 4096)
        child.send_signal(signal.SIGINT)
        try:
            while chunk := os.read(terminal, 4096):
                seen += chunk
        except OSError:
            pass  # how Linux says that the far end is closed
        assert child.stdout is not None
        assert child.stdout.read() == b""
    os.close(terminal)
    assert child.returncode == 130
    assert b"Writing" in seen
    assert b"interrupted; nothing was written" in seen
    assert b"Traceback" not in seen
    assert list(tmp_path.iterdir()) == []
