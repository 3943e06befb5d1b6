"""The real server over real stdio, with the embedded model."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import TIMEOUT, URI, Client, running
from tests.processes import until

CODE = "import json\n\n\ndef load(path):\n    with open(path) as file:\n        return json."
CURSOR = (5, 20)
INLINE: dict[str, Any] = {"textDocument": {"inlineCompletion": {}}}


@pytest.fixture
def client() -> Iterator[Client]:
    with running() as client:
        client.initialize(**INLINE)
        yield client


def test_initialize_answers_before_the_model_is_there() -> None:
    with running("--model", "no-such-model") as client:
        capabilities = client.initialize(**INLINE)
        assert capabilities["inlineCompletionProvider"] == {}
        assert capabilities["textDocumentSync"]["change"] == 2
        assert "codegen.accept" in capabilities["executeCommandProvider"]["commands"]
        assert capabilities["experimental"] == {"codegen": {"didMoveCursor": True}}


def test_ghost_text_at_the_cursor(client: Client) -> None:
    client.open(CODE)
    (item,) = client.inline(*CURSOR)
    cursor = {"line": CURSOR[0], "character": CURSOR[1]}
    assert item["range"] == {"start": cursor, "end": cursor}
    assert re.match(r"\w+\(", item["insertText"])
    assert item["command"]["command"] == "codegen.accept"
    (shown,) = item["command"]["arguments"]
    assert shown == {"uri": URI, "version": 1, "offset": len(CODE), "text": item["insertText"]}
    client.request("workspace/executeCommand", item["command"])


def test_invoked_gives_several_different_candidates(client: Client) -> None:
    client.open("import os\n\n")
    items = client.inline(2, 0, kind=1)
    texts = [item["insertText"] for item in items]
    assert len(set(texts)) == len(texts) > 1


def test_the_text_is_what_the_edits_made_it(client: Client) -> None:
    client.open("x = 1\f\r\n" + "s = '😀\u2028'; json = 1\r\ny = json.")
    client.change(2, "import json\r\n", (0, 0))
    client.change(3, "dumps(", (3, 9))
    (item,) = client.inline(3, 15)
    assert "\n" not in item["insertText"]


@pytest.mark.parametrize(
    ("offered", "character"),
    [(None, 11), (["utf-16"], 11), (["utf-8", "utf-16", "utf-32"], 13), (["utf-32"], 10)],
)
def test_positions_in_the_encoding_that_was_agreed(
    offered: list[str] | None, character: int
) -> None:
    """Neovim offers all three, VS Code only UTF-16, and the oldest clients say nothing."""
    with running() as client:
        capabilities = client.initialize(general={"positionEncodings": offered or []}, **INLINE)
        assert capabilities["positionEncoding"] == (offered or ["utf-16"])[0]
        client.open("import json\n'😀', json.")
        (item,) = client.inline(1, character)
        assert item["command"]["arguments"][0]["offset"] == len("import json\n'😀', json.")


def test_clients_without_ghost_text_get_a_menu_item() -> None:
    with running() as client:
        capabilities = client.initialize()
        assert "completionProvider" in capabilities
        client.open(CODE + "lo")
        place = {"line": CURSOR[0], "character": CURSOR[1] + 2}
        result = client.request(
            "textDocument/completion", {"textDocument": {"uri": URI}, "position": place}
        )
        (item,) = result["items"]
        assert item["filterText"].startswith("lo")
        edit = item["textEdit"]
        assert edit["newText"] == item["filterText"]
        assert edit["range"]["start"] == {"line": CURSOR[0], "character": CURSOR[1]}
        assert edit["range"]["end"] == place


def test_clients_with_ghost_text_do_not_see_it_twice(client: Client) -> None:
    with running() as other:
        assert "completionProvider" not in other.initialize(**INLINE)


def test_the_newest_request_wins() -> None:
    """All come while the model loads, so that none can be answered before the next one is there."""
    with running() as client:
        client.initialize(**INLINE)
        client.open(CODE)
        requests = [client.send_inline(*CURSOR) for _ in range(20)]
        *outdated, newest = [client.answer(request)["result"] for request in requests]
        assert outdated == [[]] * 19
        assert len(newest) == 1


def test_a_change_outdates_what_was_asked_before_it(client: Client) -> None:
    client.open("x = 1\n" * 300)
    client.inline(0, 5)  # the model is there now
    outdated = client.send_inline(300, 0)
    client.change(2, "import ", (300, 0))
    assert client.answer(outdated)["result"] == []


def test_a_cancelled_request_is_answered_as_such(client: Client) -> None:
    client.open("x = 1\n" * 300)
    client.inline(0, 5)
    request = client.send_inline(300, 0)
    client.notify("$/cancelRequest", {"id": request})
    assert client.answer(request)["error"]["code"] == -32800
    assert isinstance(client.inline(0, 5), list)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, id="nothing"),
        pytest.param(
            {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0},
             "context": {"triggerKind": 0}},
            id="a trigger kind that does not exist",
        ),
        pytest.param({"textDocument": {"uri": URI}, "position": "here"}, id="no position"),
    ],
)  # fmt: skip
def test_invalid_parameters_get_an_answer_and_no_toast(client: Client, params: Any) -> None:
    client.open(CODE)
    request = client.send("textDocument/inlineCompletion", params)
    assert client.answer(request)["error"]["code"] == -32602
    assert client.inline(*CURSOR)
    shown = [message["method"] for message in list(client.notifications.queue)]
    assert "window/showMessage" not in shown


def test_positions_that_are_nowhere_and_documents_that_are_not_open(client: Client) -> None:
    client.open(CODE)
    assert isinstance(client.inline(10_000, 10_000), list)
    assert client.inline(0, 0, uri="untitled:none") == []
    client.change(2, "x", (0, 0), uri="untitled:none")
    client.notify("textDocument/didClose", {"textDocument": {"uri": "untitled:none"}})
    assert client.inline(*CURSOR)


def test_garbage_on_the_wire_does_no_harm(client: Client) -> None:
    client.write(b"Content-Length: 9\r\n\r\n{garbage}")
    client.notify("no/such/notification", {"x": 1})
    request = client.send("no/such/request", {})
    assert client.answer(request)["error"]["code"] == -32601
    client.open(CODE)
    assert client.inline(*CURSOR)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty file"),
        pytest.param("\0\1\2", id="a binary file"),
        pytest.param("x" * 5_000_000, id="a single line of 5 MB"),
    ],
)
def test_files_in_which_nothing_is_suggested(client: Client, text: str) -> None:
    client.open("warm = 1\n", uri="file:///other.py")
    client.inline(0, 0, uri="file:///other.py")
    client.open(text)
    begun = time.perf_counter()
    items = client.inline(0, len(text))
    if text:
        assert items == []
    assert time.perf_counter() - begun < TIMEOUT


def test_settings_come_from_the_client_and_are_live() -> None:
    capabilities = {
        **INLINE,
        "workspace": {
            "configuration": True,
            "didChangeConfiguration": {"dynamicRegistration": True},
        },
    }
    with running(settings={"enabled": False}) as client:
        client.initialize({"enabled": True}, **capabilities)
        client.open(CODE)
        while "workspace/configuration" not in client.asked:
            time.sleep(0.01)
        assert client.inline(*CURSOR) == []
        client.settings = {"enabled": True, "candidates": "many"}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        message = client.wait_for("window/showMessage")
        assert "setting 'candidates': expected a whole number, got 'many'" in message["message"]
        assert client.inline(*CURSOR)
        client.settings = {"disabledLanguages": ["python"]}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        while client.inline(*CURSOR):
            pass


def test_settings_from_initialization_options() -> None:
    with running() as client:
        client.initialize({"disabledLanguages": ["python"]}, **INLINE)
        client.open(CODE)
        assert client.inline(*CURSOR) == []


def test_progress_while_the_model_loads() -> None:
    with running() as client:
        client.initialize(window={"workDoneProgress": True}, **INLINE)
        begin, *reports, end = iter_progress(client)
        assert begin["kind"] == "begin"
        assert "nano" in begin["title"]
        percentages = [report["percentage"] for report in reports]
        assert percentages == sorted(percentages)
        assert end["kind"] == "end"


def iter_progress(client: Client) -> Iterator[dict[str, Any]]:
    while True:
        value = client.wait_for("$/progress")["value"]
        yield value
        if value["kind"] == "end":
            return


def test_a_model_that_is_not_there_is_said_once_and_mended_by_a_setting() -> None:
    with running("--model", "no-such-model") as client:
        client.initialize(**INLINE)
        message = client.wait_for("window/showMessage")["message"]
        assert message == ("codegen-lsp: there is no model 'no-such-model'; installed are: nano")
        client.open(CODE)
        assert client.inline(*CURSOR) == []
        settings = {"settings": {"codegen": {"model": "nano"}}}
        client.notify("workspace/didChangeConfiguration", settings)
        while not client.inline(*CURSOR):
            time.sleep(0.01)
        assert client.notifications.empty()


def test_where_the_cursor_is_said_to_be_is_evaluated_ahead(tmp_path: Path) -> None:
    """The file is too long for anything to be evaluated when it is opened."""
    log = tmp_path / "log"
    with running("--log-file", str(log)) as client:
        client.initialize({"logLevel": "debug"}, **INLINE)
        client.open("number = 1\n" * 1_000)
        for place in (("here", 1), (0, 0), (999, 3)):
            client.notify("codegen/didMoveCursor", cursor(*place))
        client.notify("codegen/didMoveCursor", {**cursor(0, 0), "textDocument": {"uri": "none"}})
        deadline = time.monotonic() + TIMEOUT
        while (text := log.read_text(encoding="utf-8")).count("tokens ahead") == 0:
            assert time.monotonic() < deadline, text
            time.sleep(0.01)
        n_tokens = re.findall(r"evaluated (\d+) tokens ahead", text)
        assert len(n_tokens) == 1
        assert int(n_tokens[0]) > 500


def cursor(line: Any, character: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": URI},
        "position": {"line": line, "character": character},
    }


@pytest.mark.parametrize("shown", [{}, {"uri": 1, "offset": "x", "text": None}, {"uri": URI}])
def test_an_accept_that_makes_no_sense_does_no_harm(client: Client, shown: Any) -> None:
    client.open(CODE)
    params = {"command": "codegen.accept", "arguments": [shown]}
    assert client.request("workspace/executeCommand", params) is None
    assert client.inline(*CURSOR)


def test_shutdown_and_exit_leave_no_process(client: Client) -> None:
    client.open(CODE)
    client.inline(*CURSOR)
    client.leave()
    assert client.process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("busy", [False, True])
def test_the_end_of_stdin_leaves_no_process(client: Client, busy: bool) -> None:
    client.open("x = 1\n" * 300)
    if busy:
        client.send_inline(300, 0)
    assert client.process.stdin is not None
    client.process.stdin.close()
    client.process.stdin = None
    assert client.process.wait(TIMEOUT) == 0


def test_the_log_file_holds_no_code(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running("--log-file", str(log)) as client:
        client.initialize({"logLevel": "debug"}, **INLINE)
        client.open(CODE + "secret_name")
        client.send("textDocument/inlineCompletion", {"secret_name": 1})
        client.write(b"Content-Length: 13\r\n\r\n{secret_name}")
        client.inline(5, 31)
        client.leave()
        client.process.wait(TIMEOUT)
    text = log.read_text(encoding="utf-8")
    assert "llama.cpp" in text
    assert "secret_name" not in text + client.stderr


def test_nothing_but_the_protocol_on_stdout() -> None:
    """The client would fail on anything else; here the server is as talkative as it can be."""
    with running() as client:
        client.initialize({"logLevel": "debug", "nonsense": 1}, **INLINE)
        client.open(CODE)
        assert client.inline(*CURSOR)


def test_ignored_files_get_nothing(tmp_path: Path) -> None:
    """By the rules of the folder that the client has opened, which is no repository."""
    (tmp_path / ".codegenignore").write_text("generated/\n")
    (tmp_path / "generated").mkdir()
    with running() as client:
        client.initialize(root=tmp_path, **INLINE)
        for name, n_items in [("a.py", 1), ("generated/a.py", 0), (".env", 0)]:
            uri = (tmp_path / name).as_uri()
            client.open(CODE, uri)
            assert len(client.inline(*CURSOR, uri=uri)) == n_items


def test_a_client_that_asks_hears_what_answers_come_from_and_cost() -> None:
    with running() as client:
        client.initialize(experimental={"codegen": {"trace": True}})
        client.open("import os\n\n\ndef size(path):\n    return os.\n")
        (item,) = client.inline(4, 14, kind=1)[:1]
        heard = client.wait_for("codegen/trace")
        while heard["event"] != "generation":
            heard = client.wait_for("codegen/trace")
        assert heard["nGenerated"] >= heard["nKept"] > 0 < heard["nPrompt"]
        answer = client.wait_for("codegen/trace")
        assert (answer["event"], answer["source"]) == ("answer", "engine")
        assert (answer["line"], answer["character"]) == (4, 14)
        client.change(2, item["insertText"][0], (4, 14))
        (rest, *_) = client.inline(4, 15, kind=1)
        assert rest["insertText"] == item["insertText"][1:]
        while heard["event"] != "answer":
            heard = client.wait_for("codegen/trace")
        assert heard["source"] == "typed"
        client.leave()


def test_who_does_not_ask_hears_nothing_and_anybody_may_ask_for_the_status() -> None:
    with running() as client:
        client.initialize()
        client.open("x = ")
        client.inline(0, 4, kind=1)
        status = client.request("workspace/executeCommand", {"command": "codegen.status"})
        assert status["state"] == "ready"
        assert status["model"] == "nano"
        client.leave()
        heard = [client.notifications.get_nowait() for _ in range(client.notifications.qsize())]
        assert not [each for each in heard if each["method"] == "codegen/trace"]


def test_what_other_files_of_the_project_define_is_known(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("class Cart:\n    def add(self, item: str) -> None: ...\n")
    (tmp_path / "old.py").write_text("class Gone: ...\n")
    (tmp_path / ".gitignore").write_text("old.py\n")
    with running() as client:
        client.request(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": {},
                "workspaceFolders": [{"uri": tmp_path.as_uri(), "name": "shop"}],
            },
        )
        client.notify("initialized", {})
        ask = {"command": "codegen.status"}
        until(
            lambda: (
                client.request("workspace/executeCommand", ask)["project"] == "knows 1 of 1 files"
            )
        )
        client.leave()
