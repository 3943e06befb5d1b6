"""What an editor shows of turns and comments unasked: lenses above a turn, and actions on its lines.

No row here asks the model, or for more than a parse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lsprotocol import types

from codegen_lsp.choose import mark
from codegen_lsp.commands.conversation import RETRY_TURN
from codegen_lsp.commands.generate import GENERATE
from codegen_lsp.commands.server import Server, range_of, selected, turns_of
from codegen_lsp.commands.split import SPLIT, n_steps_at
from codegen_lsp.commands.turns import ACCEPT_TURN, CLEAR_TURNS, UNDO_TURN, was_unclear
from codegen_lsp.document import Document
from codegen_lsp.synthesis import unanswered
from codegen_lsp.turns import Turn, turn_at

# Of its own, so that a client can leave these out, or ask for these alone; and not among quick fixes.
KIND = "refactor.codegen"
# In longer texts no comment is looked for: editors ask at every movement of the cursor, and to parse
# 200 kB takes 20 to 40 ms.
MAX_TEXT = 200_000
# The command of a lens that is only to be read: editors show it as text.
HINT = ""


class Around(NamedTuple):
    """What is at a selection: how many comments say what to write and have no code yet; of how many
    steps the first is made, if that can be split; and a turn."""

    n_open: int
    n_steps: int
    turn: Turn | None


class Action(NamedTuple):
    """Its title, "" where there is nothing to do; the command, and what it is told beside the URI."""

    title: Callable[[Around], str]
    command: str
    wants: str


def _write(around: Around) -> str:
    n = around.n_open
    return f"Write code for {n} comments" if n > 1 else "Write code for this comment" if n else ""


def _split(around: Around) -> str:
    return f"Split into {around.n_steps} steps" if around.n_steps > 1 else ""


def _for_turn(title: str) -> Callable[[Around], str]:
    return lambda around: title if around.turn and around.turn.origin else ""


ACTIONS = (
    Action(_write, GENERATE, "range"),
    Action(_split, SPLIT, "range"),
    Action(lambda around: "Write other code" if around.turn else "", RETRY_TURN, "number"),
    Action(_for_turn("Undo this turn"), UNDO_TURN, "number"),
    Action(lambda around: "Forget turns of this file" if around.turn else "", CLEAR_TURNS, "uri"),
)


def offer(server: Server, capabilities: types.ClientCapabilities) -> None:
    """Say what is shown, to a client that can show it."""
    text_document = capabilities.text_document
    if text_document is not None and text_document.code_lens is not None:

        @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
        def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
            return list(_lenses(server, params.text_document.uri))

    if text_document is not None and (can := text_document.code_action) is not None:
        options = types.CodeActionOptions(code_action_kinds=[KIND])

        @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
        async def actions(params: types.CodeActionParams) -> list[Any]:
            found = await _actions(server, params)
            return found if can.code_action_literal_support else [each.command for each in found]


def _lenses(server: Server, uri: str) -> Iterator[types.CodeLens]:
    document = server.session.documents.get(uri)
    if document is None or server.session.refusal(document):
        return
    for turn in turns_of(server, document).turns:
        if turn.origin is None or turn.is_accepted:
            continue
        line = range_of(server, document, turn.start, turn.start)
        for title, command, more in _row(server, document, turn):
            arguments = [{"uri": uri, "number": turn.number, **more}]
            yield types.CodeLens(line, types.Command(title, command, arguments=arguments))


def _row(
    server: Server, document: Document, turn: Turn
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The titles above a turn, what each does, and to which candidate. Hints do nothing."""
    dialogue = server.session.dialogue
    n = dialogue.n_known(document.uri, turn.number)
    known = dialogue.shown(document.uri, turn.number)
    if known is not None and (passed := mark(known.scores)):
        yield passed, HINT, {}
    if was_unclear(known) and not turn.is_stale:
        yield "unclear to the model: try smaller steps", HINT, {}
    if turn.is_stale:
        yield "comment changed: regenerate", RETRY_TURN, {}
    else:
        yield "retry", RETRY_TURN, {}
    if n > 1 and not turn.is_stale:
        shown = dialogue.current(document.uri, turn.number)
        yield f"{shown + 1}/{n}", RETRY_TURN, {"candidate": (shown + 1) % n + 1}
    yield "undo", UNDO_TURN, {}
    yield "accept", ACCEPT_TURN, {}


async def _actions(server: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    only, uri = params.context.only, params.text_document.uri
    if only and not any(f"{KIND}.".startswith(f"{_name(kind)}.") for kind in only):
        return []
    ends = (params.range.start, params.range.end)
    first, last = ({"line": end.line, "character": end.character} for end in ends)
    place = {"uri": uri, "range": {"start": first, "end": last}}
    document, start, end = selected(server, place)
    if document is None or server.session.refusal(document):
        return []
    around = await _around(server, document, start, end)
    known = {
        "uri": uri,
        "range": place["range"],
        "number": around.turn.number if around.turn else 0,
    }
    found = []
    for action in ACTIONS:
        if title := action.title(around):
            told = {"uri": uri, action.wants: known[action.wants]}
            command = types.Command(title, action.command, arguments=[told])
            found.append(types.CodeAction(title, KIND, command=command))
    return found


async def _around(server: Server, document: Document, start: int, end: int) -> Around:
    is_short = len(document.text) <= MAX_TEXT
    stated = await server.session.stated_near(document, start, end) if is_short else ()
    n_steps = await n_steps_at(server, document, start) if stated else 0
    n_open = len(unanswered(stated, document))
    return Around(n_open, n_steps, turn_at(turns_of(server, document), start))


def _name(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind
