"""An engine that replies from a script, for tests of everything above it."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from codegen_lsp.engine import Cancel, Prompt, Sampling, Stats, Token, until_stop


class FakeEngine:
    """Replies with `replies` in turn, `step` characters a token; reads a character a token."""

    def __init__(self, *replies: str, step: int = 1, n_ctx: int = 2048) -> None:
        self.n_ctx = n_ctx
        self.stats = Stats()
        self.prompts: list[Prompt] = []
        self._replies = list(replies)
        self._step = step

    def tokenize(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancel: Cancel
    ) -> Generator[Token, None, None]:
        """Begins with `prompt.heal`, as every engine does."""
        self.prompts.append(prompt)
        reply = prompt.heal + self._replies[(len(self.prompts) - 1) % len(self._replies)]
        self.stats = Stats(n_prompt=len(prompt.tokens), stop="consumer")
        stopped = yield from until_stop(self._tokens(reply, sampling), sampling.stop)
        if stopped:
            self.stats = Stats(n_prompt=len(prompt.tokens), stop="stop")

    def _tokens(self, reply: str, sampling: Sampling) -> Iterator[Token]:
        pieces = [reply[at : at + self._step] for at in range(0, len(reply), self._step)]
        for piece in pieces[: sampling.max_tokens]:
            yield Token(0, piece, -0.5)
        reached = len(pieces) > sampling.max_tokens
        self.stats = Stats(stop="length" if reached else "eos")

    def close(self) -> None:
        pass
