"""An editor's end of LSP, with an editor's manners: what is sent when a key is pressed.

The server is the real one, in a process of its own. What it tells about itself (`codegen/trace`) is
collected; one that tells nothing is typed at as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from codegen_lsp.document import Document
from codegen_lsp.evaluate.bench import PACKAGE, SERVE
from codegen_lsp.evaluate.pairs import Edit
from codegen_lsp.evaluate.program import Conversation, ProgramError, running
from codegen_lsp.evaluate.replay import Answer
from codegen_lsp.evaluate.tally import Generated
from codegen_lsp.position import position_at

START_S = 300.0  # in which a large model has to be loaded
END_S = 30.0  # in which it has to say goodbye
AUTOMATIC, INVOKED = 2, 1  # LSP's trigger kinds
CANCELLED = -32800  # LSP's RequestCancelled


class Manners(NamedTuple):
    """When an editor asks, in seconds behind a key, and whether it takes back what it asked before."""

    debounce_s: float
    cancels: bool


MANNERS = {
    "vscode": Manners(0.0, cancels=True),
    "neovim": Manners(0.2, cancels=False),  # vim.lsp.inline_completion's own 200 ms
}


@contextmanager
def editing(
    model: Path,
    folder: Path,
    manners: Manners,
    settings: Mapping[str, Any],
    command: Sequence[str] = SERVE,
) -> Iterator[Editor]:
    """An editor with a folder open in it, whose server has loaded its model. Raises `ProgramError`."""
    with running([*command, "--model", str(model.absolute())], cwd=PACKAGE.parent) as program:
        conversation = Conversation(program)
        yield Editor(conversation, folder, manners, settings)
        conversation.request("shutdown", None, END_S)  # by then it has heard everything
        conversation.notify("exit", None)


class Editor:
    """A `Completer`: the documents of one editor, and the server behind it."""

    def __init__(
        self,
        conversation: Conversation,
        folder: Path,
        manners: Manners,
        settings: Mapping[str, Any],
    ) -> None:
        self.generated: list[Generated] | None = None
        self.n_warmed: int | None = None
        self.is_idle = False
        self._conversation = conversation
        self._manners = manners
        self._place: dict[str, Any] = {}  # the newest state
        self._ask_at: float | None = None
        self._request: int | None = None
        self._told: dict[object, Mapping[str, Any]] = {}  # about answers that are on their way
        self._begin(folder, settings)

    def open(self, document: Document, offset: int) -> None:
        item = {
            "uri": document.uri,
            "languageId": document.language,
            "version": document.version,
            "text": document.text,
        }
        self._conversation.notify("textDocument/didOpen", {"textDocument": item})
        place = _place(document, offset)
        self._conversation.notify("codegen/didMoveCursor", place)

    def close(self, document: Document) -> None:
        self._give_up()
        identifier = {"textDocument": {"uri": document.uri}}
        self._conversation.notify("textDocument/didClose", identifier)
        self._request = self._ask_at = None

    def type(self, before: Document, edit: Edit, after: Document) -> None:
        positions = (position_at(before, at, "utf-16") for at in (edit.start, edit.end))
        start, end = ({"line": at.line, "character": at.character} for at in positions)
        change = {
            "textDocument": {"uri": after.uri, "version": after.version},
            "contentChanges": [{"range": {"start": start, "end": end}, "text": edit.text}],
        }
        self._conversation.notify("textDocument/didChange", change)
        self._give_up()
        self.is_idle, self._request = False, None
        self._place = _place(after, edit.cursor)
        self._ask_at = time.perf_counter() + self._manners.debounce_s
        if not self._manners.debounce_s:
            self._ask()

    def hear(self, until: float) -> Answer | None:
        while True:
            ask_at = until if self._ask_at is None else self._ask_at
            heard = self._conversation.hear(min(until, ask_at))
            if heard is not None:
                at, message = heard
                if message.get("method") == "codegen/trace":
                    self._note(message["params"])
                    if self.is_idle:
                        return None
                elif "id" in message and message["id"] == self._request:
                    self._request = None
                    return self._answer(message, at)
            elif self._ask_at is not None and self._ask_at <= until:
                self._ask()
            else:
                return None

    def take(self, answer: Answer) -> None:
        command = (answer.item or {}).get("command")
        if command:
            name, arguments = command["command"], command.get("arguments", [])
            self._conversation.send(
                "workspace/executeCommand", {"command": name, "arguments": arguments}
            )

    def _begin(self, folder: Path, settings: Mapping[str, Any]) -> None:
        capabilities = {
            "textDocument": {"inlineCompletion": {}},
            "experimental": {"codegen": {"trace": True}},
        }
        root = {"uri": folder.as_uri(), "name": folder.name}
        params = {
            "processId": None,
            "rootUri": root["uri"],
            "workspaceFolders": [root],
            "capabilities": capabilities,
            "initializationOptions": dict(settings),
        }
        self._conversation.request("initialize", params, START_S)
        self._conversation.notify("initialized", {})
        first = Document((folder / "first.py").as_uri(), "python", 1, "def add(a, b):\n    return ")
        self.open(first, len(first.text))
        place = _place(first, len(first.text))
        asked = {**place, "context": {"triggerKind": INVOKED}}
        self._conversation.request("textDocument/inlineCompletion", asked, START_S)
        self.close(first)
        self.generated, self.n_warmed = None, None  # that was none of the typing

    def _ask(self) -> None:
        self._ask_at = None
        asked = {**self._place, "context": {"triggerKind": AUTOMATIC}}
        self._request = self._conversation.send("textDocument/inlineCompletion", asked)

    def _give_up(self) -> None:
        if self._request is not None and self._manners.cancels:
            self._conversation.notify("$/cancelRequest", {"id": self._request})

    def _note(self, told: Mapping[str, Any]) -> None:
        if self.generated is None:
            self.generated, self.n_warmed = [], 0
        match told["event"]:
            case "answer":
                self._told[told["uri"], told["line"], told["character"]] = told
            case "generation":
                self.generated.append(
                    Generated(
                        told["id"],
                        told["purpose"] == "request",
                        *(told[name] for name in ("nPrompt", "nEvaluated", "nGenerated", "nKept")),
                    )
                )
            case "warm":
                self.n_warmed = (self.n_warmed or 0) + told["nEvaluated"]
            case "idle":
                # One that was sent before the last key arrived there means nothing.
                self.is_idle = self._request is None and self._ask_at is None

    def _answer(self, message: Mapping[str, Any], at: float) -> Answer | None:
        if "error" in message:
            if message["error"]["code"] == CANCELLED:
                return None
            raise ProgramError(f"the server refuses to suggest: {message['error']['message']}")
        position = self._place["position"]
        key = (self._place["textDocument"]["uri"], position["line"], position["character"])
        told = self._told.pop(key, {})
        self._told.clear()
        result = message["result"] or []
        items = result["items"] if isinstance(result, dict) else result
        item = items[0] if items else {}
        return Answer(
            item.get("insertText", ""),
            at,
            told.get("source", "engine" if items else "none"),
            told.get("generation"),
            told.get("cpuS"),
            item,
        )


def _place(document: Document, offset: int) -> dict[str, Any]:
    at = position_at(document, offset, "utf-16")
    return {
        "textDocument": {"uri": document.uri},
        "position": {"line": at.line, "character": at.character},
    }
