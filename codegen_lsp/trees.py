"""A text and its tree, kept from key to key, within limits; with `syntax`, the only room that knows
tree-sitter.

The parser reads a stand-in of the text: each character that is not ASCII is replaced by one that is and
means as much to a grammar. So a byte is a character, and offsets are the same everywhere.

A key costs what tree-sitter looks at again: mostly next to nothing, but all the rest of the file while
a quote or a bracket is open (10,000 lines of Python: up to 80 ms). So of a larger file an *excerpt* is
parsed first, the definitions around the edit and the heads of those around them, at their places in the
text (tree-sitter's included ranges); and the whole only where the excerpt got no worse, and for as long
as a key may take. Otherwise the whole's tree is only moved along with the edits, until it can be parsed
again.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Point, Range, Tree

from codegen_lsp.blocks import Block
from codegen_lsp.edits import Edit, edit_between
from codegen_lsp.languages import row
from codegen_lsp.lines import code_before

# A larger text has no tree. A first parse takes 0.1 to 0.2 ms a kilobyte: this one a fifth of a second.
MAX_TEXT = 1_000_000
# Up to this size everything is parsed at every key: at worst (broken C++, 0.5 ms a kilobyte) in 4 ms.
SMALL = 8_192
# Up to this size a text is parsed from the beginning once more, before something is shown: 6 ms at most,
# or twice that where it has errors.
MAX_AFRESH = 32_768
# How far an excerpt reaches to both sides of an edit, if the definitions there end.
REACH = 2_048
# Of so few children all belong to the head or the end of a node; and how deep an excerpt goes.
FEW, MAX_LEVELS = 12, 64
# How often the parser asks whether to go on (every hundred steps, 0.02 to 0.15 ms) until a text is
# given up: a megabyte of sound code takes 5,000; and how often at a key, where there is an excerpt to
# do with.
EFFORT = 20_000
KEY_EFFORT = 120
# How many keys it takes until what was given up is tried again; the second figure is for trying
# thoroughly.
WAIT = 32
LONG_WAIT = 256


@dataclass(frozen=True, eq=False)
class Parsed:
    r"""A text with \n as its only line end, and its tree; None where there is no grammar for its
    language, or where that gave up.

    `tree` may be an excerpt's: then `whole` is the file's, moved along with the edits since it was
    parsed, `n_keys` ago. `source` is what the parser read.
    """

    text: str
    language: str
    tree: Tree | None
    source: bytes = field(default=b"", repr=False)
    whole: Tree | None = field(default=None, repr=False)
    n_keys: int = 0
    blocks: dict[int, Block] = field(default_factory=dict, repr=False)
    _views: dict[int, tuple[Tree, list[Error]]] = field(default_factory=dict, repr=False)


class Error(NamedTuple):
    """Where a text does not parse: an ERROR node's span, or an empty one where something is missing."""

    start: int
    end: int
    kind: str


def parse(text: str, language: str, before: Parsed | None = None) -> Parsed:
    """Parse a text; what has not changed since `before`, an earlier version of it, is not looked at
    again. Never raises: what cannot be parsed in bounded time has no tree."""
    grammar = grammar_of(language)
    if grammar is None or len(text) > MAX_TEXT:
        return Parsed(text, language, None)
    if before is not None and before.language == language and before.source:
        return before if text == before.text else _again(grammar, before, text)
    return _first(grammar, text, language)


def adds_error(parsed: Parsed, offset: int, text: str) -> bool:
    """Whether the text parses worse with another one inserted at `offset`: whether there is an error or
    a missing node that was not there.

    While one types there is an error at the cursor already. It may grow with what is inserted, or
    become others on the lines that it touched; but not more of them, and none on other lines. An error
    elsewhere is nothing to trade with. What makes parsing give up is worse, too. In a large text the
    definitions around the cursor are asked, then the whole, if that takes no longer than a key may.
    """
    if parsed.tree is None:
        return False
    tree, known = _view(parsed, offset)
    now = parsed.text[:offset] + text + parsed.text[offset:]
    edit = Edit(offset, offset, offset + len(text))
    source = parsed.source[:offset] + stand_in(text) + parsed.source[offset:]
    if _is_worse(parsed, tree, known, edit, now, source, EFFORT):
        return True
    if tree is parsed.whole or parsed.tree is not parsed.whole:
        return False
    return _is_worse(parsed, parsed.tree, errors(parsed.tree), edit, now, source, KEY_EFFORT)


