"""What was suggested lately, and may be again: while it is typed, after a step back, on return.

Nothing is looked up by a key that could mean two things: an answer is given again where the whole text
is the one it was made for, or that text with a beginning of the answer typed into it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace

from codegen_lsp.complete import Completion, Request
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, typed_since
from codegen_lsp.normal import normal

MAX_SUGGESTIONS = 250  # llama.vim's cache
# Characters of the texts that they were made for: forty versions of a file of 10,000 lines.
MAX_CHARACTERS = 16_000_000

MAX_WORD = 64
IN_WORD = re.compile(r"\w+")
WORD_END = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An answer as it was given, what for, and the number of the attempt that has written it."""

    request: Request
    config: Config
    completion: Completion
    attempt: int


@dataclass(frozen=True, slots=True)
class Found:
    """An answer from earlier, for what is asked now; `typed` of it stands in the text already."""

    completion: Completion
    attempt: int
    typed: str


class Suggestions:
    """The answers of late, of all documents; the newest last."""

    def __init__(
        self, max_suggestions: int = MAX_SUGGESTIONS, max_characters: int = MAX_CHARACTERS
    ) -> None:
        self._suggestions: deque[Suggestion] = deque(maxlen=max_suggestions)
        self._max_characters = max_characters

    def __len__(self) -> int:
        return len(self._suggestions)

    def put(self, request: Request, config: Config, completion: Completion, attempt: int) -> None:
        self._suggestions.append(Suggestion(request, config, completion, attempt))
        texts = {id(each.request.document): each.request.document for each in self._suggestions}
        n_characters = sum(len(document.text) for document in texts.values())
        while n_characters > self._max_characters:
            n_characters -= len(self._suggestions.popleft().request.document.text)

    def find(self, request: Request, config: Config) -> Found | None:
        """The newest answer that holds here: to this very text, or to an earlier one in which nothing
        was done since but to type a beginning of it."""
        for suggestion in reversed(self._suggestions):
            if suggestion.config == config and suggestion.request.covers(request):
                found = _match(suggestion, request)
                if found is not None:
                    return found
        return None

    def clear(self) -> None:
        self._suggestions.clear()

    def forget(self, uri: str) -> None:
        kept = [each for each in self._suggestions if each.request.document.uri != uri]
        self._suggestions = deque(kept, self._suggestions.maxlen)


def _match(suggestion: Suggestion, request: Request) -> Found | None:
    earlier, completion = suggestion.request, suggestion.completion
    typed = request.document.text[earlier.offset : request.offset]
    if typed:
        left = tuple(_rest(each, typed) for each in completion.candidates if _holds(each, typed))
        if not left and (request.invoked or not _still_nothing(suggestion, typed)):
            return None
        completion = replace(completion, candidates=left)
    # Asked at last, because it looks at all of the two texts.
    if typed != typed_since(earlier.document, earlier.offset, request.document, request.offset):
        return None
    return Found(completion, suggestion.attempt, typed)


def _still_nothing(suggestion: Suggestion, typed: str) -> bool:
    """Whether there is still nothing to say, as there was nothing: what is typed is a part of what was
    dropped; or is part of a word of which less than twice as much is known."""
    earlier, completion = suggestion.request, suggestion.completion
    if completion.candidates:
        return False
    said = normal(typed, earlier.document.language)
    if completion.dropped.startswith(said) and completion.dropped != said:
        return True
    begun = WORD_END.search(
        earlier.document.text, max(0, earlier.offset - MAX_WORD), earlier.offset
    )
    n_known = len(begun[0]) if begun else 0
    return IN_WORD.fullmatch(typed) is not None and len(typed) < n_known


def _holds(candidate: Candidate, typed: str) -> bool:
    return candidate.text.startswith(typed) and len(candidate.text) > len(typed)


def _rest(candidate: Candidate, typed: str) -> Candidate:
    return replace(candidate, text=candidate.text[len(typed) :])
