"""Comments and the code that came below them, text in, text out: «comment¦code» is an answer, «+...»
what became of the last one. What comes key by key makes a text of the one before; all
at once where it begins with ~."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.answered import MAX_CHANGES, MAX_WRITTEN, Answer, answered, noticed, opened
from codegen_lsp.document import Document
from codegen_lsp.syntax import parse

MARK = re.compile(r"\A~|«\+?|¦|»")


def document(text: str, language: str = "python") -> Document:
    return Document("file:///a", language, 1, text)


def shown(text: str, answers: tuple[Answer, ...]) -> str:
    for start, border, end, _, goes_on in reversed(answers):
        mark = "«+" if goes_on else "«"
        text = text[:start] + mark + text[start:border] + "¦" + text[border:end] + "»" + text[end:]
    return text


def check(language: str, states: tuple[str, ...]) -> None:
    """Each state after the one before it; and the same with other line ends."""
    if "\r" not in "".join(states):
        check(language, tuple(state.replace("\n", "\r\n") for state in states))
    seen = opened(document(MARK.sub("", states[0]), language))
    before = parse(seen.document.text, language)
    for state in states[1:]:
        text = MARK.sub("", state)
        now = document(text, language)
        seen = noticed(seen, now) if state.startswith("~") else replace(seen, now=now)
        seen, answers = answered(seen, before)
        assert shown(text, answers) == state.removeprefix("~")


PYTHON = [
    pytest.param(("# add\n", "«# add\n¦x = 1»\n"), id="written below"),
    pytest.param(("# add", "«# add\n¦x = 1»"), id="at the end of the text"),
    pytest.param(("", "«# add\n¦x = 1»\n"), id="a comment and its code"),
    pytest.param(
        ("y = 0", "y = 0\n«# add\n¦x = 1»\n", "y = 0\n«+# add\n¦x = 1\nz = 2»\n"), id="on new lines"
    ),
    pytest.param(
        ("def f():\n    # add\n    ", "def f():\n«    # add\n¦    x = 1»\n    "), id="indented"
    ),
    pytest.param(
        ("def f():\n    # add\n", "def f():\n    # add\nx = 1\n"), id="less deep is no answer"
    ),
    pytest.param(("# add\n", "# add\n    x = 1\n"), id="nor is what is deeper"),
    pytest.param(("# add\n\n", "# add\n\nx = 1\n"), id="nor what is below a blank line"),
    pytest.param(("# add\nx = 1\n", "# add\ny = 2\nx = 1\n"), id="above old code"),
    pytest.param(("# add\nx = 1\n", "# add\nx = 1 + 2\n"), id="old code edited"),
    pytest.param(("# add\nx = 1\n", "# add\nx = 1\ny = 2\n"), id="below old code"),
    pytest.param(("# add\nx = 1\n", "# add\nfoo()\n"), id="in place of old code"),
    pytest.param(("x = 1\n", "# add\nx = 1\n"), id="a comment above old code"),
    pytest.param(
        ("x = 1\n", "# add\nx = 1\n", "«# add\n¦y = 2»\nx = 1\n"), id="which waits for its own"
    ),
    pytest.param(
        ("f(1)\n", "# addf(1)\n", "# add\nf(1)\n", "«# add\n¦y = 2»\nf(1)\n"),
        id="even if it was written in front of that",
    ),
    pytest.param(
        ("def f():\n    x\n", "# adddef f():\n    x\n", "# add\ndef f():\n    x\n",
         "«# add\n¦y = 2»\ndef f():\n    x\n"),
        id="or of a header",
    ),
    pytest.param(
        ("return x\n", "# add\nreturn x\n", "«# add\n¦r = 2»\nreturn x\n"), id="that begins alike"
    ),
    pytest.param(
        ("x = 1\n", "# add\nx = 1\n", "# add\n\nx = 1\n", "«# add\n¦y = 2»\nx = 1\n"),
        id="key by key, with pauses",
    ),
    pytest.param(
        ("x = 1\n", "# add\nx = 1\n", "x = 1\n", "y = 2\nx = 1\n"), id="deleted, it waits no more"
    ),
    pytest.param(
        ("if a:\n    b()\n", "if a:\n    # six\n    b()\n", "if a:\n«    # six\n¦    d()»\n    b()\n"),
        id="in a block",
    ),
    pytest.param(
        ("# old\nx = 1\n", "# old\nx = 1\n# newer\n", "# old\nx = 1\n", "# old\ny = 2\nx = 1\n"),
        id="nor does another one instead",
    ),
    pytest.param(
        ("# add\nx = 1\n", "# add all\ny = 2\nx = 1\n"), id="other words and a line above old code"
    ),
    pytest.param(("# add\n", "«# add\n¦x»\n", "«+# add\n¦x = 1»\n"), id="word by word"),
    pytest.param(
        ("# add\n", "«# add\n¦x = 1»\n", "«+# add\n¦x = 1\ny = 2»\n"), id="line by line"
    ),
    pytest.param(
        ("# add\n", "«# add\n¦x = 1»\n", "«+# add\n¦y = 2»\n"), id="taken back, and another"
    ),
    pytest.param(
        ("# add\n", "«# add\n¦x = 1»\n", "# add\n", "«# add\n¦y = 2»\n"), id="deleted, and another"
    ),
    pytest.param(
        ("# add\n", "«# add\n¦x = 1»\n", "«+# add\n¦x = 1»\n\n", "«+# add\n¦x = 1»\n\ny = 2\n",
         "# add\nx = 1\nz = 3\n\ny = 2\n"),
        id="a blank line ends it",
    ),
    pytest.param(
        ("z\n# add\n", "z\n«# add\n¦x = 1»\n", "zz\n«+# add\n¦x = 1»\n", "zz\n# add\nx = 1\ny\n"),
        id="and so does an edit elsewhere",
    ),
    pytest.param(
        ("# add\n", "«# add\n¦x = 1»\n", "# add up\nx = 1\n", "# add up\nx = 1\ny = 2\n"),
        id="or in the comment",
    ),
    pytest.param(
        ("# one\n", "«# one\n¦x = 1»\n", "«+# one\n¦x = 1»\n# two\n", "# one\nx = 1\n«# two\n¦y = 2»\n"),
        id="the next comment waits for its own",
    ),
    pytest.param(("# one\n\n# two\n", "«# one\n¦x = 1»\n\n«# two\n¦y = 2»\n"), id="two at once"),
    pytest.param(
        ("# one\n", "«# one\n¦for b in c:\n    d()\n\n    e()\nf()»\n\ng()\n"),
        id="with blocks, to a blank line",
    ),
    pytest.param(
        ("# one\n", "«# one\n¦if b:\n    c()\n\nelse:\n    d()»\n\ne()\n"), id="a statement is whole"
    ),
    pytest.param(
        ("# one\n", "«# one\n¦b(\n\nc,\n)»\n\nd()\n"), id="so is what a bracket holds"
    ),
    pytest.param(("# one\n", '«# one\n¦b = """\n\nc\n"""»\n\nd()\n'), id="or a string"),
    pytest.param(
        ("b()\nc()\n", "# one\nb()\nc()\n", "# one\nif d:\n    b()\nc()\n"),
        id="a header takes old lines in",
    ),
    pytest.param(
        ("# one\n", "«# one\n¦def b():»\n«    # six\n¦    d()»\n"), id="the nearest comment is answered"
    ),
    pytest.param(
        ("# one\n", "~«# one\n¦def b():\n    # six\n    d()»\n"),
        id="unless it came with the code",
    ),
    pytest.param(("", "~# one\nx = 1\n"), id="a block that was pasted"),
    pytest.param(
        ("# one\n", "~«# one\n¦x = 1»\n# two\ny = 2\n"), id="a comment that came with the code"
    ),
    pytest.param(
        ("# one\n", "«# one\n¦x = 1\ny = 2»\n", "«+# one\n¦x = 1»\n# two\ny = 2\n",
         "# one\nx = 1\n«# two\n¦z = 3»\ny = 2\n"),
        id="a comment within the code waits for its own",
    ),
    pytest.param(
        ("# one\nx\n# six\nz\n", "~# one\nx\n# two\ny\n# six\nz\n"), id="pasted in between"
    ),
    pytest.param(
        ("x = 1\n", "~# one\n# two\n\nx = 1\n", "# one\n# two\nx = 1\n",
         "«# one\n# two\n¦y = 2»\nx = 1\n"),
        id="a pasted comment waits",
    ),
    pytest.param(
        ("# one\nx\n", "~# one\nx\n# two\ny\n", "# one\nx\n# two\nz\ny\n"), id="pasted below one like it"
    ),
    pytest.param(("", "~# one\n# two\n", "«# one\n# two\n¦x = 1»\n"), id="a comment that was pasted"),
    pytest.param(("# one\n", "~«# one\n¦x = 1\ny = 2»\n"), id="code that was"),
    pytest.param(("x = 1  # one\n", "x = 1  # one\ny = 2\n"), id="a comment behind code"),
    pytest.param(("# x = f(1)\n", "# x = f(1)\ny = 2\n"), id="commented-out code"),
    pytest.param(("s = '''\n# one\n'''\n", "s = '''\n# one\nb\n'''\n"), id="in a string"),
    pytest.param(
        ('def f():\n    """Add."""\n', 'def f():\n«    """Add."""\n¦    a()\n\n    b()»\n\nc()\n'),
        id="a docstring, over blank lines",
    ),
    pytest.param(
        ('def f():\n    """Add."""\n', 'def f():\n«    """Add."""\n¦\n    a()»\n'),
        id="a blank line below a docstring",
    ),
    pytest.param(
        ('def f():\n    """Add."""\n\n', 'def f():\n«    """Add."""\n¦\n    a()»\n'),
        id="that was there",
    ),
    pytest.param(
        ('def f():\n    """Add."""\n    a()\n', 'def f():\n    """Add."""\n    b()\n    a()\n'),
        id="a docstring with code",
    ),
    pytest.param(
        ('def f():\n    """Add."""\n\n    a()\n', 'def f():\n    """Add."""\n    b()\n\n    a()\n'),
        id="a docstring with code below a blank line",
    ),
    pytest.param(
        ('"""Tools."""\n', '«"""Tools."""\n¦\nimport a\nimport b»\n\nx = 1\n'),
        id="a module's docstring",
    ),
    pytest.param(
        ('class A:\n    """All."""\n', 'class A:\n«    """All."""\n¦    b = 1»\n\n    c = 2\n'),
        id="a class's",
    ),
]  # fmt: skip


@pytest.mark.parametrize("states", PYTHON)
def test_code_below_comments(states: tuple[str, ...]) -> None:
    check("python", states)


@pytest.mark.parametrize(
    ("language", "states"),
    [
        ("javascript", ("f(() => {\n  // add\n})\n",
                        "f(() => {\n«  // add\n¦  if (a) {\n\n    b();\n  }\n  c();»\n})\n")),
        ("javascript", ("/** Adds. */\n", "«/** Adds. */\n¦function f() {\n  return 1;\n}»\n\ng()\n")),
        ("javascript", ("/**\n * Adds.\n */\n", "«/**\n * Adds.\n */\n¦f();»\n// two\n")),
        ("typescript", ("// add\n", "«// add\n¦const a = (b: string) =>\n  b;»\n\nc();\n")),
        ("c", ("/* add */\n", "«/* add */\n¦int f(void)\n{\n\treturn 1;\n}»\n\nint g;\n")),
        ("c", ("int f() {\n    // add\n}\n", "int f() {\n«    // add\n¦    a();\n    b();»\n}\n")),
        ("cpp", ("// add\n", "«// add\n¦do {\n  a();\n} while (b);»\n\nc();\n")),
        ("go", ("func f() {\n\t// add\n}\n",
                "func f() {\n«\t// add\n¦\tif a {\n\t\tb()\n\t} else {\n\t\tc()\n\t}»\n\n\td()\n}\n")),
        ("rust", ("/// Adds.\n", "«/// Adds.\n¦#[inline]\nfn f() -> i32 {\n    1\n}»\n\nfn g() {}\n")),
        ("java", ("  // add\n", "«  // add\n¦  int a() { return 1; }»\n}\n")),
        ("ruby", ("# add\n", "«# add\n¦def f\n  1\n\nend»\n\ng\n")),
        ("lua", ("-- add\n", "«-- add\n¦for a in b do\n  c()\nend»\n-- two\n")),
        ("shellscript", ("# add\n", "«# add\n¦if a; then\n  b\nfi»\n\nc\n")),
        ("plaintext", ("// say it\n", "«// say it\n¦It is said.\nDon't say more.»\n\nMore.\n")),
        ("plaintext", ("# say it\n", "~«# say it\n¦It is said.»\n// More.\nMore.\n")),
        ("markdown", ("# Title\n", "# Title\nText\n")),
    ],
)  # fmt: skip
def test_in_other_languages(language: str, states: tuple[str, ...]) -> None:
    check(language, states)


def test_tabs_stay_what_they_are() -> None:
    check("python", ("def f():\n\t# add\n", "def f():\n«\t# add\n¦\tfor a in b:\n\t\tc(a)»\n"))


def test_what_was_stated_is_told_without_marks() -> None:
    seen = noticed(
        opened(document("# TODO: add\n# all\n")), document("# TODO: add\n# all\nx = 1\n")
    )
    (answer,) = answered(seen)[1]
    assert answer.intent == "add\nall"


def test_nobody_writes_a_thousand_lines_in_a_moment() -> None:
    seen = opened(document("# one\n"))
    line = "print(1)\n"
    code = line * (MAX_WRITTEN // len(line))
    assert answered(noticed(seen, document("# one\n" + code)))[1]
    assert not answered(noticed(seen, document("# one\n" + code + line)))[1]


def test_nor_in_a_hundred_places() -> None:
    """A formatter, or another branch: which comments were there is not known any more."""
    comments = [f"# set {n}\n" for n in range(MAX_CHANGES + 1)]
    seen = opened(document("\n".join(comments)))
    some = "\n".join(f"{each}x = 1\n" for each in comments[:-1]) + "\n" + comments[-1]
    assert len(answered(replace(seen, now=document(some)))[1]) == MAX_CHANGES
    many = "\n".join(f"{each}x = 1\n" for each in comments)
    after, found = answered(replace(seen, now=document(many)))
    assert not found
    assert not answered(after)[1]


def test_in_a_large_text_the_tree_around_the_edit_will_do() -> None:
    """There it is an excerpt's."""
    above = "".join(f"def f{n}():\n    return '# {n}'\n\n\n" for n in range(2_000))
    text = above + "def g():\n    # add\n"
    before = parse(text + "    x", "python", parse(text, "python"))
    assert before.tree is not before.whole
    seen = noticed(opened(document(text)), document(text + "    x = 1\n"))
    (answer,) = answered(seen, before)[1]
    assert answer == (len(above) + 9, len(text), len(text) + 9, "add", False)


