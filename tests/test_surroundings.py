from __future__ import annotations

import threading

import pytest

from codegen_lsp.document import Chunk
from codegen_lsp.surroundings import (
    MAX_FILE,
    MAX_NAMESAKES,
    N_CHUNKS,
    N_PLACES,
    Surroundings,
)
from codegen_lsp.symbols import Symbol

ADD = "def add_item(cart, item):\n    cart.items.append(item)\n    return cart.total\n"
PARSE = (
    "def parse_header(line):\n    name, value = line.split(':')\n    return name.strip(), value\n"
)


def knowing(**files: str) -> Surroundings:
    """Files by their name without `.py`, `__` for a slash."""
    surroundings = Surroundings()
    for name, text in files.items():
        surroundings.put(f"{name.replace('__', '/')}.py", text, "python")
    return surroundings


def defined(surroundings: Surroundings, *names: str) -> tuple[Chunk, ...]:
    """For a file that imports these names."""
    return surroundings.definitions(names, "x.py", names)


def paths(chunks: tuple[Chunk, ...]) -> list[str]:
    return [chunk.path for chunk in chunks]


def test_definitions_come_in_the_order_of_the_names() -> None:
    surroundings = knowing(cart=ADD, http=PARSE)
    assert defined(surroundings, "parse_header", "unknown", "add_item") == (
        Chunk("http.py", "def parse_header(line):"),
        Chunk("cart.py", "def add_item(cart, item):"),
    )


@pytest.mark.parametrize(
    ("near", "imported", "in_folder", "path"),
    [
        pytest.param("a/x.py", ["add_item"], False, "a/cart.py", id="the same folder is nearer"),
        pytest.param("b/x.py", ["add_item"], False, "b/c/basket.py", id="further down is nearer"),
        pytest.param("a/x.py", ["basket"], False, "b/c/basket.py", id="the file is imported"),
        pytest.param("a/x.py", ["add_item", "basket"], False, "b/c/basket.py", id="and its name"),
        pytest.param("a/x.py", [], True, "a/cart.py", id="in sight without an import"),
        pytest.param("a/x.py", [], False, None, id="not in sight"),
        pytest.param("b/x.py", [], True, None, id="not in this folder"),
    ],
)
def test_of_several_definitions_the_likeliest_is_given(
    near: str, imported: list[str], in_folder: bool, path: str | None
) -> None:
    surroundings = knowing(a__cart=ADD, b__c__basket=ADD)
    found = surroundings.definitions(["add_item"], near, imported, in_folder=in_folder)
    assert paths(found) == ([path] if path else [])


def test_what_a_file_says_itself_is_not_said_again() -> None:
    surroundings = knowing(cart=ADD, other=ADD)
    assert surroundings.definitions(["add_item"], "cart.py", ["add_item"]) == ()
    assert paths(surroundings.similar(ADD, "other.py")) == []


def test_a_name_that_everybody_defines_says_nothing() -> None:
    surroundings = Surroundings()
    for n in range(MAX_NAMESAKES):
        surroundings.put_outline(f"m{n}.py", (Symbol("run", "def run():"),))
    assert len(defined(surroundings, "run")) == 1
    surroundings.put_outline("one_more.py", (Symbol("run", "def run():"),))
    assert defined(surroundings, "run") == ()


def test_there_are_never_more_than_a_prompt_holds() -> None:
    symbols = tuple(Symbol(f"f{n}", f"def f{n}(): ...") for n in range(N_CHUNKS * 2))
    surroundings = Surroundings()
    surroundings.put_outline("a.py", symbols)
    assert len(defined(surroundings, *(symbol.name for symbol in symbols))) == N_CHUNKS


CURSOR = "def read_header(text):\n    for line in text:\n        name, value = line"


def test_similar_pieces_are_found_the_most_similar_first() -> None:
    close = PARSE.replace("parse_header(line)", "read_mail(text, port, host)")
    surroundings = knowing(cart=ADD, http=PARSE, mail=close)
    assert paths(surroundings.similar(CURSOR, "x.py")) == ["mail.py", "http.py"]


def test_what_says_the_same_as_the_cursors_lines_is_not_shown() -> None:
    surroundings = knowing(http=PARSE, cart=ADD)
    assert paths(surroundings.similar(PARSE, "x.py")) == []


def test_nothing_is_shown_twice() -> None:
    surroundings = knowing(one=PARSE, two=PARSE, cart=ADD)
    assert len(surroundings.similar(CURSOR, "x.py")) == 1


