"""Which text is let into the corpus, under which licence, and that nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quantize import corpus
from quantize.corpus import CorpusError, Licence, gather, is_permissive, licence_of

CODE = "def greet(name: str) -> str:\n    return 'Hello, ' + name + '!'\n"


@pytest.fixture(autouse=True)
def small_standard_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the real one takes seconds; one test does it all the same."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "abc.py").write_text(CODE + "# the standard library's\n", encoding="utf-8")
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(folder))


def install(
    site: Path,
    name: str,
    files: Mapping[str, str | bytes],
    metadata: str = "License-Expression: MIT",
) -> None:
    """What pip leaves behind for a package."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n{metadata}\n", encoding="utf-8")
    for path, content in files.items():
        file = site / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files), encoding="utf-8")


def gathered(tmp_path: Path, site: Path) -> str:
    gather([site], tmp_path / "out")
    names = ("train.txt", "heldout.txt")
    return "\n".join((tmp_path / "out" / name).read_text(encoding="utf-8") for name in names)


def left_out(tmp_path: Path) -> dict[str, int]:
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    found: dict[str, int] = manifest["files_left_out"]
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-or-later", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-2.0-only OR MIT AND BSD-3-Clause", True),
        ("(GPL-2.0-only OR MIT) AND LGPL-3.0-only", False),
        ("(MIT AND (Apache-2.0 OR BSD-3-Clause))", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only WITH Classpath-exception-2.0", False),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("", False),
        ("(MIT", False),
        ("MIT MIT", False),
        ("MIT OR", True),
    ],
)
def test_expression(expression: str, expected: bool) -> None:
    assert is_permissive(expression) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            [("License-Expression", "MIT OR Apache-2.0"), ("License", "GPL")],
            Licence("MIT OR Apache-2.0", "License-Expression"),
            id="the expression decides",
        ),
        pytest.param(
            [("License-Expression", "GPL-3.0-only"), ("License", "MIT")],
            None,
            id="the expression decides against",
        ),
        pytest.param(
            [("Classifier", "License :: OSI Approved :: BSD License"), ("License", "GPL")],
            Licence("BSD", "Classifier"),
            id="a classifier before the free text",
        ),
        pytest.param(
            [
                ("Classifier", "License :: OSI Approved :: MIT License"),
                ("Classifier", "License :: OSI Approved :: GNU General Public License (GPL)"),
            ],
            None,
            id="all classifiers must be permissive",
        ),
        pytest.param(
            [("Classifier", "License :: OSI Approved"), ("License", "MIT")],
            Licence("MIT", "License"),
            id="a classifier that names none",
        ),
        pytest.param(
            [("License", "Apache License 2.0")], Licence("Apache-2.0", "License"), id="by name"
        ),
        pytest.param([("License", "MIT License\n\nPermission is hereby ...")], None, id="a text"),
        pytest.param([("License", "Proprietary")], None, id="unknown"),
        pytest.param([], None, id="nothing said"),
    ],
)
def test_licence_of(fields: list[tuple[str, str]], expected: Licence | None) -> None:
    metadata = Message()
    for name, value in fields:
        metadata[name] = value
    assert licence_of(metadata) == expected  # type: ignore[arg-type]  # Message is what it was


def test_a_permissive_package_is_read_and_listed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "kind", {"kind/__init__.py": CODE, "kind/data.json": "{}"})
    assert CODE in gathered(tmp_path, site)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["packages"][1] == {
        "name": "kind",
        "version": "1.0",
        "licence": "MIT",
        "licence_source": "License-Expression",
        "files": 1,
        "bytes": len(CODE),
    }


@pytest.mark.parametrize("name", sorted(corpus.HELD_OUT))
def test_held_out_packages_are_not_read(tmp_path: Path, name: str) -> None:
    site = tmp_path / "site"
    install(site, name.title(), {f"{name}/core.py": CODE, "under_another_name.py": CODE})
    assert gathered(tmp_path, site).count("Hello, ") == 1  # the standard library's


