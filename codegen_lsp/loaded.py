"""The engine that is loaded, and what it was told and asked so far.

All of this runs on the engine's thread. Whatever goes wrong is logged here and costs one suggestion.
"""

from __future__ import annotations

import logging
import traceback
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from codegen_lsp.complete import (
    Completion,
    Known,
    Request,
    complete,
    ignore,
    prompt_for,
    without_new_errors,
)
from codegen_lsp.config import Config
from codegen_lsp.context import MAX_TEXT
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, EngineError, Prompt, Sampling, mean_logprob
from codegen_lsp.explain import Explanation, explain, refused
from codegen_lsp.history import Said
from codegen_lsp.likely import Place
from codegen_lsp.normal import normal
from codegen_lsp.privacy import IsIgnored, excerpt, may_read, readable
from codegen_lsp.score import logprobs
from codegen_lsp.secrets import NOTHING, Masked
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.syntax import Parsed
from codegen_lsp.synthesis import (
    Asked,
    Proposal,
    Stated,
    is_sayable,
    proposals,
    request_for,
    stated_in,
)
from codegen_lsp.talk import Talk, placed, said
from codegen_lsp.turns import Turns, follow
from codegen_lsp.weigh import surprise, weighed

logger = logging.getLogger(__name__)

Opened = Sequence[tuple[Document, Turns]]
"""The open documents, and what was said in them: perhaps in another version of their text."""

T = TypeVar("T")

# Documents of which the last parse is kept: a tree of 10,000 lines takes some 10 MB.
MAX_KNOWN = 8


