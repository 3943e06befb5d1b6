"""The file of samples: what is kept is read again, whatever a run that was stopped has left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.evaluate.problems import BenchmarkError
from codegen_lsp.evaluate.samples import Key, Sample, append, mend, read_samples

texts = st.text(max_size=20)
numbers = st.integers(0)


@given(
    samples=st.lists(
        st.builds(
            Sample,
            st.builds(Key, texts, st.sampled_from(["multi", "single"]), texts, numbers, numbers),
            texts, st.floats(-1e9, 0), numbers, st.sampled_from([True, False, None]), texts,
        ),
        max_size=4,
    ),
    torn=st.binary(max_size=20),
)  # fmt: skip
def test_what_was_kept_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, samples: list[Sample], torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("samples") / "samples.jsonl"
    mend(path)
    for sample in samples:
        append(path, sample)
        with path.open("ab") as file:  # a run that was killed in the middle of the next line
            file.write(b'{"program": "' + torn.replace(b"\n", b" "))
        mend(path)
    assert read_samples(path) == {sample.key: sample for sample in samples}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b'{"a": 1}\n', b'{"a": 1}\n', id="whole"),
        pytest.param(b'{"a": 1}', b'{"a": 1}\n', id="without its end"),
        pytest.param(b'{"a": 1}\n{"a', b'{"a": 1}\n', id="half a line"),
        pytest.param(b'{"a', b"", id="half of the first line"),
        pytest.param(b'{"a": 1}\n\xff\x00', b'{"a": 1}\n', id="no text"),
    ],
)
def test_mend(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(before)
    mend(path)
    assert path.read_bytes() == after


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"program": None}, "'program' cannot be null", id="no program"),
        pytest.param({"turns": "many"}, "'turns' cannot be \"many\"", id="turns"),
        pytest.param({"turns": []}, "'turns' cannot be []", id="no name as turns"),
        pytest.param({"input": "0"}, "'input' cannot be \"0\"", id="a text as input"),
        pytest.param({"passed": 1}, "'passed' cannot be 1", id="a number as verdict"),
    ],
)
def test_bad_samples(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "samples.jsonl"
    row = {"problem": 1, "input": 0, "program": "", **changes}
    path.write_text(f"\n{json.dumps(row)}\n", encoding="utf-8")
    with pytest.raises(BenchmarkError) as caught:
        read_samples(path)
    assert str(caught.value) == f"{path}:2: {message}"


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot be written: Is a directory"):
        mend(tmp_path)
    with pytest.raises(BenchmarkError, match="cannot be written: No such file"):
        append(tmp_path / "none" / "samples.jsonl", Sample(Key("m", "multi", "1", 0, 0), ""))
