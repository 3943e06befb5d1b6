from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.common import n_common_start
from codegen_lsp.context import Context, gather
from codegen_lsp.document import Document
from codegen_lsp.engine import Infill
from codegen_lsp.history import Said
from codegen_lsp.layout import FILL, SEAM, Layout
from codegen_lsp.prompt import SHOWN, SHOWN_FRESH, WORN, Rendered, render
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.talk import Talk
from codegen_lsp.turns import Turn
from tests.fake_engine import FakeEngine
from tests.marked import at_cursor, context_at
from tests.spoken import turns_in

tokenize = FakeEngine().tokenize  # a character a token
INFILL = Infill((1, 2), (3,), (4,))


def in_bytes(text: str) -> list[int]:
    return list(text.encode())


def numbered(n_lines: int) -> str:
    return "".join(f"{n:04d} = x\n" for n in range(n_lines))  # nine characters a line


def at_end(text: str, language: str = "plaintext") -> Context:
    context = gather(Document("file:///t", language, 1, text), len(text))
    assert context is not None
    return context


@pytest.mark.parametrize(
    ("marked", "text", "heal"),
    [
        pytest.param("x = <CURSOR>", "x =", " ", id="a space before a word"),
        pytest.param("def f():\n        <CURSOR>", "def f():\n", "        ", id="indentation"),
        pytest.param("\t<CURSOR>", "", "    ", id="a tab alone"),
        pytest.param("return self.pa<CURSOR>", "return self.", "pa", id="half a word"),
        pytest.param("    ret<CURSOR>", "", "    ret", id="half a word and its indentation"),
        pytest.param("f(x)<CURSOR>", "f(x)", "", id="nothing to heal"),
        pytest.param("x" * 30 + "<CURSOR>", "x" * 30, "", id="too long a word"),
        pytest.param("x\n<CURSOR>", "x\n", "", id="a line's start"),
    ],
)
def test_what_is_unfinished_is_taken_back(marked: str, text: str, heal: str) -> None:
    prompt = render(context_at(marked), tokenize, 100).prompt
    assert (prompt.text, prompt.heal) == (text, heal)
    assert prompt.tokens == tuple(tokenize(text))


def test_a_new_layout_leaves_room_to_type() -> None:
    rendered = render(at_end(numbered(300)), tokenize, 9 * 100)
    assert 0.5 * FILL * 900 < len(rendered.prompt.tokens) <= (FILL + SEAM) * 900


def test_a_short_file_is_shown_whole() -> None:
    rendered = render(at_end(numbered(50)), tokenize, 9 * 100)
    assert rendered.prompt.text == numbered(50)
    assert rendered.layout.is_whole


def typed(text: str, line: str, n_lines: int, budget: int) -> list[Rendered]:
    """What each key gives, while lines are typed at the end of a text."""
    layout: Layout | None = None
    found = []
    for n in range(n_lines * len(line)):
        context = at_end(text + (line * n_lines)[: n + 1])
        found.append(render(context, tokenize, budget, layout))
        layout = found[-1].layout
    return found


def test_what_is_typed_costs_what_is_typed() -> None:
    prompts = [rendered.prompt for rendered in typed(numbered(300), "value = other\n", 100, 1000)]
    n_again = sum(
        len(after.tokens) - n_common_start(before.tokens, after.tokens)
        for before, after in pairwise(prompts)
    )
    n_new_layouts = sum(
        not after.text.startswith(before.text[:20]) for before, after in pairwise(prompts)
    )
    assert 0 < n_new_layouts <= 100 * 14 / ((1 - FILL - SEAM) * 1000) + 1
    assert n_again <= 100 * 14 + n_new_layouts * (FILL + SEAM) * 1000
    # Of 1,400 prompts with some 800 tokens each, less than half a percent is evaluated.
    assert n_again < 0.005 * sum(len(prompt.tokens) for prompt in prompts)


def test_the_beginning_stays_from_key_to_key() -> None:
    rendered = typed(numbered(300), "value = other\n", 20, 1000)
    for before, after in pairwise(rendered):
        assert after.prompt.text.startswith(before.prompt.text)
        assert after.layout.front == before.layout.front


def test_only_what_is_new_is_tokenized() -> None:
    asked: list[str] = []

    def asking(text: str) -> list[int]:
        asked.append(text)
        return tokenize(text)

    text = numbered(300)
    first = render(at_end(text), asking, 1000)
    n_first = len("".join(asked))
    asked.clear()
    again = render(at_end(text + "x = 1"), asking, 1000, first.layout)
    assert len(asked) == 1
    assert n_first > 500 > len(asked[0])
    assert again.prompt.tokens == tuple(tokenize(again.prompt.text))


