"""What was said in the open documents: their turns, which follow every edit and survive a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codegen_lsp.document import Document
from codegen_lsp.recall import Recall
from codegen_lsp.synthesis import Proposal
from codegen_lsp.turns import Turn, Turns, add, clear, follow


class Dialogue:
    """The turns of each open document."""

    def __init__(self, may_keep: Callable[[Document], bool], recall: Recall | None = None) -> None:
        """`may_keep` says whether anything of a document may be written down."""
        self._may_keep = may_keep
        self._recall = recall or Recall()
        self._turns: dict[str, Turns] = {}
        self._kept: dict[str, tuple[Turn, ...]] = {}  # as they were written down last

    def follow(self, document: Document) -> None:
        """A document was opened, or has changed."""
        turns = self._turns.get(document.uri)
        if turns is not None:
            self._turns[document.uri] = follow(turns, document.text)
            return
        turns = self._recall.load(document) if self._may_keep(document) else Turns(document.text)
        self._turns[document.uri] = turns
        self._kept[document.uri] = turns.turns

    def of(self, uri: str) -> Turns:
        """The turns of a document; none where it is not open."""
        return self._turns.get(uri, Turns(""))

    def plan(self, proposal: Proposal) -> None:
        """A proposal is about to be put into its document: a turn, as soon as that says so. Where it
        never does, the edit that it waits for is undone by what the document says next."""
        asked, uri = proposal.asked, proposal.asked.document.uri
        planned = follow(self.of(uri), proposal.result)
        end = asked.border + len(proposal.code)
        planned, _ = add(planned, asked.start, asked.border, end, asked.intent, proposal.origin)
        self._turns[uri] = planned

    def clear(self, uri: str) -> int:
        """Forget the turns of a document, not their text; how many that were."""
        turns = self.of(uri)
        if uri in self._turns:
            self._turns[uri] = clear(turns)
        return len(turns.turns)

    def keep(self, document: Document) -> None:
        """Write the turns of a document down, if they are others than were written last. Takes some
        milliseconds."""
        turns = self.of(document.uri)
        if turns.turns != self._kept.get(document.uri) and self._may_keep(document):
            self._recall.save(document, turns)
            self._kept[document.uri] = turns.turns

    def close(self, document: Document) -> None:
        """A document is no longer open."""
        self.keep(document)
        self._turns.pop(document.uri, None)
        self._kept.pop(document.uri, None)

    def rename(self, uri: str, other: str, documents: Mapping[str, Document]) -> None:
        """A file was given another name; its document may be open by the one or the other, or not."""
        if uri in documents:
            self.keep(documents[uri])
        self._recall.move(uri, other)
        if other in documents and not self.of(other).turns:
            del self._turns[other]
            self.follow(documents[other])

    def wipe(self) -> bool:
        """Forget what was written down of all documents; say whether nothing is left of it."""
        return self._recall.wipe()
