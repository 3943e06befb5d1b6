"""The real server for longer: deaths, other models, thousands of requests, hundreds of documents."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import psutil

from codegen_lsp.models import EMBEDDED_PATH
from tests.client import TIMEOUT, Client, running
from tests.processes import is_gone, until

INLINE: dict[str, Any] = {"textDocument": {"inlineCompletion": {}}}
CODE = "import json\n\nx = json."
CURSOR = (2, 9)


def engine_of(client: Client) -> psutil.Process:
    (child,) = psutil.Process(client.process.pid).children()
    return child


def configure(client: Client, **settings: Any) -> None:
    params = {"settings": {"codegen": settings}}
    client.notify("workspace/didChangeConfiguration", params)


def leave(client: Client) -> None:
    client.leave()
    client.process.wait(TIMEOUT)


def test_an_editor_notices_nothing_of_a_death() -> None:
    with running() as client:
        client.initialize(**INLINE)
        client.open(CODE)
        before = client.inline(*CURSOR)
        assert before
        child = engine_of(client)
        child.kill()
        until(lambda: is_gone(child.pid))
        assert client.inline(*CURSOR) == before
        assert client.notifications.empty()
        leave(client)
    assert client.stderr.count("the engine's process was ended by SIGKILL") == 1
    assert "Traceback" not in client.stderr


def test_a_corrupt_model_leaves_the_one_that_runs_and_a_good_one_takes_its_place(
    tiny_gguf: Path, tmp_path: Path
) -> None:
    corrupt = tmp_path / "corrupt.gguf"
    corrupt.write_bytes(EMBEDDED_PATH.read_bytes()[:5_000_000])
    with running() as client:
        client.initialize(**INLINE)
        client.open(CODE)
        before = client.inline(*CURSOR)
        nano = engine_of(client)
        configure(client, model=str(corrupt))
        message = client.wait_for("window/showMessage")["message"]
        assert re.fullmatch(
            rf"codegen-lsp: {re.escape(str(corrupt))}: llama\.cpp cannot load it \(.+\)", message
        )
        assert client.inline(*CURSOR) == before
        assert engine_of(client) == nano
        configure(client, model=str(tiny_gguf))
        until(lambda: is_gone(nano.pid))
        until(lambda: client.inline(*CURSOR) != before)
        assert str(tiny_gguf) in " ".join(path.path for path in engine_of(client).memory_maps())
        assert client.notifications.empty()
        leave(client)
    assert client.stderr.count("cannot load it") == 1


def test_ten_thousand_requests_and_cancellations_are_all_answered(tiny_gguf: Path) -> None:
    chance = random.Random(7)
    with running("--model", str(tiny_gguf)) as client:
        client.initialize({"maxTokens": 4}, **INLINE)
        uris = [f"file:///{n}.py" for n in range(3)]
        versions = dict.fromkeys(uris, 1)
        for uri in uris:
            client.open("x = 1\n" * 20, uri)
        client.inline(0, 5, uri=uris[0])
        requests = []
        for n in range(10_000):
            uri = chance.choice(uris)
            kind = 1 if chance.random() < 0.05 else 2
            request = client.send_inline(chance.randrange(21), 0, kind, uri)
            requests.append(request)
            match chance.randrange(8):
                case 0:
                    versions[uri] += 1
                    client.change(versions[uri], "y", (chance.randrange(21), 0), uri)
                case 1 | 2:
                    client.notify("$/cancelRequest", {"id": request})
                case 3:
                    client.answer(requests.pop())
            if n % 2500 == 1250:
                engine_of(client).kill()
        kinds = {
            "result" if "result" in client.answer(request) else "error" for request in requests
        }
        assert kinds == {"result", "error"}
        assert client.inline(20, 0, uri=uris[0]) is not None
        assert len(psutil.Process(client.process.pid).children()) == 1


def test_five_hundred_documents_leave_nothing_behind(tiny_gguf: Path) -> None:
    with running("--model", str(tiny_gguf)) as client:
        client.initialize({"maxTokens": 4}, **INLINE)
        client.open(CODE)
        client.inline(*CURSOR)  # the model is there
        processes = psutil.Process(client.process.pid), engine_of(client)
        go_through_documents(client, "a")
        before = [process.memory_info().rss for process in processes]
        go_through_documents(client, "b")
        after = [process.memory_info().rss for process in processes]
        assert engine_of(client) == processes[1]
        for was, is_now in zip(before, after, strict=True):
            assert is_now < was * 1.05, (before, after)


def go_through_documents(client: Client, name: str) -> None:
    """Open, ask about and close 500 documents of some 30 KB, no two of which are the same."""
    for n in range(500):
        uri = f"file:///{name}/{n}.py"
        client.open(f"name_{name}_{n} = 1\n" * 1800, uri)
        client.inline(1 + n % 20, 0, uri=uri)
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
