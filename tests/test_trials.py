"""Candidates run against the examples of their intent: by whom that is allowed, and what comes of it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from codegen_lsp import sandbox, trials
from codegen_lsp.choose import Scores, mark
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.edits import Change
from codegen_lsp.engine import Cancel
from codegen_lsp.sandbox import Limits, Outcome, SandboxError
from codegen_lsp.synthesis import Asked, Proposal
from codegen_lsp.trials import Trials
from codegen_lsp.turns import Origin
from tests.client import Client, running
from tests.commands.asking import CLIENT, execute, position, progress_of
from tests.processes import until

WHY_NOT = sandbox.unavailable()
walled = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

SQUARE = '''\
def square(n):
    """Square a number.

    >>> square(2)
    4
    >>> square(3)
    9
    """
'''
INTENT = "Square a number.\n\n>>> square(2)\n4\n>>> square(3)\n9"
RIGHT, WRONG, ENDLESS = "return n * n", "return n + n + 0", "while True: n"
ON = Config(run_examples=True)


def proposed(*codes: str, intent: str = INTENT, language: str = "python") -> tuple[Proposal, ...]:
    """One after the other less likely."""
    document, border = Document("file:///a", language, 1, SQUARE), len(SQUARE) - 1
    asked = Asked(document, Change(border, border, ""), 0, intent, "\n    ")
    return tuple(
        Proposal(asked, asked.lead + code, Origin("m", 1, 1, -0.5), Scores(-0.5 - index))
        for index, code in enumerate(codes)
    )


def judged(
    *codes: str, config: Config = ON, is_trusted: bool = True, **given: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """The candidates in their order with their marks, and what a person was told, asked twice."""
    told: list[str] = []

    async def main() -> tuple[Proposal, ...]:
        trying = Trials(told.append)
        trying.is_trusted = is_trusted
        for _ in range(2):
            found = await trying.judged(proposed(*codes, **given), config, Cancel())
        trying.close()
        return found

    found = asyncio.run(main())
    return [(each.code.strip(), mark(each.scores)) for each in found], told


@walled
@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param(
            [WRONG, RIGHT],
            [(RIGHT, "2/2 examples"), (WRONG, "1/2 examples")],
            id="what passes comes first",
        ),
        pytest.param(
            ["return 0", "return n @ n"],
            [("return 0", "0/2 examples"), ("return n @ n", "0/2 examples")],
            id="of those that fail the likelier one",
        ),
        pytest.param(
            ["import no_such_module\n    return 4", WRONG],
            [(WRONG, "1/2 examples"), ("import no_such_module\n    return 4", "")],
            id="a module that is not there says nothing",
        ),
        pytest.param(
            ["import os\n    os._exit(0)", "open('/etc/passwd')\n    return 4", RIGHT],
            [
                (RIGHT, "2/2 examples"),
                ("import os\n    os._exit(0)", "0/2 examples"),
                ("open('/etc/passwd')\n    return 4", "0/2 examples"),
            ],
            id="what does harm, or would",
        ),
    ],
)
def test_candidates_are_run(codes: list[str], expected: list[tuple[str, str]]) -> None:
    assert judged(*codes) == (expected, [])


@walled
def test_a_loop_that_never_ends_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "SECONDS", 0.5)
    found, _ = judged(ENDLESS, RIGHT)
    assert found == [(RIGHT, "2/2 examples"), (ENDLESS, "0/2 examples")]


@walled
def test_who_cancels_waits_for_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Limits] = []
    ended: list[Outcome] = []
    run = sandbox.run

    def watched(program: str, limits: Limits, *, unsafe: bool) -> Outcome:
        begun.append(limits)
        ended.append(run(program, limits, unsafe=unsafe))
        return ended[-1]

    async def main() -> None:
        trying, cancel = Trials(pytest.fail), Cancel()
        trying.is_trusted = True
        given = proposed(ENDLESS, RIGHT)
        task = asyncio.ensure_future(trying.judged(given, ON, cancel))
        while not begun:
            await asyncio.sleep(0.01)
        cancel.set()
        assert await task == given
        assert not ended
        trying.close()

    monkeypatch.setattr(sandbox, "run", watched)
    asyncio.run(main())
    until(lambda: not any(each.name.startswith("examples") for each in threading.enumerate()))
    assert [each.end for each in ended] == ["timeout"]
    assert len(begun) == 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done with the sandbox, which does nothing."""
    done: list[str] = []
    monkeypatch.setattr(sandbox, "unavailable", lambda **_: done.append("asked"))
    monkeypatch.setattr(sandbox, "run", lambda *_, **__: done.append("run"))
    return done


