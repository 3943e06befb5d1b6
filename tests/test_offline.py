"""No socket is opened: the server completes code where there is no network to open one to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client import SERVE, running

CODE = "import json\n\nx = json."
INLINE: dict[str, Any] = {"textDocument": {"inlineCompletion": {}}}
NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")

# Python's own audit (PEP 578): every socket that is made or connected, by us or any library. As
# sitecustomize it is there in the server's process and in the engine's before anything of ours.
AUDIT = """
import sys
def hook(event, args):
    if event.startswith("socket.") and not is_event_loop(args):
        sys.stderr.write(f"AUDIT {event} {args}\\n")
def is_event_loop(args):
    # asyncio wakes its loop through a pair of connected Unix sockets, which lead nowhere.
    return bool(args) and getattr(args[0], "family", None) == 1 or len(args) > 1 and args[1] == 1
sys.addaudithook(hook)
sys.stderr.write("LISTENING\\n")
"""


def has_namespaces() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode == 0
    )


def test_completes_in_a_namespace_without_interfaces() -> None:
    if not has_namespaces():
        pytest.skip("this system gives no network namespaces to ordinary people")
    connect = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    command = [*NAMESPACE, sys.executable, "-c", connect]
    shown = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "Network is unreachable" in shown.stderr
    with running(command=[*NAMESPACE, *SERVE]) as client:
        client.initialize(**INLINE)
        client.open(CODE)
        assert client.inline(2, 9)


def test_opens_no_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", path)
    with running() as client:
        client.initialize(**INLINE)
        client.open(CODE)
        assert client.inline(2, 9)
        client.leave()
        client.process.wait(60)
    assert client.stderr.count("LISTENING") == 2
    assert "AUDIT" not in client.stderr
