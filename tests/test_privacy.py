from __future__ import annotations

from pathlib import Path

import pytest

from codegen_lsp.config import Config
from codegen_lsp.context import MAX_LINE
from codegen_lsp.document import Document
from codegen_lsp.privacy import EXCERPT, IsIgnored, excerpt, may_read, readable, refusal
from tests.fake_engine import FakeEngine
from tests.test_session import Clock, loaded_session, pause, run


def document(text: str, language: str = "python") -> Document:
    return Document("file:///t", language, 1, text)


def nothing(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("config", "is_ignored", "reason"),
    [
        (Config(), nothing, ""),
        (Config(enabled=False), nothing, "switched off"),
        (Config(disabled_languages=("c", "python")), nothing, "switched off for python"),
        (Config(disabled_languages=("c",)), nothing, ""),
        (Config(), "file:///t".__eq__, "an ignored or secret file"),
    ],
)
def test_what_is_switched_off_or_ignored_is_not_read(
    config: Config, is_ignored: IsIgnored, reason: str
) -> None:
    assert refusal(document("x = 1\n"), config, is_ignored) == reason
    assert may_read(document("x = 1\n"), config, is_ignored) == (not reason)
    assert excerpt(document("x = 1\n"), 0, config, is_ignored) == ("" if reason else "x = 1\n")


def test_what_is_read_has_no_secrets() -> None:
    first, masked = readable(document('x = 1\npassword = "hunter2!"\n'))
    assert first.text == 'x = 1\npassword = "xxxxxxxx"\n'
    second, _ = readable(document('x = 11\npassword = "hunter2!"\n'), masked)
    assert second.text == 'x = 11\npassword = "xxxxxxxx"\n'


def test_what_has_no_secrets_is_read_as_it_is() -> None:
    plain = document("x = 1\n")
    assert readable(plain)[0] is plain


@pytest.mark.parametrize("n_filled", [0, EXCERPT // 8, EXCERPT // 2])
def test_an_excerpt_has_no_secrets(n_filled: int) -> None:
    """Not even where it begins inside one."""
    key = f"-----BEGIN PRIVATE {'KEY'}-----\n" + ("MIIEow5rPenLh1" * 5 + "\n") * 12
    text = "y = 2\n" * n_filled + 'password = "hunter2!"\n' + key + "x = 1\n" * EXCERPT
    for near in range(len(text) - 6 * EXCERPT, len(text) - 5 * EXCERPT, EXCERPT // 40):
        part = excerpt(document(text), max(0, near), Config(), nothing)
        assert "x = 1" in part
        assert "hunter" not in part
        assert "MIIE" not in part


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\r\nb\rc\n", "a\nb\nc\n", id="every line end"),
        pytest.param("a\n" + "b" * MAX_LINE + "\nc", "a\n" + "b" * MAX_LINE + "\nc", id="long"),
        pytest.param("a\n" + "b" * (MAX_LINE + 1) + "\nc", "a\nc", id="overlong"),
        pytest.param("ELF\0\nx = 1\n", "", id="binary"),
        pytest.param("x" * 200_000, "", id="nothing but one line"),
        pytest.param("", "", id="empty"),
    ],
)
def test_an_excerpt_is_what_people_type(text: str, expected: str) -> None:
    assert excerpt(document(text), 0, Config(), nothing) == expected


@pytest.mark.parametrize("near", [0, 100_000, 150_000, 300_000])
def test_an_excerpt_is_bounded_and_lies_around_the_cursor(near: int) -> None:
    lines = [f"line {n:8}\n" for n in range(20_000)]
    text = "".join(lines)
    part = excerpt(document(text), near, Config(), nothing)
    whole = set(lines)
    assert EXCERPT - 100 < len(part) <= EXCERPT
    assert text[max(0, near - 100) : near + 100].strip() in part or near >= len(text)
    assert all(line + "\n" in whole for line in part.removesuffix("\n").split("\n"))


def test_a_cut_never_leaves_the_end_of_an_overlong_line() -> None:
    text = "y" * EXCERPT + "short\n" + "x = 1\n" * 6_000
    assert set(excerpt(document(text), len(text), Config(), nothing).split("\n")) <= {"x = 1", ""}


def test_no_engine_is_told_a_secret(tmp_path: Path) -> None:
    """Neither by a request, nor while nothing happens, nor as a text to remember."""

    async def told(clock: Clock, name: str) -> list[str]:
        engine = FakeEngine("1\n")
        session = await loaded_session(engine)
        text = 'password = "hunter2!"\nx = '
        opened = Document((tmp_path / name).as_uri(), "python", 1, text)
        session.put(opened)
        await session.complete(opened, len(text), invoked=True)
        await pause(clock, session)
        session.close()
        prompts = [prompt.text for prompt in engine.prompts]
        return [*prompts, *engine.warmed, *filter(None, engine.remembered.values())]

    async def main(clock: Clock) -> None:
        (tmp_path / ".gitignore").write_text("ignored.py\n")
        heard = await told(clock, "a.py")
        assert len(heard) >= 2
        assert all("hunter" not in each and "xxxxxxxx" in each for each in heard)
        assert await told(clock, "ignored.py") == []
        assert await told(clock, ".env") == []

    run(main)
