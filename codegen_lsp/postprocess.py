r"""Raw text becomes what a person would have typed: a tuple of small filters, applied in order.

A filter only ever shortens: it returns a beginning of what it got. So no filter brings back what another
has cut, and those of `ENDINGS` can be asked of an unfinished text whether it ends there: what comes
behind such an end would never be shown, so it is not generated. They look at finished lines only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, takewhile

from codegen_lsp.blocks import (
    REACH,
    is_remark,
    no_shallow_body,
    one_paragraph,
    own_unit,
    straight,
)
from codegen_lsp.brackets import CLOSERS, balance, missing
from codegen_lsp.common import is_near
from codegen_lsp.context import Context
from codegen_lsp.extent import Extent
from codegen_lsp.languages import row
from codegen_lsp.lines import indentation
from codegen_lsp.repetition import circle, loop, stutter
from codegen_lsp.syntax import adds_error, block_end, kind_at

Filter = Callable[[str, Context, Extent], str]

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

# The most lines of a statement that was to be one. In languages of braces a fifth of all lines open a
# bracket at their end, and two thirds of these close it within six lines (of 40 files each in seven
# languages), which take about a second.
MOST_LINES = 6
# The most that a candidate is parsed. A parse is incremental, and a tenth of a token's time or less.
MOST_PARSES = 12
# Two lines are one if a twentieth of their letters differ (Tabby's share; Tabby takes one letter of a
# short line, too, but there a letter is the difference between `a = 1` and `b = 1`).
LETTERS_A_DIFFERENCE = 20
MOST_DIFFERENCES = 3

NEXT_LINE = re.compile(r"[^\n]*(?:\n[ \t]*(?=\n))*\n([^\n]*\S)")
CLOSING_START = re.compile(r"[ \t]*[)\]}]+")
DANGLING = re.compile(r"\s+(?:and|or|is|not|in|if|else|[-+*/%=<>&|!?]+)\s*\Z")
# Where a line may end that cannot stay whole: in front of a call, an index, a member, an operator, or
# behind a statement or a bracket. Not in front of `=`, and not behind a keyword.
INSIDE_POINT = re.compile(
    r"(?<=[\w)\]}\"'])(?=[.(\[{]|[ \t]*(?:[-+*/%<>&|?]|[=!]=)|[ \t]+(?:and|or|if|else)\b)|(?<=;)"
)


def clean(text: str, context: Context, extent: Extent) -> str:
    """The part of the text worth showing; possibly nothing."""
    text = straight(text, context)
    for step in FILTERS:
        text = step(
            text.removesuffix("\n") + "\n", context, extent
        )  # the last line is finished, too
    return text


def is_complete(text: str, context: Context, extent: Extent) -> bool:
    """Whether more of the text would be cut away: the generation can end. Asked at every token."""
    text = straight(text, context)
    if any(step(text, context, extent) != text for step in ENDINGS):
        return True
    line = context.line_before + text
    line = line[line.rfind("\n") + 1 :]
    return stutter(line, at_end=True) is not None or circle(text, at_end=True) is not None


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
    before = context.line_before
    if before.strip():
        first, newline, others = text.partition("\n")
        return first + newline + truncate(others)
    return text[: max(0, len(truncate(before + text)) - len(before))]


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
    if not extra or kind_at(context.parsed, context.offset) != "code":
        return text
    lacking = missing(context.prefix[-REACH:], context.suffix[:REACH], context.language)
    for n, at in enumerate(extra):
        if text[at] != lacking[n : n + 1]:
            return text[:at]
    return text


def _no_quote_again(text: str, context: Context, _: Extent) -> str:
    """Up to the quote that already stands right of the cursor, and closes the string that it is in."""
    quote = context.line_after[:1]
    if quote not in ("'", '"', "`") or context.line_before.count(quote) % 2 == 0:
        return text
    end = re.search(rf"(?<!\\){quote}", text)
    return text[: end.start()] if end else text


def _closed_block(text: str, context: Context, extent: Extent) -> str:
    """Up to the end of the line with which the block at the cursor closes, when a line was finished."""
    if extent is not Extent.BLOCK or "\n" not in text or text[text.rfind("\n") :].strip():
        return text
    end = block_end(context.parsed, context.offset, text)
    return text if end is None else text[: text.find("\n", end)]


def _no_loop(text: str, context: Context, _: Extent) -> str:
    """Up to the first line that was written before."""
    if "\n" not in text:
        return text
    lines = [context.line_above, *(context.line_before + text).split("\n")[:-1]]
    said = loop(lines, 1)
    return text if said is None else _first_lines(said - 1, lines[1:], context)


def _no_element_again(text: str, context: Context, _: Extent) -> str:
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


def _no_line_from_below(text: str, context: Context, _: Extent) -> str:
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


def _no_stutter(text: str, context: Context, _: Extent) -> str:
    """Up to where something begins to repeat itself within a line."""
    start = -len(context.line_before)
    for line in (context.line_before + text).split("\n"):
        end = stutter(line)
        if end is not None and start + len(line) > 0:
            return _without_operator(text[: max(0, start + end)])
        start += len(line) + 1
    return text


def _no_circle(text: str, *_: object) -> str:
    """Up to where its words begin to come again, over several lines or in one."""
    end = circle(text, at_end=False)
    return text if end is None else _without_operator(text[:end])


def _no_rest_of_line(text: str, context: Context, _: Extent) -> str:
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


def _not_only_an_echo(text: str, context: Context, _: Extent) -> str:
    """Nothing where every line is a comment or docstring that says what stands above."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not all(is_remark(line, context.language) for line in lines):
        return text
    said = _words(context.prefix[-1_000:])
    is_echo = all(_words(line) in said for line in lines) and _words(text)
    return "" if is_echo else text


