"""A document's turns: comments that said what is wanted and the code that answers each, and what edits
do to them.

Turns live in the document. What a turn says is what the text says now: its place follows every edit.
The rules, in the order in which they matter to a person:

- What is written in a comment, or in its code, belongs to the turn; so does what is typed at the end of
  the code's last line, and not what is typed on the line below.
- A comment that says something else than when the code was made is stale, until it says that again;
  blanks aside. A line that is added right below it, and begins with the same mark, is a part of it.
- Where the comment or the code is deleted, or only blanks of it are left, the turn goes. So it does
  where an edit goes from its comment into its code and leaves nothing of that. What stands there instead
  is nobody's answer.
- A turn that goes is kept aside with the text it had, and is back, with its number, as soon as an edit
  puts that very text into the document: undo does, and so does cutting it here and pasting it there. The
  same holds for what an edit takes from a turn and from the text beside it, for lines that it takes off
  the code's end, and for code that another candidate has replaced.
- An edit across the border of two turns takes from both. What it puts in is at most the rest of the
  first one's last line, and nothing of the second.

Turns never overlap and are in the order of the text. Nothing here changes: each function returns another
value.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from codegen_lsp.edits import LINE_END, Change, changes
from codegen_lsp.spans import (
    Span,
    after,
    begins_line,
    behind_line,
    ends_line,
    is_beyond_rules,
    placed,
)

# How many versions of turns are kept aside, and how many characters of text they may be: a document of
# 400 kB with all its turns. Each costs a key 2 us.
MAX_ASIDE, MAX_ASIDE_CHARACTERS = 300, 400_000


@dataclass(frozen=True, slots=True)
class Origin:
    """By what a code was made: a model's name, the sampler's seed, the tokens of the prompt, and the
    mean natural logarithm of its own tokens' probabilities."""

    model: str
    seed: int
    n_prompt: int
    mean_logprob: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A comment and the code that answers it, at its place in a text.

    `number` is its own within the document and never given again. The comment begins at `start`, a
    line's beginning; at `border` it ends and the code begins, and `end` is behind the code. `intent` is
    what the comment said when the code was made, without its marks; `comment` the same as it stood
    there, with its blanks made one. `origin` is None where the person wrote the code. `opening` is what
    was put in before the comment, where that was written with its code; else None. Of what the person
    `is_accepted` no more is asked.
    """

    number: int
    start: int
    border: int
    end: int
    intent: str
    origin: Origin | None
    is_stale: bool = False
    comment: str = ""
    opening: str | None = None
    is_accepted: bool = False

    @property
    def span(self) -> Span:
        return Span(self.start, self.border, self.end)


@dataclass(frozen=True, slots=True)
class Aside:
    """A turn as it was, and the text that it had, from its `start` to its `end`."""

    turn: Turn
    text: str


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of a text, which their offsets are of; what was one and may be again, the last one
    last; and how many numbers were given."""

    text: str = field(repr=False)
    turns: tuple[Turn, ...] = ()
    aside: tuple[Aside, ...] = field(default=(), repr=False)
    n_given: int = 0


def follow(turns: Turns, text: str) -> Turns:
    """The turns of another version of their text, however many edits lie between the two.

    For 400 kB with 200 turns a key takes 0.4 to 1.1 ms, by how many turns are below it; two edits that
    have all of that text between them take 20 ms.
    """
    if text == turns.text:
        return turns
    if not (turns.turns or turns.aside):
        return replace(turns, text=text)
    spans = [turn.span for turn in turns.turns]
    made = placed(changes(turns.text, text), turns.text, spans)
    n_behind = len(turns.text) - made[-1].end
    shifts = [0, *accumulate(len(each.text) - (each.end - each.start) for each in made)]
    starts, ends = [each.start for each in made], [each.end for each in made]
    living: list[Turn] = []
    aside: list[Aside] = []
    edited = set()
    for turn in turns.turns:
        first, last = bisect_left(ends, turn.start), bisect_right(starts, turn.end)
        touching = made[first:last]
        found = _edited(turn, touching, shifts[first], turns.text, text)
        if found is not None:
            living.append(found)
            if touching and _text_of(found, text) != _text_of(turn, turns.text):
                edited.add(turn.number)
        if found is None or any(is_beyond_rules(each, turn.span, turns.text) for each in touching):
            aside.append(_as_it_was(turn, turns.text))
    # The newest is taken first; of several that went at once that has to be the first in the text.
    now = Turns(text, tuple(living), (*turns.aside, *reversed(aside)), turns.n_given)
    return _bounded(_returned(now, turns, edited, made[0].start, len(text) - n_behind))


