"""The benchmark: what a model is asked, what passes, what that comes to, and the command."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.engine import Cancel, Engine, Generation, Prompt, Sampling
from codegen_lsp.evaluate.mtpb import (
    PREAMBLE,
    judged,
    rate,
    report,
    sampled,
    scored,
    wanted,
    written,
)
from codegen_lsp.evaluate.problems import BenchmarkError, Problem, read_problems
from codegen_lsp.evaluate.samples import Key, Sample, read_samples
from codegen_lsp.sandbox import unavailable
from tests.fake_engine import FakeEngine

OURS = Path(__file__).parent / "data" / "problems.jsonl"
MTPB = Path(__file__).parents[2] / "shared" / "data" / "mtpb.jsonl"

sandboxed = pytest.mark.skipif(bool(unavailable()), reason=f"no sandbox: {unavailable()}")


def a_key(problem: str = "1", case: int = 0, **changes: Any) -> Key:
    return Key(**{
        "model": "m", "turns": "multi", "problem": problem, "input": case, "number": 0, **changes
    })  # fmt: skip


def ours() -> dict[str, Problem]:
    return {problem.id: problem for problem in read_problems(OURS)}


# What a model is asked


class Listening(FakeEngine):
    """Keeps its generations, too."""

    def __init__(self, *replies: str, n_ctx: int = 2048) -> None:
        super().__init__(*replies, n_ctx=n_ctx)
        self.generations: list[Generation] = []

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        self.generations.append(super().generate(prompt, samplings, cancel))
        return self.generations[-1]


def test_in_turns() -> None:
    engine = Listening("numbers = [1, 2, 3]\n# what else" + "x" * 1000, "print(6)\nprint(7)\n")
    sample = written(a_key(), ours()["1"], engine)
    first = PREAMBLE + '# Define a list named "numbers" with the values [1, 2, 3].\n'
    second = first + 'numbers = [1, 2, 3]\n\n\n# Print the sum of "numbers".\n'
    assert [prompt.text for prompt in engine.prompts] == [first, second]
    assert [prompt.tokens for prompt in engine.prompts] == [
        tuple(map(ord, first)),
        tuple(map(ord, second)),
    ]
    assert sample.program == second + "print(6)\n\n\n"
    assert sample.n_tokens == len(first + second) - len(PREAMBLE) - len(second.rpartition("# ")[0])
    assert sample.logprob == -0.5 * sample.n_tokens
    assert sample.passed is None
    assert [(each.max_tokens, each.temperature, each.top_p) for each in engine.samplings] == [
        (48, 0.2, 0.95)
    ] * 2
    assert engine.generations[0].stats.n_generated < 30  # nothing that is cut is generated


def test_in_a_single_turn() -> None:
    engine = Listening("def f(): ...\ndef g(): ...\nprint(1)\nprint(2)\n\n\nmore")
    sample = written(a_key("2", turns="single"), ours()["2"], engine)
    (prompt,) = engine.prompts
    assert prompt.text == (
        f'{PREAMBLE}# Assign the string "abc" to a variable named "word".\n'
        '# Reverse "word".\n# Print the result.\n'
    )
    assert sample.program == f"{prompt.text}def f(): ...\ndef g(): ...\nprint(1)\nprint(2)\n\n"
    assert engine.samplings[0].max_tokens == 3 * 48


def test_what_does_not_fit_goes_by_turns() -> None:
    engine = Listening("x" * 40 + "\n", n_ctx=220)
    written(a_key("2"), ours()["2"], engine)
    assert [prompt.text.count("# ") for prompt in engine.prompts] == [2, 3, 3]
    assert all(len(prompt.text) <= 220 - 48 for prompt in engine.prompts)


def test_each_sample_has_a_seed_of_its_own_and_always_the_same() -> None:
    def seeds(**changes: Any) -> list[int]:
        engine = Listening("x\n")
        written(a_key(**changes), ours()["1"], engine)
        return [sampling.seed for sampling in engine.samplings]

    assert seeds() == seeds()
    different = [*seeds(), *seeds(number=1), *seeds(case=1), *seeds(problem="2")]
    assert len(set(different)) == len(different)


def test_only_what_is_missing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    keys = wanted(ours().values(), "m", "multi", 2)
    assert len(keys) == len(set(keys)) == 5 * 2 * 2
    kept = {key: Sample(key, "kept", passed=True) for key in keys[1:]}

    def start() -> Engine:
        return FakeEngine("")

    if unavailable():
        pytest.skip(f"no sandbox: {unavailable()}")
    samples = list(sampled(keys, ours().values(), kept, start, path))
    assert {sample.key for sample in samples} == set(keys)
    assert list(read_samples(path)) == [keys[0]]

    def never() -> Engine:
        pytest.fail("nothing is missing")

    assert list(sampled(keys[1:], ours().values(), kept, never, path)) == list(kept.values())


# What passes


@pytest.mark.parametrize(
    ("n_passed", "n", "low", "high"),
    [  # Newcombe 1998, table I, and by hand
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe's first"),
        pytest.param(15, 148, 0.0624, 0.1605, id="his second"),
        pytest.param(0, 20, 0.0, 0.1611, id="none"),
        pytest.param(1, 29, 0.0061, 0.1718, id="one"),
        pytest.param(20, 20, 0.8389, 1.0, id="all"),
    ],
)
def test_wilsons_interval(n_passed: int, n: int, low: float, high: float) -> None:
    result = rate([Sample(a_key(), "", passed=k < n_passed) for k in range(n)])
    assert (result.n_passed, result.n, result.share) == (n_passed, n, n_passed / n)
    assert (result.low, result.high) == pytest.approx((low, high), abs=1e-4)


def test_report() -> None:
    no_module = "ModuleNotFoundError: No module named 'pandas'"
    no_part = "ModuleNotFoundError: No module named 'numpy.pandas'"
    samples = [
        Sample(a_key("1", 0), "", -2.0, 2, passed=True),
        Sample(a_key("1", 1), "", -2.0, 1, passed=False, error=no_module),
        Sample(a_key("2", 0), "", -4.0, 1, passed=False, error=no_part),
        Sample(a_key("2", 0, turns="single"), "", passed=False),
    ]
    multi, single = report(samples, ours().values())
    assert (multi.model, multi.turns, multi.n_problems) == ("m", "multi", 2)
    assert (multi.all.n_passed, multi.all.n) == (1, 3)
    assert {name: (rate.n_passed, rate.n) for name, rate in multi.categories.items()} == {
        "math": (1, 2),
        "string": (0, 1),
    }
    assert multi.passed_perplexity == pytest.approx(2.71828, abs=1e-4)
    assert multi.failed_perplexity == pytest.approx(20.0855, abs=1e-4)
    assert multi.missing == {"pandas": 1}
    assert (single.turns, single.passed_perplexity, single.failed_perplexity) == (
        "single",
        None,
        None,
    )


RIGHT = {
    ("1", 0): "print(sum([1, 2, 3]))",
    ("1", 1): "sum([])",
    ("2", 0): "word = 'abc'\nprint(word[::-1])",
    ("3", 0): "v = [4, 5, 6]\nprint(list(zip(v, v[1:])))",
    ("4", 0): "from collections import Counter\nprint(Counter('anna'))",
    ("5", 0): "import numpy as np\nprint(np.mean([1, 2, 3.5]) > 2)",
}
WRONG = {
    ("1", 0): "print(5)",
    ("1", 1): "numbers = []\nprint(numbers[0])",
    ("2", 0): "word = 'abc'\nprint(word)",
    ("3", 0): "v = [4, 5, 6]\nprint(list(zip(v, v)))",
    ("4", 0): "print(len('anna'))",
    ("5", 0): "while print(True):",
}


@sandboxed
@pytest.mark.parametrize(("problem", "case"), RIGHT)
def test_our_programs(problem: str, case: int) -> None:
    key = a_key(problem, case)
    right = judged(Sample(key, RIGHT[problem, case]), ours()[problem])
    wrong = judged(Sample(key, WRONG[problem, case]), ours()[problem])
    assert (right.passed, right.error) == (True, "")
    assert wrong.passed is False
    assert wrong.error


@sandboxed
@pytest.mark.parametrize(
    ("program", "error"),
    [
        pytest.param("print(5)", "printed 5 instead of 6", id="another value"),
        pytest.param("import no_such", "ModuleNotFoundError: No module named 'no_such'", id="no module"),
        pytest.param("import os\nos._exit(0)", "ended itself, with status 0", id="its own end"),
        pytest.param("import json\ndumps = json.dumps\n"
                     "json.dumps = lambda value: dumps(value) if 'error' in value else '[6]'\nprint(6)",
                     "told of its value what cannot be", id="forged"),
    ],
)  # fmt: skip
def test_why_a_program_fails(program: str, error: str) -> None:
    sample = judged(Sample(a_key(), program), ours()["1"])
    assert sample.passed is False
    assert sample.error == error


@sandboxed
def test_what_a_sample_claims_does_not_count() -> None:
    claims = Sample(a_key(), "print(5)", passed=True)
    (again,) = scored([claims], ours().values())
    assert again.passed is False


def test_a_sample_of_no_problem() -> None:
    for key in (a_key("9"), a_key("1", 2), a_key("1", -1)):
        with pytest.raises(BenchmarkError, match=f"no problem {key.problem} has an input"):
            list(scored([Sample(key, "")], ours().values()))


# Ten of the benchmark's problems, with their first inputs.
SOLUTIONS = {
    "1": "my_string = 'abcde'\nchars = list(set(my_string.lower()))\nchars.sort()\nprint(chars)",
    "2": "n = list(range(1, 11))\nprint([f'{each / sum(n) * 100:.1f}' for each in n])",
    "4": "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib(1) ** 2)",
    "8": (
        "s = 'Have free hours and love children? Drive kids to school, soccer practice and other "
        "activities.'\nwords = s.split()\nlist(zip(words, words[1:]))"
    ),
    "16": (
        "class Person:\n    def __init__(self, name, id):\n        self.name, self.id = name, id\n"
        "    def __hash__(self):\n        return hash(self.id)\n"
        "    def __eq__(self, other):\n        return hash(self) == hash(other)\n"
        "persons = [Person('Person A', 1), Person('Person B', 2), Person('Person C', 2)]\n"
        "print(len(set(persons)))"
    ),
    "19": "lst, target = [0, 1, 2, 3], 4\nprint((1, 3))",
    "31": "my_tuple = (8 + 9, 2)\nprint(my_tuple)",
    "65": "import numpy as np\nprint(np.log(np.sum(np.exp([1, 3, 2, 2]))))",
    "89": "print({'1': ['a', 'b', 'c']})",
    "109": "print(sum([1, 2, 3, 4, 5]) % 2 == 0)",
}
MISTAKES = {
    "1": "print('abcde'.upper())",
    "2": "n = list(range(1, 11))\nprint([each / sum(n) * 100 for each in n])",
    "4": "def fib(n):\n    return n\nprint(fib(2) ** 2)",
    "8": "print('Have free'.split())",
    "16": "print(len([1, 2, 2]))",
    "19": "print([3, 1])",
    "31": "print((17, 1))",
    "65": "import numpy as np\nprint(np.log(np.sum([1, 3, 2, 2])))",
    "89": "print({1: ['a', 'b', 'c']})",
    "109": "print('false')",
}


class CommandLine:
    """`codegen-lsp eval mtpb` in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home), "TERM": "xterm"
        }  # fmt: skip

    def start(self, *arguments: str | Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "codegen_lsp", "eval", "mtpb", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=self.environment,
            encoding="utf-8",
            cwd=Path(__file__).parent.parent,
        )

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=200)
        return process.returncode, output, errors

    def results(self, *arguments: str | Path) -> list[dict[str, Any]]:
        status, output, errors = self(*arguments, "--json")
        assert (status, errors) == (0, "")
        (line,) = output.splitlines()
        results: list[dict[str, Any]] = json.loads(line)
        return results


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def write_programs(path: Path, programs: Mapping[str, str], **fields: Any) -> None:
    rows = ({"problem": problem, "input": 0, "program": each} for problem, each in programs.items())
    path.write_text("".join(json.dumps({**row, **fields}) + "\n" for row in rows), encoding="utf-8")