class Loaded:
    """One engine at a time, or none so far."""

    def __init__(
        self,
        is_ignored: IsIgnored,
        surroundings: Surroundings,
        path_of: Callable[[str], str],
        opened: Callable[[], Opened] = tuple,
    ) -> None:
        """`path_of` says how a person calls the file of a URI; `opened` what is open just now, on any
        thread."""
        self._is_ignored, self._surroundings, self._path_of = is_ignored, surroundings, path_of
        self._opened = opened
        self.settings: object = None  # what the engine was made from
        self.model = ""  # its name: while another one is loaded, not what the settings say
        self._engine: Engine | None = None
        # By URI: which version, and by which rules.
        self._told: dict[str, tuple[object, Config]] = {}
        # By URI, the one used last at the end.
        self._known: dict[str, Known] = {}
        # By URI: the last version, with its secrets masked.
        self._masked: dict[str, Masked] = {}
        # Places whose prompts were evaluated last: that of a request, those ahead of it.
        self._ready: deque[Place] = deque(maxlen=4)
        self._trouble = ""  # that the engine has; said once, until it does its work again

    @property
    def is_there(self) -> bool:
        return self._engine is not None

    def replace(self, engine: Engine, settings: object, model: str) -> None:
        """Go on with another engine, which knows nothing yet."""
        former, self._engine = self._engine, engine
        self.settings, self.model, self._trouble = settings, model, ""
        self.reconsider()  # a layout holds tokens of the former one
        if former is not None:
            former.close()

    def complete(
        self,
        request: Request,
        config: Config,
        cancel: Cancel,
        hear: Callable[[str], None],
        read: Callable[[Prompt], None] = ignore,
    ) -> Completion:
        """Candidates for a place; none where there is no engine, or where it fails. See `complete`."""
        completion = Completion(reason="the model is not there")
        if self._engine is None:
            return completion
        with self._surviving():
            asked, known = self._asked(request, config)
            completion = complete(asked, self._engine, config, cancel, known, hear, read=read)
            self._know(request.document.uri, completion.known)
            if completion.prompt is not None and not cancel.is_set():
                self._ready.append(Place(request.document, request.offset))
                self._trouble = ""
        return completion

    def propose(
        self,
        asked: Asked,
        drawn: tuple[Sampling, ...],
        config: Config,
        cancel: Cancel,
        hear: Callable[[str], None],
    ) -> tuple[Proposal, ...]:
        """Code for an intent, the best first; see `weigh`. How clear the intent is the model says before
        it answers: so each token of the prompt is evaluated once."""
        surprises: list[float | None] = []

        def read(prompt: Prompt) -> None:
            if self._engine is not None:
                surprises.append(surprise(asked, prompt, self._engine, cancel))

        completion = self.complete(request_for(asked, drawn), config, cancel, hear, read)
        found = proposals(asked, completion, self.model)
        if not found or cancel.is_set():
            return found
        weigh = partial(weighed, found, surprises[0], cancel)
        return self.think(asked.document, weigh) or found

    def explain(self, request: Request, config: Config, cancel: Cancel) -> Explanation:
        """Why a request is answered as it is; see `explain`. Nothing that is known changes by it."""
        path = self._path_of(request.document.uri)
        if self._engine is not None:
            with self._surviving():
                asked, known = self._asked(request, config)
                config = replace(config, model=self.model)
                return explain(asked, self._engine, config, cancel, known)
        return refused(request, config, self._trouble or "the model is not there", path)

    def without_new_errors(
        self, candidates: Sequence[Candidate], document: Document, offset: int
    ) -> tuple[Candidate, ...]:
        """See `complete`. On any thread."""
        known = self._known_of(document.uri)
        return without_new_errors(candidates, self._readable(document), offset, known)

    def stated_in(self, document: Document, start: int, end: int) -> tuple[Stated, ...]:
        """See `synthesis`. On any thread."""
        return stated_in(document, start, end, self._known_of(document.uri))

    def parsed(self, uri: str) -> Parsed | None:
        """A document's last version that was parsed for a request, if one was. On any thread."""
        return self._known_of(uri).parsed

    def think(self, document: Document, work: Callable[[Document, Engine], T]) -> T | None:
        """What `work` makes of a document, as far as an engine may read it, and of the engine."""
        made = None
        if self._engine is not None:
            with self._surviving():
                made = work(self._readable(document), self._engine)
        return made

    def is_sayable(self, asked: Asked) -> bool:
        """See `synthesis`."""
        return is_sayable(asked, self._known_of(asked.document.uri))

    def score(
        self,
        document: Document,
        spans: Sequence[tuple[int, int]],
        config: Config,
        cancel: Cancel,
    ) -> float | None:
        """The mean natural logarithm of the probability of a token in these stretches of a document,
        each given what stands before it. None where there is no engine, where it fails, or the flag is
        raised."""
        scored: list[float] = []
        is_whole = False
        if self._engine is None:
            return None
        with self._surviving():
            masked, _ = readable(document)
            known = self._known_of(document.uri)
            for start, end in spans:
                scored += logprobs(masked, start, end, self._engine, config, cancel, known)
            is_whole = bool(scored) and not cancel.is_set()
        return mean_logprob(scored) if is_whole else None

    def prepare(
        self, likely: Place | None, documents: Sequence[Place], config: Config, cancel: Cancel
    ) -> int:
        """While nobody waits: tell the engine what has changed in the open documents, and evaluate the
        prompt of the request that is likely to come. Returns how many tokens that took."""
        n_evaluated = 0
        with self._surviving():
            for place in documents:
                self._tell(place, config, cancel)
            if likely is not None:
                n_evaluated = self._warm(likely, config, cancel)
        return n_evaluated

    def reconsider(self) -> None:
        """What may be read is decided by other rules than before: keep nothing that was put together by
        those."""
        self._start_anew()
        self._known.clear()

    def forget(self, uri: str) -> None:
        """Of a document that was closed nothing is kept."""
        for place in [place for place in self._ready if place.document.uri == uri]:
            self._ready.remove(place)
        self._known.pop(uri, None)
        self._masked.pop(uri, None)
        self._surroundings.forget(self._path_of(uri))
        if self._told.pop(uri, None) and self._engine is not None:
            with self._surviving():
                self._engine.remember(uri, "")

    def seconds_used(self) -> float:
        """Processor time of the engine's own process so far. On any thread."""
        engine = self._engine
        return engine.seconds_used() if engine is not None else 0.0

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def _tell(self, place: Place, config: Config, cancel: Cancel) -> None:
        document = place.document
        is_told = self._told.get(document.uri) == (document, config)
        if self._engine is None or is_told or cancel.is_set():
            return
        text = excerpt(document, place.offset or 0, config, self._is_ignored)
        self._engine.remember(document.uri, text)
        path = self._path_of(document.uri)
        if text:
            self._surroundings.put(path, self._readable(document).text, document.language)
            self._surroundings.touch(path, _line_at(document, place.offset))
        else:
            self._surroundings.forget(path)
        self._told[document.uri] = (document, config)

    def _warm(self, place: Place, config: Config, cancel: Cancel) -> int:
        """Evaluate the prompt of a place. Where the cursor is unknown, take the end of the text if all
        of it fits: every other cursor's prompt is a beginning of that one."""
        document = place.document
        # What was just answered is left alone: behind its prompt the engine holds the answer too,
        # and that is the next prompt if it is accepted.
        is_ready = place in self._ready
        if self._engine is None or is_ready or cancel.is_set():
            return 0
        if not may_read(document, config, self._is_ignored):
            return 0
        talk = self._talk(document, config)
        document = self._readable(document)
        known = self._known_of(document.uri)
        context = replace(known, talk=talk).gather(
            document, len(document.text) if place.offset is None else place.offset
        )
        if context is None:
            return 0
        rendered = prompt_for(context, self._engine, config, known.layout, fresh=True)
        if place.offset is None and not rendered.layout.is_whole:
            return 0
        n_tokens = self._engine.warm(rendered.prompt.tokens, cancel)
        logger.debug("evaluated %d tokens ahead", n_tokens)
        if not cancel.is_set():  # else the former layout is still the one that is evaluated
            self._know(document.uri, replace(known, parsed=context.parsed, layout=rendered.layout))
            self._ready.append(place)
            self._trouble = ""
        return n_tokens

    def _asked(self, request: Request, config: Config) -> tuple[Request, Known]:
        """What is asked of what may be read, and what is known of that."""
        talk = self._talk(request.document, config)
        known = replace(self._known_of(request.document.uri), talk=talk)
        return replace(request, document=self._readable(request.document)), known

    def _talk(self, document: Document, config: Config) -> Talk:
        """What was said in this version of a document, and in others of its language."""
        opened = self._opened()
        here = [turns for other, turns in opened if other.uri == document.uri]
        others = [
            (other, turns)
            for other, turns in opened
            if other.uri != document.uri and other.language == document.language
        ]
        turns = follow(here[0] if here else Turns(""), document.text).turns
        return Talk(turns, lambda: tuple(self._said_in(others, config)))

    def _said_in(self, opened: Opened, config: Config) -> Iterator[Said]:
        """What the turns of documents say, as far as an engine may read it."""
        for document, turns in opened:
            is_open = turns.turns and len(document.text) <= MAX_TEXT
            if is_open and may_read(document, config, self._is_ignored):
                found = follow(turns, document.text).turns
                text = self._readable(document).text
                found = placed(found, text, document.language)
                yield from said(found, normal(text, document.language), document.language)

    def _readable(self, document: Document) -> Document:
        uri = document.uri
        document, self._masked[uri] = readable(document, self._masked.get(uri, NOTHING))
        return document

    def _known_of(self, uri: str) -> Known:
        known = self._known.get(uri)
        return known or Known(surroundings=self._surroundings, path=self._path_of(uri))

    def _know(self, uri: str, known: Known) -> None:
        self._known.pop(uri, None)
        self._known[uri] = known
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def _start_anew(self) -> None:
        self._told.clear()
        self._ready.clear()

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            if self._trouble != str(error):
                logger.error("no suggestion: %s", error)
            self._trouble = str(error)
            self._start_anew()  # it may have been started again, and know nothing
        except Exception as error:  # a request is answered, whatever happens
            log_failure(error)


def _line_at(document: Document, offset: int | None) -> int | None:
    return None if offset is None else bisect_right(document.line_starts, offset) - 1


def log_failure(error: BaseException) -> None:
    """Log what nobody thought of: where it happened, but not its message, which may hold code."""
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.error("no suggestion because of %s\n%s", type(error).__name__, where)
