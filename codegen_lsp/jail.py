"""The walls around a model's program; `sandbox.py` starts this as a process of its own for each.

It reads a job, and makes a second process that sees Python and its libraries and nothing else of the
machine: there `inside.py` runs the program. This one stays outside as the warden. When the time is over,
or when who asked is gone, it kills what is inside, and it ends only after the last of that has.

The standard library only, and little of it: what is imported here is imported for every run.
"""

from __future__ import annotations

import json
import math
import os
import resource
import select
import signal
import struct
import sys

from codegen_lsp import inside
from codegen_lsp.syscalls import NEWUSER, PR_SET_PDEATHSIG, call, forbid

TYPE_CHECKING = False  # importing `typing` would cost every run 12 ms
if TYPE_CHECKING:
    from typing import Literal, NoReturn, TypedDict

    Way = Literal["namespaces", "bubblewrap", "unsafe"]

    class Job(TypedDict):
        way: Way | Literal["inside"]  # the last: the walls stand already
        user: int  # who starts this
        warden: int  # the id of this process
        program: str
        report: int  # the pipe for `inside.run`
        seconds: float
        memory: int  # bytes of address space, each process
        file: int  # bytes, each file
        n_processes: int
        readable: list[str]  # paths that exist inside, as links where they are links
        packages: list[str]  # directories to import from, behind the standard library
        directory: str  # where an "unsafe" program works
        bwrap: str  # where that program is


DIRECTORY = "/tmp"  # where a program works inside; also the mount point of the new root
_NOBODY = 65534  # of Linux: who stands for unknown users and groups
_DEVICES = ("/dev/null", "/dev/urandom")
# Inside, all that is written lies in memory: so many times the size of the largest file.
_N_FILES = 16
_N_SIGNALS = 64
# How many files a program may have open.
_N_OPEN = 64

# Of Linux's sched.h, mount.h, fcntl.h, prctl.h and capability.h.
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWPID, _NEWNET = 0x20000000, 0x40000000
_NAMESPACES = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE, _MNT_DETACH = -100, 0x8000, 2
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> NoReturn:
    """Do the job that is one line of JSON on standard input. The program writes to our standard output;
    on standard error we say `{"status": as of subprocess, "is_late": bool}`, or a line that tells why
    the walls could not be built. Standard input has to stay open: its end ends the program."""
    job: Job = json.loads(sys.stdin.buffer.readline())
    if job["way"] == "inside":
        _enter(job)
    wake = _wake_at_end_of_child()
    try:
        if sys.platform == "linux":
            call("prctl", _PR_SET_CHILD_SUBREAPER, 1)
            # Where memory is short, this shall die before all others.
            _write("/proc/self/oom_score_adj", "1000")
        pid = _STARTS[job["way"]](job)
    except OSError as error:
        _refuse(error)
    status, is_late = _watch(pid, wake, job["seconds"])
    if job["way"] == "bubblewrap" and 128 < status <= 128 + _N_SIGNALS:  # as shells say it
        status = 128 - status
    _say(json.dumps({"status": status, "is_late": is_late}))
    os._exit(0)


def _in_namespaces(job: Job) -> int:
    """Start the program as the first process of its own namespaces: with it all others end. Root makes
    them directly, because it then can become a user that nobody else is; others in a user namespace."""
    user, group = job["user"], os.getegid()
    is_root = user == 0
    call("unshare", _NAMESPACES if is_root else _NAMESPACES | NEWUSER)
    if not is_root:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{_NOBODY} {user} 1")
        _write("/proc/self/gid_map", f"{_NOBODY} {group} 1")
    return _forked(job)


def _in_bubblewrap(job: Job) -> int:
    """The same by bwrap, which some distributions allow what they allow nobody else."""
    inner = os.memfd_create("job", 0)
    os.write(inner, json.dumps({**job, "way": "inside"}).encode() + b"\n")
    os.lseek(inner, 0, os.SEEK_SET)
    pid = os.fork()
    if pid == 0:
        os.dup2(inner, 0)
        try:
            os.execv(job["bwrap"], [*_bubblewrap(job), *sys.orig_argv])
        except OSError as error:
            _refuse(error)
    return pid


def _bubblewrap(job: Job) -> list[str]:
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1"]
    command += ["--uid", str(_NOBODY), "--gid", str(_NOBODY), "--hostname", "sandbox"]
    command += ["--perms", "1777", "--size", str(job["file"] * _N_FILES), "--tmpfs", DIRECTORY]
    for path in job["readable"]:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind", path, path]
    for path in _DEVICES:
        command += ["--dev-bind", path, path]
    return [*command, "--chdir", DIRECTORY, "--remount-ro", "/", "--"]


def _without_walls(job: Job) -> int:
    """A process within limits, and on Linux without dangerous system calls. It sees every file."""
    return _forked(job)


def _forked(job: Job) -> int:
    """The program's process, which shall not outlive this one, from its first moment on."""
    warden, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end)
        _enter(job, warden)
    return pid


