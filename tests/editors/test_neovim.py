"""A real Neovim with the plugin, the server and the embedded model: nothing here is scripted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from codegen_lsp.config import settings
from tests.editors.neovim import DEADLINE_S, PLUGIN, Neovim

Start = Callable[..., Neovim]

CODE = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n"
BEGUN = CODE + "    return "


def ghost_in(start: Start, **options: str) -> Neovim:
    """A Neovim in which a person has typed so far that there is ghost text."""
    nvim = start(CODE, **options)
    nvim.type("Goreturn ")
    assert nvim.wait_for_ghost().text == BEGUN
    return nvim


def test_tab_accepts_what_the_model_suggests(start: Start) -> None:
    nvim = ghost_in(start)
    shown = nvim.view()
    nvim.type("<Tab>")
    nvim.wait_for_text(shown.accepted)
    assert nvim.view().offset == shown.offset + len(shown.ghost)


def test_keys_that_follow_the_tab_at_once_come_after_the_accepted_text(start: Start) -> None:
    nvim = ghost_in(start)
    shown = nvim.view()
    nvim.type("<Tab>  # so")
    nvim.wait_for_text(shown.accepted + "  # so")


def test_typing_along_and_then_tab_inserts_nothing_twice(start: Start) -> None:
    nvim = ghost_in(start)
    shown = nvim.view()
    nvim.type(shown.ghost[0].replace("<", "<lt>") + "<Tab>")
    nvim.wait_for_text(shown.accepted)
    assert nvim.view().offset == shown.offset + len(shown.ghost)


def test_ghost_text_that_the_typing_has_overtaken_is_not_accepted(start: Start) -> None:
    nvim = ghost_in(start)
    shown = nvim.view()
    other = "z" if shown.ghost[0] != "z" else "y"
    nvim.type(other + "<Tab>")  # faster than any answer
    nvim.wait_for_text(BEGUN + other + "    ")


def test_ghost_text_that_no_longer_fits_goes_at_once(start: Start) -> None:
    nvim = ghost_in(start)
    other = "z" if nvim.view().ghost[0] != "z" else "y"
    # Looked at in the same turn: the answer to the new text cannot be there yet.
    nvim.lua(
        "vim.api.nvim_create_autocmd('CursorMovedI', { once = true, callback = function()"
        " local space = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')"
        " vim.g.n_ghosts = #vim.api.nvim_buf_get_extmarks(0, space, 0, -1, {}) end })"
    )
    nvim.type(other)
    nvim.wait_for(lambda: nvim.lua("return vim.g.n_ghosts ~= nil"), "cursor movement")
    assert nvim.lua("return vim.g.n_ghosts") == 0


@pytest.mark.parametrize(
    ("mapping", "typed"),
    [
        pytest.param("", "    ", id="indents"),
        pytest.param("inoremap <Tab> own", "own", id="mapped"),
        pytest.param("inoremap <expr> <Tab> 'o' .. 'wn'", "own", id="mapped to an expression"),
        pytest.param('imap <expr> <Tab> "\\<lt>Tab>x"', "    x", id="mapped to itself"),
        pytest.param("imap <Tab> <Tab>x", "    x", id="mapped to itself and more"),
        pytest.param(
            "autocmd FileType python inoremap <buffer> <Tab> own", "own", id="mapped in the buffer"
        ),
        pytest.param(
            "lua vim.keymap.set('i', '<Tab>', function() return 'own' end, {expr = true})",
            "own",
            id="mapped to Lua that gives keys",
        ),
        pytest.param(
            "lua vim.keymap.set('i', '<Tab>', function()"
            " vim.api.nvim_put({ 'own' }, 'c', false, true) end)",
            "own",
            id="mapped to Lua",
        ),
    ],
)
def test_tab_without_ghost_text_does_what_it_did_before(
    start: Start, mapping: str, typed: str
) -> None:
    nvim = start("", init=f"vim.cmd([[{mapping}]])\nrequire('codegen_lsp').setup()")
    nvim.wait_for_server()
    nvim.type("i<Tab>.")
    nvim.wait_for_text(typed + ".")


def test_other_candidates_come_when_asked_for(start: Start) -> None:
    options = "{ settings = { candidates = 8, temperature = 0.8 } }"
    nvim = ghost_in(start, init=f"require('codegen_lsp').setup({options})")
    first = nvim.view().ghost
    nvim.type("<M-n>")
    second = nvim.wait_for(
        lambda: ghost if (ghost := nvim.view().ghost) not in {"", first} else None,
        "other candidate",
    )
    text, _, count = second.rpartition(" (")
    assert text != first
    assert count.startswith("2/")
    nvim.type("<M-p>")
    nvim.wait_for(lambda: nvim.view().ghost.startswith(f"{first} (1/"), "first candidate again")
    nvim.type("<M-n><Tab>")
    nvim.wait_for_text(BEGUN + text)


def test_why_there_is_this_ghost_text_is_told_in_a_window_of_its_own(start: Start) -> None:
    nvim = ghost_in(start)
    ghost = nvim.view().ghost
    nvim.type("<Esc>:CodegenExplain<CR>")
    kind = "return vim.bo.filetype .. vim.bo.buftype .. vim.bo.bufhidden"
    nvim.wait_for(lambda: nvim.lua(kind) == "markdownnofilewipe", "explanation")
    told = nvim.view().text
    assert told.startswith("# Why this suggestion\n")
    assert f"`{ghost.strip()}` is suggested" in told
    assert f"line {BEGUN.count(chr(10)) + 1}, column {len('    return ') + 1} " in told
    nvim.type(":quit<CR>")
    nvim.wait_for_text(BEGUN)


STEPS = "".join(f"def step_{n}(values):\n    # {what} the values\n\n\n" for n, what in enumerate(
    ["sort", "count", "print", "add", "return"]
))  # fmt: skip

EXECUTE_LUA = """
local command, place = ...
place.uri = vim.uri_from_bufnr(0)
local client = vim.lsp.get_clients({ bufnr = 0 })[1]
local wish = { command = command, arguments = { place } }
vim.g.done = nil
client:request('workspace/executeCommand', wish, function(_, done)
  vim.g.done = vim.json.encode(done)
end)
"""


def execute(nvim: Neovim, command: str, **place: Any) -> Any:
    """What a command returns; Neovim stays a Neovim that somebody sits at meanwhile."""
    nvim.lua(EXECUTE_LUA, command, place)
    done = nvim.wait_for(lambda: nvim.lua("return vim.g.done or ''"), f"end of {command}")
    return json.loads(str(done))


def test_code_for_five_comments_is_taken_back_by_five_undos(start: Start) -> None:
    nvim = start(STEPS)
    nvim.wait_for_server()
    everything = {
        "start": {"line": 0, "character": 0},
        "end": {"line": STEPS.count("\n"), "character": 0},
    }
    done = execute(nvim, "codegen.generateFromComment", range=everything)
    assert done == {"inserted": 5, "offered": ""}
    written = nvim.view().text
    turns = execute(nvim, "codegen.listTurns")
    assert [turn["intent"] for turn in turns] == [
        f"{what} the values" for what in ("sort", "count", "print", "add", "return")
    ]
    for left in (4, 3, 2, 1, 0):
        nvim.type("u")
        nvim.wait_for(partial(_has_turns, nvim, left), f"{left} turns")
    nvim.wait_for_text(STEPS.removesuffix("\n"))
    nvim.type("5<C-r>")
    nvim.wait_for_text(written)
    assert execute(nvim, "codegen.listTurns") == turns
    assert nvim.messages().count("fewer lines; before") == 5


def _has_turns(nvim: Neovim, n: int) -> bool:
    return len(execute(nvim, "codegen.listTurns")) == n


@pytest.mark.parametrize(
    ("updatetime", "goes"),
    [
        pytest.param(50, "G", id="it rests"),
        pytest.param(50, "Gi", id="it rests in insert mode"),
        pytest.param(1_000_000, "G:enew<CR>:buffer 1<CR>", id="it comes back"),
    ],
)
def test_where_the_cursor_rests_is_evaluated_ahead(
    start: Start, updatetime: int, goes: str
) -> None:
    """The file is too long to be evaluated as a whole, so it is the cursor that the server heard of."""
    options = "{ settings = { logLevel = 'debug' } }"
    nvim = start(
        CODE * 100,
        init=f"vim.o.updatetime = {updatetime}\nrequire('codegen_lsp').setup({options})",
    )
    nvim.wait_for_server()
    assert n_ahead(nvim) < 500
    # A request from there would leave nothing to evaluate ahead.
    nvim.lua("vim.lsp.inline_completion.enable(false, { bufnr = 0 })")
    nvim.type(goes)
    nvim.wait_for(lambda: n_ahead(nvim) > 500, "warm-up")


def n_ahead(nvim: Neovim) -> int:
    """The most tokens that the server has evaluated ahead of a request."""
    return max(map(int, re.findall(r"evaluated (\d+) tokens ahead", nvim.server_log())), default=0)


def test_nothing_runs_on_after_neovim(start: Start) -> None:
    nvim = ghost_in(start)
    servers = nvim.servers()
    assert servers
    nvim.quit()
    _, alive = psutil.wait_procs(servers, timeout=DEADLINE_S)
    assert not alive


def test_one_server_for_two_projects(start: Start, tmp_path: Path) -> None:
    for project in ("project", "elsewhere"):
        (tmp_path / project / ".git").mkdir(parents=True)
    nvim = ghost_in(start)
    before = nvim.servers()
    nvim.type("<Esc>")
    nvim.command("write | edit ../elsewhere/other.py")
    nvim.wait_for_server()
    assert nvim.servers() == before
    assert len(nvim.lua("return vim.tbl_map(tostring, vim.lsp.get_clients())")) == 1


def test_a_missing_server_is_one_line(start: Start) -> None:
    nvim = start(CODE, init="require('codegen_lsp').setup({ cmd = { 'no-such-program' } })")
    said = nvim.wait_for(nvim.messages, "message")
    assert said == "codegen-lsp: no program `no-such-program`: see :help codegen-lsp"


@pytest.mark.parametrize("options", ["{ key = {} }", "{ keys = { akzept = '<Tab>' } }"])
def test_an_option_that_does_not_exist_is_one_line(start: Start, options: str) -> None:
    nvim = start(CODE, init=f"require('codegen_lsp').setup({options})")
    said = nvim.wait_for(nvim.messages, "message")
    assert said.startswith("codegen-lsp: setup() has no option `key")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("options", "expected"), [("", False), ("{ trusted = 1 }", False), ("{ trusted = true }", True)]
)
def test_projects_are_trusted_by_who_says_so(start: Start, options: str, expected: bool) -> None:
    nvim = start(CODE, init=f"require('codegen_lsp').setup({options})")
    nvim.wait_for_server()
    told = nvim.lua("return vim.lsp.get_clients()[1].capabilities.experimental.codegen")
    assert told == {"trusted": expected}


def test_checkhealth_finds_nothing_wrong(start: Start) -> None:
    nvim = ghost_in(start)
    nvim.type("<Esc>")
    nvim.command("checkhealth codegen_lsp")
    report = nvim.wait_for(lambda: text if "log" in (text := nvim.view().text) else None, "report")
    assert "ERROR" not in report
    assert "WARNING" not in report
    assert "The server runs" in report


def test_help_has_tags_and_tells_every_setting(start: Start) -> None:
    nvim = start(CODE)
    nvim.command("helptags ALL")
    nvim.command("help codegen-lsp-settings")
    assert nvim.lua("return vim.bo.filetype") == "help"
    text = (PLUGIN / "doc" / "codegen-lsp.txt").read_text()
    for setting in settings():
        assert f"\n  {setting.key} " in text
        assert setting.doc in " ".join(text.split())
