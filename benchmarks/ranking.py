"""What candidates are best ranked by, measured on real files.

    python benchmarks/ranking.py FILES...

At random places several candidates for the rest of the line are asked for, and ranked with other weights
than those of `codegen_lsp/rank.py`. Printed is how often the first of them says what the file says.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from codegen_lsp import rank as ranking
from codegen_lsp.complete import Request, complete, n_ctx_for
from codegen_lsp.config import Config
from codegen_lsp.context import Context, gather
from codegen_lsp.document import Candidate, Document
from codegen_lsp.engine import Cancel
from codegen_lsp.languages import language_of
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find

CONFIG = Config(prompt_tokens=512, max_tokens=48)
N_CANDIDATES = 6
PLACES_A_FILE = 10
WEIGHTS = (0.0, 0.25, 0.5, 1.0)

Asked = tuple[Context, Sequence[Candidate], str]


def main(*paths: Path) -> None:
    """Ask at all places once, then rank with all weights."""
    asked = [each for each in _ask(paths) if len(each[1]) > 1]
    possible = sum(any(_is_right(each, truth) for each in found) for _, found, truth in asked)
    sys.stdout.write(
        f"{len(asked)} places with several candidates; at {possible} one of them is right\n"
    )
    for weights in product(WEIGHTS, WEIGHTS):
        ranking.NEW_NAMES, ranking.CLOSING = weights
        firsts = [(ranking.rank(found, context)[0], truth) for context, found, truth in asked]
        n_right = sum(_is_right(first, truth) for first, truth in firsts)
        sys.stdout.write("new names {:4}, closing {:4}: {}\n".format(*weights, n_right))


def _ask(paths: Sequence[Path]) -> Iterator[Asked]:
    choose = random.Random(0)
    with_engine = LlamaEngine(find(CONFIG.model), n_ctx=n_ctx_for(CONFIG))
    for path in paths:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for n in choose.sample(range(len(lines)), min(PLACES_A_FILE, len(lines))):
            column = choose.randrange(len(lines[n]) + 1)
            before = "\n".join([*lines[:n], lines[n][:column]])
            text = "\n".join([before, *lines[n + 1 :]])
            document = Document(path.name, language_of(path.suffix), 0, text)
            context = gather(document, len(before))
            request = Request(document, len(before), N_CANDIDATES)
            if context is not None:
                completion = complete(request, with_engine, CONFIG, Cancel())
                yield context, completion.candidates, lines[n][column:].strip()


def _is_right(candidate: Candidate, truth: str) -> bool:
    return candidate.text.partition("\n")[0].strip() == truth


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
