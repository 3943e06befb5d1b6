"""Where the description of a definition goes, what is asked about it, and what is made of the answer."""

from __future__ import annotations

import ast
from collections.abc import Generator
from dataclasses import replace

import pytest

from codegen_lsp.config import Config
from codegen_lsp.describe import (
    BLOCKS,
    MARKS,
    Description,
    Subject,
    change_for,
    cleaned,
    described,
    is_over,
    subject_at,
    written_out,
)
from codegen_lsp.engine import Cancel, Generation, Sampling, Stop, Token
from codegen_lsp.languages import LANGUAGES
from codegen_lsp.syntax import parse, parses
from tests.fake_engine import FakeEngine
from tests.marked import CURSOR, at_cursor

ADD = "def add(a, b):\n    return <CURSOR>a + b\n"
WORDS = Description("Return the sum.", -0.5)


class EverSurer(FakeEngine):
    """Is surer of each candidate than of the one before."""

    def _candidate(
        self, index: int, reply: str, sampling: Sampling, generation: Generation
    ) -> Generator[Token, None, Stop]:
        tokens = super()._candidate(index, reply, sampling, generation)
        for token in tokens:
            yield replace(token, logprob=-1 / (1 + index))
        return "eos"


def subject_in(marked: str, language: str = "python") -> Subject:
    found = subject_at(*at_cursor(marked, language))
    assert isinstance(found, Subject), found
    return found


@pytest.mark.parametrize(
    ("marked", "language", "expected"),
    [
        pytest.param(
            ADD, "python", 'def add(a, b):\n    """Return the sum."""\n    return a + b\n', id="python"
        ),
        pytest.param(
            "def <CURSOR>add(a,\n        b):  # quick\n\n  return a", "python",
            'def add(a,\n        b):  # quick\n  """Return the sum."""\n\n  return a',
            id="below a header of two lines, indented as the body",
        ),
        pytest.param(
            "@cache\r\ndef f(self):\r\n\treturn 1<CURSOR>\r\n", "python",
            '@cache\r\ndef f(self):\r\n\t"""Return the sum."""\r\n\treturn 1\r\n',
            id="in the style of the file",
        ),
        pytest.param(
            "class A:\n    x = 1\n<CURSOR>\n    def f(self):\n        return 1\n", "python",
            'class A:\n    """Return the sum."""\n    x = 1\n\n    def f(self):\n        return 1\n',
            id="a class, where the cursor is in none of its functions",
        ),
        pytest.param(
            "function f() {\n  return 1;<CURSOR>\n}\n", "javascript",
            "/** Return the sum. */\nfunction f() {\n  return 1;\n}\n", id="a block above",
        ),
        pytest.param(
            "mod m {\n    #[inline]\n    fn f() -> u8 {\n        1<CURSOR>\n    }\n}\n", "rust",
            "mod m {\n    /// Return the sum.\n    #[inline]\n    fn f() -> u8 {\n        1\n    }\n}\n",
            id="above what belongs to it",
        ),
        pytest.param(
            "package p\n\nfunc Add() int {\n\treturn <CURSOR>1\n}\n", "go",
            "package p\n\n// Add return the sum.\nfunc Add() int {\n\treturn 1\n}\n",
            id="begins with the name",
        ),
        pytest.param(
            "class A {\n  @Override\n  int f() {\n    return 1;<CURSOR>\n  }\n}", "java",
            "class A {\n  /** Return the sum. */\n  @Override\n  int f() {\n    return 1;\n  }\n}",
            id="java",
        ),
        pytest.param(
            "fun f(): Int {\n  return 1<CURSOR>\n}\n", "kotlin",
            "/** Return the sum. */\nfun f(): Int {\n  return 1\n}\n",
            id="no grammar",
        ),
    ],
)  # fmt: skip
def test_where_a_description_goes(marked: str, language: str, expected: str) -> None:
    subject = subject_in(marked, language)
    start, end, text = change_for(subject, WORDS)
    said = subject.document.text
    assert said[:start] + text + said[end:] == expected


