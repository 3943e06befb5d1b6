"""A file or a folder that appears whole or not at all.

It is written under another name beside its place, so on the same disk, and renamed at the end. What
fails on the way (a full disk, Ctrl-C) leaves nothing behind, and what was there before stays.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give the name to write to; it becomes `target` when the block ends without an exception."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder; name a file to write", str(target))
    part = _beside(target)
    try:
        with _named(target, part):
            yield part
            part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """The same for a folder, which must be new or empty. Raises `FileExistsError` otherwise."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        text = "it is there already; choose a new or empty folder"
        raise FileExistsError(errno.EEXIST, text, str(target))
    part = _beside(target)
    try:
        with _named(target, part):
            part.mkdir()
            yield part
            if target.exists():
                target.rmdir()
            part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _beside(target: Path) -> Path:
    return target.parent / f".{target.name}.{os.getpid()}.part"


@contextmanager
def _named(target: Path, part: Path) -> Iterator[None]:
    """Let an `OSError` speak of the name that the person knows; a failed write has none at all."""
    try:
        yield
    except OSError as error:
        if error.filename in (None, str(part), part):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
