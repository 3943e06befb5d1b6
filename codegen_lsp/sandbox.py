"""Programs that a model has written, run where they can do no harm.

Each runs in a process of its own that sees Python, its libraries and an empty directory in memory: no
other file, process or network, and no environment. `jail.py` builds those walls, from Linux's namespaces
and seccomp; elsewhere programs are refused, unless a setting of the person says otherwise.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from codegen_lsp.jail import Job, Way


class SandboxError(Exception):
    """There is none here; the message is one line that says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use. `memory_mb` is of addresses, each process. `n_processes` counts threads,
    too; without namespaces there is one, always. All files together are at most sixteen times as large
    as one may be."""

    seconds: float = 5.0
    memory_mb: int = 1024
    file_mb: int = 1
    n_processes: int = 1
    output_kb: int = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: "done" at its last statement; "failed" with an exception, or before its last
    statement by its own doing (also `sys.exit(0)`); "timeout"; "killed" by a signal, as for a crash."""

    end: Literal["done", "failed", "timeout", "killed"]
    output: str  # what it printed, its beginning
    value: str | None  # JSON (`inside.to_json`) of the last statement, where that is an expression
    error: str  # one line; empty where it is done


_DEFAULT = Limits()


def unavailable(*, unsafe: bool = False) -> str:
    """Why no program is run here, in one line; empty where programs are. This is found out by running
    one that looks around in there, once in the life of our process. With `unsafe` a program may run
    without namespaces where there are none: then the machine's files and network are open to it."""
    return _found(unsafe)[1]


def run(program: str, limits: Limits = _DEFAULT, *, unsafe: bool = False) -> Outcome:
    """Run Python source in an interpreter of its own, and wait for its end. For any thread. When this
    returns, none of its processes and files is left. Raises `SandboxError`."""
    way, why = _found(unsafe)
    if way is None:
        raise SandboxError(why)
    return _run(program, limits, way)


# What a program may not be able to do where the walls stand. Its value is a list of what it could.
_PROBE = """
import ctypes, os, socket

attempts = {
    "open a socket": socket.socket,
    "write a file": lambda: open("/file", "w"),
    "read a file": lambda: open("/etc/passwd"),
    "see processes": lambda: os.listdir("/proc"),
    "start a process": os.fork,
    "signal a process": lambda: os.kill(-1, 0),
    "become root": lambda: os.setuid(0),
}
possible = []
for what, attempt in attempts.items():
    try:
        attempt()
        possible.append(what)
    except OSError:
        pass
possible
"""
# A first start reads Python from disk, perhaps on a busy machine.
_PROBE_LIMITS = Limits(seconds=20.0)


@functools.cache
def _found(unsafe: bool) -> tuple[Way | None, str]:
    """The first way that works, or why there is none."""
    if sys.platform == "win32":
        return None, "programs are not run on Windows: there they cannot be kept within limits"
    is_root = os.geteuid() == 0
    why = "this system has no namespaces"
    if sys.platform == "linux":
        for way in _ways(is_root):
            why = _hole(way)
            if not why:
                return way, ""
    if unsafe and is_root:
        return None, f"programs are not run as root without walls around them ({why})"
    if unsafe:
        why = _hole("unsafe")
        return (None, f"programs cannot be run here: {why}") if why else ("unsafe", "")
    advice = "a setting allows it with limits only"
    if sys.platform == "linux":
        advice = "install bubblewrap (the program bwrap) or allow user namespaces"
        advice = "let another user than root run this" if is_root else advice
    return None, f"programs are not run here, because they cannot be walled in ({why}): {advice}"


def _ways(is_root: bool) -> Iterator[Way]:
    """Namespaces of our own first, which start faster. Root, who can do all that bwrap can, is denied
    them for a reason that holds for bwrap, too."""
    yield "namespaces"
    if not is_root and shutil.which("bwrap"):
        yield "bubblewrap"


def _hole(way: Way) -> str:
    """What is wrong with the walls, if anything."""
    try:
        outcome = _run(_PROBE if way != "unsafe" else "[]", _PROBE_LIMITS, way)
    except SandboxError as error:
        return str(error)
    if outcome.value is None:
        return outcome.error
    possible = json.loads(outcome.value)
    return f"one could {', '.join(map(str, possible))}" if possible else ""


# `-I` would have it ignore the hash seed; it is `-s`, no PYTHON* variable but ours, and no directory of
# the script on the path. `site` is left out, and with it all code that packages have run at the start.
_COMMAND = (os.path.realpath(sys.executable), "-s", "-S", "-X", "utf8", "-c")
_MAIN = "import sys; sys.path[:] = [*sys.path[1:], {!r}]; from codegen_lsp.jail import main; main()"
_ROOT = Path(__file__).resolve().parent.parent
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    # numpy's library starts a thread a core otherwise, and may not.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
# Where Linux has the libraries that Python and extension modules load.
_SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/nix/store")
_REPORT_KB = 1024  # of a value
_ERROR_KB = 16  # of what the warden says
_GRACE = 10.0  # seconds after a program's time in which the warden has to have ended


