"""How results look on a terminal, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from codegen_lsp.complete import Completion
from codegen_lsp.doctor import Check
from codegen_lsp.document import Candidate, Document
from codegen_lsp.models import Model

LINES_BEFORE, LINES_AFTER = 20, 4  # of the file, around the ghost text


def print_completion(document: Document, offset: int, completion: Completion) -> None:
    """The code around the cursor with each candidate as ghost text: dim on a terminal, between
    « and » elsewhere."""
    console = Console(highlight=False, soft_wrap=True)
    if not completion.candidates:
        Console(stderr=True).print("nothing to suggest here")
    for n, candidate in enumerate(completion.candidates, 1):
        if len(completion.candidates) > 1:
            console.rule(
                f"{n}/{len(completion.candidates)} · mean log-probability "
                f"{candidate.mean_logprob:.2f} · {candidate.n_tokens} tokens",
                align="left",
            )
        console.print(_with_ghost(document, offset, candidate, console.is_terminal), end="")


def _with_ghost(document: Document, offset: int, candidate: Candidate, is_terminal: bool) -> Text:
    before, after = document.text[:offset], document.text[offset:]
    shown = Text("".join(before.splitlines(keepends=True)[-LINES_BEFORE:]))
    if is_terminal:
        shown.append(candidate.text, style="italic dim")
    else:
        shown.append(f"«{candidate.text}»")
    shown.append("".join(after.splitlines(keepends=True)[: LINES_AFTER + 1]))
    return shown if shown.plain.endswith("\n") else shown.append("\n")


def completion_json(
    completion: Completion, model: str, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """One object with candidates, the prompt, times in milliseconds, and the model's name."""
    prompt, stats = completion.prompt, completion.stats
    return {
        "candidates": [asdict(candidate) for candidate in completion.candidates],
        "prompt": {
            "n_tokens": stats.n_prompt,
            "n_reused": stats.n_reused,
            "text": prompt.text if prompt else "",
        },
        "timings_ms": {
            "load": round(seconds["load"] * 1000, 1),
            "prefill": round(stats.prefill_ms, 1),
            "decode": round(stats.decode_ms, 1),
            "total": round(seconds["total"] * 1000, 1),
        },
        "model": model,
    }


def print_models(models: Sequence[Model], directory: Path) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("NAME", "SIZE", "FILE"):
        table.add_column(title, justify="right" if title == "SIZE" else "left", overflow="fold")
    for model in models:
        where = "comes with the program" if model.embedded else str(model.path)
        table.add_row(model.name, f"{model.size / 2**20:.1f} MiB", where)
    Console(soft_wrap=not sys.stdout.isatty()).print(table)
    if len(models) == 1:
        print(f"\nAdd another with: codegen-lsp models add PATH.gguf (it is copied to {directory})")


def print_checks(checks: Sequence[Check]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]"
        console.print(f"{mark} {check.name:<{width}}  ", end="")
        console.print(Text(check.value))
        if check.advice:
            console.print(Text(f"  {'':<{width}}  → {check.advice}"))
