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
    "common": set(),
    "languages": set(),
    "lines": {"languages"},
    "blocks": {"languages", "lines"},
    "edits": {"common", "document"},
    "trees": {"blocks", "edits", "languages", "lines"},
    "syntax": {"blocks", "languages", "lines", "trees"},
    "position": {"document"},
    "normal": {"languages"},
    "similar": set(),
    "symbols": {"syntax"},
    "surroundings": {"common", "document", "normal", "similar", "symbols", "syntax"},
    "context": {
        "document", "history", "intents", "normal", "surroundings", "syntax", "talk", "turns",
    },
    "page": set(),
    "layout": {"context", "document", "history", "languages", "page", "symbols", "syntax", "talk"},
    "prompt": {"context", "engine", "layout", "page", "turns"},
    "brackets": {"languages", "lines"},
    "extent": {"brackets", "context", "syntax"},
    "examples": set(),
    "steps": {"examples", "lines"},
    "intents": {"languages", "lines", "steps", "syntax"},
    "indents": {"brackets", "context", "extent", "languages", "lines"},
    "repetition": set(),
    "echoes": {"brackets", "common", "context", "extent", "indents", "lines", "repetition"},
    "postprocess": {
        "brackets", "context", "echoes", "extent", "indents", "languages", "repetition", "syntax",
    },
    "rank": {"brackets", "context", "document"},
    "history": {"languages"},
    "secrets": {"common"},
    "written": {"context", "document", "engine", "extent", "postprocess", "secrets"},
    "complete": {
        "config", "context", "document", "engine", "extent", "languages", "layout", "normal",
        "prompt", "rank", "surroundings", "syntax", "talk", "written",
    },
    "likely": {"common", "document", "normal"},
    "spans": {"common", "document", "edits"},
    "turns": {"edits", "spans"},
    "talk": {"history", "intents", "languages", "lines", "normal", "similar", "syntax", "turns"},
    "privacy": {"config", "context", "document", "normal", "secrets"},
    "ignore": {"privacy"},
    "project": {"common", "config", "document", "ignore", "languages", "privacy", "secrets"},
    "choose": {"config", "engine"},
    "synthesis": {
        "choose", "complete", "context", "document", "edits", "engine", "history", "intents",
        "languages", "likely", "lines", "normal", "syntax", "turns",
    },
    "anchor": {"document", "edits", "spans", "synthesis"},
    "alternatives": {"synthesis"},
    "answered": {
        "blocks", "context", "document", "edits", "intents", "languages", "lines", "normal",
        "spans", "syntax",
    },
    "watch": {"answered", "complete", "document", "offers", "syntax", "turns"},
    "recall": {"document", "models", "secrets", "turns"},
    "dialogue": {
        "alternatives", "anchor", "complete", "document", "edits", "recall", "syntax", "synthesis",
        "turns", "watch",
    },
    "factor": {
        "context", "document", "edits", "intents", "normal", "spans", "syntax", "synthesis",
        "turns",
    },
    "score": {"complete", "config", "document", "engine", "normal"},
    "backward": {"engine", "history"},
    "clarity": {"engine", "models"},
    "weigh": {"backward", "choose", "clarity", "document", "engine", "secrets", "synthesis"},
    "describe": {
        "complete", "config", "context", "document", "edits", "engine", "intents", "languages",
        "lines", "normal", "repetition", "secrets", "syntax",
    },
    "excerpt": {"examples"},
    "trials": {"choose", "config", "engine", "examples", "excerpt", "sandbox", "synthesis"},
    "offers": {"common", "complete", "document", "lines", "turns"},
    "suggestions": {"complete", "config", "document", "normal"},
    "rhythm": set(),
    "strain": set(),
    "attempt": {"complete", "config", "document", "engine", "likely", "normal"},
    "explain": {
        "complete", "config", "context", "document", "engine", "extent", "history", "layout",
        "rank", "secrets", "written",
    },
    "story": {"engine", "explain"},
    "loaded": {
        "complete", "config", "context", "document", "engine", "explain", "history", "likely",
        "normal", "privacy", "score", "secrets", "surroundings", "syntax", "synthesis", "talk",
        "turns", "weigh",
    },
    "loading": {"complete", "config", "engine", "loaded"},
    "answering": {
        "attempt", "complete", "config", "document", "extent", "likely", "loaded", "loading",
        "rhythm", "suggestions",
    },
    "explaining": {"complete", "config", "engine", "explain", "extent", "likely"},
    "session": {
        "answering", "attempt", "choose", "complete", "config", "dialogue", "document", "engine",
        "explain", "explaining", "ignore", "likely", "loaded", "loading", "privacy", "project",
        "strain", "surroundings", "synthesis",
    },
    "progress": {"engine"},
    "commands.server": {"document", "position", "progress", "session", "trials", "turns"},
    "commands.writing": {
        "anchor", "choose", "commands.server", "document", "edits", "engine", "progress",
        "synthesis", "turns",
    },
    "commands.generate": {
        "anchor", "commands.server", "commands.writing", "edits", "engine", "synthesis",
    },
    "commands.conversation": {
        "commands.server", "commands.writing", "document", "engine", "synthesis", "turns",
    },
    "commands.split": {
        "commands.server", "commands.writing", "document", "engine", "factor", "progress",
        "synthesis", "turns",
    },
    "commands.turns": {
        "choose", "clarity", "commands.server", "commands.writing", "document", "synthesis",
        "turns",
    },
    "commands.describe": {
        "commands.server", "commands.writing", "describe", "document", "engine", "progress",
    },
    "commands.explain": {"commands.server", "story"},
    "commands.lenses": {
        "choose", "commands.conversation", "commands.generate", "commands.server", "commands.split",
        "commands.turns", "document", "synthesis", "turns",
    },
    "commands.__init__": {
        "commands.conversation", "commands.describe", "commands.explain", "commands.generate",
        "commands.lenses", "commands.server", "commands.split", "commands.turns",
    },
    "server": {
        "__init__", "answering", "commands.__init__", "config", "document", "engine", "ignore",
        "languages", "loaded", "loading", "position", "progress", "session", "trials",
    },
    "native": set(),
    "lookup": {"common"},
    "draft": {"lookup"},
    "sampler": {"engine", "healing", "native"},
    "slot": {"common", "engine", "native"},
    "infill": {"engine", "native"},
    "llama": {"draft", "engine", "healing", "infill", "native", "sampler", "slot"},
    "wire": {"engine"},
    # These two never know llama: the server stays small, and cannot crash in it.
    "keeper": {"engine", "wire"},
    "worker": {"engine", "keeper", "wire"},
    "child": {"engine", "llama", "tune", "wire"},
    "inside": set(),
    "syscalls": set(),
    "jail": {"inside", "syscalls"},
    "sandbox": {"jail"},
    "models": set(),
    "tune": {"llama", "models", "slot"},
    "doctor": {"__init__", "config", "engine", "llama", "models", "sandbox", "worker"},
    "evaluate.program": set(),
    "evaluate.raw": {"engine", "native"},
    "evaluate.bench": {"__init__", "engine", "evaluate.program", "evaluate.raw", "worker"},
    "evaluate.peers": {"engine", "evaluate.bench", "evaluate.program", "evaluate.raw"},
    "evaluate.torch_peer": set(),
    "evaluate.pairs": {"brackets", "languages", "lines"},
    # Who types, and what comes of it; these know nothing of who completes.
    "evaluate.typist": set(),
    "evaluate.tally": {"evaluate.typist"},
    "evaluate.referee": {"languages"},
    "evaluate.replay": {
        "document", "evaluate.pairs", "evaluate.referee", "evaluate.tally", "evaluate.typist",
        "languages", "syntax",
    },
    "evaluate.editor": {
        "document", "evaluate.bench", "evaluate.pairs", "evaluate.program", "evaluate.replay",
        "evaluate.tally", "position",
    },
    "evaluate.baseline": {
        "document", "evaluate.pairs", "evaluate.peers", "evaluate.program", "evaluate.raw",
        "evaluate.replay", "evaluate.tally",
    },
    "evaluate.contest": {
        "evaluate.baseline", "evaluate.bench", "evaluate.editor", "evaluate.peers",
        "evaluate.replay", "evaluate.tally", "llama",
    },
    "evaluate.problems": set(),
    "evaluate.values": set(),
    "evaluate.samples": {"evaluate.problems"},
    "evaluate.mtpb": {
        "clarity", "engine", "evaluate.problems", "evaluate.samples", "evaluate.values", "history",
        "postprocess", "sandbox",
    },
    "terminal": {
        "complete", "doctor", "document", "evaluate.bench", "evaluate.contest", "evaluate.mtpb",
        "evaluate.peers", "evaluate.tally", "models",
    },
    "evaluate.__init__": set(),
}  # fmt: skip

