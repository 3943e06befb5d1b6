"""By what the code below a comment was made: which suggestion that was shown there it begins with.

It does not matter how that was taken: with a key, word by word, or by typing what it said. The code's
first line decides. It has to begin with all that a suggestion made of it, and half of it at least has to
be the suggestion's: a person may have begun the line, and may have gone on. Of several suggestions, line
by line, the first one tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen_lsp.common import n_common_start
from codegen_lsp.complete import Completion
from codegen_lsp.document import Document, line_start
from codegen_lsp.lines import code_before
from codegen_lsp.turns import Origin

# Those of one document that are remembered: of a few lines, each with all candidates that were shown.
MAX_OFFERS = 32


@dataclass(frozen=True, slots=True)
class Offer:
    """A suggestion that was shown below a line, which says `above`, and the text that it makes from its
    line's first letter on, of which `n_typed` letters were there."""

    above: str
    text: str
    n_typed: int
    origin: Origin

    def is_told_by(self, other: Offer) -> bool:
        return (other.above, other.text) == (self.above, self.text)


def offered(
    offers: tuple[Offer, ...], document: Document, offset: int, completion: Completion, model: str
) -> tuple[Offer, ...]:
    """With the suggestions that are shown at a cursor now. What is left of one while it is typed is no
    other."""
    text, start = document.text, line_start(document.text, offset)
    begun, above = text[start:offset].lstrip(), _last_line(text, start)
    for each in completion.candidates:
        origin = Origin(model, each.seed, completion.stats.n_prompt, each.mean_logprob)
        first, _, below = each.text.partition("\n")
        if first.strip():
            offer = Offer(above, begun + each.text, len(begun), origin)
        else:
            offer = Offer(begun.strip() or above, below.lstrip(), 0, origin)
        if offer.text and not any(map(offer.is_told_by, offers)):
            offers = (*offers, offer)
    return offers[-MAX_OFFERS:]


def origin_of(offers: Sequence[Offer], comment: str, code: str) -> Origin | None:
    """By what a code was made that stands below a comment; None where a person wrote it."""
    above, code = _last_line(comment, len(comment)), code.lstrip()
    first = _first_line(code)
    fitting = [
        offer
        for offer in offers
        if offer.above == above
        and first.startswith(_first_line(offer.text))
        and 2 * (len(_first_line(offer.text)) - offer.n_typed) >= len(first)
    ]
    best = max(fitting, key=lambda offer: n_common_start(offer.text, code), default=None)
    return best.origin if best else None


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip()


def _last_line(text: str, end: int) -> str:
    """What the last line says that is not blank, of those before an offset."""
    end = code_before(text, end)
    return text[line_start(text, end) : end].strip()
