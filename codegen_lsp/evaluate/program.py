"""Another program that is started, spoken to, and ended by its process id, whatever happens."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


class ProgramError(Exception):
    """The program does not do what it should; the message is one line for a person."""


class Program:
    """A process with which we speak over its standard streams; what it logs is kept."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        assert process.stdin is not None
        self.process = process
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout or log
        self._log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def last_line(self) -> str:
        """The last thing that it has logged."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it logs nothing")


@contextmanager
def running(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> Iterator[Program]:
    """Start a program, and end it afterwards. One that is `quiet` has nothing to say on its standard
    output but more log. Raises `ProgramError` where it cannot be started."""
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log if quiet else subprocess.PIPE,
                stderr=log,
                cwd=cwd,
                env=env,
            )
        except OSError as error:
            raise ProgramError(f"{command[0]} cannot be started: {error.strerror}") from error
        with process:  # closes its pipes, and waits for its end
            try:
                yield Program(process, log)
            finally:
                process.kill()


class LanguageServer:
    """A program that speaks LSP. One request at a time; what it says on its own is not heard."""

    def __init__(self, program: Program) -> None:
        self.pid = program.pid
        self._program = program
        self._n_requests = 0

    def request(self, method: str, params: Any) -> Any:
        """The result. Raises `ProgramError`."""
        self._n_requests += 1
        _write(self._program, {"id": self._n_requests, "method": method, "params": params})
        while (message := _read(self._program)).get(
            "id"
        ) != self._n_requests or "method" in message:
            pass
        return _result(method, message)

    def notify(self, method: str, params: Any) -> None:
        _write(self._program, {"method": method, "params": params})


class Conversation:
    """A program that speaks LSP, where nobody waits for anybody: a thread notes what comes, and when."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._n_requests = 0
        self._heard: queue.SimpleQueue[tuple[float, dict[str, Any] | ProgramError]]
        self._heard = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()  # ends with the program

    def send(self, method: str, params: Any) -> int:
        """Send a request; its number. Raises `ProgramError`."""
        self._n_requests += 1
        _write(self._program, {"id": self._n_requests, "method": method, "params": params})
        return self._n_requests

    def notify(self, method: str, params: Any) -> None:
        _write(self._program, {"method": method, "params": params})

    def hear(self, until: float) -> tuple[float, dict[str, Any]] | None:
        """The next answer or notification, and when it came, by `time.perf_counter`; None where there is
        none until then. Requests of the program's own are answered with nothing. Raises
        `ProgramError`."""
        while True:
            try:
                at, heard = self._heard.get(timeout=max(0.0, until - time.perf_counter()))
            except queue.Empty:
                return None
            if isinstance(heard, ProgramError):
                raise heard
            if "id" not in heard or "method" not in heard:
                return at, heard
            _write(self._program, {"id": heard["id"], "result": None})

    def request(self, method: str, params: Any, patience_s: float) -> Any:
        """The result; what else comes meanwhile is dropped. Raises `ProgramError`."""
        number = self.send(method, params)
        until = time.perf_counter() + patience_s
        while (heard := self.hear(until)) is not None:
            if heard[1].get("id") == number:
                return _result(method, heard[1])
        raise ProgramError(f"the server gives no answer to {method} within {patience_s:.0f} s")

    def _listen(self) -> None:
        heard: dict[str, Any] | ProgramError = {}
        while not isinstance(heard, ProgramError):
            try:
                heard = _read(self._program)
            except (ProgramError, OSError, ValueError) as error:  # its pipe is closed at the end
                heard = error if isinstance(error, ProgramError) else ProgramError(str(error))
            self._heard.put((time.perf_counter(), heard))


def _result(method: str, message: dict[str, Any]) -> Any:
    if "error" in message:
        raise ProgramError(f"the server refuses {method}: {message['error']['message']}")
    return message["result"]


def _write(program: Program, message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    try:
        program.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        program.stdin.flush()
    except OSError as error:
        raise _ended(program) from error


def _read(program: Program) -> dict[str, Any]:
    length = 0
    while (header := program.stdout.readline()).strip():
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not header:
        raise _ended(program)
    message: dict[str, Any] = json.loads(program.stdout.read(length))
    return message


def _ended(program: Program) -> ProgramError:
    return ProgramError(f"the server has ended: {program.last_line}")
