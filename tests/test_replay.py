"""A replay through servers in processes of their own: one that knows everything, and ours."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from codegen_lsp.evaluate.editor import MANNERS, Manners, editing
from codegen_lsp.evaluate.program import ProgramError
from codegen_lsp.evaluate.referee import is_worse
from codegen_lsp.evaluate.replay import Piece, ReplayError, Script, lay_out, replay, script
from codegen_lsp.evaluate.tally import Generated, Pressed, Tally, tally
from codegen_lsp.evaluate.typist import Stroke, strokes
from tests.client import TIMEOUT
from tests.processes import is_gone, until

STUB = (sys.executable, str(Path(__file__).parent / "stub_server.py"))
BEFORE = '"""Café 🎉"""\n\nwith_emoji = "🎉"; x = 1'
TYPED = "\ndef add(a, b):\n    total = a + b\n    return total"
BEHIND = "\n\nprint(add(1, 2))\n"


def piece(typed: str = TYPED, *, pressed: Sequence[Stroke] = (), behind: str = BEHIND) -> Piece:
    pressed = pressed or strokes(typed, Random(0))
    return Piece(Path("package/thing.py"), "python", BEFORE, typed, behind, tuple(pressed))


def plain(typed: str) -> list[Stroke]:
    """Without typos and pauses."""
    return [Stroke(n, character, 0.01) for n, character in enumerate(typed)]


def typed_through(
    tmp_path: Path,
    typed: Piece,
    *,
    fast: bool = True,
    manners: Manners = MANNERS["vscode"],
    **settings: Any,
) -> tuple[list[Pressed], list[str], Sequence[Generated] | None]:
    """The keys, what the server heard of each, and what it told about its engine."""
    whole = typed.before + typed.typed + typed.behind
    text = Script((typed,), {typed.path: whole})
    settings = {"whole": whole, "log": str(tmp_path / "log"), **settings}
    folder = tmp_path / "project"
    folder.mkdir()
    lay_out(text, folder)
    with editing(Path("none"), folder, manners, settings, STUB) as editor:
        pressed = list(replay(text, editor, folder, fast=fast, hear=lambda _: None))
        generated = editor.generated
    assert (folder / typed.path).read_text(encoding="utf-8") == whole
    return pressed, (tmp_path / "log").read_text(encoding="utf-8").split(), generated


def tallied(pressed: Sequence[Pressed], typed: Piece) -> Tally:
    n_typed = Script((typed,), {}).n_keys()
    return tally(pressed, n_typed, None, None, timed=False)


def test_who_is_always_right_spares_nearly_every_key(tmp_path: Path) -> None:
    pressed, heard, _ = typed_through(tmp_path, piece())
    figures = tallied(pressed, piece())
    # Enter, a line, Enter ...: after each Enter the whole line is taken.
    assert [each.key for each in pressed if each.key != "deletion"] == ["line", "acceptance"] * 3
    assert figures.right == 3 / 3  # at a line's end it suggests nothing
    assert figures.n_accepted == 3
    n_keys = len("def add(a, b):") + len("total = a + b") + len("return total") + 3
    assert figures.saved == (n_keys - 6) / n_keys
    assert heard.count("workspace/executeCommand") == 3
    assert heard.count("textDocument/didChange") == len(pressed)


def test_several_lines_are_taken_at_once(tmp_path: Path) -> None:
    pressed, heard, _ = typed_through(tmp_path, piece(), n_lines=3)
    assert [each.key for each in pressed] == ["line", "acceptance"]
    assert heard.count("workspace/executeCommand") == 1


def test_what_is_right_of_more_lines_is_taken_without_the_command(tmp_path: Path) -> None:
    pressed, heard, _ = typed_through(tmp_path, piece(), n_lines=9)  # goes on behind the piece
    assert [each.key for each in pressed] == ["line", "acceptance"]
    assert "workspace/executeCommand" not in heard


def test_typos_are_typed_and_deleted(tmp_path: Path) -> None:
    mistaken = (
        Stroke(0, "\n", 0.1),
        Stroke(1, "z", 0.1, is_wrong=True),
        Stroke(1, "", 0.1),
        Stroke(1, "y", 0.1),
    )
    pressed, *_ = typed_through(tmp_path, piece("\ny", pressed=mistaken))
    assert [each.key for each in pressed] == ["line", "character", "deletion", "character"]
    assert [each.right for each in pressed] == [True, False, True, False]
    assert [each.shown for each in pressed] == [
        True,
        True,
        True,
        False,
    ]  # "nonsense" behind the typo


def test_what_is_right_up_to_a_closing_bracket_is_taken_in_front_of_it(tmp_path: Path) -> None:
    typed = piece("\nf(abc, d)", pressed=plain("\nf(abc, d)"))
    pressed, heard, _ = typed_through(tmp_path, typed, until=")")  # it sees the text as it is
    assert [each.key for each in pressed] == [
        "line", "character", "character", "acceptance", "character",
    ]  # fmt: skip
    assert [each.right for each in pressed] == [False, False, True, False, False]
    assert tallied(pressed, typed).saved == len("bc, d") / len("\nf(abc, d)")
    assert heard.count("textDocument/didChange") == len(pressed)


def test_a_bracket_that_is_not_wanted_costs_a_key(tmp_path: Path) -> None:
    pressed, *_ = typed_through(tmp_path, piece('\n"("', pressed=plain('\n"("')), says="no")
    keys = ["line", "character", "character", "deletion", "character"]
    assert [each.key for each in pressed] == keys


def test_what_the_server_tells_of_its_engine(tmp_path: Path) -> None:
    pressed, _, generated = typed_through(tmp_path, piece())
    assert generated
    assert generated[0] == Generated(2, True, 100, 10, 8, 6)  # the first was before
    assert {each.generation for each in pressed} <= {each.id for each in generated}
    assert pressed[0].source == "engine"
    assert pressed[0].cpu_s is not None


def test_a_server_that_tells_nothing_is_typed_at_as_well(tmp_path: Path) -> None:
    pressed, _, generated = typed_through(tmp_path, piece(), silent=True)
    assert generated is None
    assert pressed[1].key == "acceptance"
    assert pressed[0].source == "engine"


def test_vs_code_takes_back_what_it_asked_before(tmp_path: Path) -> None:
    quick = [Stroke(n, letter, 0.01) for n, letter in enumerate("letters")]
    pressed, heard, _ = typed_through(
        tmp_path, piece("letters", pressed=quick), fast=False, deaf=True
    )
    assert len(pressed) == 7
    assert all(each.answer_ms is None for each in pressed)
    assert heard.count("textDocument/inlineCompletion") == 1 + 7  # one before the first key
    assert heard.count("$/cancelRequest") == 7


def test_neovim_asks_when_the_keys_rest(tmp_path: Path) -> None:
    quick = [Stroke(n, letter, 0.01) for n, letter in enumerate("letters")]
    pressed, heard, _ = typed_through(
        tmp_path,
        piece("letters", pressed=[*quick[:-1], quick[-1]._replace(wait_s=1.0)]),
        fast=False,
        manners=Manners(0.5, cancels=False),
    )
    assert heard.count("textDocument/didChange") == len(pressed) == 7
    assert heard.count("textDocument/inlineCompletion") < 1 + 7
    assert "$/cancelRequest" not in heard


def test_a_pause_ends_when_nothing_more_happens(tmp_path: Path) -> None:
    for_ever = [Stroke(n, letter, 10_000.0) for n, letter in enumerate("ab")]
    pressed, *_ = typed_through(tmp_path, piece("ab", pressed=for_ever), fast=False)
    assert pressed[0].answer_ms is not None  # and the test ends


def test_a_suggestion_that_breaks_the_syntax_is_seen(tmp_path: Path) -> None:
    pressed, *_ = typed_through(tmp_path, piece("\nab"), says=" = )")
    assert pressed[0].worse == "package/thing.py:4:1 ' = )'"
    assert all(each.worse and not each.is_missed for each in pressed)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("f(a)\n", "f(a, b)\n", False, id="more of the same"),
        pytest.param("f(a)\n", "f(a))\n", True, id="a bracket too many"),
        pytest.param("f(\n", "f(a)\n", False, id="an error mended"),
        pytest.param("x = = 1\n", "x = = 1\ny = = 2\n", True, id="an error more"),
    ],
)
def test_referee(before: str, after: str, expected: bool) -> None:
    assert is_worse(before, after, "python") == expected
    assert not is_worse(before, after, "plaintext")


def test_a_server_that_ends_is_said_to_have_ended(tmp_path: Path) -> None:
    with (
        pytest.raises(ProgramError, match="the server has ended"),
        editing(Path("none"), tmp_path, MANNERS["vscode"], {}, STUB),  # no log: it fails
    ):
        pass


def code(n: int) -> str:
    return "".join(
        f"def function_{k}(argument):\n    return argument + {k}\n\n\n" for k in range(n)
    )


def test_pieces_are_spread_over_languages_and_files(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "deep/c.py", "d.js", "notes.txt"):
        path = tmp_path / "some" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code(20) if name != "d.js" else "let x = 1;\n" * 40, encoding="utf-8")
    found = script([tmp_path], 8, 20, 0)
    assert [each.language for each in found.pieces] == ["javascript", "python"] * 4
    assert {each.path.as_posix() for each in found.pieces} >= {"a.py", "b.py", "deep/c.py", "d.js"}
    assert found == script([tmp_path], 8, 20, 0) != script([tmp_path], 8, 20, 1)
    whole = found.files[found.pieces[0].path]
    first = found.pieces[0]
    assert first.before + first.typed + first.behind == whole
    with_text = script([tmp_path / "some" / "notes.txt"], 2, 20, 0)  # as it was asked for by name
    assert {each.language for each in with_text.pieces} == {"plaintext"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(b"", "is empty: there is nothing to type", id="empty"),
        pytest.param(b"a\0b" * 100, "is a binary file", id="binary"),
        pytest.param(b"\xff\xfe\xfa", "is no text in UTF-8", id="not UTF-8"),
        pytest.param(b"import os\n", "is too short: there is nothing in it to type", id="short"),
    ],
)
def test_a_file_that_cannot_be_typed(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "file.py"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReplayError) as raised:
        script([path], 1, 20, 0)
    assert str(raised.value) == f"{path} {message}"


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="there is no file to type from"):
        script([tmp_path], 1, 20, 0)


def bench_replay(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codegen_lsp", "bench", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_person_s_mistake_is_one_line(tmp_path: Path) -> None:
    done = bench_replay(str(tmp_path / "none.py"))
    assert done.returncode == 1
    assert done.stderr == (
        f"codegen-lsp: {tmp_path / 'none.py'} cannot be read: No such file or directory\n"
    )


def test_ctrl_c_ends_what_was_started(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(code(12), encoding="utf-8")
    command = [sys.executable, "-m", "codegen_lsp", "bench", "replay", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        started: list[psutil.Process] = []

        def are_started() -> bool:
            started[:] = psutil.Process(process.pid).children(recursive=True)
            return len(started) >= 2  # the server and its engine

        until(are_started)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 130
    until(lambda: all(is_gone(each.pid) for each in started))


def test_the_real_server(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(code(12), encoding="utf-8")
    done = bench_replay(str(tmp_path), "--fast", "--pieces", "2", "--length", "10", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    figures = report["ours"]["tally"]
    assert report["n_pieces"] == 2
    assert figures["n_keys"] >= 10
    assert figures["shown"] > 0
    assert figures["n_requests"] > 0  # it has told what its engine did
    assert figures["server_cpu_ms"]["p50"] > 0
    assert figures["n_new_syntax_errors"] == 0
    assert set(report["ours"]["by_language"]) == {"python"}
