"""An engine that replies from a script, for tests of everything above it."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from codegen_lsp.engine import (
    Cancel,
    Footprint,
    Generation,
    Infill,
    Prompt,
    Sampling,
    Stats,
    Stop,
    Token,
    UntilStop,
)


class FakeEngine:
    """Replies with `replies` in turn, one for each candidate, `step` characters a token; reads a
    character a token. Keeps what it was asked."""

    def __init__(
        self, *replies: str, step: int = 1, n_ctx: int = 2048, infill: Infill | None = None
    ) -> None:
        self.n_ctx = n_ctx
        self.footprint = Footprint(0, 0, 1)
        self.infill = infill
        self.prompts: list[Prompt] = []
        self.samplings: list[Sampling] = []
        self.warmed: list[str] = []
        self.remembered: dict[str, str] = {}
        self._replies = replies
        self._n_replied = 0
        self._n_said = 0
        self._step = step

    def tokenize(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        """Each candidate begins with `prompt.heal`, as with every engine."""
        self.prompts.append(prompt)
        self.samplings += samplings
        return Generation(
            len(samplings), lambda generation: self._run(generation, prompt, samplings)
        )

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        self.warmed.append("".join(map(chr, tokens)))
        return len(tokens)

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        return (-0.5,) * (len(tokens) - n_given)

    def remember(self, key: str, text: str) -> None:
        self.remembered.pop(key, None)
        if text:
            self.remembered[key] = text

    def seconds_used(self) -> float:
        return 0.0

    def close(self) -> None:
        pass

    def _run(
        self, generation: Generation, prompt: Prompt, samplings: Sequence[Sampling]
    ) -> Generator[Token, None, None]:
        stops: list[Stop] = ["consumer"] * len(samplings)
        self._n_said = 0
        try:
            for index, sampling in enumerate(samplings):
                reply = self._replies[self._n_replied % len(self._replies)]
                self._n_replied += 1
                stops[index] = yield from self._candidate(
                    index, prompt.heal + reply, sampling, generation
                )
        finally:
            generation.stats = Stats(
                n_prompt=len(prompt.tokens), n_generated=self._n_said, stops=tuple(stops)
            )

    def _candidate(
        self, index: int, reply: str, sampling: Sampling, generation: Generation
    ) -> Generator[Token, None, Stop]:
        until_stop = UntilStop(sampling.stop)
        pieces = [reply[at : at + self._step] for at in range(0, len(reply), self._step)]
        for piece in pieces[: sampling.max_tokens]:
            self._n_said += 1
            for token in until_stop.take(Token(0, piece, -0.5, index)):
                yield token
                if index not in generation.wanted:
                    return "consumer"
            if until_stop.is_met:
                return "stop"
        yield from until_stop.rest()
        return "length" if len(pieces) > sampling.max_tokens else "eos"
