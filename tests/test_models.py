from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from codegen_lsp import models
from codegen_lsp.models import EMBEDDED_PATH, ModelError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models lie, empty."""
    monkeypatch.setattr(models, "models_dir", lambda: tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "other.gguf"
    path.write_bytes(b"GGUF")
    return path


def test_the_embedded_model_is_there_and_fits_its_limit() -> None:
    (model,) = models.installed()
    assert (model.name, model.path, model.embedded) == ("nano", EMBEDDED_PATH, True)
    assert 2**20 < model.size <= 40 * 2**20


def test_add_find_and_remove(gguf: Path, home: Path) -> None:
    models.add(gguf)
    models.add(gguf, "another")
    assert [model.name for model in models.installed()] == ["nano", "another", "other"]
    assert models.find("another") == home / "another.gguf"
    assert models.find("another").read_bytes() == b"GGUF"
    models.remove("other")
    assert [model.name for model in models.installed()] == ["nano", "another"]


def test_a_path_is_a_model_too(gguf: Path) -> None:
    assert models.find(str(gguf)) == gguf


def test_a_model_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ModelError, match=r"there is no model 'x'; installed are: nano$"):
        models.find("x")


@pytest.mark.parametrize("name", ["nano", "../x", "", ".x", "a/b"])
def test_names_that_cannot_be(gguf: Path, home: Path, name: str) -> None:
    with pytest.raises(ModelError):
        models.add(gguf, name) if name else models.add(gguf, ".")
    assert not home.exists() or not list(home.iterdir())


@pytest.mark.parametrize("name", ["nano", "x", "../other"])
def test_what_cannot_be_removed_stays(gguf: Path, name: str) -> None:
    with pytest.raises(ModelError):
        models.remove(name)
    assert gguf.exists()
    assert EMBEDDED_PATH.exists()


def test_a_disk_that_fills_up_leaves_nothing_behind(
    gguf: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(source: Path, target: Path) -> None:
        target.write_bytes(b"GG")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(ModelError, match="could not be copied: No space left on device"):
        models.add(gguf)
    assert list(home.iterdir()) == []


def test_a_file_that_is_not_there(tmp_path: Path, home: Path) -> None:
    with pytest.raises(ModelError, match="No such file or directory"):
        models.add(tmp_path / "none.gguf")
    assert list(home.iterdir()) == []
