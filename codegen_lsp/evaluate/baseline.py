"""What we are measured against: llama.vim's policy over llama-cpp-python's server, on the same weights.

Read in llama.vim's `autoload/llama.vim` (ggml-org, at commit ae3cb00) and in llama-server, for which it
is written. What llama_cpp.server does not know is done here, in llama-server's way: the prompt is cut to
three quarters of a batch, and the time limit and the indentation end a text by closing the connection.
The model is a causal one, so the suffix is only a part of the cache's keys. Chunks of other files are
left out: nothing else is open. One thread asks; all else happens where the keys do.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from codegen_lsp.document import Document
from codegen_lsp.evaluate.pairs import Edit
from codegen_lsp.evaluate.peers import ANSWER_S, HOST, Threads, llama_cpp_server
from codegen_lsp.evaluate.program import ProgramError
from codegen_lsp.evaluate.raw import Vocabulary
from codegen_lsp.evaluate.replay import Answer
from codegen_lsp.evaluate.tally import Generated, Source

N_PREFIX, N_SUFFIX = 256, 64  # lines
N_PREDICT = 128  # tokens
FIRST_S, SPECULATIVE_S = 0.25, 1.0  # of writing, for what is asked for and for what may come next
MAX_LINE_SUFFIX = 8  # characters right of the cursor; silent where there are more
MAX_CACHE_KEYS = 250
N_TRIMMED = 3  # further keys of a result, each with one line less of the prefix
LOOK_BACK = 128  # characters typed since a result
RETRY_S = 0.1  # while a request is running
# llama-server's --batch-size is 2,048 by default, and an infill's prefix gets three quarters of it.
MAX_PREFIX_TOKENS = 3 * 2048 // 4


@contextmanager
def llama_vim(path: Path, threads: Threads) -> Iterator[LlamaVim]:
    """The policy, over a server that has been started for it. Raises `PeerError`, `EngineError` and
    `ProgramError`."""
    with (
        contextlib.closing(Vocabulary(path)) as vocabulary,
        llama_cpp_server(path, threads) as started,
        contextlib.closing(LlamaVim(started.port, vocabulary)) as policy,
    ):
        yield policy


class Local(NamedTuple):
    """What stands around the cursor: whole lines before it, the line up to it, and what follows."""

    prefix: str
    middle: str
    suffix: str
    line_suffix: str
    indent: int

    @property
    def key(self) -> str:
        return _key(self.prefix + self.middle, self.suffix)

    @property
    def keys(self) -> list[str]:
        """Its own, and those that it has when the first lines have scrolled out."""
        found, prefix = [self.key], self.prefix
        for _ in range(N_TRIMMED):
            prefix = prefix.partition("\n")[2]
            if not prefix:
                break
            found.append(_key(prefix + self.middle, self.suffix))
        return found


def local_at(text: str, offset: int, taken: str = "") -> Local:
    """The context at an offset, as if `taken` stood there already. A line of nothing but white space is
    continued from its start."""
    before, behind = text[:offset] + taken, text[offset:]
    line_suffix, _, rest = behind.partition("\n")
    lines = before.split("\n")
    middle = lines[-1]
    if not taken and not (middle + line_suffix).strip():
        middle = line_suffix = ""
    prefix = "".join(f"{line}\n" for line in lines[:-1][-N_PREFIX:])
    suffix = "\n".join([line_suffix, *rest.split("\n")[:N_SUFFIX]])
    whole = middle + line_suffix
    return Local(prefix, middle, suffix, line_suffix, len(whole) - len(whole.lstrip(" \t")))


def rendered(content: str, text: str, offset: int) -> str:
    """What is shown of a result: without empty lines at its end, without the white space that stands in
    the line already, and nothing where it repeats what follows."""
    start = text.rfind("\n", 0, offset) + 1
    line_prefix = text[start:offset]
    line_suffix, *following = text[offset:].split("\n")
    lines = content.rstrip("\n").split("\n")
    if not (line_prefix + line_suffix).strip():
        lead = len(lines[0]) - len(lines[0].lstrip(" \t"))
        lines[0] = lines[0][min(lead, len(line_prefix)) :]
    if not "".join(lines).strip() or _repeats(lines, line_prefix, line_suffix, following):
        return ""
    return "\n".join(lines)


def _repeats(
    lines: Sequence[str], line_prefix: str, line_suffix: str, following: Sequence[str]
) -> bool:
    first, *others = lines
    if not others and first == line_suffix:
        return True
    if first == "" and others == list(following[: len(others)]):
        return True
    n = next((n for n, line in enumerate(following) if line.strip()), len(following))
    if n == len(following) or line_prefix + first != following[n]:
        return False
    behind = following[n + 1 : n + 1 + len(others)]
    if len(others) == 1:
        return bool(behind) and behind[0].startswith(others[0])
    return list(others) == list(behind)


class LlamaVim:
    """A `Completer`."""

    def __init__(self, port: int, vocabulary: Vocabulary) -> None:
        self.generated: list[Generated] = []
        self.n_warmed = 0
        self._port = port
        self._vocabulary = vocabulary
        self._cache: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._text, self._offset = "", 0
        self._is_shown = False
        self._job: _Job | None = None
        self._retry_at: float | None = None
        self._answers: list[Answer] = []
        self._held: list[int] = []  # the tokens that the server holds evaluated
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Result | ProgramError] = queue.SimpleQueue()
        threading.Thread(target=self._ask_all, daemon=True).start()

    def open(self, document: Document, offset: int) -> None:
        self._text, self._offset = document.text, offset

    def close(self, document: Document | None = None) -> None:
        """A document; or else for good."""
        self._retry_at = None
        if document is None:
            self._waiting.put(None)

    def type(self, before: Document, edit: Edit, after: Document) -> None:
        del before
        self._text, self._offset = after.text, edit.cursor
        self._is_shown = False
        self._answers.clear()
        self._show()
        self._request()

    def hear(self, until: float) -> Answer | None:
        while not self._answers:
            retry_at = until if self._retry_at is None else self._retry_at
            timeout = max(0.0, min(until, retry_at) - time.perf_counter())
            try:
                result = self._done.get(timeout=timeout)
            except queue.Empty:
                if self._retry_at is None or self._retry_at > until:
                    return None
                self._retry_at = None
                self._request()
            else:
                self._note(result)
                if self.is_idle and not self._answers:
                    return None
        return self._answers.pop(0)

    def take(self, answer: Answer) -> None:
        """It sees that in the text."""

    @property
    def is_idle(self) -> bool:
        return self._job is None and self._retry_at is None

    def _request(self, taken: str = "") -> None:
        """Ask for the place of the cursor, or for the one behind a suggestion that may be taken."""
        if self._job is not None:
            self._retry_at = time.perf_counter() + RETRY_S
            return
        local = local_at(self._text, self._offset, taken)
        if len(local.line_suffix) > MAX_LINE_SUFFIX:
            if not taken:
                self._answer("", "none", None)
            return
        if any(key in self._cache for key in local.keys):
            if not (taken or self._answers):
                self._answer("", "none", None)
            return
        self._retry_at = None
        self._job = _Job(local, self._prompt(local), bool(taken))
        self._waiting.put(self._job)

    def _prompt(self, local: Local) -> str:
        """Cut as llama-server does: within a line it stays the same, and from line to line it slides."""
        tokens = self._vocabulary.tokenize(local.prefix)
        if len(tokens) <= MAX_PREFIX_TOKENS:
            return local.prefix + local.middle
        return self._vocabulary.text(tokens[-MAX_PREFIX_TOKENS:]) + local.middle

    def _show(self) -> bool:
        """Show what is known for the cursor's place, if anything is."""
        found = self._known(local_at(self._text, self._offset))
        if found is None:
            return False
        content, source, generation = found
        text = rendered(content, self._text, self._offset)
        self._answer(text, source, generation)
        self._is_shown = bool(text)
        if text:
            self._request(text)
        return True

    def _known(self, local: Local) -> tuple[str, Source, int] | None:
        """A result for this place, or the rest of one whose beginning was typed since."""
        if local.key in self._cache:
            content, generation = self._cache[local.key]
            self._cache.move_to_end(local.key)
            return content, "cache", generation
        before, best = local.prefix + local.middle, None
        for n in range(1, min(LOOK_BACK, len(before)) + 1):
            found = self._cache.get(_key(before[:-n], local.suffix))
            if found and found[0].startswith(before[-n:]):
                rest = found[0][n:]
                if rest and (best is None or len(rest) > len(best[0])):
                    best = (rest, found[1])
        return None if best is None else (best[0], "typed", best[1])

    def _answer(self, text: str, source: Source, generation: int | None) -> None:
        self._answers.append(Answer(text, time.perf_counter(), source, generation))

    def _note(self, result: _Result | ProgramError) -> None:
        """Keep what came, and show it if it is of use where the cursor is now."""
        if isinstance(result, ProgramError):
            raise result
        number = len(self.generated)
        prompt = self._vocabulary.tokenize(result.job.prompt)
        n_held = _n_common(self._held, prompt)
        self._held = prompt + self._vocabulary.tokenize(result.content)
        kept = self._vocabulary.tokenize(result.content.rstrip("\n"))
        self.generated.append(
            Generated(
                number,
                not result.job.is_speculative,
                len(prompt),
                max(1, len(prompt) - n_held),
                result.n_tokens,
                len(kept),
            )
        )
        self._job = None
        for key in result.job.local.keys:
            self._cache[key] = (result.content, number)
            self._cache.move_to_end(key)
        while len(self._cache) > MAX_CACHE_KEYS:
            self._cache.popitem(last=False)
        if not self._is_shown and self._show():
            self._answers[-1] = self._answers[-1]._replace(
                source="engine" if result.job.local.key == self._here else "typed"
            )

    @property
    def _here(self) -> str:
        return local_at(self._text, self._offset).key

    def _ask_all(self) -> None:
        """The thread that asks: one request at a time."""
        while (job := self._waiting.get()) is not None:
            self._done.put(_answered(self._port, job))


