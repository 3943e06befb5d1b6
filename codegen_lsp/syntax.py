"""tree-sitter behind a few questions; the only room that knows it.

The parser reads a stand-in of the text: each character that is not ASCII is replaced by one that is and
means as much to a grammar. So a byte is a character, and offsets are the same everywhere.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NamedTuple

import tree_sitter
from tree_sitter import Node, Parser, Tree

from codegen_lsp import lines
from codegen_lsp.common import n_common_end, n_common_start
from codegen_lsp.languages import Kinds, Language, row
from codegen_lsp.lines import Kind

# A larger text has no tree: a first parse takes about 0.1 ms a kilobyte, and who writes a megabyte by hand?
MAX_TEXT = 1_000_000


@dataclass(frozen=True, eq=False)
class Parsed:
    r"""A text with \n as its only line end, and its tree; None where there is no grammar for its
    language, or where that gave up. `source` is what the parser read."""

    text: str
    language: str
    tree: Tree | None
    source: bytes = field(default=b"", repr=False)


class Scope(NamedTuple):
    """A definition around a cursor; `start` is where it starts, decorators included, `body` where its body
    starts, behind the brace where there is one."""

    kind: Literal["class", "function"]
    name: str
    start: int
    body: int
    end: int


class Definition(NamedTuple):
    """Something that a text defines, and the class that it belongs to, or ""."""

    name: str
    kind: Literal["class", "function", "type", "constant"]
    start: int
    body: int
    end: int
    container: str


def parse(text: str, language: str, before: Parsed | None = None) -> Parsed:
    """Parse a text; what has not changed since `before`, an earlier version of it, is not looked at
    again. Never raises: what cannot be parsed has no tree."""
    parser = _parser(language)
    if parser is None or len(text) > MAX_TEXT:
        return Parsed(text, language, None)
    if before is None or before.tree is None or before.language != language:
        source = stand_in(text)
        return Parsed(text, language, parser.parse(source), source)
    if text == before.text:
        return before
    start = n_common_start(before.text, text)
    n_end = n_common_end(before.text[start:], text[start:])
    old_end, new_end = len(before.text) - n_end, len(text) - n_end
    source = before.source[:start] + stand_in(text[start:new_end]) + before.source[old_end:]
    tree = before.tree.copy()
    tree.edit(
        start, old_end, new_end, _point(before.text, start), _point(before.text, old_end),
        _point(text, new_end),
    )  # fmt: skip
    return Parsed(text, language, parser.parse(source, tree), source)


def adds_error(parsed: Parsed, offset: int, text: str) -> bool:
    """Whether the text parses worse with another one inserted at `offset`."""
    if parsed.tree is None:
        return False
    after = parse(parsed.text[:offset] + text + parsed.text[offset:], parsed.language, parsed)
    if after.tree is None:
        return False
    return len(_errors(after.tree)) > len(_errors(parsed.tree))


def parses(parsed: Parsed) -> bool:
    """Whether there is no error in the text; also where nobody knows."""
    return parsed.tree is None or not parsed.tree.root_node.has_error


def kind_at(parsed: Parsed, offset: int) -> Kind:
    """In what the cursor is; a docstring is a string, and so is what is not closed yet."""
    language = row(parsed.language)
    node = next((node for node in reversed(_path(parsed, offset)) if not node.is_extra), None)
    if node is not None and language.kinds and not node.has_error:
        found = _kind_in(_path(parsed, offset), offset, language.kinds)
        if found != "code":
            return found
    return lines.place(parsed.text, _anchor(parsed, offset), offset, language).kind


def scopes(parsed: Parsed, offset: int) -> tuple[Scope, ...]:
    """The definitions around a cursor, outermost first."""
    heads = lines.heads_above(parsed.text, offset, row(parsed.language))
    return tuple(_scope(parsed, head) for head in reversed(heads))


def header(parsed: Parsed, scope: Scope) -> str:
    """What a definition says of itself: its first lines up to its body, and the first paragraph of its
    docstring or of the comment above it."""
    return parsed.text[scope.start : scope.body].rstrip()


def imports(parsed: Parsed) -> tuple[tuple[int, int], ...]:
    """The spans of the import statements at top level, in order."""
    kinds = row(parsed.language).kinds
    if parsed.tree is None or kinds is None:
        pattern = row(parsed.language).import_line
        found = re.finditer(pattern + r"[^\n]*", parsed.text, re.MULTILINE) if pattern else ()
        return tuple(match.span() for match in found)
    return tuple(
        (node.start_byte, node.end_byte)
        for node in _top_level(parsed.tree, kinds)
        if node.type in kinds.imports
    )


def definitions(parsed: Parsed) -> tuple[Definition, ...]:
    """What a text defines, in order: classes, functions, methods, types and top-level constants."""
    kinds = row(parsed.language).kinds
    if parsed.tree is None or kinds is None:
        return ()
    query = _query(parsed.language)
    captured = tree_sitter.QueryCursor(query).captures(parsed.tree.root_node)
    nodes = sorted(captured.get("it", ()), key=lambda node: (node.start_byte, -node.end_byte))
    found: list[Definition] = []
    classes: list[tuple[int, str]] = []
    for node in nodes:
        name = _name(node, parsed.text)
        if not name:
            continue
        while classes and classes[-1][0] <= node.start_byte:
            classes.pop()
        container = classes[-1][1] if classes else ""
        body = node.child_by_field_name("body")
        kind: Literal["class", "function"] = "class" if node.type in kinds.classes else "function"
        start = body.start_byte if body else node.end_byte
        found.append(Definition(name, kind, node.start_byte, start, node.end_byte, container))
        if kind == "class":
            classes.append((node.end_byte, name))
    return tuple(found)


def names(parsed: Parsed, start: int, end: int) -> tuple[str, ...]:
    """The identifiers between two offsets, in the order of their first use."""
    keywords = row(parsed.language).keywords
    found = re.compile(r"[^\W\d]\w*").findall(parsed.text, start, end)
    return tuple(dict.fromkeys(name for name in found if name not in keywords))


def open_block(parsed: Parsed, offset: int) -> bool:
    """Whether the cursor stands in an empty block behind a header, whose body is still to be written."""
    language = row(parsed.language)
    place = lines.place(parsed.text, _anchor(parsed, offset), offset, language)
    return place.kind == "code" and parsed.text[place.code_end - 1 : place.code_end] in {":", "{"}


def block_end(parsed: Parsed, offset: int, text: str) -> int | None:
    """Inserted at `offset`, after how many characters of `text` the block or statement that it fills is
    closed; None where it is still open."""
    language = row(parsed.language)
    depth = 0
    for token in lines.tokens(text, 0, len(text), language):
        if token.kind == "bracket":
            depth += 1 if text[token.start] in "([{" else -1
            if depth < 0 and text[token.start] == "}":
                return token.end
    return None


def stand_in(text: str) -> bytes:
    """As many bytes as the text has characters, which mean as much to a grammar."""
    if text.isascii() and "\0" not in text:
        return text.encode("ascii")
    return _STRANGE.sub(lambda run: "".join(map(_like, run[0])), text).encode("ascii")


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


def _point(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)


def _errors(tree: Tree) -> list[Node]:
    """Error and missing nodes, looking only where there are any."""
    found = []
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found.append(node)
        waiting.extend(child for child in node.children if child.has_error)
    return found


def _path(parsed: Parsed, offset: int) -> list[Node]:
    """The nodes around an offset or beginning or ending there, outermost first."""
    if parsed.tree is None:
        return []
    cursor = parsed.tree.walk()
    found = []
    at = max(0, offset - 1)
    while True:
        node = cursor.node
        if node is None or node.start_byte > at:
            return found
        found.append(node)
        if cursor.goto_first_child_for_byte(at) is None:
            return found


def _kind_in(path: list[Node], offset: int, kinds: Kinds) -> Kind:
    for node in reversed(path):
        inside = node.start_byte < offset < node.end_byte
        if node.type in kinds.embedded and inside:
            return "code"
        if node.type in kinds.comments and (inside or offset == node.end_byte):
            return "comment"
        if node.type in kinds.strings and inside:
            return "string"
    return "code"


def _anchor(parsed: Parsed, offset: int) -> int:
    """An offset in no string and no comment, not far before another one."""
    path = _path(parsed, offset)
    return path[1].start_byte if len(path) > 1 else parsed.text.rfind("\n", 0, offset) + 1


def _scope(parsed: Parsed, head: lines.Head) -> Scope:
    end = lines.block_end_below(parsed.text, head.start, row(parsed.language))
    line_end = parsed.text.find("\n", head.start)
    body = len(parsed.text) if line_end < 0 else line_end
    return Scope(head.kind, head.name, head.start, body, max(body, end))


def _top_level(tree: Tree, kinds: Kinds) -> Iterator[Node]:
    """The nodes at top level, in order, and those in nodes that are as good as top-level."""
    waiting = list(reversed(tree.root_node.children))
    while waiting:
        node = waiting.pop()
        yield node
        if node.type in kinds.open or node.is_error:
            waiting.extend(reversed(node.children))


def _name(node: Node, text: str) -> str:
    """What a definition is called; "" where it has no name."""
    found: Node | None = None
    for field_name in ("name", "declarator", "left", "type"):
        found = node.child_by_field_name(field_name)
        if found:
            break
    while found and (inner := found.child_by_field_name("declarator")):
        found = inner
    return text[found.start_byte : found.end_byte] if found else ""


@cache
def _query(language: str) -> tree_sitter.Query:
    kinds = row(language).kinds
    parser = _parser(language)
    assert kinds is not None
    assert parser is not None
    assert parser.language is not None
    wanted = sorted(kinds.functions | kinds.classes | kinds.types)
    return tree_sitter.Query(parser.language, " ".join(f"({kind}) @it" for kind in wanted))


@cache
def _parser(language: str) -> Parser | None:
    """A language's parser, or None where there is no grammar for it or it cannot be loaded: it is not
    installed, or made for another version of the library."""
    grammar = row(language).grammar
    if grammar is None:
        return None
    try:
        function = getattr(importlib.import_module(grammar.module), grammar.function)
        return Parser(tree_sitter.Language(function()))
    except (ImportError, AttributeError, ValueError):
        return None


__all__ = ["Definition", "Kind", "Language", "Parsed", "Scope"]