def test_a_far_jump_tokenizes_no_more_than_a_prompt() -> None:
    asked: list[str] = []

    def asking(text: str) -> list[int]:
        asked.append(text)
        return tokenize(text)

    layout = render(at_end(numbered(200)), tokenize, 1000).layout
    render(at_end(numbered(2000)), asking, 1000, layout)
    assert len("".join(asked)) <= 1000


@pytest.mark.parametrize(
    ("edited", "begins"),
    [
        pytest.param("import new\n" + numbered(300), "same", id="a line more above"),
        pytest.param(numbered(300)[9:], "same", id="a line less above"),
        pytest.param(numbered(300).replace("0290", "changed"), "same", id="a change inside"),
        pytest.param(numbered(300)[: 9 * 290], "same", id="the cursor further up"),
        pytest.param(numbered(300)[: 9 * 200], "other", id="the cursor above the window"),
        pytest.param(numbered(400), "other", id="the cursor far below"),
        pytest.param(numbered(300).replace(" = x", " = y"), "other", id="everything changed"),
    ],
)
def test_a_layout_stays_with_its_lines(edited: str, begins: str) -> None:
    before = render(at_end(numbered(300)), tokenize, 1000)
    after = render(at_end(edited), tokenize, 1000, before.layout)
    is_same = after.prompt.text[:30] == before.prompt.text[:30]
    assert is_same == (begins == "same")
    assert edited.endswith(after.prompt.text)
    line = edited.split("\n")[after.layout.first_line]
    assert after.prompt.text.startswith(line)


def test_a_cursor_that_jumps_back_finds_its_layout_again() -> None:
    first = render(at_end(numbered(300)), tokenize, 1000)
    below = render(at_end(numbered(330)), tokenize, 1000, first.layout)
    above = render(at_end(numbered(200)), tokenize, 1000, below.layout)
    again = render(at_end(numbered(330) + "x"), tokenize, 1000, above.layout)
    assert again.prompt.text == below.prompt.text
    assert again.prompt.heal == "x"
    once_more = render(at_end(numbered(200)), tokenize, 1000, again.layout)
    assert once_more.prompt.text == above.prompt.text


def test_layouts_do_not_pile_up() -> None:
    layout = None
    for n in range(100, 3000, 100):
        layout = render(at_end(numbered(n)), tokenize, 1000, layout).layout
    assert layout is not None
    assert layout.before is not None
    assert layout.before.before is None
    assert not layout.before.tokens


@pytest.mark.parametrize("share", [SHOWN * 0.8, SHOWN_FRESH / 2, SHOWN_FRESH * 1.5, WORN * 1.03])
def test_what_is_worn_is_renewed_where_nobody_waits(share: float) -> None:
    layout = render(at_end(numbered(300)), tokenize, 1000).layout
    n_lines = layout.first_line + int(share * 1000 / 9)
    context = at_end(numbered(n_lines))
    kept = render(context, tokenize, 1000, layout)
    assert (kept.layout.first_line == layout.first_line) == (share >= SHOWN)
    renewed = render(context, tokenize, 1000, layout, fresh=True)
    is_worn = not SHOWN_FRESH <= share <= WORN
    assert (renewed.layout.first_line == layout.first_line) == (not is_worn)


def test_text_with_many_tokens_fits_too() -> None:
    text = "".join(f"x{n} = '漢字漢字漢字漢字漢字'\n" for n in range(300))
    rendered = render(at_end(text), in_bytes, 1000)
    assert 0.25 * 1000 < len(rendered.prompt.tokens) <= 1000


def test_a_line_that_does_not_fit_is_cut_anywhere() -> None:
    prompt = render(at_end("x = " + "'y' + " * 100 + "z("), tokenize, 100).prompt
    assert "'y' + z(".endswith(prompt.text[-8:])
    assert 10 < len(prompt.tokens) <= 100


HELPER = "def helper(one: int, two: str) -> bool:\n    return one > len(two)\n"


def with_helper(marked: str, helper: str = HELPER) -> tuple[Context, Surroundings]:
    surroundings = Surroundings()
    surroundings.put("lib/helper.py", helper, "python")
    document, offset = at_cursor(marked)
    context = gather(document, offset, None, surroundings, "main.py")
    assert context is not None
    return context, surroundings


def test_a_chunk_stays_as_it_was_until_nobody_waits() -> None:
    context, surroundings = with_helper("from lib.helper import helper\nx = helper(<CURSOR>")
    before = render(context, tokenize, 1000)
    assert "# def helper(one: int, two: str) -> bool:" in before.prompt.text
    surroundings.put("lib/helper.py", HELPER.replace("two", "three"), "python")
    context = replace(context)  # asks again what other files say
    assert render(context, tokenize, 1000, before.layout).prompt == before.prompt
    renewed = render(context, tokenize, 1000, before.layout, fresh=True)
    assert "# def helper(one: int, three: str) -> bool:" in renewed.prompt.text
    again = render(context, tokenize, 1000, renewed.layout, fresh=True)
    assert again.prompt == renewed.prompt


