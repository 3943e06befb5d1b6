"""Real files, typed again through a real completer, and what it makes of each key.

A piece is cut out of a file and typed back (see `typist.py`), so that what stands before and behind it
is real, in an editor that closes brackets (see `pairs.py`). The keys come as a person's do; only a pause
ends as soon as the completer has nothing more to do, and lasts until it has answered: a person who
stops, waits. A suggestion whose first line is what the file says next is taken in place of the next key.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol, TypeVar

from codegen_lsp.document import Document
from codegen_lsp.evaluate.pairs import (
    Edit,
    Page,
    backspace,
    clear_away,
    empty_page,
    insert,
    press,
)
from codegen_lsp.evaluate.referee import is_worse
from codegen_lsp.evaluate.tally import Generated, Key, Pressed, Source
from codegen_lsp.evaluate.typist import (
    MEAN_S,
    PAUSE_S,
    Place,
    Rest,
    Stroke,
    accepted,
    is_right,
    keys,
    places,
    strokes,
)
from codegen_lsp.languages import language_of, row
from codegen_lsp.syntax import adds_error, parse

PATIENCE_S = 15.0  # a pause lasts so long at most where no answer comes; nobody waits longer
FAST_PATIENCE_S = 60.0  # where the next key comes when the last is answered
LOOK_S = 1.0  # from opening a file to the first key in it

_T = TypeVar("_T")


class ReplayError(Exception):
    """It cannot be typed; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file without the part that is going to be typed, that part, and how it is typed. `path` is
    where it lies below the folder of the replay."""

    path: Path
    language: str
    before: str
    typed: str
    behind: str
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """What is typed, and the whole files of the project that it belongs to."""

    pieces: tuple[Piece, ...]
    files: Mapping[Path, str]

    def n_keys(self, language: str = "") -> int:
        """How many keys it takes to type it, or what of it is in one language, without a mistake."""
        chosen = (piece for piece in self.pieces if language in ("", piece.language))
        return sum(len(keys(piece.typed)) for piece in chosen)


class Answer(NamedTuple):
    """A completer's word on the newest state: what it shows (nothing where that is empty), when it came
    by `time.perf_counter`, and what it tells about it. `item` is its own."""

    text: str
    at: float
    source: Source = "none"
    generation: int | None = None
    cpu_s: float | None = None
    item: Any = None


class Completer(Protocol):
    """Somebody who suggests while a person types. All of it may raise `ProgramError`."""

    def open(self, document: Document, offset: int) -> None: ...

    def close(self, document: Document) -> None: ...

    def type(self, before: Document, edit: Edit, after: Document) -> None:
        """A key was pressed."""

    def hear(self, until: float) -> Answer | None:
        """The next answer for the newest state; None where there is none until then, or where it has
        become idle meanwhile."""

    def take(self, answer: Answer) -> None:
        """The whole of an answer has just been taken."""

    @property
    def is_idle(self) -> bool:
        """Whether it waits for nothing but a key."""

    @property
    def generated(self) -> Sequence[Generated] | None:
        """What its engine has done so far; None where it does not tell."""

    @property
    def n_warmed(self) -> int | None: ...


def script(files: Sequence[Path], n: int, length: int, seed: int) -> Script:
    """`n` pieces of `length` characters or more, spread evenly over the languages of the files, and in a
    language over its files. A folder stands for all files below it that have a grammar. Raises
    `ReplayError`."""
    texts = {path: _read(path) for path in files if not path.is_dir()}
    found = {path: places(text, n, length, Random(seed)) for path, text in texts.items()}
    for path, there in found.items():
        if not there:
            raise ReplayError(f"{path} is too short: there is nothing in it to type")
    for path, text in _below(path for path in files if path.is_dir()):
        texts[path], found[path] = text, places(text, n, length, Random(seed))
    if not any(found.values()):
        raise ReplayError("there is no file to type from")
    root = Path(os.path.commonpath([path.absolute().parent for path in texts]))
    inside = {path: path.absolute().relative_to(root) for path in texts}
    chosen = itertools.islice(_in_turn(found, Random(seed)), n)
    return Script(
        tuple(_piece(inside[path], texts[path], place, seed) for path, place in chosen),
        {inside[path]: text for path, text in texts.items()},
    )


def lay_out(script: Script, folder: Path) -> None:
    """Put the files into a folder that is going to be a project of its own."""
    for path, text in script.files.items():
        _write(folder / path, text)


def replay(
    script: Script,
    completer: Completer,
    folder: Path,
    *,
    fast: bool,
    hear: Callable[[int], None],
) -> Iterator[Pressed]:
    """Type everything, in the files that lie in `folder`; `hear` is told how many pieces are done.
    `fast`: the next key comes when the last one is answered. Raises `ProgramError`."""
    for n, piece in enumerate(script.pieces):
        path = folder / piece.path
        _write(path, piece.before + piece.behind)  # nobody shall find on the disk what is to come
        for pressed, shown in list(_typed(piece, path.as_uri(), completer, fast)):
            worse, is_missed = _judged(piece, shown) if shown else ("", False)
            yield replace(pressed, piece=n, worse=worse, is_missed=is_missed)
        _write(path, piece.before + piece.typed + piece.behind)
        hear(n + 1)


class _Press(NamedTuple):
    """What a person does next. `whole` is the answer that is taken as a whole by it, if one is."""

    key: Key
    edit: Edit
    after: Document
    wait_s: float
    n_saved: int = 0
    whole: Answer | None = None


class _Hand:
    """How far a person is in a piece."""

    def __init__(self, piece: Piece, uri: str) -> None:
        self.page = empty_page(piece.before, piece.typed, piece.behind, piece.language)
        self.document = Document(uri, piece.language, 1, self.page.left + self.page.right)
        self._strokes = piece.strokes
        self._n = 0

    @property
    def rest(self) -> Rest | None:
        """What is still to be typed; None where the last key was wrong."""
        rest, ahead = self.page.rest, self.page.ahead
        if rest is None or not ahead:
            return None if rest is None else Rest(rest)
        closing = itertools.takewhile(lambda put: "\n" not in put.text, ahead)
        n_free = max(0, ahead[0].at - len(self.page.typed))
        return Rest(rest, n_free, "".join(put.text for put in closing))

    def press(self, answer: Answer | None) -> _Press | None:
        """Do the next thing in view of what is shown; None at the end."""
        done = (self._take(answer) if answer else None) or self._clear_away()
        if done is None and self._n < len(self._strokes):
            done = self._stroke(self._strokes[self._n])
        return done

    def _take(self, answer: Answer) -> _Press | None:
        """Take what is right of an answer, where that is more than one key."""
        part = accepted(answer.text, self.rest) if self.rest else ""
        n_saved = len(keys(part)) - 1
        if n_saved < 1:
            return None
        after = self._edited(insert(self.page, part))
        strokes, n_typed = self._strokes, len(self.page.typed)
        self._n = next(
            (n for n in range(self._n, len(strokes)) if strokes[n].at >= n_typed), len(strokes)
        )
        whole = answer if part == answer.text else None
        return _Press("acceptance", *after, strokes[self._n - 1].wait_s, n_saved, whole)

    def _clear_away(self) -> _Press | None:
        """Delete what the editor has put in and the file does not say."""
        done = clear_away(self.page)
        return _Press("deletion", *self._edited(done), MEAN_S) if done else None

    def _stroke(self, stroke: Stroke) -> _Press:
        self._n += 1
        if not stroke.text:
            return _Press("deletion", *self._edited(backspace(self.page)), stroke.wait_s)
        key: Key = "line" if "\n" in stroke.text else "character"
        return _Press(key, *self._edited(press(self.page, stroke.text)), stroke.wait_s)

    def _edited(self, done: tuple[Edit, Page]) -> tuple[Edit, Document]:
        edit, self.page = done
        text, version = self.page.left + self.page.right, self.document.version + 1
        self.document = replace(self.document, version=version, text=text)
        return edit, self.document


class _Shown(NamedTuple):
    """A suggestion, and what stood before and behind the cursor."""

    text: str
    before: str
    behind: str


def _typed(
    piece: Piece, uri: str, completer: Completer, fast: bool
) -> Iterator[tuple[Pressed, _Shown | None]]:
    """Type one piece, and do nothing else meanwhile."""
    hand = _Hand(piece, uri)
    before = hand.document
    completer.open(before, hand.page.cursor)
    if not fast:
        time.sleep(LOOK_S)
    answer: Answer | None = None
    while (press := hand.press(answer)) is not None:
        pressed_at = time.perf_counter()
        completer.type(before, press.edit, press.after)
        if press.whole:
            completer.take(press.whole)
        answer, before = _heard(completer, pressed_at, press.wait_s, fast), press.after
        pressed = Pressed(0, piece.language, press.key, press.wait_s, n_saved=press.n_saved)
        if answer is None:
            yield pressed, None
            continue
        yield (
            replace(
                pressed,
                answer_ms=(answer.at - pressed_at) * 1000,
                source=answer.source,
                shown=bool(answer.text),
                right=bool(answer.text) and is_right(answer.text, hand.rest),
                generation=answer.generation,
                cpu_s=answer.cpu_s,
            ),
            _Shown(answer.text, hand.page.left, hand.page.right) if answer.text else None,
        )
    completer.close(before)


def _heard(completer: Completer, pressed_at: float, wait_s: float, fast: bool) -> Answer | None:
    """What came until the next key, which this waits for."""
    is_pause = wait_s >= PAUSE_S
    due = pressed_at + (0.0 if fast else wait_s)
    patience_s = FAST_PATIENCE_S if fast else PATIENCE_S if is_pause else wait_s
    answer: Answer | None = None
    while True:
        until = due if answer else max(due, pressed_at + patience_s)
        is_over = time.perf_counter() >= until
        if is_over or (answer and is_pause and completer.is_idle):
            return answer
        heard = completer.hear(until)
        if heard and not (answer and answer.text):
            answer = heard


def _judged(piece: Piece, shown: _Shown) -> tuple[str, bool]:
    """Where the text parses worse with what was shown, and with what; nothing where it does not. And
    whether `syntax.py` misses that."""
    text, before, behind = shown
    if not is_worse(before + behind, before + text + behind, piece.language):
        return "", False
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    where = f"{piece.path.as_posix()}:{line}:{column} {text!r}"
    text, before, behind = (each.replace("\r\n", "\n") for each in shown)
    return where, not adds_error(parse(before + behind, piece.language), len(before), text)


def _in_turn(found: Mapping[Path, Sequence[Place]], random: Random) -> Iterator[tuple[Path, Place]]:
    """One language after the other, and in each one file after the other."""
    by_language: dict[str, list[Iterator[tuple[Path, Place]]]] = {}
    for path, there in sorted(found.items()):
        drawn = iter([(path, place) for place in there])
        by_language.setdefault(language_of(path.suffix), []).append(drawn)
    for each in by_language.values():
        random.shuffle(each)
    return _alternating([_alternating(each) for _, each in sorted(by_language.items())])


def _alternating(each: Iterable[Iterator[_T]]) -> Iterator[_T]:
    waiting = deque(each)
    while waiting:
        first = waiting.popleft()
        for item in first:
            yield item
            waiting.append(first)
            break


def _piece(path: Path, text: str, place: Place, seed: int) -> Piece:
    before, typed, behind = text[: place.start], text[slice(*place)], text[place.end :]
    pressed = strokes(typed, Random(f"{seed} {path.as_posix()} {place.start}"))
    return Piece(path, language_of(path.suffix), before, typed, behind, pressed)


def _below(folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The files below some folders that have a grammar and can be read."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and row(language_of(path.suffix)).grammar:
                with contextlib.suppress(ReplayError):
                    yield path, _read(path)


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReplayError(f"{path} is no text in UTF-8") from error
    if "\0" in text:
        raise ReplayError(f"{path} is a binary file")
    if not text.strip():
        raise ReplayError(f"{path} is empty: there is nothing to type")
    return text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
