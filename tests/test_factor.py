"""One intent as steps, each a comment of its own, and steps as one intent again."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codegen_lsp.complete import Completion, Known, complete
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, Document
from codegen_lsp.edits import changed
from codegen_lsp.engine import Cancel, Sampling
from codegen_lsp.factor import (
    Factored,
    FactorError,
    code_of_proposal,
    factored,
    joined,
    turns_up_to,
)
from codegen_lsp.intents import as_comment
from codegen_lsp.languages import LANGUAGES
from codegen_lsp.synthesis import Proposal, Stated, proposals, request_for, stated_in
from codegen_lsp.turns import Turns, add, follow
from tests.fake_engine import FakeEngine
from tests.marked import at_cursor

# language, text with the cursor; the text then, the steps' comments between « and »
SPLIT = [
    pytest.param("python", "# Read it. Count its words.<CURSOR>\nx = 1\n",
                 "«# Read it.\n\n# Count its words.»\nx = 1\n", id="sentences"),
    pytest.param("python", "# Read it.\n# Count<CURSOR> its words.",
                 "«# Read it.\n\n# Count its words.»", id="at the text's end"),
    pytest.param("python", "x = 1\n# Read it. Count.\n\n<CURSOR>",
                 "x = 1\n«# Read it.\n\n# Count.»\n\n", id="from below"),
    pytest.param("python", "def f():\r\n\t# Read it. Count.<CURSOR>\r\n\tpass\r\n",
                 "def f():\r\n\t«# Read it.\r\n\r\n\t# Count.»\r\n\tpass\r\n",
                 id="tabs and other line ends"),
    pytest.param("python", "# Do this:\n# 1. read it\n# 2. count<CURSOR>\n",
                 "«# Do this: read it\n\n# count»\n", id="a numbered list"),
    pytest.param("python", "# - read it\n#   whole\n# - count<CURSOR>\n",
                 "«# read it whole\n\n# count»\n", id="bullets"),
    pytest.param("python", "# TODO: read it. Count.<CURSOR>\n", "«# read it.\n\n# Count.»\n",
                 id="TODO goes"),
    pytest.param("python", "# Read it. TODO: count.<CURSOR>\n", "«# Read it.\n\n# TODO: count.»\n",
                 id="a later TODO stays"),
    pytest.param("python", "# Square it.\n#\n# >>> f(2)\n# 4\n#\n# Print it.<CURSOR>\n",
                 "«# Square it.\n# >>> f(2)\n# 4\n\n# Print it.»\n", id="examples stay"),
    pytest.param("python", "# Set it:\n#\n# x = f(1)\n#\n# Print it.<CURSOR>\n",
                 "«# Set it:\n# x = f(1)\n\n# Print it.»\n", id="code states nothing alone"),
    pytest.param("python", "# 12.\n#\n# Read it.\n#\n# Count.<CURSOR>\n",
                 "«# 12.\n# Read it.\n\n# Count.»\n", id="a number states nothing, at the top"),
    pytest.param("python", "# " + "word " * 12 + "ends. Then " + "stop " * 30 + ".<CURSOR>\n",
                 "«# " + "word " * 12 + "ends.\n\n# Then " + "stop " * 15 + "stop\n# "
                 + "stop " * 14 + ".»\n", id="long ones are wrapped"),
    pytest.param("python", "# 读取文件。统计单词。<CURSOR>\n", "«# 读取文件。\n\n# 统计单词。»\n",
                 id="Chinese"),
    pytest.param("go", "// Прочитай файл. Выведи слова.<CURSOR>\n",
                 "«// Прочитай файл.\n\n// Выведи слова.»\n", id="Russian"),
    pytest.param("java", "// اقرأ الملف؟ اطبع الكلمات.<CURSOR>\n",
                 "«// اقرأ الملف؟\n\n// اطبع الكلمات.»\n", id="Arabic"),
    pytest.param("c", "int f() {\n  /* Read it. Count. */<CURSOR>\n}\n",
                 "int f() {\n  «/* Read it. */\n\n  /* Count. */»\n}\n", id="a block stays one"),
    pytest.param("java", "/**\n * Read it.\n *\n * @param a what\n *\n * Count.\n */<CURSOR>\n",
                 "«/*\n * Read it.\n * @param a what\n */\n\n/* Count. */»\n", id="Javadoc"),
    pytest.param("css", "/* Make it round. Turn it. */<CURSOR>\n",
                 "«/* Make it round. */\n\n/* Turn it. */»\n", id="blocks only"),
    pytest.param("html", "<!-- Make a list.\n     Fill it. -->\n<CURSOR>",
                 "«<!-- Make a list. -->\n\n<!-- Fill it. -->»\n", id="html"),
    pytest.param("sql", "-- Take all. Sort them.<CURSOR>\n", "«-- Take all.\n\n-- Sort them.»\n",
                 id="sql"),
    pytest.param("lua", "--[[ Read it. Count. ]]<CURSOR>\n", "«--[[ Read it. ]]\n\n--[[ Count. ]]»\n",
                 id="lua's block"),
    pytest.param("bat", ":: Read it. Count.<CURSOR>\n", "«:: Read it.\n\n:: Count.»\n",
                 id="of several marks the one there"),
    pytest.param("php", "# Read it. Count.<CURSOR>\n", "«# Read it.\n\n# Count.»\n", id="php's second"),
    pytest.param("nobody's", "// Read it. Count.<CURSOR>\n", "«// Read it.\n\n// Count.»\n",
                 id="a language of which nothing is known"),
    pytest.param("python", 'def f():\n    """Read it. Count."""<CURSOR>\n\n\nx = 1\n',
                 'def f():\n    """Read it. Count."""\n    «# Read it.\n\n    # Count.»\n\n\nx = 1\n',
                 id="a docstring stays"),
    pytest.param("python", 'def f():\r\n\t"""\r\n\tRead it.\r\n\tCount.\r\n\t"""<CURSOR>',
                 'def f():\r\n\t"""\r\n\tRead it.\r\n\tCount.\r\n\t"""\r\n'
                 '\t«# Read it.\r\n\r\n\t# Count.»', id="a docstring at the end, with tabs"),
    pytest.param("python", 'def f():\n    """Read it. Count."""<CURSOR>\n\n    pass\n',
                 'def f():\n    """Read it. Count."""\n    «# Read it.\n\n    # Count.»\n\n    pass\n',
                 id="above what fills the body"),
    pytest.param("python", '"""Read it. Count."""<CURSOR>\n',
                 '"""Read it. Count."""\n«# Read it.\n\n# Count.»\n', id="a module's docstring"),
]  # fmt: skip

NOT_SPLIT = [
    pytest.param("# Read it.<CURSOR>\n", "one step already", id="one step"),
    pytest.param("# Print it. 12.<CURSOR>\n", "one step already", id="but for a number"),
    pytest.param('def f():\n    """Read it. Count."""<CURSOR>\n    return 1\n', "below this docstring",
                 id="a body is there"),
    pytest.param('def f():\n    """Read it. Count."""<CURSOR>\n\n    # Read it.\n',
                 "below this docstring", id="it was split already"),
    pytest.param('"""Read it. Count."""<CURSOR>\nimport os\n', "below this docstring",
                 id="a module has begun"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "marked", "expected"), SPLIT)
def test_an_intent_becomes_steps(language: str, marked: str, expected: str) -> None:
    document, offset = at_cursor(marked, language)
    found = split_at(document, offset)
    assert shown(document, found) == expected
    assert [each.text for each in said_in(document, found)] == list(found.steps)


@pytest.mark.parametrize(("marked", "message"), NOT_SPLIT)
def test_what_is_not_split(marked: str, message: str) -> None:
    with pytest.raises(FactorError, match=message):
        split_at(*at_cursor(marked))


def test_a_comment_that_has_its_code_is_not_split() -> None:
    document, offset = at_cursor("# Read it. Count.<CURSOR>\nx = 1\n")
    turns, _ = add(Turns(document.text), 0, 18, 23, "Read it. Count.")
    with pytest.raises(FactorError, match="has its code already"):
        split_at(document, offset, turns)


WORDS = st.sampled_from(
    ["read", "the", "文件。", "слово", "e.g.", "f(2)", "==", "4", "- ", "1. ", "*/", "-->", "don't",
     "x[1]", "{", "}", "*", "#", "//", "<!--", "--[[", ">>>", "?>", "TODO:", "\\", "w" * 90,
     "Stop.", "Why?"]
)  # fmt: skip
# Those without comments, and one whose mark is a word.
WITHOUT_MARKS = {"json", "vim", "bat"}
SENTENCES = st.lists(WORDS, min_size=1, max_size=12).map(lambda words: f"It {' '.join(words)} is.")


@given(
    st.lists(SENTENCES, min_size=2, max_size=6),
    st.sampled_from([" ", "\n", "\n\n"]),
    st.sampled_from(sorted(set(LANGUAGES) - WITHOUT_MARKS)),
    st.sampled_from(["", "    ", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_the_comments_state_the_steps_in_their_order(
    sentences: list[str], joint: str, language: str, indent: str, newline: str, in_block: bool
) -> None:
    """What comes behind, generating code for the range, finds exactly what it was told."""
    intent = joint.join(sentences)
    blocks = LANGUAGES[language].block_comments
    text = as_comment(intent, language, indent, like=blocks[0][0] if in_block and blocks else "")
    text = text.replace("\n", newline) + f"{newline}{indent}behind{newline}"
    document = Document("file:///a", language, 1, text)
    assume(stated_in(document, len(indent), len(indent), Known()))  # words that are no code
    try:
        found = split_at(document, len(indent))
    except FactorError:
        return
    then = changed(text, found.change)
    assert (then[: found.start], then[found.end :]) == ("", text[found.change.end :])
    assert [each.text for each in said_in(document, found)] == list(found.steps)
    assert letters(then[: found.end]) == letters(text[: found.change.end])


def test_ten_thousand_words_become_a_thousand_steps() -> None:
    text = as_comment("Nine more words are said in each of these. " * 1_111, "python", "")
    found = split_at(Document("file:///a", "python", 1, text), 0)
    assert len(found.steps) == 1_111


# text: turns are what stands between « and |, and their code up to »; the cursor; the turns found, by
# their places
UP_TO = [
    pytest.param("«# a b\n|x = 1»\n\n«# c d\n|y = 2<CURSOR>»\n", [1, 2], id="all up to the cursor's"),
    pytest.param("«# a b\n|x = <CURSOR>1»\n\n«# c d\n|y = 2»\n", [1], id="none below it"),
    pytest.param("«# a b\n|x = 1»\n\n«# c d\n|y = 2»\n\n<CURSOR>", [1, 2], id="from below"),
    pytest.param("«# a b\n|x = 1»\nz = 3\n«# c d\n|y = 2<CURSOR>»\n", [2], id="code between"),
    pytest.param("«# a b\n|x = 1»\nz = 3<CURSOR>\n", [], id="code above the cursor"),
    pytest.param("<CURSOR>\n«# a b\n|x = 1»\n", [], id="above all"),
    pytest.param('def f():\n«    """A b."""\n|    x = 1»\n«    # c d\n|    y = 2<CURSOR>»\n', [2],
                 id="a docstring is no step"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "numbers"), UP_TO)
def test_turns_that_follow_each_other(marked: str, numbers: list[int]) -> None:
    turns, document, offset = conversation(marked)
    found = turns_up_to(turns, everything_in(document), offset)
    assert [turn.number for turn in found] == numbers


# text; language; what it says when the turns are one whose code is CODE
JOINED = [
    pytest.param("z\n«# a b\n|x = 1»\n\n«# c d\n# e\n|y = 2»\nz\n", "python",
                 "z\n# a b\n# c d\n# e\nCODE\nz\n", id="line behind line"),
    pytest.param("f\r\n«\t# a b\r\n|\tx = 1»\r\n«\t\t# c d\r\n|\t\ty = 2»\r\n", "python",
                 "f\r\n\t# a b\r\n\t# c d\r\n\tCODE\r\n", id="tabs and other line ends"),
    pytest.param("«/* a b */\n|x = 1;»\n\n«// c d\n|y = 2;\n»z\n", "c",
                 "/*\n * a b\n * c d\n */\nCODE\nz\n", id="in the form of the first"),
    pytest.param(f"«# a {'b ' * 90}\n|x = 1»\n«# c d\n|y = 2»\n", "python",
                 f"# a {'b ' * 89}b\n# c d\nCODE\n", id="long lines stay"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "language", "expected"), JOINED)
def test_turns_become_one(marked: str, language: str, expected: str) -> None:
    turns, document, _ = conversation(marked + "<CURSOR>", language)
    one = proposed(turns, document)
    assert one.result == expected
    result, (start, end) = code_of_proposal(one)
    assert result.text == expected
    assert result.text[start:end].strip() == "CODE"
    assert result.text[start - 1] == "\n"


def test_a_comment_that_was_edited_counts_as_it_is() -> None:
    turns, document, _ = conversation("«# a b\n|x = 1»\n«# c d\n|y = 2»\n<CURSOR>")
    edited = document.text.replace("a b", "a better b")
    turns = follow(turns, edited)
    one = proposed(turns, Document("file:///a", "python", 2, edited))
    assert one.asked.intent == "a better b\nc d"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param("x = 1\nprint(x)\n\ny = 2\nprint(y)\n\nz = 3\n",
                     "x = 1\nprint(x)\n\ny = 2\nprint(y)", id="a paragraph each"),
        pytest.param("def f():\n    return 1\n\ndef g():\n    return 2\n\nf()\n",
                     "def f():\n    return 1\n\ndef g():\n    return 2", id="definitions"),
        pytest.param("x = 1\n\n# e f\ny = 2\n", "x = 1", id="no third intent"),
        pytest.param("x = 1\n" * 40, "x = 1", id="no loop"),
        pytest.param("\n".join(f"x{n} = {n}" for n in range(40)),
                     "\n".join(f"x{n} = {n}" for n in range(9)), id="as long as two answers"),
    ],
)  # fmt: skip
def test_the_code_for_two_may_be_as_much_as_theirs(reply: str, code: str) -> None:
    turns, document, _ = conversation("«# a b\n|u = 1»\n\n«# c d\n|v = 2»\n<CURSOR>")
    request = request_for(joined(turns.turns, everything_in(document), document), (Sampling(32),))
    engine = FakeEngine(reply)
    (found,) = complete(request, engine, Config(max_tokens=32), Cancel()).candidates
    assert found.text.rstrip() == code
    assert engine.samplings[0].max_tokens == 64
    small = FakeEngine(reply, n_ctx=100)
    complete(request, small, Config(max_tokens=32), Cancel())
    assert small.samplings[0].max_tokens == 50


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ("«# a b\n|x = 1»\n<CURSOR>", "no two turns"),
        ("«# a b\n|x = 1»\nz\n«# c d\n|y = 2»\n<CURSOR>", "something else stands between"),
        ('def f():\n«    """A b."""\n|    x = 1»\n«    # c d\n|    y = 2»\n<CURSOR>', "only turns"),
    ],
)
def test_what_cannot_be_one(marked: str, message: str) -> None:
    turns, document, _ = conversation(marked)
    with pytest.raises(FactorError, match=message):
        joined(turns.turns, everything_in(document), document)


def split_at(document: Document, offset: int, turns: Turns | None = None) -> Factored:
    (stated,) = stated_in(document, offset, offset, Known())
    return factored(stated, document, turns or Turns(document.text))


def said_in(document: Document, found: Factored) -> tuple[Stated, ...]:
    then = Document("file:///a", document.language, 2, changed(document.text, found.change))
    return stated_in(then, found.start, found.end, Known())


def shown(document: Document, found: Factored) -> str:
    """With the marks behind the first line's indentation."""
    text = changed(document.text, found.change)
    inside = text[found.start : found.end]
    bare = inside.lstrip(" \t")
    indent = inside[: len(inside) - len(bare)]
    return f"{text[: found.start]}{indent}«{bare}»{text[found.end :]}"


def letters(text: str) -> list[str]:
    return [character for character in text if character.isalpha()]


def everything_in(document: Document) -> tuple[Stated, ...]:
    return stated_in(document, 0, len(document.text), Known())


def conversation(marked: str, language: str = "python") -> tuple[Turns, Document, int]:
    bare = marked.replace("«", "").replace("|", "").replace("»", "")
    document, offset = at_cursor(bare, language)
    turns, text = Turns(document.text), marked.replace("<CURSOR>", "")
    while "«" in text:
        start = text.index("«")
        border, end = text.index("|") - 1, text.index("»") - 2
        for mark in "«|»":
            text = text.replace(mark, "", 1)
        turns, _ = add(turns, start, border, end, "said earlier")
    return turns, document, offset


def proposed(turns: Turns, document: Document) -> Proposal:
    asked = joined(turns.turns, everything_in(document), document)
    completion = Completion((Candidate("CODE", -0.5, 1, "eos"),))
    return proposals(asked, completion, "nano")[0]
