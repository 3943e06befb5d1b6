"""What a model says of candidates that are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from codegen_lsp.choose import Scores
from codegen_lsp.complete import Known
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Prompt
from codegen_lsp.synthesis import Asked, Proposal, below, stated_in
from codegen_lsp.turns import Origin
from codegen_lsp.weigh import surprise, weighed
from tests.fake_engine import FakeEngine

SURPRISE = 12.5
KEY = "AKIA" + "Q3EGRJ7XKW2NPLZM"


class Reader(FakeEngine):
    """Expects whatever it is told behind code that holds a plus; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("")
        self.scored: list[str] = []

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        text = "".join(map(chr, tokens))
        self.scored.append(text)
        return (-1.0 if "+" in text[:n_given] else -3.0,) * (len(tokens) - n_given)


def asked(text: str) -> Asked:
    document = Document("file:///a", "python", 1, text)
    return below(stated_in(document, 0, 0, Known())[0], document)


def proposed(wanted: Asked, *codes: str) -> tuple[Proposal, ...]:
    origin = Origin("m", 1, 1, -0.5)
    return tuple(Proposal(wanted, f"\n{code}", origin, Scores(-0.5)) for code in codes)


def weigh(
    engine: Reader, given: tuple[Proposal, ...], cancel: Cancel | None = None
) -> tuple[Proposal, ...]:
    return weighed(given, SURPRISE, cancel or Cancel(), given[0].asked.document, engine)


def test_code_that_says_what_was_wanted_comes_first() -> None:
    one, other = proposed(asked("# add a and b\n"), "a - b", "a + b")
    found = weigh(Reader(), (one, other))
    assert found == (
        replace(other, scores=Scores(-0.5, -1.0), perplexity=SURPRISE),
        replace(one, scores=Scores(-0.5, -3.0), perplexity=SURPRISE),
    )


def test_of_one_candidate_nothing_is_asked() -> None:
    engine = Reader()
    (found,) = weigh(engine, proposed(asked("# add a and b\n"), "a + b"))
    assert engine.scored == []
    assert (found.scores, found.perplexity) == (Scores(-0.5), SURPRISE)


def test_a_comment_surprises_by_what_its_words_are_worth_there() -> None:
    engine, wanted = Reader(), asked("# add a and b\n")
    prompt = Prompt(text := "x = 1\n# add a and b\n", tuple(map(ord, text)))
    assert surprise(wanted, prompt, engine, Cancel()) == math.exp(3.0)
    assert engine.scored == [text]
    cancel = Cancel()
    cancel.set()
    assert surprise(wanted, prompt, engine, cancel) is None


def test_what_was_given_up_stays_as_it_was() -> None:
    cancel = Cancel()
    cancel.set()
    given = proposed(asked("# add a and b\n"), "a - b", "a + b")
    assert weigh(Reader(), given, cancel) == given


def test_a_secret_in_a_comment_reaches_no_engine() -> None:
    engine = Reader()
    given = proposed(asked(f"# log in with {KEY}\n"), "a", "b")
    document = given[0].asked.document
    weighed(given, SURPRISE, Cancel(), document, engine)
    assert engine.scored
    assert not any(KEY in text for text in engine.scored)