_STARTS = {
    "namespaces": _in_namespaces,
    "bubblewrap": _in_bubblewrap,
    "unsafe": _without_walls,
}


def _watch(pid: int, wake: int, seconds: float) -> tuple[int, bool]:
    """Wait for the end of the program, and bring it about when the time is over (True) or nobody waits
    for it any more. Afterwards none of its processes is left."""
    ready, _, _ = select.select([wake, 0], [], [], seconds)
    if wake not in ready:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        while True:  # the first of a namespace is ours once bwrap is gone
            os.wait()
    except ChildProcessError:
        return status, not ready


def _enter(job: Job, warden: int | None = None) -> NoReturn:
    """Become the program. `warden` is a pipe that ends with it."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if job["way"] == "namespaces":
            _move_into_new_root(job)
        os.chdir(DIRECTORY if job["way"] != "unsafe" else job["directory"])
        if sys.platform == "linux":
            _give_up_powers(job["warden"])
        if warden is not None and select.select([warden], [], [], 0)[0]:
            os._exit(1)  # it was gone before we asked to die with it
        _limit(job)
        _keep_only(job["report"])
        if sys.platform == "linux":
            forbid(is_alone=job["n_processes"] == 1)
    except (OSError, ValueError) as error:
        _refuse(error)
    os.dup2(0, 2)
    sys.path[:] = [*sys.path[:-1], *job["packages"]]  # the last is where this package lies
    sys.dont_write_bytecode = True
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    inside.run(job["program"], job["report"])


def _move_into_new_root(job: Job) -> None:
    """Leave the machine's file system for one in memory that holds what may be read, read-only, and a
    directory to work in. It goes away with the last process in it."""
    os.umask(0o022)  # whoever makes this, the program shall be able to read it
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    _mount("root", DIRECTORY, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    os.chdir(DIRECTORY)
    os.mkdir("outside")
    call("pivot_root", b".", b"outside")
    os.chdir("/")
    # Before the others, which may lie in it.
    os.mkdir(DIRECTORY)
    size = job["file"] * _N_FILES
    own = f"mode=1777,size={size},nr_inodes=1000"
    _mount("work", DIRECTORY, "tmpfs", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, own)
    for path in job["readable"]:
        _show(path, _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)
    for path in _DEVICES:
        _show(path, _ATTR_RDONLY | _ATTR_NOSUID)
    call("umount2", b"/outside", _MNT_DETACH)
    os.rmdir("/outside")
    _set_attributes("/", _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV, is_deep=False)
    name = b"sandbox"
    call("sethostname", name, len(name))


def _show(path: str, attributes: int) -> None:
    """Make a path of the machine visible at the same place."""
    source = f"/outside{path}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), path)
        return
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    _mount(source, path, None, _MS_BIND | _MS_REC)
    _set_attributes(path, attributes, is_deep=True)


def _give_up_powers(warden: int) -> None:
    """Be an ordinary user who cannot become another, and die with the warden."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        # A user that nobody else is, since the limit on processes counts those of a user. A container
        # may not know so many.
        own = (1 << 30) + warden
        try:
            os.setresuid(own, own, own)
        except OSError:
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    call("capset", struct.pack("Ii", _CAPABILITY_VERSION_3, 0), bytes(24))
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(job: Job) -> None:
    """Limits that the program cannot raise again."""
    is_counted_with_warden = job["way"] == "namespaces" and job["user"] != 0
    limits = {
        resource.RLIMIT_CPU: job["n_processes"] * math.ceil(job["seconds"] + 1),
        resource.RLIMIT_FSIZE: job["file"],
        resource.RLIMIT_NPROC: job["n_processes"] + is_counted_with_warden,
        resource.RLIMIT_NOFILE: _N_OPEN,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # macOS refuses to limit it
        limits[resource.RLIMIT_AS] = job["memory"]
    for which, limit in limits.items():
        most = resource.getrlimit(which)[1]
        least = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(which, (least, least))


def _keep_only(report: int) -> None:
    """Standard output, standard error for a last word, and the report; reading finds an end."""
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.closerange(3, report)
    os.closerange(report + 1, 256)


def _mount(source: str | None, target: str, kind: str | None, flags: int, more: str = "") -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    call("mount", *texts, flags, more.encode())


def _set_attributes(path: str, attributes: int, *, is_deep: bool) -> None:
    """Of a mount, and of all that are mounted in it. Linux 5.12 has this."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if is_deep else 0
    call("mount_setattr", _AT_FDCWD, path.encode(), flags, wanted, len(wanted))


def _wake_at_end_of_child() -> int:
    """A descriptor that is ready to be read then."""
    wake, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def _refuse(error: OSError | ValueError) -> NoReturn:
    if isinstance(error, OSError) and error.filename:
        _say(f"{error.filename}: {error.strerror}")
    else:
        _say(str(error))
    os._exit(1)


def _say(line: str) -> None:
    os.write(2, line.encode() + b"\n")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