@pytest.mark.parametrize(
    ("config", "is_trusted", "given", "n_told"),
    [
        pytest.param(Config(), True, {}, 0, id="off by default"),
        pytest.param(Config(unsafe_sandbox=True), False, {}, 0, id="off, and unsafe"),
        pytest.param(ON, False, {}, 1, id="an untrusted workspace, said once"),
        pytest.param(ON, False, {"intent": "square n"}, 0, id="untrusted, but no example"),
        pytest.param(ON, True, {"intent": "square n"}, 0, id="no example"),
        pytest.param(ON, True, {"language": "c"}, 0, id="another language"),
    ],
)
def test_nothing_is_run(
    started: list[str], config: Config, is_trusted: bool, given: dict[str, str], n_told: int
) -> None:
    found, told = judged(WRONG, RIGHT, config=config, is_trusted=is_trusted, **given)
    assert found == [(WRONG, ""), (RIGHT, "")]
    assert started == []
    assert len(told) == n_told
    assert all("does not trust" in line for line in told)


def test_without_a_sandbox_nothing_is_run_and_one_line_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def unavailable(*, unsafe: bool) -> str:
        asked.append(unsafe)
        return "there are no walls"

    monkeypatch.setattr(sandbox, "unavailable", unavailable)
    monkeypatch.setattr(sandbox, "run", pytest.fail)
    config = Config(run_examples=True, unsafe_sandbox=True)
    assert judged(WRONG, RIGHT, config=config) == (
        [(WRONG, ""), (RIGHT, "")],
        ["the examples were not run: there are no walls"],
    )
    assert asked == [True, True]


def test_a_sandbox_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, unsafe: bool) -> Outcome:
        raise SandboxError("the sandbox does not end")

    monkeypatch.setattr(sandbox, "unavailable", lambda **_: "")
    monkeypatch.setattr(sandbox, "run", run)
    assert judged(WRONG, RIGHT) == (
        [(WRONG, ""), (RIGHT, "")],
        ["the examples were not run: the sandbox does not end"],
    )


def test_nobody_runs_what_there_is_not() -> None:
    assert judged() == ([], [])


# Through the real protocol.


@contextmanager
def serving(**ours: Any) -> Iterator[Client]:
    """A server whose model says first what is wrong and then what is right, to a client that says this
    of itself."""
    command = (sys.executable, "-m", "tests.scripted_server", f"{WRONG}\n", f"{RIGHT}\n")
    settings = {"runExamples": True, "candidates": 2}
    with running(command=command) as client:
        window = {"workDoneProgress": True}
        client.initialize(settings, **CLIENT, window=window, experimental={"codegen": ours})
        client.open(SQUARE)
        yield client
        client.leave()


def generated(client: Client) -> str:
    assert execute(client, "generateFromComment", position=position(1))["inserted"] == 1
    return str(client.edits[-1]["newText"]).strip()


@walled
def test_the_candidate_that_passes_is_inserted_with_a_mark() -> None:
    with serving(trusted=True) as client:
        assert generated(client) == RIGHT
        told = progress_of(client, "Square a number. >>> square(2) 4 >>> square(3) 9")
        assert told[-2]["message"] == "2/2 examples"
        message = client.wait_for("window/showMessage")["message"]
        assert message.startswith("codegen-lsp: 2/2 examples: “Square a number.")
        (turn,) = execute(client, "listTurns")
        assert (turn["examples"], turn["isUnclear"]) == ("2/2 examples", False)


@pytest.mark.parametrize("trusted", [None, False, "true", 1])
def test_who_does_not_say_that_the_workspace_is_trusted_does_not_trust_it(trusted: Any) -> None:
    with serving(trusted=trusted) as client:
        assert generated(client) == WRONG
        message = client.wait_for("window/showMessage")["message"]
        assert "the editor does not trust this workspace" in message


@walled
def test_trust_is_given_and_taken_back() -> None:
    with serving() as client:
        client.notify("codegen/didChangeTrust", {"trusted": True})
        assert generated(client) == RIGHT
    with serving(trusted=True) as client:
        client.notify("codegen/didChangeTrust", {"trusted": "no"})
        assert generated(client) == WRONG
