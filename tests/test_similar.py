from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.similar import MAX_LINES, Index, pieces, words


def test_words_are_identifiers_and_what_they_are_made_of() -> None:
    assert words("self.parseHeader(HTTPResponse, max_line_size, x1)") == {
        "self", "parseHeader", "parse", "header", "HTTPResponse", "http", "response",
        "max_line_size", "max", "line", "size", "x1",
    }  # fmt: skip


def function(name: str, n_lines: int) -> str:
    return f"def {name}():\n" + "".join(f"    {name}{n} = {n}\n" for n in range(n_lines))


def test_pieces_are_cut_where_the_code_has_seams() -> None:
    text = "\n\n".join(function(name, 11) for name in ("one", "two", "three"))
    assert [piece.text.split("(")[0] for piece in pieces(text)] == [
        "def one",
        "def two",
        "def three",
    ]
    assert [piece.line for piece in pieces(text)] == [0, 14, 28]


def test_small_neighbours_are_one_piece() -> None:
    text = "\n\n".join(function(name, 2) for name in ("one", "two", "three"))
    assert [piece.text for piece in pieces(text)] == [text.rstrip("\n")]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        pytest.param("a = 1\n" * 10 + "\nfirst = 1\n" + "b = 1\n" * 15, "first", id="at a paragraph"),
        pytest.param(
            "void f() {\n" + "  a();\n" * 19 + "}\nvoid g() {\n" + "  b();\n" * 9 + "}\n", "  a",
            id="not before a closing bracket",
        ),
    ],
)  # fmt: skip
def test_seams(text: str, begins: str) -> None:
    assert pieces(text)[1].text.startswith(begins)


def test_a_piece_stays_the_same_when_another_part_of_the_text_changes() -> None:
    functions = [function(f"name{n}", 8) for n in range(20)]
    before = {piece.text for piece in pieces("\n\n".join(functions))}
    functions.insert(2, function("new", 8))
    after = {piece.text for piece in pieces("\n\n".join(functions))}
    assert len(after - before) <= 2


@given(st.text("ab }\n", max_size=400))
def test_pieces_are_lines_of_the_text_where_they_say(text: str) -> None:
    lines = text.split("\n")
    n_covered = 0
    for piece in pieces(text):
        n_lines = piece.text.count("\n") + 1
        assert n_lines <= MAX_LINES
        assert "\n".join(lines[piece.line : piece.line + n_lines]) == piece.text
        n_covered += sum(1 for line in piece.text.split("\n") if line.strip())
    assert n_covered == sum(1 for line in lines if line.strip())


def index_of(*texts: str) -> Index[int]:
    index: Index[int] = Index()
    for n, text in enumerate(texts):
        index.add(n, words(text))
    return index


@pytest.mark.parametrize(
    ("texts", "query", "best"),
    [
        pytest.param(["alpha beta", "gamma delta"], "delta gamma", 1, id="the same words"),
        pytest.param(["send_mail to", "read_file to"], "file_name to", 1, id="parts of words"),
        pytest.param(
            ["self value", "invoice other", *["self value"] * 13],
            "self value invoice total", 1, id="rare words say more",
        ),
        pytest.param(
            ["alpha beta", "alpha beta " + " ".join(f"other{n}" for n in range(50))],
            "alpha beta", 0, id="not only a long piece that has everything",
        ),
    ],
)  # fmt: skip
def test_the_most_similar_comes_first(texts: list[str], query: str, best: int) -> None:
    (key, similarity), *others = index_of(*texts).matches(words(query))
    assert key == best
    assert all(similarity > other for _, other in others)


def test_similarity_is_one_for_the_same_words_and_none_is_found_without_any() -> None:
    index = index_of("alpha beta", "gamma delta")
    ((key, similarity),) = index.matches(words("beta alpha"))
    assert (key, round(similarity, 9)) == (0, 1.0)
    assert index.matches(words("omega")) == []


def test_words_that_are_in_many_pieces_find_none() -> None:
    index = index_of(*(f"self word{n}" for n in range(40)))
    assert index.matches(words("self")) == []
    assert [key for key, _ in index.matches(words("self word7"))] == [7]


def test_what_was_removed_is_not_found() -> None:
    index = index_of("alpha beta", "alpha gamma")
    index.remove(0)
    assert [key for key, _ in index.matches(words("alpha beta"))] == [1]
    assert 0 not in index
    assert 1 in index


def test_how_similar_two_pieces_are() -> None:
    assert index_of("alpha beta", "alpha gamma").similarity(0, 1) == pytest.approx(1 / 3)
