"""Gather text to train a small model on: Python under licences that allow it, and whose it is.

The text is what is installed: the standard library of the running Python, and the packages that
`importlib.metadata` finds whose own metadata name a permissive licence.

    python -m quantize.corpus OUT_DIR [--root SITE_PACKAGES ...]

    train.txt, heldout.txt   documents, one source file each, with <|endoftext|> between them
    manifest.json            version, licence, files and bytes of each package, and what was left out

The packages in `HELD_OUT` are never read, so that a model can be measured on them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from quantize.vocabulary import END_OF_TEXT
from quantize.whole import whole_file

HELD_OUT = frozenset(
    {"structlog", "marshmallow", "tinydb", "sqlparse", "httpie", "peewee", "cattrs", "pygls"}
)
"""Packages to measure on. Their names are looked for in paths too: others carry copies of them."""

PERMISSIVE = {
    "MIT": "use for anything, keep the notice",
    "MIT-0": "MIT without the notice",
    "MIT-CMU": "MIT in older words (Pillow)",
    "HPND": "MIT in older words",
    "BSD": "use for anything, keep the notice (which of its forms, the metadata do not say)",
    "BSD-2-Clause": "use for anything, keep the notice",
    "BSD-3-Clause": "BSD-2-Clause, and do not advertise with the authors' names",
    "0BSD": "BSD without the notice",
    "Apache-2.0": "use for anything, keep the notice, with a grant of patents",
    "PSF-2.0": "Python's own: use for anything, keep the notice",
    "Python-2.0": "Python's own, with its history",
    "ISC": "MIT in fewer words",
    "Zlib": "use for anything, do not claim to have written it",
    "MPL-2.0": "its copyleft ends at each file's border, and no file is passed on",
    "CC0-1.0": "all rights waived",
    "Unlicense": "all rights waived",
    "public domain": "no rights kept",
}
"""The licences that are let in, by SPDX identifier where there is one, and why."""

# Names in the older fields of the metadata, as found in a hundred popular packages, in lower case.
_SPDX_OF_NAME = {
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "expat": "MIT",
    "mit no attribution license (mit-0)": "MIT-0",
    "historical permission notice and disclaimer (hpnd)": "HPND",
    "bsd license": "BSD",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "python software foundation license": "PSF-2.0",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "zlib/libpng license": "Zlib",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
    "the unlicense (unlicense)": "Unlicense",
}
_SPDX_OF_NAME |= {name.lower(): name for name in PERMISSIVE}

MAX_FILE_BYTES = 200_000  # larger ones are tables of data, as a rule
MAX_LINE_CHARS = 400  # and so are longer lines
MAX_PACKAGE_BYTES = 8_000_000  # no package speaks louder than this: sympy alone would be 20 MB
HELD_OUT_ONE_IN = 50  # files kept from training to watch its progress: 2 %

_GENERATED = re.compile(
    r"auto-?generated|generated (by|from|with|automatically)|do not (edit|modify)", re.IGNORECASE
)

_PATH_FAULTS: dict[str, re.Pattern[str]] = {
    "copied in from elsewhere: licence unknown": re.compile(
        r"(^|/)(_?vendor(ed)?|_?extern(al)?s?|third_party)/"
    ),
    "held out": re.compile(rf"(^|/)({'|'.join(sorted(HELD_OUT))})(\.py$|/)"),
    "test": re.compile(
        r"(^|/)(_?tests?|_?testing|testsuite|test_[^/]*)/|(^|/)(conftest|test_[^/]*|[^/]*_tests?)\.py$"
    ),
}
"""What speaks against a file by its path inside its package."""

_TEXT_FAULTS: dict[str, Callable[[str], object]] = {
    "too large": lambda text: len(text.encode()) > MAX_FILE_BYTES,
    "next to empty": lambda text: len(text.strip()) < 50,
    "no plain text": lambda text: "\0" in text or END_OF_TEXT in text,
    "long lines": lambda text: max(map(len, text.split("\n"))) > MAX_LINE_CHARS,
    "generated": lambda text: _GENERATED.search(text[:1500]),  # it stands at the top
}
"""What speaks against a file by what is in it."""


class CorpusError(Exception):
    """The corpus cannot be made; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a package, and the field of its metadata that names it."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Package:
    """A folder of code under one licence; `files` are its Python files."""

    name: str
    version: str
    licence: Licence
    files: tuple[Path, ...]
    root: Path


