r"""Raw text becomes what a person would have typed: a tuple of small filters, applied in order.

A filter only ever shortens: it returns a beginning of what it got. So no filter brings back what another
has cut, and those of `ENDINGS` can be asked of an unfinished text whether it ends there: what comes
behind such an end would never be shown, so it is not generated. They look at finished lines only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from codegen_lsp.brackets import CLOSERS, balance, missing
from codegen_lsp.context import Context
from codegen_lsp.echoes import (
    no_circle,
    no_element_again,
    no_line_from_below,
    no_loop,
    no_quote_again,
    no_rest_of_line,
    no_stutter,
    not_only_an_echo,
)
from codegen_lsp.extent import Extent
from codegen_lsp.indents import (
    REACH,
    is_remark,
    no_shallow_body,
    one_paragraph,
    own_unit,
    straight,
)
from codegen_lsp.languages import row
from codegen_lsp.repetition import circle, stutter
from codegen_lsp.syntax import adds_error, block_end, parses_afresh

Filter = Callable[[str, Context, Extent], str]


class Step(NamedTuple):
    """What a filter, by its name, has left of a text."""

    name: str
    text: str


# What only models say: marks of the end, of a gap, of a file. No code that a person types holds them.
SENTINELS = re.compile(
    r"<\|[\w ]+\|>|<mask_\d+>|<eom>|<(?:fim|file|repo)_\w+>|<｜[^｜\n]+｜>|[\0\ufffd]"
)
BEGUN_SENTINEL = re.compile(r"(?:<\|\w*\|?|<(?:mask|fim)_\w*)\Z")
# Where a completion ends, whatever follows: the patterns of the paper's benchmark, which is in Python
# (Nijkamp et al. 2022, appendix on the Multi-Turn Programming Benchmark).
PAPER_ENDS = re.compile(r"^#|<\|endoftext\|>|^'''|^\"\"\"|\n\n\n", re.MULTILINE)
PAPER_SECONDS = (re.compile(r"^print", re.MULTILINE), re.compile(r"^def", re.MULTILINE))
FOREIGN_COMMENT = re.compile(
    r"^[ \t]*#[ \t]+"
    r"(?!(?:define|elif|else|endif|error|if|ifdef|ifndef|include|line|pragma|undef|warning)\b)\w+\W",
    re.MULTILINE,
)
RULER = re.compile(r"\s*([^\w\s])\1{7}")
GAP = re.compile(r"\n[ \t]*\n[ \t]*\n")

# Inside of brackets that stand closed in the document: in front of the next element, too.
ELEMENT_END = re.compile(r"(?<=[\w)\]}\"'])(?=,)")

# The most lines of a statement that was to be one. In languages of braces a fifth of all lines open a
# bracket at their end, and two thirds of these close it within six lines (of 40 files each in seven
# languages), which take about a second.
MOST_LINES = 6
# The most that a candidate is parsed. A parse is incremental, and a tenth of a token's time or less.
MOST_PARSES = 12

CLOSING_START = re.compile(r"[ \t]*[)\]}]+")
# Where a line may end that cannot stay whole: in front of a call, an index, a member, an operator, or
# behind a statement or a bracket. Not in front of `=`, and not behind a keyword.
INSIDE_POINT = re.compile(
    r"(?<=[\w)\]}\"'])(?=[.(\[{]|[ \t]*(?:[-+*/%<>&|?]|[=!]=)|[ \t]+(?:and|or|if|else)\b)|(?<=;)"
)


def clean(text: str, context: Context, extent: Extent) -> str:
    """The part of the text worth showing; possibly nothing."""
    for step in steps(text, context, extent):
        text = step.text
    return text


def steps(text: str, context: Context, extent: Extent) -> Iterator[Step]:
    """What `clean` does, one filter after the other."""
    text = straight(text, context)
    yield Step(straight.__name__, text)
    for step in FILTERS:
        # The last line of a whole text is finished, too.
        text = step(text.removesuffix("\n") + "\n", context, extent)
        yield Step(_name(step), text)


def is_complete(text: str, context: Context, extent: Extent) -> bool:
    """Whether more of the text would be cut away: the generation can end. Asked at every token."""
    return bool(ended_by(text, context, extent))


def ended_by(text: str, context: Context, extent: Extent) -> str:
    """The name of the filter that would cut away whatever comes behind the text; empty if none would."""
    text = straight(text, context)
    for step in ENDINGS:
        if step(text, context, extent) != text:
            return _name(step)
    line = context.line_before + text
    line = line[line.rfind("\n") + 1 :]
    if stutter(line, at_end=True) is not None:
        return no_stutter.__name__
    return no_circle.__name__ if circle(text, at_end=True) is not None else ""


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
    return until_end(text)


def until_end(text: str) -> str:
    """The paper's truncation for one answer to several intents: it may print and define as often as it
    likes. The paper's scripts have none for this."""
    end = PAPER_ENDS.search(text)
    return text[: end.start()] if end else text


def _name(step: Filter) -> str:
    return step.__name__.lstrip("_")


