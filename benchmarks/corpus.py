"""Fetches the code that the replay types: real, of eight languages, and never read by the embedded
model.

    python benchmarks/corpus.py build/replay

It comes from published packages, by the commands that come with their languages (pip, npm) or with
Debian (apt-get); those that are missing here leave a gap, which is told. Versions and digests are
pinned, so that everybody types the same. Nothing of it is kept in the repository; each package's licence
stands in `PACKAGES`, and allows to read and to type it.

    build/replay/LANGUAGE/PACKAGE/...   what is typed
    build/replay/large/...              one file of more than 5,000 lines, for the server's own cost
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LINES = range(60, 2500)  # shorter files give no context, longer ones are tables as a rule
LARGE = range(5000, 20_000)
MAX_LINE = 400  # characters; longer lines are data


class Package(NamedTuple):
    """A published package; `kept` are the files to type, as a pattern for each language."""

    tool: str
    name: str
    version: str
    licence: str
    sha256: str
    kept: dict[str, str]


# The Python ones are those that nano's card names as held out; nano has read no other language.
PACKAGES = (
    Package(
        "pip", "structlog", "26.1.0", "MIT OR Apache-2.0",
        "e081a26d6c373e6d201eca24eede26d8ffab07f88f477822e679183428d3d91e",
        {"python": "structlog/**/*.py"},
    ),
    Package(
        "pip", "marshmallow", "4.4.0", "MIT",
        "03a882ff2eabb9a4e24b433c2949f359ef4d172a12fdc14cde10375fd55328b4",
        {"python": "marshmallow/**/*.py"},
    ),
    Package(
        "pip", "tinydb", "4.9.0", "MIT",
        "111f1f680978a1b7c534d698dd1d76739ff31c74c27fd26a111140b51d8b35d6",
        {"python": "tinydb/**/*.py"},
    ),
    Package(
        "pip", "sqlparse", "0.6.1", "BSD-3-Clause",
        "3be5a72d04c873d690d7c6dedd33d6fae2ef82759881ceec02fc2efd0cba564f",
        {"python": "sqlparse/**/*.py"},
    ),
    Package(
        "pip", "peewee", "4.5.3", "MIT",
        "4c5db9d2a3c4ae9a5725b229c29af51dbd063193f3a6c03b837974a90e44548c",
        {"large": "peewee.py"},
    ),
    Package(
        "npm", "express", "5.3.0", "MIT",
        "62450d99e36dc393295f1ddd93cb9291e658c169f3b700b0110c1ae8fa799930",
        {"javascript": "package/lib/*.js"},
    ),
    Package(
        "npm", "commander", "15.1.0", "MIT",
        "308f16a324f6d0c889c1a388858868d84e1b4eb4e2bf856caa001f01c1c55bdf",
        {"javascript": "package/lib/*.js"},
    ),
    Package(
        "npm", "rxjs", "7.8.2", "Apache-2.0",
        "2312f8ffd9726ffd7bd53ea12c5f13663d09a3dc3326f448c70b88f5ef6fac82",
        {"typescript": "package/src/internal/*.ts"},
    ),
    Package(
        "npm", "zod", "4.6.7", "MIT",
        "84efd155bed93270286e793fc951be270b536cbd5b0eeb111f0fa3967201d698",
        {"typescript": "package/src/v4/core/*.ts"},
    ),
    Package(
        "npm", "react-native-svg", "15.16.1", "MIT",
        "6142083abdb5772be857ff2ad196488a032591aeb956750ff9bf0ea52bae77e1",
        {
            "typescriptreact": "package/src/elements/*.tsx",
            "java": "package/android/src/main/java/com/horcrux/svg/*.java",
        },
    ),
    Package(
        "npm", "tree-sitter", "0.25.1", "MIT",
        "07aeba8dd71630e7e72b2d4ca3bd2680c3471824100cc5ebff44e78a6ed0b6d3",
        {"c": "package/vendor/tree-sitter/lib/src/*.c"},
    ),
    Package(
        "npm", "leveldown", "6.1.1", "MIT; leveldb in it: BSD-3-Clause",
        "fe534f13e475826331c9cd59f279f073c3238e4db2ff2c930e17a786ba0f4f01",
        {"cpp": "package/deps/leveldb/leveldb-1.20/db/*.cc"},
    ),
    Package(
        "apt-get", "golang-github-gorilla-mux-dev", "1.8.0-1", "BSD-3-Clause",
        "0880a4019fe68496a0e0a749c2948c029e489f49edd448bed2fedaba33f848c2",
        {"go": "usr/share/gocode/src/github.com/gorilla/mux/*.go"},
    ),
    Package(
        "apt-get", "golang-github-spf13-pflag-dev", "1.0.6~git20210604-d5e0c0615ace-1", "BSD-3-Clause",
        "bd1c3c2a3e47512a64da02ebea900eb5a3f3c5d386e559d5718a3a935c0ea570",
        {"go": "usr/share/gocode/src/github.com/spf13/pflag/*.go"},
    ),
    Package(
        "apt-get", "librust-textwrap-dev", "0.16.0-2", "MIT",
        "6cb30f1426dbbbb492ac932e26df3a255d7a44d074f1e63f21e3d37c31f591c1",
        {"rust": "usr/share/cargo/registry/textwrap-0.16.0/src/**/*.rs"},
    ),
    Package(
        "apt-get", "librust-indexmap-dev", "1.9.2-1", "Apache-2.0 OR MIT",
        "691b9efb8df4abdfdb238713c1f66416f31e2c2a33fd15687aae2c4dcb9b5308",
        {"rust": "usr/share/cargo/registry/indexmap-1.9.2/src/**/*.rs"},
    ),
)  # fmt: skip


class CorpusError(Exception):
    """A package cannot be had; the message is one line for a person."""


def main(folder: Path) -> None:
    """Fetch every package that can be fetched here."""
    n_missing = 0
    for package in PACKAGES:
        print(f"{package.name} {package.version} ({package.licence}): ", end="", flush=True)
        try:
            print(f"{fetch(package, folder)} files")
        except CorpusError as error:
            print(f"left out: {error}")
            n_missing += 1
    if n_missing == len(PACKAGES):
        sys.exit("there is nothing to type")


def fetch(package: Package, folder: Path) -> int:
    """Put a package's files into place; how many. Raises `CorpusError`."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        archive = _downloaded(package, place)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != package.sha256:
            raise CorpusError("it is not the one that is pinned")
        unpacked = place / "unpacked"
        _unpack(archive, unpacked)
        found = list(_typed(package, unpacked))
        if not found:
            raise CorpusError("there is nothing to type in it")
        for language, path in found:
            inside = path.relative_to(unpacked)
            target = folder / language / package.name / "/".join(inside.parts[-2:])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return len(found)


