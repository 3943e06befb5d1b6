"""What the documents say is what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codegen_lsp.config import Setting, settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def row(setting: Setting) -> str:
    """A setting's line in README's table."""
    bounds = f" {setting.minimum} to {setting.maximum}." if setting.minimum is not None else ""
    choices = f" One of {', '.join(setting.choices)}." if setting.choices else ""
    default = json.dumps(setting.default)
    return f"| `{setting.key}` | `{default}` | {setting.doc}{bounds}{choices} |"


def test_readme_has_the_table_of_settings() -> None:
    rows = [line for line in README.splitlines() if re.match(r"\| `\w+` \| `", line)]
    assert rows == [row(setting) for setting in settings()]


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.key)
def test_neovims_help_has_every_setting(setting: Setting) -> None:
    path = ROOT / "editor_clients" / "neovim" / "doc" / "codegen-lsp.txt"
    words = " ".join(path.read_text(encoding="utf-8").split())
    assert f"{setting.key} {setting.doc} Default: " in words


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "quantize/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_room_stands_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "codegen_lsp").glob("[a-z]*.py")}
    assert {room for room in rooms if f"  {room} " not in text} == set()
