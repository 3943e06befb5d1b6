"""What a person asks for by name (LSP's `workspace/executeCommand`): one module a kind of wish."""

from __future__ import annotations

from codegen_lsp.commands import explain, generate, turns
from codegen_lsp.commands.server import Server


def register(server: Server) -> None:
    """Say which commands there are."""
    explain.register(server)
    generate.register(server)
    turns.register(server)
