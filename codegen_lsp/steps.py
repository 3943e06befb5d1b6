"""One long intent as steps, by rules of syntax: the paper's factorization at hand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple

from codegen_lsp.examples import examples
from codegen_lsp.lines import indentation

# Comments are wrapped at 72 columns (PEP 8) or more, indentation included; who begins a line earlier has
# something else to say. Lines as long as the second figure nobody wraps: they might go on for ever.
WRAPPED, UNWRAPPED, NO_WIDTH = 60, 120, 1_000_000
# How far before a full stop its word is looked for, and what is said before an example.
MAX_WORD = 100
# What stands before the items of lists; the second kind needs no space behind.
MARK = r"(?:[-*+•‣▪◦–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z]\))"
WIDE_MARK = r"(?:\d{1,3}[、．]|[①-⑳])"


def split(text: str) -> tuple[str, ...]:
    """The steps of a long intent: its sentences and the items of its lists, in order.

    A line that began early, with no small letter, is a step, too. What specifies a step stays with it:
    examples, doctest's lines, what is indented under a heading ("Args:"), asides in brackets; a line
    that ends with a colon goes with the list's first item. Nothing is lost but the marks of lists.
    Semicolons do not split: what stands behind one often only qualifies what stands before.

    Of the 115 problems of the paper's benchmark (MTPB), 91 % give their prompts back if these are joined
    by blank lines, 90 % by line ends, and 63 % by spaces: in 29, some prompts end without a full stop
    (of the others, 85 %). The rest have prompts of two sentences, or of one that begins small.
    """
    steps: list[str] = []
    heading = ""
    for block in _blocks(text):
        if block.kind == "kept" and steps:
            steps[-1] += "\n" + block.text
            continue
        for part in _parts(block):
            if steps and block.kind == "prose" and _specifies(part):
                steps[-1] += " " + part
            else:
                steps.append(f"{heading} {part}".strip())
            heading = ""
        if block.leads:
            heading = steps.pop()
    return tuple(steps)


_Kind = Literal["prose", "item", "kept"]


class _Block(NamedTuple):
    """Lines that belong together: `prose`, an `item` of a list, or what is `kept` with the step before.
    `leads` if a list's items follow, announced by a colon."""

    kind: _Kind
    text: str
    leads: bool = False


_ITEM = re.compile(rf"[ \t]*(?:{MARK}[ \t]+|{WIDE_MARK}[ \t]*)(?:\[[ xX]\][ \t]+)?(?=\S)")
# Sphinx's and Javadoc's fields.
_FIELD = re.compile(r"[ \t]*[:@]\w+")
# Ends of sentences: of Latin, Arabic, Urdu, Hindi, Armenian, Ethiopic and Burmese, which put a space
# behind; and those that need none. Brackets and quotes hold none, nor does code.
_ENDS = r".!?…؟۔।॥։።။"
_WIDE_ENDS = r"。！？｡"
_CLOSING = r"[\"'’”»)\]]*"
_STOP = re.compile(
    r"(?P<kept>`[^`]*`|\"[^\"\n]{0,200}\"|“[^”\n]{0,200}”|(?<!\w)'[^'\n]{0,200}'(?!\w)"
    r"|\([^()]{0,200}\)|\[[^\[\]]{0,200}\]|\{[^{}]{0,200}\})"
    rf"|(?P<end>[{_ENDS}]+{_CLOSING})(?=\s|\Z)"
    rf"|(?P<wide>[{_WIDE_ENDS}]+[」』”’）]*)"
)
_LETTERS_WITH_DOTS = re.compile(r"(?:[^\W\d]\.)+[^\W\d]\Z")
_ASIDE = re.compile(r"\(.*\)[.!?。]?\Z|(?:[^\W\d]\.){2,}", re.DOTALL)
_PROMPT = re.compile(r"[ \t]*>>>")
_NUMBER = re.compile(r"\s*\(?\d{1,3}\Z")
_NUMBERED = re.compile(r"\A\(?\d{1,3}[.)][ \t]+(?=\S)")
# Those that no sentence ends with; "etc." may.
_ABBREVIATIONS = {
    "approx", "bzw", "ca", "cf", "dr", "eq", "evtl", "fig", "ggf", "incl", "inkl", "mr", "mrs", "ms",
    "p.ex", "prof", "resp", "sog", "vgl", "vs", "см",
}  # fmt: skip
# What comes before an example that is a sentence of its own: "E.g.,", "For example:", "例：".
_LEAD_IN = re.compile(r"\W*(?:(?:\S+[ \t]+){0,3}\S*[:：,，.]\s*)?\W*\Z")