def test_where_something_was_done_last_counts_more() -> None:
    one, two = PARSE.replace("strip", "lower"), PARSE.replace("strip", "upper")
    surroundings = knowing(one=one, two=two, cart=ADD)
    first, second = paths(surroundings.similar(CURSOR, "x.py"))
    surroundings.touch(second, 1)
    assert paths(surroundings.similar(CURSOR, "x.py")) == [second, first]
    for n in range(N_PLACES):  # long ago
        surroundings.touch("elsewhere.py", n)
    assert paths(surroundings.similar(CURSOR, "x.py")) == [first, second]


def test_a_newer_version_takes_the_place_of_the_older() -> None:
    surroundings = knowing(http=PARSE, cart=ADD)
    surroundings.put("http.py", "def fetch(url): ...\n", "python")
    assert defined(surroundings, "parse_header") == ()
    assert surroundings.similar(CURSOR, "x.py") == ()
    assert paths(defined(surroundings, "fetch")) == ["http.py"]


def test_after_many_versions_all_is_as_after_the_last() -> None:
    surroundings, fresh = Surroundings(), Surroundings()
    functions = [f"def f{n}(alpha{n}):\n" + f"    beta{n} = {n}\n" * 8 for n in range(10)]
    for n in range(10):
        surroundings.put("a.py", "\n\n".join(functions[n:] + functions[: n // 2]), "python")
    fresh.put("a.py", "\n\n".join(functions[9:] + functions[:4]), "python")
    for n in range(10):
        query = f"alpha{n} other words that are here"
        assert surroundings.similar(query, "x.py") == fresh.similar(query, "x.py")
        assert defined(surroundings, f"f{n}") == defined(fresh, f"f{n}")


def test_of_what_is_forgotten_nothing_is_known() -> None:
    surroundings = knowing(http=PARSE, cart=ADD)
    surroundings.forget("http.py")
    surroundings.forget("never_there.py")
    assert defined(surroundings, "parse_header") == ()
    assert surroundings.similar(CURSOR, "x.py") == ()


@pytest.mark.parametrize(
    "text",
    [pytest.param("x" * (MAX_FILE + 1), id="too long"), pytest.param(PARSE + "\0", id="binary")],
)
def test_what_nobody_wrote_is_not_known(text: str) -> None:
    surroundings = knowing(http=PARSE)
    surroundings.put("http.py", text, "python")
    assert defined(surroundings, "parse_header") == ()


def test_texts_are_dropped_that_were_not_used_for_longest_but_not_what_they_define() -> None:
    surroundings = Surroundings(max_text=2 * len(PARSE) + 10)
    surroundings.put("one.py", PARSE.replace("header", "first"), "python")
    surroundings.put("two.py", PARSE.replace("header", "second"), "python")
    surroundings.touch("one.py")
    surroundings.put("three.py", ADD, "python")
    assert paths(surroundings.similar(CURSOR, "x.py")) == ["one.py"]
    assert paths(defined(surroundings, "parse_second")) == ["two.py"]


def test_outlines_are_taken_as_long_as_there_is_room() -> None:
    symbols = (Symbol("name", "x" * 96),)
    surroundings = Surroundings(max_outlines=250)
    assert surroundings.put_outline("one.py", symbols)
    assert surroundings.put_outline("two.py", symbols)
    assert not surroundings.put_outline("three.py", symbols)
    assert surroundings.put_outline("two.py", symbols)  # once more, in its place
    surroundings.forget("one.py")
    assert surroundings.put_outline("three.py", symbols)


def test_a_file_that_is_open_is_better_known_than_by_its_outline() -> None:
    surroundings = knowing(http=PARSE)
    assert surroundings.put_outline("http.py", (Symbol("old", "def old(): ..."),))
    assert defined(surroundings, "old") == ()
    assert paths(defined(surroundings, "parse_header")) == ["http.py"]


def test_files_come_and_go_on_one_thread_while_another_looks_things_up() -> None:
    surroundings = knowing(http=PARSE)
    failures: list[BaseException] = []

    def put(own: int) -> None:
        try:
            for n in range(40):
                name = f"m{own}_{n % 7}.py"
                surroundings.put(name, PARSE.replace("header", f"h{n}"), "python")
                surroundings.put_outline(f"o{own}_{n}.py", (Symbol("shared", "def shared():"),))
                if n % 3 == 0:
                    surroundings.forget(name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=put, args=(own,)) for own in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert "http.py" in paths(defined(surroundings, "parse_header"))
        surroundings.similar(CURSOR, "x.py")
    assert not failures