def _run(program: str, limits: Limits, way: Way) -> Outcome:
    with contextlib.ExitStack() as stack:
        directory = ""
        if way == "unsafe":
            directory = stack.enter_context(tempfile.TemporaryDirectory())
        report, report_end = os.pipe()
        stack.callback(os.close, report)
        try:
            warden = _started(report_end)
        finally:
            os.close(report_end)
        stack.callback(_bury, warden)
        packages = _packages()
        job: Job = {
            "way": way,
            "user": os.geteuid(),
            "warden": warden.pid,
            "program": program,
            "report": report_end,
            "seconds": limits.seconds,
            "memory": limits.memory_mb << 20,
            "file": limits.file_mb << 20,
            "n_processes": 1 if way == "unsafe" else limits.n_processes,
            "readable": _readable(packages, way),
            "packages": packages,
            "directory": directory,
            "bwrap": shutil.which("bwrap") or "",
        }
        _tell(warden, job)
        output, verdict, told = _hear(warden, report, limits)
    return _outcome(output, _verdict(verdict), told, limits)


def _packages() -> list[str]:
    """Where packages are installed for this interpreter, but for those of the person alone."""
    return [os.path.realpath(path) for path in site.getsitepackages()]


def _readable(packages: list[str], way: Way) -> list[str]:
    """What of the machine a program needs to see, none of it inside another."""
    base = os.path.realpath(sys.base_prefix)
    wanted = {*_SYSTEM, *packages, f"{base}/lib", f"{base}/lib64", _COMMAND[0]}
    wanted.add(str(Path(os.__file__).resolve().parent))
    if way == "bubblewrap":  # there a second interpreter starts inside
        wanted.add(str(Path(__file__).resolve().parent))
    found: list[str] = []
    for path in sorted(filter(os.path.exists, wanted)):
        if not any(path.startswith(f"{outer}/") for outer in found):
            found.append(path)
    return found


def _started(report: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            (*_COMMAND, _MAIN.format(str(_ROOT))),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(report,),
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,  # a Ctrl-C on our terminal is for us
        )
    except OSError as error:
        raise SandboxError(f"no process can be started: {error.strerror}") from None


def _bury(warden: subprocess.Popen[bytes]) -> None:
    """The end of its standard input is the end of the program, and that the warden's own."""
    for pipe in (warden.stdin, warden.stdout, warden.stderr):
        if pipe:
            pipe.close()
    try:
        warden.wait(_GRACE)
    except subprocess.TimeoutExpired:
        warden.kill()
        warden.wait()


def _tell(warden: subprocess.Popen[bytes], job: Job) -> None:
    assert warden.stdin
    data = json.dumps(job).encode() + b"\n"
    with contextlib.suppress(BrokenPipeError):  # then its last words say why
        while data:
            data = data[warden.stdin.write(data) :]


def _hear(warden: subprocess.Popen[bytes], report: int, limits: Limits) -> tuple[bytes, ...]:
    """Output, the warden's verdict and the program's report, each up to its limit: what comes behind is
    read, so that nobody waits, and forgotten. All end with the warden. Raises `SandboxError` where it
    does not end."""
    assert warden.stdout
    assert warden.stderr
    heard: dict[int, bytearray] = {}
    sources: tuple[tuple[int | IO[bytes], int], ...] = (
        (warden.stdout, limits.output_kb),
        (warden.stderr, _ERROR_KB),
        (report, _REPORT_KB),
    )
    deadline = time.monotonic() + limits.seconds + _GRACE
    with selectors.DefaultSelector() as selector:
        for source, n_kb in sources:
            key = selector.register(source, selectors.EVENT_READ, n_kb << 10)
            heard[key.fd] = bytearray()
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                warden.kill()
                raise SandboxError("the sandbox does not end")
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                # One byte more than the limit shows that it was reached.
                heard[key.fd] += data[: key.data + 1 - len(heard[key.fd])]
    return tuple(map(bytes, heard.values()))


@dataclass(frozen=True, slots=True)
class _Verdict:
    status: int  # as of `subprocess`
    is_late: bool


def _verdict(said: bytes) -> _Verdict:
    """The one line that the warden says. Raises `SandboxError` with whatever else it or bwrap says."""
    lines = said.decode(errors="replace").splitlines()
    complaints = [line for line in lines if not line.startswith("{")]
    if complaints or not lines:
        raise SandboxError(_line(complaints[-1] if complaints else "its process was killed"))
    return _Verdict(**json.loads(lines[-1]))


def _outcome(output: bytes, verdict: _Verdict, report: bytes, limits: Limits) -> Outcome:
    printed = output[: limits.output_kb << 10].decode(errors="replace")
    if verdict.is_late:
        return Outcome("timeout", printed, None, f"not done after {limits.seconds:g} s")
    if verdict.status < 0:
        return Outcome("killed", printed, None, f"ended by {_signal_name(-verdict.status)}")
    if not report or verdict.status:
        error = f"ended itself, with status {verdict.status}"
        return Outcome("failed", printed, None, error)
    if len(report) > _REPORT_KB << 10:
        error = f"its value is longer than {_REPORT_KB} kB"
        return Outcome("failed", printed, None, error)
    try:
        value, error = _read(report)
    except (ValueError, TypeError, KeyError, RecursionError):
        return Outcome("failed", printed, None, "told of its value what is not JSON")
    return Outcome("failed" if error else "done", printed, value, error)


def _read(report: bytes) -> tuple[str | None, str]:
    """The program may have written anything there. Raises what `json` does."""
    told = json.loads(report)
    value, error = told["value"], told["error"]
    if value is not None:
        json.loads(value)
    return value, _line(str(error))


def _line(text: str) -> str:
    """One line that a person can read, whatever the text is."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:300]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