def _blocks(text: str) -> Iterator[_Block]:
    """The paragraphs and items of an intent, and what is kept with them."""
    lines = [line.rstrip() for line in text.split("\n")]
    width = _width(lines)
    kind: _Kind = "prose"
    block: list[str] = []
    for above, line, below in zip(["", *lines[:-1]], lines, [*lines[1:], ""], strict=True):
        begun = _begins(line, above, below, kind, block, width) if line else None
        if begun is None:
            block += [line] if line else []
            continue
        if block:
            yield _block_from(kind, block, is_list_next=begun == "item")
        kind, block = begun, [line]
    if block:
        yield _block_from(kind, block)


def _width(lines: list[str]) -> int:
    """How many columns the lines were given; very many where nobody wrapped them: where each begins with
    a capital, or one is too long."""
    written = [line.lstrip() for line in lines if line]
    widest = max(map(len, lines))
    is_each_begun = len(written) > 2 and all(line[0].isupper() for line in written)
    return NO_WIDTH if is_each_begun or widest > UNWRAPPED else max(widest, WRAPPED)


def _begins(
    line: str, above: str, below: str, kind: _Kind, block: list[str], width: int
) -> _Kind | None:
    """What begins with a line; None where it goes on with the block before it."""
    depth = indentation(line)
    is_deeper = bool(block) and depth > indentation(block[0])
    if _PROMPT.match(line):
        return "kept"
    if kind == "kept" and (is_deeper or (above and _PROMPT.match(block[0]))):
        return None
    if kind == "item" and is_deeper:
        return None
    if _ITEM.match(line):
        return "item"
    is_heading = line.endswith(":") and indentation(below) > depth and not _ITEM.match(below)
    if _FIELD.match(line) or (is_heading and not above and block):
        return "kept"
    goes_on = block and above and kind != "kept" and not _is_broken_early(above, line, width)
    return None if goes_on else "prose"


def _is_broken_early(above: str, line: str, width: int) -> bool:
    """Whether a line began though its first word had a place on the one above, and not as one that goes
    on with that."""
    if line.lstrip()[0].islower() or above[-1] in ",;:(":
        return False
    return len(above) + 1 + len(line.split(maxsplit=1)[0]) <= width


def _block_from(kind: _Kind, lines: list[str], *, is_list_next: bool = False) -> _Block:
    if kind == "kept":
        return _Block(kind, textwrap.dedent("\n".join(lines)))
    first, *others = lines
    text = _ITEM.sub("", first, count=1) if kind == "item" else first.strip()
    for line in others:
        is_own = kind == "item" and _ITEM.match(line)
        text += ("\n" if is_own else " ") + line.strip()
    return _Block(kind, text, kind == "prose" and is_list_next and text.endswith((":", "：")))


def _parts(block: _Block) -> list[str]:
    """A paragraph's sentences, without numbers before them; an item whole, unless the others of its list
    stand on its line."""
    if block.kind == "kept":
        return [block.text]
    sentences = list(_sentences(block.text))
    if block.kind == "item" and not all(_NUMBERED.match(each) for each in sentences[1:]):
        return [block.text]
    return [_NUMBERED.sub("", each) for each in sentences]


def _sentences(text: str) -> Iterator[str]:
    """The sentences of a text, in order."""
    start = 0
    for match in _STOP.finditer(text):
        if _ends_sentence(text, start, match):
            yield text[start : match.end()].strip()
            start = match.end()
    if rest := text[start:].strip():
        yield rest


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the sentence that began at `start` ends with what was found."""
    if match.lastgroup == "wide":
        return True
    follows = text[match.end() : match.end() + MAX_WORD]
    first = follows.lstrip()[:1]
    before = text[max(start, match.start() - MAX_WORD) : match.start()]
    if first.islower() or (first and first in "(,;:.!?"):
        return False
    if match.lastgroup == "kept":
        return follows[:1].isspace() and _ends_inside(match[0], before)
    if not before or before[-1].isspace():  # an operator, `a ? b`
        return False
    word = before.split()[-1].lstrip("([{\"'")
    is_number = start + len(before) == match.start() and _NUMBER.match(before)
    is_short = word.lower() in _ABBREVIATIONS or _LETTERS_WITH_DOTS.match(word)
    return not match[0].startswith(".") or not (is_number or is_short)


def _ends_inside(kept: str, before: str) -> bool:
    """Whether a sentence ends within brackets or quotes: with a word in quotes, or with an aside."""
    is_aside = kept[0] == "(" and before.rstrip().endswith(tuple(_ENDS))
    is_quote = kept[0] in "\"“'" and kept[-3:-2].isalpha()
    return (is_aside or is_quote) and kept[-2:-1] in _ENDS


def _specifies(sentence: str) -> bool:
    """Whether a sentence says more of the one before: it is in brackets, begins with letters such as
    "E.g.", or is an example, with a few words before it at most."""
    if _ASIDE.match(sentence):
        return True
    known = examples(sentence)
    before = sentence[: sentence.find(known[0].call)] if known else ""
    return bool(known) and len(before) <= MAX_WORD and _LEAD_IN.match(before) is not None
