"""Guesses at the next tokens, from where the same was written before (no draft model)."""

from __future__ import annotations

from collections.abc import Sequence


class Drafts:
    """What guesses come from beside the prompt itself, and how well they did."""

    def remember(self, key: str, tokens: Sequence[int]) -> None:
        """Guess from these tokens, too; they take the place of those with the same key."""

    def begin(self, prompt: Sequence[int]) -> Draft:
        """A draft for one generation."""
        del prompt
        return Draft()


class Draft:
    n_drafted = 0
    n_accepted = 0

    def propose(self, written: Sequence[int]) -> list[int]:
        """Tokens that might follow the prompt and what was written behind it; often none."""
        del written
        return []

    def took(self, n_guesses: int, n_accepted: int, seconds: float) -> None:
        """Learn from one step: how many guesses it verified, how many were right, how long it took."""
