"""What the replay types: pinned, licensed, and never read by the embedded model."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from codegen_lsp.languages import row
from quantize.corpus import HELD_OUT

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("corpus", ROOT / "benchmarks" / "corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_package_is_pinned_and_licensed(corpus: ModuleType) -> None:
    names = [package.name for package in corpus.PACKAGES]
    assert len(set(names)) == len(names)
    for package in corpus.PACKAGES:
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.version
        assert package.licence


def test_the_embedded_model_has_read_none_of_its_python(corpus: ModuleType) -> None:
    python = {each.name for each in corpus.PACKAGES if {"python", "large"} & set(each.kept)}
    assert len(python) == 5
    assert python <= HELD_OUT


def test_every_language_has_a_grammar(corpus: ModuleType) -> None:
    languages = {language for each in corpus.PACKAGES for language in each.kept} - {"large"}
    assert len(languages) >= 5
    assert all(row(language).grammar for language in languages)


def test_what_is_kept_of_a_package(
    corpus: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "thing.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("thing/code.py", "x = 1\n" * 100)
        wheel.writestr("thing/short.py", "x = 1\n")
        wheel.writestr("thing/data.py", "x = 1\n" * 100 + "y" * 1000)
        wheel.writestr("thing/code_test.py", "x = 1\n" * 100)
        wheel.writestr("thing/code.c", "x;\n" * 100)
    monkeypatch.setattr(corpus, "_downloaded", lambda package, place: archive)
    digest = corpus.hashlib.sha256(archive.read_bytes()).hexdigest()
    package = corpus.Package("pip", "thing", "1", "MIT", digest, {"python": "thing/*.py"})
    assert corpus.fetch(package, tmp_path / "to") == 1
    assert (tmp_path / "to/python/thing/thing/code.py").is_file()
    with pytest.raises(corpus.CorpusError, match="it is not the one that is pinned"):
        corpus.fetch(package._replace(sha256="0" * 64), tmp_path / "to")
