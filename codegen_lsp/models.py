"""Which models there are, where their files lie, and where what was found out about them does."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import platformdirs

EMBEDDED = "nano"
DATA = Path(__file__).parent / "data"
EMBEDDED_PATH = DATA / "nano.gguf"
# What was measured of models, by their names: in our own data, and where a person's models lie.
CLARITY = "clarity.json"


class ModelError(Exception):
    """A model is not there or cannot be taken; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model by the name a person calls it; `size` in bytes."""

    name: str
    path: Path
    size: int
    embedded: bool = False


def models_dir() -> Path:
    """Where added models lie. It need not exist."""
    return platformdirs.user_data_path("codegen-lsp", appauthor=False) / "models"


def cache_dir() -> Path:
    """Where lies what can be found out again. It need not exist."""
    return platformdirs.user_cache_path("codegen-lsp", appauthor=False)


def state_dir() -> Path:
    """Where lies what is to survive a restart, and nobody would miss on another machine. It need not
    exist."""
    return platformdirs.user_state_path("codegen-lsp", appauthor=False)


def installed() -> tuple[Model, ...]:
    """The embedded model, then the added ones by name."""
    added = sorted(models_dir().glob("*.gguf"))
    return (
        Model(EMBEDDED, EMBEDDED_PATH, EMBEDDED_PATH.stat().st_size, embedded=True),
        *(Model(path.stem, path, path.stat().st_size) for path in added),
    )


def find(name_or_path: str) -> Path:
    """The weights of a model: an installed name, or the path of a GGUF file."""
    for model in installed():
        if model.name == name_or_path:
            return model.path
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    names = ", ".join(model.name for model in installed())
    raise ModelError(f"there is no model {name_or_path!r}; installed are: {names}")


def add(path: Path, name: str | None = None) -> Model:
    """Copy a GGUF file to where models lie, whole or not at all."""
    name = name or path.stem
    if not name or name != Path(name).name or name.startswith("."):
        raise ModelError(f"{name!r} cannot be a model's name: it has to be a plain file name")
    if any(model.name == name for model in installed()):
        raise ModelError(f"there is a model {name!r} already; remove it or give another --name")
    target = models_dir() / f"{name}.gguf"
    partial = target.with_suffix(".partial")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, partial)
        partial.rename(target)
    except OSError as error:
        raise ModelError(f"{path} could not be copied: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Model(name, target, target.stat().st_size)


def remove(name: str) -> None:
    """Delete an added model's file."""
    if name == EMBEDDED:
        raise ModelError(f"{name} comes with the program and cannot be removed")
    target = models_dir() / f"{name}.gguf"
    if not any(model.path == target for model in installed()):
        raise ModelError(f"there is no model {name!r}; see: codegen-lsp models")
    target.unlink()


def unclear_from(name: str) -> float | None:
    """From which perplexity on an intent is unclear to a model; None for one that was not measured."""
    for folder in (models_dir(), DATA):
        path = folder / CLARITY
        try:
            measured = _read(path, path.stat().st_mtime_ns)[name]["unclear_from"]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # not measured; a person's file says so where it is no such table, too
        if isinstance(measured, int | float):
            return float(measured)
    return None


@lru_cache(maxsize=4)
def _read(path: Path, _: int) -> Any:
    """A JSON file as it was when it was changed last: editors ask for each turn, at each edit."""
    return json.loads(path.read_text(encoding="utf-8"))
