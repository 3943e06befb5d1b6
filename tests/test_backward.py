"""How likely an intent is, given code."""

from __future__ import annotations

import pytest

from codegen_lsp.backward import MAX_CODE, MAX_INTENT, likelihood, tokens
from codegen_lsp.engine import Cancel, Engine
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from tests.fake_engine import FakeEngine


def texts(engine: Engine, intent: str, code: str, language: str) -> tuple[str, ...]:
    return tuple("".join(map(chr, each)) for each in tokens(intent, code, language, engine))


@pytest.mark.parametrize(
    ("language", "intent", "code", "expected"),
    [
        pytest.param("python", "add", "\nx += 1\n", ("x += 1\n\n#", " add"), id="a comment below"),
        pytest.param("go", "add\n  up", "x++", ("x++\n\n//", " add up"), id="of one line"),
        pytest.param("css", "add", "a {}", ("a {}\n\n/*", " add */"), id="only blocks"),
        pytest.param("python", "add", "", ("\n\n#", " add"), id="no code, to compare with"),
        pytest.param("python", "", "x", ("x\n\n#", ""), id="no intent"),
    ],
)
def test_the_intent_stands_below_the_code(
    language: str, intent: str, code: str, expected: tuple[str, str]
) -> None:
    assert texts(FakeEngine(), intent, code, language) == expected


@pytest.mark.parametrize("n_ctx", [8, 100, 2048])
def test_what_is_long_is_cut_to_fit(n_ctx: int) -> None:
    engine = FakeEngine(n_ctx=n_ctx)
    given, asked = texts(engine, "add " * 9999, "x = 1\n" * 9999, "python")
    assert len(given) + len(asked) < n_ctx
    assert len(asked) <= MAX_INTENT
    assert len(given) <= MAX_CODE + len("\n#")
    assert given.endswith("\n#")
    assert asked.startswith(" ad")


def test_its_mean_is_given_and_nothing_has_none() -> None:
    assert likelihood("add", "x += 1\n", "python", FakeEngine(), Cancel()) == -0.5
    assert likelihood("", "x += 1\n", "python", FakeEngine(), Cancel()) == 0


def test_a_model_knows_what_code_was_written_for() -> None:
    engine = LlamaEngine(EMBEDDED_PATH)
    intent = "open the file and read its lines"
    codes = ("with open(file) as stream:\n    lines = stream.readlines()\n", "total = price * n\n")
    right, wrong = (likelihood(intent, code, "python", engine, Cancel()) for code in codes)
    engine.close()
    assert wrong < right < 0
