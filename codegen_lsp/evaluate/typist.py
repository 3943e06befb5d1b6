r"""Where, what and when a person types: real text, cut out of a file and typed back, key by key.

Everything is drawn from a `random.Random` that is passed in, so that two completers see the same keys at
the same intervals. A key is what one press inserts: a character, or a line end with the indentation
behind it, since every editor indents a new line by itself.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from random import Random
from typing import NamedTuple

# Dhakal et al., "Observations on Typing from 136 Million Keystrokes" (CHI 2018): the mean of the
# interval between two keys and its standard deviation, in seconds.
MEAN_S, SD_S = 0.2387, 0.1116
# Its shape: log-normal is among the best fits of three data sets of free text (González et al., "On the
# shape of timings distributions in free-text keystroke dynamics profiles", Heliyon 7, 2021).
SIGMA = math.sqrt(math.log(1 + (SD_S / MEAN_S) ** 2))
MU = math.log(MEAN_S) - SIGMA**2 / 2
# Dhakal et al.: 6.3 % of what is typed is corrected. Here: a wrong letter, seen at once.
TYPOS = 0.063
# Pauses cluster where something new begins (Roeser et al., "Modelling typing disfluencies as finite
# mixture process", Reading and Writing 2021: log-normal, too); of those of programmers, the shortest
# kind is thinking about the next few characters (Shrestha et al., "Pausing While Programming", ICSE-SEET
# 2022: 2 to 15 s). How often is our assumption: at every other new line, and at one word in fifty.
PAUSE_S = 1.0  # from here on an interval is a pause
PAUSE_MEDIAN_S, PAUSE_SIGMA, LONGEST_S = 2.0, 0.5, 15.0
PAUSES_AT_LINE, PAUSES_AT_WORD = 0.5, 0.02

LINES_BEFORE = 8  # above the first place: nobody can know what a file is going to be about
INSIDE_ONE_IN = 4  # places of which one is between brackets that are closed already
LONGEST = 3  # times the length asked for, until the piece has to have come to its end

_KEY = re.compile(r"\r?\n[ \t]*|.", re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_INSIDE = re.compile(r"[(\[{]([^()\[\]{}\r\n]{8,60})[)\]}]")
_CLOSES = re.compile(r"[)\]}]|(else|elif|except|finally|catch|end)\b")


class Place(NamedTuple):
    """The piece of a text, from one offset to another, that is cut out and typed again."""

    start: int
    end: int


class Stroke(NamedTuple):
    """One press of a key. `at` counts the characters of the piece that stand there, rightly, before it;
    an empty `text` is the key that deletes the last character. `wait_s` are the seconds until the next
    one; `is_wrong` marks a typo."""

    at: int
    text: str
    wait_s: float
    is_wrong: bool = False


class Rest(NamedTuple):
    """What is still to be typed; after how many characters of it that stands right of the cursor
    already, and what of this closes brackets and quotes on the cursor's line."""

    text: str
    n_free: int | None = None
    closers: str = ""


