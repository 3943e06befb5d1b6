"""The command line in a process of its own, as a person meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codegen_lsp.sandbox import unavailable
from tests.conftest import write_random_phi2

DEMO = Path(__file__).parent / "data" / "demo.py"
PLACE = f"{DEMO}:9:9"


class CommandLine:
    """`codegen-lsp` with a home of its own."""

    def __init__(self, home: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        self._environment = {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codegen_lsp", *arguments],
            input=stdin.decode("utf-8", "surrogateescape"),
            capture_output=True,
            env=self._environment,
            timeout=120,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
            cwd=Path(__file__).parent.parent,
        )

    def fails(self, *arguments: str, stdin: bytes = b"") -> str:
        """The one line with which these arguments fail."""
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 1, done
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("codegen-lsp: ")
        return line.removeprefix("codegen-lsp: ")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_complete_prints_the_code_with_the_ghost_text(cli: CommandLine) -> None:
    done = cli("complete", PLACE)
    assert done.returncode == 0
    assert done.stderr == ""
    before, _, rest = done.stdout.partition("«")
    ghost, _, after = rest.partition("»")
    assert before == DEMO.read_text(encoding="utf-8").rstrip("\n")
    assert ghost.strip()
    assert after == "\n"
    compile(before + ghost, "demo", "exec")


def test_complete_as_json(cli: CommandLine) -> None:
    result = json.loads(cli("complete", PLACE, "--json", "--n", "3", "--max-tokens", "24").stdout)
    assert set(result) == {"candidates", "prompt", "timings_ms", "model"}
    assert result["model"] == "nano"
    assert set(result["timings_ms"]) == {"load", "prefill", "decode", "total"}
    assert set(result["prompt"]) == {"n_tokens", "n_reused", "text"}
    assert DEMO.read_text(encoding="utf-8").startswith(result["prompt"]["text"])
    assert len(result["candidates"]) > 1
    for candidate in result["candidates"]:
        assert set(candidate) == {"text", "mean_logprob", "n_tokens", "stop", "seed", "fit"}
        assert candidate["n_tokens"] <= 24
        assert candidate["mean_logprob"] <= 0
    logprobs = [candidate["mean_logprob"] for candidate in result["candidates"]]
    assert logprobs == sorted(logprobs, reverse=True)


def test_complete_reads_standard_input(cli: CommandLine) -> None:
    code = b"def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return"
    assert "«" in cli("complete", "-", stdin=code).stdout
    at_place = cli("complete", "-:9:9", stdin=DEMO.read_bytes())
    assert at_place.stdout == cli("complete", PLACE).stdout


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("demo.py", "'demo.py' is not FILE:LINE:COL"),
        ("demo.py:0:1", "'demo.py:0:1' is not FILE:LINE:COL"),
        ("demo.py:x:1", "'demo.py:x:1' is not FILE:LINE:COL"),
        ("none.py:1:1", "none.py cannot be read: No such file or directory"),
        ("tests:1:1", "tests cannot be read: Is a directory"),
        (f"{DEMO}:99:1", f"{DEMO} has 10 lines; there is no line 99"),
        (f"{DEMO}:4:99", f"line 4 of {DEMO} has columns 1 to 15; there is no column 99"),
    ],
)  # fmt: skip
def test_places_that_are_nowhere(cli: CommandLine, place: str, message: str) -> None:
    how = " with line and column from 1, such as main.py:12:5"
    expected = message + how if "is not" in message else message
    assert cli.fails("complete", place) == expected


def test_files_that_cannot_be_completed(cli: CommandLine, tmp_path: Path) -> None:
    for name, data, message in (
        ("empty.py", b"", "is empty: there is nothing to go on"),
        ("binary.py", b"\0\1\2", "is a binary file"),
        ("latin.py", b"# caf\xe9", "is no text in UTF-8"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        assert cli.fails("complete", f"{path}:1:1") == f"{path} {message}"
        assert cli.fails("complete", "-", stdin=data) == f"- {message}"


def test_a_line_of_five_megabytes(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_bytes(b"x" * 5_000_000)
    message = cli.fails("complete", f"{path}:1:4000000")
    assert message.endswith("nothing to suggest in a line of more than 1,000 characters")


def test_a_model_that_is_not_there(cli: CommandLine) -> None:
    message = "there is no model 'x'; installed are: nano"
    assert cli.fails("complete", PLACE, "--model", "x") == message


def test_models_are_listed_added_used_and_removed(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_random_phi2(path)
    assert "nano" in cli("models").stdout
    assert cli("models", "add", str(path), "--name", "small").stdout == "added small\n"
    assert "small" in cli("models").stdout
    result = json.loads(cli("complete", PLACE, "--model", "small", "--json").stdout)
    assert result["model"] == "small"
    assert cli("models", "remove", "small").stdout == "removed small\n"
    assert "small" not in cli("models").stdout


def test_what_is_no_model_is_not_added(cli: CommandLine, tmp_path: Path) -> None:
    text, strange = tmp_path / "text.gguf", tmp_path / "strange.gguf"
    text.write_text("no model")
    write_random_phi2(strange, architecture="strange")
    assert "llama.cpp cannot load it" in cli.fails("models", "add", str(text))
    assert "unknown model architecture: 'strange'" in cli.fails("models", "add", str(strange))
    assert "there is no such file" in cli.fails("models", "add", str(tmp_path / "none.gguf"))
    assert "there is no model 'text'" in cli.fails("models", "remove", "text")
    assert not list(tmp_path.rglob("models/*"))


def test_doctor_finds_everything_well(cli: CommandLine) -> None:
    done = cli("doctor", "--json")
    assert done.returncode == 0
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert {"codegen-lsp", "llama.cpp", "model", "speed", "models"} <= set(checks)
    assert all(check["ok"] for check in checks.values())
    assert "tokens/s" in checks["speed"]["value"]
    walls = unavailable() or "can be walled in"
    assert walls in checks["sandbox"]["value"]
    assert "✓ speed" in cli("doctor").stdout


def test_doctor_says_what_to_do(cli: CommandLine) -> None:
    done = cli("doctor", "--model", "x")
    assert done.returncode == 1
    assert "✗ model" in done.stdout
    assert "→ choose another with --model; see: codegen-lsp models" in done.stdout


def test_without_a_subcommand_it_serves_where_no_person_is(cli: CommandLine) -> None:
    body = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
    message = f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    for arguments in ((), ("--stdio",), ("serve",), ("serve", "--stdio")):
        assert '"codegen-lsp"' in cli(*arguments, stdin=message).stdout


def test_help_and_version(cli: CommandLine) -> None:
    assert cli("--version").stdout.count(".") == 2
    for command in ((), ("serve",), ("complete",), ("doctor",), ("models",), ("models", "add")):
        assert "Usage:" in cli(*command, "--help").stdout


def test_a_log_file_that_cannot_be_written(cli: CommandLine) -> None:
    message = cli.fails("serve", "--log-file", "none/log")
    assert message == "none/log cannot be written: No such file or directory"