def add(
    turns: Turns,
    start: int,
    border: int,
    end: int,
    intent: str,
    origin: Origin | None = None,
    opening: str | None = None,
) -> tuple[Turns, int | None]:
    """Another turn, in the text as it is, and its number; None and no turn where the offsets are not in
    order, the intent says nothing, or comment or code is blank.

    Of one with the same comment, this is what became of it: it keeps its number (a candidate that is
    taken word by word). Others give way where they are in the way: one in whose code this comment
    stands ends above it, all others that share text with this one go.
    """
    text = turns.text
    if not 0 <= start < border <= end <= len(text):
        return turns, None
    border = behind_line(text, border, end)
    if not (intent.strip() and text[start:border].strip() and text[border:end].strip()):
        return turns, None
    same = [turn for turn in turns.turns if (turn.start, turn.border) == (start, border)]
    number = same[0].number if same else turns.n_given + 1
    opening = same[0].opening if same and opening is None else opening
    comment = _comment(text, start, border)
    turn = Turn(number, start, border, end, intent, origin, comment=comment, opening=opening)
    others = [_cut_before(each, start, end, text) for each in turns.turns]
    living = sorted([*(each for each in others if each), turn], key=lambda each: each.start)
    given = max(turns.n_given, number)
    return replace(turns, turns=tuple(living), n_given=given), number


def rewrite(turns: Turns, number: int, code: str, origin: Origin | None, intent: str = "") -> Turns:
    """Other code for a turn, in another text: `text` of what is returned is what the document shall
    say. What the client makes of it is for `follow`: also if that is the old text, with which the old
    code's origin is back.

    `intent` is what the comment says now, where that was edited. The same as `turns` where the code is
    blank, or there is no such turn.
    """
    turn = find(turns, number)
    if turn is None or not code.strip():
        return turns
    is_other = code != code_of(turns, turn)
    text = turns.text[: turn.border] + code + turns.text[turn.end :]
    made = replace(turn, end=turn.border + len(code), origin=origin, is_accepted=False)
    if intent.strip():
        comment = _comment(text, turn.start, turn.border)
        made = replace(made, intent=intent, comment=comment, is_stale=False)
    living = tuple(
        made
        if each is turn
        else _moved(each, made.end - turn.end if each.start > turn.start else 0)
        for each in turns.turns
    )
    aside = (_as_it_was(turn, turns.text),) if is_other else ()
    return _bounded(replace(turns, text=text, turns=living, aside=(*turns.aside, *aside)))


def accept(turns: Turns, number: int) -> Turns:
    """With a turn that is settled."""
    living = (
        replace(turn, is_accepted=True) if turn.number == number else turn for turn in turns.turns
    )
    return replace(turns, turns=tuple(living))


def taken_back(turns: Turns, turn: Turn) -> Change:
    """What takes a turn's code out of the text; and its comment, where that was written with it and says
    what it said. Then the text says what it did before."""
    text = turns.text
    if turn.opening is not None and not turn.is_stale:
        is_led = text.endswith(turn.opening, 0, turn.start)
        return Change(turn.start - (len(turn.opening) if is_led else 0), turn.end, "")
    last = list(LINE_END.finditer(text, turn.start, turn.border))[-1:]
    is_below = last and last[0].end() == turn.border
    return Change(last[0].start() if is_below else turn.border, turn.end, "")


def remove(turns: Turns, number: int) -> Turns:
    """Without a turn, for good: its text stays and no edit brings it back."""
    living = tuple(each for each in turns.turns if each.number != number)
    aside = tuple(each for each in turns.aside if each.turn.number != number)
    return replace(turns, turns=living, aside=aside)


def clear(turns: Turns) -> Turns:
    """Without all of them, for good."""
    return Turns(turns.text, n_given=turns.n_given)


def restored(text: str, kept: Sequence[Turn], n_given: int) -> Turns | None:
    """The turns of a text from what was kept of them elsewhere: those that are not stale without their
    `comment`. None where they make no sense in it."""
    turns, at, numbers = [], 0, set[int]()
    for turn in kept:
        is_in_order = at <= turn.start < turn.border < turn.end <= len(text)
        comment = _comment(text, turn.start, turn.border)
        if not (is_in_order and comment and text[turn.border : turn.end].strip()):
            return None
        turns.append(turn if turn.is_stale else replace(turn, comment=comment))
        at = turn.end
        numbers.add(turn.number)
    if len(numbers) != len(turns) or not all(0 < number <= n_given for number in numbers):
        return None
    return Turns(text, tuple(turns), n_given=n_given)


def find(turns: Turns, number: int) -> Turn | None:
    """The turn of a number, if it is in the document now."""
    return next((each for each in turns.turns if each.number == number), None)


