"""What an engine may read of a person's files: the one place that decides it.

Prompts and what guesses are made from both ask here, and whatever will read files later has to.
"""

from __future__ import annotations

from codegen_lsp.config import Config
from codegen_lsp.context import MAX_LINE
from codegen_lsp.document import Document
from codegen_lsp.normal import normal

# Characters of one document that guesses come from. To tokenize them takes 14 ms (one core),
# for which a key might have to wait: half the time that a 350M model takes for a token.
EXCERPT = 32_768


def may_read(document: Document, config: Config) -> bool:
    """Whether anything of a document may reach an engine."""
    return config.enabled and document.language not in config.disabled_languages


def excerpt(document: Document, near: int, config: Config) -> str:
    r"""What an engine may remember of a document: whole lines around the offset `near`, with \n as
    their only end, without those too long to be typed; nothing of a binary file."""
    text = document.text
    if not may_read(document, config) or "\0" in text:
        return ""
    start = max(0, min(near - EXCERPT // 2, len(text) - EXCERPT))
    lines = normal(text[start : start + EXCERPT], document.language).split("\n")
    # The cut may have gone through a line.
    first = 1 if start > 0 else 0
    last = -1 if start + EXCERPT < len(text) else None
    return "\n".join(line for line in lines[first:last] if len(line) <= MAX_LINE)
