"""Text in, reasons out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from codegen_lsp.complete import Known, Request, complete
from codegen_lsp.config import Config
from codegen_lsp.engine import Cancel, Infill
from codegen_lsp.explain import STOPS, WHY, Explanation, explain
from codegen_lsp.history import Said
from codegen_lsp.postprocess import FILTERS
from codegen_lsp.story import as_data, markdown
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.talk import Talk
from codegen_lsp.turns import Turns, add
from codegen_lsp.written import DOUBT, IMPROBABLE, LENGTH, SECRET, UNLIKELY_LINE
from tests.fake_engine import FakeEngine
from tests.marked import at_cursor
from tests.test_complete import Doubting

MASKED = "x" * 8
LONG = (
    "(the, quick, brown, fox, jumps, over, a, lazy, dog, and, goes, on, to, where, it, was)"
    + " + then" * 3
    + " - (now)"
)


NO_WISH: Mapping[str, Any] = {}
INVOKED = {"invoked": True}


def told(
    marked: str, engine: FakeEngine, asked: Mapping[str, Any] = NO_WISH, n: int = 1
) -> Explanation:
    request = replace(Request(*at_cursor(marked), n), **asked)
    return explain(request, engine, Config(), Cancel())


@pytest.mark.parametrize(
    ("marked", "reply", "asked", "expected"),
    [
        pytest.param(
            "x = <CURSOR>\n", "a + b\n", {},
            "`a + b` is suggested: a statement was begun.", id="shown",
        ),
        pytest.param(
            "<CURSOR>\n", "# add\n", {},
            "the model wrote `#`, and it is a comment that was not asked for.",
            id="a comment that was not asked for",
        ),
        pytest.param(
            "x = <CURSOR>", "1\n", {"just_deleted": True},
            "Nothing is suggested: something was just deleted.", id="after a deletion",
        ),
        pytest.param(
            'x = "abc <CURSOR>', "def\n", {},
            "Nothing is suggested: in a string.", id="in a string",
        ),
        pytest.param(
            "# abc <CURSOR>", "def\n", {},
            "| when you ask | line | a statement was begun |", id="in a comment one may ask",
        ),
        pytest.param(
            "x = <CURSOR>y", "z\n", {},
            "Nothing is suggested: a word follows the cursor.", id="in a word",
        ),
        pytest.param(
            "x" * 2_000 + "<CURSOR>", "y\n", {},
            "Nothing is suggested: a binary file or an overlong line.", id="an overlong line",
        ),
        pytest.param(
            "def f():\n    <CURSOR>", "a = 1\n", {"single_line": True},
            "a single line spares the machine", id="a busy machine",
        ),
        pytest.param(
            "x = <CURSOR>\ny = 1\n", "a b\n", {},
            "- `a b`: the file would parse worse with it (`no_new_error`)", id="a new syntax error",
        ),
        pytest.param(
            "<CURSOR>\n", "total = a\ntotal = a\n", INVOKED,
            "- `total = a`: it repeats a line that was written before (`no_loop`)", id="a repetition",
        ),
        pytest.param(
            "def f(a):\n    <CURSOR>\n    return a.value\n", "b = a.c\n    return a.value\n",
            INVOKED, "- `return a.value`: it repeats the line that stands below the cursor",
            id="an echo of the line below",
        ),
        pytest.param(
            "x = g(f(a<CURSOR>)", ", b)\n", {},
            "- `)`: it repeats what stands right of the cursor (`no_rest_of_line`)",
            id="an echo of what stands right of it",
        ),
        pytest.param(
            "def f():\n    <CURSOR>", 'a = 1\n    password = "hunter2!"\n', INVOKED,
            "it looks like a secret (`secret`)", id="a secret",
        ),
        pytest.param(
            "x = <CURSOR>", "", {},
            "Nothing is suggested: the model ends the text there.", id="nothing was written",
        ),
        pytest.param(
            "x = y<CURSOR>", "\nz = 1\n", {},
            "Nothing is suggested: the model says that the statement is complete.",
            id="complete in the model's opinion",
        ),
        pytest.param(
            "x = <CURSOR>", LONG, INVOKED,
            "No more was written: it was as long as a candidate may be (`maxTokens`).", id="too long",
        ),
        pytest.param(
            "x = <CURSOR>", ")\n", {},
            "No more was written: it closes a bracket that nothing has opened.", id="why it ended",
        ),
        pytest.param(
            "sel = 1\nse<CURSOR>", "l\n", {},
            '`"se"` in front of the cursor was taken back: the answer has to begin with it.',
            id="a word that is begun",
        ),
    ],
)  # fmt: skip
def test_there_is_a_reason_for_everything(
    marked: str, reply: str, asked: dict[str, bool], expected: str
) -> None:
    explanation = told(marked, FakeEngine(reply), asked)
    assert expected in markdown(explanation)
    title = "# Why this suggestion\n" if explanation.shown else "# Why no suggestion\n"
    assert markdown(explanation).startswith(title)


@pytest.mark.parametrize(
    ("marked", "engine", "expected"),
    [
        pytest.param(
            "x = <CURSOR>", Doubting("first.second\n", -3.0),
            "and the model is not sure enough of it (`minConfidence`).", id="low confidence",
        ),
        pytest.param(
            "x = <CURSOR>", Doubting("first.second\n", -3.0),
            "No more was written: the model is not sure enough of it (`minConfidence`).",
            id="nor goes it on",
        ),
        pytest.param(
            "def f():<CURSOR>\n", Doubting("\n    a = b\n    c = d\n", -0.1, -0.1, -9.0, step=6),
            "- `c =`: the model is not sure enough of it (`minConfidence`) (`doubt`)",
            id="the lines before the doubt are left",
        ),
        pytest.param(
            "x = <CURSOR>", Doubting("f(\n  a,\n)\n", -1.1),
            "No more was written: it is too unlikely to go on on another line.", id="another line",
        ),
    ],
)  # fmt: skip
def test_what_the_model_doubts_is_told(marked: str, engine: FakeEngine, expected: str) -> None:
    assert expected in markdown(told(marked, engine))


def test_every_filter_has_a_reason() -> None:
    names = {each.__name__.lstrip("_") for each in FILTERS}
    assert set(WHY) == names | {"straight", LENGTH, DOUBT, UNLIKELY_LINE, SECRET, IMPROBABLE}


def test_what_is_told_is_what_is_suggested() -> None:
    marked, replies = "def f(a):\n    <CURSOR>\n", ("b = a", "b = a\n", "c = (a)", "return a\n#")
    explanation = told(marked, FakeEngine(*replies), INVOKED, n=4)
    request = Request(*at_cursor(marked), 4, invoked=True)
    completion = complete(request, FakeEngine(*replies), Config(), Cancel())
    assert [each.text for each in explanation.shown] == [
        each.text for each in completion.candidates
    ]
    assert [each.place for each in explanation.candidates].count(None) == 1
    text = markdown(explanation)
    assert "It is not shown: another candidate says the same." in text
    assert "by chance (temperature 0.8, top-p 0.95, seed 3)" in text
    assert "It is ranked by -0.75, of which -0.25 are for how it goes with the text" in text


def test_tokens_are_told_with_their_probabilities_and_whether_they_are_kept() -> None:
    explanation = told("x = <CURSOR>", Doubting("a|b\nc\n", -0.25))
    (made,) = explanation.candidates
    assert [(each.text, each.is_kept) for each in made.tokens] == [
        (" ", True), ("a", True), ("|", True), ("b", True), ("\n", False),
    ]  # fmt: skip
    assert made.mean_logprob == -0.25
    assert made.probability == pytest.approx(0.3679, abs=1e-4)  # exp(4 * -0.25)
    assert '| `"\\|"` | -0.250 | 0.779 | yes |' in markdown(explanation)


def test_long_candidates_are_not_listed_to_their_end() -> None:
    explanation = told("x = <CURSOR>", FakeEngine(LONG[:60] + "\n"))
    assert len(explanation.candidates[0].tokens) == 62
    assert "… and 30 more" in markdown(explanation)


def test_the_parts_of_the_prompt_are_counted() -> None:
    """The scripted engine reads a character a token."""
    others = Surroundings()
    others.put("lib/helper.py", "def connect(url):\n    return url.open()\n", "python")
    marked = (
        "from lib.helper import connect\n\n"
        + "a = 1\n" * 300
        + "def g(url):\n    b = connect(<CURSOR>"
    )
    request = Request(*at_cursor(marked))
    known, config = Known(surroundings=others, path="main.py"), Config(prompt_tokens=900)
    explanation = explain(request, FakeEngine("url)\n"), config, Cancel(), known)
    prompt = explanation.prompt
    assert prompt is not None
    assert [(part.what, part.where) for part in prompt.parts] == [
        ("another file", "lib/helper.py"),
        ("imports", "above the window"),
        ("definitions", "in this file, outside the window"),
        ("this file", "from line 241 to the cursor"),
    ]
    assert prompt.parts[1].n_tokens == len("from lib.helper import connect\n")
    assert prompt.n_tokens == len(prompt.text) <= prompt.budget == 900
    assert prompt.n_tokens - 3 <= sum(part.n_tokens for part in prompt.parts) <= prompt.n_tokens
    assert "| another file | lib/helper.py | " in markdown(explanation)
    assert "main.py, line 304, column 17 · python · model `nano` · while you type" in markdown(
        explanation
    )


def test_what_a_model_reads_behind_the_cursor_is_counted_too() -> None:
    engine = FakeEngine("1", infill=Infill((1,), (2,), (3, 4)))
    prompt = told("x = <CURSOR>\ny = 2\n", engine).prompt
    assert prompt is not None
    assert [(part.where, part.n_tokens) for part in prompt.parts] == [
        ("from line 1 to the cursor", 3),
        ("behind the cursor", len("\ny = 2")),
        ("between what stands before and behind the cursor", 4),
    ]
    assert sum(part.n_tokens for part in prompt.parts) == prompt.n_tokens


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param('password = "hunter2!"\n', id="whole"),
        pytest.param("# ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6" + "\n", id="by its form"),
    ],
)
def test_no_secret_that_a_model_makes_up_is_told(reply: str) -> None:
    explanation = told("def f():\n    <CURSOR>", FakeEngine(f"a = 1\n    {reply}"), INVOKED)
    for text in (markdown(explanation), json.dumps(as_data(explanation))):
        assert MASKED in text
        assert "hunter2" not in text
        assert "ghp_" not in text
    tokens = "".join(each.text for each in explanation.candidates[0].tokens)
    assert MASKED in tokens


def test_as_data_it_is_an_object_of_plain_values() -> None:
    data = as_data(told("x = <CURSOR>", FakeEngine("1\n")))
    assert json.loads(json.dumps(data)) == data
    assert data["whileTyping"] == {"extent": "line", "reason": "a statement was begun"}
    assert data["candidates"][0]["tokens"][1] == {"text": "1", "logprob": -0.5, "isKept": True}
    assert data["prompt"]["parts"] == [
        {"what": "this file", "where": "from line 1 to the cursor", "nTokens": 3}
    ]
    assert data["stats"]["nPrompt"] == 3


def test_no_text_breaks_out_of_its_fence() -> None:
    text = markdown(told('"""\n```\n````\n"""\nx = <CURSOR>', FakeEngine("`a`\n"), INVOKED))
    assert '\n`````python\n"""\n```\n````\n"""\nx =\n`````\n' in text
    assert '`` "`" ``' in text


