"""Answers while they are written: what they lead to, what keeps them going, what ends them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from codegen_lsp.attempt import Attempt, Attempts, Way
from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.likely import Place

PATIENCE = 60  # seconds; what takes longer has failed


def document(text: str) -> Document:
    return Document("file:///a", "python", 0, text)


def attempt_at(text: str) -> Attempt:
    return Attempt(1, Request(document(text), len(text)), Config(), None)


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        pytest.param("", "x = ", True, id="nothing is written or typed so far"),
        pytest.param("f(a", "x = f", True, id="a beginning of it was typed"),
        pytest.param("f", "x = f(a", True, id="more was typed than is written"),
        pytest.param("f(a", "x = g", False, id="something else was typed"),
        pytest.param("f(a", "y = f", False, id="and something was changed before"),
        pytest.param("f(a", "x =", False, id="something was deleted"),
    ],
)
def test_what_an_attempt_leads_to(written: str, text: str, expected: bool) -> None:
    attempt = attempt_at("x = ")

    def write(
        request: Request, config: Config, cancel: Cancel, hear: Callable[[str], None]
    ) -> Completion:
        hear(written)
        assert attempt.leads_to(document(text), len(text)) == expected
        return Completion()

    attempt.run(write)


def test_what_has_ended_leads_nowhere_any_more() -> None:
    """Until the engine is free that takes a moment; who goes back meanwhile gets another answer."""
    attempt = attempt_at("x = ")

    def write(
        request: Request, config: Config, cancel: Cancel, hear: Callable[[str], None]
    ) -> Completion:
        assert attempt.leads_to(document("x = g"), 5)  # it may say so
        hear("f")
        assert cancel.is_set()
        assert not attempt.leads_to(document("x = "), 4)
        assert not attempt.leads_to(document("x = f"), 5)
        return Completion()

    attempt.run(write)


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        pytest.param("while", True, id="nothing was typed"),
        pytest.param("while x", True, id="on the way to where it will be asked for"),
        pytest.param("while x:", True, id="there"),
        pytest.param("while x:\n", True, id="further on, which it may say"),
        pytest.param("while y", False, id="something else was typed"),
        pytest.param("while x\n", False, id="the way was left"),
        pytest.param("whil", False, id="something was deleted"),
    ],
)
def test_what_is_written_ahead_goes_on_while_somebody_comes_nearer(
    text: str, goes_on: bool
) -> None:
    def write(
        request: Request, config: Config, cancel: Cancel, hear: Callable[[str], None]
    ) -> Completion:
        ended = threading.Event()
        cancel.on_set(ended.set)
        assert ended.wait(PATIENCE)
        return Completion()

    async def main() -> None:
        way = Way(Place(document("while"), 5), " x:")
        with ThreadPoolExecutor(max_workers=1) as executor:
            attempts = Attempts(executor, write, lambda _: None)
            request = Request(way.end.document, way.end.offset or 0)
            attempt = attempts.begin(request, Config(), way)
            attempts.follow(document(text))
            assert attempt.cancel.is_set() is not goes_on
            attempts.drop()

    asyncio.run(main())
