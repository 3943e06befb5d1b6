"""What a text at a cursor fills, a block or a statement, and where in the text that is closed.

A candidate is asked while it is being written, at each of its lines; so this is read off its brackets
and indentation, not off a tree of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from codegen_lsp.languages import Language
from codegen_lsp.lines import Place, depth_at, indentation, line_end, tokens

# How far behind the cursor the bracket is looked for that closes its block, in characters.
MAX_READ = 8_192
# What a line that goes on with the next one ends with.
_UNFINISHED = tuple(",([{+-*/%&|^=<>?:.\\")
# What a block of words ends with: Ruby, Lua, shells, CMake.
_CLOSING_WORDS = (
    "end",
    "fi",
    "done",
    "esac",
    "until",
    "endif",
    "endfunction",
    "endwhile",
    "endforeach",
)
_CLOSING_WORD = re.compile(rf"(?:{'|'.join(_CLOSING_WORDS)})\b")
_OPENING_WORD = re.compile(
    r"(?:\b(?:then|do|else|begin|repeat|in)|\bfunction\b.*\)|^[ \t]*(?:def|class|module)\b.*)$"
)
# A brace behind these opens an object, an initialiser or a type, not a block.
_VALUE_BEFORE_BRACE = re.compile(r"(?:[=(,\[?&|:]|\breturn|\bcase|\bin|\$)$")


_FIRST_WORD = re.compile(r"[ \t]*(\w*)")
_BLANK_LINE = re.compile(r"[ \t]*\n[ \t]*\n")
# What comments begin with in texts of which nothing is known.
_PLAIN_MARKS = ("#", "//")
_NOT_BLANK = re.compile(r"\S")
# A header over more lines is none.
MAX_HEADER_LINES = 40


class _Line(NamedTuple):
    """A line of a text: where what is not blank on it ends, what that is, how far it is indented, and
    how many brackets are open behind it. Strings over several lines make one line."""

    end: int
    words: str
    indentation: int
    n_open: int


@dataclass(frozen=True, slots=True)
class Block:
    """What a text at a cursor fills, whose line is indented by `depth`.

    It ends before a line that is indented by `floor` or less, or less than its own first line; where
    braces close, with the one that closes it, which may be behind the cursor already (`is_closed`).
    What is filled may be a `statement`, which ends with its line or with the block that it opens; among
    `definitions` each is one. `n_open` brackets are open on the cursor's line.
    """

    language: Language
    in_code: bool
    depth: int
    floor: int | None
    is_closed: bool
    statement: bool
    definitions: bool
    n_open: int

    def end_in(self, text: str) -> int | None:
        """After how many characters this is closed, or None."""
        if not self.in_code:
            end = text.find("\n")
            return None if end < 0 else end
        closing = self._closing_brace(text) if self.language.blocks == "braces" else None
        by_line = self._end_by_lines(text if closing is None else text[:closing])
        return closing if by_line is None else by_line

    def _closing_brace(self, text: str) -> int | None:
        """Behind the brace that closes this block, or before it where there is one already."""
        n_open = 0
        for token in tokens(text, 0, len(text), self.language):
            if token.kind != "bracket" or text[token.start] not in "{}":
                continue
            n_open += 1 if text[token.start] == "{" else -1
            if n_open < 0:
                return len(text[: token.start].rstrip()) if self.is_closed else token.end
        return None

    def _end_by_lines(self, text: str) -> int | None:
        """Where the last line ends that belongs to this, once there is one that does not."""
        depth = self.depth if self.statement else self.depth + indentation(text)
        floor = depth - 1 if self.floor is None else self.floor
        before: _Line | None = None
        opened = False
        for line in _lines(text, depth, self.n_open, self.language):
            if before and before.n_open <= 0 and self._ends(before, line, depth, floor, opened):
                return before.end
            opened = opened or (before is not None and line.indentation > depth)
            before = line
        return None

    def _ends(self, before: _Line, line: _Line, depth: int, floor: int, opened: bool) -> bool:
        """Whether a line is the first that does not belong to this."""
        goes_on = _goes_on(line.words, opened, self.language)
        if line.indentation <= floor:
            closes = self._may_close(line.words)
            return not (closes or (goes_on and self.statement))
        if line.indentation > depth or goes_on:
            return False
        if self.statement:
            return not before.words.endswith(_UNFINISHED) and not line.words.startswith(".")
        return self.definitions and opened

    def _may_close(self, words: str) -> bool:
        """Whether a line is this block's last one, which is indented as its header is."""
        if self.language.blocks == "words":
            return not self.is_closed and bool(_CLOSING_WORD.match(words))
        return self.language.blocks == "braces" and words[0] in ")]}"


