"""What the code for a comment is best chosen by, measured on code that people have commented.

    python benchmarks/choosing.py comments|docstrings|human_eval PATH

The code below comments of real files is taken away, and several candidates for it are drawn as
`codegen_lsp/choose.py` says. Printed is, for several ways of choosing one of them, how often that says
what the file says, on its first line and as a whole; and how similar the two are (of their characters,
so many per cent are the same and in the same order). What examples are worth is not measured.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from commented import SOURCES, Piece

from codegen_lsp import complete as flow
from codegen_lsp.backward import likelihood
from codegen_lsp.choose import Scores, Weights, goodness, samplings
from codegen_lsp.complete import NOTHING, Completion, Request, complete, n_ctx_for
from codegen_lsp.config import Config
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel, Engine, Sampling
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find
from codegen_lsp.rank import fitted

CONFIG = Config(prompt_tokens=512)
BACK = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Drawn(NamedTuple):
    """A candidate: what is known of it, and how much of it is what the file says."""

    scores: Scores
    is_line_right: bool
    is_right: bool
    similarity: float  # 0 to 1


class Place(NamedTuple):
    """The candidates for one comment, those that say the same among them, and the greedy one."""

    drawn: Sequence[Drawn]
    greedy: Drawn


class Cost(NamedTuple):
    """Tokens and seconds: of drawing the candidates, and of asking them for the intent."""

    n_generated: int
    n_scored: int
    drawing_s: float
    scoring_s: float


Choice = Callable[[Place], Sequence[Drawn]]
"""Those of a place of which one is taken by chance."""


def main() -> None:
    parser = argparse.ArgumentParser(description="How the code for a comment is best chosen.")
    parser.add_argument("source", choices=SOURCES)
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--places", type=int, default=250)
    parser.add_argument("--candidates", type=int, default=CONFIG.candidates)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    flow.rank = fitted  # type: ignore[assignment]  # those that say the same stay
    pieces = SOURCES[wanted.source](wanted.path)
    chosen = random.Random(wanted.seed).sample(pieces, min(wanted.places, len(pieces)))
    engine = LlamaEngine(find(wanted.model), n_ctx=n_ctx_for(CONFIG))
    drawn = [
        replace(each, seed=each.seed + 100 * wanted.seed)
        for each in samplings(wanted.candidates, CONFIG)
    ]
    told = list(_asked(chosen, drawn, engine))
    _report([place for place, _ in told], [cost for _, cost in told])


def _asked(
    pieces: Sequence[Piece], how: Sequence[Sampling], engine: Engine
) -> Iterator[tuple[Place, Cost]]:
    for piece in pieces:
        begun = time.perf_counter()
        completion = _completion(piece, how, engine)
        drawn_at = time.perf_counter()
        if not completion.candidates:
            continue
        drawn = [_judged(each, piece, engine) for each in completion.candidates]
        seconds = (drawn_at - begun, time.perf_counter() - drawn_at)
        greedy = _completion(piece, [Sampling(CONFIG.max_tokens)], engine).candidates
        if greedy:
            texts = [each.text + piece.intent for each in completion.candidates]
            n_scored = sum(len(engine.tokenize(text)) for text in texts)
            cost = Cost(completion.stats.n_generated, n_scored, *seconds)
            yield Place(drawn, _judged(greedy[0], piece, engine)), cost


def _completion(piece: Piece, how: Sequence[Sampling], engine: Engine) -> Completion:
    code = piece.text[piece.border : piece.end]
    indent = code[: len(code) - len(code.lstrip())].rpartition("\n")[2]
    before = piece.text[: piece.border] + indent
    document = Document("a.py", "python", 0, f"{before}\n{piece.text[piece.end :]}")
    request = Request(
        document, len(before), len(how), invoked=True, begins_code=True, samplings=tuple(how)
    )
    return complete(request, engine, CONFIG, Cancel(), NOTHING)


def _judged(candidate: Candidate, piece: Piece, engine: Engine) -> Drawn:
    back = likelihood(piece.intent, candidate.text, "python", engine, Cancel())
    scores = Scores(candidate.mean_logprob, back, fit=candidate.fit)
    said, wanted = (
        [line.strip() for line in text.split("\n") if line.strip()]
        for text in (candidate.text, piece.code)
    )
    similar = SequenceMatcher(None, "\n".join(said), "\n".join(wanted), autojunk=False)
    return Drawn(scores, said[:1] == wanted[:1], said == wanted, similar.ratio())


def _report(places: Sequence[Place], costs: Sequence[Cost]) -> None:
    print(f"{len(places)} places, {sum(len(each.drawn) for each in places)} candidates")
    for name, choice in _choices().items():
        taken = [choice(place) for place in places]
        lines = sum(fmean(each.is_line_right for each in one) for one in taken)
        wholes = sum(fmean(each.is_right for each in one) for one in taken)
        similar = fmean(fmean(each.similarity for each in one) for one in taken)
        print(f"{name:36} {lines:6.1f} first lines, {wholes:6.1f} whole, {similar:7.2%} similar")
    n_generated, n_scored, drawing_s, scoring_s = map(sum, zip(*costs, strict=True))
    print(f"drawing: {n_generated} tokens, {drawing_s:.1f} s; back: {n_scored}, {scoring_s:.1f} s")


def _choices() -> dict[str, Choice]:
    logprob, names = Weights(fit=0.0, back=0.0), Weights(back=0.0)
    choices: dict[str, Choice] = {
        "the best, if one knew": lambda place: [max(place.drawn, key=lambda each: each[1:])],
        "greedy": lambda place: [place.greedy],
        "random": lambda place: place.drawn,
        "log-probability": _best(logprob),
        "log-probability, names": _best(names),
        "back-translation alone": _best(Weights(0.0, 0.0, 1.0)),
    }
    for back in BACK:
        name = f"log-probability, names, back {back:g}"
        choices[name] = _best(replace(names, back=back))
    return choices


def _best(weights: Weights) -> Choice:
    return lambda place: [max(place.drawn, key=lambda each: goodness(each.scores, weights))]


if __name__ == "__main__":
    main()
