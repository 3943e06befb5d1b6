"""The vocabulary of a checkpoint: byte-level BPE as GPT-2 has it, and the tokens added to it.

It lies in `tokenizer.json`, or in `vocab.json`, `merges.txt` and (CodeGen, not its NL models)
`added_tokens.json`. All errors are `ValueError`s; checkpoint.py translates them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`tokens` and `merges` (each two tokens and a space between) are written in the byte alphabet,
    `added` as plain text. Added tokens are cut out of a text, longest first, before BPE sees it."""

    tokens: Mapping[str, int]
    merges: tuple[str, ...]
    added: Mapping[str, int]

    @property
    def n_ids(self) -> int:
        """One more than the highest id."""
        return 1 + max((*self.tokens.values(), *self.added.values()), default=-1)

    def id_of(self, token: str) -> int | None:
        return self.added.get(token, self.tokens.get(token))


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read either form. Where both lie there, `tokenizer.json` counts: it is complete by itself."""
    if (folder / "tokenizer.json").exists():
        vocabulary = _read_tokenizer_json(folder / "tokenizer.json")
    elif (folder / "vocab.json").exists() and (folder / "merges.txt").exists():
        vocabulary = _read_vocab_and_merges(folder)
    else:
        raise ValueError("no tokenizer: expected tokenizer.json, or vocab.json and merges.txt")
    _check_ids(vocabulary)
    return vocabulary


def byte_alphabet() -> tuple[str, ...]:
    """The character that stands for each byte in `vocab.json`: itself where it is printable in
    Latin-1, else one from 256 on (Radford et al. 2019, `bytes_to_unicode` of GPT-2's encoder.py)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises `ValueError` with the file's name for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} does not hold a JSON object")
    return value


def write_json(path: Path, value: object) -> None:
    """The inverse of `read_json`, for people to read: indented, letters as they are."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_tokenizer_json(path: Path) -> Vocabulary:
    content = read_json(path)
    try:
        model = content["model"]
        if model["type"] != "BPE" or "ByteLevel" not in json.dumps(content["pre_tokenizer"]):
            raise ValueError(f"{path.name} holds no byte-level BPE, which CodeGen models have")
        merges = (m if isinstance(m, str) else " ".join(m) for m in model["merges"])
        added = {token["content"]: token["id"] for token in content["added_tokens"]}
        return Vocabulary(dict(model["vocab"]), tuple(merges), added)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is no tokenizer of the usual form ({error})") from error


def _read_vocab_and_merges(folder: Path) -> Vocabulary:
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = tuple(line for line in lines if line and not line.startswith("#version"))
    wrong = next((line for line in merges if line.count(" ") != 1), None)
    if wrong is not None:
        raise ValueError(f"merges.txt: not two tokens with a space between them: {wrong[:40]!r}")
    added = folder / "added_tokens.json"
    return Vocabulary(
        read_json(folder / "vocab.json"), merges, read_json(added) if added.exists() else {}
    )


def _check_ids(vocabulary: Vocabulary) -> None:
    """Every id is a number that names one token; a token in both parts has the same id in both."""
    texts: dict[int, str] = {}
    for part in (vocabulary.tokens, vocabulary.added):
        for text, token_id in part.items():
            if not isinstance(token_id, int) or token_id < 0:
                raise ValueError(f"the tokenizer gives {text!r} the id {token_id!r}")
            if texts.setdefault(token_id, text) != text:
                raise ValueError(
                    f"the tokenizer gives {text!r} and {texts[token_id]!r} the same id {token_id}"
                )
    if len(texts) != len({*texts.values()}):
        raise ValueError("the tokenizer gives one token two ids")
