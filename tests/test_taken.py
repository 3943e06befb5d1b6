"""Suggestions that are taken below a comment, in all ways in which people take them: each is a turn, and
says by what it was made. Through a session, with an engine that replies from a script."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.recall import Recall
from codegen_lsp.session import Session
from codegen_lsp.turns import Turn, code_of
from tests.fake_engine import FakeEngine
from tests.test_session import Clock, ignore, pause, run, session_with, settle

URI = "file:///taken.py"
COMMENT = "# add all\n"
LOOP = "for a in b:\n    c += a"


async def opened(*replies: str) -> Session:
    """With a document that says a comment, above which there is more."""
    session = session_with(FakeEngine(*replies, step=99))
    session.configure(Config(power_saving=False))
    await session.load(ignore)
    put(session, COMMENT)
    return session


def put(session: Session, text: str) -> Document:
    document = Document(URI, "python", 1, "import os\n\n" + text + "\n\nprint(c)\n")
    session.put(document)
    return document


async def ask(clock: Clock, session: Session, text: str) -> list[str]:
    """What is suggested behind a text, to somebody who asks for it."""
    document = put(session, text)
    offset = len("import os\n\n" + text)
    n = session.config.candidates
    answer = await session.complete(document, offset, n, invoked=True)
    await settle(clock, session)
    return [candidate.text for candidate in answer.completion.candidates]


async def types(clock: Clock, session: Session, texts: Sequence[str], *, rests: bool) -> None:
    """A person writes; each text is asked about, and perhaps the person rests there."""
    for text in texts:
        await ask(clock, session, text)
        if rests:
            await pause(clock, session)


def turns_of(session: Session) -> list[tuple[Turn, str]]:
    session.dialogue.settle(URI)
    turns = session.dialogue.of(URI)
    return [(turn, code_of(turns, turn)) for turn in turns.turns]


KEYS = [COMMENT + LOOP[:end] for end in range(1, len(LOOP) + 1)]
WORDS = [COMMENT + text for text in ("for", "for a", "for a in b", "for a in b:", LOOP)]


@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([COMMENT + LOOP], id="whole"),
        pytest.param(WORDS, id="word by word"),
        pytest.param(KEYS, id="typed through"),
        pytest.param([COMMENT + "for", COMMENT + LOOP], id="begun by the person"),
        pytest.param([COMMENT + LOOP, COMMENT + LOOP + " + 1"], id="and changed"),
        pytest.param([COMMENT + "for a in b:\n    c(a)"], id="only its first line"),
        pytest.param([COMMENT + LOOP + "\nreturn c"], id="and gone on with"),
    ],
)
def test_a_suggestion_that_is_taken_is_a_turn_of_its_model(texts: list[str], rests: bool) -> None:
    async def main(clock: Clock) -> None:
        session = await opened(LOOP + "\n\n")
        assert LOOP in await ask(clock, session, COMMENT)
        await types(clock, session, texts, rests=rests)
        ((turn, code),) = turns_of(session)
        assert code == texts[-1].removeprefix(COMMENT)
        assert (turn.number, turn.intent) == (1, "add all")
        origin = turn.origin
        assert origin is not None
        assert (origin.model, origin.seed, origin.mean_logprob) == ("nano", 0, -0.5)
        assert origin.n_prompt == len("import os\n\n# add all\n")
        session.close()

    run(main)


@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([COMMENT + "c = sum(b)"], id="something else"),
        pytest.param([*WORDS[:2], COMMENT + "for d in e:\n    f(d)"], id="left halfway"),
        pytest.param(WORDS[:2], id="no more than a word"),
    ],
)
def test_what_a_person_writes_instead_is_a_turn_without_a_model(
    texts: list[str], rests: bool
) -> None:
    async def main(clock: Clock) -> None:
        session = await opened(LOOP + "\n\n")
        assert LOOP in await ask(clock, session, COMMENT)
        for text in texts:
            put(session, text)
            if rests:
                await pause(clock, session)
        ((turn, code),) = turns_of(session)
        assert code == texts[-1].removeprefix(COMMENT)
        assert (turn.intent, turn.origin) == ("add all", None)
        session.close()

    run(main)


def test_what_is_done_to_the_code_afterwards_changes_nothing() -> None:
    async def main(clock: Clock) -> None:
        session = await opened(LOOP + "\n\n")
        await ask(clock, session, COMMENT)
        put(session, COMMENT + LOOP)
        ((before, _),) = turns_of(session)
        put(session, COMMENT + LOOP.replace("for a in b", "for a in reversed(b)"))
        ((after, code),) = turns_of(session)
        assert "reversed" in code
        assert after.origin == before.origin is not None
        session.close()

    run(main)


def test_of_several_suggestions_line_by_line_the_first_one_tells() -> None:
    async def main(clock: Clock) -> None:
        session = await opened("x = 1\n\n", "y = 2\n\n")
        (first, *_) = await ask(clock, session, COMMENT)
        put(session, COMMENT + first)
        await pause(clock, session)
        (second, *_) = await ask(clock, session, COMMENT + first + "\n")
        put(session, COMMENT + first + "\n" + second)
        ((turn, code),) = turns_of(session)
        assert code == first + "\n" + second
        assert turn.origin is not None
        assert turn.origin.n_prompt == len("import os\n\n# add all\n")
        session.close()

    run(main)


def test_in_a_pause_it_is_written_down() -> None:
    async def main(clock: Clock) -> None:
        session = await opened(LOOP + "\n\n")
        await ask(clock, session, COMMENT)
        document = put(session, COMMENT + LOOP)
        assert not Recall().load(document).turns
        await pause(clock, session)
        (turn,) = Recall().load(document).turns
        assert turn.origin is not None
        session.remove(URI)
        assert not turns_of(session)
        session.close()

    run(main)


def test_what_is_closed_before_a_pause_is_not_lost() -> None:
    async def main(clock: Clock) -> None:
        session = await opened(LOOP + "\n\n")
        await ask(clock, session, COMMENT)
        document = put(session, COMMENT + LOOP)
        session.remove(URI)
        (turn,) = Recall().load(document).turns
        assert turn.origin is not None
        session.close()

    run(main)