def _no_new_error(text: str, context: Context, _: Extent) -> str:
    """Up to the last of its ends with which the document parses no worse than without it; without
    trailing space."""
    text = BEGUN_SENTINEL.sub("", text.rstrip())
    for end in islice(_ends(text, context), MOST_PARSES):
        kept = text[:end].rstrip()
        if not kept or not adds_error(context.parsed, context.offset, kept):
            return kept
    return ""


def _ends(text: str, context: Context) -> Iterator[int]:
    """Where a text may end, the last first: at its end; behind the brackets that begin its last line; at
    the ends of its lines; inside of its first line. Not where it has a bracket open, unless one that
    closes stands right of the cursor."""
    opened = balance(text, context.language, context.line_before)
    text = text.rstrip()
    if not opened.is_open(len(text)) or context.line_after.strip()[:1] in CLOSERS:
        yield len(text)
    line_ends = [at for at, character in enumerate(text) if character == "\n"]
    if line_ends:
        closing = CLOSING_START.match(text, line_ends[-1] + 1)
        if closing:
            yield closing.end()
        whole = [end for end in reversed(line_ends) if not opened.is_open(end)]
        yield from whole[: MOST_PARSES // 2]
    points = INSIDE_POINT.finditer(text, 0, min(line_ends, default=len(text)))
    yield from reversed([at.start() for at in points if not opened.is_open(at.start())])


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


ENDINGS: tuple[Filter, ...] = (
    _no_sentinels,
    _no_comment_unasked,
    _no_ruler,
    _no_foreign_comment,
    _one_line,
    _paper,
    _no_bracket_too_many,
    _no_quote_again,
    one_paragraph,
    no_shallow_body,
    _no_loop,
    _no_element_again,
    _no_line_from_below,
    _closed_block,
)
FILTERS: tuple[Filter, ...] = (
    *ENDINGS,
    _no_stutter,
    _no_circle,
    _no_rest_of_line,
    own_unit,
    _not_only_an_echo,
    _no_new_error,
)
