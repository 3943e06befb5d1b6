"""Questions about a text: where a cursor is, what is around it, what is defined; answered by its tree,
and where that is broken or missing, by its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Literal, NamedTuple

from tree_sitter import Node, Query, QueryCursor, Tree

from codegen_lsp import blocks, lines
from codegen_lsp.languages import Kinds, Language, row
from codegen_lsp.lines import Kind
from codegen_lsp.trees import Parsed, adds_error, grammar_of, parse, parses, parses_afresh

__all__ = [
    "Definition", "Kind", "Parsed", "Scope", "adds_error", "block_end", "covers", "definitions",
    "header", "imports", "kind_at", "names", "open_block", "parse", "parses", "parses_afresh", "scopes",
]  # fmt: skip

# How many definitions further up a text that is broken may be sound again.
MAX_STEPS = 20
# How far back brackets and quotes are read: some 300 lines, a millisecond.
MAX_READ = 8_192


class Scope(NamedTuple):
    """A definition around a cursor: where it starts, decorators included; where its body does, right
    behind the colon or brace; and where it ends."""

    kind: Literal["class", "function"]
    name: str
    start: int
    body: int
    end: int


class Definition(NamedTuple):
    """Something that a text defines, and the class that it belongs to, or ""; `body` as in `Scope`, and
    `end` where there is none."""

    name: str
    kind: Literal["class", "function", "type", "constant"]
    start: int
    body: int
    end: int
    container: str


def covers(parsed: Parsed, start: int, end: int) -> bool:
    """Whether the tree, if there is one, is of what stands between two offsets: that of a large text may
    be an excerpt's."""
    if parsed.tree is None or parsed.tree is parsed.whole:
        return True
    ranges = parsed.tree.included_ranges
    return any(each.start_byte <= start and end <= each.end_byte for each in ranges)


def kind_at(parsed: Parsed, offset: int) -> Kind:
    """In what the cursor is; a docstring is a string, and so is what is not closed yet."""
    language = row(parsed.language)
    path = _path(parsed, offset)
    if language.kinds and _is_sound(path):
        return _kind_in(path, offset, parsed.text, language)
    return lines.place(parsed.text, _anchor(parsed, path, offset), offset, language).kind


def scopes(parsed: Parsed, offset: int) -> tuple[Scope, ...]:
    """The definitions in whose body the cursor is, outermost first."""
    text, language = parsed.text, row(parsed.language)
    path = _path(parsed, offset)
    if not path or language.kinds is None or _is_broken(path):
        heads = lines.heads_above(text, offset, language)
        return tuple(_scope_of_head(text, head, language) for head in reversed(heads))
    depth = lines.depth_at(text, offset) if language.blocks == "indentation" else -1
    found = (
        _scope_of_node(node, language.kinds, text)
        for node in path
        if node.type in language.kinds.functions | language.kinds.classes
        and (offset < node.end_byte or node.start_point.column < depth)
    )
    return tuple(scope for scope in found if scope and scope.name and scope.body <= offset)


def header(parsed: Parsed, scope: Scope | Definition) -> str:
    """What a definition says of itself: the first paragraph of the comment above it, its first lines up
    to its body, and the first paragraph of its docstring, closed."""
    language = row(parsed.language)
    head = parsed.text[scope.start : scope.body].rstrip()
    if language.blocks == "indentation":
        return head + lines.docstring(parsed.text, scope.body)
    return lines.comment_above(parsed.text, scope.start, language) + head


def imports(parsed: Parsed) -> tuple[tuple[int, int], ...]:
    """The spans of the import statements at top level, in order, line ends left out."""
    language = row(parsed.language)
    if parsed.tree is None or language.kinds is None:
        return lines.imports(parsed.text, language)
    wanted = language.kinds.imports
    spans = [
        (node.start_byte, node.end_byte)
        for node in _top_level(_whole(parsed), language.kinds)
        if node.type in wanted
    ]
    text = parsed.text
    return tuple((start, start + len(text[start:end].rstrip())) for start, end in spans)


