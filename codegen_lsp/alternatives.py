"""What was written for one turn: which candidates there are, which one is shown, and what nobody wants
to be given again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codegen_lsp.synthesis import Asked, Proposal

# Candidates of one turn: three times as many as a person may ask for at once.
MAX_KEPT = 30


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Candidates for an intent, in the order made, kept without the text of their documents; which of
    them was put in last; and what was `seen`, blanks aside: all of them, and what other code there was.
    `model` was asked last, for the intent `asked`, with seeds below `next_seed`."""

    intent: str
    proposals: tuple[Proposal, ...] = ()
    shown: int = 0
    seen: frozenset[str] = frozenset()
    asked: str = ""
    model: str = ""
    next_seed: int = 0


def chosen(
    known: Alternatives, proposal: Proposal, others: Sequence[Proposal], replaced: str
) -> Alternatives:
    """With a proposal that is put in, where it may have `replaced` other code, and with `others` that
    were made at the same time. Of another intent nothing is kept."""
    intent = proposal.asked.intent
    if intent != known.intent:
        known, replaced = replace(known, intent=intent, proposals=(), seen=frozenset()), ""
    by_text = {plain(each.code): each for each in known.proposals}
    for each in (proposal, *others):
        by_text.setdefault(plain(each.code), _light(each))
    kept = tuple(by_text)[-MAX_KEPT:]
    if plain(proposal.code) not in kept:  # an old one was chosen, of very many
        kept = (plain(proposal.code), *kept[1:])
    return replace(
        known,
        proposals=tuple(by_text[text] for text in kept),
        shown=kept.index(plain(proposal.code)),
        seen=known.seen | by_text.keys() | {plain(replaced)},
    )


def seeds(known: Alternatives, asked: Asked, n: int, model: str) -> tuple[int, Alternatives]:
    """The first of `n` seeds with which the model was not asked for this yet, and what is known then."""
    used = [-1]
    if known.intent == asked.intent:
        origins = [each.origin for each in known.proposals]
        used += [origin.seed for origin in origins if origin.model == model]
    if (known.asked, known.model) == (asked.intent, model):
        used.append(known.next_seed - 1)
    first = max(used) + 1
    return first, replace(known, asked=asked.intent, model=model, next_seed=first + n)


def plain(code: str) -> str:
    """What makes one code another: not its blanks."""
    return "".join(code.split())


def _light(proposal: Proposal) -> Proposal:
    asked = proposal.asked
    return replace(proposal, asked=replace(asked, document=replace(asked.document, text="")))
