"""A file or a folder that appears whole or not at all.

It is written under another name beside its place, so on the same disk, and renamed at the end. What
fails on the way (a full disk, Ctrl-C) leaves nothing behind, and what was there before stays.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give the name to write to; it becomes `target` when the block ends without an exception."""
    part = _beside(target)
    try:
        yield part
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """The same for a folder, which must be new or empty. Raises `FileExistsError` otherwise."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} is there already; choose a new or empty folder")
    part = _beside(target)
    part.mkdir()
    try:
        yield part
        if target.exists():
            target.rmdir()
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _beside(target: Path) -> Path:
    return target.parent / f".{target.name}.{os.getpid()}.part"
