"""Turns that survive a restart of the server, where their document's text is unchanged.

One small file a document, in the person's state directory. It is named by a hash of the document's URI
and holds a hash of its text, and of each turn what cannot be read off the text: its place, what its
comment asked for, and by what its code was made. There is no code in it, and nothing that looks like a
secret. A text that has changed meanwhile, outside or in an editor that did not keep it, has no turns:
nobody saw the edits that they would have to follow.

Whatever goes wrong with the disk costs no more than the memory, and one line in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codegen_lsp.document import Document
from codegen_lsp.models import state_dir
from codegen_lsp.secrets import mask
from codegen_lsp.turns import Origin, Turn, Turns, restored

logger = logging.getLogger(__name__)

FORMAT = 1
# A turn takes 100 to 300 bytes: so many documents with thirty turns each.
MAX_DOCUMENTS = 500
MAX_BYTES = 4_000_000
# Of one document: for some intents of 10,000 words.
MAX_FILE = 400_000

_ENDS = (".json", ".part")


class Recall:
    """The turns of documents on the disk; on any thread, for the newest file holds."""

    def __init__(
        self,
        folder: Path | None = None,
        max_documents: int = MAX_DOCUMENTS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._folder = folder or state_dir() / "turns"
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._has_warned = False

    def save(self, document: Document, turns: Turns) -> None:
        """Remember a document's turns; forget it where there are none, or `turns` are of another text.

        Whoever calls this asks `privacy.refusal` first: of a document that is kept back nothing may be
        stored. 200 turns in 400 kB take 4 ms, so ask for it in a pause or on another thread.
        """
        path = self._path(document.uri)
        data = b""
        if turns.turns and turns.text == document.text:
            data = json.dumps(_as_json(turns), separators=(",", ":")).encode()
        try:
            if not data or len(data) > min(MAX_FILE, self._max_bytes):
                path.unlink(missing_ok=True)
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, data)
            self._make_room()
        except OSError as error:
            self._warn("remembered", error)

    def load(self, document: Document) -> Turns:
        """The turns that a document had when it last said what it says now; else none."""
        path = self._path(document.uri)
        try:
            # Of a regular file only: to open a pipe would take for ever.
            if not path.is_file() or path.stat().st_size > MAX_FILE:
                return Turns(document.text)
            stored = json.loads(path.read_bytes())
        except OSError as error:
            self._warn("read", error)
            return Turns(document.text)
        except (ValueError, RecursionError):  # no JSON, no Unicode; brackets without an end
            return Turns(document.text)
        return _turns(stored, document.text) or Turns(document.text)

    def move(self, uri: str, other: str) -> None:
        """What is remembered of a document is that of another name from now on."""
        try:
            self._path(uri).replace(self._path(other))
        except FileNotFoundError:
            pass  # nothing is
        except OSError as error:
            self._warn("moved", error)

    def wipe(self) -> bool:
        """Forget the turns of all documents; say whether nothing is left of them."""
        is_clean = True
        try:
            for path in self._files():
                is_clean &= self._delete(path)
        except OSError as error:  # nobody may look into the folder
            self._warn("deleted", error)
            return False
        return is_clean

    def _path(self, uri: str) -> Path:
        return self._folder / f"{_hash(uri)}.json"

    def _files(self) -> list[Path]:
        """Ours, and what was left of one when the machine stopped."""
        if not self._folder.is_dir():
            return []
        return [path for path in self._folder.iterdir() if path.suffix in _ENDS]

    def _delete(self, path: Path) -> bool:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._warn("deleted", error)
            return False
        return True

    def _make_room(self) -> None:
        """Delete the files that nobody has written for the longest time, beyond what is allowed."""
        ages_and_sizes = []
        for path in self._files():
            with suppress(FileNotFoundError):  # another server has just deleted it
                stat = path.stat()
                ages_and_sizes.append((stat.st_mtime_ns, stat.st_size, path))
        n_bytes = 0
        for n_newer, (_, size, path) in enumerate(sorted(ages_and_sizes, reverse=True)):
            n_bytes += size
            if n_newer >= self._max_documents or n_bytes > self._max_bytes:
                self._delete(path)

    def _warn(self, what: str, error: OSError) -> None:
        """Once: the next key would say the same."""
        if not self._has_warned:
            reason = error.strerror or type(error).__name__
            logger.warning("turns cannot be %s in %s: %s", what, self._folder, reason)
        self._has_warned = True


def _as_json(turns: Turns) -> dict[str, Any]:
    stored = []
    for turn in turns.turns:
        each = asdict(turn) | {"intent": mask(turn.intent), "comment": mask(turn.comment)}
        if not turn.is_stale:
            del each["comment"]  # the text says it
        stored.append(each)
    return {
        "format": FORMAT,
        "text": _hash(turns.text),
        "n_given": turns.n_given,
        "turns": stored,
    }


def _turns(stored: Any, text: str) -> Turns | None:
    """What a file says, if it is about this text and makes sense."""
    try:
        if stored["format"] != FORMAT or stored["text"] != _hash(text):
            return None
        turns = tuple(_turn(each) for each in stored["turns"])
        return restored(text, turns, _integer(stored["n_given"]))
    except (TypeError, KeyError, ValueError, OverflowError):  # no mapping, other names or values
        return None


def _turn(stored: dict[str, Any]) -> Turn:
    origin = stored["origin"]
    return Turn(
        _integer(stored["number"]),
        _integer(stored["start"]),
        _integer(stored["border"]),
        _integer(stored["end"]),
        _string(stored["intent"]),
        None if origin is None else _origin(origin),
        stored["is_stale"] is True,
        _string(stored["comment"]) if stored["is_stale"] is True else "",
        None if stored["opening"] is None else _string(stored["opening"]),
        stored["is_accepted"] is True,
    )


def _origin(stored: dict[str, Any]) -> Origin:
    mean_logprob = float(stored["mean_logprob"])
    if not math.isfinite(mean_logprob):
        raise ValueError(mean_logprob)
    return Origin(
        _string(stored["model"]),
        _integer(stored["seed"]),
        _integer(stored["n_prompt"]),
        mean_logprob,
    )


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _hash(text: str) -> str:
    """Also of a text with half of a surrogate pair, as an editor may send it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and for the person alone: that is how `mkstemp` makes files."""
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(part).replace(path)
    except OSError:
        with suppress(OSError):
            Path(part).unlink()
        raise
