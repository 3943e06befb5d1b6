"""How much is suggested at a place: a block, a line, or nothing; decided by syntax.

Two tables at the end say it: where nothing is suggested to somebody who only types, and what elsewhere.
Mostly that is a line. 87 % of Cody's suggestions are one, it is there after a quarter of the time that a
block takes, and the next one is prepared while a person looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from codegen_lsp.brackets import balance
from codegen_lsp.context import Context
from codegen_lsp.syntax import adds_error, kind_at, parse

COMPLETE = "the statement is complete"


class Extent(Enum):
    """How far a suggestion may reach from the cursor. A line that opens a bracket goes on until that
    closes."""

    NOTHING = "nothing"
    LINE = "line"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Decision:
    """An extent, and in a few words why it is that one."""

    extent: Extent
    reason: str


def extent_at(context: Context, *, invoked: bool, just_deleted: bool) -> Decision:
    """What to suggest at a context's cursor. Who `invoked` it gets something wherever that is possible;
    who types is left alone after a deletion (`just_deleted`), and wherever else it would disturb."""
    if just_deleted and not invoked:
        return Decision(Extent.NOTHING, "something was just deleted")
    for applies, extent, reason in PLACES if invoked else REFUSALS + PLACES:
        if applies(context):
            return Decision(extent, reason)
    if invoked:
        return Decision(Extent.BLOCK, "a statement can begin, and it was asked for")
    return Decision(Extent.LINE, "a statement can begin")


# How many characters may stand right of the cursor (llama.vim's default), not counting what editors put
# there by themselves.
MOST_TO_THE_RIGHT = 8
INSERTED = re.compile(r"</[\w.:-]*>|[\s)\]}>\"'`;]")
WORD_END = re.compile(r"\w\Z")
WORD_START = re.compile(r"\w")

# How a line may end that says all it has to say: with the semicolon, where statements have one;
# elsewhere with what closes something, or a number, whose next digit nobody can guess.
_AT_SEMICOLON = re.compile(r";\Z")
_AT_SEMICOLON_OR_CLOSED = re.compile(r"(?:[;)\]}\"'`]|(?<![\w.])\d[\w.]*)\Z")
_AT_CLOSED = re.compile(r"(?:[)\]}\"']|(?<![\w.])\d[\w.]*|^(?:pass|break|continue|\.\.\.))\Z")
WHOLE_LINES = {
    "c": _AT_SEMICOLON,
    "cpp": _AT_SEMICOLON,
    "go": _AT_SEMICOLON_OR_CLOSED,
    "java": _AT_SEMICOLON,
    "javascript": _AT_SEMICOLON_OR_CLOSED,
    "javascriptreact": _AT_SEMICOLON_OR_CLOSED,
    "python": _AT_CLOSED,
    "rust": _AT_SEMICOLON,
    "typescript": _AT_SEMICOLON_OR_CLOSED,
    "typescriptreact": _AT_SEMICOLON_OR_CLOSED,
}
# What may parse as it stands, and still goes on: a header without its block, a comparison to come.
GOES_ON = re.compile(r"(?:\w+ )*(?:assert|func|function)\b")
# Brackets alone on their line close what stands above; round ones alone may be those of a header.
CLOSING_LINE = re.compile(r"[)\]};]*[\]};][)\]};]*\Z")

# A docstring that has just been opened, perhaps closed by the editor at once.
DOCSTRING_OPENED = re.compile(r"\s*[rR]?(?:\"\"\"|''')\Z")
QUOTES = re.compile(r"\s*[\"']*\s*\Z")
# Code inside of a string; an empty pair of braces has no tree yet.
INTERPOLATION = re.compile(r"\b(?:[rR]?[fF]|[fF][rR])[\"'].*(?<!\{)\{[^{}]*\Z|`.*\$\{[^{}]*\Z")
# Fewer letters than these state no intent, nor does a line that the shell reads, nor code in a comment.
LETTERS_OF_INTENT = 6
NO_INTENT = re.compile(r"^#!|[{}\[(;,=]\Z")


def _in_word(context: Context) -> bool:
    return bool(WORD_START.match(context.suffix))


def _much_follows(context: Context) -> bool:
    return len(INSERTED.sub("", context.line_after)) > MOST_TO_THE_RIGHT


def _in_comment(context: Context) -> bool:
    return context.kind == "comment"


def _in_string(context: Context) -> bool:
    is_docstring = DOCSTRING_OPENED.match(context.line_before) and QUOTES.match(context.line_after)
    if is_docstring or INTERPOLATION.search(context.line_before):
        return False
    return context.kind == "string"


def _is_whole(context: Context) -> bool:
    """Whether the line's statement has an end and parses, alone as it stands."""
    line = context.line_before.strip()
    whole = WHOLE_LINES.get(context.language)
    if whole is None or not line or context.line_after.strip():
        return False
    if CLOSING_LINE.match(line):
        return True
    if not whole.search(line) or GOES_ON.match(line):
        return False
    if whole is _AT_SEMICOLON:
        return not balance(line, context.language).stretches
    return not adds_error(parse("", context.language), 0, line)


def _opens_block(context: Context) -> bool:
    return context.opens_block


def _follows_comment(context: Context) -> bool:
    """Whether a comment stands on the line above, with some words in it, and nothing on the cursor's."""
    if context.line_before.strip():
        return False
    line_end = context.offset - len(context.line_before) - 1
    text = context.parsed.text
    above = text[text.rfind("\n", 0, max(0, line_end)) + 1 : max(0, line_end)]
    words = above.strip()
    if sum(map(str.isalpha, words)) < LETTERS_OF_INTENT or NO_INTENT.search(words):
        return False
    return kind_at(context.parsed, line_end - len(above.lstrip()) + 1) == "comment"


def _code_follows(context: Context) -> bool:
    return bool(context.line_after.strip())


def _statement_begun(context: Context) -> bool:
    return bool(context.line_before.strip())


Rule = tuple[Callable[[Context], bool], Extent, str]

# The first that applies decides.
REFUSALS: tuple[Rule, ...] = (
    (_in_word, Extent.NOTHING, "a word follows the cursor"),
    (_much_follows, Extent.NOTHING, "too much follows on the line"),
    (_in_comment, Extent.NOTHING, "in a comment"),
    (_in_string, Extent.NOTHING, "in a string"),
    (_is_whole, Extent.NOTHING, COMPLETE),
)
PLACES: tuple[Rule, ...] = (
    (_code_follows, Extent.LINE, "code follows on the line"),
    (_follows_comment, Extent.BLOCK, "the comment above says what follows"),
    (_opens_block, Extent.BLOCK, "the block behind the header is empty"),
    (_statement_begun, Extent.LINE, "a statement was begun"),
)
