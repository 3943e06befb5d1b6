"""Where the editors are and how a test opens one. `setup.sh` brings them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.editors.neovim import INIT_LUA, ROOT, Neovim


@pytest.fixture(scope="session")
def nvim_program() -> Path:
    """The Neovim that `setup.sh` brought, else the one on PATH."""
    if not (Path(sys.executable).parent / "codegen-lsp").exists():
        pytest.fail("codegen-lsp is not installed beside this Python: pip install -e .")
    installed = ROOT / ".editors" / "bin" / "nvim"
    found = str(installed) if installed.exists() else shutil.which("nvim")
    if found is None:
        pytest.fail("there is no Neovim: bash tests/editors/setup.sh .editors")
    return Path(found)


@pytest.fixture
def start(nvim_program: Path, tmp_path: Path) -> Iterator[Callable[..., Neovim]]:
    """Open a text in a new Neovim: `start("def f():\\n", name="a.py")`. It may say nothing to the
    person that the test has not asked for."""
    started: list[Neovim] = []

    def open_text(text: str, name: str = "example.py", init: str = INIT_LUA) -> Neovim:
        path = tmp_path / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        started.append(Neovim(nvim_program, tmp_path / f"home-{len(started)}", path, init))
        return started[-1]

    try:
        yield open_text
        for nvim in started:
            assert not nvim.is_running or nvim.messages() == ""
    finally:
        for nvim in started:
            nvim.close()