@pytest.mark.parametrize(
    ("marked", "language", "why"),
    [
        ("x = <CURSOR>1\n", "python", "no function and no class"),
        ("def f():\n    return 1\n\n\nx = <CURSOR>1\n", "python", "no function and no class"),
        (
            'def f():\n    """Does."""\n    return <CURSOR>1\n',
            "python",
            "f has a description already",
        ),
        (
            'def f():\n    r"""Does."""\n    return <CURSOR>1\n',
            "python",
            "has a description already",
        ),
        ("/** Does. */\nint f() {\n  return <CURSOR>1;\n}\n", "c", "f has a description already"),
        ("// Does.\n#[test]\nfn f() {\n  g()<CURSOR>\n}\n", "rust", "f has a description already"),
        ("def f(): return <CURSOR>1\n", "python", "on a line of its own"),
        ("def f(<CURSOR>):\n    # later\n", "python", "does nothing yet"),
        ("void f() {\n  <CURSOR>\n}\n", "c", "does nothing yet"),
        ("just words<CURSOR>", "plaintext", "no function and no class"),
        (
            f"def f({CURSOR}):\n    return 1\n" + "x = 1\n" * 200_000,
            "python",
            "no function and no class",
        ),
    ],
)
def test_what_cannot_be_described_is_told_in_one_line(marked: str, language: str, why: str) -> None:
    found = subject_at(*at_cursor(marked, language))
    assert isinstance(found, str)
    assert why in found


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('return the sum of both."""\n    return a + b', "Return the sum of both."),
        ("Return the sum", "Return the sum."),
        ("Return the\n    sum of both", "Return the sum of both."),
        ("One two. Three four! Five six? Seven eight.", "One two. Three four! Five six?"),
        ("Uses a.b and e.g. c. Then", "Uses a.b and e.g. c. Then."),
        ("Return the sum.\n\n    Args:\n        a: one", "Return the sum."),
        ("Return the sum.\n    :param a: one", "Return the sum."),
        ("Return it:\n    :class:`Sum` of both.", "Return it: :class:`Sum` of both."),
        ("Return the sum.\n    >>> add(1, 2)", "Return the sum."),
        ("Return the sum.\n```python\nadd(1)\n```", "Return the sum."),
        ("Return the sum.\ndef add(a, b):\n    return", "Return the sum."),
        ("\n\n    Return the sum.\n    ", "Return the sum."),
        ("def add(a, b): adds", ""),
        ("It is add: def add(a, b): so", ""),
        ("return a +\n    b.", ""),
        ("Sum.", ""),
        ("", ""),
        ("...", ""),
        ("add numbers up", "add numbers up."),  # a name of the code
        ("the name of the name of the name of the name of the name of the name", ""),
        ("Return it. Then the name of the name of the name of the name of the name", "Return it."),
    ],
)
def test_an_answer_becomes_a_few_sentences(said: str, expected: str) -> None:
    assert cleaned(said, subject_in(ADD)) == expected


def test_of_an_answer_that_is_cut_off_whole_sentences_are_left() -> None:
    subject = subject_in(ADD)
    assert cleaned("Return the sum. It is the", subject, is_cut=True) == "Return the sum."
    assert cleaned("Return the sum of", subject, is_cut=True) == ""


def test_what_looks_like_a_secret_is_not_said() -> None:
    key = "AKIA" + "Q3EGRJ7XKW2NPLZM"
    assert key not in cleaned(f"Return the key {key} of it.", subject_in(ADD))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (" returns the\n// sum of both\nint x;", "Returns the sum of both."),
        (" returns the sum\n\n// of both", "Returns the sum."),
        (" - returns the sum */", "Returns the sum."),
    ],
)
def test_other_languages_answer_in_comments(said: str, expected: str) -> None:
    assert cleaned(said, subject_in("int f() {\n  return 1;<CURSOR>\n}\n", "c")) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "Return it.", False),
        ("python", 'Return it."""', True),
        ("python", "One. Two. Three.", True),
        ("python", "One.\n\n", True),
        ("python", "Return", False),
        ("python", "One.\n    Returns\n", True),
        ("c", " one\n", False),
        ("c", " one\n/", False),
        ("c", " one\n// two", False),
        ("c", " one\nint", True),
        ("c", " one\n\n//", True),
    ],
)
def test_no_more_is_written_than_is_shown(language: str, text: str, expected: bool) -> None:
    marked = ADD if language == "python" else "int f() {\n  return 1;<CURSOR>\n}\n"
    assert is_over(text, subject_in(marked, language)) is expected


LONG = "Return the sum of both numbers as an integer, or as a float if one of them is one. " * 2
CODE = {
    "python": "def f():\n{}    return 1\n",
    "java": "class A {{\n{}    int f() {{ return 1; }}\n}}\n",
    "rust": "mod m {{\n{}    fn f() {{}}\n}}\n",
    "go": "package p\n\n{}func f() {{}}\n",
    "typescript": "{}function f() {{}}\n",
    "c": "{}int f() {{ return 1; }}\n",
    "cpp": "{}int f() {{ return 1; }}\n",
    "javascript": "{}function f() {{}}\n",
}


