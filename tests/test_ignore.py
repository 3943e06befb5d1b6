"""Which files are kept back, on real folders, and with git itself as the judge."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_lsp.ignore import LIFETIME, Ignore, path_of


class Clock:
    """Stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def is_ignored(root: Path, name: str) -> bool:
    return Ignore([root])((root / name).as_uri())


@pytest.mark.parametrize(
    ("rules", "name", "expected"),
    [
        pytest.param({".gitignore": "*.log\n"}, "a/b.log", True, id="below"),
        pytest.param({".gitignore": "*.log\n"}, "a/b.py", False, id="another"),
        pytest.param({".gitignore": "*.log\r\n"}, "b.log", True, id="CRLF"),
        pytest.param({".gitignore": "/b.py\n"}, "a/b.py", False, id="at the root only"),
        pytest.param({"a/.gitignore": "b.py\n"}, "a/b.py", True, id="nested"),
        pytest.param({"a/.gitignore": "b.py\n"}, "b.py", False, id="nested elsewhere"),
        pytest.param({".gitignore": "*.py\n!b.py\n"}, "b.py", False, id="taken back"),
        pytest.param({".gitignore": "*.py\n", "a/.gitignore": "!b.py"}, "a/b.py", False, id="inside"),
        pytest.param({".gitignore": "a/\n!a/b.py\n"}, "a/b.py", True, id="not out of a folder"),
        pytest.param({".gitignore": "a/\n", "a/.gitignore": "!b.py"}, "a/b.py", True, id="nor inside"),
        pytest.param(
            {".git/info/exclude": "b.py\n", ".gitignore": "!a"}, "a/b.py", True, id="its folder only"
        ),
        pytest.param({".gitignore": "a/**\n!b.py\n"}, "a/b.py", False, id="not all of a folder"),
        pytest.param({".gitignore": "a/**\n!b.py\n"}, "a/c.py", True, id="all else in it"),
        pytest.param({".codegenignore": "b.py\n"}, "b.py", True, id=".codegenignore"),
        pytest.param({".gitignore": "b.py", ".codegenignore": "!b.py"}, "b.py", True, id="either"),
        pytest.param({".git/info/exclude": "b.py\n"}, "b.py", True, id="git's exclude file"),
        pytest.param(
            {".git/info/exclude": "b.py\n", ".gitignore": "!b.py"}, "b.py", False, id="its rank"
        ),
        pytest.param({".gitignore": "!\n[z-a]\nb.py\n"}, "b.py", True, id="behind broken lines"),
        pytest.param({".gitignore": "[[:alpha:]].py\n"}, "b.py", False, id="a class of characters"),
        pytest.param({".gitignore": "é*.py\n"}, "é 1%.py", True, id="beyond ASCII"),
        pytest.param({".gitignore/x": ""}, "b.py", False, id="a folder of that name"),
    ],
)  # fmt: skip
def test_rules(tmp_path: Path, rules: dict[str, str], name: str, expected: bool) -> None:
    write(tmp_path, rules)
    assert is_ignored(tmp_path, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in (
            ".env", ".env.local", ".env.example", "prod.env", "a/server.PEM", "a/id_rsa",
            "a/id_rsa.old", ".aws/config", "secrets/a.py", "a/.ssh/config", "credentials",
            "Credentials.json", ".netrc",
            "main.tfvars", "my-service-account-1.json",
        )),
        *((name, False) for name in (
            "a.py", "env.py", "credentials.py", "secrets.py", "keys/a.py", "config.json",
            "environment.ts", "private/a.rs", "token.go", "a.crt",
        )),
    ],
)  # fmt: skip
def test_secret_files(tmp_path: Path, name: str, expected: bool) -> None:
    assert is_ignored(tmp_path, name) == expected


FOLDERS = st.sampled_from(["a", "b"])
PATHS = st.tuples(FOLDERS, FOLDERS, st.sampled_from(["a", "c.py", "d.py"]))
PATTERNS = st.lists(
    st.sampled_from([
        "a", "b/", "/a", "*.py", "!*.py", "!c.py", "a/b", "a/*", "**/b", "a/**", "!a/", "?", "[ab]",
        "#a", "\\#", " ", "b/**/d.py", "*", "!*/",
    ]),
    max_size=4,
)  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@given(
    st.sets(PATHS, min_size=1, max_size=6),
    PATTERNS,
    PATTERNS,
    PATTERNS,
)
@settings(max_examples=100)
def test_what_git_ignores_is_ignored(
    tmp_path_factory: pytest.TempPathFactory,
    names: set[tuple[str, ...]],
    top: list[str],
    below: list[str],
    exclude: list[str],
) -> None:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", root], check=True)
    paths = ["/".join(name) for name in names]
    rules = {".gitignore": top, "a/.gitignore": below, ".git/info/exclude": exclude}
    write(
        root, {name: "\n".join(lines) for name, lines in rules.items()} | dict.fromkeys(paths, "")
    )
    said = subprocess.run(
        ["git", "-C", root, "check-ignore", "--no-index", "--stdin"],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
    ).stdout.splitlines()
    assert sorted(path for path in paths if is_ignored(root, path)) == sorted(said)