# These turn text and offsets into frozen values, and know no time, no disk and no library.
PURE = {
    "document", "engine", "config", "healing", "common", "languages", "lines", "blocks", "edits",
    "trees", "syntax", "position", "normal", "similar", "symbols", "context", "page", "layout",
    "prompt", "brackets", "extent", "examples", "steps", "intents", "indents", "repetition",
    "echoes", "postprocess", "rank", "history", "secrets", "written", "complete", "likely", "spans",
    "turns", "talk", "privacy", "choose", "synthesis", "anchor", "alternatives", "answered",
    "watch", "factor", "score", "backward", "describe", "excerpt", "offers", "suggestions",
    "rhythm", "explain", "story", "wire", "evaluate.pairs", "evaluate.typist", "evaluate.tally",
    "evaluate.values",
}  # fmt: skip
IMPURE = {"asyncio", "threading", "os", "time", "logging", "pathlib", "subprocess", "socket"}

# A library's only doors.
DOORS = {
    "pygls": {"progress", "server"},
    "lsprotocol": {"commands", "progress", "server"},
    "llama_cpp": {"native"},
    "tree_sitter": {
        "syntax",
        "trees",
        "evaluate.referee",
    },  # who judges the first shares nothing with it
    "httpx": {"models"},
    "pathspec": {"ignore"},
    "platformdirs": {"models"},
    "rich": {"terminal"},
    "typer": {"__main__"},
}


