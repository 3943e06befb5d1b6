"""A project's files, read in the background: on real folders, by the real thread."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codegen_lsp.config import Config
from codegen_lsp.document import Chunk
from codegen_lsp.normal import normal
from codegen_lsp.project import Limits, Project, Status
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.symbols import outline
from codegen_lsp.syntax import parse
from tests.test_ignore import write

PATIENCE = 60  # seconds; what takes longer has failed
HASTY = Limits(share=1.0)


@dataclass
class Library:
    """Knows what it is told, as `Surroundings` does; has room for so many files."""

    room: int = 1_000
    texts: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def learn(self, name: str, language: str, text: str) -> bool:
        if len(self.texts) >= self.room:
            return False
        self.texts[name] = text
        self.order.append(f"{language} {name}")
        return True

    def forget(self, name: str) -> None:
        del self.texts[name]


class Watched(Project):
    """A project that one can wait for."""

    def __init__(self, library: Library, limits: Limits = HASTY) -> None:
        self.library = library
        self._over = threading.Event()
        super().__init__(library.learn, library.forget, limits, self._heard)

    def _heard(self, status: Status) -> None:
        (self._over.set if status.is_over else self._over.clear)()

    def read(self, *roots: Path, config: Config | None = None) -> Status:
        self._over.clear()
        self.open(roots, config or Config())
        return self.over()

    def over(self) -> Status:
        assert self._over.wait(PATIENCE), "the project is never read"
        return self.status

    def settle(self) -> None:
        """Wait until all is done that was asked so far."""
        done = threading.Event()
        with self._news:
            self._order("settled", done.set)
        assert done.wait(PATIENCE)


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def project(library: Library) -> Iterator[Watched]:
    project = Watched(library)
    yield project
    project.close()
    assert not project._thread.is_alive()


def test_what_is_read_and_what_is_not(project: Watched, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, {
        "a.py": "A = 1\n",
        "src/b.ts": 'const password = "hunter2!";\n',
        "c.txt": "no grammar",
        ".gitignore": "d.py\ngenerated/\n",
        ".codegenignore": "e.py\n",
        "d.py": "", "e.py": "", "generated/f.py": "",
        "secrets/g.py": "",
        "node_modules/h/i.js": "",
        ".hidden/j.py": "",
        "env/pyvenv.cfg": "", "env/lib/k.py": "",
        "l.py": "\0",
        "m.py": "x = 1\n" * 100_000,
    })  # fmt: skip
    write(tmp_path, {"outside.py": ""})
    (root / "n.py").symlink_to(tmp_path / "outside.py")
    (root / "o").symlink_to(root)
    (root / "p.py").mkdir()
    os.mkfifo(root / "q.py")
    (root / "r.py").write_bytes(b"\xef\xbb\xbfx = '\xff'\r\n")
    status = project.read(root)
    assert project.library.texts == {
        "a.py": "A = 1\n",
        "src/b.ts": 'const password = "xxxxxxxx";\n',
        "r.py": "x = '�'\r\n",
    }
    assert sorted(project.library.order) == ["python a.py", "python r.py", "typescript src/b.ts"]
    assert status == Status(n_seen=5, n_indexed=3, is_finished=True)
    assert str(status) == "knows 3 of 5 files"


def test_what_is_switched_off_is_not_read(project: Watched, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "", "b.ts": ""})
    project.read(tmp_path, config=Config(disabled_languages=("python",)))
    assert set(project.library.texts) == {"b.ts"}
    project.read(tmp_path)
    assert set(project.library.texts) == {"a.py", "b.ts"}
    project.read(tmp_path, config=Config(disabled_languages=("typescript",)))
    assert set(project.library.texts) == {"a.py"}


def test_the_nearest_and_the_imported_come_first(project: Watched, tmp_path: Path) -> None:
    names = ["near/a.py", "near/used.py", "near/in/b.py", "c.py", "far/off/d.py", "lib/used/e.py"]
    write(tmp_path, dict.fromkeys(names, ""))
    project.pause()
    project.open([tmp_path], Config())
    project.turn_to(str(tmp_path / "near" / "a.py"), {"used"})
    project.resume()
    project.over()
    order = [each.partition(" ")[2] for each in project.library.order]
    assert order[:2] == ["near/used.py", "near/a.py"]
    assert order[-1] == "far/off/d.py"
    assert set(order) == set(names)


def test_a_file_outside_of_all_roots_brings_its_own_folder_only(
    project: Watched, tmp_path: Path
) -> None:
    write(tmp_path, {"a.py": "", "b.py": "", "in/c.py": ""})
    project.turn_to(str(tmp_path / "a.py"))
    project.read()
    assert set(project.library.texts) == {"a.py", "b.py"}


@pytest.mark.parametrize(
    ("limits", "room", "n_known", "reason"),
    [
        (Limits(n_files=7, share=1.0), 1_000, 7, "these are the 7 nearest ones"),
        (Limits(n_seen=100, share=1.0), 1_000, None, "there are more than 100 files and folders"),
        (Limits(seconds=0.0, share=1.0), 1_000, None, "it has taken 0 s of processor time"),
        (HASTY, 5, 5, "there is no room for more"),
    ],
)
def test_limits(
    tmp_path: Path, limits: Limits, room: int, n_known: int | None, reason: str
) -> None:
    write(tmp_path, {f"{n % 20}/{n}.py": "" for n in range(300)})
    project = Watched(Library(room), limits)
    status = project.read(tmp_path)
    project.close()
    assert status.stopped == reason
    assert len(project.library.texts) == status.n_indexed < 300
    assert n_known in (None, status.n_indexed)
    assert str(status).endswith(f"files; stopped there: {reason}")


def test_a_changed_file_is_read_again_and_a_deleted_one_forgotten(
    project: Watched, tmp_path: Path
) -> None:
    write(tmp_path, {"a.py": "1", "b.py": "2", "c.py": "3"})
    project.read(tmp_path)
    write(tmp_path, {"a.py": "4", "new/d.py": "5", ".venv/e.py": "", "f.txt": ""})
    (tmp_path / "b.py").unlink()
    (tmp_path / "c.py").write_bytes(b"\0")
    for name in ("a.py", "b.py", "c.py", "new/d.py", ".venv/e.py", "f.txt", "../g.py"):
        project.look_again(str(tmp_path / name))
    project.settle()
    assert project.library.texts == {"a.py": "4", "new/d.py": "5"}
    assert project.status == Status(n_seen=3, n_indexed=2, is_finished=True)


def test_a_closed_file_is_learned_again(project: Watched, tmp_path: Path) -> None:
    """Whoever knew its text while it was open has forgotten it."""
    write(tmp_path, {"a.py": "1"})
    project.read(tmp_path)
    project.library.texts.clear()
    project.look_again(str(tmp_path / "a.py"))
    project.settle()
    assert project.library.texts == {"a.py": "1"}


def test_a_changed_file_next_to_an_open_one_outside_of_all_roots(
    project: Watched, tmp_path: Path
) -> None:
    write(tmp_path, {"a.py": "1"})
    project.turn_to(str(tmp_path / "a.py"))
    project.read()
    write(tmp_path, {"a.py": "2"})
    project.look_again(str(tmp_path / "a.py"))
    project.settle()
    assert project.library.texts == {"a.py": "2"}


def test_what_is_gone_is_forgotten_when_all_is_read_anew(project: Watched, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1", "b.py": "2"})
    project.read(tmp_path)
    (tmp_path / "a.py").unlink()
    project.read(tmp_path)
    assert project.library.texts == {"b.py": "2"}


def test_new_rules_take_back_what_is_known_even_while_paused(
    project: Watched, tmp_path: Path
) -> None:
    write(tmp_path, {f"{n}/a.py": "" for n in range(200)})
    project.read(tmp_path)
    project.pause()
    write(tmp_path, {".gitignore": "1*/\n"})
    project._over.clear()
    project.look_again(str(tmp_path / ".gitignore"))
    project.resume()
    project.over()
    assert set(project.library.texts) == {
        f"{n}/a.py" for n in range(200) if not str(n).startswith("1")
    }


def test_what_has_not_changed_is_not_read_twice(project: Watched, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1", "b.py": "2"})
    project.read(tmp_path)
    write(tmp_path, {"b.py": "longer"})
    status = project.read(tmp_path)
    assert sorted(project.library.order) == ["python a.py", "python b.py", "python b.py"]
    assert status == Status(n_seen=2, n_indexed=2, is_finished=True)


def test_files_of_several_folders_are_told_apart(project: Watched, tmp_path: Path) -> None:
    write(tmp_path, {"one/a.py": "1", "two/a.py": "2"})
    project.read(tmp_path / "one", tmp_path / "two")
    assert project.library.texts == {"one/a.py": "1", "two/a.py": "2"}
    project.read(tmp_path / "two")
    assert project.library.texts == {"a.py": "2"}
    assert project.name_of(str(tmp_path / "elsewhere" / "b.py")) == "b.py"


def test_nothing_is_done_while_it_is_paused(project: Watched, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": ""})
    project.pause()
    project.open([tmp_path], Config())
    project.look_again(str(tmp_path / "a.py"))
    assert not project._over.wait(0.1)
    assert project.library.texts == {}
    assert str(project.status) == "reading: 0 of 0 files so far"
    project.resume()
    assert project.over().n_indexed == 1


def test_what_nobody_thought_of_costs_one_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Picky(Library):
        def learn(self, name: str, language: str, text: str) -> bool:
            if text == "bad":
                raise ValueError(text)
            return super().learn(name, language, text)

    write(tmp_path, {"a.py": "good", "b.py": "bad", "c.py": "good"})
    project = Watched(Picky())
    with caplog.at_level(logging.ERROR):
        project.read(tmp_path)
    project.close()
    assert set(project.library.texts) == {"a.py", "c.py"}
    assert [record.getMessage() for record in caplog.records] == [
        "the project's index has met a ValueError"
    ]


def test_it_can_be_closed_in_the_middle(tmp_path: Path) -> None:
    """And is not held up by its rests."""
    write(tmp_path, {f"{n}.py": "x = 1\n" * 1_000 for n in range(100)})
    learned = threading.Event()

    class Telling(Library):
        def learn(self, name: str, language: str, text: str) -> bool:
            learned.set()
            return super().learn(name, language, text)

    project = Watched(Telling(), Limits(share=0.01))
    project.open([tmp_path], Config())
    assert learned.wait(PATIENCE)
    project.close()
    assert not project._thread.is_alive()
    assert not project.status.is_over


def test_what_a_project_defines_is_known_elsewhere_in_it(tmp_path: Path) -> None:
    write(tmp_path, {
        "shop/cart.py": "class Cart:\n    def add(self, item: str) -> None:\n        pass\n",
        "ignored.py": "class Cart: ...\n",
        ".gitignore": "ignored.py\n",
    })  # fmt: skip
    surroundings = Surroundings()
    over = threading.Event()

    def learn(name: str, language: str, text: str) -> bool:
        parsed = parse(normal(text, language), language)
        return surroundings.put_outline(name, outline(parsed))

    def hear(status: Status) -> None:
        if status.is_over:
            over.set()

    project = Project(learn, surroundings.forget, HASTY, hear)
    project.open([tmp_path], Config())
    assert over.wait(PATIENCE)
    project.close()
    assert surroundings.definitions(["Cart"], "main.py", imported=["Cart"]) == (
        Chunk("shop/cart.py", "class Cart:\n    def add(self, item: str) -> None:"),
    )
