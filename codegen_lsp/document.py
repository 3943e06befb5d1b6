"""The values that everything else speaks about; this file imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class Document:
    """One version of one open text. `version` is the client's, or 0 where there is none."""

    uri: str
    language: str
    version: int
    text: str
    # A line, and where it begins; of each version its own.
    _near: tuple[int, int] = field(default=(0, 0), init=False, repr=False, compare=False)

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

    def start_of(self, line: int) -> int | None:
        """The offset at which a line begins, if there are so many. Next to the last edit, where editors
        ask most, the lines are not counted again: that takes a millisecond in 10,000 lines."""
        number, start = self._near
        if line < number or "line_starts" in self.__dict__ or "\r" in self.text:
            return self.line_starts[line] if line < len(self.line_starts) else None
        for _ in range(line - number):
            start = self.text.find("\n", start) + 1
            if not start:
                return None
        return start

    def edited(self, version: int, line: int, start: int, end: int, text: str) -> Document:
        """Another version of it, with `text` in place of what stands between two offsets, the first of
        them on `line`."""
        document = replace(self, version=version, text=self.text[:start] + text + self.text[end:])
        if (line_start := self.start_of(line)) is not None:  # what stands before it is as it was
            object.__setattr__(document, "_near", (line, line_start))
        return document


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
    ends where it ends (see `engine.Stop`); `seed` is the one it was drawn with, 0 for the first.
    `fit` is how well it goes with the text around it, on the same scale (`rank`).
    """

    text: str
    mean_logprob: float
    n_tokens: int
    stop: str
    seed: int = 0
    fit: float = field(default=0.0, compare=False)


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
