"""Filters for `postprocess.py` against saying again what was said: by the text itself, above the cursor,
below it, or right of it."""

from __future__ import annotations

import re
from functools import partial
from itertools import takewhile

from codegen_lsp.brackets import balance
from codegen_lsp.common import is_near
from codegen_lsp.context import Context
from codegen_lsp.extent import Extent
from codegen_lsp.indents import REACH, is_remark
from codegen_lsp.lines import indentation
from codegen_lsp.repetition import circle, loop, stutter

# Two lines are one if a twentieth of their letters differ (Tabby's share; Tabby takes one letter of a
# short line, too, but there a letter is the difference between `a = 1` and `b = 1`).
LETTERS_A_DIFFERENCE = 20
MOST_DIFFERENCES = 3
NEXT_LINE = re.compile(r"[^\n]*(?:\n[ \t]*(?=\n))*\n([^\n]*\S)")
DANGLING = re.compile(r"\s+(?:and|or|is|not|in|if|else|[-+*/%=<>&|!?]+)\s*\Z")


def no_loop(text: str, context: Context, _: Extent) -> str:
    """Up to the first line that was written before."""
    if "\n" not in text:
        return text
    lines = [context.line_above, *(context.line_before + text).split("\n")[:-1]]
    said = loop(lines, 1)
    return text if said is None else _first_lines(said - 1, lines[1:], context)


def no_element_again(text: str, context: Context, _: Extent) -> str:
    """Up to an element that its list, or the like, has already: a line with a comma at its end, like one
    above it that no line of less indentation parts from it."""
    if ",\n" not in text:
        return text
    lines = (context.line_before + text).split("\n")
    above = context.prefix[-REACH:].split("\n")[-2::-1]
    for n, line in enumerate(lines[:-1]):
        if line.endswith(",") and sum(map(str.isalpha, line)) > 3:
            siblings = takewhile(partial(_is_as_deep, depth=indentation(line)), above)
            if line in siblings:
                return _first_lines(n, lines, context)
    return text


def no_line_from_below(text: str, context: Context, _: Extent) -> str:
    """Up to the line that already stands below the cursor, or nearly so."""
    if "\n" not in text or context.line_after.strip():
        return text
    below = NEXT_LINE.match(context.suffix)
    if below is None:
        return text
    lines = (context.line_before + text).split("\n")
    for n, line in enumerate(lines[:-1]):
        if _alike(line.rstrip(), below[1]):
            return _first_lines(n, lines, context)
    return text


def no_stutter(text: str, context: Context, _: Extent) -> str:
    """Up to where something begins to repeat itself within a line."""
    start = -len(context.line_before)
    for line in (context.line_before + text).split("\n"):
        end = stutter(line)
        if end is not None and start + len(line) > 0:
            return _without_operator(text[: max(0, start + end)])
        start += len(line) + 1
    return text


def no_circle(text: str, *_: object) -> str:
    """Up to where its words begin to come again, over several lines or in one."""
    end = circle(text, at_end=False)
    return text if end is None else _without_operator(text[:end])


def no_quote_again(text: str, context: Context, _: Extent) -> str:
    """Up to the quote that already stands right of the cursor, and closes the string that it is in."""
    quote = context.line_after[:1]
    if quote not in ("'", '"', "`") or context.line_before.count(quote) % 2 == 0:
        return text
    end = re.search(rf"(?<!\\){quote}", text)
    return text[: end.start()] if end else text


def no_rest_of_line(text: str, context: Context, _: Extent) -> str:
    """Without an end that already stands right of the cursor: no part of a word, and no bracket or quote
    that closes what the text has opened."""
    rest = context.line_after.strip()
    kept = text.rstrip()
    if rest.startswith(("'", '"', "`")):
        return text
    for length in range(min(len(rest), len(kept)), 0, -1):
        if not kept.endswith(rest[:length]):
            continue
        at = len(kept) - length
        cuts_word = re.search(r"\w\Z", kept[:at]) and re.match(r"\w", rest)
        splits_word = re.match(r"\w", rest[length:]) and re.search(r"\w\Z", rest[:length])
        if not cuts_word and not splits_word and not _closes_own(kept, at, context):
            return kept[:at]
    return text


def not_only_an_echo(text: str, context: Context, _: Extent) -> str:
    """Nothing where every line is a comment or docstring that says what stands above."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not all(is_remark(line, context.language) for line in lines):
        return text
    said = _words(context.prefix[-1_000:])
    is_echo = all(_words(line) in said for line in lines) and _words(text)
    return "" if is_echo else text


def _closes_own(text: str, at: int, context: Context) -> bool:
    """Whether a bracket at `at` or behind it closes one in front of it, in the text itself."""
    return balance(text, context.language, context.line_before).is_open(at)


def _alike(line: str, other: str) -> bool:
    """Whether two lines say the same, but for a comma or semicolon or a few letters."""
    if line == other:
        return True
    is_short = min(len(line), len(other)) < LETTERS_A_DIFFERENCE
    if is_short or indentation(line) != indentation(other):
        return False
    if line.rstrip(" ;,") == other.rstrip(" ;,"):
        return True
    n_edits = min(MOST_DIFFERENCES, len(other.strip()) // LETTERS_A_DIFFERENCE)
    return is_near(line.strip(), other.strip(), n_edits)


def _is_as_deep(line: str, depth: int) -> bool:
    return indentation(line) >= depth


def _without_operator(text: str) -> str:
    """Without an operator at its end, behind which nothing comes any more."""
    return DANGLING.sub("", text)


def _first_lines(n: int, lines: list[str], context: Context) -> str:
    """What the first `n` lines hold behind the cursor, which stands in the first of them."""
    return "\n".join(lines[:n])[len(context.line_before) :]


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
