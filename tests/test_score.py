"""How likely a text is to a model, where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import pytest

from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, EngineError, Infill, mean_logprob
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.loaded import Loaded
from codegen_lsp.models import find
from codegen_lsp.score import logprobs
from codegen_lsp.surroundings import Surroundings
from tests.fake_engine import FakeEngine


class ScoringEngine(FakeEngine):
    """Keeps what was given, and what was scored behind it; of these tokens each is less likely."""

    def __init__(self, n_ctx: int = 2048, infill: Infill | None = None) -> None:
        super().__init__("", n_ctx=n_ctx, infill=infill)
        self.scored: list[tuple[str, str]] = []

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        text = "".join(map(chr, tokens))
        self.scored.append((text[:n_given], text[n_given:]))
        return tuple(-float(n) for n in range(len(tokens) - n_given))


class FailingEngine(FakeEngine):
    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        raise EngineError("the engine has ended")


def document(text: str) -> Document:
    return Document("file:///a.py", "python", 1, text)


@pytest.mark.parametrize(
    ("marked", "given", "scored"),
    [
        pytest.param("# add\n«x = 1»\n", "# add\n", "x = 1", id="lines"),
        pytest.param("def f():\r\n\t# add\r\n«\tx = 1»\r\n", "def f():\n    # add\n", "    x = 1",
                     id="tabs and other line ends"),
        pytest.param("# add\nx = «1»\n# more\n", "# add\nx =", " 1", id="within a line"),
    ],
)  # fmt: skip
def test_what_stands_before_is_given_and_nothing_behind(
    marked: str, given: str, scored: str
) -> None:
    engine = ScoringEngine()
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    found = logprobs(document(text), start, end, engine, Config(), Cancel())
    assert engine.scored == [(given, scored)]
    assert len(found) == len(scored)


def test_also_to_a_model_that_could_read_it() -> None:
    engine = ScoringEngine(infill=Infill((1,), (2,), (3,)))
    logprobs(document("# add\nx = 1\ny = 2\n"), 6, 11, engine, Config(), Cancel())
    assert engine.scored == [("\1# add\n\2\3", "x = 1")]


def test_a_long_text_leaves_room_for_what_stands_before() -> None:
    engine = ScoringEngine(n_ctx=100)
    text = "# add\n" * 50 + "x = 1\n" * 50
    logprobs(document(text), 300, len(text), engine, Config(), Cancel())
    ((given, scored),) = engine.scored
    assert len(scored) == 50
    assert given.endswith("# add\n")
    assert 20 < len(given) <= 50


def test_the_mean_is_that_of_all_tokens() -> None:
    loaded = loaded_with(ScoringEngine())
    text = "# add\nxy\n# add\nwxyz\n"
    score = loaded.score(document(text), [(6, 8), (15, 19)], Config(), Cancel())
    assert score == mean_logprob([0, -1, 0, -1, -2, -3])


def test_no_secret_is_scored() -> None:
    engine = ScoringEngine()
    text = 'key = "AKIAQYLPMN5HHHFPZAM2"\n# use it\nuse(key)\n'
    loaded_with(engine).score(document(text), [(len(text) - 9, len(text))], Config(), Cancel())
    assert "AKIAQYLPMN5HHHFPZAM2" not in engine.scored[0][0]


def test_what_was_not_scored_has_no_score() -> None:
    raised = Cancel()
    raised.set()
    text, spans = document("# add\nx = 1\n"), [(6, 11)]
    assert loaded_with(ScoringEngine()).score(text, spans, Config(), raised) is None
    assert loaded_with(FailingEngine("")).score(text, spans, Config(), Cancel()) is None
    assert loaded_with(ScoringEngine()).score(text, [], Config(), Cancel()) is None
    nobody = Loaded(lambda _: False, Surroundings(), str)
    assert nobody.score(text, spans, Config(), Cancel()) is None


def test_what_a_model_would_write_is_likelier_than_what_it_would_not() -> None:
    text = "class A:\n    def __init__(self, name, size):\n        self.name = name\n"
    with closing(LlamaEngine(find("nano"))) as engine:
        scores = [
            mean_logprob(
                logprobs(
                    document(text + line), len(text), len(text + line), engine, Config(), Cancel()
                )
            )
            for line in ("        self.size = size\n", "        purple(elephant[9])\n")
        ]
    assert scores[0] > -1 > scores[1]


def loaded_with(engine: FakeEngine) -> Loaded:
    loaded = Loaded(lambda _: False, Surroundings(), str)
    loaded.replace(engine, "settings", "nano")
    return loaded
