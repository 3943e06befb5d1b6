"""The benchmark's problems: inputs filled in, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.evaluate.problems import BenchmarkError, read_problems

PATH = Path(__file__).parent / "data" / "problems.jsonl"
MTPB = Path(__file__).parents[2] / "shared" / "data" / "mtpb.jsonl"
OURS = {problem.id: problem for problem in read_problems(PATH)}


def test_inputs_are_filled_in() -> None:
    problem = OURS["4"]
    assert problem.cases[0].intents == (
        'Count how often each letter stands in "anna", as a dictionary like {"a": 2}.',
        "Print the dictionary.",
    )
    assert problem.cases[1].expected == {"b": 1}
    assert OURS["3"].cases[1].intents[1] == "Print the pairs of ['a', 'b']."
    assert [problem.max_tokens for problem in OURS.values()] == [48, 48, 256, 64, 64]


def test_the_real_problems() -> None:
    if not MTPB.exists():
        pytest.skip("no ../shared/data/mtpb.jsonl, the benchmark's problems")
    problems = read_problems(MTPB)
    assert [problem.id for problem in problems] == [str(n) for n in range(1, 116)]
    assert {len(problem.cases) for problem in problems} == {5}
    assert [problem.id for problem in read_problems(MTPB, ["7", "1"])] == ["1", "7"]


WHOLE = {
    "id": "1", "name": "n", "category": "c",
    "prompts": ["Add {a}."], "inputs": [{"a": 1}], "outputs": [1],
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("{", "this is no JSON (Expecting property name", id="no JSON"),
        pytest.param("[1]", "this is no JSON object", id="no object"),
        *(
            pytest.param({**WHOLE, name: None}, f"'{name}' cannot be null", id=f"null for {name}")
            for name in WHOLE
        ),
        *(
            pytest.param(
                {key: value for key, value in WHOLE.items() if key != name},
                f"there is no '{name}'",
                id=f"no {name}",
            )
            for name in WHOLE
        ),
        pytest.param({**WHOLE, "max_gen_length": "x"}, "'max_gen_length' cannot be \"x\"", id="length"),
        pytest.param({**WHOLE, "max_gen_length": True}, "'max_gen_length' cannot be true", id="true"),
        pytest.param({**WHOLE, "prompts": [1]}, "'prompts' are no texts", id="a number as a prompt"),
        pytest.param({**WHOLE, "prompts": []}, "'prompts' are no texts", id="no prompts"),
        pytest.param({**WHOLE, "outputs": []}, "1 inputs have 0 outputs", id="an output is missing"),
        pytest.param({**WHOLE, "inputs": []}, "0 inputs have 1 outputs", id="no inputs"),
        pytest.param({**WHOLE, "inputs": [{"b": 1}]}, "the input {'b': 1} does not fit", id="a name"),
        pytest.param({**WHOLE, "inputs": [3]}, "the input 3 does not fit", id="no object as input"),
        pytest.param({**WHOLE, "prompts": ["{"]}, "the input {'a': 1} does not fit", id="no template"),
    ],
)  # fmt: skip
def test_bad_problems(tmp_path: Path, line: str | dict[str, Any], message: str) -> None:
    path = tmp_path / "problems.jsonl"
    bad = line if isinstance(line, str) else json.dumps(line)
    path.write_text(f"{json.dumps(WHOLE)}\n\n{bad}\n", encoding="utf-8")
    with pytest.raises(BenchmarkError) as caught:
        read_problems(path)
    assert str(caught.value).startswith(f"{path}:3: {message}")
    assert "\n" not in str(caught.value)


def test_files_without_problems(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot be read: No such file"):
        read_problems(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(BenchmarkError, match="is no text in UTF-8"):
        read_problems(tmp_path / "bytes")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(BenchmarkError, match=r"holds no problem$"):
        read_problems(tmp_path / "empty")
    with pytest.raises(BenchmarkError, match=r"holds no problem 9$"):
        read_problems(PATH, ["9"])
