"""Guesses at tokens: where they come from, how many there are, and that they change no answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen_lsp.draft import Costs, Drafts, Odds, best_number
from codegen_lsp.engine import Cancel, Prompt, Sampling, Stats, Token
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.lookup import LONGEST, Match, OtherTexts, WrittenText
from codegen_lsp.models import EMBEDDED_PATH

TEXTS = st.lists(st.integers(0, 3), max_size=60)  # so few tokens that nearly everything repeats


def words(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def letters(tokens: Sequence[int]) -> str:
    return "".join(map(chr, tokens))


def found(match: Match | None) -> tuple[int, str] | None:
    return match and (match.n_tokens, letters(match.following))


# Looking up.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("abcd", None, id="nothing twice"),
        pytest.param("xa-ya", None, id="one token is too little"),
        pytest.param("abcde-ab", (2, "cde"), id="what followed"),
        pytest.param("1abX-2abY-3ab", (2, "Y-3"), id="the last of several"),
        pytest.param("1abX-2abY-1ab", (3, "X-2"), id="a longer match before a later one"),
        pytest.param("ababab", (4, "aba"), id="runs on into itself"),
        pytest.param("zzzz", (3, "zzz"), id="one token for ever"),
    ],
)
def test_what_followed_in_the_text_itself(text: str, expected: tuple[int, str] | None) -> None:
    written = WrittenText()
    written.become(words(text))
    assert found(written.find(3)) == expected


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), TEXTS)
def test_a_text_that_changed_finds_what_a_new_one_finds(
    before: list[tuple[list[int], list[int]]], text: list[int]
) -> None:
    """Whatever it held before, whatever was appended to that."""
    changed, new = WrittenText(), WrittenText()
    for prompt, answer in before:
        changed.become(prompt)
        changed.grow(answer)
    changed.become(text)
    new.grow(text)
    assert changed.tokens == new.tokens
    assert changed.find(5) == new.find(5)


@given(TEXTS)
def test_the_longest_match_is_found(text: list[int]) -> None:
    """Against comparing every place with the end, where there are few enough."""

    def n_same(at: int) -> int:
        pairs = zip(text[at::-1], text[::-1], strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a != b), at + 1)

    text = text[:17]  # as many places as are looked at
    written = WrittenText()
    written.become(text)
    match = written.find(1)
    best = max((n_same(at) for at in range(len(text) - 1)), default=0)
    assert (match.n_tokens if match else 0) == (best if best > 1 else 0)


@pytest.mark.parametrize(
    ("texts", "ending", "expected"),
    [
        pytest.param([], "ab", None, id="no texts"),
        pytest.param(["abcde"], "ab", (2, "cde"), id="what followed"),
        pytest.param(["xyab", "abz"], "ab", (2, "z"), id="nothing of the next text"),
        pytest.param(["xyabc", "yabd"], "xyab", (4, "c"), id="the longest match of all texts"),
        pytest.param(["abc", "abd"], "ab", (2, "d"), id="the text that came last"),
        pytest.param(["xxab"], "ab", None, id="nothing follows"),
    ],
)
def test_what_followed_in_other_texts(
    texts: list[str], ending: str, expected: tuple[int, str] | None
) -> None:
    others = OtherTexts(100)
    for number, text in enumerate(texts):
        others.put(str(number), words(text))
    assert found(others.find([-1, *words(ending)], 3)) == expected


def test_a_text_takes_the_place_of_the_one_before_and_an_empty_one_removes_it() -> None:
    others = OtherTexts(100)
    for text, expected in (("abc", (2, "c")), ("abd", (2, "d")), ("", None)):
        others.put("document", words(text))
        assert found(others.find(words("ab"), 1)) == expected


def test_the_texts_that_came_first_make_room() -> None:
    others = OtherTexts(8)
    others.put("1", words("abc"))
    others.put("2", words("cde"))
    others.put("1", words("abc"))
    others.put("3", words("fghijklmnop"))  # more than there is room for: its beginning
    assert others.find(words("ab"), 1) is None
    assert others.find(words("no"), 1) is None
    assert found(others.find(words("fg"), 9)) == (2, "hijklm")


# How many guesses.


def test_the_number_of_guesses_grows_with_their_odds_and_falls_with_their_cost() -> None:
    for cheap, dear in ((0.05, 0.1), (0.1, 0.2), (0.2, 0.4)):
        assert number(n_right=8, slope=cheap) > number(n_right=8, slope=dear)
    for many, few in ((10, 8), (8, 4)):
        assert number(n_right=many, slope=0.2) > number(n_right=few, slope=0.2)
    assert number(n_right=10, slope=1.2) == 0
    assert number(n_right=0, slope=0.2) == 0


def number(*, n_right: int, slope: float) -> int:
    """Of guesses, where so many of ten were right, and each row more costs so much."""
    match, odds, costs = Match(4, list(range(15))), Odds(), Costs(16)
    for at in range(100):
        for n_tokens in Odds.BORDERS:
            odds.learn(Match(n_tokens, [1]), [1 if at * 7 % 10 < n_right else 2])
    for n_rows in [*range(2, 17)] * 60:
        costs.learn(1, 1.0)
        costs.learn(n_rows, 1 + slope * (n_rows - 1))
    return best_number(match, odds, costs)[0]


def test_the_promised_speed_is_the_expected_tokens_over_the_cost() -> None:
    """For two guesses: (1 + p + p q) / cost, with the odds behind matches of 2 and of 3 tokens."""
    odds, costs = Odds(), Costs(16)
    for _ in range(200):
        for n_rows, seconds in ((1, 1.0), (2, 1.15), (3, 1.2)):
            costs.learn(n_rows, seconds)
    p, q = Odds.PRIOR[:2]
    n_guesses, speed = best_number(Match(2, [7, 7]), odds, costs)
    assert n_guesses == 2
    assert speed == pytest.approx((1 + p + p * q) / 1.2, rel=0.01)


# Learning.


def test_odds_follow_what_happens_and_change_with_it() -> None:
    odds = Odds()
    for guess in (1, 2, 1):
        for _ in range(100):
            odds.learn(Match(4, [guess]), [1])
        assert odds.of(5) == pytest.approx(1.0 if guess == 1 else 0.0, abs=0.05)
    assert odds.of(LONGEST) == Odds.PRIOR[-1]  # nothing happened there


def test_a_guess_behind_a_wrong_one_is_not_counted() -> None:
    odds = Odds()
    for _ in range(100):
        odds.learn(Match(2, [1, 2, 3]), [1, 9, 3])
    assert odds.of(2) > 0.9
    assert odds.of(3) < 0.1
    assert odds.of(4) == Odds.PRIOR[2]


def test_costs_are_learned_by_size_and_one_hiccup_does_not_count_much() -> None:
    costs = Costs(16)
    for _ in range(200):
        for n_rows, seconds in ((1, 0.02), (2, 0.03), (8, 0.05)):
            costs.learn(n_rows, seconds)
    assert (costs.of(1), costs.of(2), costs.of(8)) == pytest.approx((1.0, 1.5, 2.5), rel=0.02)
    assert 1.5 < costs.of(3) < 2.1  # never tried: like the others
    costs.learn(2, 30.0)
    assert costs.of(2) < 1.7


def test_a_machine_that_slows_down_does_not_look_like_one_with_dear_guesses() -> None:
    costs = Costs(16)
    for seconds in (0.02, 0.02, 0.02, 0.06):
        for _ in range(60):
            costs.learn(1, seconds)
            costs.learn(4, 2 * seconds)
    assert costs.of(4) == pytest.approx(2.0, rel=0.1)


# One draft after another.


def write(drafts: Drafts, prompt: str, answer: str) -> int:
    """Have an answer written that is given; the number of steps that it took."""
    draft = drafts.begin(words(prompt))
    n_written, n_steps = 1, 1
    while n_written < len(answer):
        guesses = draft.propose(words(answer[:n_written]), len(answer) - n_written)
        assert len(guesses) < len(answer) - n_written or not guesses
        following = words(answer[n_written:])
        n_right = next((n for n, g in enumerate(guesses) if g != following[n]), len(guesses))
        draft.took(len(guesses), n_right, 1 + 0.2 * len(guesses))
        n_written += 1 + n_right
        n_steps += 1
    draft.end(words(answer))
    return n_steps


ANSWER = "return [name.upper() for name in sorted(names)]"


def test_the_same_answer_is_guessed_when_a_person_types_on() -> None:
    drafts = Drafts()
    first = write(drafts, "def f(names):\n    ", ANSWER)
    assert first > len(ANSWER) - 5  # hardly anything repeats in it
    assert write(drafts, "def f(names):\n    re", ANSWER[2:]) < first / 3


def test_remembered_texts_are_guessed_from() -> None:
    plain, knowing = Drafts(), Drafts()
    knowing.remember("document", words("def g(names):\n    " + ANSWER))
    prompt = "def f(names):\n    "
    assert write(knowing, prompt, ANSWER) < write(plain, prompt, ANSWER) / 3


def test_guesses_that_are_always_wrong_end_and_return_when_they_are_right_again() -> None:
    """Each pair stands in the prompt, and something else follows it now."""
    drafts = Drafts()
    prompt = "".join(f"{a}{b}!" for a in "abcdefghij" for b in "klmnopqrst")
    wrong = "".join(f"{a}{b}?" for a in "jihgfedcba" for b in "tsrqponmlk")
    right = prompt[:120]
    for _ in range(3):
        n_wrong = write(drafts, prompt, wrong)
        drafts.answers.put(str(drafts.n_answers), [])  # or it would know that one, too
    assert n_wrong == len(wrong)
    for _ in range(3):
        n_right = write(drafts, prompt, right)
    assert n_right < len(right) / 3


def test_no_guesses_at_all_where_there_may_be_none() -> None:
    drafts = Drafts(0)
    drafts.remember("document", words(ANSWER * 2))
    assert write(drafts, ANSWER * 2, ANSWER) == len(ANSWER)


# The engine: guesses change no answer.

ROWS = "".join(f'    "{name}": ("{name}", True, None),\n' for name in ["alpha", "beta", "gamma"])
PROMPTS = (
    "",
    f"TABLE = {{\n{ROWS}",
    "class A:\n" + "".join(f"    def get_{c}(self):\n        return self._{c}\n\n" for c in "abc"),
    "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n",
    "import os\nimport sys\n\n\ndef main() -> None:\n",
    "x = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1,",
    "# é漢😀 é漢😀 é漢😀 é漢",
)


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[LlamaEngine, LlamaEngine]]:
    """With guesses and without, to the bit. Steps of several rows cost nothing to the first one, so
    that it guesses whenever it can, also what turns out wrong."""
    guessing = LlamaEngine(EMBEDDED_PATH, exact=True, kv_mb=30)
    guessing._drafts.costs.learn = lambda n_rows, seconds: None  # type: ignore[method-assign]
    guessing._drafts.costs._slope = 0.0
    plain = LlamaEngine(EMBEDDED_PATH, exact=True, kv_mb=30, speculate=False)
    yield guessing, plain
    guessing.close()
    plain.close()


def answer(
    engine: LlamaEngine, text: str, samplings: Sequence[Sampling], heal: str = ""
) -> tuple[list[Token], Stats]:
    prompt = Prompt(text, tuple(engine.tokenize(text)), heal)
    generation = engine.generate(prompt, samplings, Cancel())
    return sorted(generation, key=lambda token: token.candidate), generation.stats


def check(
    engines: tuple[LlamaEngine, LlamaEngine], text: str, *samplings: Sampling, heal: str = ""
) -> Stats:
    """Both answer the same, to the last bit of each probability."""
    (tokens, stats), (plain, plain_stats) = (answer(e, text, samplings, heal) for e in engines)
    assert tokens == plain
    assert stats.stops == plain_stats.stops
    assert plain_stats.n_drafted == 0
    return stats


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_guesses_change_no_answer(
    engines: tuple[LlamaEngine, LlamaEngine], temperature: float
) -> None:
    seen = [
        check(engines, text, Sampling(60, temperature=temperature, seed=seed))
        for text in PROMPTS
        for seed in range(4)
    ]
    n_drafted = sum(stats.n_drafted for stats in seen)
    assert 0 < sum(stats.n_accepted for stats in seen) < n_drafted


@given(
    text=st.sampled_from(PROMPTS),
    cut=st.integers(0, 20),
    heal=st.sampled_from(["", " ", "    ", "ret"]),
    samplings=st.lists(
        st.builds(
            Sampling,
            max_tokens=st.integers(1, 40),
            temperature=st.sampled_from([0.0, 0.8]),
            seed=st.integers(0, 3),
            stop=st.sampled_from([(), ("\n",), ("\n\n", "e(")]),
        ),
        min_size=1,
        max_size=3,
    ),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_guesses_change_no_answer_wherever_it_ends(
    engines: tuple[LlamaEngine, LlamaEngine],
    text: str,
    cut: int,
    heal: str,
    samplings: list[Sampling],
) -> None:
    check(engines, text[: len(text) - cut], *samplings, heal=heal)


def test_an_accepted_run_ends_where_it_has_to(engines: tuple[LlamaEngine, LlamaEngine]) -> None:
    """At `max_tokens`, at a stop string, where the consumer says so; at any token of the run."""
    whole = answer(engines[1], PROMPTS[2], [Sampling(40)])[0]
    assert check(engines, PROMPTS[2], Sampling(40)).n_accepted > 20
    for n in range(1, 40):
        assert check(engines, PROMPTS[2], Sampling(n)).n_generated == n
        text = "".join(token.text for token in whole[:n])
        check(engines, PROMPTS[2], Sampling(40, stop=(text[-9:],)))


def test_a_cancellation_in_the_middle_spoils_nothing(
    engines: tuple[LlamaEngine, LlamaEngine],
) -> None:
    guessing, plain = engines
    tokens = tuple(guessing.tokenize(PROMPTS[2]))
    whole = answer(plain, PROMPTS[2], [Sampling(40)])[0]
    for n in range(1, 30):
        cancel = Cancel()
        generation = guessing.generate(Prompt("", tokens), [Sampling(40)], cancel)
        begun = list(islice(generation, n))
        cancel.set()
        assert [*begun, *generation] == whole[: generation.stats.n_generated]
        assert generation.stats.stops == ("cancelled",)
        check(engines, PROMPTS[2], Sampling(40))
        check(engines, PROMPTS[2] + PROMPTS[1][:n], Sampling(12))


def test_where_no_guess_fits_in_a_token_alone_still_does() -> None:
    """Sixteen candidates leave fewer and fewer cells of a small KV cache to the one that says most."""
    engines = (
        LlamaEngine(EMBEDDED_PATH, exact=True, kv_mb=1),
        LlamaEngine(EMBEDDED_PATH, exact=True, kv_mb=1, speculate=False),
    )
    engines[0]._drafts.costs._slope = 0.0
    text = "x = [1, 2, 3]\n" * 200
    tokens = tuple(engines[0].tokenize(text)[: engines[0].n_ctx - 100])
    n_generated = []
    for n_other in range(2, 20):
        answers = []
        for engine in engines:
            how = [Sampling(60), *[Sampling(n_other)] * 15]
            generation = engine.generate(Prompt("", tokens), how, Cancel())
            answers.append((sorted(token.candidate for token in generation), generation.stats))
        assert answers[0][0] == answers[1][0]
        assert answers[0][1].stops == answers[1][1].stops
        n_generated.append(answers[0][0].count(0))
    assert n_generated[0] == 60
    assert any(n_other + 15 < n < 60 for n_other, n in enumerate(n_generated, 2))
    for engine in engines:
        engine.close()