@dataclass(frozen=True, slots=True)
class Share:
    """What one package gave: a line of the manifest and of the model's card. `bytes` are UTF-8."""

    name: str
    version: str
    licence: str
    licence_source: str
    files: int
    bytes: int


def gather(roots: Iterable[Path], out_dir: Path) -> list[Share]:
    """Write the corpus of the standard library and of the packages below `roots` to `out_dir`.

    Deterministic: the same packages give the same bytes. Raises `CorpusError`.
    """
    left_out: Counter[str] = Counter()
    refused: dict[str, str] = {}
    documents: dict[str, str] = {}
    shares = []
    for package in [_standard_library(), *_installed(roots, refused)]:
        added = _documents(package, left_out, seen=documents)
        if not added:
            continue
        documents |= added
        n_bytes = sum(len(text.encode()) for text in added.values())
        licence = package.licence
        shares.append(
            Share(package.name, package.version, licence.name, licence.source, len(added), n_bytes)
        )
    # Sorted by hash: packages are mixed, without a random number.
    texts: dict[str, list[str]] = {"train.txt": [], "heldout.txt": []}
    for digest in sorted(documents):
        is_held_out = int(digest[-8:], 16) % HELD_OUT_ONE_IN == 0
        texts["heldout.txt" if is_held_out else "train.txt"].append(documents[digest])
    manifest = {
        "packages": [asdict(share) for share in shares],
        "files_left_out": dict(left_out.most_common()),
        "packages_left_out": dict(sorted(refused.items())),
    }
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, parts in texts.items():
            _write(out_dir / name, END_OF_TEXT.join(parts))
        _write(out_dir / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    except OSError as error:
        raise CorpusError(f"{out_dir}: the corpus cannot be written ({error.strerror})") from error
    return shares


def licence_of(package: metadata.PackageMetadata) -> Licence | None:
    """The permissive licence that a package's metadata name, or None.

    License-Expression (PEP 639) decides where there is one; else the classifiers, all of which must
    be permissive, as they do not say whether they mean "and" or "or"; else the License field, where
    it holds a name or an expression and not a whole licence.
    """
    for expression in package.get_all("License-Expression") or []:
        return Licence(expression, "License-Expression") if is_permissive(expression) else None
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in package.get_all("Classifier") or []
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    if classifiers:
        names = [_SPDX_OF_NAME.get(name.lower()) for name in classifiers]
        known = sorted({name for name in names if name})
        return None if None in names else Licence(" AND ".join(known), "Classifier")
    for field in package.get_all("License") or []:
        name = _SPDX_OF_NAME.get(field.lower(), field)
        return Licence(name, "License") if is_permissive(name) else None
    return None


def is_permissive(expression: str) -> bool:
    """Whether a licence expression lets us in: by one side of an OR, by both of an AND.

    The grammar is that of SPDX 2.3, annex D, which PEP 639 took over.
    """
    tokens = re.findall(r"[()]|[^\s()]+", expression)

    def either() -> bool:
        permitted = both()
        while tokens and tokens[0].upper() == "OR":
            tokens.pop(0)
            permitted = both() or permitted
        return permitted

    def both() -> bool:
        permitted = one()
        while tokens and tokens[0].upper() == "AND":
            tokens.pop(0)
            permitted = one() and permitted
        return permitted

    def one() -> bool:
        token = tokens.pop(0) if tokens else ""
        if token == "(":
            permitted = either()
            return bool(tokens) and tokens.pop(0) == ")" and permitted
        if len(tokens) >= 2 and tokens[0].upper() == "WITH":  # an exception only adds permissions
            del tokens[:2]
        return token.lower() in _SPDX_OF_NAME

    return either() and not tokens


def _standard_library() -> Package:
    root = Path(sysconfig.get_path("stdlib"))
    others = {"site-packages", "dist-packages"}  # the second is Debian's name for the first
    return Package(
        name="CPython standard library",
        version=".".join(map(str, sys.version_info[:3])),
        licence=Licence("PSF-2.0", "the Python Software Foundation License"),
        files=tuple(sorted(f for f in root.rglob("*.py") if others.isdisjoint(f.parts))),
        root=root,
    )


def _installed(roots: Iterable[Path], refused: dict[str, str]) -> Iterator[Package]:
    """The packages below `roots` that may be read, by name; the others land in `refused`."""
    found = metadata.distributions(path=[str(root) for root in roots])
    # What an interrupted installation leaves behind has no name.
    by_name = {_normal(each.name): each for each in found if each.name}
    for name, distribution in sorted(by_name.items()):
        licence = licence_of(distribution.metadata)
        if name in HELD_OUT:
            refused[name] = "held out"
        elif licence is None:
            refused[name] = "no licence of the list in its metadata"
        else:
            root = Path(str(distribution.locate_file("")))
            # Scripts lie outside, as "../../bin/name", and would not be this package's text.
            inside = (
                f for f in distribution.files or () if f.suffix == ".py" and ".." not in f.parts
            )
            files = tuple(sorted(root / file for file in inside))
            yield Package(distribution.name, distribution.version, licence, files, root)


def _normal(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _documents(package: Package, left_out: Counter[str], seen: Collection[str]) -> dict[str, str]:
    """The texts of a package by hash, without those that teach nothing; `left_out` counts why."""
    documents: dict[str, str] = {}
    for path in package.files:
        text, fault = _read(path, path.relative_to(package.root).as_posix())
        digest = hashlib.sha256(text.strip().encode()).hexdigest()
        if not fault and (digest in seen or digest in documents):
            fault = "copy of another file"
        if fault:
            left_out[fault] += 1
        else:
            documents[digest] = text
    return _within(MAX_PACKAGE_BYTES, documents, left_out)


def _read(path: Path, name: str) -> tuple[str, str]:
    """A file's text, and what speaks against it or ""; `name` is its path inside its package."""
    for fault, pattern in _PATH_FAULTS.items():
        if pattern.search(name.lower()):
            return "", fault
    try:
        text = path.read_bytes().decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except OSError:
        return "", "unreadable"
    except UnicodeDecodeError:
        return "", "not UTF-8"
    return text, next((fault for fault, is_at in _TEXT_FAULTS.items() if is_at(text)), "")


def _within(room: int, documents: dict[str, str], left_out: Counter[str]) -> dict[str, str]:
    """As many documents as fit into `room` bytes, in the order of their hashes, so by chance."""
    kept: dict[str, str] = {}
    for digest in sorted(documents):
        room -= len(documents[digest].encode())
        if room < 0:
            left_out["package too large"] += len(documents) - len(kept)
            break
        kept[digest] = documents[digest]
    return kept


def _write(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def main(
    out_dir: Annotated[Path, typer.Argument(help="Where the corpus goes.")],
    root: Annotated[
        list[Path] | None,
        typer.Option(help="A site-packages folder to read (default: the running Python's)."),
    ] = None,
) -> None:
    """Gather permissively licensed Python from what is installed."""
    roots = root or [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))]
    try:
        for missing in (folder for folder in roots if not folder.is_dir()):
            raise CorpusError(f"{missing} is no folder: name a site-packages folder with --root.")
        shares = gather(roots, out_dir)
    except CorpusError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    n_files, n_bytes = sum(s.files for s in shares), sum(s.bytes for s in shares)
    typer.echo(f"{len(shares)} packages, {n_files} files, {n_bytes / 1e6:.1f} MB -> {out_dir}")


if __name__ == "__main__":
    typer.run(main)
