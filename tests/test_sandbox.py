"""What a model's program can do, and what it cannot.

Every attempt is harmless even if the walls had a hole: homes and victims are made for it, and loops end.
After each test there is no process of a sandbox left, and what lay around it is as it was.
"""

from __future__ import annotations

import collections
import concurrent.futures
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from codegen_lsp import sandbox
from codegen_lsp.inside import to_json
from codegen_lsp.sandbox import Limits, Outcome, SandboxError, run
from tests.processes import until

WHY_NOT = sandbox.unavailable()
walled = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

SECRET = "hunter2"
SHORT = Limits(seconds=1.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a file, a directory for temporary ones, and a secret in the environment."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    (home / "diary").write_text(SECRET)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield home
    assert [path.name for path in home.iterdir()] == ["diary"]
    assert (home / "diary").read_text() == SECRET
    assert list(temporary.iterdir()) == []


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What tells the processes of a test's sandboxes from all others."""
    mark = f"MARK={uuid.uuid4()}"
    monkeypatch.setitem(sandbox._ENVIRONMENT, *mark.split("="))
    yield mark
    assert marked(mark) == []


def marked(mark: str) -> list[psutil.Process]:
    """All processes with that in the environment that they were started with."""
    key, value = mark.split("=")
    return [each for each in psutil.process_iter() if _environment(each).get(key) == value]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:  # gone, or of another user
        return {}


# Programs that come to an end.


@walled
@pytest.mark.parametrize(
    ("program", "value"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("x = 1", None, id="no expression at the end"),
        pytest.param("1\nx = 2", None, id="an expression, but not at the end"),
        pytest.param("x = 20\nx + 1", "21", id="an expression at the end"),
        pytest.param("print('x')", "null", id="an expression whose value is None"),
        pytest.param("x = []\nx.append(1) or x", "[1]", id="evaluated once"),
        pytest.param("def f(): return (1, 2.5, 'ä')\nf()", r'[1, 2.5, "\u00e4"]', id="a tuple"),
        pytest.param("import numpy as np\nnp.eye(2)", "[[1.0, 0.0], [0.0, 1.0]]", id="numpy"),
        pytest.param("hash('a') == hash('a'), __name__", '[true, "__main__"]', id="the name"),
        pytest.param("open('a', 'w').write('b')\nopen('a').read()", '"b"', id="a file of its own"),
        pytest.param("import tempfile\ntempfile.mkdtemp()[:5]", '"/tmp/"', id="a directory, too"),
        pytest.param("import os\nos.close(1)\n7", "7", id="without standard output"),
        pytest.param("import sys\nsys.path[0] != ''", "true", id="imports nothing from there"),
        pytest.param("import asyncio\nasyncio.run(asyncio.sleep(0, 3))", "3", id="an event loop"),
        pytest.param(
            "from dataclasses import *\n@dataclass\nclass A: x: int\nA(1).x", "1", id="class"
        ),
    ],
)
def test_value(program: str, value: str | None) -> None:
    assert run(program) == Outcome("done", "x\n" if "print" in program else "", value, "")


@walled
def test_the_same_each_time() -> None:
    program = "list({'one', 'two', 'three', 'four', 'five'} | {str(n) for n in range(50)})"
    values = {run(f"tuple({program})").value for _ in range(3)}
    assert len(values) == 1


@walled
def test_output_is_cut() -> None:
    outcome = run("for _ in range(3000): print('x' * 99)\n5", Limits(output_kb=2))
    assert (outcome.end, outcome.value) == ("done", "5")
    assert outcome.output == ("x" * 99 + "\n") * 20 + "x" * 48


@walled
def test_threads_run_programs_side_by_side() -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        values = pool.map(lambda n: run(f"print({n})\n{n} * 10"), range(12))
        assert [(each.output, each.value) for each in values] == [
            (f"{n}\n", str(n * 10)) for n in range(12)
        ]


@walled
def test_as_many_processes_as_are_allowed() -> None:
    """Children that would outlive the program end with it: the fixture looks."""
    program = """
import os, time
n = 0
while n < 20:
    try:
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)
    except BlockingIOError:
        break
    n += 1
n
"""
    assert run(program, Limits(n_processes=3)).value == "2"


# Programs that fail.


@walled
@pytest.mark.parametrize(
    ("program", "error"),
    [
        pytest.param("1 +", "SyntaxError: invalid syntax (line 1)", id="a syntax error"),
        pytest.param(
            "x = 1\n  y", "IndentationError: unexpected indent (line 2)", id="indentation"
        ),
        pytest.param("x\n\ny", "NameError: name 'x' is not defined (line 1)", id="a name"),
        pytest.param(
            "def f():\n  1 / 0\nf()", "ZeroDivisionError: division by zero (line 2)", id="0"
        ),
        pytest.param("import sys\nsys.exit(0)", "SystemExit: 0 (line 2)", id="sys.exit"),
        pytest.param("import os\nos._exit(0)", "ended itself, with status 0", id="os._exit"),
        pytest.param("import os\nos._exit(9)", "ended itself, with status 9", id="os._exit(9)"),
        pytest.param(
            "import os\nos._exit(200)", "ended itself, with status 200", id="os._exit(200)"
        ),
        pytest.param("raise KeyboardInterrupt", "KeyboardInterrupt (line 1)", id="an interrupt"),
        pytest.param("raise GeneratorExit", "GeneratorExit (line 1)", id="GeneratorExit"),
        pytest.param("raise Exception('a\\n\x07b')", "Exception: a b (line 1)", id="several lines"),
        pytest.param("raise ValueError('x' * 9999)", f"ValueError: {'x' * 288}", id="a long one"),
        pytest.param(
            "class E(BaseException):\n  def __str__(self): raise self\nraise E",
            "an error that cannot be told",
            id="an error that cannot be told",
        ),
        pytest.param(
            "def f(): f()\nf()",
            "RecursionError: maximum recursion depth exceeded (line 1)",
            id="recursion",
        ),
        pytest.param(
            "class A:\n  def __repr__(self): 1 / 0\nA()",
            "ZeroDivisionError: division by zero (line 2)",
            id="a value whose repr fails",
        ),
        pytest.param(
            "x = 'x' * (2 << 20)\nx", "its value is longer than 1024 kB", id="a value too large"
        ),
        pytest.param(
            "import sys\nsys.stdout.close()\nprint(1)",
            "ValueError: I/O operation on closed file. (line 3)",
            id="closed standard output",
        ),
        pytest.param("input()", "EOFError: EOF when reading a line (line 1)", id="asks somebody"),
    ],
)
def test_failure(program: str, error: str) -> None:
    assert run(program) == Outcome("failed", "", None, error)


@walled
@pytest.mark.parametrize(
    ("program", "error"),
    [
        pytest.param("x = 1\0", "null bytes", id="a null byte"),
        pytest.param("'\ud800'", "UnicodeEncodeError", id="half a character"),
        pytest.param("10 ** 5000", "ValueError: Exceeds the limit", id="a huge number"),
        pytest.param("(" * 5000, "SyntaxError", id="too many brackets"),
        pytest.param("-" * 200_000 + "1", "Error", id="too deep for the parser"),
        pytest.param(
            "import os\nos.closerange(0, 100)", "ended itself, with status", id="closes every pipe"
        ),
    ],
)
def test_failure_of_some_kind(program: str, error: str) -> None:
    """Versions of Python differ in their words."""
    outcome = run(program)
    assert (outcome.end, outcome.value) in {("failed", None), ("killed", None)}
    assert error in outcome.error or outcome.end == "killed"


@walled
@pytest.mark.parametrize(
    "report",
    [
        pytest.param("rubbish", id="not JSON"),
        pytest.param("[" * 100_000, id="deeper than anybody reads"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="an empty object"),
        pytest.param('{"value": 1, "error": ""}', id="a value that is not JSON's text"),
        pytest.param('{"value": "nothing", "error": ""}', id="a text that is not JSON"),
        pytest.param('{"value": "[[[", "error": ""}', id="half of it"),
    ],
)
def test_a_forged_report_is_no_value(report: str) -> None:
    program = f"""
import os
for descriptor in range(3, 64):
    try:
        os.write(descriptor, {report!r}.encode())
    except OSError:
        pass
os._exit(0)
"""
    error = "told of its value what is not JSON"
    assert run(program) == Outcome("failed", "", None, error)


@walled
def test_a_crash() -> None:
    outcome = run("import ctypes\nctypes.string_at(0)")
    assert outcome == Outcome("killed", "", None, "ended by SIGSEGV")


# Programs that do not end.


@walled
@pytest.mark.parametrize(
    "program",
    [
        pytest.param("while True: pass", id="a loop"),
        pytest.param("import itertools\nsum(itertools.repeat(0))", id="a loop in C"),
        pytest.param("import re\nre.match('(a+)+b', 'a' * 64)", id="a regular expression"),
        pytest.param("import time\ntime.sleep(600)", id="sleep"),
        pytest.param("10 ** 10 ** 9", id="a number of a billion digits"),
        pytest.param(
            "def f():\n  while True: yield 1\nlist(f()) if 0 else all(f())", id="generator"
        ),
        pytest.param(
            "class A:\n  def __repr__(self):\n    while True: pass\nA()", id="in its value"
        ),
        pytest.param(
            "import signal\n"
            "for each in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:\n"
            "  try: signal.signal(each, signal.SIG_IGN)\n"
            "  except OSError: pass\n"
            "while True: pass",
            id="deaf to signals",
        ),
        pytest.param(
            "while True:\n  try:\n    while True: pass\n  except BaseException: pass", id="stubborn"
        ),
    ],
)
def test_endless(program: str) -> None:
    assert run(program, SHORT) == Outcome("timeout", "", None, "not done after 1 s")


@walled
def test_endless_output() -> None:
    outcome = run("while True: print('x' * 999)", Limits(seconds=1.0, output_kb=3))
    assert outcome.end == "timeout"
    assert outcome.output == (("x" * 999 + "\n") * 4)[: 3 << 10]


# Programs that want out.


@walled
@pytest.mark.parametrize(
    ("program", "error"),
    [
        pytest.param(
            "import os, time\nfor _ in range(6): os.fork()\ntime.sleep(5)",
            "PermissionError",
            id="fork bomb",
        ),
        pytest.param(
            "import subprocess, sys\nsubprocess.run([sys.executable, '-V'])",
            "PermissionError",
            id="another program",
        ),
        pytest.param(
            "import threading\nthreading.Thread(target=print).start()",
            "RuntimeError: can't start new thread",
            id="thread",
        ),
        pytest.param("x = bytearray(10 << 30)", "MemoryError", id="10 GB"),
        pytest.param("x = [bytes(1 << 20) for _ in range(2000)]", "MemoryError", id="in pieces"),
        pytest.param(
            "import mmap\nx = [mmap.mmap(-1, 1 << 20) for _ in range(2000)]",
            "OSError: [Errno 12]",
            id="shared memory",
        ),
        pytest.param("x = []\nfor n in range(10 ** 7): x.append([n])", "MemoryError", id="crumbs"),
        pytest.param(
            "open('a', 'wb').truncate(10 << 30)", "OSError: [Errno 27]", id="a file of 10 GB"
        ),
        pytest.param(
            "with open('a', 'wb') as file:\n  for _ in range(64): file.write(bytes(1 << 20))",
            "OSError: [Errno 27]",
            id="a file of 64 MB",
        ),
        pytest.param(
            "for n in range(64): open(str(n), 'wb').write(bytes(1 << 20))",
            "OSError: [Errno 28]",
            id="64 MB of files",
        ),
        pytest.param(
            "for n in range(5000): open(str(n), 'w')", "OSError: [Errno 28]", id="many files"
        ),
        pytest.param(
            "import resource\n"
            "for each in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE,\n"
            "  resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE):\n"
            "  try: resource.setrlimit(each, (resource.RLIM_INFINITY,) * 2)\n"
            "  except ValueError: continue\n"
            "  print('raised', each)\n"
            "resource.setrlimit(resource.RLIMIT_CORE, (1, 1))",
            "ValueError: not allowed to raise maximum limit",
            id="higher limits",
        ),
        # Of a user namespace there is no root to become, which is another error.
        pytest.param("import os\nos.setuid(0)", ("PermissionError", "OSError"), id="becomes root"),
        pytest.param("import shutil\nshutil.rmtree('.')", "OSError", id="its own directory"),
        pytest.param("import shutil, os\nshutil.rmtree(os.getcwd())", "OSError", id="by its name"),
        pytest.param("open('/file', 'w')", "OSError: [Errno 30]", id="writes to the root"),
        pytest.param("open('/etc/passwd')", "FileNotFoundError", id="reads who is here"),
        pytest.param("import os\nos.environ['API_TOKEN']", "KeyError", id="environment"),
        pytest.param("open('/proc/self/environ')", "FileNotFoundError", id="the same otherwise"),
        pytest.param("open('/proc/1/mem')", "FileNotFoundError", id="another process's memory"),
        pytest.param(
            "import os\nos.kill(os.getppid(), 9)", "PermissionError", id="kills its parent"
        ),
        pytest.param("import os\nos.killpg(0, 9)", "PermissionError", id="kills its group"),
        # SIGCONT in place of SIGKILL, which as root would end this machine if there were a hole.
        pytest.param("import os\nos.kill(-1, 18)", "PermissionError", id="signals everybody"),
        pytest.param("import socket\nsocket.socket()", "PermissionError", id="opens a socket"),
        pytest.param("import socket\nsocket.socket(40)", "PermissionError", id="to a hypervisor"),
    ],
)
def test_escape(program: str, error: str | tuple[str, ...]) -> None:
    outcome = run(program, Limits(memory_mb=256))
    assert (outcome.end, outcome.output, outcome.value) == ("failed", "", None)
    assert outcome.error.startswith(error)


@walled
@pytest.mark.parametrize("n_processes", [1, 2])  # by seccomp; by the network's namespace
def test_connects_to_nobody(n_processes: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"
        assert run(program, Limits(n_processes=n_processes)).end == "failed"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@walled
@pytest.mark.parametrize("n_processes", [1, 2])  # by seccomp; by the namespace of processes
def test_kills_nobody(n_processes: int) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
        outcome = run(f"import os\nos.kill({victim.pid}, 9)", Limits(n_processes=n_processes))
        assert outcome.end == "failed"
        assert victim.poll() is None
        victim.kill()


@walled
def test_home_is_not_there(home: Path) -> None:
    for attempt in ("open({!r}, 'w')", "open({!r})", "__import__('os').remove({!r})"):
        outcome = run(attempt.format(str(home / "diary")))
        assert outcome.end == "failed"
        assert outcome.error.startswith("FileNotFoundError")
    assert run(f"import os\nos.listdir({str(home)!r})").end == "failed"


@walled
def test_libraries_cannot_be_changed() -> None:
    new = Path(os.__file__).with_name(f"{uuid.uuid4()}.py")
    outcome = run(f"open({str(new)!r}, 'w')")
    assert not new.exists()
    assert outcome.error.startswith("OSError: [Errno 30]")


@walled
def test_sees_python_and_nothing_else() -> None:
    seen = run("import os\nos.listdir('/'), os.listdir('/dev')").value
    assert seen
    top, devices = json.loads(seen)
    paths = sandbox._readable(sandbox._packages(), "namespaces")
    assert {f"/{each}" for each in top} == {
        f"/{Path(path).parts[1]}" for path in [*paths, "/dev", "/tmp"]
    }
    assert sorted(devices) == ["null", "urandom"]
    assert SECRET not in str(run("import os\ndict(os.environ)").value)


@walled
@pytest.mark.parametrize("n_processes", [1, 2])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param("unshare(0x10000000)", id="a namespace of its own"),
        pytest.param("ptrace(0, 0, 0, 0)", id="ptrace"),
        pytest.param("prctl(1, 0)", id="a life without its parent"),
        pytest.param("syscall(29, 0, 4096, 0o1600)", id="memory that nobody counts"),
        pytest.param("mount(b'x', b'/tmp', b'tmpfs', 0, b'')", id="mount"),
        pytest.param("syscall(0x40000000 + 41, 1, 1, 0)", id="x32"),
        pytest.param("syscall(56, 0x10000000 | 17, 0, 0, 0, 0)", id="clone into a namespace"),
    ],
)
def test_the_kernel_refuses(call: str, n_processes: int) -> None:
    if call.startswith("syscall") and os.uname().machine != "x86_64":
        pytest.skip("these numbers are of x86_64")
    program = (
        f"import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n[c.{call}, ctypes.get_errno()]"
    )
    assert run(program, Limits(n_processes=n_processes)).value == "[-1, 1]"