def _no_comment_unasked(text: str, context: Context, extent: Extent) -> str:
    """Nothing where a line was to be suggested, and it is a comment: who wants one begins it."""
    is_unasked = extent is Extent.LINE and not context.line_before.strip()
    return "" if is_unasked and is_remark(text, context.language) else text


def _no_ruler(text: str, context: Context, _: Extent) -> str:
    """Nothing where a statement can begin and a ruler would."""
    return "" if not context.line_before.strip() and RULER.match(text) else text


def _no_foreign_comment(text: str, context: Context, _: Extent) -> str:
    """Up to a comment with Python's mark in a language that has another: models that saw much Python
    write it, and to a grammar of C it is a directive."""
    if "#" not in text or "#" in row(context.language).line_comments:
        return text
    found = FOREIGN_COMMENT.search(context.line_before + text)
    return text[: max(0, found.start() - len(context.line_before))] if found else text


def _no_sentinels(text: str, *_: object) -> str:
    found = SENTINELS.search(text)
    return text[: found.start()] if found else text


def _paper(text: str, context: Context, _: Extent) -> str:
    """Truncate as in the paper, where a pattern's line begins at the cursor's line, not the cursor. In
    other languages, of which it does not speak, at two blank lines."""
    if context.language != "python":
        gap = GAP.search(text)
        return text[: gap.start()] if gap else text
    cut = truncate if context.n_intents == 1 else until_end
    before = context.line_before
    if before.strip():
        first, newline, others = text.partition("\n")
        return first + newline + cut(others)
    return text[: max(0, len(cut(before + text)) - len(before))]


def _one_line(text: str, context: Context, extent: Extent) -> str:
    """One line, unless a block may be suggested; where it opens a bracket, up to where that closes."""
    if extent is Extent.BLOCK or "\n" not in text:
        return text
    opened = balance(text, context.language, context.line_before)
    ends = [at for at, character in enumerate(text) if character == "\n"]
    for end in ends[:MOST_LINES]:
        if not opened.is_open(end):
            return text[:end]
    return text[: ends[0]] if len(ends) >= MOST_LINES else text


def _no_bracket_too_many(text: str, context: Context, _: Extent) -> str:
    """Up to the first closing bracket that neither the text has opened nor the document lacks."""
    if CLOSERS.isdisjoint(text):
        return text
    extra = balance(text, context.language, context.line_before).extra
    if not extra or context.kind != "code":
        return text
    lacking = missing(context.prefix[-REACH:], context.suffix[:REACH], context.language)
    for n, at in enumerate(extra):
        if text[at] != lacking[n : n + 1]:
            return text[:at]
    return text


def _closed_block(text: str, context: Context, extent: Extent) -> str:
    """Up to the end of the line with which the block at the cursor closes, when a line was finished. The
    answer to several intents may go on with another one."""
    if (
        context.n_intents > 1
        or extent is not Extent.BLOCK
        or "\n" not in text
        or text[text.rfind("\n") :].strip()
    ):
        return text
    end = block_end(context.parsed, context.offset, text)
    return text if end is None else text[: text.find("\n", end)]


def _no_new_error(text: str, context: Context, _: Extent) -> str:
    """Up to the last of its ends with which the document parses no worse than without it; without
    trailing space."""
    text = BEGUN_SENTINEL.sub("", text.rstrip())
    for end in islice(_ends(text, context), MOST_PARSES):
        kept = text[:end].rstrip()
        if not kept or not adds_error(context.parsed, context.offset, kept):
            return kept if parses_afresh(context.parsed, context.offset, kept) else ""
    return ""


def _ends(text: str, context: Context) -> Iterator[int]:
    """Where a text may end, the last first: at its end; behind the brackets that begin its last line; at
    the ends of its lines; inside of its first line. Not where it has a bracket open, unless one that
    closes stands right of the cursor."""
    opened = balance(text, context.language, context.line_before)
    text = text.rstrip()
    is_closed = context.line_after.strip()[:1] in CLOSERS
    if not opened.is_open(len(text)) or is_closed:
        yield len(text)
    line_ends = [at for at, character in enumerate(text) if character == "\n"]
    if line_ends:
        closing = CLOSING_START.match(text, line_ends[-1] + 1)
        if closing:
            yield closing.end()
        whole = [end for end in reversed(line_ends) if not opened.is_open(end)]
        yield from whole[: MOST_PARSES // 2]
    first_end = min(line_ends, default=len(text))
    for pattern in (ELEMENT_END, INSIDE_POINT) if is_closed else (INSIDE_POINT,):
        points = [point.start() for point in pattern.finditer(text, 0, first_end)]
        yield from reversed([at for at in points if not opened.is_open(at)])


ENDINGS: tuple[Filter, ...] = (
    _no_sentinels,
    _no_comment_unasked,
    _no_ruler,
    _no_foreign_comment,
    _one_line,
    _paper,
    _no_bracket_too_many,
    no_quote_again,
    one_paragraph,
    no_shallow_body,
    no_loop,
    no_element_again,
    no_line_from_below,
    _closed_block,
)
FILTERS: tuple[Filter, ...] = (
    *ENDINGS,
    no_stutter,
    no_circle,
    no_rest_of_line,
    own_unit,
    not_only_an_echo,
    _no_new_error,
)
