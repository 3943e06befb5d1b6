"""tree-sitter behind a few questions; the only room that knows it.

A grammar is loaded when a text of its language first asks for it.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import NamedTuple

from tree_sitter import Language, Node, Parser


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


def n_errors(text: str, language: str) -> int:
    """How many places of the text do not parse; 0 where there is no grammar for the language."""
    if language not in GRAMMARS:
        return 0
    tree = _parser(language).parse(text.encode("utf-8", "replace"))
    return _count_errors(tree.root_node)


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
