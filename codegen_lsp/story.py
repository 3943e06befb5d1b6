"""An explanation as a person reads it, in Markdown, and as a program does."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from codegen_lsp.engine import Stats
from codegen_lsp.explain import (
    Cut,
    Earlier,
    Explanation,
    Made,
    Read,
    Said,
    code,
    longest_ticks,
    short,
)

# Tokens of a candidate that are listed: a line or two. As data all of them are there.
MAX_LISTED = 32


def as_data(told: Explanation) -> dict[str, Any]:
    """An object of plain values, with keys in camelCase."""
    plain: dict[str, Any] = _camel_case(asdict(told))
    return plain


def markdown(told: Explanation) -> str:
    """One text, the most important first."""
    title = "Why this suggestion" if told.is_shown else "Why no suggestion"
    return "\n\n".join((f"# {title}", *_told(told, "##"))) + "\n"


def _told(told: Explanation, level: str) -> Iterator[str]:
    """Paragraphs, under headings of a level."""
    yield f"**{told.verdict}**"
    asked = "asked for" if told.invoked else "while you type"
    place = f"{told.path}, line {told.line}, column {told.column}"
    yield f"{place} · {told.language} · model {code(told.model)} · {asked}"
    verdicts = (("while you type", told.while_typing), ("when you ask", told.when_asked))
    rows = [(when, each.extent, each.reason) for when, each in verdicts if each is not None]
    if rows:
        yield _table(("", "how much", "why"), rows)
    if told.next_line is not None:
        yield f"{level} Behind the Enter key"
        yield from _told(told.next_line, level + "#")
    if told.earlier is not None:
        yield f"{level} What was answered before"
        yield from _earlier(told.earlier, told.language)
        if told.candidates:
            yield "Below is what the model says to this text now."
    if told.prompt is None:
        yield f"The model was not asked: {told.reason}."
    for n, made in enumerate(told.candidates, 1):
        yield f"{level} {_heading(made, n, len(told.candidates))}"
        yield from _made(made, told)
    if told.prompt is not None and told.stats is not None:
        yield f"{level} What the model read"
        yield from _read(told.prompt, told.stats, told.language)
        yield f"{level} What it took"
        yield _cost(told.stats)


def _earlier(earlier: Earlier, language: str) -> Iterator[str]:
    how = {
        "cache": "An answer to this very text is kept; the model is not asked again.",
        "typed": "What was typed since is a part of an earlier answer; the rest of it is given without "
        "asking the model again.",
    }[earlier.source]
    yield f"{how} It was made because: {earlier.reason}. {_cost(earlier.stats)}"
    for each in earlier.candidates:
        yield _fenced(each.text, language)


def _heading(made: Made, n: int, n_candidates: int) -> str:
    which = "What the model wrote" if n_candidates == 1 else f"Candidate {n} of {n_candidates}"
    if made.place is None:
        return f"{which}: not shown"
    return f"{which}: shown" if n_candidates == 1 else f"{which}: shown as number {made.place}"


def _made(made: Made, told: Explanation) -> Iterator[str]:
    sampled = (
        f"by chance (temperature {made.temperature:g}, top-p {made.top_p:g}, seed {made.seed})"
        if made.temperature
        else "the likeliest one each time"
    )
    n_tokens = "1 token" if len(made.tokens) == 1 else f"{len(made.tokens)} tokens"
    yield f"{n_tokens}, {sampled}. No more was written: {made.ended}."
    yield _fenced(made.written, told.language)
    if made.why_not:
        yield f"It is not shown: {made.why_not}."
    if made.cuts:
        yield "What was taken from it:"
        yield "\n".join(_cut(cut) for cut in made.cuts)
    if made.text.strip():
        yield "What is left:"
        yield _fenced(made.text, told.language)
        yield _confidence(made, told)
    yield _tokens(made.tokens)


def _cut(cut: Cut) -> str:
    gone = cut.before[len(cut.after) :] if cut.before.startswith(cut.after) else cut.before
    return f"- {code(short(gone))}: {cut.why} ({code(cut.filter)})"


def _confidence(made: Made, told: Explanation) -> str:
    """The unasked bound is told to who asked, too."""
    of_a_token = math.exp(made.mean_logprob)
    said = (
        f"The mean log-probability of its tokens is {made.mean_logprob:.2f}, that is {of_a_token:.2f} a"
        f" token (unasked, {told.min_confidence:g} is needed: `minConfidence`); the probability of the"
        f" whole is {made.probability:.2g}."
    )
    if len(told.candidates) == 1:
        return said
    score = made.mean_logprob + made.fit
    return (
        f"{said} It is ranked by {score:.2f}, of which {made.fit:+.2f} are for how it goes with the text"
        " around it: names that are new here cost, missing brackets that it closes gain."
    )


def _tokens(tokens: Iterable[Said]) -> str:
    listed = list(tokens)
    rows = (
        (code(json.dumps(each.text, ensure_ascii=False)), f"{each.logprob:.3f}",
         f"{math.exp(each.logprob):.3f}", "yes" if each.is_kept else "no")
        for each in listed[:MAX_LISTED]
    )  # fmt: skip
    table = _table(("token", "log-probability", "probability", "kept"), rows)
    n_more = len(listed) - MAX_LISTED
    return table if n_more <= 0 else f"{table}\n\n… and {n_more} more"


def _read(read: Read, stats: Stats, language: str) -> Iterator[str]:
    n_new = stats.n_prompt - stats.n_reused
    yield (
        f"{read.n_tokens} tokens of at most {read.budget} (`promptTokens`). {stats.n_reused} of them"
        f" were evaluated before, {n_new} were new."
    )
    rows = ((part.what, _plain(part.where), str(part.n_tokens)) for part in read.parts)
    yield _table(("what", "where", "tokens"), rows)
    if read.turns:
        yield "Turns in it, the comment that was answered and its code:"
        told = ((_plain(short(turn.intent)), turn.where, str(turn.n_tokens)) for turn in read.turns)
        yield _table(("what was wanted", "where", "tokens"), told)
    if read.healed:
        yield (
            f"{code(json.dumps(read.healed, ensure_ascii=False))} in front of the cursor was taken"
            " back: the answer has to begin with it."
        )
    yield _fenced(read.text, language)


def _cost(stats: Stats) -> str:
    n_new = stats.n_prompt - stats.n_reused
    read = f"Reading {n_new} tokens took {stats.prefill_ms:.0f} ms{_speed(n_new, stats.prefill_ms)}"
    wrote = f"writing {stats.n_generated} took {stats.decode_ms:.0f} ms"
    guessed = f"; {stats.n_accepted} of {stats.n_drafted} guesses were right"
    speed = _speed(stats.n_generated, stats.decode_ms)
    return f"{read}; {wrote}{speed}{guessed if stats.n_drafted else ''}."


def _speed(n_tokens: int, ms: float) -> str:
    return f" ({1000 * n_tokens / ms:.0f} tokens/s)" if n_tokens and ms > 0 else ""


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(titles), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


def _fenced(text: str, language: str) -> str:
    """A block of code, fenced by more backticks than it has in a row."""
    fence = "`" * max(3, longest_ticks(text) + 1)
    return f"{fence}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def _plain(text: str) -> str:
    """A file's name is no Markdown."""
    return re.sub(r"([*_`<>\[\]\\])", r"\\\1", text)


def _camel_case(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_camel(key): _camel_case(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_camel_case(each) for each in value]
    return value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
