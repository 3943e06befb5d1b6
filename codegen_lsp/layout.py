"""What stands in front of a document's window, and where that begins: chosen seldom, then kept.

In front stand, from its beginning: chunks of other files, as comments; turns of other files; the file's
imports; how what is used near the cursor is defined elsewhere in the file, as comments; the file's last
turns above the window; and the heads of the definitions around the cursor. All of it only as far as the
window does not show it. So what stays the same for longest comes first, and a turn stands behind the
imports and in front of what followed it.

Sizes are in characters here: how many a budget holds is estimated, and what was chosen is counted after.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from codegen_lsp.context import Context
from codegen_lsp.document import Chunk
from codegen_lsp.history import Said, transcript
from codegen_lsp.languages import Language, row
from codegen_lsp.page import Page
from codegen_lsp.symbols import described
from codegen_lsp.syntax import Parsed, Scope, header, imports, names, scopes
from codegen_lsp.talk import said

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
# Of turns that the window does not show. Half of the problems of the paper's benchmark have three turns
# before the last one, and half of its intents 20 tokens or less (nano's tokenizer): with as much code
# for each that is 120 of 1,024 tokens, and a seventh of the budget holds what was said of one task.
HISTORY = 0.15
# Definitions of the same file that are shown.
N_DEFINITIONS = 4
# Lines by which a window's beginning is known again when lines above it have come or gone.
N_ANCHOR = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in front of a window, and the line (zero-based, of the file) where that begins; of one
    tokenizer.

    In front stand, among others, the turns of other files that are `said_elsewhere`, and those of the
    file that are `said_above` the window. Its first lines were `anchor`. `tokens` has those of the last
    prompt, by the stretches in which it was tokenized; `before` is the layout that was left for this
    one: the cursor may go back.
    """

    chunks: tuple[Chunk, ...]
    imports: str
    front: str
    first_line: int
    anchor: str
    said_elsewhere: tuple[Said, ...] = ()
    said_above: tuple[Said, ...] = ()
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
    context: Context,
    page: Page,
    n_characters: int,
    former: Layout | None = None,
    *,
    is_whole: bool = False,
) -> tuple[Layout, int]:
    """A layout for a budget of so many characters, which leaves part of it free; and the offset in the
    page at which its window begins. Or one that shows the whole page, and more as far as the budget has
    room. What the `former` one shows of other files stays, and where it is, as long as it is among the
    best."""
    n_left = n_characters - len(page.text) if is_whole else n_characters
    former_chunks = former.chunks if former else ()
    chunks, shown = _chosen(context, former_chunks, min(int(n_characters * CHUNKS), n_left))
    room = int(n_characters * FILL) - len(shown)
    n_head = int(n_characters * HEAD)
    n_history = min(int(n_characters * HISTORY), n_left - len(shown))
    n_above = _border(context, 0)
    turns = tuple((turn.start - n_above, turn.end - n_above) for turn in context.turns)
    window = partial(page.window, n_more=int(n_characters * SEAM), wholes=turns)
    # What the file's own turns leave, as many as may be above the window, or half of it.
    lowest = 0 if is_whole else window(room - n_head - n_history)
    own = _transcript(_last(said_above(context, lowest), n_history, context), context)
    elsewhere = _related(context, former, max(n_history - len(own), n_history // 2))
    theirs = _transcript(elsewhere, context)
    room, n_history = room - len(theirs), n_history - len(theirs)
    start = 0 if is_whole else window(room)
    imported, head = "", ""
    above: tuple[Said, ...] = ()
    if not page.begins_file(start):
        lowest = window(room - n_head - len(own))
        *_, most = _head(context, lowest, n_head, n_history)
        start = window(room - len(most))
        imported, above, head = _head(context, start, n_head, n_history)
    front = _joined((shown, theirs, head))
    first_line, anchor = page.first_line + page.line_at(start), page.lines(start, N_ANCHOR)
    return Layout(chunks, imported, front, first_line, anchor, elsewhere, above), start


def said_above(context: Context, start: int) -> Iterator[Said]:
    """What the turns say that end above a window, the last one first."""
    parsed = context.parsed
    n_above = bisect_right(context.turns, _border(context, start), key=lambda turn: turn.end)
    for turn in reversed(context.turns[:n_above]):
        yield from said([turn], parsed.text, parsed.language)


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


def _related(context: Context, former: Layout | None, n_characters: int) -> tuple[Said, ...]:
    """Turns of other files that fit: first those that share names with the intent, the nearest first,
    then those of the last prompt. What that shows already stays where it is."""
    kept = former.said_elsewhere if former else ()
    if not kept and not context.related:
        return ()
    fitting = set()
    for each in dict.fromkeys((*context.related, *kept)):
        n_more = len(transcript([each], "", context.language))
        is_news = each in context.said_elsewhere and not _has_lines(
            context.prefix + "\n", each.code
        )
        if is_news and n_more <= n_characters:
            fitting.add(each)
            n_characters -= n_more
    return tuple(each for each in dict.fromkeys((*kept, *context.related)) if each in fitting)


def _last(said: Iterable[Said], n_characters: int, context: Context) -> tuple[Said, ...]:
    """The first of those that come from below, as many as fit, in the order of the text."""
    fitting: list[Said] = []
    for each in said:
        n_characters -= len(transcript([each], "", context.language))
        if n_characters < 0:
            break
        fitting.append(each)
    return tuple(reversed(fitting))


def _transcript(said: Iterable[Said], context: Context) -> str:
    """As the paper's conversation; the blank line behind it is left to what follows."""
    return transcript(said, "", context.language).removesuffix("\n")


def _border(context: Context, start: int) -> int:
    """Where a window that begins at `start` in the page begins in the whole text."""
    return context.offset - len(context.prefix) + start


def _head(
    context: Context, start: int, n_characters: int, n_history: int
) -> tuple[str, tuple[Said, ...], str]:
    """The imports; the turns above the window; and with both what the cursor's lines use, and the heads
    of the definitions around the cursor, as far as they are not in the window. These have all of the
    space if they need it, and imports at most half of it; turns have their own."""
    border = _border(context, start)
    above = _last(said_above(context, start), n_history, context)
    told = _transcript(above, context)
    around = [scope for scope in scopes(context.parsed, context.offset) if scope.start < border]
    heads = "".join(f"{_indented_header(context.parsed, scope)}\n" for scope in around)
    heads = heads if len(heads) <= n_characters else ""
    imported = _imports(context, border, told, min(n_characters // 2, n_characters - len(heads)))
    used = _used(context, border, told, n_characters - len(heads) - len(imported))
    return imported, above, _joined((imported, used, told, heads))


def _indented_header(parsed: Parsed, scope: Scope) -> str:
    line_start = parsed.text.rfind("\n", 0, scope.start) + 1
    indentation = parsed.text[line_start : scope.start]
    return (indentation if indentation.isspace() else "") + header(parsed, scope)


def _imports(context: Context, border: int, told: str, n_characters: int) -> str:
    """The imports above the window that no turn shows; if not all fit, first those of names that it
    uses."""
    parsed = context.parsed
    spans = [
        (start, end)
        for start, end in imports(parsed)
        if end <= border and not _has_lines(told, parsed.text[start:end])
    ]
    used = set(names(parsed, border, context.offset))
    kept = set()
    for start, end in sorted(spans, key=lambda span: used.isdisjoint(names(parsed, *span))):
        n_characters -= end - start + 1
        if n_characters < 0:
            break
        kept.add((start, end))
    return "".join(f"{parsed.text[start:end]}\n" for start, end in spans if (start, end) in kept)


def _used(context: Context, border: int, told: str, n_characters: int) -> str:
    """How names near the cursor are defined where neither the window nor a turn shows it."""
    found = context.definitions
    hidden = {
        each.name: each
        for each in reversed(found)
        if each.end <= border or each.start >= context.offset
    }
    wanted = [hidden[name] for name in context.names if name in hidden]
    shown: tuple[Chunk, ...] = ()
    for symbol in described(context.parsed, found, wanted[:N_DEFINITIONS]):
        if _has_lines(told, symbol.text.partition("\n")[0]):
            continue
        more = _with(shown, Chunk(context.path or "this file", symbol.text))
        shown = more if len(comments(more, context.language)) <= n_characters else shown
    return comments(shown, context.language)


def _has_lines(text: str, lines: str) -> bool:
    return f"\n{lines}\n" in f"\n{text}"


def _joined(paragraphs: Iterable[str]) -> str:
    """With a blank line between two paragraphs, unless the second is indented."""
    text = ""
    for paragraph in filter(None, paragraphs):
        text += ("\n" if text and not paragraph[0].isspace() else "") + paragraph
    return text
