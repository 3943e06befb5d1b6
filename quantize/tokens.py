"""Text to token ids for training: CodeGen's kind of tokenizer, trained or read, and a corpus as ids.

A byte-level BPE as GPT-2's, then runs of 31 to 2 spaces and of 9 to 2 tabs as tokens of their own,
as CodeGen added them, so that indentation costs one token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from quantize.vocabulary import END_OF_TEXT, byte_alphabet, read_vocabulary
from quantize.whole import whole_file, whole_folder

WHITESPACE = (*(" " * n for n in range(31, 1, -1)), *("\t" * n for n in range(9, 1, -1)))

BATCH = 256  # documents handed to the tokenizer at a time: it works on them in parallel


def train_tokenizer(corpus: Path, folder: Path, n_vocab: int = 8192) -> None:
    """Train a tokenizer of at most `n_vocab` entries on a corpus file and write it to `folder`, which
    is new or empty, in GPT-2's layout. The end-of-text token has id 0. Raises `OSError`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - len(WHITESPACE),
        special_tokens=[END_OF_TEXT],
        initial_alphabet=list(byte_alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents(corpus), trainer)
    first = tokenizer.get_vocab_size()
    added = {token: first + i for i, token in enumerate(WHITESPACE)}
    ends = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT)
    with whole_folder(folder) as part:
        tokenizer.model.save(str(part))
        (part / "added_tokens.json").write_text(json.dumps(added), encoding="utf-8")
        (part / "special_tokens_map.json").write_text(json.dumps(ends), encoding="utf-8")


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint's folder. Raises `ValueError`, `OSError`."""
    vocabulary = read_vocabulary(folder)
    merges = [(left, right) for left, right in (line.split(" ") for line in vocabulary.merges)]
    tokenizer = Tokenizer(models.BPE(vocab=dict(vocabulary.tokens), merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, normalized=False)])
    for token, token_id in sorted(vocabulary.added.items(), key=lambda item: item[1]):
        tokenizer.add_tokens([AddedToken(token, normalized=False)])
        if tokenizer.token_to_id(token) != token_id:
            raise ValueError(f"added_tokens.json: {token!r} does not follow the vocabulary")
    return tokenizer


def documents(corpus: Path) -> Iterator[str]:
    """The documents of a corpus file, in order."""
    yield from corpus.read_text(encoding="utf-8").split(END_OF_TEXT)


def encoded(tokenizer_folder: Path, corpus: Path, cache: Path) -> NDArray[np.uint16]:
    """A corpus file as ids, each document after an end-of-text token, as a prompt is at its start.

    They lie memory-mapped in `cache`, and are made anew when the corpus or the tokenizer is newer.
    Raises `ValueError`, `OSError`.
    """
    sources = (corpus, *tokenizer_folder.glob("*.json"))
    newest = max(source.stat().st_mtime for source in sources)
    if not cache.exists() or cache.stat().st_mtime < newest:
        tokenizer = load_tokenizer(tokenizer_folder)
        with whole_file(cache) as part, part.open("wb") as file:
            np.save(file, np.concatenate(list(_encode(tokenizer, corpus))))
    ids: NDArray[np.uint16] = np.load(cache, mmap_mode="r")
    return ids


def bytes_of_tokens(tokenizer: Tokenizer, n_vocab: int) -> NDArray[np.int64]:
    """How many bytes of text each id stands for: shape (n_vocab,); end-of-text and padding have 0."""
    counts = np.zeros(n_vocab, dtype=np.int64)
    for token, token_id in tokenizer.get_vocab().items():
        # A byte-level entry spells each byte as one character, and whitespace is one byte each.
        counts[token_id] = 0 if token == END_OF_TEXT else len(token)
    return counts


def _encode(tokenizer: Tokenizer, corpus: Path) -> Iterator[NDArray[np.uint16]]:
    texts = list(documents(corpus))
    end = tokenizer.token_to_id(END_OF_TEXT)
    for start in range(0, len(texts), BATCH):
        for encoding in tokenizer.encode_batch(texts[start : start + BATCH]):
            yield np.array([end, *encoding.ids], dtype=np.uint16)
