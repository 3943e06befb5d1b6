"""How a model is best asked for a description: `descriptions.py FOLDER [--model M]`.

Of the functions of a folder's Python files the docstrings are taken out, and asked for in several forms.
Printed is for how many there was an answer that can be shown, and of the words that the author or the
model says, how many both do (Jaccard's index); and the first answers, to be read.

The embedded model, on 120 functions of packages that it has not read: what stands above, the code and
the header again 0.175, what stands above and the header 0.161, the code and the header again 0.119, the
header alone 0.101. Both the code and the file's way of saying things help; the first form is the
product's.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable
from pathlib import Path

from commented import Piece, docstrings

from codegen_lsp import describe
from codegen_lsp.config import Config
from codegen_lsp.describe import Subject, described, subject_at
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine, Prompt
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import find

N_SHOWN = 12


def header(subject: Subject, engine: Engine, _config: Config) -> Prompt:
    return prompt_of(f'{subject.header}{subject.indent}"""', engine)


def above(subject: Subject, engine: Engine, _config: Config) -> Prompt:
    """The header where it stands in its file."""
    return prompt_of(f'{subject.above}{subject.header}{subject.indent}"""', engine)


def again(subject: Subject, engine: Engine, _config: Config) -> Prompt:
    """The code, and the header behind it."""
    return prompt_of(f'{subject.code}\n\n{subject.header}{subject.indent}"""', engine)


def prompt_of(text: str, engine: Engine) -> Prompt:
    return Prompt(text, tuple(engine.tokenize(text)))


FORMS: dict[str, Callable[[Subject, Engine, Config], Prompt]] = {
    "above and again": describe.prompt_for,
    "again": again,
    "header": header,
    "above": above,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="How a model is best asked for a description.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--n", type=int, default=60)
    wanted = parser.parse_args()
    pieces = docstrings(wanted.folder)
    random.Random(0).shuffle(pieces)
    engine = LlamaEngine(find(wanted.model))
    for name, form in FORMS.items():
        describe.prompt_for = form
        report(name, pieces[: wanted.n], engine)


def report(form: str, pieces: list[Piece], engine: Engine) -> None:
    shares, shown = list[float](), list[str]()
    for piece in pieces:
        text = piece.text[: piece.start] + piece.text[piece.border :]
        subject = subject_at(Document("file:///a.py", "python", 0, text), piece.start)
        if isinstance(subject, str):
            continue
        found = described(subject, engine, Config(), Cancel(), lambda _: None)
        said = found[0].text if found else ""
        shares.append(share_of_words(said, piece.intent))
        shown.append(f"    {subject.name}: {said!r} for {piece.intent!r}")
    n_said = sum(": ''" not in line for line in shown)
    print(f"{form}: {n_said} of {len(shown)}, {sum(shares) / len(shares):.3f}")
    print("\n".join(shown[:N_SHOWN]), flush=True)


def share_of_words(said: str, truth: str) -> float:
    one, other = (set(re.findall(r"\w+", text.lower())) for text in (said, truth))
    return len(one & other) / max(1, len(one | other))


if __name__ == "__main__":
    main()
