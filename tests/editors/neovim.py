"""Drive a real Neovim as a person does: keys go in, and one can look at what is there."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgpack
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "editor_clients" / "neovim"

# Polling ends when the answer is there; the deadlines are for a slow, busy machine only.
DEADLINE_S = 20.0
COLUMNS, LINES = 100, 30

T = TypeVar("T")

INIT_LUA = "vim.o.swapfile = false\nrequire('codegen_lsp').setup()\n"

# One question, so that text, cursor and ghost text belong to the same moment.
VIEW_LUA = """
local namespace = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
local row, column = unpack(vim.api.nvim_win_get_cursor(0))
local ghost = vim.NIL
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
  local text = function(chunks)
    return vim.iter(chunks):map(function(chunk) return chunk[1] end):join('')
  end
  local virtual = { text(mark[4].virt_text) }
  vim.list_extend(virtual, vim.tbl_map(text, mark[4].virt_lines or {}))
  ghost = { row = mark[2], column = mark[3], text = table.concat(virtual, '\\n') }
end
return vim.json.encode({ lines = lines, row = row - 1, column = column, ghost = ghost })
"""

SCREEN_LUA = """
return vim.iter(vim.fn.range(1, vim.o.lines)):map(function(row)
  return vim.iter(vim.fn.range(1, vim.o.columns)):map(function(column)
    return vim.fn.screenstring(row, column)
  end):join('')
end):join('\\n')
"""


@dataclass(frozen=True)
class View:
    """What a person sees: the text, the cursor as an offset into it, the ghost text at the cursor."""

    text: str
    offset: int
    ghost: str

    @property
    def accepted(self) -> str:
        """The text with the ghost text in it."""
        return self.text[: self.offset] + self.ghost + self.text[self.offset :]


class Neovim:
    """A Neovim with a home of its own and the plugin in it; keys go in, and one can look."""

    def __init__(self, program: Path, home: Path, path: Path, init: str = INIT_LUA) -> None:
        address = home / "nvim.sock"
        environment = _fresh_home(home, init)
        self._log = home / "state" / "nvim" / "lsp.log"
        self._process = subprocess.Popen(
            [program, "--headless", "--listen", address, path],
            env=environment,
            cwd=path.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = _connect(address)
        self._unpacker = msgpack.Unpacker()
        self._request("nvim_ui_attach", COLUMNS, LINES, {})  # from here on there is a screen

    def type(self, keys: str) -> None:
        """Type, in Neovim's notation: `<Tab>` is a key, `<lt>` the character."""
        self._request("nvim_input", keys)

    def lua(self, code: str, *arguments: Any) -> Any:
        """What a chunk of Lua returns in this Neovim."""
        return self._request("nvim_exec_lua", code, arguments)

    def command(self, command: str) -> str:
        """What an Ex command prints."""
        return str(self._request("nvim_exec2", command, {"output": True})["output"])

    def view(self) -> View:
        """Text, cursor and ghost text of the current buffer, all of one moment."""
        seen = json.loads(self.lua(VIEW_LUA))
        text = "\n".join(seen["lines"])

        def offset(row: int, column: int) -> int:  # column in bytes of UTF-8
            before = seen["lines"][row].encode()[:column].decode()
            return sum(len(line) + 1 for line in seen["lines"][:row]) + len(before)

        cursor = offset(seen["row"], seen["column"])
        ghost = seen["ghost"]
        at_cursor = ghost is not None and offset(ghost["row"], ghost["column"]) == cursor
        return View(text, cursor, ghost["text"] if at_cursor else "")

    def wait_for(
        self, question: Callable[[], T | None], what: str, seconds: float = DEADLINE_S
    ) -> T:
        """The first answer that is true, or a failure that shows what Neovim looks like."""
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if time.monotonic() > deadline:
                pytest.fail(f"no {what} within {seconds:.0f} s\n{self.report()}")
            time.sleep(0.02)
        return answer

    def wait_for_ghost(self) -> View:
        """The view as soon as there is ghost text in it."""
        return self.wait_for(lambda: view if (view := self.view()).ghost else None, "ghost text")

    def wait_for_text(self, text: str) -> None:
        """Wait until the buffer holds exactly this."""
        self.wait_for(lambda: self.view().text == text, f"text {text!r}")

    def wait_for_server(self) -> None:
        """Wait until the server is there and the keys are mapped."""
        mapped = "return vim.fn.maparg('<Tab>', 'i', false, true).desc or ''"
        self.wait_for(lambda: str(self.lua(mapped)).startswith("codegen-lsp"), "server")

    def messages(self) -> str:
        """All that Neovim has said since the last call."""
        said = self.command("messages")
        self.command("messages clear")
        return said

    def server_log(self) -> str:
        """What the server has logged so far; Neovim writes it down."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def report(self) -> str:
        """For a person who wonders why a test failed."""
        if self._request("nvim_get_mode")["blocking"]:
            self.type("<C-c>")  # it waits for a key and would not answer anything else
        parts = {
            "screen": self.lua(SCREEN_LUA),
            "messages": self.messages(),
            "processes": "\n".join(str(child) for child in self.servers()),
            "the end of lsp.log": self.server_log()[-3000:],
        }
        return "\n".join(f"--- {title}\n{text}" for title, text in parts.items())

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def servers(self) -> list[psutil.Process]:
        """The processes that this Neovim has started, and theirs."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def quit(self) -> None:
        """Leave as a person does, and wait until Neovim is gone."""
        self.type("<C-\\><C-n>:qa!<CR>")
        self._process.wait(DEADLINE_S)

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        self._socket.close()
        if self.is_running:
            for process in self.servers():
                process.kill()
            self._process.kill()
            self._process.wait()

    def _request(self, method: str, *arguments: Any) -> Any:
        """Call a function of Neovim's API, by MessagePack-RPC; a timeout ends a hanging Neovim."""
        self._socket.sendall(msgpack.packb([0, 0, method, arguments]))
        while True:
            for message in self._unpacker:
                if message[0] == 1:  # anything else is news about the screen
                    _, _, error, result = message
                    assert error is None, f"{method}: {error}"
                    return result
            received = self._socket.recv(1 << 16)
            assert received, "Neovim is gone"
            self._unpacker.feed(received)


def _connect(address: Path) -> socket.socket:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(DEADLINE_S)
        try:
            connection.connect(str(address))
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return connection


def _fresh_home(home: Path, init: str) -> dict[str, str]:
    """Lay out a home in which the plugin is installed, and the environment to live in it."""
    config = home / "config" / "nvim"
    shutil.copytree(PLUGIN, config / "pack" / "test" / "start" / "codegen-lsp")
    (config / "init.lua").write_text(init)
    directories = {name: home / name.lower() for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {
        # The server is the one of this very Python environment, and of this very folder.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        **{f"XDG_{name}_HOME": str(path) for name, path in directories.items()},
    }
