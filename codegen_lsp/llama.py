"""The engine on llama.cpp: some slots that remember prompts, and candidates decoded side by side.

Low-level on purpose: a prompt costs only what differs from a slot's, candidates share one batch, and an
evaluation ends at once when a flag is raised.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import statistics
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import psutil

from codegen_lsp.draft import Draft, Drafts
from codegen_lsp.engine import (
    KV_MB,
    MAX_CTX,
    Cancel,
    EngineError,
    Footprint,
    Generation,
    Infill,
    Prompt,
    Sampling,
    Stats,
    Stop,
    Token,
    UntilStop,
)
from codegen_lsp.healing import Beginning, Vocabulary
from codegen_lsp.infill import infill_of
from codegen_lsp.native import captured_log, lib
from codegen_lsp.sampler import Sampler, log_probability
from codegen_lsp.slot import (
    ABORTED,
    MAX_SEQUENCES,
    N_BATCH,
    NO_ROOM,
    Logits,
    Row,
    Slot,
    Tuning,
    bytes_per_cell,
)

# Cells beside those of a prompt, so that several candidates fit behind a long one.
ROOM = 256
PAGE = 256  # llama.cpp rounds the number of cells up to a multiple of this
MAX_SLOTS = 8
# A prompt that would take the place of more than so many tokens of another goes to a slot of its own,
# with a copy of what they share if that is as long. Fewer are evaluated again within a key or two.
MAX_LOST = 64
# Logits asked for at a time while scoring; more would only take memory.
N_SCORED = 32


class LlamaEngine:
    """A GGUF file, loaded. See `engine.Engine` for what can be asked of it."""

    def __init__(
        self,
        path: Path,
        *,
        tuning: Tuning | None = None,
        n_gpu_layers: int = -1,
        n_ctx: int = MAX_CTX,
        kv_mb: int = KV_MB,
        exact: bool = False,
        speculate: bool = True,
        progress: Callable[[float], bool] = lambda _: True,
    ) -> None:
        """Load `path`. `progress` hears a share from 0 to 1, and ends the loading by returning False.
        -1 layers means all of them. Prompt and answer have `n_ctx` tokens at most. The KV cache takes
        `kv_mb` MB (10^6 bytes) at most, but has room for 256 tokens; where not one prompt fits in,
        prompts have to be shorter. `exact` makes answers independent of what was asked
        before, to the bit, with Q8_0, F16 and F32 weights on a CPU, and prefill half as fast.
        `speculate` verifies guesses at tokens, several at once (see `draft.py`).
        Raises `EngineError`."""
        self._model = _load_model(path, n_gpu_layers, progress)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self._infill = infill_of(self._vocab)
        self._ends = frozenset(self._infill.ends if self._infill else ())
        self._tuning = tuning or default_tuning()
        self._exact = exact
        per_cell = bytes_per_cell(self._model)
        n_affordable = max(1, kv_mb * 1_000_000 // (per_cell * PAGE)) * PAGE
        n_wanted = min(n_ctx, int(lib.llama_model_n_ctx_train(self._model)))
        self._n_cells = min(-(-(n_wanted + ROOM) // PAGE) * PAGE, n_affordable)
        self._n_ctx = min(n_wanted, self._n_cells)
        n_slots = min(n_affordable // self._n_cells, MAX_SLOTS)
        self._footprint = Footprint(
            int(lib.llama_model_size(self._model)), n_slots * self._n_cells * per_cell, n_slots
        )
        n_vocab = int(lib.llama_vocab_n_tokens(self._vocab))
        self._vocabulary = Vocabulary([self._piece(id_) for id_ in range(n_vocab)])
        self._drafts = Drafts() if speculate else Drafts(0)
        self._slots = [self._new_slot()]  # the least recently used first

    @property
    def n_ctx(self) -> int:
        return self._n_ctx

    @property
    def footprint(self) -> Footprint:
        return self._footprint

    @property
    def infill(self) -> Infill | None:
        return self._infill

    def tokenize(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        tokens = (lib.llama_token * (len(data) + 1))()  # a token is a byte at least
        n_tokens = lib.llama_tokenize(
            self._vocab, data, len(data), tokens, len(tokens), False, False
        )
        return list(tokens[:n_tokens])

    def generate(self, prompt: Prompt, samplings: Sequence[Sampling], cancel: Cancel) -> Generation:
        if len(samplings) > MAX_SEQUENCES:
            raise EngineError(f"more than {MAX_SEQUENCES} candidates at once; lower candidates")
        return Generation(
            len(samplings), lambda generation: self._run(generation, prompt, samplings, cancel)
        )

    def warm(self, tokens: Sequence[int], cancel: Cancel) -> int:
        tokens = self._checked(tokens)
        if any(slot.n_common(tokens) == len(tokens) for slot in self._slots):
            return 0  # what stands behind it there is perhaps the answer that is accepted next
        slot = self._slot_for(tokens)
        slot.abort_on(cancel)
        slot.prepare(tokens)
        return max(0, len(slot.tokens) - slot.n_reused)

    def score(self, tokens: Sequence[int], n_given: int, cancel: Cancel) -> tuple[float, ...]:
        tokens = self._checked(tokens)
        slot = self._slot_for(tokens[: n_given - 1])
        slot.abort_on(cancel)
        logprobs: list[float] = []
        goes_on = slot.evaluate(tokens[len(slot.tokens) : n_given - 1], n_logits=0)
        while goes_on and (part := tokens[len(slot.tokens) : -1][:N_SCORED]):
            following = tokens[len(slot.tokens) + 1 :]
            goes_on = slot.evaluate(part, n_logits=len(part))
            if goes_on:
                logprobs += [
                    log_probability(slot.logits(row), following[row]) for row in range(len(part))
                ]
        slot.n_prompt = len(slot.tokens)
        return tuple(logprobs)

    def remember(self, key: str, text: str) -> None:
        self._drafts.remember(key, self.tokenize(text))

    def decode_speed(self, n_threads: int, seconds: float) -> float:
        """Tokens a second, one at a time, with so many threads: the median of what fits in the time.
        The prompts that are held stay as they are. Raises `EngineError`."""
        with self._trial(Tuning(n_threads, n_threads)) as slot:
            slot.evaluate([0])  # the first one is slow
            times: list[float] = []
            while sum(times) < seconds and len(slot.tokens) < slot.n_cells:
                begun = time.perf_counter()
                slot.evaluate([0])
                times.append(time.perf_counter() - begun)
        return 1 / statistics.median(times)

    def prefill_speed(self, n_threads: int, n_ubatch: int) -> float:
        """Tokens a second of one batch, likewise."""
        with self._trial(Tuning(n_threads, n_threads, n_ubatch)) as slot:
            slot.evaluate([0])
            begun = time.perf_counter()
            slot.evaluate([0] * n_ubatch)
            return n_ubatch / (time.perf_counter() - begun)

    def retune(self, tuning: Tuning) -> None:
        """Go on with another tuning; forgets the prompts. Raises `EngineError`."""
        self._tuning = tuning
        for slot in self._slots:
            slot.close()
        self._slots = [self._new_slot()]

    def seconds_used(self) -> float:
        return 0.0

    def close(self) -> None:
        for slot in self._slots:
            slot.close()
        lib.llama_model_free(self._model)

    @contextmanager
    def _trial(self, tuning: Tuning) -> Iterator[Slot]:
        """A small slot for measuring, beside the others."""
        slot = Slot(self._model, 2 * N_BATCH, tuning, exact=self._exact)
        try:
            slot.abort_on(Cancel())
            yield slot
        finally:
            slot.close()

    def _checked(self, tokens: Sequence[int]) -> list[int]:
        if len(tokens) >= self._n_ctx:
            raise EngineError(
                f"the prompt has {len(tokens)} tokens and there is room for {self._n_ctx}; "
                "lower promptTokens or raise kvCacheMb"
            )
        return list(tokens) or [int(lib.llama_vocab_bos(self._vocab))]

    def _fitting(self, samplings: Sequence[Sampling], n_prompt: int) -> list[Sampling]:
        """The same, no longer than there are positions left in the model."""
        n_left = self._n_ctx - n_prompt
        return [replace(how, max_tokens=min(how.max_tokens, n_left)) for how in samplings]

    def _slot_for(self, tokens: list[int]) -> Slot:
        """The slot that begins most like a prompt, cut to what they share; a copy of that where
        much of another prompt would be lost."""
        n_common, _, best = max(
            ((slot.n_common(tokens), -slot.n_prompt, slot) for slot in self._slots),
            key=itemgetter(0, 1),
        )
        slot = best
        if best.n_prompt - n_common > MAX_LOST and self._footprint.n_slots > 1:
            is_akin = n_common > MAX_LOST
            slot = self._other_slot(best if is_akin else None)
            if is_akin:
                slot.take_from(best)
        slot.keep(slot.n_common(tokens))
        self._slots.remove(slot)
        self._slots.append(slot)
        return slot

    def _other_slot(self, kept: Slot | None) -> Slot:
        """A new slot, or else the one that was not used for the longest time."""
        if len(self._slots) < self._footprint.n_slots:
            self._slots.insert(0, self._new_slot())
        return next(slot for slot in self._slots if slot is not kept)

    def _new_slot(self) -> Slot:
        return Slot(self._model, self._n_cells, self._tuning, exact=self._exact)

    def _run(
        self,
        generation: Generation,
        prompt: Prompt,
        samplings: Sequence[Sampling],
        cancel: Cancel,
    ) -> Generator[Token, None, None]:
        """Prefill, decode, and leave the slot in order, however it ends."""
        tokens = self._checked(prompt.tokens)
        slot = self._slot_for(tokens)
        slot.abort_on(cancel)
        draft = self._drafts.begin(tokens)
        candidates = [
            _Candidate(index, len(tokens), how, Sampler(how, self._beginning_of(prompt)))
            for index, how in enumerate(self._fitting(samplings, len(tokens)))
        ]
        begun = prefilled = time.perf_counter()
        try:
            if slot.prepare(tokens):
                prefilled = time.perf_counter()
                yield from self._decode(slot, candidates, draft, generation.wanted)
        finally:
            ended = time.perf_counter()
            if len(candidates) == 1:
                draft.end(candidates[0].ids)
            for candidate in candidates:
                candidate.sampler.close()
                if candidate.index > 0:
                    slot.trim(candidate.index, 0)
            border = prefilled if prefilled > begun else ended
            why: Stop = "cancelled" if cancel.is_set() else "consumer"
            generation.stats = Stats(
                n_prompt=len(tokens),
                n_reused=slot.n_reused,
                n_generated=sum(candidate.n_said for candidate in candidates),
                n_drafted=draft.n_drafted,
                n_accepted=draft.n_accepted,
                prefill_ms=(border - begun) * 1000,
                decode_ms=(ended - border) * 1000,
                stops=tuple(candidate.stop or why for candidate in candidates),
            )

    def _beginning_of(self, prompt: Prompt) -> Beginning:
        return Beginning(self._vocabulary, prompt.heal, prompt.shun)

    def _decode(
        self, slot: Slot, candidates: list[_Candidate], draft: Draft, wanted: Collection[int]
    ) -> Iterator[Token]:
        """Decode the candidates as one batch a step, each until it ends."""
        assert slot.ending is not None
        slot.share(len(candidates))
        for candidate in candidates:
            candidate.choose(slot.ending)
        going = candidates
        while going:
            for candidate in going:
                yield from self._said(candidate, wanted)
            going = [candidate for candidate in going if candidate.stop is None]
            if going and not self._step(slot, going, draft):
                return

    def _said(self, candidate: _Candidate, wanted: Collection[int]) -> Iterator[Token]:
        """The tokens that a candidate has chosen, as far as they go; notes why it ends."""
        for id_, logprob in candidate.chosen:
            if lib.llama_vocab_is_eog(self._vocab, id_) or id_ in self._ends:
                candidate.stop = "eos"
                break
            for token in candidate.say(id_, self._vocabulary.pieces[id_], logprob):
                yield token
                if candidate.index not in wanted:
                    candidate.stop = "consumer"
                    return
            if candidate.until_stop.is_met:
                candidate.stop = "stop"
                return
            if candidate.n_said == candidate.sampling.max_tokens:
                candidate.stop = "length"
                break
        if candidate.stop:
            yield from candidate.until_stop.rest()

    def _step(self, slot: Slot, candidates: list[_Candidate], draft: Draft) -> bool:
        """Evaluate what each candidate has chosen, and guesses behind it where only one goes on; let
        them choose again. False where that was not possible."""
        guesses: list[int] = []
        if len(candidates) == 1 and not candidates[0].sampler.is_beginning:
            guesses = draft.propose(candidates[0].ids, candidates[0].n_left)
        begun = time.perf_counter()
        status = slot.decode(rows := _rows(candidates, guesses), n_logits=len(rows))
        if status == NO_ROOM and guesses:  # there may be for the token alone
            guesses = []
            status = slot.decode(rows := _rows(candidates, guesses), n_logits=len(rows))
        if status == NO_ROOM:
            for candidate in candidates:
                candidate.stop = "length"
        if status in (NO_ROOM, ABORTED):
            return False
        if status != 0:
            raise EngineError(f"llama.cpp could not evaluate a token (status {status})")
        for number, candidate in enumerate(candidates):
            candidate.verify(guesses, slot, first_row=number * (1 + len(guesses)))
        if len(candidates) == 1:
            seconds = time.perf_counter() - begun
            draft.took(len(guesses), len(candidates[0].chosen) - 1, seconds)
        return True

    def _piece(self, id_: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            n_bytes = lib.llama_token_to_piece(self._vocab, id_, buffer, size, 0, False)
            if n_bytes >= 0:
                return buffer.raw[:n_bytes]
            size = -n_bytes


class _Candidate:
    """One continuation: the tokens it has chosen, and how much of them was evaluated and said."""

    def __init__(self, index: int, n_prompt: int, sampling: Sampling, sampler: Sampler) -> None:
        self.index = index  # also the sequence that holds it
        self.sampling = sampling
        self.sampler = sampler
        self.until_stop = UntilStop(sampling.stop)
        self.stop: Stop | None = None
        self.ids: list[int] = []
        self.chosen: list[tuple[int, float]] = []  # since the last step: ids and log-probabilities
        self.n_evaluated = n_prompt  # the last id is not, ever
        self.n_said = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def n_left(self) -> int:
        """How many tokens more it may choose."""
        return self.sampling.max_tokens - len(self.ids)

    def choose(self, logits: Logits) -> int:
        id_, logprob = self.sampler.choose(logits)
        self.ids.append(id_)
        self.chosen.append((id_, logprob))
        return id_

    def rows(self, guesses: Sequence[int]) -> Iterator[Row]:
        """What to evaluate next: the last token, and what might follow it."""
        for at, id_ in enumerate([self.ids[-1], *guesses]):
            yield Row(id_, self.n_evaluated + at, self.index)

    def verify(self, guesses: Sequence[int], slot: Slot, first_row: int) -> None:
        """Choose behind each of these rows, as long as the guesses are what is chosen."""
        evaluated = [self.ids[-1], *guesses]
        self.chosen = []
        for guess in [*guesses, None]:
            if self.choose(slot.logits(first_row + len(self.chosen))) != guess:
                break
        n_kept = len(self.chosen)
        self.n_evaluated += n_kept
        if n_kept < len(evaluated):
            slot.trim(self.index, self.n_evaluated)
        if self.index == 0:
            slot.tokens += evaluated[:n_kept]

    def say(self, id_: int, piece: bytes, logprob: float) -> list[Token]:
        """What may be passed on now that a token is chosen."""
        self.n_said += 1
        token = Token(id_, self._decoder.decode(piece), logprob, self.index)
        return self.until_stop.take(token)


def _rows(candidates: Sequence[_Candidate], guesses: Sequence[int]) -> list[Row]:
    return [row for candidate in candidates for row in candidate.rows(guesses)]


def physical_cores() -> int:
    """Cores, not hyper-threads: two threads of one core share the unit that multiplies."""
    return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1


def default_tuning(n_threads: int = 0) -> Tuning:
    """What suits most machines; 0 threads means the physical cores."""
    return Tuning(n_threads or physical_cores(), n_threads or physical_cores())


def supports_gpu() -> bool:
    """Whether this llama.cpp was built for a GPU."""
    return bool(lib.llama_supports_gpu_offload())


def system_info() -> str:
    """The processor features that this llama.cpp uses, in its own words."""
    return bytes(lib.llama_print_system_info()).decode("utf-8", "replace").strip()


def _load_model(path: Path, n_gpu_layers: int, progress: Callable[[float], bool]) -> Any:
    if not path.is_file():
        raise EngineError(f"{path}: there is no such file")
    params = lib.llama_model_default_params()
    params.n_gpu_layers = n_gpu_layers if supports_gpu() else 0
    params.progress_callback = lib.llama_progress_callback(lambda share, _: progress(share))
    with captured_log() as log:
        model = lib.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise EngineError(f"{path}: llama.cpp cannot load it ({log.reason()})")
    return model
