"""From which perplexity on an intent is unclear to a model.

    python benchmarks/clarity.py FOLDER [--model M]

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from commented import Piece, comments

from codegen_lsp.clarity import perplexity_of
from codegen_lsp.complete import NOTHING, complete
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find
from codegen_lsp.synthesis import below, request_for, stated_in

CONFIG = Config(max_tokens=64)
N_BINS = 8


class Sample(NamedTuple):
    """What came of a comment: its perplexity, and what the model and the file say below it."""

    perplexity: float
    said: str
    truth: str


def main() -> None:
    parser = argparse.ArgumentParser(description="From which perplexity on an intent is unclear.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--kept", type=Path)
    wanted = parser.parse_args()
    pieces = comments(wanted.folder)
    random.Random(1).shuffle(pieces)
    samples = []
    for sample in _samples(pieces[: wanted.n], wanted.model):
        samples.append(sample)
        if wanted.kept:
            with wanted.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(sample) + "\n")
    report(samples)


def report(samples: Sequence[Sample]) -> None:
    samples = sorted(samples)
    borders = [len(samples) * k // N_BINS for k in range(N_BINS + 1)]
    for bin_ in (samples[start:end] for start, end in pairwise(borders)):
        shares = [sum(map(each, bin_)) / len(bin_) for each in OUTCOMES.values()]
        print(f"from {bin_[0].perplexity:8.1f} ", *(f"{share:6.1%}" for share in shares))
    for name, outcome in OUTCOMES.items():
        print(f"{name}: AUC {auc(samples, outcome):.3f} of {len(samples)}")


def auc(samples: Sequence[Sample], outcome: Callable[[Sample], float]) -> float:
    """How often, of two with different outcomes, the better one has the lower perplexity."""
    told = [(sample.perplexity, outcome(sample)) for sample in samples]
    pairs = [(one, other) for one in told for other in told if one[1] > other[1]]
    return sum(one[0] < other[0] for one, other in pairs) / max(1, len(pairs))


def _samples(pieces: Sequence[Piece], model: str) -> Iterator[Sample]:
    engine = LlamaEngine(find(model))
    for piece in pieces:
        text = piece.text[: piece.border] + piece.text[piece.end :]
        document = Document("file:///a.py", "python", 0, text)
        stated = stated_in(document, piece.border - 1, piece.border - 1, NOTHING)
        if not stated:
            continue
        request = request_for(below(stated[0], document), 1)
        completion = complete(request, engine, CONFIG, Cancel())
        if completion.prompt is not None:
            comment = text[stated[0].start : stated[0].end]
            assert completion.prompt.text.rstrip().endswith(comment.split("\n")[-1].strip())
            surprise = perplexity_of(completion.prompt, comment, engine, Cancel())
            said = completion.candidates[0].text if completion.candidates else ""
            yield Sample(surprise, said.strip(), piece.code.strip())


def _has_first_line(sample: Sample) -> float:
    said, truth = (text.partition("\n")[0].strip() for text in (sample.said, sample.truth))
    return float(said == truth)


def _share_of_names(sample: Sample) -> float:
    """Of the names in both codes, how many are in either (Jaccard's index)."""
    said, truth = (set(re.findall(r"[^\W\d]\w*", text)) for text in (sample.said, sample.truth))
    return len(said & truth) / max(1, len(said | truth))


OUTCOMES: dict[str, Callable[[Sample], float]] = {
    "first line": _has_first_line,
    "names": _share_of_names,
    "letters": lambda sample: SequenceMatcher(None, sample.said, sample.truth).ratio(),
}


if __name__ == "__main__":
    main()
