"""What was said in the open documents: their turns, which follow every edit and survive a restart, and
what else was written for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codegen_lsp.alternatives import Alternatives, chosen, plain, seeds
from codegen_lsp.anchor import anew
from codegen_lsp.complete import Completion
from codegen_lsp.document import Document
from codegen_lsp.edits import changed
from codegen_lsp.recall import Recall
from codegen_lsp.syntax import Parsed
from codegen_lsp.synthesis import Asked, Proposal, again
from codegen_lsp.turns import Turn, Turns, accept, add, clear, code_of, find, follow, rewrite
from codegen_lsp.watch import Watch


class Dialogue:
    """The turns of each open document, and of each turn what may be wanted instead."""

    def __init__(
        self,
        may_keep: Callable[[Document], bool],
        recall: Recall | None = None,
        parsed: Callable[[str], Parsed | None] = lambda _: None,
    ) -> None:
        """`may_keep` says whether anything of a document may be written down; `parsed` as in `Watch`."""
        self._may_keep = may_keep
        self._watch = Watch(parsed)
        self._recall = recall or Recall()
        self._documents: dict[str, Document] = {}
        self._turns: dict[str, Turns] = {}
        self._kept: dict[str, tuple[Turn, ...]] = {}  # as they were written down last
        self._alternatives: dict[str, dict[int, Alternatives]] = {}  # by URI and number

    def follow(self, document: Document) -> None:
        """A document was opened, or has changed."""
        self._documents[document.uri] = document
        self._watch.follow(document)
        turns = self._turns.get(document.uri)
        if turns is not None:
            self._turns[document.uri] = follow(turns, document.text)
            return
        turns = self._recall.load(document) if self._may_keep(document) else Turns(document.text)
        self._turns[document.uri] = turns
        self._kept[document.uri] = turns.turns

    def offer(self, document: Document, offset: int, completion: Completion, model: str) -> None:
        """Suggestions of a model are shown at a cursor; see `Watch`."""
        self._watch.offer(document, offset, completion, model)

    def settle(self, uri: str) -> None:
        """Let be turns what was written below comments since this was asked last: for a pause, and for
        whoever wants to know the turns of a document."""
        document = self._documents.get(uri)
        if document is not None and self._may_keep(document):
            self._turns[uri] = self._watch.settled(uri, self.of(uri))
        elif document is not None:
            self._watch.skip(uri)

    def of(self, uri: str) -> Turns:
        """The turns of a document; none where it is not open."""
        return self._turns.get(uri, Turns(""))

    def plan(self, proposal: Proposal, others: tuple[Proposal, ...] = ()) -> None:
        """A proposal is about to be put into its document: a turn, or the code of one that there is, as
        soon as that says so. Where it never does, the edit that it waits for is undone by what the
        document says next. `others` were made at the same time, and may be wanted instead."""
        asked, uri = proposal.asked, proposal.asked.document.uri
        self.settle(uri)
        self._watch.rest(uri)
        turns = self.of(uri)
        turn = None if asked.turn is None else find(turns, asked.turn)
        if turn is None:
            # What it takes goes whole, or an undo would bring no turn back whose comment had stayed.
            cleared = changed(asked.document.text, asked.change._replace(text=""))
            planned = follow(follow(turns, cleared), proposal.result)
            end = asked.border + len(proposal.code)
            planned, number = add(
                planned, asked.start, asked.border, end, asked.intent, proposal.origin,
                opening=_opening(asked),
            )  # fmt: skip
        else:
            number = turn.number
            planned = rewrite(turns, number, proposal.code, proposal.origin, asked.intent)
        self._turns[uri] = planned
        if number is not None:
            replaced = code_of(turns, turn) if turn else ""
            self._remember(
                uri, number, chosen(self._known(uri, number), proposal, others, replaced)
            )

    def alternatives(self, uri: str, number: int) -> tuple[Proposal, ...]:
        """All that is known to have been written for a turn, in the order made, each as it would be put
        into the document now."""
        document, turns = self._documents.get(uri), self.of(uri)
        turn = find(turns, number)
        if document is None or turn is None:
            return ()
        asked = again(turn, turns, replace(document, text=turns.text))
        return tuple(anew(each, asked) for each in self._known(uri, number).proposals)

    def current(self, uri: str, number: int) -> int:
        """Which of a turn's `alternatives` the document says, blanks aside; or did, before the person
        edited it."""
        turns, known = self.of(uri), self._known(uri, number)
        turn = find(turns, number)
        now = plain(code_of(turns, turn)) if turn else ""
        texts = [plain(each.code) for each in known.proposals]
        return texts.index(now) if now in texts else known.shown

    def shown(self, uri: str, number: int) -> Proposal | None:
        """That one, as it was made; None where nothing is known of it, as after a restart."""
        known, at = self._known(uri, number).proposals, self.current(uri, number)
        return known[at] if at < len(known) else None

    def n_known(self, uri: str, number: int) -> int:
        """How many of them there are."""
        return len(self._known(uri, number).proposals)

    def is_new(self, asked: Asked, code: str) -> bool:
        """Whether code for a turn says what none of its candidates for this intent said, nor what stands
        there."""
        uri, turns = asked.document.uri, self.of(asked.document.uri)
        turn = find(turns, asked.turn or 0)
        known = self._known(uri, asked.turn or 0)
        there = {plain(code_of(turns, turn))} if turn else set()
        return known.intent != asked.intent or plain(code) not in known.seen | there

    def first_seed(self, asked: Asked, n: int, model: str) -> int:
        """The first of `n` seeds with which a model was not asked for a turn's code yet; now it is."""
        uri, number = asked.document.uri, asked.turn or 0
        first, known = seeds(self._known(uri, number), asked, n, model)
        self._remember(uri, number, known)
        return first

    def accept(self, uri: str, number: int) -> None:
        """A turn is settled: nothing else is wanted for it."""
        self._turns[uri] = accept(self.of(uri), number)
        self._alternatives.get(uri, {}).pop(number, None)

    def clear(self, uri: str) -> int:
        """Forget the turns of a document, not their text; how many that were."""
        self.settle(uri)
        turns = self.of(uri)
        if uri in self._turns:
            self._turns[uri] = clear(turns)
        self._alternatives.pop(uri, None)
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
        self._documents.pop(document.uri, None)
        self._watch.close(document.uri)
        self._alternatives.pop(document.uri, None)

    def rename(self, uri: str, other: str) -> None:
        """A file was given another name; its document may be open by the one or the other, or not."""
        if uri in self._documents:
            self.keep(self._documents[uri])
        self._recall.move(uri, other)
        if other in self._documents and not self.of(other).turns:
            del self._turns[other]
            self.follow(self._documents[other])

    def wipe(self) -> bool:
        """Forget what was written down of all documents; say whether nothing is left of it."""
        return self._recall.wipe()

    def _known(self, uri: str, number: int) -> Alternatives:
        turns = self.of(uri)
        turn = find(turns, number)
        nothing = Alternatives(turn.intent if turn else "")
        return self._alternatives.get(uri, {}).get(number, nothing)

    def _remember(self, uri: str, number: int, known: Alternatives) -> None:
        """Only for turns that are there, or may come back."""
        turns = self.of(uri)
        there = {turn.number for turn in (*turns.turns, *(each.turn for each in turns.aside))}
        earlier = self._alternatives.get(uri, {})
        left = {other: each for other, each in earlier.items() if other in there}
        self._alternatives[uri] = {**left, number: known}


def _opening(asked: Asked) -> str | None:
    """What is put in before a comment that is written with its code; None where the comment, or one
    that it replaces, stands there."""
    start, end, text = asked.change
    is_new = text and not asked.document.text[start:end].strip()
    return text[: asked.start - start] if is_new else None