class _Job(NamedTuple):
    local: Local
    prompt: str
    is_speculative: bool


class _Result(NamedTuple):
    job: _Job
    content: str
    n_tokens: int


def _answered(port: int, job: _Job) -> _Result | ProgramError:
    try:
        return _asked(port, job)
    except (OSError, http.client.HTTPException) as error:
        return ProgramError(f"llama_cpp.server gives no answer ({error})")
    except ProgramError as error:
        return error


def _asked(port: int, job: _Job) -> _Result:
    """Let the server write until it ends, or until the time is up or the block is left, and another line
    begins."""
    limit_s = SPECULATIVE_S if job.is_speculative else FIRST_S
    content, n_tokens, begun = "", 0, 0.0
    with contextlib.closing(_stream(port, job.prompt)) as texts:
        for text in texts:
            begun = begun or time.perf_counter()
            content, n_tokens = content + text, n_tokens + 1
            whole = _inside(content, job.local.indent)
            is_late = "\n" in text and time.perf_counter() > begun + limit_s
            if whole is not None or is_late:
                content = content if whole is None else whole
                break
    return _Result(job, content, n_tokens)


def _stream(port: int, prompt: str) -> Generator[str, None, None]:
    """What the server writes behind a prompt, piece by piece; it ends when this is closed."""
    body = {"prompt": prompt, "max_tokens": N_PREDICT, "temperature": 0, "stream": True}
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    with contextlib.closing(connection):
        connection.request(
            "POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        with connection.getresponse() as response:
            if response.status != http.client.OK:
                raise ProgramError(f"llama_cpp.server answers with status {response.status}")
            for line in response:
                data = line.removeprefix(b"data: ").strip()
                if data == b"[DONE]":
                    return
                if line.startswith(b"data: "):
                    yield json.loads(data)["choices"][0]["text"]


def _inside(content: str, indent: int) -> str | None:
    """A text without its last line, where that is indented less than the line that it began in; None
    where it is not, or where that cannot be told yet."""
    whole, newline, last = content.rpartition("\n")
    code = last.lstrip(" \t")
    return whole if newline and indent and code and len(last) - len(code) < indent else None


def _n_common(held: Sequence[int], prompt: Sequence[int]) -> int:
    """How many tokens two lists begin with in common."""
    n_both = min(len(held), len(prompt))
    return next((n for n in range(n_both) if held[n] != prompt[n]), n_both)


def _key(before: str, suffix: str) -> str:
    return f"{before}\0{suffix}"
