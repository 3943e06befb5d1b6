"""How often a suggestion is right, by what the model thought of it: `confidence.py FOLDER [MODEL]`.

Lines of real Python are cut off at each of their characters, and completed to their ends without any
gate. The table tells, for two measures of confidence and several thresholds, the share of the places
where something would be shown, and how much of that is what the file says. `minConfidence` is a
threshold of the first measure, `session.SURE` one of the second.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from codegen_lsp.complete import prompt_for
from codegen_lsp.config import Config
from codegen_lsp.context import gather
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Sampling, mean_logprob
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find

N_LINES = 150
MAX_TOKENS = 40
THRESHOLDS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


class Sample(NamedTuple):
    """The log-probabilities of a line's tokens, and whether it is what the file says."""

    logprobs: tuple[float, ...]
    is_right: bool


MEASURES: dict[str, Callable[[Sample], float]] = {
    "mean": lambda sample: math.exp(mean_logprob(sample.logprobs)),
    "product": lambda sample: math.exp(sum(sample.logprobs)),
}


def main(folder: str, model: str = "nano") -> None:
    samples = list(_samples(sorted(Path(folder).rglob("*.py")), model))
    print(f"{len(samples)} places")
    for name, measure in MEASURES.items():
        for threshold in THRESHOLDS:
            shown = [sample for sample in samples if measure(sample) >= threshold]
            n_right = sum(sample.is_right for sample in shown)
            share, right = len(shown) / len(samples), n_right / max(1, len(shown))
            print(f"{name:8} {threshold:5} shown {share:6.1%} right {right:6.1%}")


def _samples(files: list[Path], model: str) -> Iterator[Sample]:
    engine, config, draw = LlamaEngine(find(model)), Config(), random.Random(3)
    for _ in range(N_LINES):
        file = draw.choice(files)
        lines = file.read_text("utf-8").split("\n")
        number = draw.randrange(len(lines))
        line = lines[number]
        start = sum(len(above) + 1 for above in lines[:number])
        for column in range(len(line) - len(line.lstrip()), len(line)):
            lines[number] = line[:column]
            document = Document(str(file), "python", 0, "\n".join(lines))
            context = gather(document, start + column)
            if context is None:
                continue
            prompt = prompt_for(context, engine, config).prompt
            text, logprobs = "", list[float]()
            generation = engine.generate(prompt, [Sampling(MAX_TOKENS)], Cancel())
            for token in generation:
                text += token.text
                logprobs.append(token.logprob)
                if "\n" in text[len(prompt.heal) :]:
                    generation.stop(0)
            said = text[len(prompt.heal) :].partition("\n")[0].rstrip()
            if said:
                yield Sample(tuple(logprobs), said == line[column:].rstrip())


if __name__ == "__main__":
    main(*sys.argv[1:])
