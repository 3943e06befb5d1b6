"""tree-sitter behind a few questions; the only room that knows it.

A grammar is loaded when a text of its language first asks for it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from tree_sitter import Language, Node, Parser, Tree


class Grammar(NamedTuple):
    """Where a language's grammar comes from, and which files are written in it."""

    module: str
    function: str
    suffixes: tuple[str, ...]


# By LSP's language identifiers. The six of CodeGen-Multi, and two that its users write beside them.
GRAMMARS = {
    "c": Grammar("tree_sitter_c", "language", (".c", ".h")),
    "cpp": Grammar("tree_sitter_cpp", "language", (".cpp", ".cc", ".cxx", ".hpp", ".hh")),
    "go": Grammar("tree_sitter_go", "language", (".go",)),
    "java": Grammar("tree_sitter_java", "language", (".java",)),
    "javascript": Grammar("tree_sitter_javascript", "language", (".js", ".mjs", ".cjs")),
    "javascriptreact": Grammar("tree_sitter_javascript", "language", (".jsx",)),
    "python": Grammar("tree_sitter_python", "language", (".py", ".pyi")),
    "rust": Grammar("tree_sitter_rust", "language", (".rs",)),
    "typescript": Grammar("tree_sitter_typescript", "language_typescript", (".ts", ".mts", ".cts")),
    "typescriptreact": Grammar("tree_sitter_typescript", "language_tsx", (".tsx",)),
}


def language_of(suffix: str) -> str:
    """The language identifier for a file's suffix; `plaintext` for those we have no grammar for."""
    for language, grammar in GRAMMARS.items():
        if suffix.lower() in grammar.suffixes:
            return language
    return "plaintext"


@dataclass(frozen=True, eq=False)
class Parsed:
    r"""A text with \n as its only line end, and its tree; None where there is no grammar for its
    language, or where that gave up."""

    text: str
    language: str
    tree: Tree | None


def parse(text: str, language: str, before: Parsed | None = None) -> Parsed:
    """Parse a text; what has not changed since `before`, an earlier version of it, is not looked at
    again."""
    if language not in GRAMMARS:
        return Parsed(text, language, None)
    del before
    return Parsed(text, language, _parser(language).parse(text.encode("utf-8", "replace")))


def adds_error(parsed: Parsed, offset: int, text: str) -> bool:
    """Whether the text parses worse with another one inserted at `offset`."""
    if parsed.tree is None:
        return False
    inserted = parsed.text[:offset] + text + parsed.text[offset:]
    after = parse(inserted, parsed.language, parsed)
    return after.tree is not None and _count_errors(after.tree.root_node) > _count_errors(
        parsed.tree.root_node
    )


def _count_errors(root: Node) -> int:
    """Error and missing nodes, looking only where there are any."""
    n_found = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        n_found += node.is_error or node.is_missing
        waiting.extend(child for child in node.children if child.has_error)
    return n_found


@cache
def _parser(language: str) -> Parser:
    grammar = GRAMMARS[language]
    module = importlib.import_module(grammar.module)
    return Parser(Language(getattr(module, grammar.function)()))
