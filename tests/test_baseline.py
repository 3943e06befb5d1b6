"""llama.vim's policy, over a server that writes what it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.document import Document
from codegen_lsp.evaluate.baseline import MAX_PREFIX_TOKENS, LlamaVim, local_at, rendered
from codegen_lsp.evaluate.pairs import Edit
from codegen_lsp.evaluate.program import ProgramError
from codegen_lsp.evaluate.raw import Vocabulary
from codegen_lsp.evaluate.replay import Answer
from tests.client import TIMEOUT
from tests.marked import CURSOR

NANO = Path(__file__).parent.parent / "codegen_lsp/data/nano.gguf"


class Server(ThreadingHTTPServer):
    """Streams a continuation in pieces, and remembers the prompts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.prompts: list[str] = []
        self.says: list[str] = []
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()


class _Answering(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.prompts.append(body["prompt"])
        assert body["stream"] is True
        self.server.may_answer.wait(TIMEOUT)
        self.send_response(self.server.status)
        self.end_headers()
        with contextlib.suppress(OSError):  # whoever asked has heard enough
            for text in self.server.says:
                event = {"choices": [{"text": text}]}
                self.wfile.write(b"data: %s\r\n\r\n" % json.dumps(event).encode())
            self.wfile.write(b"data: [DONE]\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def policy(server: Server) -> Iterator[LlamaVim]:
    with (
        contextlib.closing(Vocabulary(NANO)) as vocabulary,
        contextlib.closing(LlamaVim(server.server_address[1], vocabulary)) as policy,
    ):
        yield policy


class Typing:
    """Someone who types at a policy."""

    def __init__(self, policy: LlamaVim, marked: str) -> None:
        before, _, behind = marked.partition(CURSOR)
        self.policy, self.offset = policy, len(before)
        self.document = Document("file:///a.py", "python", 1, before + behind)
        policy.open(self.document, self.offset)

    def type(self, text: str) -> None:
        cursor = self.offset + len(text)
        before, edit = self.document, Edit(self.offset, self.offset, text, cursor)
        whole = before.text[: self.offset] + text + before.text[self.offset :]
        self.document = Document(before.uri, "python", before.version + 1, whole)
        self.offset = cursor
        self.policy.type(before, edit, self.document)

    def hear(self) -> Answer | None:
        return self.policy.hear(time.perf_counter() + TIMEOUT)

    def rest(self) -> None:
        """Until it waits for nothing but a key."""
        while not self.policy.is_idle:
            self.hear()


def test_a_key_is_answered_and_the_next_state_asked_for(server: Server, policy: LlamaVim) -> None:
    server.says = ["return", " a", "\n"]
    person = Typing(policy, f"def f(a):\n    {CURSOR}\n")
    person.type("x")
    answer = person.hear()
    assert answer is not None
    assert (answer.text, answer.source) == ("return a", "engine")
    person.rest()
    assert server.prompts == ["def f(a):\n    x", "def f(a):\n    xreturn a"]
    assert [each.for_request for each in policy.generated] == [True, False]
    assert policy.generated[0].n_generated == 3


def test_what_is_typed_of_a_suggestion_is_not_asked_for_again(
    server: Server, policy: LlamaVim
) -> None:
    server.says = ["bc"]
    person = Typing(policy, f"{CURSOR}\n")
    person.type("a")
    person.hear()
    person.rest()
    server.may_answer.clear()
    person.type("b")
    answer = person.hear()
    assert answer is not None
    assert (answer.text, answer.source) == ("c", "typed")


def test_a_place_that_is_known_is_not_asked_for(server: Server, policy: LlamaVim) -> None:
    server.says = ["bc"]
    for _ in range(2):
        person = Typing(policy, f"{CURSOR}\n")
        person.type("a")
        answer = person.hear()
        person.rest()
    assert answer is not None
    assert (answer.text, answer.source) == ("bc", "cache")
    assert server.prompts.count("a") == 1


def test_while_a_request_runs_the_next_one_waits(server: Server, policy: LlamaVim) -> None:
    server.says = ["zzz"]
    server.may_answer.clear()
    person = Typing(policy, f"{CURSOR}\n")
    person.type("a")
    person.type("b")
    assert policy.hear(time.perf_counter() + 0.3) is None
    assert server.prompts == ["a"]  # it is not taken back either
    server.may_answer.set()
    answer = person.hear()
    assert answer is not None
    assert (answer.text, server.prompts[:2]) == ("zzz", ["a", "ab"])


def test_silent_where_much_stands_to_the_right(server: Server, policy: LlamaVim) -> None:
    person = Typing(policy, f"f({CURSOR}, 12345678)\n")
    person.type("a")
    answer = person.hear()
    assert answer is not None
    assert (answer.text, answer.source, server.prompts) == ("", "none", [])


def test_a_text_ends_where_its_block_is_left(server: Server, policy: LlamaVim) -> None:
    server.says = ["1\n", "    b = 2\n", "c", " = 3\n", "d = 4\n"]
    person = Typing(policy, f"def f():\n    a ={CURSOR}\n")
    person.type(" ")
    answer = person.hear()
    assert answer is not None
    assert answer.text == "1\n    b = 2"
    assert policy.generated[0].n_generated == 3


def test_a_long_prefix_is_cut_by_whole_lines_of_typing(server: Server, policy: LlamaVim) -> None:
    lines = "".join(f"name_{n} = compute(first_{n}, second)\n" for n in range(250))
    server.says = ["x"]
    person = Typing(policy, f"{lines}{CURSOR}")
    for letter in "ab":
        person.type(letter)
        person.hear()
        person.rest()
    first, second = (prompt for prompt in server.prompts if prompt[-2:] in ("\na", "ab"))
    assert second == first + "b"  # within a line it stays
    assert lines.endswith(first.removesuffix("a"))
    with contextlib.closing(Vocabulary(NANO)) as vocabulary:
        assert (
            len(vocabulary.tokenize(first))
            <= MAX_PREFIX_TOKENS + 1
            < len(vocabulary.tokenize(lines))
        )


def test_how_much_is_evaluated_again(server: Server, policy: LlamaVim) -> None:
    server.says = ["q"]
    person = Typing(policy, f"import os\nimport sys\n{CURSOR}")
    person.type("a")
    person.hear()
    person.rest()
    first, second = policy.generated
    assert first.n_evaluated == first.n_prompt  # the server held nothing
    assert 0 < second.n_evaluated < second.n_prompt


def test_a_server_that_fails(server: Server, policy: LlamaVim) -> None:
    server.status = 500
    person = Typing(policy, f"{CURSOR}\n")
    person.type("a")
    with pytest.raises(ProgramError, match="answers with status 500"):
        person.hear()


@pytest.mark.parametrize(
    ("marked", "taken", "expected"),
    [
        pytest.param(f"a\nb{CURSOR}c\nd\n", "", ("a\n", "b", "c\nd\n"), id="inside of a line"),
        pytest.param(f"a\n  {CURSOR}\nd", "", ("a\n", "", "\nd"), id="white space is written anew"),
        pytest.param(f"a\nb{CURSOR}\nd", "x\ny", ("a\nbx\n", "y", "\nd"), id="as if it were taken"),
    ],
)
def test_local_at(marked: str, taken: str, expected: tuple[str, str, str]) -> None:
    before, _, behind = marked.partition(CURSOR)
    assert local_at(before + behind, len(before), taken)[:3] == expected


def test_local_at_has_256_lines_before_and_64_behind() -> None:
    text = "".join(f"{n}\n" for n in range(1000))
    local = local_at(text, text.index("\n500\n") + 1)
    assert local.prefix.split("\n")[0] == str(500 - 256)
    assert local.suffix.split("\n")[0] == "500"
    assert local.suffix.split("\n")[-1] == "564"
    assert [key[:4] for key in local.keys] == ["244\n", "245\n", "246\n", "247\n"]


@pytest.mark.parametrize(
    ("marked", "content", "expected"),
    [
        pytest.param(f"a = {CURSOR}\n", "1\n\n", "1", id="without empty lines at the end"),
        pytest.param(
            f"if a:\n    {CURSOR}\n", "    b\n    c", "b\n    c", id="white space is there"
        ),
        pytest.param(f"f({CURSOR})\n", ")", "", id="what stands to the right"),
        pytest.param(f"a{CURSOR}\nb\nc\n", "\nb\nc", "", id="the next lines"),
        pytest.param(f"{CURSOR}\n\nab\nc\n", "ab", "", id="the next line"),
        pytest.param(f"{CURSOR}\nab\ncd\n", "ab\nc", "", id="the next line and a half"),
        pytest.param(f"{CURSOR}\nab\ncd\n", "ab\ncd\ne", "ab\ncd\ne", id="and more"),
        pytest.param(f"{CURSOR}\n", "  \n", "", id="nothing but white space"),
    ],
)
def test_rendered(marked: str, content: str, expected: str) -> None:
    before, _, behind = marked.partition(CURSOR)
    assert rendered(content, before + behind, len(before)) == expected
