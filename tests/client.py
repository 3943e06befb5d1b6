"""A plain LSP client over stdio: what a test wants to say, and what the server answered to it.

Not pygls's client, so that both ends do not share the same misunderstanding.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

URI = "file:///test.py"
SERVE = (sys.executable, "-m", "codegen_lsp", "serve")
TIMEOUT = 60  # seconds for anything at all; what takes longer has failed


class Client:
    """Sends requests and notifications; a thread collects all that comes back."""

    def __init__(self, process: subprocess.Popen[bytes], settings: Any = None) -> None:
        self.process = process
        self.settings = settings  # what workspace/configuration is answered with
        self.notifications: queue.Queue[dict[str, Any]] = queue.Queue()
        self.stderr = ""  # all of it, once the process has ended
        self.holds_settings = False  # until `release_settings`
        self._held: list[dict[str, Any]] = []
        self.asked: list[str] = []  # methods of the server's requests
        self.edits: list[dict[str, Any]] = []  # those of the server's that were applied
        self.applies = True  # such edits
        self.questions: list[dict[str, Any]] = []  # that the person was asked
        self.chooses: str | None = None  # how the answer begins that they give, if any
        self.meanwhile: Callable[[], None] = lambda: None  # what happens while they think
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._n_requests = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, method: str, params: Any) -> int:
        """Send a request and return its id; `answer` waits for what comes back."""
        self._n_requests += 1
        self._answers[self._n_requests] = queue.Queue()
        self._write({"id": self._n_requests, "method": method, "params": params})
        return self._n_requests

    def answer(self, request: int) -> dict[str, Any]:
        return self._answers[request].get(timeout=TIMEOUT)

    def request(self, method: str, params: Any) -> Any:
        answer = self.answer(self.send(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    def notify(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def wait_for(self, method: str) -> dict[str, Any]:
        """The next notification of that method; others before it are dropped."""
        while True:
            message = self.notifications.get(timeout=TIMEOUT)
            if message["method"] == method:
                return dict(message["params"])

    def initialize(
        self, options: Any = None, root: Path | None = None, **capabilities: Any
    ) -> dict[str, Any]:
        params = {
            "processId": None,
            "rootUri": root.as_uri() if root else None,
            "capabilities": capabilities,
            "initializationOptions": options,
        }
        result = self.request("initialize", params)
        self.notify("initialized", {})
        return dict(result["capabilities"])

    def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, version: int, text: str, at: tuple[int, int], uri: str = URI) -> None:
        """Insert `text` at a position."""
        position = {"line": at[0], "character": at[1]}
        change = {"range": {"start": position, "end": position}, "text": text}
        self._change(version, change, uri)

    def say(self, version: int, text: str, uri: str = URI) -> None:
        """Replace all of a document's text."""
        self._change(version, {"text": text}, uri)

    def _change(self, version: int, change: dict[str, Any], uri: str) -> None:
        params = {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": [change],
        }
        self.notify("textDocument/didChange", params)

    def send_inline(self, line: int, character: int, kind: int = 2, uri: str = URI) -> int:
        """Ask for inline completion; kind 1 is invoked, 2 automatic."""
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": kind},
        }
        return self.send("textDocument/inlineCompletion", params)

    def inline(self, line: int, character: int, kind: int = 2, uri: str = URI) -> list[Any]:
        answer = self.answer(self.send_inline(line, character, kind, uri))
        assert "error" not in answer, answer
        return list(answer["result"])

    def release_settings(self) -> None:
        """Tell the settings that the server has asked for."""
        self.holds_settings = False
        while not self._held:
            time.sleep(0.01)
        self._serve(self._held.pop())

    def leave(self) -> None:
        self.request("shutdown", None)
        self.notify("exit", None)

    def _write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with self._lock:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while header := self.process.stdout.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                header = self.process.stdout.readline()
            message = json.loads(self.process.stdout.read(length))
            if "method" not in message:
                self._answers[message["id"]].put(message)
            elif "id" in message:
                self._serve(message)
            else:
                self.notifications.put(message)
        for waiting in self._answers.values():
            waiting.put({"error": {"message": "the server has ended"}})

    def _serve(self, message: dict[str, Any]) -> None:
        self.asked.append(message["method"])
        result: Any = None
        if message["method"] == "workspace/configuration" and self.holds_settings:
            self._held.append(message)
            return
        if message["method"] == "workspace/configuration":
            result = [self.settings]
        elif message["method"] == "workspace/applyEdit":
            result = {"applied": self.applies}
            if self.applies:
                self._apply(message["params"]["edit"])
        elif message["method"] == "window/showMessageRequest":
            self.questions.append(message["params"])
            self.meanwhile()
            chosen = [
                action
                for action in message["params"]["actions"]
                if self.chooses and action["title"].startswith(self.chooses)
            ]
            result = chosen[0] if chosen else None
        self._write({"id": message["id"], "result": result})

    def _apply(self, edit: dict[str, Any]) -> None:
        """As an editor does: the document has changed, and the server hears of it first."""
        for change in edit["documentChanges"]:
            self.edits += change["edits"]
            document = change["textDocument"]
            params = {
                "textDocument": {**document, "version": document["version"] + 1},
                "contentChanges": [
                    {"range": each["range"], "text": each["newText"]} for each in change["edits"]
                ],
            }
            self.notify("textDocument/didChange", params)


@contextmanager
def running(
    *arguments: str, command: Sequence[str] = SERVE, settings: Any = None
) -> Iterator[Client]:
    """The real server in a process of its own, ended by its process id whatever happens."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        )
        client = Client(process, settings)
        try:
            yield client
        finally:
            process.kill()
            process.communicate()
            stderr.seek(0)
            client.stderr = stderr.read().decode()
