"""The protocol: convert, call, convert. The only room that knows pygls and lsprotocol."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from codegen_lsp import __version__, commands
from codegen_lsp.answering import Answer
from codegen_lsp.config import Config, parse
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import EngineError
from codegen_lsp.ignore import RULES, path_of
from codegen_lsp.languages import LANGUAGES
from codegen_lsp.loaded import log_failure
from codegen_lsp.loading import Load
from codegen_lsp.position import Encoding, Position, edit, offset_at, position_at
from codegen_lsp.progress import displayed
from codegen_lsp.session import Session
from codegen_lsp.trials import Trials

logger = logging.getLogger(__name__)

SECTION = "codegen"  # of the client's settings
ACCEPT = "codegen.accept"
STATUS = "codegen.status"
# To clients that ask for it: what each answer came from and has cost. See editor_clients/README.md.
TRACE = "codegen/trace"
# What the index of the project wants to hear of.
_SUFFIXES = sorted(
    suffix[1:] for each in LANGUAGES.values() if each.grammar for suffix in each.suffixes
)
WATCHED = (f"**/*.{{{','.join(_SUFFIXES)}}}", f"**/{{{','.join(RULES)}}}")
RENAMED = types.FileOperationRegistrationOptions(
    [types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
)
# Ours: LSP does not tell where the cursor is. See editor_clients/README.md.
DID_MOVE_CURSOR = "codegen/didMoveCursor"
# Ours, too: whether the person trusts the workspace, which none of its files may say.
DID_CHANGE_TRUST = "codegen/didChangeTrust"

Params = TypeVar("Params")
Result = TypeVar("Result")
Handler = Callable[[Params], Coroutine[Any, Any, Result]]

# Seconds to wait for the client's settings before going on without; an editor answers in milliseconds.
PATIENCE = 5.0


def serve(load: Load, config: Config) -> None:
    """Speak LSP on standard input and output until the client is gone."""
    # pygls logs whole messages, and those hold people's code.
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    server = Server(load, config)
    try:
        server.start_io()
    finally:
        server.trials.close()
        server.session.close()


@dataclass(frozen=True, slots=True)
class DidMoveCursor:
    """The message of `DID_MOVE_CURSOR`."""

    method: str
    params: types.TextDocumentPositionParams
    jsonrpc: str


class Protocol(LanguageServerProtocol):
    """pygls's protocol with documents of our own (see `position.py`), and with an answer for requests
    whose parameters make no sense: pygls leaves their client waiting."""

    _server: Server

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        result: types.InitializeResult = yield from super().lsp_initialize(params)
        result.capabilities.experimental = {SECTION: {"didMoveCursor": True}}
        return result

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        self._server.session.put(Document(item.uri, item.language_id, item.version, item.text))

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        session, item = self._server.session, params.text_document
        document = session.documents.get(item.uri)
        if document is None:
            logger.warning("a change of a document that is not open was ignored")
            return
        for change in params.content_changes:
            document = _changed(document, item.version, change, self._server.encoding)
        session.put(document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._server.session.remove(params.text_document.uri)

    # pygls's own one is cached, and typed as a cache.
    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        return DidMoveCursor if method == DID_MOVE_CURSOR else super().get_message_type(method)

    def structure_message(self, data: dict[str, Any]) -> Any:
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise


class Server(LanguageServer):
    """One client's server: pygls's machinery around a `Session`."""

    protocol: Protocol

    def __init__(self, load: Load, config: Config) -> None:
        super().__init__(
            name="codegen-lsp",
            version=__version__,
            protocol_cls=Protocol,
            converter_factory=default_converter,
        )
        self.session = Session(load, config, hear=self.trace)
        self.trials = Trials(partial(self.show, types.MessageType.Info))
        self.is_traced = False  # the client wants to hear what each answer has cost
        self.initial_settings: object = None
        self.folders: list[str] = []  # of the workspace, as URIs
        self._base = config  # what the command line said; the client's settings come on top
        _register(self)

    @property
    def encoding(self) -> Encoding:
        """As agreed in `initialize`; pygls takes the client's first offer, be it text or enum."""
        encoding = self.protocol.server_capabilities.position_encoding
        return types.PositionEncodingKind(encoding or "utf-16").value

    @property
    def folder_paths(self) -> list[Path]:
        return [Path(path) for path in map(path_of, self.folders) if path]

    def find(self, uri: str, position: types.Position) -> tuple[Document, int] | None:
        """An open document and the offset of a position in it."""
        document = self.session.documents.get(uri)
        if document is None:
            return None
        return document, offset_at(document, _position(position), self.encoding)

    async def configure(self, settings: object) -> None:
        """Take a client's settings over those of the command line; load the model they ask for."""
        config, complaints = parse(settings, self._base)
        for complaint in complaints:
            logger.warning("%s", complaint)
            self.show(types.MessageType.Warning, complaint)
        logging.getLogger("codegen_lsp").setLevel(config.log_level.upper())
        needs_model = self.session.configure(config)
        self.session.open_folders(self.folder_paths)
        if needs_model:
            await self._load_model()

    async def fetch_settings(self, pushed: object = None) -> object:
        """The client's settings: asked for where it can be asked, else what it has pushed."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.configuration:
            item = types.ConfigurationItem(section=SECTION)
            try:
                request = self.workspace_configuration_async(
                    types.ConfigurationParams(items=[item])
                )
                return (await asyncio.wait_for(request, PATIENCE))[0]
            except (JsonRpcException, asyncio.TimeoutError) as error:
                logger.warning("the client did not send its settings (%s)", type(error).__name__)
        return pushed.get(SECTION) if isinstance(pushed, dict) else None

    async def watch(self) -> None:
        """Ask to be told when settings and files change, where the client wants to be asked for that."""
        workspace = self.client_capabilities.workspace
        wanted: dict[str, Any] = {}
        if workspace and (settings := workspace.did_change_configuration):
            options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
            if settings.dynamic_registration:
                wanted[types.WORKSPACE_DID_CHANGE_CONFIGURATION] = options
        if workspace and (files := workspace.did_change_watched_files):
            watchers = [types.FileSystemWatcher(glob_pattern=glob) for glob in WATCHED]
            if files.dynamic_registration:
                wanted[types.WORKSPACE_DID_CHANGE_WATCHED_FILES] = (
                    types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers)
                )
        registrations = [
            types.Registration(id=str(uuid4()), method=method, register_options=options)
            for method, options in wanted.items()
        ]
        if registrations:
            params = types.RegistrationParams(registrations=registrations)
            await self.client_register_capability_async(params)

    async def _load_model(self) -> None:
        """Load, showing how far it is; a failure is said once, and the last model goes on."""
        async with self._progress(f"Loading {self.session.config.model}") as report:
            try:
                await self.session.load(report)
            except EngineError as error:
                logger.error("%s", error)
                self.show(types.MessageType.Error, str(error))

    @asynccontextmanager
    async def _progress(self, title: str) -> AsyncIterator[Callable[[float], None]]:
        """A display of how far something is, told as a share from 0 to 1."""
        shown = 0
        async with displayed(self, types.WorkDoneProgressBegin(title=title, percentage=0)) as show:

            def report(share: float) -> None:
                nonlocal shown
                if shown < (percentage := int(share * 100)):
                    shown = percentage
                    show(types.WorkDoneProgressReport(percentage=percentage))

            yield report

    def trace(self, event: Mapping[str, Any]) -> None:
        """Tell a client that wants to hear it what has happened."""
        if self.is_traced:
            self.protocol.notify(TRACE, event)

    def show(self, kind: types.MessageType, message: str) -> None:
        """Tell the person one line."""
        self.window_show_message(
            types.ShowMessageParams(type=kind, message=f"codegen-lsp: {message}")
        )

    async def choose(self, question: str, answers: Sequence[str]) -> str | None:
        """Have the person choose; None where they do not, or the client cannot ask them."""
        params = types.ShowMessageRequestParams(
            type=types.MessageType.Info,
            message=f"codegen-lsp: {question}",
            actions=[types.MessageActionItem(title=answer) for answer in answers],
        )
        try:
            chosen = await self.window_show_message_request_async(params)
        except JsonRpcException as error:
            logger.warning("the client did not ask (%s)", type(error).__name__)
            return None
        return chosen.title if chosen is not None else None

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002
        """To the log, where pygls would show it to the person; and without the error's message."""
        details = error.data if isinstance(error, JsonRpcException) else None
        where = details["traceback"] if isinstance(details, dict) else ()
        kind = str(error).partition(":")[0] if where else type(error).__name__
        logger.error("a message of the client failed: %s\n%s", kind, "".join(where).rstrip())