EDITS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.integers(0, 2),
        st.sampled_from(["# see", "x", "    x", "if x:", "", "# see,x"]),
    ),
    min_size=1,
    max_size=12,
)


@given(st.lists(st.sampled_from(["# see", "x", ""]), max_size=6), EDITS)
def test_whatever_is_edited_answers_are_new_and_apart(
    lines: list[str], edits: list[tuple[int, int, str]]
) -> None:
    """Lines are put in and taken out, each put in with a number of its own."""
    lines = [f"{line}_old{n}" if line else "" for n, line in enumerate(lines)]
    seen = opened(document("\n".join(lines)))
    for n, (at, n_gone, put) in enumerate(edits):
        old = {line for line in lines if line.strip()}
        come = [
            f"{each.rstrip(':')}_{n}{':' * each.endswith(':')}" if each else ""
            for each in put.split(",")
        ]
        lines = [*lines[:at], *come, *lines[at + n_gone :]]
        text = "\n".join(lines)
        seen, found = answered(noticed(seen, document(text)))
        ends = [offset for answer in found for offset in answer[:3]]
        assert ends == sorted(ends)
        for start, border, end, intent, goes_on in found:
            assert text[start:border].startswith("# see")
            assert intent.split("\n")[0] in text[start:border]
            code = [line for line in text[border:end].split("\n") if line.strip()]
            assert code
            assert goes_on or not old & set(code)
        assert answered(seen) == (seen, ())


@given(st.text("#ax1 \n\t\r\"'(){}:", max_size=60), st.text("#ax1 \n\t\r\"'(){}:", max_size=60))
def test_any_two_texts_have_an_answer(old: str, new: str) -> None:
    _, found = answered(noticed(opened(document(old)), document(new)))
    for start, border, end, _, _ in found:
        assert 0 <= start < border < end <= len(new)
        assert new[border:end].strip()
