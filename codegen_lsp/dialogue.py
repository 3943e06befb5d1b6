"""What was said in the open documents: their turns, which follow every edit and survive a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codegen_lsp.answered import Answer, Seen, answered, noticed, opened
from codegen_lsp.complete import Completion
from codegen_lsp.document import Document
from codegen_lsp.offers import Offer, offered, origin_of
from codegen_lsp.recall import Recall
from codegen_lsp.syntax import Parsed
from codegen_lsp.synthesis import Proposal
from codegen_lsp.turns import Turn, Turns, add, clear, follow


class Dialogue:
    """The turns of each open document."""

    def __init__(
        self,
        may_keep: Callable[[Document], bool],
        recall: Recall | None = None,
        parsed: Callable[[str], Parsed | None] = lambda _: None,
    ) -> None:
        """`may_keep` says whether anything of a document may be written down; `parsed` gives an earlier
        version of one, by its URI, if there is one: then less has to be parsed."""
        self._may_keep = may_keep
        self._parsed = parsed
        self._recall = recall or Recall()
        self._turns: dict[str, Turns] = {}
        self._kept: dict[str, tuple[Turn, ...]] = {}  # as they were written down last
        self._seen: dict[str, Seen] = {}
        self._offers: dict[str, tuple[Offer, ...]] = {}

    def follow(self, document: Document) -> None:
        """A document was opened, or has changed."""
        turns = self._turns.get(document.uri)
        if turns is not None:
            self._turns[document.uri] = follow(turns, document.text)
            self._seen[document.uri] = noticed(self._seen[document.uri], document)
            return
        turns = self._recall.load(document) if self._may_keep(document) else Turns(document.text)
        self._turns[document.uri] = turns
        self._kept[document.uri] = turns.turns
        self._seen[document.uri] = opened(document)

    def offer(self, document: Document, offset: int, completion: Completion, model: str) -> None:
        """Suggestions of a model are shown at a cursor: what comes to stand there may be one."""
        if document.uri in self._seen:
            offers = self._offers.get(document.uri, ())
            self._offers[document.uri] = offered(offers, document, offset, completion, model)

    def settle(self, uri: str) -> None:
        """Let be turns what was written below comments since this was asked last. For whoever wants to
        know a document's turns, and for a pause; while a planned change is on its way, nothing happens.
        Takes as long as it takes to compare two versions of the document, and some milliseconds where a
        comment stands near what has changed."""
        seen, turns = self._seen.get(uri), self.of(uri)
        if seen is None or seen.now is seen.document or turns.text != seen.now.text:
            return
        if not self._may_keep(seen.now):
            self._seen[uri] = opened(seen.now)
            return
        self._seen[uri], found = answered(seen, self._parsed(uri))
        for answer in found:
            self._add(uri, answer)

    def _add(self, uri: str, answer: Answer) -> None:
        """An answer is a turn, or has become of one. What a command has made is whole, and does not
        grow."""
        turns = self.of(uri)
        there = next((turn for turn in turns.turns if turn.start == answer.start), None)
        if answer.goes_on != (there is not None):
            self._seen[uri] = replace(self._seen[uri], last=None)
            return
        below = (turn.start for turn in turns.turns if turn.start > answer.start)
        end = min((answer.end, *below))
        origin = there.origin if there else None
        if origin is None:
            comment, code = (
                turns.text[answer.start : answer.border],
                turns.text[answer.border : end],
            )
            origin = origin_of(self._offers.get(uri, ()), comment, code)
        end = answer.border + len(turns.text[answer.border : end].rstrip())
        self._turns[uri], _ = add(turns, answer.start, answer.border, end, answer.intent, origin)

    def of(self, uri: str) -> Turns:
        """The turns of a document; none where it is not open."""
        return self._turns.get(uri, Turns(""))

    def plan(self, proposal: Proposal) -> None:
        """A proposal is about to be put into its document: a turn, as soon as that says so. Where it
        never does, the edit that it waits for is undone by what the document says next."""
        asked, uri = proposal.asked, proposal.asked.document.uri
        self.settle(uri)
        planned = follow(self.of(uri), proposal.result)
        end = asked.border + len(proposal.code)
        planned, _ = add(planned, asked.start, asked.border, end, asked.intent, proposal.origin)
        self._turns[uri] = planned

    def clear(self, uri: str) -> int:
        """Forget the turns of a document, not their text; how many that were."""
        self.settle(uri)
        turns = self.of(uri)
        if uri in self._turns:
            self._turns[uri] = clear(turns)
        return len(turns.turns)

    def keep(self, document: Document) -> None:
        """Write the turns of a document down, if they are others than were written last. Takes some
        milliseconds."""
        self.settle(document.uri)
        turns = self.of(document.uri)
        if turns.turns != self._kept.get(document.uri) and self._may_keep(document):
            self._recall.save(document, turns)
            self._kept[document.uri] = turns.turns

    def close(self, document: Document) -> None:
        """A document is no longer open."""
        self.keep(document)
        self._turns.pop(document.uri, None)
        self._kept.pop(document.uri, None)
        self._seen.pop(document.uri, None)
        self._offers.pop(document.uri, None)

    def wipe(self) -> bool:
        """Forget what was written down of all documents; say whether nothing is left of it."""
        return self._recall.wipe()
