"""Where a text begins to go round in circles, as small models do: letters, words and lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# A few letters four times, more of them three times, many twice: rulers of dashes, rows of zeros and
# `None, None, None` are what people type. Of 61,000 lines of real code 30 say 12 letters or more twice
# in a row. With each, how many letters come again at the end of a line that ends with one.
STUTTERS = (
    (2, re.compile(r"([^\W\d_][^\n]{0,6}?)\1{3,}")),
    (8, re.compile(r"([^\W\d_][^\n]{7,29}?)\1{2,}")),
    (12, re.compile(r"([^\W\d_][^\n]{11,59}?)\1")),
)


class Circle(NamedTuple):
    """A text goes round in a circle if its last `n_words` come again every `period` words, or sooner."""

    period: int
    n_words: int


# Copilot's, of tokens; here of words, which are not much longer.
CIRCLES = (Circle(1, 10), Circle(10, 30), Circle(20, 45), Circle(30, 60))
LONGEST = max(circle.n_words for circle in CIRCLES)
# A run of punctuation is one word, so that a ruler is not a circle.
WORD = re.compile(r"\w+|[^\w\s]+")

# What a line may begin with and be said twice: parts of a program often end alike.
USUAL = re.compile(
    r"\s*(?:return|break|continue|pass|raise|throw|else|elif|try|finally|except|catch|default|case|end|goto)\b"
    r"|\s*[^\w\s]+\s*\Z"
)


def stutter(line: str, *, at_end: bool = False) -> int | None:
    """Where a line begins to repeat itself: behind the first time. Looks for stutters that it has
    anywhere, or only for one that may reach its end."""
    found = (
        pattern.search(line)
        for n_letters, pattern in STUTTERS
        if not at_end or line.count(line[-n_letters:]) > 1
    )
    return min((match.end(1) for match in found if match), default=None)


def circle(text: str, *, at_end: bool) -> int | None:
    """Where the words of a text begin to come again: behind the first round. Looks for circles that the
    text has anywhere, or only for one that reaches its end. A word at the very end may go on, and is not
    counted."""
    words = [match for match in WORD.finditer(text) if match.end() < len(text)]
    said = [word[0] for word in words]
    for end in range(len(said) if at_end else 0, len(said) + 1):
        window = max(0, end - LONGEST)
        found = _circle_at_end(said[window:end])
        if found is not None:
            return words[window + found].start()
    return None


def loop(lines: Sequence[str], n_given: int) -> int | None:
    """The first of the lines behind the `n_given` that has been said before: by the line above it, in
    whatever indentation; exactly, by an earlier one that is not given; or, where that is usual (`return
    False`), together with the line in front of it."""
    seen: dict[str, int] = {}
    for n, line in enumerate(lines):
        if n >= n_given and sum(map(str.isalpha, line)) > 3:
            if n and line.strip() == lines[n - 1].strip():
                return n
            before = seen.get(line)
            if before is not None and not USUAL.match(line):
                return n
            if before and lines[before - 1] == lines[n - 1]:
                return n - 1
        if n >= n_given:
            seen[line] = n
    return None


def _circle_at_end(words: Sequence[str]) -> int | None:
    """The index of the word with which the second round begins, if the words go round at their end.

    The failure function of Knuth, Morris and Pratt, of the words from the last to the first: a text of n
    words that begins and ends with the same k has the period n - k.
    """
    backwards = words[::-1]
    borders = [0] * len(words)
    k = 0
    for n in range(1, len(words)):
        while k and backwards[n] != backwards[k]:
            k = borders[k - 1]
        k += backwards[n] == backwards[k]
        borders[n] = k
    for period, n_words in CIRCLES:
        if len(words) >= n_words and n_words - borders[n_words - 1] <= period:
            return len(words) - borders[n_words - 1]
    return None
