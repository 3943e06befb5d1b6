"""Which suggestion a code begins with, however it was taken."""

from __future__ import annotations

import pytest

from codegen_lsp.complete import Completion
from codegen_lsp.document import Candidate
from codegen_lsp.engine import Stats
from codegen_lsp.offers import MAX_OFFERS, Offer, offered, origin_of
from codegen_lsp.turns import Origin
from tests.marked import at_cursor

COMMENT = "    # add all\n"
LOOP = "for a in b:\n        c += a"


def shown(
    marked: str, *texts: str, offers: tuple[Offer, ...] = (), n_prompt: int = 9
) -> tuple[Offer, ...]:
    """Candidates at a cursor, each with its number as its seed."""
    candidates = tuple(Candidate(text, -0.5, 3, "eos", seed) for seed, text in enumerate(texts))
    completion = Completion(candidates, stats=Stats(n_prompt=n_prompt))
    return offered(offers, *at_cursor(marked), completion, "nano")


@pytest.mark.parametrize(
    ("marked", "text", "code", "is_taken"),
    [
        pytest.param(f"{COMMENT}    <CURSOR>", LOOP, f"    {LOOP}", True, id="whole"),
        pytest.param(f"{COMMENT}    <CURSOR>", LOOP, "    for a in b:", True, id="its first line"),
        pytest.param(f"{COMMENT}    <CURSOR>", LOOP, "    for a in", False, id="a part of that"),
        pytest.param(
            f"{COMMENT}    <CURSOR>", LOOP, "    for a in c:\n        d()", False, id="left halfway"
        ),
        pytest.param(
            f"{COMMENT}    <CURSOR>", LOOP, "    for a in b:\n        d()", True, id="left below"
        ),
        pytest.param(
            f"{COMMENT}    for<CURSOR>", LOOP[3:], f"    {LOOP}", True, id="begun by the person"
        ),
        pytest.param(
            f"{COMMENT}    for a in <CURSOR>", "b:", "    for a in b:", False, id="more than half"
        ),
        pytest.param(f"{COMMENT}    <CURSOR>", "d(1)", "    d(1) + 2", True, id="and gone on with"),
        pytest.param(
            f"{COMMENT}    <CURSOR>", "d", "    d = sum(b) / len(b)", False, id="a letter of it"
        ),
        pytest.param(
            f"{COMMENT.rstrip()}<CURSOR>", f"\n    {LOOP}", f"    {LOOP}", True, id="the next line"
        ),
        pytest.param(
            f"{COMMENT.rstrip()}<CURSOR>", f"\r\n\t{LOOP}", f"\t{LOOP}", True, id="as the file has it"
        ),
        pytest.param(
            f"{COMMENT}\n    <CURSOR>", LOOP, f"\n    {LOOP}", True, id="below a blank line"
        ),
        pytest.param("    # other\n    <CURSOR>", LOOP, f"    {LOOP}", False, id="elsewhere"),
        pytest.param("<CURSOR>", LOOP, f"    {LOOP}", False, id="at the text's beginning"),
    ],
)  # fmt: skip
def test_origin_of_code(marked: str, text: str, code: str, is_taken: bool) -> None:
    origin = Origin("nano", 0, 9, -0.5) if is_taken else None
    assert origin_of(shown(marked, text), COMMENT, code) == origin


def test_of_several_candidates_it_is_the_one_that_stands_there() -> None:
    texts = ("for a in b:\n        c += a", "for a in b:\n        d(a)", "e()")
    offers = shown(f"{COMMENT}    <CURSOR>", *texts)
    for seed, text in enumerate(texts):
        origin = origin_of(offers, COMMENT, f"    {text}\n    x = 1")
        assert origin is not None
        assert origin.seed == seed


def test_what_is_left_of_a_suggestion_while_it_is_typed_is_the_same() -> None:
    offers = shown(f"{COMMENT}    <CURSOR>", LOOP)
    for n_typed in range(1, len("for a in b:")):
        marked = f"{COMMENT}    {LOOP[:n_typed]}<CURSOR>"
        assert shown(marked, LOOP[n_typed:], offers=offers, n_prompt=10 + n_typed) == offers


def test_the_newest_are_remembered() -> None:
    offers: tuple[Offer, ...] = ()
    for n in range(MAX_OFFERS + 1):
        offers = shown(f"{COMMENT}    <CURSOR>", f"x = {n:03}", offers=offers)
    assert origin_of(offers, COMMENT, "    x = 000") is None
    assert origin_of(offers, COMMENT, "    x = 001") is not None
