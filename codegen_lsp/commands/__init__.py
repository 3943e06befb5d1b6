"""What a person asks for by name (LSP's `workspace/executeCommand`): one module a kind of wish."""

from __future__ import annotations

from lsprotocol import types

from codegen_lsp.commands import conversation, describe, explain, generate, lenses, split, turns
from codegen_lsp.commands.server import Server


def register(server: Server) -> None:
    """Say which commands there are."""
    conversation.register(server)
    describe.register(server)
    explain.register(server)
    generate.register(server)
    split.register(server)
    turns.register(server)


def offer(server: Server, capabilities: types.ClientCapabilities) -> None:
    """Say what is shown without being asked for, to a client that can show it."""
    lenses.offer(server, capabilities)
