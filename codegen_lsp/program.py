"""Another program that is started, spoken to, and ended by its process id, whatever happens."""

from __future__ import annotations

import json
import subprocess
import tempfile
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
        self._write({"id": self._n_requests, "method": method, "params": params})
        while (message := self._read()).get("id") != self._n_requests or "method" in message:
            pass
        if "error" in message:
            raise ProgramError(f"the server refuses {method}: {message['error']['message']}")
        return message["result"]

    def notify(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def _write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._program.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._program.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _read(self) -> dict[str, Any]:
        length = 0
        while (header := self._program.stdout.readline()).strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not header:
            raise self._ended()
        message: dict[str, Any] = json.loads(self._program.stdout.read(length))
        return message

    def _ended(self) -> ProgramError:
        return ProgramError(f"the server has ended: {self._program.last_line}")