@sandboxed
def test_programs_for_ten_problems_are_judged_without_a_model(
    cli: CommandLine, tmp_path: Path
) -> None:
    if not MTPB.exists():
        pytest.skip("no ../shared/data/mtpb.jsonl, the benchmark's problems")
    right, wrong = tmp_path / "right.jsonl", tmp_path / "wrong.jsonl"
    write_programs(right, SOLUTIONS)
    write_programs(wrong, MISTAKES, passed=True)  # what they claim does not count
    (result,) = cli.results("--data", MTPB, "--score", right)
    assert (result["all"]["n_passed"], result["all"]["n"], result["n_problems"]) == (10, 10, 10)
    (result,) = cli.results("--data", MTPB, "--score", wrong)
    assert (result["all"]["n_passed"], result["all"]["n"]) == (0, 10)


@sandboxed
def test_table(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "programs.jsonl"
    write_programs(
        path, {"1": RIGHT["1", 0], "2": "import no_such", "3": RIGHT["3", 0]}, model="me"
    )
    status, output, errors = cli("--data", OURS, "--score", path, "--problems", "1,2")
    assert (status, errors) == (0, "")
    assert [line.split() for line in output.splitlines()] == [
        ["me,", "2", "problems", "in", "turns"],
        ["PASSED", "OF", "%", "95", "%", "INTERVAL"],
        ["all", "1", "2", "50.0", "9.5", "to", "90.5"],
        ["math", "1", "1", "100.0", "20.7", "to", "100.0"],
        ["string", "0", "1", "0.0", "0.0", "to", "79.3"],
        [
            "perplexity",
            "of",
            "the",
            "prompts:",
            "—",
            "of",
            "passed",
            "programs,",
            "—",
            "of",
            "failed",
        ],
        ["failed", "for", "a", "module", "that", "is", "not", "here:", "no_such", "(1)"],
    ]


@sandboxed
@pytest.mark.parametrize(("options", "is_shown"), [((), True), (("--json",), False)])
def test_progress_on_a_terminal(
    cli: CommandLine, tmp_path: Path, options: tuple[str, ...], is_shown: bool
) -> None:
    path = tmp_path / "programs.jsonl"
    write_programs(path, {"1": RIGHT["1", 0], "2": RIGHT["2", 0]})
    ours, terminal = pty.openpty()
    with cli.start("--data", OURS, "--score", path, *options, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # which is how Linux says that the other end is closed
            while piece := os.read(ours, 4096):
                shown += piece
        output, _ = process.communicate(timeout=60)
    os.close(ours)
    assert (process.returncode, bool(output)) == (0, True)
    assert (b"Running" in shown and b"2/2" in shown) is is_shown
    assert bool(shown) is is_shown


@sandboxed
@pytest.mark.parametrize("turns", ["multi", "single"])
def test_the_embedded_model_on_five_problems(cli: CommandLine, tmp_path: Path, turns: str) -> None:
    """End to end, then again: what is finished is not asked for again, nor is half a line lost on it."""
    data, path = MTPB if MTPB.exists() else OURS, tmp_path / "samples.jsonl"
    arguments = ("--data", data, "--problems", "1,2,3,4,5", "--turns", turns, "--samples", path)
    (result,) = cli.results(*arguments)
    n = sum(len(problem.cases) for problem in read_problems(data, ["1", "2", "3", "4", "5"]))
    assert (result["model"], result["turns"]) == ("nano", turns)
    assert (result["n_problems"], result["all"]["n"]) == (5, n)
    assert result["failed_perplexity"] > 1
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == n
    assert all(json.loads(line)["program"].startswith(PREAMBLE) for line in lines)
    path.write_text("".join(lines[:-1]) + lines[-1][:40], encoding="utf-8")
    (again,) = cli.results(*arguments)
    assert again["all"]["n"] == n
    assert path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1] == lines[:-1]
    assert cli.results("--data", data, "--score", path) == [again]


@sandboxed
def test_ctrl_c_leaves_a_usable_file_and_one_line(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    with cli.start("--data", OURS, "--samples", path, "--n", "100") as process:
        while not path.exists() or not path.read_bytes():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert (
        errors == f"codegen-lsp: stopped. {path} holds what is finished; the same command goes on\n"
    )
    assert read_samples(path)


NO_FILE = "No such file or directory"


@sandboxed
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--data", "none"), f"none cannot be read: {NO_FILE}", id="no file"),
        pytest.param(("--problems", "1,x"), f"{OURS} holds no problem x", id="no problem"),
        pytest.param(("--score", "none"), f"none cannot be read: {NO_FILE}", id="no programs"),
        pytest.param(("--samples", "no/x"), f"no/x cannot be written: {NO_FILE}", id="no folder"),
        pytest.param(("--score", os.devnull), f"{os.devnull} holds no programs for these problems",
                     id="none to judge"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    cli: CommandLine, arguments: tuple[str | Path, ...], message: str
) -> None:
    assert cli("--data", OURS, *arguments) == (1, "", f"codegen-lsp: {message}\n")


def test_help(cli: CommandLine) -> None:
    status, output, _ = cli("--help")
    assert status == 0
    for option in ("--data", "--model", "--n", "--problems", "--turns", "--samples", "--score"):
        assert option in output
