"""What was said so far, in the form in which the models' paper asks them: intent, code, intent, code.

    # Import libraries.                     the preamble

    import numpy as np

    # Assign the string "abcde" to "word".  a turn: what was wanted, as a comment,
    word = "abcde"                          and the code that did it

    # Print its letters.                    what is wanted now; the model goes on here

To the letter, that is a prompt of the Multi-Turn Programming Benchmark (Nijkamp et al. 2022, section 4).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from codegen_lsp.languages import row


@dataclass(frozen=True, slots=True)
class Said:
    """A turn's text: what was wanted, without marks of comments, and the code that did it."""

    intent: str
    code: str


def conversation(
    said: Sequence[Said],
    intent: str,
    *,
    preamble: str,
    language: str,
    budget: int,
    count: Callable[[str], int],
) -> str:
    """The prompt for the next intent, of at most `budget` tokens as `count` counts them.

    Where all is too long, the oldest turns go, whole. Where the intent alone is, words go from its
    beginning, as what is wanted often comes last; then the preamble; then letters.
    """
    asked = comment(intent, language)
    words = [word.start() for word in re.finditer(r"\S+", intent)]

    def end_of_intent(n_gone: int) -> str:
        return comment(intent[words[n_gone] :], language)

    def first_that_fits(n: int, text: Callable[[int], str]) -> str:
        """Of `n` texts, each shorter than the one before; none is the empty one."""
        at = bisect_left(range(n), True, key=lambda each: count(text(each)) <= budget)
        return text(at) if at < n else ""

    return (
        first_that_fits(
            len(said) + 1, lambda n_gone: transcript(said[n_gone:], preamble, language) + asked
        )
        or first_that_fits(len(words), lambda n_gone: preamble + end_of_intent(n_gone))
        or first_that_fits(len(words), end_of_intent)
        or first_that_fits(len(asked), lambda n_gone: asked[n_gone:])
    )


def transcript(said: Iterable[Said], preamble: str, language: str) -> str:
    """The turns as they follow each other. For Python it is a program."""
    turns = (f"{comment(turn.intent, language)}{turn.code}\n\n" for turn in said)
    return preamble + "".join(turns)


def comment(intent: str, language: str) -> str:
    """An intent as a comment, for a model to read: to the letter, and no line is wrapped, as in the
    benchmark. A line that has its mark keeps it, as those of the benchmark's problem 17."""
    known = row(language)
    if not known.line_comments and known.block_comments:
        begin, end = known.block_comments[0]
        return f"{begin} {intent} {end}\n"
    mark = known.line_comments[0].rstrip() if known.line_comments else "#"
    first, *others = intent.split("\n")
    marked = (line if line.startswith(mark) else f"{mark} {line}".rstrip() for line in others)
    return "\n".join((f"{mark} {first}", *marked)) + "\n"