def places(text: str, n: int, length: int, random: Random) -> tuple[Place, ...]:
    """Up to `n` places, in random order: whole lines of `length` characters or more, until the
    indentation comes back to where it began; and every fourth inside of brackets."""
    lines = list(_pieces(text, length))
    inside = [Place(*match.span(1)) for match in _INSIDE.finditer(text) if lines]
    inside = [place for place in inside if place.start > lines[0].start]
    n_inside = min(len(inside), n // INSIDE_ONE_IN)
    found = random.sample(lines, min(len(lines), n - n_inside)) + random.sample(inside, n_inside)
    random.shuffle(found)
    return tuple(found)


def keys(piece: str) -> tuple[str, ...]:
    """What each press of a key inserts."""
    return tuple(_KEY.findall(piece))


def strokes(piece: str, random: Random) -> tuple[Stroke, ...]:
    """Every press that it takes to type a piece, typos among them."""
    typed: list[Stroke] = []
    at = 0
    pressed = keys(piece)
    for key, after in zip_longest(pressed, pressed[1:], fillvalue="\n"):
        if random.random() < TYPOS and key.isprintable():
            wrong = random.choice(string.ascii_lowercase.replace(key.lower(), ""))
            typed.append(Stroke(at, wrong, _interval(random), is_wrong=True))
            typed.append(Stroke(at, "", _interval(random)))
        typed.append(Stroke(at, key, _wait(key, after, random)))
        at += len(key)
    return tuple(typed)


def first_line(text: str) -> str:
    """What of a candidate counts as its first line: up to the end of the first line with something."""
    begun = len(text) - len(text.lstrip())
    end = text.find("\n", begun)
    return text if end < 0 else text[:end].removesuffix("\r")


def accepted(candidate: str, rest: Rest) -> str:
    """The whole leading lines of a candidate that are what the file says next; nothing where its first
    line is not."""
    best = ""
    for part, is_last in _parts(candidate):
        if not _is_whole(part, rest, is_last):
            break
        best = part
    return best


def is_right(candidate: str, rest: Rest | None) -> bool:
    """Whether a candidate's first line is what the file says next; never behind a typo, where there is
    no rest."""
    line = first_line(candidate)
    return rest is not None and _is_whole(line, rest, line == candidate.rstrip("\r\n"))


def _parts(candidate: str) -> Iterator[tuple[str, bool]]:
    """Its first line, its first two ..., and whether that is all of it."""
    lines = _lines(candidate.rstrip("\r\n"))
    for n in range(1, len(lines) + 1):
        yield "".join(lines[:n]).rstrip("\r\n"), n == len(lines)


def _is_whole(part: str, rest: Rest, is_last: bool) -> bool:
    """Whether this and what it leaves behind itself are what the file says, up to the end of a line.
    What closes on the cursor's line stands behind a candidate's last line."""
    whole = part + rest.closers if is_last else part
    behind = rest.text[len(whole) : len(whole) + 1]
    is_free = rest.n_free is None or len(part) <= rest.n_free
    return is_free and rest.text.startswith(whole) and behind in ("", "\r", "\n")


def _pieces(text: str, length: int) -> Iterator[Place]:
    """From the end of one line to the end of a later one."""
    lines = _lines(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for first in range(LINES_BEFORE, len(lines)):
        if lines[first].strip() and not _CLOSES.match(lines[first].strip()):
            last = _last_line(lines, first, length)
            if last is not None:
                yield Place(_end(lines, starts, first - 1), _end(lines, starts, last))


def _last_line(lines: Sequence[str], first: int, length: int) -> int | None:
    """The line with which a piece ends; None where it does not come to an end in time."""
    depth = _depth(lines[first])
    n_typed, last = 0, first
    for n in range(first, len(lines)):
        line = lines[n]
        is_inside = n == first or _depth(line) > depth or _CLOSES.match(line.strip()) is not None
        if line.strip():
            if n_typed >= length and not is_inside:
                return last
            if _depth(line) < depth or n_typed > LONGEST * length:
                return None
            last = n
        n_typed += len(line.strip())
    return last if n_typed >= length else None


def _lines(text: str) -> list[str]:
    """With their ends. `str.splitlines` knows ends that no editor counts."""
    return _LINE.findall(text)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _end(lines: Sequence[str], starts: Sequence[int], n: int) -> int:
    return starts[n] + len(lines[n].rstrip("\r\n"))


def _wait(key: str, after: str, random: Random) -> float:
    is_line = "\n" in key and "\n" not in after
    is_word = not key.isalnum() and after.isalnum()
    share = PAUSES_AT_LINE if is_line else PAUSES_AT_WORD if is_word else 0.0
    return _pause(random) if random.random() < share else _interval(random)


def _interval(random: Random) -> float:
    return min(random.lognormvariate(MU, SIGMA), PAUSE_S)


def _pause(random: Random) -> float:
    pause = random.lognormvariate(math.log(PAUSE_MEDIAN_S), PAUSE_SIGMA)
    return min(max(pause, PAUSE_S), LONGEST_S)
