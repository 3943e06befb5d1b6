"""The conversation's form: the benchmark's prompts, to the token, and what goes when it is too long."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.engine import Cancel, Prompt, Sampling
from codegen_lsp.history import Said, comment, conversation, transcript
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find
from codegen_lsp.postprocess import truncate
from tests.fake_engine import FakeEngine

MTPB = Path(__file__).parents[2] / "shared" / "data" / "mtpb.jsonl"
PREAMBLE = "# Import libraries.\n\nimport numpy as np\n\n"
N_CTX = 2048
# What a model may say: something short, what the truncation cuts in each of its ways, nothing, an
# indented block, and so much that a few turns of it fill the context.
REPLIES = (
    'my_string = "abcde"\n',
    "print(a)\nprint(b)\n",
    "\ndef f(x):\n    return x\n\ndef g(x):\n    return x\n",
    "# a comment at once\n",
    "    if x:\n        y = 1\n\n\n\n# more",
    'total = 0\n"""\n',
    "\n".join(f"value_{n} = {n} * other_{n}" for n in range(150)),
)


@pytest.fixture(scope="module")
def nano() -> Iterator[LlamaEngine]:
    engine = LlamaEngine(find("nano"))
    yield engine
    engine.close()


def test_every_turn_of_the_benchmark_is_rendered_as_there(nano: LlamaEngine) -> None:
    if not MTPB.exists():
        pytest.skip("no ../shared/data/mtpb.jsonl, the benchmark's problems")
    rows = [json.loads(line) for line in MTPB.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 115
    engine = FakeEngine(*REPLIES, step=40)
    n_whole = n_shrunk = 0
    for row in rows:
        budget = N_CTX - row.get("max_gen_length", 256)
        said: list[Said] = []
        for intent in (prompt.format(**row["inputs"][0]) for prompt in row["prompts"]):
            shown = conversation(
                said, intent, preamble=PREAMBLE, language="python",
                budget=budget, count=lambda text: len(nano.tokenize(text)),
            )  # fmt: skip
            expected = benchmark_prompt(said, intent)
            if len(nano.tokenize(expected)) <= budget:
                assert nano.tokenize(shown) == nano.tokenize(expected)
                assert shown == expected
                n_whole += 1
            else:
                check_shrunk(shown, said, intent, budget, nano)
                n_shrunk += 1
            said.append(Said(intent, truncate(answer(engine, shown))))
    assert n_whole > 400
    assert n_shrunk > 20


def benchmark_prompt(said: Sequence[Said], intent: str) -> str:
    """As its own sampling script makes it, in a plain loop."""
    history = PREAMBLE
    for turn in said:
        history = history + f"# {turn.intent}\n"
        history = history + f"{turn.code}\n\n"
    return history + f"# {intent}\n"


def check_shrunk(
    shown: str, said: Sequence[Said], intent: str, budget: int, nano: LlamaEngine
) -> None:
    """It fits, begins at a turn's border, and would not fit with one turn more."""
    shorter = [benchmark_prompt(said[n_gone:], intent) for n_gone in range(len(said) + 1)]
    at = shorter.index(shown)
    assert len(nano.tokenize(shown)) <= budget < len(nano.tokenize(shorter[at - 1]))


def answer(engine: FakeEngine, text: str) -> str:
    prompt = Prompt(text, tuple(engine.tokenize(text)))
    return "".join(token.text for token in engine.generate(prompt, [Sampling(256)], Cancel()))


@pytest.mark.parametrize(
    ("intent", "language", "expected"),
    [
        pytest.param("Sort it.", "python", "# Sort it.\n", id="one line"),
        pytest.param("Sort it. ", "python", "# Sort it. \n", id="to the letter"),
        pytest.param("a\nb\n\nc", "python", "# a\n# b\n#\n# c\n", id="several lines"),
        pytest.param("odd: \n# str(4)", "python", "# odd: \n# str(4)\n", id="marked already"),
        pytest.param("a\nb", "go", "// a\n// b\n", id="slashes"),
        pytest.param("a\nb", "lua", "-- a\n-- b\n", id="dashes"),
        pytest.param("a\nb", "bat", "rem a\nrem b\n", id="a word"),
        pytest.param("a\nb", "css", "/* a\nb */\n", id="no line comments"),
        pytest.param("a", "json", "# a\n", id="no comments at all"),
        pytest.param("größer als 漢字", "c", "// größer als 漢字\n", id="any natural language"),
        pytest.param("", "python", "# \n", id="nothing"),
    ],
)
def test_comment(intent: str, language: str, expected: str) -> None:
    assert comment(intent, language) == expected


SAID = (Said("one", "a = 1"), Said("two", "b = 2"), Said("three", "c = 3"))


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(59, "P\n# one\na = 1\n\n# two\nb = 2\n\n# three\nc = 3\n\n# four and five\n",
                     id="all"),
        pytest.param(58, "P\n# two\nb = 2\n\n# three\nc = 3\n\n# four and five\n", id="the oldest goes"),
        pytest.param(45, "P\n# three\nc = 3\n\n# four and five\n", id="one more"),
        pytest.param(32, "P\n# four and five\n", id="all that was said"),
        pytest.param(17, "P\n# and five\n", id="a word that is asked goes"),
        pytest.param(12, "P\n# five\n", id="all but the last"),
        pytest.param(8, "# five\n", id="the preamble goes"),
        pytest.param(6, " five\n", id="the mark"),
        pytest.param(4, "ive\n", id="letters"),
        pytest.param(0, "", id="no room at all"),
    ],
)  # fmt: skip
def test_what_goes_when_it_is_too_long(budget: int, expected: str) -> None:
    shown = conversation(
        SAID, "four and five", preamble="P\n", language="python", budget=budget, count=len
    )
    assert shown == expected


@given(
    said=st.lists(st.builds(Said, st.text(max_size=20), st.text(max_size=40)), max_size=5),
    intent=st.text(max_size=60),
    preamble=st.sampled_from(["", PREAMBLE]),
    language=st.sampled_from(["python", "go", "css", "plaintext", "no such"]),
    budget=st.integers(0, 200),
)
def test_it_always_fits_and_ends_with_what_is_asked(
    said: list[Said], intent: str, preamble: str, language: str, budget: int
) -> None:
    shown = conversation(
        said, intent, preamble=preamble, language=language, budget=budget, count=len
    )
    assert len(shown) <= budget
    whole = transcript(said, preamble, language) + comment(intent, language)
    assert shown == whole or len(whole) > budget
    if budget >= len(preamble + comment(intent, language)):
        assert shown.startswith(preamble)
        assert shown.endswith(comment(intent, language))


def test_ten_thousand_words() -> None:
    intent = " ".join(f"word{n}" for n in range(10_000))
    n_counted = 0

    def count(text: str) -> int:
        nonlocal n_counted
        n_counted += 1
        return len(text.split())

    arguments: dict[str, Any] = {"preamble": PREAMBLE, "language": "python", "count": count}
    shown = conversation(SAID * 100, intent, budget=1000, **arguments)
    assert shown == f"{PREAMBLE}# {' '.join(f'word{n}' for n in range(9_008, 10_000))}\n"
    assert n_counted < 40  # each one tokenizes all of it
