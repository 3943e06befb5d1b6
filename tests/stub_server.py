"""A server that knows what is going to be typed: it speaks LSP, and tells about itself as ours does.

    python stub_server.py --model IGNORED

Its settings: `whole`, the text that the file will hold in the end, `log`, a file for the methods that it
hears, `silent`, whether it tells nothing about itself, `deaf`, whether it never answers, `n_lines`,
how many it suggests at once, and `until`, before what it stops; or `says`, what it suggests always.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class Stub:
    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.text = ""
        self.n_generations = 0

    def hear(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params", {})
        if method == "initialize":
            self.settings = params["initializationOptions"]
            assert params["capabilities"]["experimental"]["codegen"]["trace"] is True
        with Path(self.settings["log"]).open("a", encoding="utf-8") as log:
            log.write(f"{method}\n")
        match method:
            case "textDocument/didOpen":
                self.text = params["textDocument"]["text"]
            case "textDocument/didChange":
                (change,) = params["contentChanges"]
                start, end = (self.offset(change["range"][side]) for side in ("start", "end"))
                self.text = self.text[:start] + change["text"] + self.text[end:]
            case "textDocument/inlineCompletion":
                if self.settings.get("deaf") and params["context"]["triggerKind"] == 2:
                    return
                self.answer(message["id"], params)
                return
        if "id" in message:
            write({"id": message["id"], "result": {}})

    def answer(self, number: int, params: dict[str, Any]) -> None:
        position = params["position"]
        offset = self.offset(position)
        whole = self.settings["whole"]
        lines = whole[offset:].split("\n")[: self.settings.get("n_lines", 1)]
        text = "\n".join(lines) if whole.startswith(self.text[:offset]) else "nonsense"
        text = text.partition(self.settings.get("until", "\0"))[0]
        text = self.settings.get("says", text)
        self.n_generations += 1
        self.tell(
            event="generation", id=self.n_generations, purpose="request",
            nPrompt=100, nReused=90, nEvaluated=10, nGenerated=8, nKept=6,
        )  # fmt: skip
        self.tell(
            event="answer", uri=params["textDocument"]["uri"], version=1, **position,
            source="engine", reason="", generation=self.n_generations, n_candidates=1, ms=1.0,
            cpuS=0.002 * self.n_generations,
        )  # fmt: skip
        command = {"title": "", "command": "codegen.accept", "arguments": [{"text": text}]}
        items = [{"insertText": text, "command": command}] if text else []
        write({"id": number, "result": items})
        self.tell(event="warm", nEvaluated=3)
        self.tell(event="idle")

    def tell(self, **told: Any) -> None:
        if not self.settings.get("silent"):
            write({"method": "codegen/trace", "params": told})

    def offset(self, position: dict[str, int]) -> int:
        lines = self.text.split("\n")
        return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]


def write(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def main() -> None:
    stub = Stub()
    while header := sys.stdin.buffer.readline():
        length = int(header.partition(b":")[2])
        sys.stdin.buffer.readline()
        stub.hear(json.loads(sys.stdin.buffer.read(length)))


if __name__ == "__main__":
    main()
