"""What the model should know: document and offset become a `Context`.

It holds the text around the cursor in normal form, its tree, and the way back into the document; what
other files say about it is looked up when somebody asks for it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property

from codegen_lsp.document import Chunk, Document, line_start
from codegen_lsp.history import Said
from codegen_lsp.intents import intent_at
from codegen_lsp.normal import PLAIN, Style, normal, restored, style_at
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.syntax import (
    Definition,
    Kind,
    Parsed,
    definitions,
    imports,
    kind_at,
    names,
    open_block,
    parse,
)
from codegen_lsp.talk import SILENCE, Talk, placed, related
from codegen_lsp.turns import Turn

# A line of a thousand characters is generated or minified: nobody types it, and no budget holds it.
MAX_LINE = 1_000
# Characters that a prompt may be made of on each side of the cursor. Models have at most some 4,000
# tokens of context, of about 3.4 bytes each; the margin keeps the cut away from what is used.
WINDOW = 32_768
# Of a longer text only the part around the cursor is looked at: so many characters on each side, from
# and to borders of blocks of that size, so that the part stays the same from key to key.
MAX_TEXT = 1_000_000
BLOCK = 65_536
# Where the files of a folder see each other without a word.
PACKAGE_LANGUAGES = frozenset({"csharp", "go", "java", "kotlin", "scala", "swift"})
# Lines above the cursor whose names and words say what is being written.
N_LINES_NEAR = 24


@dataclass(frozen=True)
class Context:
    r"""The text around the cursor, in normal form: \n as its only line end, spaces for tabs.

    `prefix` begins at the start of a line, `first_line` (zero-based) of the file. `parsed` is the whole
    text, and `offset` the cursor in it. `path` is how a person calls the file. `chunks` are those of
    other files that the prompt shows. What is wanted answers `n_intents` at once. `talk` is what was
    said, of the `document` as it was given. A huge file counts as the part around the cursor, with one
    line above it, and has no turns.
    """

    language: str
    prefix: str
    suffix: str
    first_line: int
    parsed: Parsed
    offset: int
    path: str = ""
    style: Style = PLAIN
    surroundings: Surroundings | None = field(default=None, repr=False, compare=False)
    chunks: tuple[Chunk, ...] = ()
    n_intents: int = 1
    document: Document | None = field(default=None, repr=False, compare=False)
    talk: Talk = field(default=SILENCE, repr=False, compare=False)

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

    @cached_property
    def kind(self) -> Kind:
        """What the cursor stands in."""
        return kind_at(self.parsed, self.offset)

    @cached_property
    def opens_block(self) -> bool:
        """Whether the cursor stands in an empty block behind a header."""
        return open_block(self.parsed, self.offset)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names used just above the cursor, the nearest first."""
        start = self.offset
        for _ in range(N_LINES_NEAR):
            start = max(0, self.parsed.text.rfind("\n", 0, start))
        return names(self.parsed, start, self.offset)[::-1]

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """What the document defines."""
        return definitions(self.parsed)

    @cached_property
    def elsewhere(self) -> tuple[Chunk, ...]:
        """What other files say about the code at the cursor, the most valuable first. It is looked up
        when first asked for: most prompts keep the chunks of the one before."""
        if self.surroundings is None:
            return ()
        imported = {
            name for start, end in imports(self.parsed) for name in names(self.parsed, start, end)
        }
        own = {definition.name for definition in self.definitions}
        unknown = [name for name in self.names if name not in own]
        first = sorted(unknown, key=lambda name: name not in imported)
        near = "\n".join(self.prefix.split("\n")[-N_LINES_NEAR:])
        defined = self.surroundings.definitions(
            first, self.path, imported, in_folder=self.language in PACKAGE_LANGUAGES
        )
        return defined + self.surroundings.similar(near, self.path)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the file that begin above the cursor, at their places in `parsed`. They are
        looked for when first asked for: most prompts go on with the layout of the one before. So a key
        in 10,000 lines takes 1.4 ms with 200 turns as with none, and a new layout 28 ms instead of 25
        (`gather` and `render` with nano's tokenizer, medians of 190 keys typed at the file's end)."""
        document, turns = self.document, self.talk.turns
        if document is None or not turns or len(document.text) > MAX_TEXT:
            return ()
        if self.parsed.text != document.text:
            turns = placed(turns, document.text, document.language)
        return turns[: bisect_left(turns, self.offset, key=lambda turn: turn.start)]

    @cached_property
    def intent(self) -> str:
        """What a comment at the cursor, or above it, wants; "" where there is none."""
        found = intent_at(self.parsed, self.offset)
        return found.text if found else ""

    @cached_property
    def said_elsewhere(self) -> tuple[Said, ...]:
        """The turns of other files."""
        return self.talk.elsewhere()

    @cached_property
    def related(self) -> tuple[Said, ...]:
        """The turns of other files that share names with the intent, the nearest first."""
        if not (self.said_elsewhere and self.intent):
            return ()
        return related(self.said_elsewhere, self.intent, self.language)

    def restored(self, answer: str) -> str:
        """An answer with the line ends and the indentation of the document around the cursor."""
        return restored(answer, self.line_before, self.style)


def gather(
    document: Document,
    offset: int,
    before: Parsed | None = None,
    surroundings: Surroundings | None = None,
    path: str = "",
    talk: Talk = SILENCE,
) -> Context | None:
    """The context of a cursor, or None where nothing sensible can be said: in a binary file, in an
    overlong line.

    All that a prompt says of a document comes from the text given here: who wants something kept from
    models masks it before, character by character. `before` is `Context.parsed` of an earlier version,
    so that only what has changed is parsed; `surroundings` what is known of other files, where this one
    is called `path`; and `talk` what was said, here and there.
    """
    text, offset = _part(document.text, offset)
    start = line_start(text, offset)
    if _line_end(text, offset) - start > MAX_LINE or "\0" in text:
        return None
    # Normal forms are made of whole lines, so that no cut goes through a line end.
    above = normal(text[:start], document.language)
    here = normal(text[start:offset], document.language)
    parsed = parse(above + normal(text[start:], document.language), document.language, before)
    at = len(above) + len(here)
    # Lines are not counted in a huge text, which takes longer than all the rest.
    n_lines_above = 0 if len(document.text) <= MAX_TEXT else 1
    first = 0 if at <= WINDOW else parsed.text.find("\n", at - WINDOW) + 1
    return Context(
        document.language,
        parsed.text[first:at],
        parsed.text[at : at + WINDOW],
        n_lines_above + parsed.text.count("\n", 0, first),
        parsed,
        at,
        path,
        style_at(text, offset, document.language),
        surroundings,
        document=document,
        talk=talk,
    )


def _part(text: str, offset: int) -> tuple[str, int]:
    """The part of a text that is looked at, and the cursor's offset in it: all of it, unless that is
    huge; then whole lines. A cursor within a line end stands before it."""
    if offset and text.startswith("\r\n", offset - 1):
        offset -= 1
    if len(text) <= MAX_TEXT:
        return text, offset
    first = max(0, offset // BLOCK - 1) * BLOCK
    part = text[first : first + 3 * BLOCK]
    start = line_start(part, offset - first) and _line_end(part, 0) if first else 0
    end = max(line_start(part, len(part)), _line_end(part, offset - first))
    return part[start:end], offset - first - start


def _line_end(text: str, offset: int) -> int:
    """Where the line ends, before its line end."""
    ends = (text.find("\n", offset), text.find("\r", offset))
    return min((end for end in ends if end >= 0), default=len(text))