# Whoever asks, or the warden, comes to an end.


@walled
def test_ends_with_whoever_asked(mark: str) -> None:
    program = (
        "from codegen_lsp import sandbox\n"
        "assert sandbox.unavailable() == ''\n"  # what that runs shall bear no mark
        f"sandbox._ENVIRONMENT.update([{mark.split('=')!r}])\n"
        "sandbox.run('while True: pass', sandbox.Limits(seconds=600))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as asking:
        until(lambda: len(marked(mark)) == 2)
        asking.kill()
    until(lambda: not marked(mark))


NAMESPACES = {"cgroup", "ipc", "mnt", "net", "pid", "uts"}  # of users: it depends on who we are


@walled
def test_namespaces_are_its_own(mark: str) -> None:
    """Also the network's, which nobody inside can look at: sockets are forbidden before."""
    asking = threading.Thread(target=run, args=("import time\ntime.sleep(60)",))
    asking.start()
    ours = _namespaces(os.getpid())
    until(lambda: len(marked(mark)) == 2)
    warden, program = sorted(each.pid for each in marked(mark))
    assert psutil.Process(program).ppid() == warden
    until(lambda: not ours & _namespaces(program))
    os.kill(program, signal.SIGKILL)
    asking.join()


def _namespaces(pid: int) -> set[Path]:
    return {Path(f"/proc/{pid}/ns/{name}").readlink() for name in NAMESPACES}


@walled
def test_ends_with_its_warden(mark: str) -> None:
    failures: list[SandboxError] = []

    def ask() -> None:
        try:
            run("import time\ntime.sleep(60)", Limits(seconds=5.0))
        except SandboxError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: len(marked(mark)) == 2)
    warden, program = sorted(marked(mark), key=lambda process: process.ppid() != os.getpid())
    assert warden.children() == [program]
    for process in (warden, program):  # who dies first where memory is short
        assert Path(f"/proc/{process.pid}/oom_score_adj").read_text() == "1000\n"
    warden.kill()
    asking.join()
    assert [str(each) for each in failures] == ["its process was killed"]
    until(lambda: not marked(mark))