def test_chunks_stay_in_their_order_while_they_are_among_the_best() -> None:
    surroundings = Surroundings()
    for name in ("lower", "upper"):
        piece = f"def parse(line):\n    name, value = line.split()\n    return name.{name}()\n"
        surroundings.put(f"{name}.py", piece, "python")
    document, offset = at_cursor("def read(line):\n    name, value = line<CURSOR>")
    context = gather(document, offset, None, surroundings, "main.py")
    assert context is not None
    before = render(context, tokenize, 2000)
    first, second = before.layout.chunks
    surroundings.touch(second.path, 0)
    context = replace(context)
    assert context.elsewhere == (second, first)
    assert render(context, tokenize, 2000, before.layout, fresh=True).prompt == before.prompt


def test_the_suffix_is_for_models_that_read_it() -> None:
    context = context_at("def f(x):\n    return <CURSOR>\n\ny = f(1)\n")
    assert render(context, tokenize, 1000).prompt.tokens == tuple(tokenize("def f(x):\n    return"))
    prompt = render(context, tokenize, 1000, infill=INFILL).prompt
    parts = ((1, 2), tokenize("def f(x):\n    return"), (3,), tokenize("\n\ny = f(1)"), (4,))
    assert prompt.tokens == tuple(token for part in parts for token in part)
    assert prompt.heal == " "


def test_the_suffix_has_a_share_and_stays_the_same_while_one_types() -> None:
    suffixes = set()
    layout = None
    for word in ("", "v", "va", "value", "value = 1"):
        marked = numbered(100) + word + "<CURSOR>\n" + numbered(200)
        context = context_at(marked, "plaintext")
        rendered = render(context, tokenize, 1000, layout, INFILL)
        layout = rendered.layout
        tokens = rendered.prompt.tokens
        suffixes.add(tokens[tokens.index(3) :])
    (suffix,) = suffixes
    assert 50 < len(suffix) <= 150


BUDGETS = st.integers(10, 200)


@st.composite
def talks(draw: st.DrawFn, n_characters: int) -> Talk:
    """Turns anywhere, and some that stand elsewhere."""
    places = sorted(draw(st.lists(st.integers(0, n_characters), max_size=9)))
    turns = [
        Turn(number, *span, f"do {number}", None)
        for number, span in enumerate(zip(places[::3], places[1::3], places[2::3], strict=False))
    ]
    said = tuple(draw(st.lists(st.builds(Said, st.text("ab\n"), st.text("ab =\n")), max_size=3)))
    return Talk(tuple(turns), lambda: said)


@given(st.text("ab =\n\té漢", max_size=600), BUDGETS, st.booleans(), st.data())
def test_the_budget_is_kept_and_the_end_is_never_lost(
    text: str, budget: int, fills: bool, data: st.DataObject
) -> None:
    layout = None
    for _ in range(3):
        offset = data.draw(st.integers(0, len(text)))
        document = Document("file:///t", "go", 1, text)
        context = gather(document, offset, talk=data.draw(talks(len(text))))
        assert context is not None
        fresh, asked = data.draw(st.booleans()), data.draw(st.booleans())
        infill = INFILL if fills else None
        rendered = render(context, in_bytes, budget, layout, infill, fresh=fresh, asked=asked)
        layout = rendered.layout
        assert len(rendered.prompt.tokens) <= budget
        window = rendered.prompt.text.removeprefix(layout.front).removeprefix("\n")
        assert text[:offset].endswith(window + rendered.prompt.heal)
        if not fills:
            assert rendered.prompt.tokens == tuple(in_bytes(rendered.prompt.text))


STEPS = [(f"Step {n:03d}.", f"value_{n} = {n}") for n in range(60)]
CONVERSATION = "".join(f"# {intent}\n{code}\n\n" for intent, code in STEPS)  # some 28 a turn


def conversation(n_turns: int, end: str, *elsewhere: Said) -> Context:
    said = STEPS[:n_turns]
    text = CONVERSATION[: CONVERSATION.index(STEPS[n_turns][0]) - 2]
    turns = turns_in(text, *said).turns
    document = Document("file:///t", "python", 1, text + end)
    context = gather(document, len(document.text), talk=Talk(turns, lambda: elsewhere))
    assert context is not None
    return context


