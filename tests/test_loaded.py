"""What a loaded engine was told and asked, and what of that the next question goes on with."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from codegen_lsp.complete import Request
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.likely import Place
from codegen_lsp.loaded import Loaded
from codegen_lsp.surroundings import Surroundings
from tests.fake_engine import FakeEngine

CONFIG = Config(prompt_tokens=1000)  # a character each
LINES = "number = 1\n" * 200


class OtherWords(FakeEngine):
    """Has another vocabulary."""

    def tokenize(self, text: str) -> list[int]:
        return [1 + token for token in super().tokenize(text)]


class Interrupted(FakeEngine):
    """Is needed for something else in the middle of each warm-up."""

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        cancel.set()
        return super().warm(tokens, cancel)


def loaded_with(engine: FakeEngine) -> Loaded:
    loaded = Loaded(lambda _: False, Surroundings(), str)
    loaded.replace(engine, "settings")
    return loaded


def at_end(text: str) -> Place:
    return Place(Document("file:///a", "python", 0, text), len(text))


def ask(loaded: Loaded, text: str) -> None:
    loaded.complete(Request(at_end(text).document, len(text)), CONFIG, Cancel(), lambda _: None)


def test_another_model_reads_tokens_of_its_own() -> None:
    other = OtherWords("1\n")
    loaded = loaded_with(FakeEngine("1\n"))
    ask(loaded, LINES + "x = ")
    loaded.replace(other, "other settings")
    ask(loaded, LINES + "x = ")
    (prompt,) = other.prompts
    assert prompt.tokens == tuple(other.tokenize(prompt.text))


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_requests_go_on_with_what_was_evaluated_last(is_interrupted: bool) -> None:
    """When nobody waits, a prompt that is nearly full is made shorter; what becomes of it depends on
    whether there was time to evaluate it."""
    engine = Interrupted("1\n") if is_interrupted else FakeEngine("1\n")
    loaded = loaded_with(engine)
    ask(loaded, LINES)
    more = "number = 1\n" * 25
    loaded.prepare(at_end(LINES + more), [], CONFIG, Cancel())
    ask(loaded, LINES + more + "x = ")
    before, after = (prompt.text for prompt in engine.prompts)
    (shorter,) = engine.warmed
    assert len(shorter) < len(before + more)
    assert after == (before + more if is_interrupted else shorter) + "x ="
