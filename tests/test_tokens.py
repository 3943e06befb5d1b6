"""Text to ids for training: what is trained is what the converter and llama.cpp will read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantize.tokens import WHITESPACE, bytes_of_tokens, encoded, load_tokenizer, train_tokenizer
from quantize.vocabulary import read_vocabulary

DOCUMENTS = (
    "def add(a, b):\n    return a + b\n",
    "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n",
    "# é, 漢字 and 😀\n\tif True:\n\t\tpass\n",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "train.txt"
    path.write_text("<|endoftext|>".join(DOCUMENTS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(corpus: Path) -> Path:
    target = corpus.parent / "tokenizer"
    train_tokenizer(corpus, target, n_vocab=350)
    return target


def test_layout_of_a_trained_tokenizer(folder: Path) -> None:
    vocabulary = read_vocabulary(folder)
    assert vocabulary.id_of("<|endoftext|>") == 0
    assert vocabulary.id_of(" " * 31) == len(vocabulary.tokens)
    assert tuple(vocabulary.added) == WHITESPACE
    assert vocabulary.n_ids <= 350
    assert len(vocabulary.tokens) > 257  # it learned merges, and knows every byte


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("        x", [" " * 8, "x"], id="eight spaces are one token"),
        pytest.param(" " * 33 + "x", [" " * 31, "  ", "x"], id="the longest first"),
        pytest.param("\t\tx", ["\t\t", "x"], id="tabs"),
        pytest.param(" x", ["Ġx"], id="one space belongs to the word"),
    ],
)
def test_whitespace(folder: Path, text: str, expected: list[str]) -> None:
    assert load_tokenizer(folder).encode(text).tokens == expected


@given(text=st.text())
def test_nothing_is_lost(folder: Path, text: str) -> None:
    tokenizer = load_tokenizer(folder)
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text
    n_bytes = int(bytes_of_tokens(tokenizer, 350)[ids].sum())
    assert n_bytes == len(text.encode())


def test_end_of_text_is_no_text(folder: Path) -> None:
    n_bytes = bytes_of_tokens(load_tokenizer(folder), 350)
    assert n_bytes[0] == 0
    assert (n_bytes[1 : read_vocabulary(folder).n_ids] > 0).all()


def test_each_document_begins_with_end_of_text(corpus: Path, folder: Path, tmp_path: Path) -> None:
    ids = encoded(folder, corpus, tmp_path / "ids.npy")
    tokenizer = load_tokenizer(folder)
    starts = [int(at) for at in np.flatnonzero(ids == 0)]
    parts = [ids[a + 1 : b] for a, b in zip(starts, [*starts[1:], len(ids)], strict=True)]
    assert starts[0] == 0
    assert tuple(tokenizer.decode(part.tolist()) for part in parts) == DOCUMENTS


def test_ids_are_made_anew_only_when_the_corpus_is_newer(folder: Path, tmp_path: Path) -> None:
    corpus, cache = tmp_path / "train.txt", tmp_path / "ids.npy"
    corpus.write_text("first", encoding="utf-8")
    first = encoded(folder, corpus, cache).tolist()
    corpus.write_text("second", encoding="utf-8")
    made = cache.stat().st_mtime
    os.utime(corpus, (made - 10, made - 10))
    assert encoded(folder, corpus, cache).tolist() == first
    os.utime(corpus, (made + 10, made + 10))
    assert encoded(folder, corpus, cache).tolist() != first


def test_added_tokens_that_do_not_follow_are_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "added_tokens.json").write_text(json.dumps({"  ": 5000}), encoding="utf-8")
    with pytest.raises(ValueError, match="does not follow the vocabulary"):
        load_tokenizer(tmp_path)
