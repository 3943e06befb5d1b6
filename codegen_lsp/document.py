"""The values that everything else speaks about; this file imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class Document:
    """One version of one open text. `version` is the client's, or 0 where there is none."""

    uri: str
    language: str
    version: int
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        r"""The offset at which each line begins, for the line ends of LSP: \n, \r\n and \r.

        `str.splitlines` knows seven more (form feed, U+2028 ...), which no editor counts.
        """
        unified = self.text
        if "\r" in unified:  # same length, so that offsets stay what they are
            unified = unified.replace("\r\n", "\0\n").replace("\r", "\n")
        ends = accumulate(len(line) + 1 for line in unified.split("\n"))
        return (0, *ends)[:-1]


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""Some lines of another file that the model should know; `path` is how a person calls that file,
    and \n the only line end."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that could stand at the cursor, and how sure the model was of it.

    `mean_logprob` is the mean natural logarithm of its tokens' probabilities; `stop` says why it
    ends where it ends (see `engine.Stop`).
    """

    text: str
    mean_logprob: float
    n_tokens: int
    stop: str


def line_start(text: str, offset: int) -> int:
    r"""Where the line of an offset begins, behind \n or \r."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def typed_since(base: Document, offset: int, document: Document, cursor: int) -> str | None:
    """What was put in at `offset` of a text to make another one of it, with the cursor behind it; None
    where anything else is different, too."""
    n_typed = len(document.text) - len(base.text)
    if n_typed < 0 or cursor != offset + n_typed or base.uri != document.uri:
        return None  # most end here, before anything is compared
    start, end = base.text[:offset], base.text[offset:]
    is_same = document.text.startswith(start) and document.text.endswith(end)
    return document.text[offset:cursor] if is_same else None