def definitions(parsed: Parsed) -> tuple[Definition, ...]:
    """What a text defines, in order: classes, functions, methods, types and top-level constants."""
    kinds = row(parsed.language).kinds
    if parsed.tree is None or kinds is None:
        return _definitions_by_line(parsed.text, row(parsed.language))
    found = {each.start: each for each in _definitions(_whole(parsed), parsed, kinds)}
    if parsed.tree is not parsed.whole:
        ranges = [(each.start_byte, each.end_byte) for each in parsed.tree.included_ranges]
        outside = {
            start: each
            for start, each in found.items()
            if not any(low <= start < high for low, high in ranges)
        }
        found = outside | {each.start: each for each in _definitions(parsed.tree, parsed, kinds)}
    return tuple(sorted(found.values(), key=lambda each: each.start))


def names(parsed: Parsed, start: int, end: int) -> tuple[str, ...]:
    """The identifiers between two offsets, in the order of their first use."""
    language, text = row(parsed.language), parsed.text
    if parsed.tree is None or language.kinds is None:
        words = lines.words(text, start, end, language)
        return tuple(dict.fromkeys(word for word in words if word not in language.keywords))
    cursor = QueryCursor(_query(parsed.language, "names"))
    cursor.set_byte_range(start, end)
    nodes = cursor.captures(parsed.tree.root_node).get("it", [])
    spans = sorted((node.start_byte, node.end_byte) for node in nodes)
    inside = (text[low:high] for low, high in spans if start <= low and high <= end)
    return tuple(dict.fromkeys(name for name in inside if name not in language.keywords))


def open_block(parsed: Parsed, offset: int) -> bool:
    """Whether the cursor stands in an empty block behind a header, whose body is still to be written; a
    comment or a docstring may be there already."""
    language = row(parsed.language)
    return blocks.is_open(parsed.text, offset, _place(parsed, offset), language)


def block_end(parsed: Parsed, offset: int, text: str) -> int | None:
    """Inserted at `offset`, after how many characters of `text` the block or statement that it fills is
    closed; None where it is still open."""
    return _block(parsed, offset).end_in(text)


def _block(parsed: Parsed, offset: int) -> blocks.Block:
    """What a text at a cursor fills; kept, for it is asked at every line of it."""
    known = parsed.blocks.get(offset)
    if known is None:
        language = row(parsed.language)
        place = _place(parsed, offset)
        around = scopes(parsed, offset)
        among_definitions = not around or around[-1].kind == "class"
        known = blocks.block_at(parsed.text, offset, place, language, among_definitions)
        parsed.blocks[offset] = known
    return known


def _whole(parsed: Parsed) -> Tree:
    tree = parsed.whole or parsed.tree
    assert tree is not None
    return tree


def _path(parsed: Parsed, offset: int) -> list[Node]:
    """The nodes around what stands before an offset, blanks left aside, outermost first."""
    if parsed.tree is None:
        return []
    at = max(0, lines.code_before(parsed.text, offset) - 1)
    cursor = parsed.tree.walk()
    found: list[Node] = []
    while (node := cursor.node) is not None and node.start_byte <= at:
        found.append(node)
        if cursor.goto_first_child_for_byte(at) is None:
            break
    return found


def _is_sound(path: list[Node]) -> bool:
    """Whether there is no error in the definition around, nor in the one before it."""
    if len(path) < 2 or not path[0].has_error:
        return bool(path)
    before = path[1].prev_sibling
    return not (path[0].is_error or path[1].has_error or (before is not None and before.has_error))


def _is_broken(path: list[Node]) -> bool:
    """Whether the tree does not say what is around: something is an error there, or is not closed."""
    return any(
        node.is_error or (node.has_error and node.child_count and _ends_missing(node))
        for node in path[-100:]
    )


def _ends_missing(node: Node) -> bool:
    last = node.child(node.child_count - 1)
    return last.is_missing or last.is_error


def _kind_in(path: list[Node], offset: int, text: str, language: Language) -> Kind:
    """In what a cursor is, from the nodes around it. (Never ask a node for its `text`: py-tree-sitter
    0.26 crashes where the parser read through a callback.)"""
    kinds = language.kinds
    assert kinds is not None
    for node in reversed(path):
        inside = node.start_byte < offset < node.end_byte
        if node.type in kinds.comments:
            to_line_end = text.startswith(language.line_comments, node.start_byte)
            if "\n" not in text[node.start_byte : offset] if to_line_end else inside:
                return "comment"
        if node.type in kinds.embedded and inside:
            return "code"
        if node.type in kinds.strings and inside:
            return "string"
    return "code"


