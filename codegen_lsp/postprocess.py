r"""Raw text becomes what a person would have typed: a tuple of small filters, applied in order.

A filter only ever shortens. So each can also be asked of an unfinished text whether it already ends
there, and nothing is generated that would be cut away again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from codegen_lsp.context import Context
from codegen_lsp.extent import Extent, opens_block
from codegen_lsp.syntax import adds_error

Filter = Callable[[str, Context, Extent], str]

# Where a completion ends, whatever follows: the patterns of the paper's benchmark (Nijkamp et al.
# 2022, appendix on the Multi-Turn Programming Benchmark).
PAPER_ENDS = re.compile(r"^#|<\|endoftext\|>|^'''|^\"\"\"|\n\n\n", re.MULTILINE)
PAPER_SECONDS = (re.compile(r"^print", re.MULTILINE), re.compile(r"^def", re.MULTILINE))
# A few letters four times, or more of them three times: rulers of dashes, rows of zeros and
# `None, None, None` are what people type.
STUTTERS = (
    re.compile(r"([^\W\d_][^\n]{0,6}?)\1{3,}"),
    re.compile(r"([^\W\d_][^\n]{7,29}?)\1{2,}"),
)


def clean(text: str, context: Context, extent: Extent) -> str:
    """The part of the text worth showing; possibly nothing."""
    for step in FILTERS:
        text = step(text, context, extent)
    return text


def is_complete(text: str, context: Context, extent: Extent) -> bool:
    """Whether more of the text would be cut away: the generation can end."""
    return any(step(text, context, extent) != text for step in ENDING)


def whole_lines(text: str) -> str:
    """Several lines without the last one, which the length limit has cut; a single one as it is."""
    return text.rpartition("\n")[0] or text


def truncate(text: str) -> str:
    """The paper's truncation: before the second line that starts with `print`, before the second
    that starts with `def`, then at the first of `PAPER_ENDS`."""
    for pattern in PAPER_SECONDS:
        second = list(pattern.finditer(text))[1:2]
        if second:
            text = text[: second[0].start()]
    end = PAPER_ENDS.search(text)
    return text[: end.start()] if end else text


def _paper(text: str, context: Context, _: Extent) -> str:
    """Truncate as in the paper, where a pattern's line begins at the cursor's line, not the cursor."""
    before = context.line_before
    return text[: max(0, len(truncate(before + text)) - len(before))]


def _one_line(text: str, _: Context, extent: Extent) -> str:
    """One line, unless it is a block that may be suggested."""
    return text if extent is Extent.BLOCK else text.partition("\n")[0]


def _one_paragraph(text: str, context: Context, _: Extent) -> str:
    """Up to where the block at the cursor ends by its indentation, or a new paragraph begins in it."""
    first, *others = text.split("\n")
    here = _indentation(context.line_before or first)
    floor = here + 1 if opens_block(context) else here
    kept = [first]
    for line in others:
        if line.strip():
            indentation = _indentation(line)
            after_gap = not kept[-1].strip() and len(kept) > 1
            closes = indentation == here and line.lstrip().startswith("}") and floor > here
            if closes:
                return "\n".join([*kept, line])
            if indentation < floor or (after_gap and indentation == floor):
                return "\n".join(kept)
        kept.append(line)
    return text


def _no_loop(text: str, context: Context, _: Extent) -> str:
    """Up to the first line that was written before, or that says what the line above it says: small
    models go round in circles."""
    lines = [context.line_above, *(context.line_before + text).split("\n")]
    for n, line in enumerate(lines[1:], 1):
        is_said = line in lines[1:n] or line.strip() == lines[n - 1].strip()
        if is_said and sum(map(str.isalpha, line)) > 3 and len(line) > len(context.line_before):
            return _first_lines(n - 1, lines[1:], context)
    return text


def _no_stutter(text: str, *_: object) -> str:
    """Up to where something begins to repeat itself within a line."""
    found = (pattern.search(text) for pattern in STUTTERS)
    return text[: min((stutter.end(1) for stutter in found if stutter), default=len(text))]


def _first_lines(n: int, lines: list[str], context: Context) -> str:
    """What the first `n` lines hold behind the cursor, which stands in the first of them."""
    return "\n".join(lines[:n])[len(context.line_before) :]


def _no_line_from_below(text: str, context: Context, _: Extent) -> str:
    """Up to the line that already stands below the cursor."""
    below = context.suffix.partition("\n")[2]
    next_line = next((line.rstrip() for line in below.split("\n") if line.strip()), None)
    if next_line is None or context.line_after.strip():
        return text
    lines = (context.line_before + text).split("\n")
    for n, line in enumerate(lines):
        if line.rstrip() == next_line:
            return _first_lines(n, lines, context)
    return text


def _no_rest_of_line(text: str, context: Context, _: Extent) -> str:
    """Without an end that already stands right of the cursor, such as the bracket that an editor
    has closed."""
    rest = context.line_after.strip()
    trimmed = text.rstrip()
    for length in range(min(len(rest), len(trimmed)), 0, -1):
        if trimmed.endswith(rest[:length]):
            kept = trimmed[:-length]
            return kept if _closes_too_much(trimmed) or rest[0] not in _CLOSERS else text
    return text


def _no_trailing_space(text: str, *_: object) -> str:
    return text.rstrip() if text.strip() else ""


def _no_new_error(text: str, context: Context, _: Extent) -> str:
    """Up to the last line with which the document parses no worse than without the candidate."""
    lines = text.split("\n")
    for n_lines in range(len(lines), 0, -1):
        kept = "\n".join(lines[:n_lines])
        if not adds_error(context.parsed, context.offset, kept):
            return kept
    return ""


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


_CLOSERS = {")": "(", "]": "[", "}": "{"}


def _closes_too_much(text: str) -> bool:
    """Whether a bracket is closed that was not opened in the text."""
    return any(text.count(closer) > text.count(opener) for closer, opener in _CLOSERS.items())


ENDING: tuple[Filter, ...] = (
    _paper,
    _one_line,
    _one_paragraph,
    _no_loop,
    _no_stutter,
    _no_line_from_below,
)
FILTERS: tuple[Filter, ...] = (
    *ENDING,
    _no_rest_of_line,
    _no_new_error,
    _no_trailing_space,
)
