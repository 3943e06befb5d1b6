"""How much an intent surprises a model, and from when on a person is told."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp import models
from codegen_lsp.clarity import is_unclear, perplexity, perplexity_of
from codegen_lsp.engine import Cancel, Infill, Prompt
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from tests.fake_engine import FakeEngine


class Surprised(FakeEngine):
    """A letter is as unlikely as it stands late in the alphabet."""

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        return tuple(-float(token - ord("a")) for token in tokens[n_given:])


@pytest.mark.parametrize(
    ("text", "n_intent", "expected"),
    [
        pytest.param("zzab", 2, math.exp(0.5), id="the last tokens count, those before do not"),
        pytest.param("bbb", 3, math.exp(1), id="of the very first one a model says nothing"),
        pytest.param("a", 1, 1.0, id="nothing is no surprise"),
    ],
)
def test_perplexity_is_that_of_the_last_tokens(text: str, n_intent: int, expected: float) -> None:
    engine = Surprised()
    found = perplexity(engine.tokenize(text), n_intent, engine, Cancel())
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("infill", [None, Infill((1,), (2,), (3,))])
def test_perplexity_of_a_comment_is_that_of_its_tokens(infill: Infill | None) -> None:
    engine = Surprised(infill=infill)
    text = "zz\n    # bc\n"
    tokens = engine.tokenize(text)
    if infill is not None:  # what stands below is in the prompt, too
        tokens = [1, *tokens, 2, *engine.tokenize("zzzz"), 3]
    found = perplexity_of(Prompt(text, tuple(tokens)), "    # bc", engine, Cancel())
    assert found == pytest.approx(math.exp(sum(ord(each) - ord("a") for each in "# bc\n") / 5))


def test_a_model_is_surprised_by_what_it_does_not_know() -> None:
    engine = LlamaEngine(EMBEDDED_PATH)
    text = "class Stack:\n    def pop(self):\n        "
    clear, odd = "# remove the last item and return it", "# zebra quux of nineteen marmalades"
    known, unknown = (
        perplexity_of(Prompt(both, tuple(engine.tokenize(both))), comment, engine, Cancel())
        for comment in (clear, odd)
        for both in [f"{text}{comment}\n"]
    )
    engine.close()
    assert 1 < known < unknown


@pytest.mark.parametrize(
    ("table", "perplexity", "expected"),
    [
        pytest.param({"mine": {"unclear_from": 50}}, 49.9, False, id="below"),
        pytest.param({"mine": {"unclear_from": 50}}, 50.0, True, id="from there on"),
        pytest.param({"other": {"unclear_from": 50}}, 1e9, False, id="another model was measured"),
        pytest.param({"mine": {"unclear_from": "much"}}, 1e9, False, id="no number"),
        pytest.param({"mine": 50}, 1e9, False, id="no row"),
        pytest.param([], 1e9, False, id="no table"),
        pytest.param(None, 1e9, False, id="no file"),
    ],
)
def test_a_hint_is_for_measured_models_only(
    table: Any, perplexity: float, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "models_dir", lambda: tmp_path)
    if table is not None:
        (tmp_path / "clarity.json").write_text(json.dumps(table))
    assert is_unclear(perplexity, "mine") is expected


def test_what_was_measured_of_our_own_model_is_on_record() -> None:
    measured = json.loads((models.DATA / models.CLARITY).read_text(encoding="utf-8"))
    assert measured[models.EMBEDDED]["n"] >= 300
    assert not is_unclear(1e9, models.EMBEDDED)  # from none on: its row says why