def block_at(
    text: str, offset: int, place: Place, language: Language, among_definitions: bool
) -> Block:
    """What a text at a cursor fills; `among_definitions` where no function is around it."""
    depth = depth_at(text, offset)
    line_start = text.rfind("\n", 0, offset) + 1
    in_code = place.kind == "code"
    n_open = sum(at >= line_start and text[at] in "([" for at in place.brackets)
    if is_open(text, offset, place, language):
        floor = _header_depth(text, place.code_end - 1)
        depth = max(depth, floor + 1)
        closed = _is_closed(text, offset, floor, language)
        return Block(language, in_code, depth, floor, closed, False, False, n_open)
    begun = bool(text[line_start:offset].strip())
    brace = next((at for at in reversed(place.brackets) if text[at] == "{"), None)
    closed = brace is None or _is_closed(text, offset, _header_depth(text, brace), language)
    return Block(
        language, in_code, depth, depth if begun else None, closed, begun, among_definitions, n_open
    )


def statements_end(text: str, language: Language, *, over_blanks: bool = False) -> int:
    """Where the statements end with which a text begins, one below the other, each with its blocks:
    before a line that is indented less than the first, a comment as deep as that, or a blank line
    between two of them, unless this goes `over_blanks`. 0 where no code is on the first line."""
    depth, end, n_open = indentation(text), 0, 0
    marks = (*language.line_comments, *(begin for begin, _ in language.block_comments))
    for line in _lines(text + "\n", depth, 0, language):
        is_comment = line.words.startswith(marks or _PLAIN_MARKS)
        is_below = n_open <= 0 and line.indentation <= depth
        goes_on = end > 0 and line.indentation == depth and _is_continued(line.words, language)
        is_apart = _BLANK_LINE.match(text, end) is not None and not over_blanks
        if is_below and not goes_on and (is_comment or is_apart or line.indentation < depth):
            break
        end, n_open = line.end, line.n_open
    return end


def is_open(text: str, offset: int, place: Place, language: Language) -> bool:
    """Whether the cursor is in an empty block: nothing is between it and a header before it, but a
    comment or a docstring, and what follows is indented no more than the header."""
    line_start = text.rfind("\n", 0, offset) + 1
    if place.kind != "code" or text[offset : line_end(text, offset)].strip(" \t)}];,"):
        return False
    opener = _opener(text, place, language)
    if opener is None or (place.code_end > line_start and opener != place.code_end - 1):
        return False
    following = _next_line(text, line_end(text, offset))
    return following is None or indentation(following) <= _header_depth(text, opener)


def _opener(text: str, place: Place, language: Language) -> int | None:
    """Where the colon, brace or word is that opens a block right before a cursor, if one does."""
    at = place.code_end - 1
    if at < 0:
        return None
    if language.blocks == "braces":
        is_value = place.opens_value or _is_value(text, at)
        return at if text[at] == "{" and not is_value else None
    if language.blocks == "words":
        return at if _OPENING_WORD.search(text[_statement_start(text, at) : at + 1]) else None
    if text[at] in "\"'":
        at = _before_docstring(text, at)
    word = _FIRST_WORD.match(text, _statement_start(text, at))
    known = not language.block_words or (word and word[1] in language.block_words)
    return at if at >= 0 and text[at] == ":" and known else None


