"""What a file defines, in short texts that say how it is used: the entries of the symbol index.

A model that reads `cart.` goes on from the signatures of a `Cart`; it does not need the bodies.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from codegen_lsp.syntax import Definition, Parsed, Scope, definitions, header

# Lines shown of one definition: a signature and the first paragraph of what is said of it, or a class
# and the signatures of its first members. Ten lines are about a hundred tokens.
MAX_LINES = 10
# Characters of such a line; who writes longer ones writes data.
MAX_WIDTH = 160
# Definitions kept of one file, so that generated ones do not fill the index.
MAX_SYMBOLS = 2_000


class Symbol(NamedTuple):
    """A name, and the lines that a person would look at to use it."""

    name: str
    text: str


def outline(parsed: Parsed) -> tuple[Symbol, ...]:
    """What a text defines, in order; nothing where there is no grammar for its language."""
    found = definitions(parsed)[:MAX_SYMBOLS]
    return tuple(described(parsed, found, found))


def described(
    parsed: Parsed, found: Sequence[Definition], wanted: Iterable[Definition]
) -> list[Symbol]:
    """How those `wanted` of a text's definitions are used. A class is shown with the signatures of its
    members, or whole if it has only fields; a member below the first line of its class."""
    members: dict[str, list[Definition]] = defaultdict(list)
    classes: dict[str, Definition] = {}
    for definition in found:
        if definition.container:
            members[definition.container].append(definition)
        if definition.kind == "class":
            classes.setdefault(definition.name, definition)
    symbols = []
    for definition in wanted:
        inside = members[definition.name] if definition.kind == "class" else []
        lines = _lines(parsed, definition, is_whole=definition.kind != "function" and not inside)
        lines += _indented(_first_line(parsed, member) for member in inside)
        if definition.kind != "class" and definition.container in classes:
            lines = [_first_line(parsed, classes[definition.container]), *_indented(lines)]
        shown = [line[:MAX_WIDTH] for line in lines if line.strip()]
        symbols.append(Symbol(definition.name, "\n".join(shown[:MAX_LINES])))
    return symbols


def _lines(parsed: Parsed, definition: Definition, *, is_whole: bool) -> list[str]:
    """All of a definition or its head, without the indentation that it has in the file."""
    name, kind, start, body, end, _ = definition
    scope = Scope("class" if kind == "class" else "function", name, start, body, end)
    text = parsed.text[start:end] if is_whole else header(parsed, scope)
    first, *others = text.split("\n")
    indentation = parsed.text[parsed.text.rfind("\n", 0, start) + 1 : start]
    return [first.lstrip(), *(line.removeprefix(indentation) for line in others)]


def _first_line(parsed: Parsed, definition: Definition) -> str:
    """What stands before its body, on one line."""
    text = parsed.text[definition.start : definition.body].strip()
    return " ".join(text.removesuffix("{").split())


def _indented(lines: Iterable[str]) -> list[str]:
    return [textwrap.indent(line, "    ") for line in lines]
