"""Linux's system calls by their names: made, and forbidden.

Of the standard library only what is cheap to import; see `jail.py`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

NEWUSER = 0x10000000  # CLONE_NEWUSER of linux/sched.h
PR_SET_PDEATHSIG = 1  # of linux/prctl.h

# Of each machine: its column below, and its AUDIT_ARCH_* of linux/audit.h.
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
# On x86_64 and aarch64, from the kernel's unistd.h; 0: there is none.
_CALLS = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "sethostname": (170, 161),
    "capset": (126, 91),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "fork": (57, 0),
    "vfork": (58, 0),
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "socket": (41, 198),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "open_by_handle_at": (304, 265),
}
# What no program needs: other processes; sockets (AF_VSOCK leads out of a network namespace); memory
# that no limit counts; and those parts of the kernel in which the holes of the last years were.
_FORBIDDEN = (
    "unshare", "setns", "mount", "umount2", "pivot_root", "mount_setattr", "socket", "ptrace",
    "process_vm_readv", "process_vm_writev", "shmget", "msgget", "semget", "mq_open", "add_key",
    "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "open_by_handle_at",
)  # fmt: skip
_MULTIPLYING = ("fork", "vfork", "clone", "clone3")
_SIGNALLING = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
_SIGNALLING_OTHERWISE = ("tkill", "pidfd_send_signal")

_SECCOMP_SET_MODE_FILTER = 1
# The filter's language (linux/bpf_common.h) and answers (linux/seccomp.h). A jump goes so many steps
# further than the next. Of seccomp_data: the call's number at 0, the machine's at 4, arguments at 16.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_DENY, _MISSING = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
_X32 = 0x40000000  # x86_64's second set of calls

_LIBC = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: bytes | int | None) -> None:
    """Make a system call. Raises OSError with its name as the file's."""
    longs = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    if _LIBC.syscall(ctypes.c_long(_number(name)), *longs) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def forbid(*, is_alone: bool) -> None:
    """Have the kernel answer "not permitted" to what no program needs, from now on (seccomp). Who
    `is_alone` may make no process or thread, and signal nobody else. Takes `NO_NEW_PRIVS`."""
    rules = [_never(name) for name in (*_FORBIDDEN, *_SIGNALLING_OTHERWISE)]
    rules.append(_when("prctl", _EQUAL, PR_SET_PDEATHSIG, then=_DENY, otherwise=_ALLOW))
    if is_alone:
        rules += [_never(name) for name in _MULTIPLYING]
        rules += [
            _when(name, _EQUAL, os.getpid(), then=_ALLOW, otherwise=_DENY) for name in _SIGNALLING
        ]
    else:  # whose signals reach no further than their namespace
        # clone3 hides its flags from a filter; where it is missing the C library takes clone.
        rules.append(_never("clone3", _MISSING))
        rules.append(_when("clone", _ANY_BIT, NEWUSER, then=_DENY, otherwise=_ALLOW))
    code = b"".join([*_preamble(), *rules, _step(_RETURN, _ALLOW)])
    code_at = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HP", len(code) // len(_step(0, 0)), ctypes.addressof(code_at))
    call("seccomp", _SECCOMP_SET_MODE_FILTER, 0, header)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _preamble() -> list[bytes]:
    """No call of another set than the one that the numbers are of."""
    _, machine = _machine()
    return [
        _step(_LOAD, 4),
        _step(_EQUAL, machine, if_true=1),
        _step(_RETURN, _DENY),
        _step(_LOAD, 0),
        _step(_AT_LEAST, _X32, if_false=1),
        _step(_RETURN, _DENY),
    ]


def _never(name: str, answer: int = _DENY) -> bytes:
    number = _number(name)
    return _step(_EQUAL, number, if_false=1) + _step(_RETURN, answer) if number else b""


def _when(name: str, test: int, value: int, *, then: int, otherwise: int) -> bytes:
    """A call by its first argument."""
    return (
        _step(_EQUAL, _number(name), if_false=4)
        + _step(_LOAD, 16)
        + _step(test, value, if_false=1)
        + _step(_RETURN, then)
        + _step(_RETURN, otherwise)
    )


def _number(name: str) -> int:
    column, _ = _machine()
    return _CALLS[name][column]


def _machine() -> tuple[int, int]:
    machine = os.uname().machine
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), machine)
    return _MACHINES[machine]