def test_who_interrupts_it_is_told_so() -> None:
    cancel = Cancel()
    cancel.set()
    explanation = explain(Request(*at_cursor("x = <CURSOR>")), FakeEngine("1"), Config(), cancel)
    assert explanation.verdict.startswith("There is no explanation: something was typed")
    assert explanation.prompt is None


def test_every_way_to_end_is_told() -> None:
    ends: dict[str, Any] = {"eos": "a", "length": LONG}
    for stop, reply in ends.items():
        (made,) = told("x = <CURSOR>", FakeEngine(reply), INVOKED).candidates
        assert made.ended == STOPS[stop]
    ended = replace(Config(), max_tokens=3)
    request = Request(*at_cursor("<CURSOR>"), invoked=True)
    (made,) = explain(request, FakeEngine("a\nb\n"), ended, Cancel()).candidates
    assert [cut.filter for cut in made.cuts] == ["length"]


def test_turns_are_told_with_their_tokens() -> None:
    """One that the window shows, one above it, and one of another file."""
    first, second = "# Say one.\none = 1\n", "# Say two.\ntwo = 2\n"
    filler = "".join(f"print(one, {n:03})\n" for n in range(60))
    marked = f"{first}{filler}{second}# Say one of the numbers.\n<CURSOR>"
    document, offset = at_cursor(marked)
    turns = Turns(document.text)
    for text, intent in ((first, "Say one."), (second, "Say two.")):
        start = document.text.index(text)
        border, end = start + text.index("\n"), start + len(text) - 1
        turns, _ = add(turns, start, border, end, intent)
    said = (Said("Say the numbers.", "numbers = [one]"),)
    request = Request(document, offset, invoked=True)
    known, config = Known(talk=Talk(turns.turns, lambda: said)), Config(prompt_tokens=700)
    explanation = explain(request, FakeEngine("b = 1\n"), config, Cancel(), known)
    assert explanation.prompt is not None
    assert [(turn.intent, turn.where) for turn in explanation.prompt.turns] == [
        ("Say the numbers.", "in another file"),
        ("Say one.", "above the window"),
        ("Say two.", "in the window"),
    ]
    assert explanation.prompt.turns[2].n_tokens == len(second) - 1
    assert f"| Say one. | above the window | {len(first) + 1} |" in markdown(explanation)
    kinds = [(part.what, part.where) for part in explanation.prompt.parts]
    assert kinds[:2] == [("turns", "of other files"), ("turns", "above the window")]
