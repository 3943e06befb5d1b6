from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.complete import Completion, Known, Request, complete
from codegen_lsp.config import Config
from codegen_lsp.engine import Cancel, Generation, Prompt, Sampling, Token
from codegen_lsp.history import Said
from codegen_lsp.talk import SILENCE, Talk
from codegen_lsp.written import N_SEEN
from tests.fake_engine import FakeEngine
from tests.marked import at_cursor, with_ghost


def completed(marked: str, *replies: str, n: int = 1, step: int = 1) -> Completion:
    document, offset = at_cursor(marked)
    engine = FakeEngine(*replies, step=step)
    return complete(Request(document, offset, n, invoked=True), engine, Config(), Cancel())


@pytest.mark.parametrize(
    ("marked", "reply", "expected"),
    [
        pytest.param(
            "def add(a, b):\n    return <CURSOR>\n", "a + b",
            "def add(a, b):\n    return «a + b»\n", id="fills the line",
        ),
        pytest.param("f(<CURSOR>)", "a, b)", "f(«a, b»)", id="does not repeat the closing bracket"),
        pytest.param("a = 1\r\n<CURSOR>", "b = 2\nc = 3\n\nd", "a = 1\r\n«b = 2\r\nc = 3»", id="CRLF"),
    ],
)  # fmt: skip
def test_complete(marked: str, reply: str, expected: str) -> None:
    (candidate,) = completed(marked, reply).candidates
    assert with_ghost(marked, candidate.text) == expected


def test_several_candidates_are_ranked_and_merged() -> None:
    completion = completed("x = <CURSOR>", "1", "2", "1", n=3)
    assert [candidate.text for candidate in completion.candidates] == ["1", "2"]
    assert [candidate.seed for candidate in completion.candidates] == [0, 1]
    assert len(completion.stats.stops) == 3


def test_nothing_is_generated_past_what_is_shown() -> None:
    completion = completed("x = <CURSOR>\n", "1\n" + "y" * 80)
    (candidate,) = completion.candidates
    assert candidate.text == "1"
    assert candidate.n_tokens == len(" 1")
    assert completion.stats.n_generated == len(" 1\n")


def test_a_cancelled_completion_has_no_candidates() -> None:
    cancel = Cancel()
    cancel.set()
    document, offset = at_cursor("x = <CURSOR>")
    assert complete(Request(document, offset), FakeEngine("1"), Config(), cancel).candidates == ()


def test_where_nothing_can_be_said_the_engine_is_not_asked() -> None:
    completion = completed("x" * 2000 + "<CURSOR>", "1")
    assert (completion.candidates, completion.prompt) == ((), None)


def test_a_line_cut_by_the_length_limit_is_not_shown() -> None:
    document, offset = at_cursor("<CURSOR>")
    reply = "a = 1\nb = 123456"
    engine = FakeEngine(reply)
    (candidate,) = complete(
        Request(document, offset, invoked=True), engine, Config(max_tokens=11), Cancel()
    ).candidates
    assert candidate.text == "a = 1"
    assert candidate.stop == "length"


@given(st.integers(1, 30))
def test_one_piece_or_character_by_character(step: int) -> None:
    marked, reply = "def f():\n    <CURSOR>\n", "a = 1\n    return a\n\ndef g():\n    pass\n"
    assert [c.text for c in completed(marked, reply, step=step).candidates] == [
        "a = 1\n    return a"
    ]


class Doubting(FakeEngine):
    """Gives each of its tokens a log-probability from a list, the last one to all others."""

    def __init__(self, reply: str, *logprobs: float, step: int = 1) -> None:
        super().__init__(reply, step=step)
        self._logprobs = logprobs

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        generation = super().generate(prompt, samplings, cancel)

        def doubting(outer: Generation) -> Generator[Token, None, None]:
            for n, token in enumerate(generation):
                yield replace(token, logprob=self._logprobs[min(n, len(self._logprobs) - 1)])
                if not outer.wanted:
                    generation.close()
            outer.stats = generation.stats

        return Generation(len(samplings), doubting)


def asked(engine: FakeEngine, marked: str, *, invoked: bool) -> Completion:
    request = Request(*at_cursor(marked), invoked=invoked)
    return complete(request, engine, Config(min_confidence=0.3), Cancel())


def test_what_the_model_doubts_is_shown_only_to_who_asks() -> None:
    engine = Doubting("first.second\n", -3.0)
    completion = asked(engine, "x = <CURSOR>", invoked=False)
    assert completion.candidates == ()
    assert completion.stats.n_generated == N_SEEN
    completion = asked(Doubting("first.second\n", -3.0), "x = <CURSOR>", invoked=True)
    assert [candidate.text for candidate in completion.candidates] == ["first.second"]


