"""Who may import whom: ARCHITECTURE.md's order, as data."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "codegen_lsp"

# Each room may import the rooms of its own line's right-hand side, and nothing else of ours.
ALLOWED = {
    "__init__": set(),
    "document": set(),
    "engine": set(),
    "config": set(),
    "healing": set(),
    "languages": set(),
    "lines": {"languages"},
    "blocks": {"languages", "lines"},
    "trees": {"blocks", "common", "languages", "lines"},
    "syntax": {"blocks", "languages", "lines", "trees"},
    "position": {"document"},
    "context": {"document", "syntax"},
    "extent": {"context"},
    "prompt": {"context", "engine"},
    "postprocess": {"context", "extent", "syntax"},
    "rank": {"document"},
    "complete": {
        "config", "context", "document", "engine", "extent", "postprocess", "prompt", "rank", "syntax",
    },
    "common": set(),
    "likely": {"common", "document"},
    "privacy": {"config", "context", "document"},
    "loaded": {"complete", "config", "context", "engine", "likely", "privacy"},
    "session": {"complete", "config", "document", "engine", "likely", "loaded", "privacy"},
    "server": {"__init__", "config", "document", "engine", "loaded", "position", "session"},
    "native": set(),
    "lookup": {"common"},
    "draft": {"lookup"},
    "sampler": {"engine", "healing", "native"},
    "slot": {"common", "engine", "native"},
    "llama": {"draft", "engine", "healing", "native", "sampler", "slot"},
    "wire": {"engine"},
    # These two never know llama: the server stays small, and cannot crash in it.
    "keeper": {"engine", "wire"},
    "worker": {"engine", "keeper", "wire"},
    "child": {"engine", "llama", "tune", "wire"},
    "models": set(),
    "tune": {"llama", "models", "slot"},
    "doctor": {"__init__", "config", "engine", "llama", "models", "worker"},
    "program": set(),
    "raw": {"engine", "native"},
    "bench": {"__init__", "engine", "program", "raw", "worker"},
    "peers": {"__init__", "bench", "engine", "program", "raw"},
    "torch_peer": set(),
    "terminal": {"bench", "complete", "document", "doctor", "models", "peers"},
}  # fmt: skip

# These turn text and offsets into frozen values, and know no time, no disk and no library.
PURE = {
    "document", "position", "engine", "config", "healing", "context", "prompt", "postprocess",
    "rank", "complete", "syntax", "extent", "likely", "privacy", "wire", "common",
    "languages", "lines", "blocks", "trees",
}  # fmt: skip
IMPURE = {"asyncio", "threading", "os", "time", "logging", "pathlib", "subprocess", "socket"}

# A library's only doors.
DOORS = {
    "pygls": {"server"},
    "lsprotocol": {"server"},
    "llama_cpp": {"native"},
    "tree_sitter": {"syntax", "trees"},
    "httpx": {"models"},
    "platformdirs": {"models"},
    "rich": {"terminal"},
    "typer": {"__main__"},
}


def rooms() -> list[str]:
    return sorted(path.stem for path in PACKAGE.glob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at its top or anywhere inside, by its dotted name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def rooms_imported(room: str) -> set[str]:
    """Of ours. `from codegen_lsp import __version__` comes out of `__init__`."""
    dotted = [name.split(".") for name in imported(PACKAGE / f"{room}.py")]
    known = set(rooms())
    return {
        parts[1] if parts[1] in known else "__init__"
        for parts in dotted
        if parts[0] == "codegen_lsp" and len(parts) > 1
    }


@pytest.mark.parametrize("room", [room for room in rooms() if room != "__main__"])
def test_room_imports_only_what_it_may(room: str) -> None:
    assert rooms_imported(room) <= ALLOWED[room]


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_know_no_world(room: str) -> None:
    tops = {name.partition(".")[0] for name in imported(PACKAGE / f"{room}.py")}
    assert not tops & IMPURE
    libraries = tops - set(sys.stdlib_module_names) - {"codegen_lsp"}
    assert libraries <= ({"tree_sitter"} if room in {"syntax", "trees"} else set())


@pytest.mark.parametrize("library", sorted(DOORS))
def test_libraries_come_in_by_their_door(library: str) -> None:
    users = {
        room
        for room in rooms()
        if any(name.partition(".")[0] == library for name in imported(PACKAGE / f"{room}.py"))
    }
    assert users <= DOORS[library]


def test_only_training_knows_torch() -> None:
    rooms = [*PACKAGE.glob("*.py"), *(ROOT / "quantize").glob("*.py")]
    heavy = {"torch", "transformers", "tokenizers", "safetensors"}
    users = {
        path.stem for path in rooms if heavy & {name.partition(".")[0] for name in imported(path)}
    }
    assert users == {"train", "network", "muon", "tokens", "torch_peer"}


def test_the_product_does_not_know_the_instruments() -> None:
    for room in rooms():
        assert not any(
            name.partition(".")[0] == "quantize" for name in imported(PACKAGE / f"{room}.py")
        )
