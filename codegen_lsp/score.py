"""How likely a text is to a model, where it stands in a document: also one that no model has written."""

from __future__ import annotations

from dataclasses import replace

from codegen_lsp.complete import NOTHING, Known, prompt_for
from codegen_lsp.config import Config
from codegen_lsp.document import Document
from codegen_lsp.engine import Cancel, Engine
from codegen_lsp.normal import normal


def logprobs(
    document: Document,
    start: int,
    end: int,
    engine: Engine,
    config: Config,
    cancel: Cancel,
    known: Known = NOTHING,
) -> tuple[float, ...]:
    """The natural logarithm of the probability of each token between two offsets, given the prompt that
    the first one has where nothing follows. Of a text that takes more than half of the engine's context,
    only of so much; and fewer, if the flag is raised meanwhile. Raises `EngineError`."""
    context = known.gather(replace(document, text=document.text[:start]), start)
    if context is None:
        return ()
    text = normal(document.text[start:end], document.language)
    n_tokens = min(len(engine.tokenize(context.line_before + text)), engine.n_ctx // 2)
    prompt = prompt_for(context, engine, replace(config, max_tokens=n_tokens)).prompt
    n_given = max(1, len(prompt.tokens))
    tokens = (*prompt.tokens, *engine.tokenize(prompt.heal + text))
    return engine.score(tokens[: n_given + n_tokens], n_given, cancel)