def _register(server: Server) -> None:
    """Say which messages lead where. Only async handlers can be cancelled by the client."""
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.initial_settings = params.initialization_options
        server.folders = [folder.uri for folder in params.workspace_folders or ()]
        server.folders = server.folders or [params.root_uri or ""]
        experimental = params.capabilities.experimental
        match experimental:
            case {"codegen": dict(ours)}:
                server.is_traced = ours.get("trace") is True
                server.trials.is_trusted = ours.get("trusted") is True
        text_document = params.capabilities.text_document
        if text_document is None or text_document.inline_completion is None:
            # Whoever shows ghost text would only see the same twice.
            server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())(complete)
        commands.offer(server, params.capabilities)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        with session.starting():
            await server.watch()
            await server.configure(await server.fetch_settings() or server.initial_settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def settings_changed(params: types.DidChangeConfigurationParams) -> None:
        await server.configure(await server.fetch_settings(params.settings))

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    @_or_else(list[types.InlineCompletionItem])
    async def complete_inline(
        params: types.InlineCompletionParams,
    ) -> list[types.InlineCompletionItem]:
        found = server.find(params.text_document.uri, params.position)
        if found is None:
            return []
        document, offset = found
        invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        n = session.config.candidates if invoked else 1
        begun = time.perf_counter()
        answer = await session.complete(document, offset, n, invoked=invoked)
        seconds = time.perf_counter() - begun
        cpu_s = time.process_time() - session.project.seconds_used
        server.trace(_answered(params, document, answer, seconds, cpu_s))
        cursor = types.Range(start=params.position, end=params.position)
        return [
            types.InlineCompletionItem(
                insert_text=candidate.text,
                range=cursor,
                command=_accept_command(document, offset, candidate),
            )
            for candidate in answer.completion.candidates
        ]

    @_or_else(_no_items)
    async def complete(params: types.CompletionParams) -> types.CompletionList:
        found = server.find(params.text_document.uri, params.position)
        if found is None:
            return _no_items()
        document, offset = found
        answer = await session.complete(document, offset)
        items = [
            _item(candidate, document, offset, server.encoding)
            for candidate in answer.completion.candidates
        ]
        return types.CompletionList(is_incomplete=True, items=items)

    _register_news(server)
    commands.register(server)


def _register_news(server: Server) -> None:
    """What clients tell and ask beside completions."""
    session = server.session

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = {folder.uri for folder in params.event.removed}
        kept = [uri for uri in server.folders if uri not in removed]
        server.folders = kept + [folder.uri for folder in params.event.added]
        session.open_folders(server.folder_paths)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        for change in params.changes:
            session.changed_on_disk(change.uri)

    @server.feature(types.WORKSPACE_DID_RENAME_FILES, RENAMED)
    def files_renamed(params: types.RenameFilesParams) -> None:
        for file in params.files:
            session.dialogue.rename(file.old_uri, file.new_uri)

    @server.feature(DID_MOVE_CURSOR)
    def moved_cursor(params: types.TextDocumentPositionParams) -> None:
        found = server.find(params.text_document.uri, params.position)
        if found is not None:
            session.move(*found)

    @server.feature(DID_CHANGE_TRUST)
    def changed_trust(params: Any) -> None:
        server.trials.is_trusted = getattr(params, "trusted", None) is True

    @server.command(STATUS)
    def status() -> dict[str, Any]:
        return {
            "state": session.state,
            "model": session.config.model,
            "enabled": session.config.enabled,
            "strain": session.strain,
            "project": str(session.project.status),
        }

    @server.command(ACCEPT)
    def accept(shown: dict[str, Any]) -> None:
        match shown:
            case {"uri": str(uri), "offset": int(offset), "text": str(text)}:
                session.accept(uri, offset, text)
                logger.info("accepted %d characters", len(text))


def _or_else(
    nothing: Callable[[], Result],
) -> Callable[[Handler[Params, Result]], Handler[Params, Result]]:
    """Answer with nothing, and log, where a handler fails: VS Code makes a pop-up of every error."""

    def decorate(handler: Handler[Params, Result]) -> Handler[Params, Result]:
        async def guarded(params: Params) -> Result:
            try:
                return await handler(params)
            except Exception as error:
                log_failure(error)
                return nothing()

        return guarded

    return decorate


def _no_items() -> types.CompletionList:
    return types.CompletionList(is_incomplete=True, items=[])


def _changed(
    document: Document,
    version: int,
    change: types.TextDocumentContentChangeEvent,
    encoding: Encoding,
) -> Document:
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return replace(document, version=version, text=change.text)
    start, end = _position(change.range.start), _position(change.range.end)
    return edit(document, version, start, end, change.text, encoding)


def _item(
    candidate: Candidate, document: Document, offset: int, encoding: Encoding
) -> types.CompletionItem:
    """A candidate in a completion menu. Menus filter by the word before the cursor, so the item
    begins with that word and replaces it by itself."""
    word = _word_before(document.text, offset)
    first_line, *others = candidate.text.strip().split("\n")
    start = position_at(document, offset - len(word), encoding)
    end = position_at(document, offset, encoding)
    return types.CompletionItem(
        label=word + first_line.rstrip() + (" …" if others else ""),
        kind=types.CompletionItemKind.Text,
        detail="codegen-lsp",
        filter_text=word + candidate.text,
        text_edit=types.TextEdit(
            range=types.Range(start=types.Position(*start), end=types.Position(*end)),
            new_text=word + candidate.text,
        ),
        command=_accept_command(document, offset, candidate),
    )


def _answered(
    params: types.InlineCompletionParams,
    document: Document,
    answer: Answer,
    seconds: float,
    cpu_s: float,
) -> dict[str, Any]:
    return {
        "event": "answer",
        "uri": document.uri,
        "version": document.version,
        "line": params.position.line,
        "character": params.position.character,
        "source": answer.source,
        "reason": answer.completion.reason,
        "generation": answer.attempt,
        "nCandidates": len(answer.completion.candidates),
        "ms": seconds * 1000,
        "cpuS": cpu_s,
    }


def _accept_command(document: Document, offset: int, candidate: Candidate) -> types.Command:
    shown = {
        "uri": document.uri,
        "version": document.version,
        "offset": offset,
        "text": candidate.text,
    }
    return types.Command(title="Accept", command=ACCEPT, arguments=[shown])


def _word_before(text: str, offset: int) -> str:
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return text[start:offset]


def _position(position: types.Position) -> Position:
    return Position(position.line, position.character)