def rooms() -> list[str]:
    """Dotted, as they are imported."""
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    return sorted(".".join(path.parts) for path in paths)


def file_of(room: str) -> Path:
    return PACKAGE / f"{room.replace('.', '/')}.py"


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
    ours = [
        name[len("codegen_lsp.") :]
        for name in imported(file_of(room))
        if name.startswith("codegen_lsp.")
    ]
    known = set(rooms())
    own = f"{room.rpartition('.')[0]}.__init__"
    return {room_of(name, known) for name in ours} - {own, "evaluate.__init__"}


def room_of(name: str, known: set[str]) -> str:
    """The room that a dotted name leads to, or into."""
    while name and name not in known:
        if f"{name}.__init__" in known:
            return f"{name}.__init__"
        name = name.rpartition(".")[0]
    return name or "__init__"


@pytest.mark.parametrize("room", [room for room in rooms() if room != "__main__"])
def test_room_imports_only_what_it_may(room: str) -> None:
    assert rooms_imported(room) <= ALLOWED[room]


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_know_no_world(room: str) -> None:
    tops = {name.partition(".")[0] for name in imported(file_of(room))}
    assert not tops & IMPURE
    libraries = tops - set(sys.stdlib_module_names) - {"codegen_lsp"}
    assert libraries <= ({"tree_sitter"} if room in {"syntax", "trees"} else set())


@pytest.mark.parametrize("library", sorted(DOORS))
def test_libraries_come_in_by_their_door(library: str) -> None:
    users = {
        room
        for room in rooms()
        if any(name.partition(".")[0] == library for name in imported(file_of(room)))
    }
    assert users <= {room for room in rooms() if {room, room.partition(".")[0]} & DOORS[library]}


def test_only_training_knows_torch() -> None:
    rooms = [*PACKAGE.rglob("*.py"), *(ROOT / "quantize").glob("*.py")]
    heavy = {"torch", "transformers", "tokenizers", "safetensors"}
    users = {
        path.stem for path in rooms if heavy & {name.partition(".")[0] for name in imported(path)}
    }
    assert users == {"train", "network", "muon", "tokens", "torch_peer"}


def test_the_product_does_not_know_the_instruments() -> None:
    for room in rooms():
        assert not any(name.partition(".")[0] == "quantize" for name in imported(file_of(room)))