def parses(parsed: Parsed) -> bool:
    """Whether there is no error in the text, as far as it was parsed; also where nobody knows."""
    return parsed.tree is None or not parsed.tree.root_node.has_error


def parses_afresh(parsed: Parsed, offset: int, text: str) -> bool:
    """Whether it is still no worse with a text inserted at `offset` where that is parsed from the
    beginning: a parser that goes on from an earlier tree now and then misses an error (one in some five
    thousand suggestions). Takes a first parse, or two where there are errors already; for a large text
    it is not asked."""
    if parsed.tree is None or len(parsed.text) > MAX_AFRESH:
        return True
    inserted = parsed.text[:offset] + text + parsed.text[offset:]
    after = _n_errors_afresh(inserted, parsed.language)
    before = 0 if parses(parsed) else _n_errors_afresh(parsed.text, parsed.language)
    if before is None or after is None:
        return before is after
    return after <= before


# The same suggestion is asked about at each key that types it.
@lru_cache(maxsize=4)
def _n_errors_afresh(text: str, language: str) -> int | None:
    tree = parse(text, language).tree
    return None if tree is None else len(errors(tree))


def _view(parsed: Parsed, offset: int) -> tuple[Tree, list[Error]]:
    """The tree that is asked about an offset, and its errors; kept, for there will be other
    candidates."""
    if offset not in parsed._views:
        parsed._views.clear()
        tree = _tree_at(parsed, offset)
        parsed._views[offset] = tree, errors(tree)
    return parsed._views[offset]


def stand_in(text: str) -> bytes:
    """As many bytes as the text has characters, which mean as much to a grammar."""
    if text.isascii() and "\0" not in text:
        return text.encode("ascii")
    return _STRANGE.sub(lambda run: "".join(map(_like, run[0])), text).encode("ascii")


def errors(tree: Tree) -> list[Error]:
    """Error and missing nodes in order, looking only where there are any."""
    found = []
    waiting = [tree.root_node] if tree.root_node.has_error else []
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found.append(Error(node.start_byte, node.end_byte, node.type))
        # An ERROR of a character that no rule knows says of itself that there is none in it.
        waiting.extend(
            child for child in reversed(node.children) if child.has_error or child.is_error
        )
    return found


def _tree_at(parsed: Parsed, offset: int) -> Tree:
    """The whole's tree where that is small, else an excerpt's with this offset."""
    tree, whole = parsed.tree, parsed.whole
    assert tree is not None
    here = Edit(offset, offset, offset)
    if len(parsed.text) <= SMALL or whole is None:
        return tree
    if tree is not whole and _within(here, tree.included_ranges):
        return tree
    grammar = grammar_of(parsed.language)
    assert grammar is not None
    ranges = _excerpt(whole, offset, offset, parsed.language, parsed.source)
    return _run(grammar, parsed.source, None, EFFORT, ranges) or tree


def _is_worse(
    parsed: Parsed,
    tree: Tree,
    known: list[Error],
    edit: Edit,
    text: str,
    source: bytes,
    effort: int,
) -> bool:
    grammar = grammar_of(parsed.language)
    assert grammar is not None
    moved = _moved(tree, parsed.text, text, edit)
    is_excerpt = tree is not parsed.whole
    after = _run(grammar, source, moved, effort, moved.included_ranges if is_excerpt else None)
    if after is None:
        return is_excerpt or len(text) <= SMALL
    return is_worse(known, errors(after), edit, parsed.text, text)


def is_worse(before: list[Error], after: list[Error], edit: Edit, old: str, new: str) -> bool:
    """Whether an insertion has made errors; see `adds_error`."""
    n_added = edit.new_end - edit.start
    kept = Counter(after)
    gone = []
    for error in before:
        start = error.start if error.start <= edit.start else error.start + n_added
        end = error.end if error.end < edit.start else error.end + n_added
        moved = Error(start, end, error.kind)
        if kept[moved]:
            kept[moved] -= 1
        else:
            gone.append(moved)
    made = list(kept.elements())
    if len(made) > len(gone):
        return True
    around = _lines_of(new, code_before(old, edit.start), _first_not(new, edit.new_end))
    touched = [_lines_of(new, error.start, error.end) for error in gone]
    if any(low <= around[1] and high >= around[0] for low, high in touched):
        touched.append(_lines_of(new, edit.start, edit.new_end))
    return any(
        not any(low <= error.start and error.end <= high for low, high in touched) for error in made
    )


