"""The paper's benchmark through the session: a document, and one prompt after the other as a turn.

What the model reads is the benchmark's prompt to the token, until it is full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine
from codegen_lsp.evaluate.mtpb import N_CTX, PREAMBLE
from codegen_lsp.evaluate.problems import Problem, read_problems
from codegen_lsp.history import Said
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find
from codegen_lsp.postprocess import truncate
from codegen_lsp.session import Session
from codegen_lsp.synthesis import said_next
from tests.fake_engine import FakeEngine
from tests.marked import cleaned, context_at
from tests.test_session import Clock, pause, run

MTPB = Path(__file__).parents[2] / "shared" / "data" / "mtpb.jsonl"
OURS = Path(__file__).parent / "data" / "conversations.jsonl"

# What a model may say, `{n}` being another number each time: something short, what the truncation cuts
# in two of its ways, a block, and so much that a few turns of it fill the context. The editor and the
# paper make the same of each (see the last table), and none speaks of another.
REPLIES = (
    'word_{n} = "abcde"[{n} % 5 :]',
    "squares_{n} = [\n" + "".join(f"    ({k}, {{n}}, {k * k}),\n" for k in range(70)) + "]",
    "def kind_{n}(x):\n"
    + "\n".join(f"    if x == {{n}}{k}:\n        return {k}" for k in range(40)),
    "cubes_{n} = [\n" + "".join(f"    ({{n}}, {k}, {k**3}),\n" for k in range(70)) + "]",
    "print({n})\n\n\n# And then?\nprint(2)",
    "for number in range({n}):\n    print(number)",
    "count_{n} = {n}<|endoftext|>",
)


class ReadingEngine(FakeEngine):
    """Reads as a model does, and says something new each time."""

    def __init__(self, model: Engine) -> None:
        super().__init__("", step=40, n_ctx=N_CTX)
        self._model, self.last = model, ""
        self._all = (reply.replace("{n}", str(n)) for n in count() for reply in REPLIES)

    def tokenize(self, text: str) -> list[int]:
        return self._model.tokenize(text)

    def say_next(self) -> str:
        """What it will say, and what the benchmark makes of that."""
        self.last = next(self._all)
        self._replies = (self.last,)
        return truncate(self.last)


@pytest.fixture(scope="module")
def nano() -> Iterator[LlamaEngine]:
    engine = LlamaEngine(find("nano"), n_ctx=256)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("path", "n_problems", "n_least_whole", "n_least_shrunk"),
    [
        pytest.param(OURS, 3, 10, 5, id="ours"),
        pytest.param(MTPB, 115, 400, 40, id="the paper's"),
    ],
)
def test_the_session_asks_what_the_benchmark_asks(
    path: Path, n_problems: int, n_least_whole: int, n_least_shrunk: int, nano: LlamaEngine
) -> None:
    if not path.exists():
        pytest.skip("no ../shared/data/mtpb.jsonl, the benchmark's problems")
    problems = read_problems(path)
    assert len(problems) == n_problems
    n_whole = n_shrunk = 0

    async def main(clock: Clock) -> None:
        nonlocal n_whole, n_shrunk
        engine = ReadingEngine(nano)
        session = Session(lambda *_: engine, Config())
        await session.load(lambda _: None)
        for problem in problems:
            whole, shrunk = await spoken(problem, session, engine, clock)
            n_whole += whole
            n_shrunk += shrunk
        session.close()

    run(main)
    assert n_whole >= n_least_whole
    assert n_shrunk >= n_least_shrunk


async def spoken(
    problem: Problem, session: Session, engine: ReadingEngine, clock: Clock
) -> tuple[int, int]:
    """Say a problem's prompts; how many of the model's were whole, and how many were too long."""
    max_tokens = problem.max_tokens
    config = Config(prompt_tokens=N_CTX - 1 - max_tokens, max_tokens=max_tokens, candidates=1)
    session.configure(config)
    document = Document(f"file:///{problem.id}.py", "python", 1, PREAMBLE)
    session.put(document)
    history: list[Said] = []
    n_whole = 0
    for intent in problem.cases[0].intents:
        await pause(clock, session)  # the engine prepares, which changes nothing
        answer = engine.say_next()
        last = session.dialogue.of(document.uri).turns[-1:]
        asked = said_next(intent, document, len(document.text), *last)
        (proposal,) = await session.propose(asked, Cancel(), lambda _: None)
        assert proposal.code == f"\n{answer}"
        prompt = engine.prompts[-1]
        assert prompt.tokens == tuple(engine.tokenize(prompt.text))
        expected = benchmark_prompt(PREAMBLE, history, intent)
        if len(engine.tokenize(expected)) <= config.prompt_tokens:
            assert prompt.text == expected
            n_whole += 1
        else:
            assert len(prompt.tokens) <= config.prompt_tokens
            shorter = [
                benchmark_prompt("import numpy as np\n\n", history[n_gone:], intent)
                for n_gone in range(1, len(history) + 1)
            ]
            assert prompt.text in shorter
        history.append(Said(intent, answer))
        session.dialogue.plan(proposal)
        document = Document(document.uri, "python", document.version + 1, proposal.result)
        session.put(document)
    assert len(session.dialogue.of(document.uri).turns) == len(history)
    session.remove(document.uri)
    return n_whole, len(history) - n_whole


def benchmark_prompt(preamble: str, said: Sequence[Said], intent: str) -> str:
    """As the benchmark's own sampling script makes it, in a plain loop."""
    history = preamble
    for turn in said:
        history = history + f"# {turn.intent}\n"
        history = history + f"{turn.code}\n\n"
    return history + f"# {intent}\n"


@pytest.mark.parametrize(
    ("reply", "paper", "editor"),
    [
        pytest.param("x = 1\ny = 2", "x = 1\ny = 2", "x = 1\ny = 2", id="statements"),
        pytest.param("x = 1\n\n\ny = 2", "x = 1", "x = 1", id="two blank lines"),
        pytest.param("x = 1\n# y", "x = 1\n", "x = 1", id="a comment"),
        pytest.param('x = 1\n"""', "x = 1\n", "x = 1", id="a string of its own"),
        pytest.param("print(x)\nprint(y)", "print(x)\n", "print(x)", id="a second print"),
        pytest.param(
            "def f(x):\n    return x\n\ndef g(x):\n    return x",
            "def f(x):\n    return x\n\n", "def f(x):\n    return x", id="a second definition",
        ),
        # Where they differ: the editor suggests one paragraph, and one block.
        pytest.param("x = 1\n\ny = 2", "x = 1\n\ny = 2", "x = 1", id="a blank line"),
        pytest.param("\n\nx = 1", "\n\nx = 1", "", id="blank lines first"),
        pytest.param(
            "def f(x):\n    return x\n\nprint(f(1))",
            "def f(x):\n    return x\n\nprint(f(1))", "def f(x):\n    return x",
            id="behind a definition",
        ),
        pytest.param(
            "for x in y:\n    print(x)\nz = 1",
            "for x in y:\n    print(x)\nz = 1", "for x in y:\n    print(x)", id="behind a block",
        ),
    ],
)  # fmt: skip
def test_where_an_answer_ends(reply: str, paper: str, editor: str) -> None:
    """The editor shows a beginning of what the paper keeps, and no blank lines at its end."""
    assert truncate(reply) == paper
    assert cleaned(reply, context_at(f"{PREAMBLE}# Do it.\n<CURSOR>")) == editor
    assert paper.startswith(editor)
