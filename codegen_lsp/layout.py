"""What stands in front of a document's window, and where that begins: chosen seldom, then kept.

In front stand, from its beginning: chunks of other files, as comments; the file's imports; how what is
used near the cursor is defined elsewhere in the file, as comments; and the heads of the definitions
around the cursor. All of it only as far as the window does not show it.

Sizes are in characters here: how many a budget holds is estimated, and what was chosen is counted after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from codegen_lsp.context import Context
from codegen_lsp.document import Chunk
from codegen_lsp.languages import Language, row
from codegen_lsp.page import Page
from codegen_lsp.symbols import described
from codegen_lsp.syntax import Parsed, Scope, header, imports, names, scopes

# Shares of the budget. A new layout fills `FILL`, or as much more as leads to a seam of the code; with
# 1,024 tokens the rest is 30 to 40 lines typed.
FILL = 0.6
SEAM = 0.1
# Of other files, and of the same file above the window. Copilot gives other files half of its prompts,
# which are ten times as long. For the embedded model no difference could be measured: at some 300 places
# in six languages the next two lines took 1.39 bits a byte with these shares, with 15 and 15 %, with
# nothing in front of the window, and with a window that fills the budget (1.394 to 1.403).
CHUNKS = 0.15
HEAD = 0.1
# Definitions of the same file that are shown.
N_DEFINITIONS = 4
# Lines by which a window's beginning is known again when lines above it have come or gone.
N_ANCHOR = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in front of a window, and the line (zero-based, of the file) where that begins; of one
    tokenizer.

    The window's first lines were `anchor`. `tokens` has those of the last prompt, by the stretches in
    which it was tokenized; `before` is the layout that was left for this one: the cursor may go back.
    """

    chunks: tuple[Chunk, ...]
    imports: str
    front: str
    first_line: int
    anchor: str
    tokens: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False, compare=False)
    before: Layout | None = field(default=None, repr=False, compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether the window begins where the file does: then the prompt of every cursor further up is
        a beginning of the one further down."""
        return self.first_line == 0

    def start_in(self, page: Page) -> int | None:
        """Where the lines are in a page that the window began with; if they have moved, only where there
        is no doubt."""
        line = self.first_line - page.first_line
        if 0 <= line < len(page.starts) and page.text.startswith(self.anchor, page.starts[line]):
            return page.starts[line]
        moved = "\n" + self.anchor
        return page.text.index(moved) + 1 if page.text.count(moved) == 1 else None


def lay_out(
    context: Context, page: Page, n_characters: int, former: tuple[Chunk, ...] = ()
) -> tuple[Layout, int]:
    """A layout for a budget of so many characters, which leaves part of it free; and the offset in the
    page at which its window begins. `former` are the chunks of the last prompt: they stay, and where
    they are, as long as they are among the best."""
    chunks, above = _chosen(context, former, int(n_characters * CHUNKS))
    room = int(n_characters * FILL) - len(above)
    n_more = int(n_characters * SEAM)
    start = page.window(room, n_more)
    imported, head = "", ""
    if not page.begins_file(start):
        n_head = int(n_characters * HEAD)
        _, most = _head(context, page.window(room - n_head, n_more), n_head)
        start = page.window(room - len(most), n_more)
        imported, head = _head(context, start, n_head)
    front = _joined((above, head))
    return Layout(
        chunks, imported, front, page.first_line + page.line_at(start), page.lines(start, N_ANCHOR)
    ), start


def comments(chunks: Iterable[Chunk], language: str) -> str:
    """Chunks as Tabby shows them: as comments, of which the first says where they come from."""
    groups = [
        "\n".join([f"Path: {path}", *(chunk.text for chunk in group)])
        for path, group in groupby(chunks, key=lambda chunk: chunk.path)
    ]
    return "\n".join(_comment(group, row(language)) for group in groups)


def _chosen(
    context: Context, former: tuple[Chunk, ...], n_characters: int
) -> tuple[tuple[Chunk, ...], str]:
    """Chunks of other files that fit, the former first, then the best; and all of these as comments."""
    offered = context.elsewhere
    kept = [chunk for chunk in former if chunk in offered]
    chosen: tuple[Chunk, ...] = ()
    for chunk in dict.fromkeys((*kept, *offered)):
        more = _with(chosen, chunk)
        chosen = more if len(comments(more, context.language)) <= n_characters else chosen
    return chosen, comments(chosen, context.language)


def _with(chunks: tuple[Chunk, ...], chunk: Chunk) -> tuple[Chunk, ...]:
    """The chunks and one more; without any that another one has in it, as a class has the signatures of
    its members."""
    if any(_has(other, chunk) for other in chunks):
        return chunks
    return (*(other for other in chunks if not _has(chunk, other)), chunk)


def _has(one: Chunk, other: Chunk) -> bool:
    return one.path == other.path and _lines(one) >= _lines(other)


def _lines(chunk: Chunk) -> set[str]:
    return {line.strip().rstrip(" {;") for line in chunk.text.split("\n")}


def _comment(text: str, language: Language) -> str:
    if language.line_comments or not language.block_comments:
        marker = (*language.line_comments, "#")[0].strip()
        return "".join(f"{marker} {line}".rstrip() + "\n" for line in text.split("\n"))
    begin, end = language.block_comments[0]
    return f"{begin} {text.replace(end, '')}\n{end}\n"


def _head(context: Context, start: int, n_characters: int) -> tuple[str, str]:
    """The imports; and with them what the cursor's lines use, and the heads of the definitions around
    the cursor, as far as they are not in the window. These have all of the space if they need it, and
    imports at most half of it."""
    border = context.offset - len(context.prefix) + start
    around = [scope for scope in scopes(context.parsed, context.offset) if scope.start < border]
    heads = "".join(f"{_indented_header(context.parsed, scope)}\n" for scope in around)
    heads = heads if len(heads) <= n_characters else ""
    imported = _imports(context, border, min(n_characters // 2, n_characters - len(heads)))
    used = _used(context, border, n_characters - len(heads) - len(imported))
    return imported, _joined((imported, used, heads))


def _indented_header(parsed: Parsed, scope: Scope) -> str:
    line_start = parsed.text.rfind("\n", 0, scope.start) + 1
    indentation = parsed.text[line_start : scope.start]
    return (indentation if indentation.isspace() else "") + header(parsed, scope)


def _imports(context: Context, border: int, n_characters: int) -> str:
    """The imports above the window; if not all fit, first those of names that it uses."""
    parsed = context.parsed
    spans = [span for span in imports(parsed) if span[1] <= border]
    used = set(names(parsed, border, context.offset))
    kept = set()
    for start, end in sorted(spans, key=lambda span: used.isdisjoint(names(parsed, *span))):
        n_characters -= end - start + 1
        if n_characters < 0:
            break
        kept.add((start, end))
    return "".join(f"{parsed.text[start:end]}\n" for start, end in spans if (start, end) in kept)


def _used(context: Context, border: int, n_characters: int) -> str:
    """How names near the cursor are defined where the window does not show it."""
    found = context.definitions
    hidden = {
        each.name: each
        for each in reversed(found)
        if each.end <= border or each.start >= context.offset
    }
    wanted = [hidden[name] for name in context.names if name in hidden]
    shown: tuple[Chunk, ...] = ()
    for symbol in described(context.parsed, found, wanted[:N_DEFINITIONS]):
        more = _with(shown, Chunk(context.path or "this file", symbol.text))
        shown = more if len(comments(more, context.language)) <= n_characters else shown
    return comments(shown, context.language)


def _joined(paragraphs: Iterable[str]) -> str:
    """With a blank line between two paragraphs, unless the second is indented."""
    text = ""
    for paragraph in filter(None, paragraphs):
        text += ("\n" if text and not paragraph[0].isspace() else "") + paragraph
    return text