def test_other_licences_are_not_read(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "strict", {"strict.py": CODE}, "License-Expression: GPL-3.0-only")
    install(site, "silent", {"silent.py": CODE}, "Summary: no word about a licence")
    assert gathered(tmp_path, site).count("Hello, ") == 1  # the standard library's
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["packages_left_out"]) == {"strict", "silent"}


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("kind/tests/test_a.py", CODE, "test"),
        ("kind/conftest.py", CODE, "test"),
        ("kind/core_test.py", CODE, "test"),
        ("kind/_vendor/other.py", CODE, "copied in from elsewhere: licence unknown"),
        ("kind/tinydb/core.py", CODE, "held out"),
        ("kind/peewee.py", CODE, "held out"),
        ("kind/long.py", f"x = {'1' * 401}\n", "long lines"),
        ("kind/large.py", "x = 'a longer line of data'\n" * 8000, "too large"),
        ("kind/made.py", f"# Generated by a tool. DO NOT EDIT.\n{CODE}", "generated"),
        ("kind/empty.py", "\n", "next to empty"),
        ("kind/latin.py", CODE.encode() + b"# caf\xe9\n", "not UTF-8"),
        ("kind/ends.py", f"{CODE}END = '<|endoftext|>'\n", "no plain text"),
        ("kind/nul.py", f"{CODE}# \0\n", "no plain text"),
    ],
)
def test_files_that_teach_nothing(
    tmp_path: Path, path: str, content: str | bytes, reason: str
) -> None:
    site = tmp_path / "site"
    install(site, "kind", {path: content, "kind/good.py": CODE})
    assert gathered(tmp_path, site).count("Hello, ") == 2  # good.py's and the standard library's
    assert left_out(tmp_path) == {reason: 1}


@pytest.mark.parametrize("path", ["kind/latest.py", "kind/contest/a.py", "kind/my_peewee.py"])
def test_names_that_only_look_like_it(tmp_path: Path, path: str) -> None:
    install(tmp_path / "site", "kind", {path: CODE})
    assert CODE in gathered(tmp_path, tmp_path / "site")


def test_a_copy_is_read_once(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "kind", {"kind/a.py": CODE, "kind/b.py": CODE.replace("\n", "\r\n")})
    install(site, "other", {"other.py": "\n" + CODE})
    assert gathered(tmp_path, site).count("Hello, ") == 2
    assert left_out(tmp_path) == {"copy of another file": 2}


def test_a_file_missing_on_disk_or_outside_is_no_error(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "kind", {"kind/a.py": CODE, "kind/gone.py": CODE, "../outside.py": CODE + "#\n"})
    (site / "kind" / "gone.py").unlink()
    assert gathered(tmp_path, site).count("Hello, ") == 2
    assert left_out(tmp_path) == {"unreadable": 1}


def test_the_remains_of_an_installation_are_no_error(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "kind", {"kind.py": CODE})
    (site / "broken-1.0.dist-info").mkdir()
    (site / "broken-1.0.dist-info" / "METADATA").write_text("\n", encoding="utf-8")
    assert gathered(tmp_path, site).count("Hello, ") == 2


def test_a_large_package_does_not_drown_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "MAX_PACKAGE_BYTES", 1000)
    files = {f"kind/m{i}.py": f"{CODE}# number {i}\n" for i in range(100)}
    install(tmp_path / "site", "kind", files)
    text = gathered(tmp_path, tmp_path / "site")
    assert 800 < len(text.encode()) < 1300
    assert left_out(tmp_path)["package too large"] + text.count("# number") == 100


def test_the_split_follows_the_text_alone(tmp_path: Path) -> None:
    files = {f"kind/m{i}.py": f"{CODE}# number {i}\n" for i in range(2000)}
    install(tmp_path / "site", "kind", files)
    gather([tmp_path / "site"], tmp_path / "out")
    for name, part in (("one", slice(0, None, 2)), ("two", slice(1, None, 2))):
        texts = list(files.values())[part]
        install(tmp_path / "site2", name, {f"{name}/n{i}.py": t for i, t in enumerate(texts)})
    gather([tmp_path / "site2"], tmp_path / "out2")
    for name in ("train.txt", "heldout.txt"):
        first, second = ((tmp_path / out / name).read_bytes() for out in ("out", "out2"))
        assert first == second
    held_out = (tmp_path / "out" / "heldout.txt").read_text(encoding="utf-8").count("# number")
    assert 20 <= held_out <= 60  # 2 % of 2,000: 40, with a standard deviation of 6.3


def test_the_real_standard_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    [share] = gather([], tmp_path / "out")
    assert share.licence == "PSF-2.0"
    assert share.files > 300
    text = (tmp_path / "out" / "train.txt").read_text(encoding="utf-8")
    assert "class JSONDecoder" in text or "class HTMLParser" in text


def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "train.txt").write_text("before", encoding="utf-8")

    def full(path: Path, *_args: object, **_options: object) -> int:
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CorpusError, match=r"cannot be written \(No space left on device\)"):
        gather([], out)
    monkeypatch.undo()
    assert [file.name for file in out.iterdir()] == ["train.txt"]
    assert (out / "train.txt").read_text(encoding="utf-8") == "before"


def test_command_line(tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(corpus.main)
    install(tmp_path / "site", "kind", {"kind.py": CODE})
    arguments = [str(tmp_path / "out"), "--root", str(tmp_path / "site")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert result.output.startswith("2 packages, 2 files, ")
    result = CliRunner().invoke(app, [*arguments[:2], str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "nowhere is no folder" in result.output