def test_the_lines_before_the_doubt_are_shown() -> None:
    engine = Doubting("\n    a = b\n    c = d\n", -0.1, -0.1, -9.0, step=6)
    completion = asked(engine, "def f():<CURSOR>\n", invoked=False)
    assert [candidate.text for candidate in completion.candidates] == ["\n    a = b"]


def test_another_line_comes_only_of_what_is_likely() -> None:
    sure = asked(Doubting("f(\n  a,\n)\n", -0.1, step=4), "x = <CURSOR>", invoked=False)
    unsure = asked(Doubting("f(\n  a,\n)\n", -1.1, step=1), "x = <CURSOR>", invoked=False)
    assert [candidate.text for candidate in sure.candidates] == ["f(\n  a,\n)"]
    assert [candidate.text for candidate in unsure.candidates] == ["f"]
    assert unsure.stats.n_generated == len(" f(\n")


def test_nothing_is_dropped_but_what_was_written() -> None:
    completion = asked(FakeEngine(")\n"), "x = <CURSOR>", invoked=False)
    assert (completion.candidates, completion.dropped) == ((), ")")
    assert asked(FakeEngine("y\n"), "x = <CURSOR>", invoked=False).dropped == ""


@pytest.mark.parametrize(
    ("marked", "reply", "expected"),
    [
        pytest.param(
            "def f():\n    <CURSOR>", 'a = 1\n    password = "hunter2!"\n    return a\n',
            ["a = 1"], id="the lines before it",
        ),
        pytest.param(
            "login(a, <CURSOR>)", 'password="hunter2!")\n', [], id="no quote is left open"
        ),
        pytest.param("password = <CURSOR>", '"hunter2!"\n', [], id="nor a quote alone"),
        pytest.param('password = "<CURSOR>', 'hunter2!"\n', [], id="in a text"),
        pytest.param("password = <CURSOR>", 'input("it: ")\n', ['input("it: ")'], id="none"),
    ],
)  # fmt: skip
def test_no_secret_is_made_up(marked: str, reply: str, expected: list[str]) -> None:
    assert [candidate.text for candidate in completed(marked, reply).candidates] == expected


@pytest.mark.parametrize(
    ("single_line", "expected"),
    [(False, "a = 1\n    return a"), (True, "a = 1")],
)
def test_a_single_line_spares_the_machine_a_block(single_line: bool, expected: str) -> None:
    document, offset = at_cursor("def f():\n    <CURSOR>")
    request = Request(document, offset, single_line=single_line)
    completion = complete(request, FakeEngine("a = 1\n    return a\n"), Config(), Cancel())
    assert [candidate.text for candidate in completion.candidates] == [expected]
    assert single_line is ("spares the machine" in completion.reason)


def test_what_was_said_is_told_and_not_kept() -> None:
    document, offset = at_cursor("# Print the total.\n<CURSOR>")
    engine = FakeEngine("print(total)\n")
    known = Known(talk=Talk((), lambda: (Said("Add up.", "total = sum(x)"),)))
    request = Request(document, offset, invoked=True)
    completion = complete(request, engine, Config(), Cancel(), known)
    assert engine.prompts[0].text.startswith("# Add up.\ntotal = sum(x)\n\n# Print")
    assert completion.known.talk == SILENCE
    typing = complete(Request(document, offset), engine, Config(), Cancel(), completion.known)
    assert typing.prompt == engine.prompts[0]  # what was evaluated stays


def test_who_asks_for_code_gets_neither_blanks_nor_a_comment() -> None:
    engine = FakeEngine("x = 1\n")
    document, offset = at_cursor("# set x\n<CURSOR>")
    for begins_code in (False, True):
        request = Request(document, offset, invoked=True, begins_code=begins_code)
        complete(request, engine, Config(), Cancel())
    free, bound = (prompt.shun for prompt in engine.prompts)
    assert not free
    assert {" ", "\t", "\n", "#", '"""'} <= set(bound)


@pytest.mark.parametrize(("end", "is_whole"), [("", False), ("# Set y.\n", True)])
def test_who_asks_by_a_comment_waits_for_a_longer_prompt(end: str, is_whole: bool) -> None:
    engine, config = FakeEngine("y = 1\n"), Config(prompt_tokens=1000)
    known = Known()
    for text in ("z = 2\n" * 50, "x = 1\n" * 150 + end):
        document, offset = at_cursor(f"{text}<CURSOR>")
        request = Request(document, offset, invoked=True)
        known = complete(request, engine, config, Cancel(), known).known
    assert (engine.prompts[-1].text == text) == is_whole
