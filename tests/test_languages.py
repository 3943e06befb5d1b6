"""The table of languages is held against what it speaks of: grammars, comments, strings."""

from __future__ import annotations

import dataclasses
import re

import pytest

from codegen_lsp import lines, trees
from codegen_lsp.languages import DEFAULT, LANGUAGES, language_of, row

WITH_GRAMMAR = [name for name, language in LANGUAGES.items() if language.grammar]


def test_the_languages_that_are_parsed() -> None:
    assert WITH_GRAMMAR == [
        "python", "javascript", "javascriptreact", "typescript", "typescriptreact", "java", "go",
        "c", "cpp", "rust",
    ]  # fmt: skip


@pytest.mark.parametrize("name", WITH_GRAMMAR)
def test_every_kind_of_node_is_in_its_grammar(name: str) -> None:
    kinds, grammar = row(name).kinds, trees.grammar_of(name)
    assert kinds is not None
    assert grammar is not None
    for field in dataclasses.fields(kinds):
        for kind in getattr(kinds, field.name):
            assert grammar.id_for_node_kind(kind, True), f"{field.name}: {kind}"


@pytest.mark.parametrize("name", WITH_GRAMMAR)
def test_what_is_asked_of_every_grammar_is_there(name: str) -> None:
    kinds = row(name).kinds
    assert kinds is not None
    assert all((kinds.functions, kinds.classes, kinds.blocks, kinds.strings, kinds.comments))
    assert all((kinds.imports, kinds.names, kinds.constants, row(name).keywords))


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_a_row_calls_a_comment_or_a_string_is_one(name: str) -> None:
    language = row(name)
    texts = [(f"a {marker} b", "comment") for marker in language.line_comments]
    texts += [(f"a {begin} b", "comment") for begin, _ in language.block_comments]
    texts += [(f"a {begin} b {end}", "code") for begin, end in language.block_comments]
    texts += [(f"a {each.begin} b", "string") for each in language.quotes]
    texts += [(f"a {each.begin} b {each.end}", "code") for each in language.quotes]
    for text, kind in texts:
        assert lines.place(text, 0, len(text), language).kind == kind, text


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_header_names_what_it_begins(name: str) -> None:
    language = row(name)
    for pattern in (language.function_header, language.class_header):
        assert not pattern or re.compile(pattern).groupindex
    assert bool(language.grammar) <= bool(language.function_header and language.import_line)


@pytest.mark.parametrize(
    ("suffix", "language"),
    [
        (".py", "python"), (".PYI", "python"), (".h", "c"), (".hpp", "cpp"), (".tsx", "typescriptreact"),
        (".jsx", "javascriptreact"), (".mjs", "javascript"), (".rs", "rust"), (".lua", "lua"),
        (".txt", "plaintext"), ("", "plaintext"),
    ],
)  # fmt: skip
def test_language_of(suffix: str, language: str) -> None:
    assert language_of(suffix) == language


def test_no_two_languages_have_a_suffix() -> None:
    suffixes = [suffix for language in LANGUAGES.values() for suffix in language.suffixes]
    assert sorted(suffixes) == sorted(set(suffixes))


def test_of_an_unknown_language_the_common_is_known() -> None:
    assert row("klingon") is DEFAULT


@pytest.mark.parametrize(("name", "indent"), [("go", "\t"), ("makefile", "\t"), ("python", "    ")])
def test_indent(name: str, indent: str) -> None:
    assert row(name).indent == indent
