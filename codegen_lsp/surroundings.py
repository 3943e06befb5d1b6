"""What is known of a project's files: what they define, and pieces of those that were worked on last.

It reads no disk: whoever opens or indexes files puts them here, with text that may be shown to a model
(no ignored and no secret file, and secrets masked). Safe on any number of threads: texts are parsed and
cut into pieces before the lock is taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock

from codegen_lsp.common import n_common_start
from codegen_lsp.document import Chunk
from codegen_lsp.normal import normal
from codegen_lsp.similar import Index, Piece, pieces, words
from codegen_lsp.symbols import Symbol, outline
from codegen_lsp.syntax import Parsed, parse

# Characters of text kept of files that are or were open; the least recently used go. Copilot looks at 20
# files: these are as many of 100 kB.
MAX_TEXT = 2_000_000
# Characters of outlines kept, of all files: about 100,000 definitions.
MAX_OUTLINES = 10_000_000
# A longer file is generated, or data.
MAX_FILE = 500_000
# A name that more files define than this says nothing: `main`, `__init__`, `run`.
MAX_NAMESAKES = 32
# Chunks given at most: more than any prompt has room for.
N_CHUNKS = 8
# Less similar pieces are about something else.
MIN_SIMILARITY = 0.1
# More similar ones say what stands at the cursor already (llama.vim: 0.5).
MAX_SIMILARITY = 0.5
# A piece that is nearly one already chosen is left out (llama.vim: 0.9).
SAME = 0.9
# Places where something was done last (llama.vim's ring holds 16), and how much more the pieces there
# count.
N_PLACES = 16
RECENT = 1.25


@dataclass(frozen=True)
class _File:
    """A file: what it defines, and of those worked on also its text, parsed and in pieces."""

    outline: tuple[Symbol, ...] = ()
    parsed: Parsed | None = None
    pieces: tuple[Piece, ...] = ()

    @property
    def n_text(self) -> int:
        return len(self.parsed.text) if self.parsed else 0

    @property
    def n_outline(self) -> int:
        return sum(len(symbol.name) + len(symbol.text) for symbol in self.outline)


_NOTHING = _File()
_Key = tuple[str, str]  # a piece: its file's path, and its text


class Surroundings:
    """Files by their path, as a person calls them: relative to the project, with slashes."""

    def __init__(self, max_text: int = MAX_TEXT, max_outlines: int = MAX_OUTLINES) -> None:
        self._max_text, self._max_outlines = max_text, max_outlines
        self._lock = Lock()
        self._files: dict[str, _File] = {}  # the least recently used first
        self._n_text = self._n_outlines = 0
        self._symbols: dict[str, dict[str, tuple[str, ...]]] = {}  # by name, then by path
        self._index: Index[_Key] = Index()
        self._places: deque[tuple[str, int]] = deque(maxlen=N_PLACES)

    def put(self, path: str, text: str, language: str) -> None:
        """Know a file that is worked on, or its newer version: only what has changed is parsed again."""
        known = self._files.get(path, _NOTHING)
        text = normal(text, language)
        if known.parsed and (known.parsed.text, known.parsed.language) == (text, language):
            self.touch(path)
            return
        if len(text) > MAX_FILE or "\0" in text:
            self.forget(path)
            return
        parsed = parse(text, language, known.parsed)
        file = _File(outline(parsed), parsed, pieces(text))
        fresh = {text: words(text) for text in _new_texts(file, known)}
        with self._lock:
            self._remove(path, successor=file)
            self._add(path, file, fresh)
            self._evict(path)

    def learn(self, path: str, language: str, text: str) -> bool:
        """Know what the text of a file defines that nobody works on; say whether there was room."""
        return self.put_outline(path, outline(parse(normal(text, language), language)))

    def put_outline(self, path: str, symbols: tuple[Symbol, ...]) -> bool:
        """Know what a file defines that nobody works on; say whether there was room for it. A file that
        was put with its text is better known already."""
        file = _File(symbols)
        with self._lock:
            known = self._files.get(path, _NOTHING)
            if known.parsed:
                return True
            if self._n_outlines - known.n_outline + file.n_outline > self._max_outlines:
                return False
            self._remove(path)
            self._add(path, file, {})
            return True

    def forget(self, path: str) -> None:
        """Know nothing of a file any more."""
        with self._lock:
            self._remove(path)
            self._places = deque((place for place in self._places if place[0] != path), N_PLACES)

    def touch(self, path: str, line: int | None = None) -> None:
        """Something was done in a file, at a line (zero-based) of it: it is the last to be dropped, and
        that piece of it is rather shown than others."""
        with self._lock:
            if path in self._files:
                self._files[path] = self._files.pop(path)
            if line is not None and (path, line) not in self._places:
                self._places.append((path, line))

    def definitions(
        self, names: Iterable[str], near: str, imported: Collection[str], *, in_folder: bool = False
    ) -> tuple[Chunk, ...]:
        """How names are defined in other files than `near`, in the order of the names.

        Only what is in sight there: what is `imported` by its own name or by that of its file, and the
        files of the same folder if `in_folder`. Of several files that define a name, the nearest counts.
        """
        found: dict[Chunk, None] = {}
        with self._lock:
            for name in names:
                paths = self._symbols.get(name, {})
                if near in paths or len(paths) > MAX_NAMESAKES:
                    continue
                distances = {path: _distance(path, near, imported) for path in paths}
                seen = [
                    path
                    for path, (is_foreign, n_folders) in distances.items()
                    if name in imported or not is_foreign or (in_folder and n_folders == 0)
                ]
                if seen:
                    path = min(seen, key=lambda path: (distances[path], path))
                    found.update(dict.fromkeys(Chunk(path, text) for text in paths[path]))
                if len(found) >= N_CHUNKS:
                    break
        return tuple(found)[:N_CHUNKS]

    def similar(self, text: str, near: str) -> tuple[Chunk, ...]:
        """Pieces of other files than `near` that are about what `text` is about, the most similar
        first; none twice."""
        query = words(text)
        kept: list[_Key] = []
        with self._lock:
            recent = self._recent()
            ranked = sorted(
                (-similarity * (RECENT if key in recent else 1), key)
                for key, similarity in self._index.matches(query)
                if MIN_SIMILARITY <= similarity <= MAX_SIMILARITY and key[0] != near
            )
            for _, key in ranked:
                if all(self._index.similarity(key, other) <= SAME for other in kept):
                    kept.append(key)
                if len(kept) == N_CHUNKS:
                    break
        return tuple(Chunk(path, piece) for path, piece in kept)

    def _add(self, path: str, file: _File, fresh: Mapping[str, frozenset[str]]) -> None:
        self._files[path] = file
        self._n_text += file.n_text
        self._n_outlines += file.n_outline
        for symbol in file.outline:
            paths = self._symbols.setdefault(symbol.name, {})
            paths[path] = (*paths.get(path, ()), symbol.text)
        for text in {piece.text for piece in file.pieces}:
            if (path, text) not in self._index:
                self._index.add((path, text), fresh.get(text) or words(text))

    def _remove(self, path: str, successor: _File = _NOTHING) -> None:
        """Forget a file, but for the pieces that its successor has as well."""
        file = self._files.pop(path, _NOTHING)
        self._n_text -= file.n_text
        self._n_outlines -= file.n_outline
        for name in {symbol.name for symbol in file.outline}:
            del self._symbols[name][path]
            if not self._symbols[name]:
                del self._symbols[name]
        for text in _new_texts(file, successor):
            self._index.remove((path, text))

    def _evict(self, newest: str) -> None:
        """Drop the texts that were not used for longest, until the others fit; not what they define."""
        for path, file in list(self._files.items()):
            if self._n_text <= self._max_text:
                return
            if file.parsed and path != newest:
                self._remove(path)
                self._add(path, _File(file.outline), {})

    def _recent(self) -> set[_Key]:
        """The pieces where something was done last."""
        return {
            (path, piece.text)
            for path, line in self._places
            for piece in self._files.get(path, _NOTHING).pieces
            if piece.line <= line <= piece.line + piece.text.count("\n")
        }


def _new_texts(file: _File, other: _File) -> set[str]:
    """Of the pieces that another version has not."""
    return {piece.text for piece in file.pieces} - {piece.text for piece in other.pieces}


def _distance(path: str, near: str, imported: Collection[str]) -> tuple[bool, int]:
    """How far a file lies from another: whether that does not import it, and over how many folders."""
    folders, others = path.split("/")[:-1], near.split("/")[:-1]
    module = path.rpartition("/")[2].partition(".")[0]
    n_up_and_down = len(folders) + len(others) - 2 * n_common_start(folders, others)
    return module not in imported, n_up_and_down
