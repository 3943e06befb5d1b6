"""When it is explained: beside what the session answers, and never in its way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import EngineError
from codegen_lsp.session import Session
from codegen_lsp.story import markdown
from tests.client import URI, Client, running
from tests.fake_engine import FakeEngine
from tests.test_session import SlowEngine, ignore, loaded_session, session_with

KEY = "ghp_" + "a1B2c3D4" * 5


def document(text: str, version: int = 1) -> Document:
    return Document("file:///a", "python", version, text)


async def asked(session: Session, text: str) -> str:
    """Where the answer at the end of a text comes from."""
    session.put(document(text))
    return (await session.complete(document(text), len(text))).source


async def why(session: Session, text: str, *, invoked: bool = False) -> str:
    return markdown(await session.explain(document(text), len(text), invoked=invoked))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(
            ["x = "], "`a + b` is suggested: this very text was asked about before.", id="cache"
        ),
        pytest.param(
            ["x = ", "x = a"],
            "`+ b` is suggested: what was typed since is a part of what was answered before.",
            id="typed through",
        ),
        pytest.param(
            ["y = ", "x = "], "`a + b` is suggested: a statement was begun.", id="never asked about"
        ),
    ],
)
def test_what_the_session_knows_already_is_told(texts: Sequence[str], expected: str) -> None:
    async def main() -> None:
        engine = FakeEngine("a + b\n", step=99)
        session = await loaded_session(engine)
        await asked(session, texts[0])
        text = await why(session, texts[-1])
        assert expected in text
        assert ("What was answered before" in text) == (len(texts) == 1 or texts[0] == "x = ")
        assert "What the model read" in text
        session.close()

    asyncio.run(main())


def test_nothing_that_is_shown_changes_by_it() -> None:
    async def main() -> None:
        session = await loaded_session(FakeEngine("a\n", "b\n", step=99))
        await why(session, "x = ")
        assert await asked(session, "x = ") == "engine"
        await why(session, "x = ")
        assert await asked(session, "x = ") == "cache"
        session.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "invoked", "expected"),
    [
        pytest.param(
            "y = 1\n", False,
            "The next line, `y = 1`, is suggested: the statement is complete, and the next line has a"
            " probability of 0.61 (unasked, 0.3 is needed).", id="likely",
        ),
        pytest.param(
            "y = 1\n", True, "probability of 0.082 (it was asked for).", id="asked for"
        ),
        pytest.param(
            "\n", False, "Nothing is suggested: the statement is complete, and there is none for the"
            " next line either", id="nothing",
        ),
    ],
)  # fmt: skip
def test_behind_a_complete_statement_the_next_line_is_explained(
    reply: str, invoked: bool, expected: str
) -> None:
    async def main() -> None:
        # A character a token makes a line unlikely.
        engine = FakeEngine("\n", reply, step=1) if invoked else FakeEngine(reply, step=99)
        session = await loaded_session(engine)
        text = await why(session, "x = f(a)", invoked=invoked)
        assert expected in text
        assert "## Behind the Enter key" in text
        assert text.startswith("# Why this" if "y = 1" in reply else "# Why no")
        session.close()

    asyncio.run(main())


def test_a_next_line_that_is_not_likely_enough_is_not_suggested() -> None:
    async def main() -> None:
        session = await loaded_session(FakeEngine("y = 1\n", step=1))
        text = await why(session, "x = f(a)")
        assert "probability of 0.082 (unasked, 0.3 is needed)." in text  # exp(5 * -0.5)
        assert text.startswith("# Why no suggestion")
        session.close()

    asyncio.run(main())


def test_on_battery_no_next_line_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    battery = SimpleNamespace(power_plugged=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)

    async def main() -> None:
        session = await loaded_session(FakeEngine("y = 1\n", step=99))
        text = await why(session, "x = f(a)")
        assert "Nothing is suggested: the statement is complete." in text
        session.close()

    asyncio.run(main())


def test_a_key_comes_first() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = await loaded_session(engine)
        session.put(document("x = "))
        task = asyncio.create_task(why(session, "x = "))
        while not engine.n_asked:
            await asyncio.sleep(0.001)
        session.put(document("x = y", 2))
        assert "There is no explanation: something was typed" in await task
        assert engine.n_cancelled == 1
        session.close()

    asyncio.run(main())


def test_who_takes_the_question_back_stops_the_engine() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = await loaded_session(engine)
        task = asyncio.create_task(why(session, "x = "))
        while not engine.n_asked:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not engine.n_cancelled:
            await asyncio.sleep(0.001)
        session.close()

    asyncio.run(main())


def test_a_newer_question_takes_the_place_of_an_older_one() -> None:
    async def main() -> None:
        engine = SlowEngine()
        session = await loaded_session(engine)
        older = asyncio.create_task(why(session, "x = "))
        while not engine.n_asked:
            await asyncio.sleep(0.001)
        newer = asyncio.create_task(why(session, "y = "))
        assert "There is no explanation" in await older
        engine.let_go.set()
        assert "`1` is suggested" in await newer
        session.close()

    asyncio.run(main())


def test_without_a_model_one_sentence_says_so() -> None:
    async def main() -> None:
        session = session_with("it is not there", FakeEngine("1\n"))
        assert "Nothing is suggested: there is no model." in await why(session, "x = ")
        loading = asyncio.create_task(session.load(ignore))
        await asyncio.sleep(0)
        assert "Nothing is suggested: the model is being loaded." in await why(session, "x = ")
        with pytest.raises(Exception, match="it is not there"):
            await loading
        session.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (Config(enabled=False), "switched off"),
        (Config(disabled_languages=("python",)), "switched off for python"),
    ],
)
def test_where_nothing_may_be_read_there_is_no_prompt(config: Config, reason: str) -> None:
    async def main() -> None:
        session = await loaded_session(FakeEngine("1\n"))
        session.configure(config)
        told = await session.explain(document("x = "), 4)
        assert told.verdict == f"Nothing is suggested: {reason}."
        assert (told.prompt, told.candidates) == (None, ())
        assert "x = " not in markdown(told)
        session.close()

    asyncio.run(main())


def test_an_engine_that_fails_says_why() -> None:
    class Broken(FakeEngine):
        def tokenize(self, text: str) -> list[int]:
            raise EngineError("the memory is full")

    async def main() -> None:
        session = await loaded_session(Broken("1"))
        assert "Nothing is suggested: the memory is full." in await why(session, "x = ")
        session.close()

    asyncio.run(main())


# --- through the real server, with the embedded model ---------------------------------------------


@pytest.fixture
def client() -> Iterator[Client]:
    with running() as client:
        client.initialize(
            textDocument={"inlineCompletion": {}}, experimental={"codegen": {"trace": True}}
        )
        yield client
        client.leave()


def execute(client: Client, line: int, character: int, **place: Any) -> Any:
    at = {"uri": URI, "position": {"line": line, "character": character}, **place}
    params = {"command": "codegen.explain", "arguments": [at]}
    return client.request("workspace/executeCommand", params)


def until_idle(client: Client) -> None:
    """Until the server has answered, so that there is a model, and after that has prepared."""
    for event in ("answer", "idle"):
        while client.wait_for("codegen/trace")["event"] != event:
            pass


CODE = "import os\n\n\ndef size(path):\n    return os.\n"


def test_an_explanation_is_a_text_and_data(client: Client) -> None:
    client.open(CODE)
    client.inline(4, 14, kind=1)
    told = execute(client, 4, 14, invoked=True)
    assert told["markdown"].startswith("# Why this suggestion\n")
    assert (told["line"], told["column"], told["model"]) == (5, 15, "nano")
    assert told["earlier"]["source"] == "cache"
    assert told["earlier"]["candidates"][0]["text"] == told["candidates"][0]["text"]
    assert told["prompt"]["text"] == CODE.rstrip("\n")
    assert told["stats"]["nReused"] > 0
    assert all(each["logprob"] <= 0 for each in told["candidates"][0]["tokens"])
    assert len(told["candidates"]) == 3


def test_of_a_place_that_is_none_one_line_is_said(client: Client) -> None:
    assert execute(client, 0, 0, uri="file:///other.py") is None
    assert "an open file" in client.wait_for("window/showMessage")["message"]


def test_no_secret_of_any_file_is_told(client: Client) -> None:
    shop = f'API_KEY = "{KEY}"\n\ndef connect(url, key="{KEY}"):\n    return url\n'
    client.open(shop, "file:///shop.py")
    client.inline(3, 11, uri="file:///shop.py")
    client.open(f'TOKEN = "{KEY}"\n\n\ndef main(url):\n    return connect(url, \n')
    until_idle(client)  # by then the server knows of the other file
    told = execute(client, 4, 24, invoked=True)
    assert told["prompt"]["parts"][0]["what"] == "another file"
    assert "xxxxxxxx" in told["prompt"]["text"]
    assert KEY not in json.dumps(told)
    assert KEY[4:16] not in json.dumps(told)


def test_an_ignored_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".codegenignore").write_text("kept.py\n")
    uri = (tmp_path / "kept.py").as_uri()
    with running() as client:
        client.initialize(root=tmp_path)
        client.open(CODE, uri)
        told = execute(client, 4, 14, uri=uri)
        assert "Nothing is suggested: an ignored or secret file." in told["markdown"]
        assert "import os" not in told["markdown"]
        assert told["prompt"] is None
        client.leave()


def test_the_command_line_tells_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(f'TOKEN = "{KEY}"\n{CODE}')
    command = [sys.executable, "-m", "codegen_lsp", "complete", f"{path}:6:15", "--explain"]
    text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    assert text.startswith("# Why this suggestion\n")
    assert "return os." in text
    assert KEY not in text
    data = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True).stdout)
    assert data["verdict"] in text