def _place(parsed: Parsed, offset: int) -> lines.Place:
    """Where an offset is, by what stands before it; a tree knows best what a brace is."""
    language = row(parsed.language)
    start = _anchor(parsed, _path(parsed, offset), offset)
    place = lines.place(parsed.text, start, offset, language)
    at = place.code_end - 1
    if parsed.tree is None or language.kinds is None or parsed.text[at : at + 1] != "{":
        return place
    brace = parsed.tree.root_node.descendant_for_byte_range(at, at + 1)
    holder = brace.parent if brace is not None and brace.type == "{" else None
    is_known = (
        holder is not None and not holder.is_error and holder.type not in language.kinds.blocks
    )
    return replace(place, opens_value=is_known)


def _anchor(parsed: Parsed, path: list[Node], offset: int) -> int:
    """An offset in no string and no comment, not far before another one: the start of a definition
    there, or of a line that is not indented."""
    if len(path) > 1 and not path[0].is_error:
        node = path[1]
        for _ in range(MAX_STEPS):
            before = node.prev_sibling
            is_sound = before is None or not (node.is_extra or node.has_error or before.has_error)
            if before is None or is_sound or offset - before.start_byte > MAX_READ:
                break
            node = before
        for near in [node, *path[2:]]:
            if offset - near.start_byte <= MAX_READ and not near.is_error:
                return near.start_byte
    return lines.outermost_line(parsed.text, offset, MAX_READ)


def _scope_of_head(text: str, head: lines.Head, language: Language) -> Scope:
    body = lines.body_of(text, head.start, language)
    end = lines.end_of(text, head.start, body)
    return Scope(head.kind, head.name, head.start, body, end)


def _scope_of_node(node: Node, kinds: Kinds, text: str) -> Scope | None:
    kind: Literal["class", "function"] = "class" if node.type in kinds.classes else "function"
    body = _body(node)
    if body is None:
        return None
    name, start = _named(node, kinds, text)
    parent = node.parent
    if parent is not None and parent.type in kinds.wrappers:
        start = parent.start_byte
    return Scope(kind, name, start, body, node.end_byte)


def _body(node: Node) -> int | None:
    """Where a definition's body starts, right behind its colon or brace."""
    body = node.child_by_field_name("body")
    if body is None:  # Go's types and what is not finished
        inner = node.child_by_field_name("type")
        body = inner.child(inner.child_count - 1) if inner and inner.child_count else None
    if body is None:
        return None
    first = body.child(0) if body.child_count else None
    if first is not None and first.type == "{":
        return first.end_byte
    before = body.prev_sibling
    while before is not None and before.is_extra:
        before = before.prev_sibling
    return before.end_byte if before is not None else body.start_byte


def _name(node: Node, text: str) -> str:
    """What a definition is called; "" where it has no name."""
    found = None
    for field in ("name", "declarator", "left", "type"):
        found = node.child_by_field_name(field)
        if found is not None:
            break
    while found is not None and found.child_count:
        inner = found.child_by_field_name("declarator") or found.child_by_field_name("name")
        if inner is None and found.type.endswith("_declarator"):
            inner = found.named_child(0) if found.named_child_count else None
        if inner is None and found.type == "generic_type":
            inner = found.child_by_field_name("type")
        if inner is None:
            break
        found = inner
    return text[found.start_byte : found.end_byte] if found is not None else ""


def _named(node: Node, kinds: Kinds, text: str) -> tuple[str, int]:
    """A definition's name and where it starts: one without a name of its own has that of what it is
    assigned to, and starts there: `const f = () => {`."""
    name, parent = _name(node, text), node.parent
    if name or parent is None:
        return name, node.start_byte
    for field in ("name", "left", "key"):
        found = parent.child_by_field_name(field)
        if found is not None and found.end_byte <= node.start_byte:
            around = parent.parent
            is_first = (
                around is not None and around.type in kinds.open and around.named_child(0) == parent
            )
            start = around.start_byte if is_first and around is not None else parent.start_byte
            return text[found.start_byte : found.end_byte], start
    return "", node.start_byte


