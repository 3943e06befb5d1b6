"""Turns of tests, by what they say."""

from __future__ import annotations

from collections.abc import Sequence

from codegen_lsp.turns import Turns, add


def turns_in(text: str, *pairs: tuple[str, str], intents: Sequence[str] = ()) -> Turns:
    """The turns of a text whose comments hold, and whose codes are, what each pair says, in order;
    `intents` are what was wanted where that is something else."""
    turns, at = Turns(text), 0
    for number, (words, code) in enumerate(pairs):
        stands_at = text.index(words, at)
        start = max(text.rfind(end, 0, stands_at) for end in "\r\n") + 1
        code_at = text.index(code, stands_at + len(words))
        border = max(text.rfind(end, 0, code_at) for end in "\r\n") + 1
        at = code_at + len(code)
        intent = intents[number] if intents else words
        turns, given = add(turns, start, border, at, intent)
        assert given is not None, f"no turn for {words}"
    return turns