def _is_value(text: str, brace: int) -> bool:
    before = text[max(0, brace - 64) : brace].rstrip()
    return bool(_VALUE_BEFORE_BRACE.search(before)) and not before.endswith("=>")


def _before_docstring(text: str, at: int) -> int:
    """Where the code before a string ends that ends at an offset, if it stands on lines of its own."""
    quotes = text[at - 2 : at + 1] if text[at - 2 : at + 1] in {'"""', "'''"} else text[at]
    start = text.rfind(quotes, 0, at - len(quotes) + 1)
    line_start = text.rfind("\n", 0, start) + 1
    if start < 0 or text[line_start:start].strip(" \trRuUbB"):
        return -1
    return len(text[:line_start].rstrip()) - 1


def _statement_start(text: str, at: int) -> int:
    """Where the line begins on which the statement begins that goes on to an offset: above the lines
    whose brackets are opened further up, or that are a brace alone."""
    start = text.rfind("\n", 0, at + 1) + 1
    for _ in range(MAX_HEADER_LINES):
        part = text[start:at]
        n_closed = sum(map(part.count, ")]")) - sum(map(part.count, "(["))
        if start == 0 or (n_closed <= 0 and part.strip()):
            return start
        start = text.rfind("\n", 0, start - 1) + 1
    return start


def _header_depth(text: str, opener: int) -> int:
    start = _statement_start(text, opener)
    return indentation(text[start : line_end(text, start)])


def _is_closed(text: str, offset: int, floor: int, language: Language) -> bool:
    """Whether what closes a block stands behind the cursor, whose header is indented by `floor`: else
    what closes there closes another one around it."""
    if language.blocks != "braces":
        following = _next_line(text, line_end(text, offset)) or ""
        closes = _CLOSING_WORD.match(following.lstrip())
        return closes is not None and indentation(following) == floor
    n_open = 0
    for token in tokens(text, offset, min(len(text), offset + MAX_READ), language):
        if token.kind == "bracket" and text[token.start] in "{}":
            n_open += 1 if text[token.start] == "{" else -1
            if n_open < 0:
                line_start = text.rfind("\n", 0, token.start) + 1
                return line_start <= offset or indentation(text[line_start : token.end]) >= floor
    return False


def _next_line(text: str, at: int) -> str | None:
    """The first line behind an offset that is not blank."""
    match = _NOT_BLANK.search(text, at)
    return (
        text[text.rfind("\n", 0, match.start()) + 1 : line_end(text, match.start())]
        if match
        else None
    )


def _goes_on(words: str, opened: bool, language: Language) -> bool:
    """Whether a line belongs to the statement above it: a brace on a line of its own, or what follows a
    block that was `opened` and closed."""
    if words[0] == "{":
        return language.blocks == "braces"
    word = _FIRST_WORD.match(words)
    return opened and (words[0] in ")]}" or (word is not None and word[1] in language.continues))


def _is_continued(words: str, language: Language) -> bool:
    """Whether a line goes on with or closes what was opened above it."""
    closes = language.blocks == "words" and _CLOSING_WORD.match(words) is not None
    return closes or _goes_on(words, True, language)


def _lines(text: str, depth: int, n_open: int, language: Language) -> Iterator[_Line]:
    """The lines of a text that is inserted on a line indented by `depth`, without blank ones. The last
    one is being written: while it may become a word like `else` or `end`, it is left out."""
    start = 0
    expected = (*language.continues, *(_CLOSING_WORDS if language.blocks == "words" else ()))
    for token in [*tokens(text, 0, len(text), language), None]:
        if token is not None and token.kind == "bracket":
            n_open += 1 if text[token.start] in "([{" else -1
        if token is not None and token.kind != "newline":
            continue
        end = len(text) if token is None else token.start
        words = text[start:end].strip()
        may_go_on = token is None and any(word.startswith(words) for word in expected)
        if words and not (may_go_on and start):
            indented = indentation(text[start:end]) if start else depth
            yield _Line(start + len(text[start:end].rstrip()), words, indented, n_open)
        start = end + 1
