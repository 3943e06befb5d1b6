"""The real server with an engine that replies from a script: `-m tests.scripted_server REPLY...`"""

from __future__ import annotations

import sys

from codegen_lsp.config import Config
from codegen_lsp.server import serve
from tests.fake_engine import FakeEngine

if __name__ == "__main__":
    serve(lambda _, __: FakeEngine(*sys.argv[1:]), Config())
