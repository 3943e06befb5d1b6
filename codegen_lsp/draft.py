"""Guesses at the next tokens, from where the same was written before (no draft model), and how many of
them are worth their time on this machine.

A step of the model that verifies several guesses costs less than as many steps, but more than one. So
each step takes as many guesses as promise most tokens a second, by what steps of each size have cost so
far and by how often a guess was right behind a match of that length: often none. The look-up is that of
Saxena 2023 (prompt look-up decoding); what decides on the number is Leviathan et al. 2023, equation 1,
with a probability of its own for each guess.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from codegen_lsp.lookup import Match, OtherTexts, WrittenText

# A batch of 16 costs about what 4 to 7 steps do (350M, Q4_K_M, two cores), and further rows cost as much
# each: more guesses would hardly win, and lose much where one is wrong.
MAX_GUESSES = 15
MAX_REMEMBERED = 65_536  # tokens of open documents; indexing them takes some 5 ms and 1.3 MB
# Answers to the last few prompts. A person who types on asks for the same again.
MAX_ANSWERED = 1_024
N_LEAD = 16  # tokens of a prompt that are kept with its answer, to be found by

# Guesses have to promise so many times the speed of none. The costs and odds are estimates, and the
# largest of several estimates is one that is too large.
MARGIN = 1.1


class Drafts:
    """What guesses come from, and how well they did; lives as long as its model."""

    def __init__(self, max_guesses: int = MAX_GUESSES) -> None:
        """At most so many guesses at once; with 0 there are none at all."""
        self.max_guesses = max_guesses
        self.written = WrittenText()
        self.answers = OtherTexts(MAX_ANSWERED)
        self.documents = OtherTexts(MAX_REMEMBERED)
        self.odds = (Odds(), Odds(), Odds())  # of each of these three
        self.costs = Costs(1 + max_guesses)
        self.n_answers = 0

    def remember(self, key: str, tokens: Sequence[int]) -> None:
        """Guess from these tokens, too; they take the place of those with the same key."""
        self.documents.put(key, tokens)

    def begin(self, prompt: Sequence[int]) -> Draft:
        """A draft for one generation, which ends before the next one begins."""
        return Draft(self, prompt)


class Draft:
    """Guesses for one generation."""

    def __init__(self, drafts: Drafts, prompt: Sequence[int]) -> None:
        self.n_drafted = 0
        self.n_accepted = 0
        self._drafts = drafts
        self._lead = list(prompt[-N_LEAD:])
        self._n_written = 0
        self._matches: list[Match | None] = []  # of the last step, one for each source
        if drafts.max_guesses:
            drafts.written.become(prompt)

    def propose(self, written: Sequence[int], n_left: int) -> list[int]:
        """Tokens that might follow the prompt and what was written behind it (more each time, and
        `n_left` more at most); often none. Takes some 20 microseconds."""
        drafts = self._drafts
        most = min(drafts.max_guesses, n_left - 1)  # behind the last guess comes one token more
        if most <= 0:
            return []
        self._learn(written)
        ending = drafts.written.tokens
        self._matches = [
            drafts.written.find(most),
            drafts.answers.find(ending, most),
            drafts.documents.find(ending, most),
        ]
        best: list[int] = []
        best_speed = MARGIN
        for match, odds in zip(self._matches, drafts.odds, strict=True):
            if match is not None:
                n_guesses, speed = best_number(match, odds, drafts.costs)
                if speed > best_speed:
                    best, best_speed = match.following[:n_guesses], speed
        return best

    def took(self, n_guesses: int, n_accepted: int, seconds: float) -> None:
        """Learn from one step: how many guesses it verified, how many were right, how long it took."""
        self.n_drafted += n_guesses
        self.n_accepted += n_accepted
        if self._drafts.max_guesses:
            self._drafts.costs.learn(1 + n_guesses, seconds)

    def end(self, written: Sequence[int]) -> None:
        """Learn from the last step, and guess this answer when the like is asked again."""
        drafts = self._drafts
        if drafts.max_guesses and written:
            self._learn(written)
            drafts.n_answers += 1
            drafts.answers.put(str(drafts.n_answers), [*self._lead, *written])

    def _learn(self, written: Sequence[int]) -> None:
        """Compare what was written since the last step with what each source would have guessed,
        whether or not it was asked: so one that was bad can become good again."""
        new = written[self._n_written :]
        self._n_written = len(written)
        for match, odds in zip(self._matches, self._drafts.odds, strict=False):
            if match is not None:
                odds.learn(match, new)
        self._matches = []
        self._drafts.written.grow(new)


def best_number(match: Match, odds: Odds, costs: Costs) -> tuple[int, float]:
    """How many guesses promise most tokens a second, and how many times as many as none.

    k guesses give 1 + p1 + p1 p2 + ... + p1...pk tokens. The match is longer by one behind each that was
    right, and so each is a little likelier than the one before.
    """
    best, best_speed = 0, 1.0
    chance = n_expected = 1.0
    for n_guesses in range(1, 1 + len(match.following)):
        chance *= odds.of(match.n_tokens + n_guesses - 1)
        n_expected += chance
        speed = n_expected / costs.of(1 + n_guesses)
        if speed > best_speed:
            best, best_speed = n_guesses, speed
    return best, best_speed


class Odds:
    """How likely a guess is right, by the length of the match that it stands behind."""

    # Matches of so many tokens and more are counted together, and begin with these odds, lower than
    # this repository's own code showed with the embedded model: a first guess should be a good one.
    BORDERS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
    PRIOR = (0.2, 0.35, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
    WEIGHT = 4.0  # observations that the prior counts as
    KEPT = 0.96  # of a count at each observation: the last 25 or so decide; texts change their character

    def __init__(self) -> None:
        self._right = [self.WEIGHT * p for p in self.PRIOR]
        self._seen = [self.WEIGHT for _ in self.PRIOR]

    def of(self, n_tokens: int) -> float:
        """The probability behind a match of so many tokens."""
        at = bisect_right(self.BORDERS, n_tokens) - 1
        return self._right[at] / self._seen[at]

    def learn(self, match: Match, written: Sequence[int]) -> None:
        """Count the guesses up to the first one that was wrong."""
        for n_more, (guess, token) in enumerate(zip(match.following, written, strict=False)):
            at = bisect_right(self.BORDERS, match.n_tokens + n_more) - 1
            self._right[at] = self._right[at] * self.KEPT + (guess == token)
            self._seen[at] = self._seen[at] * self.KEPT + 1
            if guess != token:
                return


class Costs:
    """What a step of so many rows costs, in steps of one row."""

    # 1 + SLOPE (n - 1)^SHAPE is what n rows cost with a 350M model on two cores, to within a tenth:
    # 2 rows 1.3 to 1.5, 4 rows 1.8 to 2.2, 8 rows 3.3, 16 rows 4.4.
    SLOPE = 0.4
    SHAPE = 0.8
    # What a step weighs in an average; and what a plain one weighs in the time of a plain one, which
    # changes with whatever else the machine does. What sizes cost in proportion hardly changes.
    WEIGHT = 0.1
    WEIGHT_OF_PLAIN = 0.3

    def __init__(self, max_rows: int) -> None:
        self._plain = 0.0  # seconds of one row, just now
        self._slope = self.SLOPE
        self._known: list[float | None] = [None] * (1 + max_rows)

    def of(self, n_rows: int) -> float:
        known = self._known[n_rows]
        return 1 + self._slope * (n_rows - 1) ** self.SHAPE if known is None else known

    def learn(self, n_rows: int, seconds: float) -> None:
        """Learn from a step. Sizes that were never tried follow the slope of those that were."""
        if n_rows > 1 and self._plain:
            cost = max(1.0, seconds / self._plain)
            slope = (cost - 1) / (n_rows - 1) ** self.SHAPE
            self._slope = _nearer(self._slope, slope, self.WEIGHT)
            self._known[n_rows] = _nearer(self.of(n_rows), cost, self.WEIGHT)
        plain = seconds / self.of(n_rows)
        weight = self.WEIGHT_OF_PLAIN if n_rows == 1 else self.WEIGHT
        self._plain = _nearer(self._plain or plain, plain, weight)


def _nearer(average: float, value: float, weight: float) -> float:
    """The moving average after one more value; one that is more than twice as large counts as twice:
    the machine was busy with something else."""
    return average + weight * (min(value, 2 * average) - average)
