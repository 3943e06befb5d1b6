"""A second opinion on whether an insertion makes a text parse worse.

It parses both texts in full and counts, and shares nothing with `syntax.py` but the names of grammars,
so that a mistake there is seen here.
"""

from __future__ import annotations

import importlib
from functools import cache, lru_cache

from tree_sitter import Language, Parser

from codegen_lsp.languages import Grammar, row


def is_worse(before: str, after: str, language: str) -> bool:
    """Whether there are more error and missing nodes after than before; never without a grammar."""
    grammar = row(language).grammar
    return grammar is not None and _n_errors(after, grammar) > _n_errors(before, grammar)


@lru_cache(maxsize=8)
def _n_errors(text: str, grammar: Grammar) -> int:
    cursor = _parser(grammar).parse(text.encode("utf-8", "replace")).walk()
    n_errors = 0
    while True:
        node = cursor.node
        assert node is not None
        n_errors += node.is_error or node.is_missing
        if node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return n_errors


@cache
def _parser(grammar: Grammar) -> Parser:
    module = importlib.import_module(grammar.module)
    return Parser(Language(getattr(module, grammar.function)()))
