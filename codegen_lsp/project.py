"""The files of a project, read in the background: what they define is known before they are opened.

One thread of low priority goes from folder to folder, those near open files first, and takes a tenth of
a processor core while nobody else needs it. It opens nothing that is ignored or secret, and ends where
its limits are. Afterwards it reads again what it is told has changed; it watches nothing by itself.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from codegen_lsp.common import n_common_start
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.ignore import RULES, Ignore
from codegen_lsp.languages import language_of
from codegen_lsp.privacy import may_read
from codegen_lsp.secrets import mask

logger = logging.getLogger(__name__)

Learn = Callable[[str, str, str], bool]
"""Takes what a file defines: its name (see `Project.name_of`), its language and its text, in which no
secrets are. Says whether there is room for more."""

# Folders that hold what tools have made or fetched, where no rule says so. Hidden ones are left out,
# too, and virtual environments.
FETCHED = {"node_modules", "bower_components", "__pycache__", "site-packages"}
# Open files whose neighbours come first.
MAX_NEAR = 8
# Files and folders looked at in one go; takes a millisecond.
STEP = 64
# Seconds of rest that are saved up, because the shortest rests take longer than they should.
MIN_REST = 0.02


@dataclass(frozen=True, slots=True)
class Limits:
    """What the thread may take: files that are read, files and folders that are looked at, seconds of
    processor time, the share of a core meanwhile, bytes of a single file."""

    n_files: int = 10_000
    n_seen: int = 200_000
    seconds: float = 120.0
    share: float = 0.1
    # Takes 10 ms to parse, in which a key might have to wait for the interpreter's lock.
    n_bytes: int = 131_072


@dataclass(frozen=True, slots=True)
class Status:
    """How far it is: files of known languages that were seen, those of which the definitions are known,
    and whether all were looked at, or why not."""

    n_seen: int = 0
    n_indexed: int = 0
    is_finished: bool = False
    stopped: str = ""

    @property
    def is_over(self) -> bool:
        return self.is_finished or bool(self.stopped)

    def __str__(self) -> str:
        files = f"{self.n_indexed:,} of {self.n_seen:,} files"
        if self.stopped:
            return f"knows {files}; stopped there: {self.stopped}"
        return f"knows {files}" if self.is_finished else f"reading: {files} so far"


class Project:
    """The workspace folders of one client. All methods may be called on any thread, and return at
    once."""

    def __init__(
        self,
        learn: Learn,
        forget: Callable[[str], None],
        limits: Limits | None = None,
        hear: Callable[[Status], None] = lambda _: None,
    ) -> None:
        """`learn`, `forget` (which gets a name) and `hear` are called on the thread; `hear` when it
        begins and when it ends."""
        self._learn, self._forget, self._hear = learn, forget, hear
        self._limits = limits or Limits()
        # What others say, guarded by `_news`.
        self._news = threading.Condition()
        self._roots: tuple[str, ...] = ()
        self._config = Config()
        self._near: deque[str] = deque(maxlen=MAX_NEAR)  # folders of open files, the last one first
        self._imported: frozenset[str] = frozenset()
        self._orders: dict[str, Callable[[], None]] = {}
        self._is_paused = self._is_closed = False
        # What the thread knows and has to do.
        self._ignore = Ignore()
        self._status = Status(is_finished=True)
        self._known: dict[str, _Known] = {}  # by path
        self._unsure: deque[str] = deque()  # known, but perhaps gone, or no longer to be known
        self._files: deque[str] = deque()
        self._entries: Iterator[os.DirEntry[str]] = iter(())  # of the folder that is walked
        self._folders: list[tuple[int, str]] = []  # a heap, by distance
        self._walked: set[str] = set()
        self._n_looked_at = 0
        self._seconds = self._debt = self._resting_until = self._seconds_used = 0.0
        self._thread = threading.Thread(target=self._run, name="project", daemon=True)
        self._thread.start()

    @property
    def status(self) -> Status:
        return self._status

    @property
    def seconds_used(self) -> float:
        """The processor time that its thread has used so far."""
        return self._seconds_used

    def name_of(self, path: str) -> str:
        """How a person calls a file: by its way from the workspace folder, with slashes; from that
        folder's name on, where there are several."""
        root = next((root for root in self._roots if _is_in(path, root)), None)
        if root is None:
            return Path(path).name
        base = str(Path(root).parent) if len(self._roots) > 1 else root
        return path[len(base) :].replace(os.sep, "/").lstrip("/")

    def open(self, roots: Iterable[Path], config: Config) -> None:
        """Read these folders, from the beginning, as far as these settings allow."""
        with self._news:
            self._roots = tuple(os.path.normpath(root.absolute()) for root in roots)
            self._config = config
            self._order("begin", self._begin)

    def turn_to(self, path: str, imported: Collection[str] = ()) -> None:
        """A file was opened: what lies around it comes first, and files and folders that are called like
        one of the modules that it imports."""
        folder = str(Path(path).parent)
        with self._news:
            self._imported |= frozenset(imported)
            if folder in self._near:
                self._near.remove(folder)
            self._near.appendleft(folder)
            self._order("turn", self._turn)

    def look_again(self, path: str) -> None:
        """A file was made, changed, deleted or closed."""
        with self._news:
            if Path(path).name in RULES:
                self._order("begin", self._begin)
            else:
                self._order(path, partial(self._read_again, path))

    def pause(self) -> None:
        """Do nothing for now: somebody else needs the processor."""
        self._is_paused = True

    def resume(self) -> None:
        with self._news:
            self._is_paused = False
            self._news.notify()

    def close(self) -> None:
        """End, behind the file that is being read."""
        with self._news:
            self._is_closed = True
            self._news.notify()
        self._thread.join(timeout=1.0)

    def _order(self, what: str, task: Callable[[], None]) -> None:
        """To be done before all else, in the order of their first mention."""
        self._orders[what] = task
        self._news.notify()

    def _run(self) -> None:
        _be_humble()
        while (task := self._next()) is not None:
            begun = time.thread_time()
            try:
                task()
            except Exception as error:  # whatever is wrong with a file, there are others
                logger.error("the project's index has met a %s", type(error).__name__)
            self._rest(time.thread_time() - begun)

    def _next(self) -> Callable[[], None] | None:
        """Wait for something to do, and until it may be done; None at the end."""
        with self._news:
            while not self._is_closed:
                rest = self._resting_until - time.monotonic()
                # What may no longer be known does not wait.
                if "begin" in self._orders:
                    return self._orders.pop("begin")
                if self._unsure:
                    return self._sweep
                if not self._is_paused and rest <= 0:
                    if self._orders:
                        return self._orders.pop(next(iter(self._orders)))
                    if not self._status.is_over:
                        return self._go_on
                self._news.wait(rest if rest > 0 else None)
        return None

    def _rest(self, seconds: float) -> None:
        """After so much work."""
        self._seconds += seconds
        self._seconds_used += seconds
        self._debt += seconds * (1 / self._limits.share - 1)
        if self._debt > MIN_REST:
            self._resting_until, self._debt = time.monotonic() + self._debt, 0.0

    def _begin(self) -> None:
        """Look at everything anew. What is known stays known, if it is still there and may be."""
        self._ignore.root_in(map(Path, self._roots))
        self._n_looked_at, self._seconds = 0, 0.0
        self._unsure.extend(self._known)
        self._walked.clear()
        self._files.clear()
        self._entries = iter(())
        self._folders = [(0, folder) for folder in (*self._roots, *self._near)]
        self._status = Status()
        self._turn()
        self._hear(self._status)

    def _sweep(self) -> None:
        for path in _first(self._unsure, STEP):
            known = self._known.get(path)
            is_same = known is not None and known.name == self.name_of(path)
            if not is_same or not self._may_read(path) or _stamp(path) is None:
                self._drop(path)

    def _turn(self) -> None:
        """The nearest folders first, and none twice."""
        wanted = {*self._near, *(folder for _, folder in self._folders)} - self._walked
        self._folders = [(self._distance(folder), folder) for folder in wanted]
        heapq.heapify(self._folders)
        if self._folders:
            self._status = replace(self._status, is_finished=False)

    def _go_on(self) -> None:
        entries = list(islice(self._entries, STEP))
        if stopped := self._why_stop():
            self._end(stopped)
        elif entries:
            self._see(entries)
        elif self._files:
            self._read(self._files.popleft())
        elif self._folders:
            _, folder = heapq.heappop(self._folders)
            self._walked.add(folder)
            self._entries = _entries(folder)
        else:
            self._end()

    def _end(self, stopped: str = "") -> None:
        self._status = replace(self._status, is_finished=not stopped, stopped=stopped)
        self._entries = iter(())
        self._files.clear()
        self._folders.clear()
        self._hear(self._status)

    def _why_stop(self) -> str:
        """Which limit was reached, if any."""
        limits = self._limits
        if len(self._known) >= limits.n_files and (self._files or self._folders):
            return f"these are the {limits.n_files:,} nearest ones"
        if self._n_looked_at > limits.n_seen:
            return f"there are more than {limits.n_seen:,} files and folders"
        if self._seconds > limits.seconds:
            return f"it has taken {limits.seconds:.0f} s of processor time"
        return ""

    def _distance(self, folder: str) -> int:
        """Over how many folders it is from an open file, or else from the top."""
        if Path(folder).name in self._imported:
            return 0
        return min((_n_between(folder, near) for near in (self._near or self._roots)), default=0)

    def _see(self, entries: list[os.DirEntry[str]]) -> None:
        """Note what is in a folder, to be read and walked. What links lead to is found by itself, or is
        none of the project's."""
        self._n_looked_at += len(entries)
        n_before = len(self._files)
        for entry in entries:
            path = entry.path
            if entry.is_dir(follow_symlinks=False):
                if self._is_in_roots(path) and self._is_own(path) and path not in self._walked:
                    heapq.heappush(self._folders, (self._distance(path), path))
            elif entry.is_file(follow_symlinks=False) and self._may_read(path):
                is_imported = Path(path).stem in self._imported
                (self._files.appendleft if is_imported else self._files.append)(path)
        n_seen = self._status.n_seen + len(self._files) - n_before
        self._status = replace(self._status, n_seen=n_seen)

    def _is_in_roots(self, path: str) -> bool:
        return any(_is_in(path, root) for root in self._roots)

    def _is_own(self, folder: str) -> bool:
        """Whether the project's people have written what is in a folder."""
        name = Path(folder).name
        is_made = name.startswith(".") or name in FETCHED or Path(folder, "pyvenv.cfg").exists()
        return not is_made and not self._ignore.covers(folder, is_folder=True)

    def _may_read(self, path: str) -> bool:
        language = language_of(Path(path).suffix)
        unread = Document(path, language, 0, "")
        return language != "plaintext" and may_read(unread, self._config, self._ignore.covers)

    def _read_again(self, path: str) -> None:
        around = [str(folder) for folder in Path(path).parents]
        inside = [folder for folder in around if self._is_in_roots(folder)]
        if around[0] in self._walked or (inside and all(map(self._is_own, inside[:-1]))):
            self._read(path, is_changed=True)

    def _read(self, path: str, *, is_changed: bool = False) -> None:
        """Know what a file defines; nothing of what cannot be read, is too long or no text."""
        stamp = _stamp(path) if self._may_read(path) else None
        known = self._known.get(path)
        if stamp is None or known is None or known.stamp != stamp or is_changed:
            text = None if stamp is None else _text(path, self._limits.n_bytes)
            if text is None:
                self._drop(path)
                return
            if known is None and len(self._known) >= self._limits.n_files:
                return
            name = self.name_of(path)
            if not self._learn(name, language_of(Path(path).suffix), mask(text)):
                self._end("there is no room for more")
                return
            self._known[path] = _Known(name, stamp)
        self._status = replace(self._status, n_indexed=len(self._known))

    def _drop(self, path: str) -> None:
        known = self._known.pop(path, None)
        if known is not None:
            self._forget(known.name)


class _Known(NamedTuple):
    """How a file was called, and its time and length when it was read."""

    name: str
    stamp: tuple[int, int] | None


def _be_humble() -> None:
    """Where threads have priorities of their own, take a low one."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _n_between(one: str, other: str) -> int:
    """How many folders up and down it is from one to another."""
    ones, others = Path(one).parts, Path(other).parts
    return len(ones) + len(others) - 2 * n_common_start(ones, others)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, as it comes; nothing where nobody may look."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def _first(waiting: deque[str], n: int) -> list[str]:
    """Take the first of those that wait."""
    return [waiting.popleft() for _ in range(min(n, len(waiting)))]


def _stamp(path: str) -> tuple[int, int] | None:
    """Of a plain file, when it was written and how long it is; None of everything else."""
    try:
        status = Path(path).lstat()
    except (OSError, ValueError):
        return None
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _text(path: str, n_bytes: int) -> str | None:
    """What a file says; None where it says too much, or nothing that is text."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(n_bytes + 1)
    except OSError:
        return None
    return None if len(data) > n_bytes or b"\0" in data else data.decode("utf-8-sig", "replace")