def test_who_asks_for_an_intent_gets_all_that_fits() -> None:
    context = conversation(30, "# And now?\n")
    n_all = len(context.prefix)
    whole = render(context, tokenize, n_all).layout
    worn = render(context, tokenize, n_all, whole, fresh=True)
    assert len(worn.prompt.tokens) < (FILL + SEAM) * n_all
    asked = render(context, tokenize, n_all, worn.layout, asked=True)
    assert asked.prompt.text == context.prefix
    assert asked.turns == context.turns
    again = render(context, tokenize, n_all, asked.layout, asked=True)
    assert again.prompt == asked.prompt
    too_much = render(context, tokenize, n_all - 1, worn.layout, asked=True)
    assert too_much.prompt == worn.prompt


def test_a_conversation_is_evaluated_once_until_it_is_full() -> None:
    layout, before, n_new = None, "", 0
    for n in range(1, 60):
        rendered = render(conversation(n, "# And now?\n"), tokenize, 1000, layout, asked=True)
        layout = rendered.layout
        text = rendered.prompt.text
        n_new += not text.startswith(before.removesuffix("# And now?\n"))
        before = text
        assert text.startswith(
            f"# {STEPS[rendered.turns[0].number - 1 - len(layout.said_above)][0]}\n"
        )
    assert 0 < n_new <= 60 * 28 / (0.2 * 1000)


USES = Said("Use it.", "print(value_7)")
OTHER = Said("Use another.", "print(value_8)")


def test_turns_of_other_files_come_with_the_intent_and_stay() -> None:
    both = (USES, OTHER)
    first = render(conversation(9, "", *both), tokenize, 2000)
    assert first.layout.said_elsewhere == ()
    typing = render(conversation(9, "# Print value_7.\n", *both), tokenize, 2000, first.layout)
    assert typing.prompt.text.startswith(first.prompt.text)  # a key changes nothing in front
    asked = conversation(9, "# Print value_7.\n", *both)
    wanted = render(asked, tokenize, 2000, first.layout, asked=True)
    assert wanted.prompt.text == f"# Use it.\nprint(value_7)\n\n{asked.prefix}"
    warmed = render(asked, tokenize, 2000, first.layout, fresh=True)
    assert warmed.prompt == wanted.prompt
    idle = render(conversation(10, "", *both), tokenize, 2000, wanted.layout, fresh=True)
    assert idle.layout.front == wanted.layout.front
    more = conversation(10, "# Print value_8.\n", *both)
    found = render(more, tokenize, 2000, idle.layout, asked=True).layout
    assert found.said_elsewhere == both
    gone = render(conversation(10, "", OTHER), tokenize, 2000, found, fresh=True).layout
    assert gone.said_elsewhere == (OTHER,)


def test_turns_of_other_files_come_to_a_long_text_too() -> None:
    layout = render(conversation(50, "", USES), tokenize, 1000).layout
    asked = conversation(50, "# Print value_7.\n", USES)
    wanted = render(asked, tokenize, 1000, layout, asked=True)
    assert wanted.layout.said_elsewhere == (USES,)
    assert wanted.prompt.text.startswith("# Use it.\nprint(value_7)\n\n# Step 0")
    again = render(asked, tokenize, 1000, wanted.layout, asked=True)
    assert again.prompt == wanted.prompt


def test_what_others_say_makes_way_for_what_is_above_the_cursor() -> None:
    """Here a token has fewer characters than is thought at first."""

    def in_halves(text: str) -> list[int]:
        return [ord(character) for character in text for _ in range(2)]

    lines = "x = 1\n" * 40
    context, _ = with_helper(f"{lines}from lib.helper import helper\n\n# Call helper.\n<CURSOR>")
    n_all = len(in_halves(context.prefix))
    for n_more, is_told in ((800, True), (60, False)):
        text = render(context, in_halves, n_all + n_more, asked=True).prompt.text
        assert text.endswith(context.prefix)
        assert ("# def helper" in text) == is_told


def test_what_is_said_above_is_told_anew_when_nobody_waits() -> None:
    context = conversation(59, "")
    before = render(context, tokenize, 1000)
    said = before.layout.said_above[-1]
    edited = Document(
        "file:///t", "python", 2, context.prefix.replace(said.code, said.code[:-1] + "0")
    )
    after = gather(edited, len(edited.text), talk=context.talk)
    assert after is not None
    assert render(after, tokenize, 1000, before.layout).prompt == before.prompt
    renewed = render(after, tokenize, 1000, before.layout, fresh=True)
    assert renewed.layout.said_above[-1] == Said(said.intent, said.code[:-1] + "0")
    assert render(after, tokenize, 1000, renewed.layout, fresh=True).prompt == renewed.prompt
