"""Which files are kept back: by .gitignore, .codegenignore, git's own exclude file, and as secret files.

All of them are read as git reads a .gitignore: also in folders below, the innermost and last word wins,
and nothing comes back out of a folder that is ignored. Where one cannot be read, nobody can know what it
keeps back, and so everything beside and below it is.
"""

from __future__ import annotations

import codecs
import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from codegen_lsp.privacy import SECRET_FILES

logger = logging.getLogger(__name__)

# Seconds for which an answer holds. To look at the disk takes 0.1 ms, and somebody asks at every key.
LIFETIME = 1.0
MAX_SIZE = 1_000_000  # bytes; the longest of GitHub's templates has 10,000
MAX_DEPTH = 200  # folders; who builds deeper ones means no good
RULES = {".gitignore": "git", ".codegenignore": "codegen"}  # and to which group each belongs


class Ignore:
    """Whether a file is kept back. May be asked on any thread."""

    def __init__(
        self, roots: Iterable[Path] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._folders: dict[str, _Folder] = {}
        self._answers: dict[str, _Answer] = {}
        self._complaints: set[str] = set()
        self.root_in(roots)

    def root_in(self, roots: Iterable[Path]) -> None:
        """Know the client's workspace folders. What is in none of them belongs to the git repository
        around it, or else to its own folder."""
        self._roots = {_plain(root) for root in roots}
        self.forget()

    def __call__(self, uri: str) -> bool:
        """By URI. What has no place on a disk is not ignored."""
        path = path_of(uri)
        if path is None:
            return False
        now = self._clock()
        answer = self._answers.get(path)
        if answer is None or now - answer.time > LIFETIME:
            if answer is not None and any(_stamp(file) != stamp for file, stamp in answer.stamps):
                self.forget()
            answer = self._answers[path] = self._answer(path, now)
        return answer.is_ignored

    def covers(self, path: str, *, is_folder: bool = False) -> bool:
        """By its absolute path, as `forget` has left the rules."""
        parent = self._folder(os.path.dirname(path))  # noqa: PTH120 (a hundred thousand of them)
        return parent.is_ignored or _match(parent.rules, path, is_folder)

    def forget(self) -> None:
        """Read all rules anew."""
        self._folders.clear()
        self._answers.clear()

    def _answer(self, path: str, now: float) -> _Answer:
        """A link is what it is called, and what it leads to."""
        paths = {path, os.path.realpath(path)}
        folders = [self._folder(str(Path(each).parent)) for each in paths]
        stamps = {file: stamp for folder in folders for file, stamp in folder.stamps}
        return _Answer(any(map(self.covers, paths)), now, tuple(stamps.items()))

    def _folder(self, path: str) -> _Folder:
        folder = self._folders.get(path)
        if folder is None:
            folder = self._folders[path] = self._new_folder(path)
        return folder

    def _new_folder(self, path: str) -> _Folder:
        """The rules inside a folder: those around it, and its own."""
        if path.count(os.sep) > MAX_DEPTH:
            return _Folder(True, (), ())
        top = self._top(path)
        if path == top or top is None:
            # Outside of projects, a secret folder may be any of those around.
            around = _Folder(False, (_Rules("secret", top or "", _SECRET),), ())
        else:
            around = self._folder(str(Path(path).parent))
        is_ignored = path != top and _match(around.rules, path, is_folder=True)
        if around.is_ignored or is_ignored:
            return _Folder(True, (), around.stamps)
        files = tuple(_rule_files(path))
        stamps = (*around.stamps, *((file, _stamp(file)) for _, file in files))
        try:
            rules = tuple(_Rules(group, path, self._read(file)) for group, file in files)
        except _UnreadableError as unreadable:
            self._complain(f"{unreadable}; nothing beside or below it is used until it can be")
            return _Folder(True, (), stamps)
        return _Folder(False, (*around.rules, *rules), stamps)

    def _top(self, path: str) -> str | None:
        """Where the project begins that a folder belongs to; None outside of all."""
        around = [path, *map(str, Path(path).parents)]
        repository = next((each for each in around if os.path.lexists(f"{each}/.git")), None)
        tops = [each for each in around if each == repository or each in self._roots]
        return tops[-1] if tops else None

    def _read(self, file: str) -> _Patterns:
        """The rules in a file; none if there is none. Raises `_UnreadableError`."""
        patterns: list[GitIgnoreSpecPattern] = []
        for number, line in enumerate(_lines(file), 1):
            pattern = _pattern(line)
            if pattern is None:  # git, too, goes on without it
                self._complain(f"{file}: line {number} is no pattern, and is left out")
            else:
                patterns.append(pattern)
        return tuple(reversed(patterns))

    def _complain(self, line: str) -> None:
        """Once."""
        if line not in self._complaints:
            logger.warning("%s", line)
            self._complaints.add(line)


class _UnreadableError(Exception):
    """There are rules that nobody can read; the message says where and why."""


_Patterns = tuple[GitIgnoreSpecPattern, ...]


class _Rules(NamedTuple):
    """Of one file, about paths below `base`, the last line first. Whichever `group` ignores a path, it
    is ignored."""

    group: str
    base: str
    patterns: _Patterns


_Stamps = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class _Folder:
    """The rules for what is in a folder, outermost first, and of which files they were read when."""

    is_ignored: bool
    rules: tuple[_Rules, ...]
    stamps: _Stamps


@dataclass(frozen=True, slots=True)
class _Answer:
    is_ignored: bool
    time: float
    stamps: _Stamps


def path_of(uri: str) -> str | None:
    """The file that a URI is about, whatever its scheme (`git:` shows a file's past); None where it is
    about none (`untitled:Untitled-1`)."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    path = unquote(parts.path)
    if not path.startswith("/") or "\0" in path:
        return None
    if re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    elif parts.netloc and parts.scheme == "file":
        path = f"//{parts.netloc}{path}"
    return os.path.normpath(path)


def _plain(path: Path) -> str:
    return os.path.normpath(path.absolute())


def _match(rules: Iterable[_Rules], path: str, is_folder: bool) -> bool:
    """Whether any group of rules ignores a path; of a group, the last word."""
    words: dict[str, bool] = {}
    for group, base, patterns in rules:
        relative = path[len(base) :].replace(os.sep, "/").lstrip("/") + "/" * is_folder
        word = _word(patterns, relative.lower() if group == "secret" else relative)
        if word is not None:
            words[group] = word
    return any(words.values())


def _word(patterns: _Patterns, path: str) -> bool | None:
    """What the last pattern says that is about this path itself. pathspec's own answer is about what is
    below, too: there `!a` would bring a file in `a` back that other rules ignore."""
    for pattern in patterns:
        if pattern.regex is not None and _is_about(pattern.regex, path):
            return pattern.include
    return None


def _is_about(regex: re.Pattern[str], path: str) -> bool:
    """Whether one of pathspec's patterns, which match below folders too, is about a path itself."""
    if regex.pattern == "(?P<ps_d>/)":  # `*/`; `ps_d` is the end of a folder
        return path.endswith("/")
    found = regex.match(path)
    if found is None:
        return False
    if "ps_d" in regex.groupindex:
        return found["ps_d"] is None or found.end() == len(path)
    is_all_inside = regex.pattern.endswith("/")  # `a/**`
    return found.end() < len(path) or not is_all_inside


def _rule_files(folder: str) -> Iterator[tuple[str, str]]:
    """The files that may hold rules for a folder, each with its group; the last has the last word."""
    git = _git_folder(Path(folder, ".git"))
    if git is not None:
        yield "git", str(git / "info" / "exclude")
    for name, group in RULES.items():
        yield group, f"{folder}/{name}"


def _git_folder(git: Path) -> Path | None:
    """Where a repository keeps what its worktrees share (gitrepository-layout)."""
    if git.is_file():
        try:
            gitdir = git.parent / git.read_text().removeprefix("gitdir:").strip()
            common = gitdir / "commondir"
            return gitdir / common.read_text().strip() if common.is_file() else gitdir
        except (OSError, ValueError):
            return None
    return git if git.is_dir() else None


def _lines(file: str) -> list[str]:
    """Raises `_UnreadableError`."""
    try:
        # What is no plain file says nothing, and reading it might never end.
        if not Path(file).is_file():
            _ = Path(file).stat()
            return []
        with Path(file).open("rb") as opened:
            data = opened.read(MAX_SIZE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _UnreadableError(f"{file} cannot be read ({error.strerror})") from error
    if len(data) > MAX_SIZE:
        raise _UnreadableError(f"{file} cannot be read (it has more than {MAX_SIZE:,} bytes)")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell's `>` writes it
        text = data.decode("utf-16", "replace")
    else:
        text = os.fsdecode(data.removeprefix(codecs.BOM_UTF8))
    if "\0" in text:
        raise _UnreadableError(f"{file} cannot be read (it is no text)")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _pattern(line: str) -> GitIgnoreSpecPattern | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of `[[:alpha:]]`
            return GitIgnoreSpecPattern(line)
    except (ValueError, re.error):
        return None


def _stamp(file: str) -> object:
    """Differs when a file does."""
    try:
        status = Path(file).stat()
    except OSError as error:
        return error.errno
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode


_SECRET = tuple(map(GitIgnoreSpecPattern, SECRET_FILES))
