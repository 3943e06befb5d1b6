"""Time: what is open, which request is the newest, and what the one engine does meanwhile.

Everything else is a function; here lives what changes. All methods run on the event loop. The engine
runs on a thread of its own, because the server's thread pool reads standard input.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from codegen_lsp.answering import SURE, Answer, Answering
from codegen_lsp.attempt import Way
from codegen_lsp.choose import samplings
from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.dialogue import Dialogue
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine
from codegen_lsp.explain import Explanation, Remembered, refused
from codegen_lsp.explaining import Explaining
from codegen_lsp.ignore import RULES, Ignore, path_of
from codegen_lsp.likely import Place, follow
from codegen_lsp.loaded import Loaded, Opened
from codegen_lsp.loading import Load, Loading
from codegen_lsp.privacy import may_read, refusal
from codegen_lsp.project import Project
from codegen_lsp.strain import Strain
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.synthesis import Asked, Proposal, Stated

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds in which nothing happens before the engine prepares for the next request. People press a key
# every 0.24 s, give or take 0.11 (136 million keystrokes; Dhakal et al., CHI 2018), so typing does not
# start it; and Neovim sends its request 0.2 s after a key.
PAUSE = 0.5


class Session:
    """The documents of one client, and the engine that completes them."""

    def __init__(
        self,
        load: Load,
        config: Config,
        pause: float = PAUSE,
        hear: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        """`hear` is told, on the loop, what the engine has done: see editor_clients/README.md."""
        self.config = config
        self.documents: dict[str, Document] = {}
        self._cursors: dict[str, Place] = {}  # each as it was last known, perhaps some edits ago
        self._attention = ""  # the document in which something happened last
        self._deleted: dict[str, int | None] = {}  # where the last edit took something away
        self._folders: tuple[Path, ...] = ()
        self._shown: Way | None = None  # the suggestion that the client shows, if any
        self._has_accepted = False  # with the last edit
        self._newest: tuple[str, asyncio.Task[Answer]] | None = None
        self._hear = hear
        self.ignore = Ignore()
        self._surroundings = Surroundings()
        self.project = Project(self._surroundings.learn, self._surroundings.forget)
        self._loaded = Loaded(self.ignore, self._surroundings, self._path_of, self._opened)
        self._strain = Strain(self._loaded.seconds_used)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._loading = Loading(load, self._loaded, self._executor, self._make_way)
        self._answering = Answering(
            config,
            self._loaded,
            self._loading,
            self._executor,
            self.documents.__contains__,
            hear,
        )
        self._explaining = Explaining(self._executor, self._loaded.explain, self._remembered)
        self._pause = pause
        self._pausing: asyncio.TimerHandle | None = None
        self._preparing = Cancel()
        self.dialogue = Dialogue(self._may_read, parsed=self._loaded.parsed)
        self._n_writing = 0  # wishes by name that the engine is at work on

    @property
    def state(self) -> str:
        """What the engine is up to, in one word."""
        if self._loading.is_under_way:
            return "loading"
        return "ready" if self._loaded.is_there else "off"

    @property
    def strain(self) -> str:
        """Why suggestions come later and shorter just now; empty where they do not."""
        return self._strain.reason() if self.config.power_saving else ""

    def configure(self, config: Config) -> bool:
        """Take new settings; say whether they ask for an engine other than the one that is loaded, or
        about to be: then `load` it."""
        if _reading_settings(config) != _reading_settings(self.config):
            self._reconsider()
            self._open_folders(config)
        self.config = self._answering.config = config
        self._expect(self._attention)
        return self._loading.is_needed(config)

    def starting(self) -> AbstractContextManager[None]:
        """Within this a model is going to be loaded, and wishes wait for it."""
        return self._loading.announced()

    def open_folders(self, folders: Sequence[Path]) -> None:
        """Know the workspace's folders: what their files define, and what is ignored in them."""
        if self._folders != tuple(folders):
            self._folders = tuple(folders)
            self.ignore.root_in(folders)
            self._open_folders(self.config)

    def changed_on_disk(self, uri: str) -> None:
        """A file was made, changed, or deleted; or it is no longer open."""
        path = path_of(uri)
        if path is not None and Path(path).name in RULES:
            self._reconsider()
        if path is not None and uri not in self.documents:
            self.project.look_again(path)

    async def load(self, progress: Callable[[float], None]) -> None:
        """Load the configured model; `progress` is called on the loop with a share from 0 to 1. A newer
        call ends this one. Raises `EngineError`, and keeps the engine that there was."""
        try:
            await self._loading.run(self.config, progress)
            self._answering.suggestions.clear()  # the former engine's
        finally:
            if not self._loading.is_under_way:
                self._expect(self._attention)

    def put(self, document: Document) -> None:
        """Open a document, or change it: what was asked about its last version is outdated."""
        self._give_up(document.uri)
        before = self.documents.get(document.uri)
        self.documents[document.uri] = document
        self._cursors.setdefault(document.uri, Place(document, None))
        if before is None and (path := path_of(document.uri)) is not None:
            self.project.turn_to(path)
        if before is not None:
            self._notice(before, document)
        self._answering.attempts.follow(document)
        self.dialogue.follow(document)
        self._expect(document.uri)

    def move(self, document: Document, offset: int) -> None:
        """Know where the cursor is, in a document that is open."""
        self._cursors[document.uri] = Place(document, offset)
        self._expect(document.uri)

    def accept(self, uri: str, offset: int, text: str) -> None:
        """Know that a candidate shown at `offset` was taken: the cursor is behind it. A hint only:
        where the edit itself is still to come, that will say the same."""
        document = self.documents.get(uri)
        if document is not None and document.text.startswith(text, offset):
            self.move(document, offset + len(text))

    def remove(self, uri: str) -> None:
        self._give_up(uri)
        document = self.documents.pop(uri, None)
        if document is not None:
            self.dialogue.close(document)
            del self._cursors[uri]
            self._deleted.pop(uri, None)
            self._answering.suggestions.forget(uri)
            self._executor.submit(self._loaded.forget, uri)
            self.changed_on_disk(uri)
        if self._shown is not None and self._shown.start.document.uri == uri:
            self._shown = None
        if self._attention == uri:
            self._attention = ""
            self._interrupt()
            self._answering.attempts.drop()

    def refusal(self, document: Document) -> str:
        """Why nothing of a document may reach an engine, in a few words; empty where it may."""
        return refusal(document, self.config, self.ignore)

    async def stated_in(self, document: Document, start: int, end: int) -> tuple[Stated, ...]:
        """The intents of a selection or at a cursor; see `synthesis`."""
        if self.refusal(document):
            return ()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, self._loaded.stated_in, document, start, end
        )

    async def stated_near(self, document: Document, start: int, end: int) -> tuple[Stated, ...]:
        """The same, for who does not want to wait until the engine has time."""
        return await asyncio.to_thread(self._loaded.stated_in, document, start, end)

    async def is_sayable(self, asked: Asked) -> bool:
        """Whether a comment can be written where it is to be; see `synthesis`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._loaded.is_sayable, asked)

    async def propose(
        self, asked: Asked, cancel: Cancel, hear: Callable[[str], None], first_seed: int = 0
    ) -> tuple[Proposal, ...]:
        """Code for an intent, the best first; until somebody raises the flag. Suggestions wait for its
        end. `hear` is told on the engine's thread what is written so far. Nothing for a document that
        may not be read."""
        if self.refusal(asked.document):
            return ()
        config = self.config
        drawn = samplings(config.candidates, config, first_seed)
        propose = partial(self._loaded.propose, asked, drawn, config, cancel, hear)
        return await self._asked_for(asked.document, propose)

    async def think(self, document: Document, work: Callable[[Document, Engine], T]) -> T | None:
        """What `work` makes of a document, with its secrets masked and all offsets as they were, and of
        the engine; on the engine's thread, while suggestions wait. None where nothing of it may be read,
        or there is no engine, or it fails."""
        if self.refusal(document):
            return None
        return await self._asked_for(document, partial(self._loaded.think, document, work))

    async def score(
        self, document: Document, spans: Sequence[tuple[int, int]], cancel: Cancel
    ) -> float | None:
        """How likely stretches of a document are to the model, until somebody raises the flag; see
        `Loaded.score`. Suggestions wait for its end."""
        score = partial(self._loaded.score, document, spans, self.config, cancel)
        return await self._asked_for(document, score)

    async def complete(
        self, document: Document, offset: int, n: int = 1, *, invoked: bool = False
    ) -> Answer:
        """Candidates for the cursor, or none as soon as a newer request or a change outdates this
        one. Where the awaiting task is cancelled, the engine is stopped unless somebody asks again
        who has typed what it says."""
        if why := self.refusal(document):
            return Answer(Completion(reason=why))
        if self._n_writing:
            return Answer(Completion(reason="code for a comment is being written"))
        self._give_up()
        self._interrupt()
        if document.uri in self.documents:
            self._cursors[document.uri] = Place(document, offset)
        request = self._request(document, offset, n, invoked)
        is_awaited = invoked or self._has_accepted
        task = asyncio.ensure_future(self._answering.answer(request, is_awaited=is_awaited))
        self._newest = (document.uri, task)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            self._answering.attempts.let_go()
            if self._newest is not None and self._newest[1] is task:
                self._newest = None
                self._expect(document.uri)
        if task.cancelled():
            return Answer(Completion(reason="outdated"))
        self._show(request, task.result())
        return task.result()

    async def explain(
        self, document: Document, offset: int, n: int = 1, *, invoked: bool = False
    ) -> Explanation:
        """Why there is what is suggested at a place, or nothing, until somebody types or asks. Nothing
        is shown or kept for it."""
        request = self._request(document, offset, n, invoked)
        if why := self.refusal(document) or self._absence:
            return refused(request, self.config, why, self._path_of(document.uri))
        return await self._explaining.run(request, self.config, SURE)

    def close(self) -> None:
        """Stop what runs, and free the engine."""
        self._give_up()
        self._interrupt()
        self._answering.attempts.drop()
        for document in self.documents.values():
            self.dialogue.keep(document)
        self._loading.close()
        self._executor.shutdown(wait=True)
        self._loaded.close()
        self.project.close()

    async def _asked_for(self, document: Document, work: Callable[[], T]) -> T:
        """The engine's thread does what a person has asked for by name; suggestions wait for its end."""
        self._give_up()
        self._interrupt()
        self._answering.attempts.drop()
        self._n_writing += 1
        try:
            await self._loading.wait()
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._n_writing -= 1
            self._expect(document.uri)

    @property
    def _absence(self) -> str:
        """Why the engine is not there for anybody, in a few words; empty where it is."""
        if self._n_writing:
            return "code for a comment is being written"
        if self._loaded.is_there:
            return ""
        return "the model is being loaded" if self._loading.is_under_way else "there is no model"

    def _request(self, document: Document, offset: int, n: int, invoked: bool) -> Request:
        just_deleted = self._deleted.get(document.uri) == offset
        return Request(document, offset, n, invoked, just_deleted, bool(self.strain))

    def _remembered(self, request: Request) -> tuple[Remembered, Completion] | None:
        answer = self._answering.known(request)
        if answer is None:
            return None
        return "cache" if answer.source == "cache" else "typed", answer.completion

    def _reconsider(self) -> None:
        """Other files may be read than before."""
        self.ignore.forget()
        self._answering.suggestions.clear()
        self._executor.submit(self._loaded.reconsider)

    def _open_folders(self, config: Config) -> None:
        if self._folders:
            self.project.open(self._folders, config)

    def _may_read(self, document: Document) -> bool:
        return may_read(document, self.config, self.ignore)

    def _opened(self) -> Opened:
        """The open documents and their turns; on any thread."""
        documents = self.documents.copy().values()
        return [(document, self.dialogue.of(document.uri)) for document in documents]

    def _path_of(self, uri: str) -> str:
        """How a person calls the file of a document."""
        path = path_of(uri)
        return uri if path is None else self.project.name_of(path)

    def _show(self, request: Request, answer: Answer) -> None:
        """The client shows an answer: look ahead to where it leads."""
        place = Place(request.document, request.offset)
        best = next(iter(answer.completion.candidates), None)
        self._shown = None if best is None else Way(place, best.text)
        self.dialogue.offer(request.document, request.offset, answer.completion, self._loaded.model)
        if best is not None:
            self._answering.look_ahead(request, best)

    def _notice(self, before: Document, document: Document) -> None:
        """What an edit says of the person: that a key was pressed, something deleted, or a suggestion
        accepted, in whatever way the client does that."""
        n_more = len(document.text) - len(before.text)
        self._has_accepted = False
        self._deleted.pop(document.uri, None)
        if n_more < 0:
            self._deleted[document.uri] = follow(Place(before, None), document).offset
        elif n_more == 1:
            self._answering.rhythm.key(asyncio.get_running_loop().time())
        shown = self._shown
        if shown is None or shown.start.document.uri != document.uri:
            return
        if (typed := shown.typed_in(document)) is None:
            self._shown = None
        elif n_more > 1 and typed[-n_more:].strip():  # the Enter key puts in several spaces at once
            logger.info("accepted %d characters", n_more)
            self._has_accepted = True
            self._hear({"event": "accepted", "nCharacters": n_more})

    def _give_up(self, uri: str | None = None) -> None:
        """Answer the newest request with nothing, if there is one (and it asks about `uri`)."""
        self._explaining.drop()
        self._answering.rest()
        if self._newest is not None and uri in (None, self._newest[0]):
            self._newest[1].cancel()
            self._newest = None

    def _expect(self, uri: str) -> None:
        """Prepare for a request about a document, unless something happens before that."""
        self._interrupt()
        self._attention = uri
        self._pausing = asyncio.get_running_loop().call_later(self._pause, self._prepare)

    def _interrupt(self) -> None:
        """Prepare for nothing just now. What the engine has evaluated by then it keeps."""
        self.project.pause()
        self._preparing.set()
        if self._pausing is not None:
            self._pausing.cancel()

    def _make_way(self) -> None:
        """For another engine. On any thread."""
        self._preparing.set()

    def _prepare(self) -> None:
        """Nothing has happened for a while: the engine may use the time, behind all requests."""
        likely = None
        if self._attention in self.documents:
            likely = follow(self._cursors[self._attention], self.documents[self._attention])
            self._cursors[self._attention] = likely
            self.dialogue.keep(self.documents[self._attention])
        # The one worked on comes first: a key may come at any time.
        uris = sorted(self.documents, key=lambda uri: uri != self._attention)
        places = [Place(self.documents[uri], self._cursors[uri].offset) for uri in uris]
        self.project.resume()
        self._preparing = Cancel()
        work = asyncio.get_running_loop().run_in_executor(
            self._executor, self._loaded.prepare, likely, places, self.config, self._preparing
        )
        work.add_done_callback(self._prepared)

    def _prepared(self, work: asyncio.Future[int]) -> None:
        self._hear({"event": "warm", "nEvaluated": work.result()})
        if not self._preparing.is_set() and self._newest is None:
            self._hear({"event": "idle"})


def _reading_settings(config: Config) -> tuple[object, ...]:
    """What decides which files may be read."""
    return config.enabled, config.disabled_languages