def is_typed(text: str, lines: range) -> bool:
    """Whether a person would have written this, and it has as many lines as asked for."""
    each = text.split("\n")
    return len(each) in lines and max(map(len, each)) <= MAX_LINE and "\0" not in text


def _downloaded(package: Package, place: Path) -> Path:
    name, version = package.name, package.version
    commands = {
        "pip": (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                "--only-binary", ":all:", f"{name}=={version}"),
        "npm": ("npm", "pack", "--silent", f"{name}@{version}"),
        "apt-get": ("apt-get", "--quiet=2", "download", f"{name}={version}"),
    }  # fmt: skip
    try:
        done = subprocess.run(
            commands[package.tool], cwd=place, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise CorpusError(f"there is no {package.tool} here ({error.strerror})") from error
    archives = [path for path in place.iterdir() if path.is_file()]
    if done.returncode != 0 or len(archives) != 1:
        reason = (done.stderr.strip() or "it has fetched nothing").split("\n")[-1]
        raise CorpusError(f"{package.tool} says: {reason}")
    return archives[0]


def _unpack(archive: Path, target: Path) -> None:
    target.mkdir()
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "--extract", str(archive), str(target)], check=True)
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")


def _typed(package: Package, unpacked: Path) -> Iterator[tuple[str, Path]]:
    for language, pattern in package.kept.items():
        lines = LARGE if language == "large" else LINES
        for path in sorted(unpacked.glob(pattern)):
            is_test = path.stem.endswith("_test")
            if not is_test and is_typed(path.read_text("utf-8", "replace"), lines):
                yield language, path


if __name__ == "__main__":
    main(Path(sys.argv[1]))