def _top_level(tree: Tree, kinds: Kinds) -> Iterator[Node]:
    """The nodes at top level, in order, and those in nodes that are as good as top-level."""
    cursor = tree.walk()
    goes_on = cursor.goto_first_child()
    while goes_on and (node := cursor.node) is not None:
        yield node
        if (node.type in kinds.open or node.is_error) and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _definitions(tree: Tree, parsed: Parsed, kinds: Kinds) -> Iterator[Definition]:
    text = parsed.text
    cursor = QueryCursor(_query(parsed.language, "definitions"))
    nodes = cursor.captures(tree.root_node).get("it", [])
    constants = [node for node in _top_level(tree, kinds) if _is_constant(node, kinds)]
    classes: list[tuple[int, str]] = []
    wrapper: Node | None = None
    for node in sorted([*nodes, *constants], key=lambda node: (node.start_byte, -node.end_byte)):
        if node.type in kinds.wrappers:
            wrapper = wrapper if wrapper and node.start_byte < wrapper.end_byte else node
            continue
        while classes and classes[-1][0] <= node.start_byte:
            classes.pop()
        name, start = _named(node, kinds, text)
        kind = _definition_kind(node, kinds)
        body = _body(node) if kind in {"class", "function"} else None
        if not name or (kind == "class" and body is None and node.type in _TYPE_USES):
            continue
        if wrapper is not None and start < wrapper.end_byte:
            start = wrapper.start_byte
        wrapper = None
        container = classes[-1][1] if classes else _receiver(node, text)
        if node.type not in kinds.implementations:
            yield Definition(name, kind, start, body or node.end_byte, node.end_byte, container)
        if kind == "class":
            classes.append((node.end_byte, name))


def _is_constant(node: Node, kinds: Kinds) -> bool:
    value = node.child_by_field_name("value")
    return node.type in kinds.constants and (value is None or value.type not in kinds.functions)


# C's `struct name` is a definition where it has a body only.
_TYPE_USES = {"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"}


def _definition_kind(node: Node, kinds: Kinds) -> Literal["class", "function", "type", "constant"]:
    if node.type in kinds.classes:
        return "class"
    if node.type in kinds.functions:
        return "function"
    if node.type in kinds.types:
        return "type"
    return "constant"


def _receiver(node: Node, text: str) -> str:
    """The class that a definition outside it names: Go's receiver, C++'s `Class::method`."""
    receiver = node.child_by_field_name("receiver")
    if receiver is not None:
        words = re.findall(r"\w+", text[receiver.start_byte : receiver.end_byte].partition("[")[0])
        return words[-1] if words else ""
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "qualified_identifier":
        declarator = declarator.child_by_field_name("declarator")
    scope = declarator.child_by_field_name("scope") if declarator is not None else None
    return text[scope.start_byte : scope.end_byte] if scope is not None else ""


def _definitions_by_line(text: str, language: Language) -> tuple[Definition, ...]:
    """By the lines on which definitions begin."""
    heads = lines.heads(text, language)
    open_classes: list[lines.Head] = []
    found = []
    for head in heads:
        depth = lines.depth_of_line(text, head.start)
        while open_classes and lines.depth_of_line(text, open_classes[-1].start) >= depth:
            open_classes.pop()
        body = lines.body_of(text, head.start, language)
        end = lines.end_of(text, head.start, body)
        container = open_classes[-1].name if open_classes else ""
        found.append(Definition(head.name, head.kind, head.start, body, end, container))
        if head.kind == "class":
            open_classes.append(head)
    return tuple(found)


@cache
def _query(language: str, what: Literal["definitions", "names"]) -> Query:
    kinds, known = row(language).kinds, grammar_of(language)
    assert kinds is not None
    assert known is not None
    wanted = (
        kinds.names
        if what == "names"
        else kinds.functions | kinds.classes | kinds.types | kinds.wrappers
    )
    return Query(known, " ".join(f"({kind}) @it" for kind in sorted(wanted)))
