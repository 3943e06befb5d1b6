"""What tests of commands share: an editor's capabilities, a text, and how a command is asked."""

from __future__ import annotations

from typing import Any

from codegen_lsp.document import Document
from codegen_lsp.position import Position, offset_at
from tests.client import URI, Client

CLIENT: dict[str, Any] = {
    "workspace": {
        "workspaceEdit": {"documentChanges": True},
        "applyEdit": True,
        "codeLens": {"refreshSupport": True},
    },
    "textDocument": {
        "inlineCompletion": {},
        "codeLens": {},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}},
    },
}
ACCOUNT = '''\
class Account:
    """The money of one owner."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        # add the amount to the balance

    def withdraw(self, amount):
        # take the amount from the balance
'''
FIRST = "        # add the amount to the balance"
SECOND = "        # take the amount from the balance"


def execute(client: Client, command: str, **place: Any) -> Any:
    arguments = [{"uri": URI, **place}]
    command = f"codegen.{command}"
    return client.request("workspace/executeCommand", {"command": command, "arguments": arguments})


def turns(client: Client, uri: str = URI) -> list[dict[str, Any]]:
    return list(execute(client, "listTurns", uri=uri))


def lenses(client: Client, uri: str = URI) -> list[dict[str, Any]]:
    return list(client.request("textDocument/codeLens", {"textDocument": {"uri": uri}}))


def position(line: int, character: int = 0) -> dict[str, int]:
    return {"line": line, "character": character}


def said(client: Client) -> str:
    """The next line that the person was told."""
    return str(client.wait_for("window/showMessage")["message"])


def progress_of(client: Client, title: str) -> list[dict[str, Any]]:
    """What one progress display has shown, from its beginning to its end."""
    token, values = None, list[dict[str, Any]]()
    while not values or values[-1]["kind"] != "end":
        params = client.wait_for("$/progress")
        if params["value"].get("title") == title:
            token = params["token"]
        if params["token"] == token:
            values.append(params["value"])
    return values


def after(text: str, edit: dict[str, Any]) -> str:
    """A text after an edit."""
    document = Document(URI, "python", 0, text)
    ends = (edit["range"]["start"], edit["range"]["end"])
    start, end = (
        offset_at(document, Position(each["line"], each["character"]), "utf-16") for each in ends
    )
    return text[:start] + str(edit["newText"]) + text[end:]


def without_blanks(text: str) -> str:
    return "".join(text.split())