def turn_at(turns: Turns, offset: int) -> Turn | None:
    """The turn on whose comment or code a cursor is; of two that it is between, the second."""
    before = bisect_right([each.start for each in turns.turns], offset)
    turn = turns.turns[before - 1] if before else None
    return turn if turn is not None and offset <= turn.end else None


def code_of(turns: Turns, turn: Turn) -> str:
    """What a turn's code says now."""
    return turns.text[turn.border : turn.end]


def _edited(turn: Turn, made: Sequence[Change], shift: int, before: str, now: str) -> Turn | None:
    """A turn after the changes that touch it, and those above it, which shift it; None where it goes."""
    if not made:
        return _moved(turn, shift)
    span = after(turn.span, made, before)
    if span is None:
        return None
    start, border, end = (offset + shift for offset in span)
    border = behind_line(now, border, end)
    comment = _comment(now, start, border)
    if not comment or not now[border:end].strip():
        return None
    is_stale = comment != turn.comment
    return replace(turn, start=start, border=border, end=end, is_stale=is_stale)


def _returned(now: Turns, before: Turns, edited: set[int], start: int, end: int) -> Turns:
    """With those that were aside and whose text is there again, in what was put in between two offsets,
    or around it. What an edit has made of another turn gives way to a text that is the very same."""
    living = {turn.number: turn for turn in now.turns}
    earlier = {turn.number: turn for turn in before.turns}
    waiting: list[Aside] = []
    displaced: list[Aside] = []
    for each in reversed(now.aside):
        places = _places(each, now.text, start, end)
        turn = next((turn for turn in places if _has_room(turn, living, edited, end)), None)
        if turn is None:
            waiting.append(each)
            continue
        for other in _met(turn, living):
            del living[other.number]
            is_same = other.number == turn.number
            if other.number in earlier and not (is_same and other.origin == turn.origin):
                displaced.append(_as_it_was(earlier[other.number], before.text))
            left = _cut_before(other, turn.start, turn.end, now.text)
            if left is not None and not is_same:
                living[other.number] = left
        living[turn.number] = turn
        edited = edited - {turn.number}
    turns = sorted(living.values(), key=lambda turn: turn.start)
    return replace(now, turns=tuple(turns), aside=(*reversed(waiting), *reversed(displaced)))


def _places(aside: Aside, text: str, start: int, end: int) -> Iterator[Turn]:
    """The turn wherever its text is whole lines that share or border on what two offsets enclose."""
    size = len(aside.text)
    at = text.find(aside.text, max(0, start - size), end + size)
    while at >= 0:
        if begins_line(text, at) and ends_line(text, at + size):
            yield _moved(aside.turn, at - aside.turn.start)
        at = text.find(aside.text, at + 1, end + size)


def _has_room(turn: Turn, living: dict[int, Turn], edited: set[int], end: int) -> bool:
    """Whether nothing is there but what was edited just now; or the same turn: a piece of it, or more
    where the edit went on to an `end` behind it."""
    there = _met(turn, living)
    if turn.number not in living:
        return all(each.number in edited for each in there)
    same = living[turn.number]
    is_piece = turn.start <= same.start and same.end <= turn.end
    is_more = turn.number in edited and turn.end < end
    return there == [same] and (is_piece or is_more)


def _met(turn: Turn, living: dict[int, Turn]) -> list[Turn]:
    """The turns that share text with one."""
    return [each for each in living.values() if each.start < turn.end and turn.start < each.end]


def _bounded(turns: Turns) -> Turns:
    sizes = accumulate(len(each.text) for each in reversed(turns.aside))
    n_kept = sum(size <= MAX_ASIDE_CHARACTERS for size in sizes)
    kept = turns.aside[max(0, len(turns.aside) - min(n_kept, MAX_ASIDE)) :]
    return turns if len(kept) == len(turns.aside) else replace(turns, aside=kept)


def _cut_before(turn: Turn, start: int, end: int, text: str) -> Turn | None:
    """What is left of a turn where another one is from `start` to `end`."""
    if turn.end <= start or end <= turn.start:
        return turn
    code = text[turn.border : start].rstrip() if turn.start < start else ""
    return replace(turn, end=turn.border + len(code)) if code else None


def _as_it_was(turn: Turn, text: str) -> Aside:
    return Aside(turn, _text_of(turn, text))


def _text_of(turn: Turn, text: str) -> str:
    return text[turn.start : turn.end]


def _moved(turn: Turn, by: int) -> Turn:
    if not by:
        return turn
    return replace(turn, start=turn.start + by, border=turn.border + by, end=turn.end + by)


def _comment(text: str, start: int, border: int) -> str:
    return " ".join(text[start:border].split())
