"""Candidates become fewer, the best first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from codegen_lsp.brackets import balance, missing
from codegen_lsp.context import Context
from codegen_lsp.document import Candidate

# How much of a natural logarithm it costs a candidate if all of its names are new here, and gains it to
# close a bracket that the text lacks. Measured as in benchmarks/ranking.py, six candidates at 1,678
# places in Python, C, C++ and TypeScript. At 175 of these one was what the file says, and came first
# - at 116 if the greedy one was taken,
# - at 139 by log-probability alone, at 144 with the names, at 149 with names and brackets,
# - at 144 if one character alone was also worth 0.25 less, at 136 if each character was worth 0.02.
NEW_NAMES = 0.5
CLOSING = 0.5
# Names are looked for in this many characters on each side of the cursor; brackets matched in fewer.
NAMES_REACH = 8_192
BRACKETS_REACH = 2_048

NAME = re.compile(r"[^\W\d]\w*")
BEGUN_NAME = re.compile(r"\w*\Z")
NO_CODE = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*|//[^\n]*")


def rank(candidates: Iterable[Candidate], context: Context) -> tuple[Candidate, ...]:
    """Without empty ones, and of those that say nearly the same only the best.

    The best is the surest: in Codex's paper (Chen et al. 2021, section 3.3) the best of a hundred by
    mean log-probability is right for 44.5 %, a random one for 28.8 %. Names that are nowhere near, and
    brackets left open, count against it. That it parses `postprocess` has seen to. Of two that are equal
    the longer one saves more keys; beyond that, length says nothing about who is right.
    """
    shown = fitted(candidates, context)
    best: list[Candidate] = []
    for candidate in sorted(shown, key=_goodness, reverse=True):
        if not any(_say_the_same(candidate.text, other.text) for other in best):
            best.append(candidate)
    return tuple(best)


def fitted(candidates: Iterable[Candidate], context: Context) -> tuple[Candidate, ...]:
    """Those that are not empty, each with what its names and brackets are worth; for one alone that is
    not asked."""
    shown = tuple(candidate for candidate in candidates if candidate.text.strip())
    if len(shown) < 2:
        return shown
    known = _names_around(context)
    suffix = context.suffix[:BRACKETS_REACH]
    lacking = missing(context.prefix[-BRACKETS_REACH:], suffix, context.language)

    def fit(text: str) -> float:
        share = _share_of_new_names(text, context, known)
        return CLOSING * _n_closed(text, context, lacking) - NEW_NAMES * share

    return tuple(replace(candidate, fit=fit(candidate.text)) for candidate in shown)


def _goodness(candidate: Candidate) -> tuple[float, int]:
    return candidate.mean_logprob + candidate.fit, len(candidate.text)


def _share_of_new_names(text: str, context: Context, known: frozenset[str]) -> float:
    begun = BEGUN_NAME.search(context.line_before)
    names = NAME.findall(NO_CODE.sub("", (begun[0] if begun else "") + text))
    return sum(name not in known for name in names) / max(1, len(names))


def _n_closed(text: str, context: Context, lacking: str) -> int:
    """How many of the brackets that the text around the cursor lacks a candidate closes; one less if it
    leaves one open."""
    brackets = balance(text, context.language, context.line_before)
    return min(len(brackets.extra), len(lacking)) - brackets.is_open(len(text))


def _names_around(context: Context) -> frozenset[str]:
    """What is named near the cursor, keywords among it, and in what is known of other files. A name that
    is being typed is none."""
    begun = BEGUN_NAME.search(context.line_before)
    end = len(context.prefix) - len(begun[0] if begun else "")
    texts = [context.prefix[max(0, end - NAMES_REACH) : end], context.suffix[:NAMES_REACH]]
    texts += [chunk.text for chunk in context.chunks]
    return frozenset(name for text in texts for name in NAME.findall(text))


def _say_the_same(one: str, other: str) -> bool:
    """But for white space and what their lines end with; also if one only goes on for more lines."""
    shorter, longer = sorted((_essence(one), _essence(other)), key=len)
    return longer[: len(shorter)] == shorter


def _essence(text: str) -> list[str]:
    lines = (re.sub(r"\s", "", line).rstrip(";,") for line in text.split("\n"))
    return [line for line in lines if line]
