"""What an editor adds to what is typed: closing brackets and quotes, and a line of their own.

As VS Code does it unless it is told otherwise (its `cursorTypeEditOperations.ts`, `characterPair.ts`
and `language-configuration.json` of each language), and nearly all others do: what opens is closed
behind the cursor, the closing key goes over what stands there already, Backspace deletes an empty pair,
and Enter inside of one gives what closes a line below. What was put in and turns out to be wrong is
deleted with a key of its own. Not done: comments are not closed, and no quote in one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from codegen_lsp.brackets import BRACKETS, CLOSER_OF
from codegen_lsp.languages import row
from codegen_lsp.lines import tokens

# What may follow the cursor where something is closed (VS Code's autoCloseBefore); a line's end, too.
BEFORE_QUOTE = ";:.,=}])> \t\r\n"
BEFORE_BRACKET = BEFORE_QUOTE + "\"'`"
# No quote is closed behind a word: it is an apostrophe. But behind these, where strings have a prefix.
WORD_END = re.compile(r"\w\Z")
PREFIXES = {"python": "rRuUfFbB"}
# What a string begins with. Rust's lifetimes have a single quote.
QUOTE = re.compile(r"(?:r#)?(?P<quotes>\"\"\"|'''|[\"'`])")
UNPAIRED = {"rust": "'"}
# Enter is pressed inside of a pair where nothing stands between it and the cursor; in JavaScript it is
# enough that the line opens it.
INSIDE = {opener: re.compile(rf"\{opener}\s*\Z") for opener in CLOSER_OF}
INSIDE_LINE = {
    opener: re.compile(rf"\{opener}[^\{closer}]*\Z") for opener, closer in CLOSER_OF.items()
}
JAVASCRIPT = ("javascript", "javascriptreact", "typescript", "typescriptreact")
OPENER_OF = {closer: opener for opener, closer in CLOSER_OF.items()}
LINE_END = re.compile(r"\r?\n")
INDENTATION = re.compile(r"[ \t]*")


class Edit(NamedTuple):
    """What stood between two offsets was replaced by a text, and the cursor is at `cursor` now."""

    start: int
    end: int
    text: str
    cursor: int


class Put(NamedTuple):
    """What an editor has put in right of the cursor: what closes something, or the line end and
    indentation before it. `at` is how far the piece is typed when it is its turn; what does not go on
    with it there is in the way."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a file while it is being typed: what stands before and behind it, what of it is typed,
    and what was put in `ahead` of the cursor, which stands between the two. `ends` says of each bracket
    and quote in the piece where the piece closes it."""

    before: str
    piece: str
    behind: str
    language: str
    ends: Mapping[int, int]
    typed: str = ""
    ahead: tuple[Put, ...] = ()

    @property
    def cursor(self) -> int:
        return len(self.before) + len(self.typed)

    @property
    def left(self) -> str:
        return self.before + self.typed

    @property
    def right(self) -> str:
        return "".join(put.text for put in self.ahead) + self.behind

    @property
    def rest(self) -> str | None:
        """What is still to be typed; None where the last key was wrong."""
        is_right = self.piece.startswith(self.typed)
        return self.piece[len(self.typed) :] if is_right else None


def empty_page(before: str, piece: str, behind: str, language: str) -> Page:
    """One on which nothing of the piece is typed yet."""
    text = before + piece + behind
    start, end = len(before), len(before) + len(piece)
    ends = {
        opening - start: closing - start
        for opening, closing in _pairs(text, language)
        if start <= opening and closing < end
    }
    return Page(before, piece, behind, language, ends)


def press(page: Page, key: str) -> tuple[Edit, Page]:
    """Press a key that inserts this text: a character, or a line end and the indentation behind it."""
    typed, ahead = page.typed + key, page.ahead
    if ahead and _goes_over(page, key, ahead[0]):
        edit = Edit(page.cursor, page.cursor + len(key), key, page.cursor + len(key))
        return edit, replace(page, typed=typed, ahead=ahead[1:])
    put = _closed_line(page, key) if "\n" in key else _closing(page, key)
    text = key + (put.text if put else "")
    edit = Edit(page.cursor, page.cursor, text, page.cursor + len(key))
    return edit, replace(page, typed=typed, ahead=(put, *ahead) if put else ahead)


def backspace(page: Page) -> tuple[Edit, Page]:
    """Delete the character before the cursor; and what closes it, if that was put in right behind."""
    closer = _closer_of(page.typed[-1:])
    n_right = 1 if page.ahead and page.ahead[0].text == closer else 0
    edit = Edit(page.cursor - 1, page.cursor + n_right, "", page.cursor - 1)
    return edit, replace(page, typed=page.typed[:-1], ahead=page.ahead[n_right:])


def insert(page: Page, text: str) -> tuple[Edit, Page]:
    """Take a suggestion. To what it says an editor adds nothing."""
    edit = Edit(page.cursor, page.cursor, text, page.cursor + len(text))
    return edit, replace(page, typed=page.typed + text)


def clear_away(page: Page) -> tuple[Edit, Page] | None:
    """Delete what is right of the cursor and in the way of what is to be typed; None where nothing
    is."""
    if not page.ahead or page.rest is None:
        return None
    text, at = page.ahead[0]
    if at > len(page.typed) or page.rest.startswith(text):
        return None
    edit = Edit(page.cursor, page.cursor + len(text), "", page.cursor)
    return edit, replace(page, ahead=page.ahead[1:])


def _goes_over(page: Page, key: str, put: Put) -> bool:
    """Whether a key only moves the cursor over what stands there: what closes, by typing it, but no
    quote behind a backslash; a line end, by going to the next line instead, in its turn."""
    if key != put.text:
        return False
    if "\n" in key:
        return put.at == len(page.typed)
    return key in BRACKETS or not page.typed.endswith("\\")


def _closing(page: Page, key: str) -> Put | None:
    """What is put in behind a character. What the piece does not close is in the way at once."""
    n_typed, following = len(page.typed), page.right[:1]
    end = page.ends.get(n_typed) if page.rest and page.rest.startswith(key) else None
    if key in CLOSER_OF:
        is_closed = following in BEFORE_BRACKET
        return Put(CLOSER_OF[key], n_typed + 1 if end is None else end) if is_closed else None
    is_apostrophe = WORD_END.search(page.left) and not page.left.endswith(
        tuple(PREFIXES.get(page.language, ()))
    )
    if end is None or is_apostrophe or following not in BEFORE_QUOTE:
        return None
    return Put(key, end)


def _closed_line(page: Page, key: str) -> Put | None:
    """The line that Enter gives to what closes the pair that the cursor is in, indented as the line
    that opens it."""
    opener = OPENER_OF.get(page.ahead[0].text) if page.ahead else None
    newline = LINE_END.match(key)
    if opener is None or newline is None:
        return None
    line = page.left[page.left.rfind("\n") + 1 :]
    inside = INSIDE_LINE if page.language in JAVASCRIPT else INSIDE
    indentation = INDENTATION.match(line)
    if indentation is None or not inside[opener].search(line):
        return None
    text, closing_at = newline[0] + indentation[0], page.ahead[0].at
    start = closing_at - len(text)
    is_meant = start >= len(page.typed) + len(key) and page.piece.startswith(text, start)
    return Put(text, start if is_meant else closing_at)


def _closer_of(character: str) -> str:
    return CLOSER_OF.get(character, character)


def _pairs(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Where brackets and quotes open, and where they close. Brackets of code belong to each other, and
    so do those of one string or comment."""
    brackets: list[int] = []
    for kind, start, end in tokens(text, 0, len(text), row(language)):
        if kind == "bracket":
            yield from _closed_by(text, start, brackets)
        elif kind != "newline":
            inner: list[int] = []
            for at in range(start, end):
                if text[at] in BRACKETS:
                    yield from _closed_by(text, at, inner)
        quote = QUOTE.match(text, start, end) if kind == "string" else None
        if quote and quote["quotes"] != UNPAIRED.get(language):
            first, last = quote.span("quotes")
            if last - first > 1:
                yield first, first + 1  # two make an empty string
            yield last - 1, text.rfind(quote["quotes"], last, end)


def _closed_by(text: str, at: int, opened: list[int]) -> Iterator[tuple[int, int]]:
    """The pair that a bracket closes. `opened` is where some are open, and is kept up to date."""
    if text[at] in CLOSER_OF:
        opened.append(at)
    elif opened and CLOSER_OF[text[opened[-1]]] == text[at]:
        yield opened.pop(), at
