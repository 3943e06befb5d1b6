"""A second opinion on whether an insertion makes a text parse worse.

It parses both texts in full and counts, and shares nothing with `syntax.py` but the grammars' names, so
that a mistake there is seen here.
"""

from __future__ import annotations

import importlib
from functools import cache, lru_cache

from tree_sitter import Language, Parser

from codegen_lsp.languages import row


def is_worse(before: str, after: str, language: str) -> bool:
    """Whether there are more error and missing nodes after than before; never without a grammar."""
    return row(language).grammar is not None and _n_errors(after, language) > _n_errors(
        before, language
    )


@lru_cache(maxsize=8)
def _n_errors(text: str, language: str) -> int:
    cursor = _parser(language).parse(text.encode("utf-8", "replace")).walk()
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
def _parser(language: str) -> Parser:
    grammar = row(language).grammar
    assert grammar is not None
    module = importlib.import_module(grammar.module)
    return Parser(Language(getattr(module, grammar.function)()))