@pytest.mark.parametrize("language", CODE)
@pytest.mark.parametrize("text", ["Short.", LONG.strip(), r'Ends */ with "quotes" \ or ?> \n.'])
def test_a_description_breaks_no_code_and_fits_the_lines(language: str, text: str) -> None:
    written = written_out(text, "f", language, "    ")
    code = CODE[language].format(written)
    assert parses(parse(code, language))
    assert all(line.startswith("    ") and len(line) <= 88 for line in written.splitlines())


def test_a_docstring_says_what_was_meant() -> None:
    text = r'A "\n" is \ and more.'
    assert ast.literal_eval(written_out(text, "f", "python", "")) == text


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("csharp", "/// <summary>\n/// Is a &lt; b.\n/// </summary>\n"),
        ("rust", "/// Is a < b.\n"),
        ("swift", "/// Is a < b.\n"),
        ("kotlin", "/** Is a < b. */\n"),
        ("go", "// F is a < b.\n"),
    ],
)
def test_each_language_has_its_form(language: str, expected: str) -> None:
    assert written_out("Is a < b.", "F", language, "") == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_that_has_functions_has_a_form(language: str) -> None:
    if LANGUAGES[language].function_header:
        assert language in {"python", "go", *BLOCKS, *MARKS}


def test_the_model_sees_the_code_and_then_the_opened_docstring() -> None:
    engine = FakeEngine('Add them."""', 'Sum them up."""', 'Add them."""')
    heard: list[str] = []
    found = described(
        subject_in("class A:\n    def f(self):\n        return <CURSOR>1\n"),
        engine, Config(candidates=3), Cancel(), heard.append,
    )  # fmt: skip
    assert [each.text for each in found] == ["Add them.", "Sum them up."]
    (prompt,) = engine.prompts
    code = "class A:\n    def f(self):\n        return 1\n"
    assert prompt.text == f'{code}\n\n    def f(self):\n        """'
    assert heard[0] == "A"


def test_elsewhere_it_sees_the_code_and_then_a_comment_that_begins_with_the_name() -> None:
    engine = FakeEngine(" returns one\nint")
    subject = subject_in("int f() {\n  return 1;<CURSOR>\n}\n", "c")
    (found,) = described(subject, engine, Config(candidates=1), Cancel(), lambda _: None)
    assert found.text == "Returns one."
    assert engine.prompts[0].text == "int f() {\n  return 1;\n}\n\n\n// f"


@pytest.mark.parametrize("n_ctx", [100, 400])
def test_of_long_code_the_beginning_is_shown(n_ctx: int) -> None:
    engine = FakeEngine('Add them."""', n_ctx=n_ctx)
    subject = subject_in("above = 1\n" * 50 + f"def f(){CURSOR}:\n" + "    x = 1\n" * 500)
    described(subject, engine, Config(candidates=1, max_tokens=32), Cancel(), lambda _: None)
    (prompt,) = engine.prompts
    assert len(prompt.tokens) == len(prompt.text) < n_ctx - 32
    assert prompt.text.startswith("def f():\n    x = 1\n")
    assert "above" not in prompt.text
    assert prompt.text.endswith('\n\ndef f():\n    """')


def test_of_a_header_that_is_too_long_the_end_is_shown() -> None:
    engine = FakeEngine('Add them."""', n_ctx=64)
    subject = subject_in(f"def f({CURSOR}{'a, ' * 99}):\n    return 1\n")
    described(subject, engine, Config(candidates=1, max_tokens=32), Cancel(), lambda _: None)
    (prompt,) = engine.prompts
    assert "".join(map(chr, prompt.tokens)).endswith('a, ):\n    """')
    assert len(prompt.tokens) < 64 - 32


def test_the_surest_is_the_first() -> None:
    engine = EverSurer('Add them."""', 'Sum them up."""')
    subject = subject_in(ADD)
    found = described(subject, engine, Config(candidates=2), Cancel(), lambda _: None)
    assert [each.text for each in found] == ["Sum them up.", "Add them."]
    assert found[0].mean_logprob == -0.5


def test_nothing_is_said_once_the_flag_is_raised() -> None:
    cancel = Cancel()
    subject, engine = subject_in(ADD), FakeEngine('Add them."""')
    assert described(subject, engine, Config(), cancel, lambda _: cancel.set()) == ()


def test_the_document_may_be_one_with_masks() -> None:
    """They are as long as what they hide, so the change is one of the document itself."""
    subject = subject_in(ADD)
    masked = replace(subject.document, text=subject.document.text.replace("a + b", "*****"))
    assert change_for(replace(subject, document=masked), WORDS) == change_for(subject, WORDS)
