"""What a loaded engine was told and asked, and what of that the next question goes on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from codegen_lsp.complete import Request
from codegen_lsp.config import Config
from codegen_lsp.context import MAX_TEXT
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.likely import Place
from codegen_lsp.loaded import Loaded
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.turns import Turns
from tests.fake_engine import FakeEngine
from tests.spoken import turns_in

CONFIG = Config(prompt_tokens=1000)  # a character each
LINES = "number = 1\n" * 200


class OtherWords(FakeEngine):
    """Has another vocabulary."""

    def tokenize(self, text: str) -> list[int]:
        return [1 + token for token in super().tokenize(text)]


class Interrupted(FakeEngine):
    """Is needed for something else in the middle of each warm-up."""

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        cancel.set()
        return super().warm(tokens, cancel)


def loaded_with(engine: FakeEngine) -> Loaded:
    loaded = Loaded(lambda _: False, Surroundings(), str)
    loaded.replace(engine, "settings", "nano")
    return loaded


def at_end(text: str) -> Place:
    return Place(Document("file:///a", "python", 0, text), len(text))


def ask(loaded: Loaded, text: str) -> None:
    loaded.complete(Request(at_end(text).document, len(text)), CONFIG, Cancel(), lambda _: None)


def test_another_model_reads_tokens_of_its_own() -> None:
    other = OtherWords("1\n")
    loaded = loaded_with(FakeEngine("1\n"))
    ask(loaded, LINES + "x = ")
    loaded.replace(other, "other settings", "other")
    ask(loaded, LINES + "x = ")
    (prompt,) = other.prompts
    assert prompt.tokens == tuple(other.tokenize(prompt.text))


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_requests_go_on_with_what_was_evaluated_last(is_interrupted: bool) -> None:
    """When nobody waits, a prompt that is nearly full is made shorter; what becomes of it depends on
    whether there was time to evaluate it."""
    engine = Interrupted("1\n") if is_interrupted else FakeEngine("1\n")
    loaded = loaded_with(engine)
    ask(loaded, LINES)
    more = "number = 1\n" * 25
    loaded.prepare(at_end(LINES + more), [], CONFIG, Cancel())
    ask(loaded, LINES + more + "x = ")
    before, after = (prompt.text for prompt in engine.prompts)
    (shorter,) = engine.warmed
    assert len(shorter) < len(before + more)
    assert after == (before + more if is_interrupted else shorter) + "x ="


SET = "# Set the limit.\nlimit = 5\n"
KEY = "AKIAIOSFODNN7EXAMPLQ"
LONG = "".join(f"    number({n})\n" for n in range(200))
PRINT = "x = 1\n\n# Print the limit.\n"


def there(text: str, *pairs: tuple[str, str], language: str = "python") -> tuple[Document, Turns]:
    return Document("file:///b", language, 0, text), turns_in(text, *pairs)


def asked(
    text: str, *opened: tuple[Document, Turns], is_ignored: Callable[[str], bool] = lambda _: False
) -> str:
    """What the engine reads when somebody asks at the end of a text."""
    engine = FakeEngine("1\n")
    loaded = Loaded(is_ignored, Surroundings(), str, lambda: opened)
    loaded.replace(engine, "settings", "nano")
    request = Request(at_end(text).document, len(text), invoked=True)
    config = Config(prompt_tokens=1000, disabled_languages=("java",))
    loaded.complete(request, config, Cancel(), lambda _: None)
    (prompt,) = engine.prompts
    return prompt.text


def test_a_turn_of_another_file_is_told_where_it_helps() -> None:
    told = there(f"import os\n{SET}", ("Set the limit.", "limit = 5"))
    assert asked(PRINT, told) == f"{SET}\n{PRINT}"
    assert asked("x = 1\n\n# Print x.\n", told) == "x = 1\n\n# Print x.\n"
    assert asked("limits = 1\n", told) == "limits = 1\n"


@pytest.mark.parametrize(
    ("language", "ignored"), [("python", "file:///b"), ("java", ""), ("ruby", "")]
)
def test_what_may_not_be_read_or_is_another_language_is_not_told(
    language: str, ignored: str
) -> None:
    told = there(SET, ("Set the limit.", "limit = 5"), language=language)
    assert asked(PRINT, told, is_ignored=lambda uri: uri == ignored) == PRINT


def test_no_turn_tells_a_secret() -> None:
    text = f"# Set limit to {KEY}.\nlimit = '{KEY}'\n"
    said = (f"Set limit to {KEY}.", f"limit = '{KEY}'")
    elsewhere = asked(PRINT, there(text, said))
    assert "# Set limit to " in elsewhere
    whole = f"{text}\ndef run():\n{LONG}    limit"
    here = asked(whole, (at_end(whole).document, turns_in(whole, said)))
    assert "# Set limit to " in here
    for prompt in (elsewhere, here):
        assert KEY[:12] not in prompt


def test_turns_are_followed_to_the_text_that_is_asked_about() -> None:
    """A plan may be ahead of what is asked, and a look ahead of what is known."""
    whole = f"{SET}\ndef run():\n{LONG}    "
    opened = at_end(whole).document, turns_in(whole, ("Set the limit.", "limit = 5"))
    assert asked(f"import re\n\n{whole}", opened).startswith(f"import re\n\n{SET}\ndef run")
    assert asked(whole.replace("limit = 5", "limit = 7"), opened).count("limit = 7") == 1
    assert "limit" not in asked(whole.removeprefix(SET), opened)
    text, turns = f"import os\n{SET}", turns_in(SET, ("Set the limit.", "limit = 5"))
    other = Document("file:///b", "python", 0, text)
    assert asked(PRINT, (other, turns)) == f"{SET}\n{PRINT}"


def test_in_a_huge_text_nobody_has_said_anything() -> None:
    huge = "# limit\n" * (MAX_TEXT // 7)
    turns = turns_in(huge, ("limit", "# limit"))
    assert asked(huge, (at_end(huge).document, turns)) == asked(huge)
    assert asked(PRINT, (Document("file:///b", "python", 0, huge), turns)) == PRINT


def test_what_was_prepared_is_what_is_asked() -> None:
    engine = FakeEngine("1\n")
    whole = f"{SET}\ndef run():\n{LONG}    # Print the floor.\n    "
    opened = [
        (at_end(whole).document, turns_in(whole, ("Set the limit.", "limit = 5"))),
        there("# Set it.\nfloor = 1\n", ("Set it.", "floor = 1")),
    ]
    loaded = Loaded(lambda _: False, Surroundings(), str, lambda: opened)
    loaded.replace(engine, "settings", "nano")
    loaded.prepare(at_end(whole), [], CONFIG, Cancel())
    (warmed,) = engine.warmed
    assert warmed.startswith(f"# Set it.\nfloor = 1\n\n{SET}\ndef run():\n")
    for is_invoked in (False, True):
        request = Request(at_end(whole).document, len(whole), invoked=is_invoked)
        loaded.complete(request, CONFIG, Cancel(), lambda _: None)
        assert engine.prompts[-1].text == warmed
