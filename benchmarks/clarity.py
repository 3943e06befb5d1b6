"""From which perplexity on an intent is unclear to a model.

    python benchmarks/clarity.py FOLDER [--model M]
    python benchmarks/clarity.py SAMPLES.jsonl --model M

Below the comments of a folder's Python files, whose code is taken out, code is written by the product's
own flow. With the perplexity of the comment is compared how alike that is to what the file says, in
names and in letters; and whether the comment helps, that is, makes the file's own code likelier. Of
samples that `codegen-lsp eval mtpb --samples` has written, it is whether they pass.

The table goes from the clearest intents to the least clear ones. Behind it stands how often of two the
better one is the clearer one (AUC; 0.5 by chance), and the row for
`codegen_lsp/data/clarity.json`, or for a file of that name beside your own models: the lowest perplexity
from which on comments help, or programs pass, half as often as below it; null where there is none.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

from commented import Piece, comments

from codegen_lsp.choose import samplings
from codegen_lsp.clarity import perplexity_of
from codegen_lsp.complete import NOTHING, complete
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.evaluate.samples import read_samples
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find
from codegen_lsp.synthesis import below, request_for, stated_in

CONFIG = Config(max_tokens=64)
N_BINS = 8
# A hint for fewer intents than this share would rest on too few of them.
MIN_SHARE = 0.05

Row = dict[str, float]
"""An intent's perplexity, and by their names what came of it; the first decides, and is 0 or 1."""


def main() -> None:
    parser = argparse.ArgumentParser(description="From which perplexity on an intent is unclear.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--n", type=int, default=300)
    wanted = parser.parse_args()
    if wanted.path.is_file():
        rows = list(_programs(wanted.path, wanted.model))
    else:
        pieces = comments(wanted.path)
        random.Random(1).shuffle(pieces)
        rows = list(_comments(pieces[: wanted.n], wanted.model))
    report(sorted(rows, key=lambda row: row["perplexity"]), wanted.model)


def report(rows: Sequence[Row], model: str) -> None:
    _, *outcomes = rows[0]
    print("perplexity", *outcomes)
    borders = [len(rows) * k // N_BINS for k in range(N_BINS + 1)]
    for part in (rows[start:end] for start, end in pairwise(borders)):
        means = [sum(row[name] for row in part) / len(part) for name in outcomes]
        print(f"{part[0]['perplexity']:8.1f}  ", *(f"{mean:6.3f}" for mean in means))
    for name in outcomes:
        print(f"{name}: AUC {auc(rows, name):.3f} of {len(rows)}")
    found = threshold(rows, outcomes[0])
    print(json.dumps({model: {"unclear_from": found, "n": len(rows)}}))


def auc(rows: Sequence[Row], name: str) -> float:
    """How often, of two with different outcomes, the better one has the lower perplexity."""
    told = [(row["perplexity"], row[name]) for row in rows]
    pairs = [(one, other) for one in told for other in told if one[1] > other[1]]
    return sum(one[0] < other[0] for one, other in pairs) / max(1, len(pairs))


def threshold(rows: Sequence[Row], name: str) -> float | None:
    """From where on it goes well half as often as below."""
    outcomes = [row[name] for row in rows]
    n_unclear = math.ceil(len(rows) * MIN_SHARE)
    for at in range(n_unclear, len(rows) - n_unclear + 1):
        clear, unclear = outcomes[:at], outcomes[at:]
        if 2 * sum(unclear) / len(unclear) <= sum(clear) / len(clear) > 0:
            return round(rows[at]["perplexity"], 1)
    return None


def _programs(path: Path, model: str) -> Iterator[Row]:
    for key, sample in read_samples(path).items():
        if key.model == model and sample.n_tokens and sample.passed is not None:
            surprise = math.exp(-sample.logprob / sample.n_tokens)
            yield {"perplexity": surprise, "passes": float(sample.passed)}


def _comments(pieces: Sequence[Piece], model: str) -> Iterator[Row]:
    engine = LlamaEngine(find(model))
    for piece in pieces:
        text = piece.text[: piece.border] + piece.text[piece.end :]
        document = Document("file:///a.py", "python", 0, text)
        stated = stated_in(document, piece.border - 1, piece.border - 1, NOTHING)
        if not stated:
            continue
        request = request_for(below(stated[0], document), samplings(1, CONFIG))
        completion = complete(request, engine, CONFIG, Cancel())
        if completion.prompt is None:
            continue
        comment = text[stated[0].start : stated[0].end]
        prompt, code = completion.prompt, engine.tokenize(piece.text[piece.border : piece.end])
        n_tokens = len(engine.tokenize(comment + "\n"))
        with_it, without = (
            sum(engine.score((*given, *code), len(given), Cancel()))
            for given in (prompt.tokens, prompt.tokens[:-n_tokens])
        )
        said = completion.candidates[0].text.strip() if completion.candidates else ""
        yield {
            "perplexity": perplexity_of(prompt, comment, engine, Cancel()),
            "helps": float(with_it > without),
            "names": _share_of_names(said, piece.code),
            "letters": SequenceMatcher(None, said, piece.code.strip()).ratio(),
        }


def _share_of_names(said: str, truth: str) -> float:
    """Of the names in either, how many are in both (Jaccard's index)."""
    one, other = (set(re.findall(r"[^\W\d]\w*", text)) for text in (said, truth))
    return len(one & other) / max(1, len(one | other))


if __name__ == "__main__":
    main()
