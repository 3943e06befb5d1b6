"""A GGUF becomes a smaller one that llama.cpp loads, or there is one line and no file."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import gguf
import llama_cpp
import psutil
import pytest

from codegen_lsp.native import captured_log
from quantize.quantize import TYPES, QuantizeError, quantize_file
from tests.conftest import write_random_phi2


def check_refused(source: Path, target: Path, type_name: str, line: str) -> None:
    before = sorted(target.parent.iterdir()) if target.parent.is_dir() else []
    with pytest.raises(QuantizeError) as refusal:
        quantize_file(source, target, type_name)
    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)
    after = sorted(target.parent.iterdir()) if target.parent.is_dir() else []
    assert after == before


@pytest.mark.parametrize(
    ("type_name", "bits_per_weight"),
    [("F32", 32), ("Q8_0", 8.5), ("Q4_K_M", 4.8), ("iq4_nl", 4.5), ("Q2_K", 3)],
)
def test_quantize(tiny_gguf: Path, tmp_path: Path, type_name: str, bits_per_weight: float) -> None:
    target = tmp_path / "out.gguf"
    quantize_file(tiny_gguf, target, type_name)
    reader = gguf.GGUFReader(target)
    file_type = reader.get_field("general.file_type")
    assert file_type is not None
    assert file_type.contents() == TYPES[type_name.upper()]
    n_bits = sum(8 * int(tensor.n_bytes) for tensor in reader.tensors)
    n_weights = sum(int(tensor.n_elements) for tensor in reader.tensors)
    assert n_bits / n_weights == pytest.approx(bits_per_weight, rel=0.15)
    assert list(tmp_path.iterdir()) == [target]


def test_progress(tiny_gguf: Path, tmp_path: Path) -> None:
    fractions: list[float] = []
    quantize_file(tiny_gguf, tmp_path / "out.gguf", "Q8_0", progress=fractions.append)
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < 0.1
    assert fractions[-1] == 1.0
    assert len(fractions) > 20


def test_types_are_those_that_llama_cpp_makes(tiny_gguf: Path) -> None:
    def is_made(number: int) -> bool:
        params = llama_cpp.llama_model_quantize_default_params()
        params.ftype = number
        params.dry_run = True
        with captured_log():
            return bool(llama_cpp.llama_model_quantize(bytes(tiny_gguf), b"", params) == 0)

    assert {number for number in range(64) if is_made(number)} == set(TYPES.values())


def test_types_begin_with_the_most_bits() -> None:
    assert list(TYPES)[:5] == ["F32", "F16", "BF16", "Q8_0", "Q6_K"]
    assert list(TYPES)[-1] == "Q1_0"


def test_unknown_type_lists_the_known(tiny_gguf: Path, tmp_path: Path) -> None:
    line = f"there is no type 'Q9'; the types are {', '.join(TYPES)}"
    check_refused(tiny_gguf, tmp_path / "out.gguf", "Q9", line)


@pytest.mark.parametrize("type_name", ["IQ1_S", "IQ2_XS", "IQ3_XXS", "Q2_K_S"])
def test_importance_matrix(tiny_gguf: Path, tmp_path: Path, type_name: str) -> None:
    line = f"{type_name} needs an importance matrix, which this command does not make"
    check_refused(tiny_gguf, tmp_path / "out.gguf", type_name, line)


def cut(n_bytes: int) -> Callable[[bytes], bytes]:
    return lambda whole: whole[:n_bytes]


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        pytest.param(cut(0), "{} is no GGUF file; ", id="empty"),
        pytest.param(lambda whole: b"PK" + whole, "{} is no GGUF file; ", id="another format"),
        pytest.param(cut(4), "{} is damaged or not complete", id="only the magic"),
        pytest.param(cut(3000), "{} is damaged or not complete", id="cut in the vocabulary"),
        pytest.param(cut(1_000_000), "{} is damaged or not complete", id="cut in a tensor"),
        pytest.param(cut(-100), "{} is damaged or not complete", id="cut at the end"),
    ],
)
def test_damaged_source(
    tiny_gguf: Path, tmp_path: Path, damage: Callable[[bytes], bytes], line: str
) -> None:
    source = tmp_path / "damaged.gguf"
    source.write_bytes(damage(tiny_gguf.read_bytes()))
    check_refused(source, tmp_path / "out.gguf", "Q8_0", line.format(source))


def test_unknown_architecture(tmp_path: Path) -> None:
    source = tmp_path / "codegen.gguf"
    write_random_phi2(source, architecture="codegen")
    line = (
        f"{source} is a model that llama.cpp does not know: unknown model architecture: 'codegen'"
    )
    check_refused(source, tmp_path / "out.gguf", "Q8_0", line)


def test_paths(tiny_gguf: Path, tmp_path: Path) -> None:
    missing, link, file = tmp_path / "missing.gguf", tmp_path / "link.gguf", tmp_path / "file"
    link.symlink_to(tiny_gguf)
    file.touch()
    check_refused(missing, tmp_path / "out.gguf", "Q8_0", f"cannot read {missing}: No such file")
    check_refused(tmp_path, tmp_path / "out.gguf", "Q8_0", f"cannot read {tmp_path}: Is a dir")
    check_refused(tiny_gguf, link, "Q8_0", f"{link} is the file to read")
    check_refused(tiny_gguf, tmp_path, "Q8_0", f"{tmp_path} is a folder")
    long = tmp_path / ("x" * 250)  # with the suffix of the file beside it, too long
    check_refused(tiny_gguf, long, "Q8_0", f"cannot write {long}: File name too long")
    check_refused(tiny_gguf, file / "out.gguf", "Q8_0", f"cannot write {file / 'out.gguf'}: ")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where none may write")
def test_a_place_where_nothing_can_be_written(tiny_gguf: Path) -> None:
    with pytest.raises(QuantizeError, match=r"cannot write /proc/out.gguf: No such file"):
        quantize_file(tiny_gguf, Path("/proc/out.gguf"), "Q8_0")


def test_already_quantized(tiny_gguf: Path, tmp_path: Path) -> None:
    source = tmp_path / "q8_0.gguf"
    quantize_file(tiny_gguf, source, "Q8_0")
    check_refused(source, tmp_path / "out.gguf", "Q4_0", f"{source} is quantized already")


@pytest.mark.parametrize("n_missing", [1, 1_000, 1_000_000, 1_840_000])
def test_full_disk(tiny_gguf: Path, tmp_path: Path, n_missing: int) -> None:
    """A limit on the size of files stands in for the disk: the write fails in the same way."""
    resource = pytest.importorskip("resource", reason="needs limits on a file's size (Unix)")
    target = tmp_path / "out.gguf"
    quantize_file(tiny_gguf, target, "Q8_0")
    before = target.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - n_missing, limits[1]))
    try:
        check_refused(tiny_gguf, target, "Q8_0", f"{target} could not be written whole")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == before


def test_ctrl_c_leaves_nothing(tiny_gguf: Path, tmp_path: Path) -> None:
    def interrupt(fraction: float) -> None:
        for child in psutil.Process().children():
            child.suspend()  # it must not end by itself before it is killed
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        quantize_file(tiny_gguf, tmp_path / "out.gguf", "F32", progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert psutil.Process().children() == []


def test_a_persons_own_modules_are_not_run(
    tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(1)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    quantize_file(tiny_gguf, Path("q8.gguf"), "Q8_0")
    assert (tmp_path / "q8.gguf").exists()


def test_a_crash_of_llama_cpp_is_one_line(tiny_gguf: Path, tmp_path: Path) -> None:
    def crash(fraction: float) -> None:
        for child in psutil.Process().children():
            child.kill()

    with pytest.raises(QuantizeError, match=r"llama.cpp could not quantize .*: it ended with"):
        quantize_file(tiny_gguf, tmp_path / "out.gguf", "F32", progress=crash)
    assert list(tmp_path.iterdir()) == []