# Walls of bubblewrap.


@pytest.fixture
def bubblewrap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where namespaces of our own are forbidden, and bwrap's are not."""
    if os.geteuid() == 0 or shutil.which("bwrap") is None:
        pytest.skip("takes bubblewrap and a user who is not root")
    monkeypatch.setattr(sandbox, "_ways", lambda is_root: ["bubblewrap"])
    sandbox._found.cache_clear()
    yield
    sandbox._found.cache_clear()


@pytest.mark.usefixtures("bubblewrap")
def test_bubblewrap() -> None:
    assert sandbox.unavailable() == ""
    assert run("import numpy as np\nprint(1)\nnp.arange(2)") == Outcome("done", "1\n", "[0, 1]", "")
    assert run("import os\nos._exit(9)").error == "ended itself, with status 9"
    assert run("import ctypes\nctypes.string_at(0)").error == "ended by SIGSEGV"
    assert run("while True: pass", SHORT).end == "timeout"
    children = "import os, time\nif os.fork() == 0: time.sleep(600)\n1"
    assert run(children, Limits(n_processes=2)).value == "1"


# Where there are no walls.


@pytest.fixture
def without_walls(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a system without namespaces."""
    monkeypatch.setattr(sandbox, "_ways", lambda is_root: [])
    sandbox._found.cache_clear()
    yield
    sandbox._found.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="there are no namespaces")
def test_finds_walls_where_they_can_be() -> None:
    """Or all that is above would be skipped, and nobody would know."""
    kinds = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork")
    command = [
        "unshare",
        *(() if os.geteuid() == 0 else ("--user", "--map-root-user")),
        *kinds,
        "true",
    ]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("this system gives us no namespaces")
    assert WHY_NOT == ""


@pytest.mark.usefixtures("without_walls")
def test_refuses_where_there_are_no_walls() -> None:
    why = sandbox.unavailable()
    assert "programs are not run here" in why
    assert "\n" not in why
    with pytest.raises(SandboxError, match="programs are not run here"):
        run("1")


@pytest.mark.usefixtures("without_walls")
@pytest.mark.skipif(os.geteuid() != 0, reason="this is about root")
def test_root_runs_nothing_without_walls() -> None:
    assert "as root" in sandbox.unavailable(unsafe=True)
    with pytest.raises(SandboxError, match="as root"):
        run("1", unsafe=True)


@pytest.mark.usefixtures("without_walls")
@pytest.mark.skipif(os.geteuid() == 0, reason="root runs nothing without walls")
@pytest.mark.parametrize(
    ("program", "end", "value"),
    [
        pytest.param("open('a', 'w').write('b')\nopen('a').read()", "done", '"b"', id="a file"),
        pytest.param("import os\nos.environ['API_TOKEN']", "failed", None, id="environment"),
        pytest.param("while True: pass", "timeout", None, id="a loop"),
        pytest.param("x = bytearray(10 << 30)", "failed", None, id="10 GB"),
        pytest.param("import os\nfor _ in range(6): os.fork()", "failed", None, id="fork bomb"),
        pytest.param("open('a', 'wb').truncate(10 << 30)", "failed", None, id="a file of 10 GB"),
    ],
)
def test_limits_hold_without_walls(program: str, end: str, value: str | None) -> None:
    outcome = run(program, SHORT, unsafe=True)
    assert (outcome.end, outcome.value) == (end, value)


@pytest.mark.skipif(sys.platform != "linux", reason="there are no namespaces")
@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to take away a user's namespaces")
def test_says_why_it_refuses() -> None:
    """A real refusal: who is root without any power cannot make namespaces."""
    ask = "from codegen_lsp import sandbox; print(sandbox.unavailable())"
    command = ["setpriv", "--bounding-set", "-sys_admin", sys.executable, "-c", ask]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == (
        "programs are not run here, because they cannot be walled in (unshare: Operation not "
        "permitted): let another user than root run this\n"
    )


# Values.


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("None", "null"),
        ("True", "true"),
        ("1e400, -1e400", "[Infinity, -Infinity]"),
        ("float('nan')", "NaN"),
        ("'\\ud800'", r'"\ud800"'),
        ("(1, (2, [3]))", "[1, [2, [3]]]"),
        ("{3, 1, 2}", "[1, 2, 3]"),
        ("{'b', 1}", '["b", 1]'),
        ("frozenset({(2, 1), (1, 2)})", "[[1, 2], [2, 1]]"),
        ("{1: 2, 'a': (3,), None: 4, (1, 2): 5}", '{"1": 2, "a": [3], "null": 4, "(1, 2)": 5}'),
        ("{np.int64(1): np.float32(0.5)}", '{"1": 0.5}'),
        ("range(3)", "[0, 1, 2]"),
        ("{'a': 1}.values()", "[1]"),
        ("collections.deque([1, 2])", "[1, 2]"),
        ("collections.Counter('aab')", '{"a": 2, "b": 1}'),
        ("collections.namedtuple('P', 'x y')(1, 2)", "[1, 2]"),
        ("b'ab'", '{"__repr__": "b\'ab\'"}'),
        ("[1 + 2j]", '[{"__repr__": "(1+2j)"}]'),
        ("int", '{"__repr__": "<class \'int\'>"}'),
        ("np.float64(1.5), np.int8(3), np.bool_(True), np.str_('a')", '[1.5, 3, true, "a"]'),
        ("np.arange(4).reshape(2, 2)", "[[0, 1], [2, 3]]"),
        ("np.array(5)", "5"),
        ("np.array([1 + 1j])", '[{"__repr__": "(1+1j)"}]'),
        ("Frame()", "[[1, 2], [3, 4]]"),
        ("endless", '{"__repr__": "[[...]]"}'),
    ],
)
def test_value_as_json(expression: str, expected: str) -> None:
    class Frame:
        """As pandas' own: it has no `tolist`."""

        def to_numpy(self) -> object:
            return np.array([[1, 2], [3, 4]])

    endless: list[object] = []
    endless.append(endless)
    names = {"collections": collections, "np": np, "Frame": Frame, "endless": endless}
    assert to_json(eval(expression, names)) == expected
