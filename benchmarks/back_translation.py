"""How well a model tells what a piece of code was written for.

    python benchmarks/back_translation.py human_eval|comments|docstrings PATH

PATH is HumanEval's file, or a folder of Python files. Of eleven neighbouring pieces each intent is
scored given each code, in several forms of asking. Printed is how the true intent does among the eleven
given its code, and the true code among the eleven given its intent, by which candidates are chosen: how
often it comes first, and how often before another one (half by chance).

The embedded model, in percent, true codes first and before another one; HumanEval is of 99 pieces, the
others, of packages that it has not read, of 132:

    form        HumanEval  comments  docstrings    the intent stands
    comment       35 75     32 75      40 79       in a comment below the code
    above         35 72     29 75      42 78       there, behind "The code above:"
    does          34 70     28 73      38 77       there, behind "This code does the following:"
    examples      37 76     33 75      42 78       there, below three examples
    docstring     48 77     33 77      36 76       in a docstring, at the end of a function
    again         44 79     33 77      43 78       in one of the same function, begun anew
    functions     45 76     30 74      42 77       there, below three examples
    bayes         29 71     24 69      36 74       above the code, whose gain by it is taken

No form is the best everywhere; a share of 132 is sure to 4 percent points. The product's is the first:
the shortest, and the same in all languages. For intents its mean puts the true one first in 12 to 17
percent (56 to 60 before another one), without what the intent has on its own in 21 to 37 (69 to 72):
intents have to be compared by that difference. Among codes for one intent it changes nothing.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from commented import SOURCES, Piece

from codegen_lsp.engine import Cancel, Engine
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find

N_TOGETHER = 11
N_GROUPS = 12

Score = tuple[float, int]
"""The log-probability of an intent, in sum, and the number of its tokens."""
Ask = Callable[[str, str, Engine], Score]
"""Scores an intent given a code, or given none where that is empty."""


def behind(front: Callable[[str], str], lead: str = " ") -> Ask:
    """The intent is what follows a text made of the code."""

    def ask(intent: str, code: str, engine: Engine) -> Score:
        given = engine.tokenize(front(code))
        tokens = engine.tokenize(lead + intent)
        return sum(engine.score(given + tokens, len(given), Cancel())), len(tokens)

    return ask


def bayes(intent: str, code: str, engine: Engine) -> Score:
    """The code is what follows the intent; log p(i|c) = log p(i) + log p(c|i) - log p(c)."""
    start, asked = engine.tokenize("\n"), engine.tokenize(f"# {intent}\n")
    answer = engine.tokenize(code) if code else []
    together = engine.score(start + asked + answer, len(start), Cancel())
    alone = engine.score(start + answer, len(start), Cancel()) if answer else ()
    return sum(together) - sum(alone), len(asked)


def indented(code: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in code.splitlines(True))


EXAMPLES = (
    ("names = sorted(set(names))", "Sort the names without duplicates."),
    ("with open(path) as file:\n    lines = file.readlines()", "Read all lines of the file."),
    ("return sum(x * x for x in xs)", "Return the sum of the squares."),
)
EXAMPLE = "".join(f"{code}\n\n# The code above: {said}\n\n\n" for code, said in EXAMPLES)
FUNCTIONS = "".join(
    f'def f():\n{indented(code)}\n\n\ndef f():\n    """{said}"""\n\n\n' for code, said in EXAMPLES
)

FORMS: dict[str, Ask] = {
    "comment": behind(lambda code: f"{code}\n#"),
    "above": behind(lambda code: f"{code}\n# The code above:"),
    "does": behind(lambda code: f"{code}\n# This code does the following:"),
    "examples": behind(lambda code: f"{EXAMPLE}{code}\n# The code above:"),
    "docstring": behind(lambda code: f'def f():\n{indented(code)}\n    """', ""),
    "again": behind(lambda code: f'def f():\n{indented(code)}\n\ndef f():\n    """', ""),
    "functions": behind(
        lambda code: f'{FUNCTIONS}def f():\n{indented(code)}\n\n\ndef f():\n    """', ""
    ),
    "bayes": bayes,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What code was written for.")
    parser.add_argument("source", choices=SOURCES)
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--forms", nargs="*", default=list(FORMS))
    wanted = parser.parse_args()
    groups = grouped(SOURCES[wanted.source](wanted.path))
    print(f"{sum(map(len, groups))} pieces", flush=True)
    engine = LlamaEngine(find(wanted.model))
    for form in wanted.forms:
        report(form, groups, engine)


def grouped(pieces: Sequence[Piece]) -> list[Sequence[Piece]]:
    """Neighbours together: those of the same file are hard to tell apart."""
    groups = [pieces[at : at + N_TOGETHER] for at in range(0, len(pieces), N_TOGETHER)]
    whole = [group for group in groups if len({each.intent for each in group}) == N_TOGETHER]
    return random.Random(0).sample(whole, min(N_GROUPS, len(whole)))


def report(form: str, groups: Sequence[Sequence[Piece]], engine: Engine) -> None:
    begun = time.perf_counter()
    ask = FORMS[form]
    measures: dict[str, list[list[float]]] = {"mean": [], "pmi": [], "pmi sum": []}
    codes: list[list[float]] = []
    for group in groups:
        alone = [ask(piece.intent, "", engine) for piece in group]
        rows = [[ask(other.intent, piece.code, engine) for other in group] for piece in group]
        for at, row in enumerate(rows):
            means = [total / n for total, n in row]
            gains = [total - own for (total, _), (own, _) in zip(row, alone, strict=True)]
            per_token = [gain / n for gain, (_, n) in zip(gains, row, strict=True)]
            measures["mean"].append(first(at, means))
            measures["pmi"].append(first(at, per_token))
            measures["pmi sum"].append(first(at, gains))
            codes.append(first(at, [each[at][0] for each in rows]))
    seconds = time.perf_counter() - begun
    told = [f"{name} {shown(outcomes)}" for name, outcomes in measures.items()]
    print(
        f"{form:10} intents: {', '.join(told)}; codes: {shown(codes)} ({seconds:.0f} s)", flush=True
    )


def first(at: int, scores: Sequence[float]) -> list[float]:
    """The one at this place first, the others in their order."""
    return [scores[at], *scores[:at], *scores[at + 1 :]]


def shown(outcomes: Sequence[Sequence[float]]) -> str:
    """How often the first one is the best, and how often it is better than another one."""
    n_best = sum(true > max(others) for true, *others in outcomes)
    wins = [true > other for true, *others in outcomes for other in others]
    return f"{n_best / len(outcomes):.0%} {sum(wins) / len(wins):.0%}"


if __name__ == "__main__":
    main()
