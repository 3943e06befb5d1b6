r"""A text as models know it: lines end with \n, and a level of indentation is spaces; and the way back.

Editors write what a person's files are written in. Models have read far more lines that end with \n and
begin with spaces; where a language's convention is tabs, they have read tabs, which stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codegen_lsp.languages import LANGUAGES

# Characters on each side of a place in which its style is looked for.
NEAR = 1_024

_LINE_END = re.compile(r"\r\n|\n|\r")
_INDENTATION = re.compile(r"(?:(?<=[\r\n])|\A)[ \t]+(?=\S)")


@dataclass(frozen=True, slots=True)
class Style:
    """How the lines around a place end, and how many spaces stand for a tab that indents them; 0 if
    none does."""

    newline: str = "\n"
    tab_width: int = 0


PLAIN = Style()


def normal(text: str, language: str) -> str:
    r"""The text with \n as its only line end and spaces for tabs, as far as its language wants; the same
    string if that changes nothing. Of the beginning of a text it is the beginning."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # All tabs and not only those that indent: seven times as fast, and the others are rare.
    return text.replace("\t", _tab(language))


def normal_length(text: str, start: int, end: int, language: str) -> int:
    """How long what stands between two offsets is in normal form, if neither is within a line end."""
    n_more = len(_tab(language)) - 1
    return end - start - text.count("\r\n", start, end) + n_more * text.count("\t", start, end)


def style_at(text: str, offset: int, language: str) -> Style:
    """The style of the nearest line above that shows one, or else of the nearest below: a file may have
    several."""
    newline = _nearest(_LINE_END, text, offset) or "\n"
    tab = _tab(language)
    is_tabbed = tab != "\t" and "\t" in _nearest(_INDENTATION, text, offset)
    return Style(newline, len(tab) if is_tabbed else 0)


def restored(text: str, before: str, style: Style) -> str:
    """A text that goes behind `before` on its line, both in normal form, in a file's own style."""
    if style.tab_width:
        first, *others = text.split("\n")
        if len(before) % style.tab_width == 0:
            first = _tabbed(before + first, style)[len(_tabbed(before, style)) :]
        text = "\n".join([first, *(_tabbed(line, style) for line in others)])
    return text.replace("\n", style.newline)


def _tab(language: str) -> str:
    """What stands for a tab: a level of indentation; a tab where that is the language's convention
    (gofmt), or may mean something (makefiles, and texts of which nothing is known)."""
    is_known = language in LANGUAGES and language != "plaintext"
    return LANGUAGES[language].indent if is_known else "\t"


def _nearest(pattern: re.Pattern[str], text: str, offset: int) -> str:
    above = [found[0] for found in pattern.finditer(text, max(0, offset - NEAR), offset)]
    below = None if above else pattern.search(text, offset, offset + NEAR)
    return above[-1] if above else below[0] if below else ""


def _tabbed(line: str, style: Style) -> str:
    n_tabs = (len(line) - len(line.lstrip(" "))) // style.tab_width
    return "\t" * n_tabs + line[n_tabs * style.tab_width :]