@pytest.mark.parametrize("kind", ["no right to read", "a circle of links", "binary", "too long"])
def test_where_rules_cannot_be_read_nothing_is(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, {"a/.gitignore": "x", "a/b/c.py": "", "d.py": ""})
    rules = tmp_path / "a" / ".gitignore"
    if kind == "no right to read":
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        rules.chmod(0)
    elif kind == "a circle of links":
        rules.unlink()
        rules.symlink_to(rules)
    else:
        rules.write_bytes(b"\0ELF" if kind == "binary" else b"a\n" * 1_000_000)
    clock = Clock()
    ignore = Ignore([tmp_path], clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert ignore((tmp_path / "a" / "b" / "c.py").as_uri())
            assert not ignore((tmp_path / "d.py").as_uri())
            ignore.forget()
    assert [record.getMessage() for record in caplog.records] == [caplog.records[0].getMessage()]
    assert f"{rules} cannot be read (" in caplog.text
    rules.unlink()
    rules.write_text("")
    clock.now += 2 * LIFETIME
    assert not ignore((tmp_path / "a" / "b" / "c.py").as_uri())


def test_a_broken_line_is_said_with_its_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, {".gitignore": "a\n!\n"})
    with caplog.at_level(logging.WARNING):
        is_ignored(tmp_path, "b.py")
    assert f"{tmp_path / '.gitignore'}: line 2 is no pattern" in caplog.text


def test_utf16_as_powershell_writes_it(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("b.py\n", encoding="utf-16")
    assert is_ignored(tmp_path, "b.py")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    assert not is_ignored(tmp_path, "b.py")


def test_new_rules_are_seen_after_a_while_and_at_once_when_told(tmp_path: Path) -> None:
    write(tmp_path, {"a/b.py": ""})
    clock = Clock()
    ignore, uri = Ignore([tmp_path], clock), (tmp_path / "a" / "b.py").as_uri()
    assert not ignore(uri)
    write(tmp_path, {"a/.codegenignore": "*"})
    assert not ignore(uri)
    clock.now += 2 * LIFETIME
    assert ignore(uri)
    (tmp_path / "a" / ".codegenignore").unlink()
    ignore.forget()
    assert not ignore(uri)


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    write(tmp_path, {"project/a.py": "", "home/.env": ""})
    (tmp_path / "project" / "settings.py").symlink_to(tmp_path / "home" / ".env")
    assert is_ignored(tmp_path / "project", "settings.py")


def test_the_repository_around_a_workspace_folder_has_its_say(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", ".gitignore": "*.gen.py", "app/a.gen.py": "", "app/a.py": ""})
    assert is_ignored(tmp_path / "app", "a.gen.py")
    assert not is_ignored(tmp_path / "app", "a.py")


def test_a_file_outside_of_all_projects(tmp_path: Path) -> None:
    write(
        tmp_path,
        {".gitignore": "*", "x/a.py": "", "x/.codegenignore": "b.py", ".aws/config.py": ""},
    )
    ignore = Ignore()
    assert not ignore((tmp_path / "x" / "a.py").as_uri())
    assert ignore((tmp_path / "x" / "b.py").as_uri())
    assert ignore((tmp_path / ".aws" / "config.py").as_uri())


def test_a_project_in_a_folder_that_is_called_secrets(tmp_path: Path) -> None:
    root = tmp_path / "secrets" / "project"
    write(root, {"a.py": ""})
    assert not is_ignored(root, "a.py")


def test_a_worktree_shares_the_exclude_file(tmp_path: Path) -> None:
    write(tmp_path, {
        "main/.git/info/exclude": "b.py\n",
        "main/.git/worktrees/w/commondir": "../..\n",
        "w/.git": f"gitdir: {tmp_path}/main/.git/worktrees/w\n",
    })  # fmt: skip
    assert is_ignored(tmp_path / "w", "b.py")


def test_folders_without_end(tmp_path: Path) -> None:
    assert Ignore([tmp_path])(tmp_path.as_uri() + "/a" * 5_000 + "/b.py")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///a/b.py", "/a/b.py"),
        ("file:///a/b%20%C3%A9.py", "/a/b é.py"),
        ("git:/a/.env?%7B%7D", "/a/.env"),
        ("file:///c%3A/a.py", "c:/a.py"),
        ("file://server/share/a.py", "//server/share/a.py"),
        ("file:///a/../b.py", "/b.py"),
        ("untitled:Untitled-1", None),
        ("file://[/a", None),
        ("file:///a%00b", None),
        ("", None),
    ],
)
def test_uris(uri: str, expected: str | None) -> None:
    assert path_of(uri) == expected
