"""What comes to stand below comments while no command writes it: turns that a person makes by typing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codegen_lsp.answered import Answer, Seen, answered, noticed, opened
from codegen_lsp.complete import Completion
from codegen_lsp.document import Document
from codegen_lsp.offers import Offer, offered, origin_of
from codegen_lsp.syntax import Parsed
from codegen_lsp.turns import Turns, add


class Watch:
    """The open documents as they were looked at last, and what was suggested in them since they were
    opened."""

    def __init__(self, parsed: Callable[[str], Parsed | None]) -> None:
        """`parsed` gives an earlier version of a document, by its URI, if there is one: then less has to
        be parsed."""
        self._parsed = parsed
        self._seen: dict[str, Seen] = {}
        self._offers: dict[str, tuple[Offer, ...]] = {}

    def follow(self, document: Document) -> None:
        """A document was opened, or has changed."""
        seen = self._seen.get(document.uri)
        self._seen[document.uri] = noticed(seen, document) if seen else opened(document)

    def offer(self, document: Document, offset: int, completion: Completion, model: str) -> None:
        """Suggestions of a model are shown at a cursor: what comes to stand there may be one."""
        if document.uri in self._seen:
            offers = self._offers.get(document.uri, ())
            self._offers[document.uri] = offered(offers, document, offset, completion, model)

    def settled(self, uri: str, turns: Turns) -> Turns:
        """With turns of what was written below comments since this was asked last; `turns` are those of
        the document as it is now. Nothing is looked at where nothing has changed."""
        seen = self._seen[uri]
        if seen.now is seen.document:
            return turns
        self._seen[uri], found = answered(seen, self._parsed(uri))
        for answer in found:
            turns = self._added(uri, answer, turns)
        return turns

    def rest(self, uri: str) -> None:
        """What is being written is finished; what is put in below it is something else."""
        if seen := self._seen.get(uri):
            self._seen[uri] = replace(seen, last=None)

    def skip(self, uri: str) -> None:
        """What was written since nobody shall ask about."""
        self._seen[uri] = opened(self._seen[uri].now)

    def close(self, uri: str) -> None:
        self._seen.pop(uri, None)
        self._offers.pop(uri, None)

    def _added(self, uri: str, answer: Answer, turns: Turns) -> Turns:
        """An answer is a turn, or has become of one. What a command has made is whole, and what the
        person has accepted: neither grows."""
        start, border, end, intent, goes_on = answer
        there = next((turn for turn in turns.turns if turn.start == start), None)
        is_settled = there is not None and there.is_accepted
        if is_settled or goes_on != (there is not None):
            self.rest(uri)
            return turns
        end = min((end, *(turn.start for turn in turns.turns if turn.start > start)))
        code = turns.text[border:end].rstrip()
        origin = there.origin if there else None
        origin = origin or origin_of(self._offers.get(uri, ()), turns.text[start:border], code)
        return add(turns, start, border, border + len(code), intent, origin)[0]
