"""What the model should know: document and offset become a `Context`.

For now it is the text around the cursor; definitions, similar chunks and turns will join it here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property

from codegen_lsp.document import Chunk, Document
from codegen_lsp.syntax import Parsed, parse

# A line of a thousand characters is generated or minified: nobody types it, and no budget holds it.
MAX_LINE = 1_000
# Characters looked at on each side of the cursor. Models have at most some 4,000 tokens of context,
# and a token of code is about 3.4 bytes; the margin keeps the cut away from what is used.
WINDOW = 32_768
# Windows begin at every 32nd line of the file, so that they stay where they are from key to key. A
# window that moves with each line has its whole prompt evaluated again.
GRID = 32


@dataclass(frozen=True)
class Context:
    r"""The text around the cursor, with \n as its only line end.

    `prefix` begins at the start of a line, `first_line` (zero-based) of the file. `parsed` is the whole
    text, and `offset` the cursor in it. `chunks` are of other files, the most valuable first.
    """

    language: str
    prefix: str
    suffix: str
    first_line: int
    parsed: Parsed
    offset: int
    chunks: tuple[Chunk, ...] = ()

    @cached_property
    def line_before(self) -> str:
        """What stands left of the cursor on its line."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @cached_property
    def line_above(self) -> str:
        """The last line above the cursor's that is not blank."""
        return self.prefix[: len(self.prefix) - len(self.line_before)].rstrip().rpartition("\n")[2]

    @cached_property
    def line_after(self) -> str:
        """What stands right of the cursor on its line."""
        return self.suffix.partition("\n")[0]


def gather(document: Document, offset: int, before: Parsed | None = None) -> Context | None:
    """The context of a cursor, or None where nothing sensible can be said: in a binary file, in an
    overlong line. `before` is an earlier version of the text, parsed."""
    starts = document.line_starts
    line = bisect_right(starts, offset) - 1
    end = starts[line + 1] if line + 1 < len(starts) else len(document.text)
    if end - starts[line] > MAX_LINE:
        return None
    first = bisect_left(starts, offset - WINDOW)
    first = min(line, -(-first // GRID) * GRID)
    prefix = document.text[starts[first] : offset]
    suffix = document.text[offset : offset + WINDOW]
    if "\0" in prefix or "\0" in suffix:
        return None
    parsed = parse(unified(document.text), document.language, before)
    at = len(unified(document.text[:offset]))
    return Context(document.language, unified(prefix), unified(suffix), first, parsed, at)


def newline(document: Document) -> str:
    """The document's line end, read off its first line."""
    if len(document.line_starts) == 1:
        return "\n"
    first_line = document.text[: document.line_starts[1]]
    return "\r\n" if first_line.endswith("\r\n") else first_line[-1]


def unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