def _lines_of(text: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the lines reach on which a span is."""
    line_end = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if line_end < 0 else line_end


def _first_not(text: str, offset: int) -> int:
    """Where what is not blank begins, from an offset on."""
    match = _BLANK.match(text, offset)
    return match.end() if match else offset


def _first(grammar: Grammar, text: str, language: str) -> Parsed:
    source = stand_in(text)
    tree = _run(grammar, source, None, EFFORT)
    return Parsed(text, language, tree, source, tree)


def _again(grammar: Grammar, before: Parsed, text: str) -> Parsed:
    language, edit = before.language, edit_between(before.text, text)
    source = _edited_source(before, text, edit)
    if before.whole is None:  # it was given up; give it a rest
        if before.n_keys < LONG_WAIT:
            return Parsed(text, language, None, source, None, before.n_keys + 1)
        return _first(grammar, text, language)
    whole = _moved(before.whole, before.text, text, edit)
    if len(text) <= SMALL:
        tree = _run(grammar, source, whole, EFFORT)
        return Parsed(text, language, tree, source, tree)
    return _large(grammar, before, Parsed(text, language, None, source, whole, before.n_keys), edit)


def _large(grammar: Grammar, before: Parsed, now: Parsed, edit: Edit) -> Parsed:
    """A large text after an edit: an excerpt of it, and the whole where that promises to be quick.

    `now` has a `whole` that is moved along only.
    """
    assert now.whole is not None
    excerpt = None
    if before.tree is not before.whole and before.tree is not None:
        old = _moved(before.tree, before.text, now.text, edit)
        if _within(edit, old.included_ranges):
            excerpt = _run(grammar, now.source, old, EFFORT, old.included_ranges)
    if excerpt is None:
        ranges = _excerpt(now.whole, edit.start, edit.new_end, now.language, now.source)
        excerpt = _run(grammar, now.source, None, EFFORT, ranges)
    n_keys = now.n_keys + 1
    was_broken = before.tree is None or before.tree.root_node.has_error
    is_sound = excerpt is not None and not excerpt.root_node.has_error
    is_time = n_keys >= (LONG_WAIT if is_sound else 2 * LONG_WAIT)
    if is_time or (is_sound and (was_broken or n_keys % WAIT <= 1)):
        fresh = _run(grammar, now.source, now.whole, EFFORT if is_time else KEY_EFFORT)
        if fresh is not None:
            return Parsed(now.text, now.language, fresh, now.source, fresh)
    return Parsed(now.text, now.language, excerpt, now.source, now.whole, n_keys)


def _run(
    grammar: Grammar,
    source: bytes,
    old: Tree | None,
    effort: int,
    ranges: list[Range] | None = None,
) -> Tree | None:
    """Parse, or give up after so many times that the parser has asked whether to go on. What is small or
    an excerpt is parsed in any case.

    With a parser of its own, which costs next to nothing: other threads parse, too.
    """
    parser = Parser(grammar, included_ranges=ranges) if ranges else Parser(grammar)
    if ranges or len(source) <= SMALL:
        return parser.parse(source) if old is None else parser.parse(source, old)
    n_asked = 0
    views: list[memoryview] = []

    def stop(*_: object) -> bool:
        nonlocal n_asked
        n_asked += 1
        return n_asked > effort

    def read(at: int, _: object) -> memoryview | bytes:
        if at >= len(source):
            return b""
        views.append(memoryview(source)[at:])
        return views[-1]

    try:
        if old is None:
            return parser.parse(read, progress_callback=stop)
        return parser.parse(read, old, progress_callback=stop)
    except ValueError:  # "Parsing failed": it was stopped
        return None
    finally:
        # py-tree-sitter 0.26 never lets go of what it was given to read. So it is an empty shell.
        for view in views:
            view.release()


def _edited_source(before: Parsed, text: str, edit: Edit) -> bytes:
    middle = stand_in(text[edit.start : edit.new_end])
    return before.source[: edit.start] + middle + before.source[edit.old_end :]


def _moved(tree: Tree, old: str, new: str, edit: Edit) -> Tree:
    """A copy of a tree whose nodes are where they are after an edit."""
    row = old.count("\n", 0, edit.start)
    column = edit.start - (old.rfind("\n", 0, edit.start) + 1)
    moved = tree.copy()
    moved.edit(
        *edit,
        (row, column),
        _advanced(row, column, old[edit.start : edit.old_end]),
        _advanced(row, column, new[edit.start : edit.new_end]),
    )
    return moved


def _advanced(row: int, column: int, text: str) -> tuple[int, int]:
    n_lines = text.count("\n")
    return row + n_lines, len(text) - text.rfind("\n") - 1 if n_lines else column + len(text)


def _within(edit: Edit, ranges: list[Range]) -> bool:
    return any(each.start_byte <= edit.start and edit.new_end <= each.end_byte for each in ranges)


def _excerpt(tree: Tree, start: int, end: int, language: str, source: bytes) -> list[Range]:
    """What of a text is parsed to know what is around an edit.

    Goes down from the root. Of a node's children those are kept that lie around the edit, with the
    brackets at the ends, or all if they are few; of these again, the longer ones are left out. The one
    that holds the edit is kept if it is short, else the same is done in it.
    """
    kinds = row(language).kinds
    assert kinds is not None
    spans = [(start, end)]
    node: Node | None = tree.root_node
    for _ in range(MAX_LEVELS):
        if node is None:
            break
        kept = _children(node, start, end)
        inside = next(
            (each for each in kept if each.start_byte <= start and end <= each.end_byte), None
        )
        node = inside if inside is not None and _is_long(inside) else None
        if node is not None and (
            node.type in kinds.strings | kinds.comments or not node.child_count
        ):
            node = None
        spans += [(each.start_byte, each.end_byte) for each in kept if each != node]
    if node is not None:
        spans.append((node.start_byte, node.end_byte))
    return _ranges(spans, source)


def _children(node: Node, start: int, end: int) -> list[Node]:
    """The children of a node that an excerpt keeps."""
    if node.child_count <= FEW:
        kept = node.children
    else:
        cursor = node.walk()
        cursor.goto_first_child_for_byte(max(0, start - REACH))
        kept = []
        while cursor.node is not None and cursor.node.start_byte <= end + REACH:
            kept.append(cursor.node)
            if not cursor.goto_next_sibling():
                break
        ends = [node.child(0), node.child(node.child_count - 1)] if node.parent else []
        kept += [bracket for bracket in ends if not bracket.is_named and bracket not in kept]
    return [
        each
        for each in kept
        if not _is_long(each) or (each.start_byte <= start and end <= each.end_byte)
    ]


def _is_long(node: Node) -> bool:
    return node.end_byte - node.start_byte > 2 * REACH


def _line_start(source: bytes, at: int) -> int:
    """Where the line begins, if it is blank up to there."""
    start = source.rfind(b"\n", 0, at) + 1
    return at if source[start:at].strip() else start


def _line_end(source: bytes, at: int) -> int:
    """Where the next line begins, if this one is blank from there on."""
    end = source.find(b"\n", at) + 1 or len(source)
    return at if source[at:end].strip() else end


def _ranges(spans: list[tuple[int, int]], source: bytes) -> list[Range]:
    """Spans in order, as tree-sitter wants them: with the blank rest of the lines at their ends, and
    joined where nothing but blanks is between them."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        low, high = _line_start(source, start), _line_end(source, end)
        if joined and (low <= joined[-1][1] or not source[joined[-1][1] : low].strip()):
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return [
        Range(_point(source, start), _point(source, end), start, end)
        for start, end in joined
        if start < end
    ]


def _point(source: bytes, at: int) -> Point:
    return Point(source.count(b"\n", 0, at), at - (source.rfind(b"\n", 0, at) + 1))


_BLANK = re.compile(r"\s*")
# NUL is how a lexer says that the text ends.
_STRANGE = re.compile(r"[^\x01-\x7f]+")


@cache
def _like(character: str) -> str:
    """An ASCII character that may stand wherever this one may, and nowhere else."""
    if ("a" + character).isidentifier():
        return "_"
    if character == "\ufeff":  # a byte order mark is no indentation
        return "\f"
    return " " if character.isspace() else "\x01"


@cache
def grammar_of(language: str) -> Grammar | None:
    """A language's grammar, or None where there is none or it cannot be loaded: it is not installed, or
    made for another version of the library."""
    origin = row(language).grammar
    if origin is None:
        return None
    try:
        function = getattr(importlib.import_module(origin.module), origin.function)
        return Grammar(function())
    except (ImportError, AttributeError, ValueError):
        return None
