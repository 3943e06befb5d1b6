"""Candidates are run against the examples of their intents, in the sandbox, for who allows that.

A person allows it in two places: their editor trusts the workspace, which no file of the workspace can
say, and a setting switches it on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from codegen_lsp import sandbox
from codegen_lsp.choose import Scores
from codegen_lsp.config import Config
from codegen_lsp.engine import Cancel
from codegen_lsp.examples import examples
from codegen_lsp.excerpt import programs
from codegen_lsp.sandbox import Limits, SandboxError
from codegen_lsp.synthesis import Proposal, best_first

# Seconds for all examples of one candidate. A run of a small program takes 0.05 s.
SECONDS = 3.0
# What Python says of a module that is not there: no candidate's fault, mostly.
NO_MODULE = ("ImportError", "ModuleNotFoundError")


class Trials:
    """Runs candidates, one after the other, on a thread of its own."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` is told, on the loop, why examples are not run though a person has asked for it: once
        for each reason."""
        self.is_trusted = False  # says the editor, of the workspace
        self._tell = tell
        self._told: set[str] = set()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="examples")

    async def judged(
        self, proposals: tuple[Proposal, ...], config: Config, cancel: Cancel
    ) -> tuple[Proposal, ...]:
        """The proposals for an intent, those that pass most of its examples first; as they were where it
        has none, and where nothing may be run. The flag ends the waiting; what runs then ends within
        its limits."""
        if not (config.run_examples and _are_to_be_run(proposals)):
            return proposals
        if not self.is_trusted:
            self._refuse("the editor does not trust this workspace")
            return proposals
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def end(*_: object) -> None:
            loop.call_soon_threadsafe(ended.set)

        running = loop.run_in_executor(
            self._executor,
            _judged,
            proposals,
            config.unsafe_sandbox,
            lambda: self.is_trusted and not cancel.is_set(),
        )
        running.add_done_callback(end)
        cancel.on_set(end)
        await ended.wait()
        cancel.on_set(None)
        if not running.done():
            return proposals
        found, why_not = running.result()
        if why_not:
            self._refuse(why_not)
        return found

    def close(self) -> None:
        """Run nothing more; wait for nobody."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _refuse(self, why: str) -> None:
        if why not in self._told:
            self._told.add(why)
            self._tell(f"the examples were not run: {why}")


def _are_to_be_run(proposals: Sequence[Proposal]) -> bool:
    """Whether there is anything to run; of Python only we know how."""
    if not proposals or proposals[0].asked.document.language != "python":
        return False
    return bool(examples(proposals[0].asked.intent))


def _judged(
    proposals: tuple[Proposal, ...], unsafe: bool, may_go_on: Callable[[], bool]
) -> tuple[tuple[Proposal, ...], str]:
    """The proposals in their new order, or as they were and why."""
    if why := sandbox.unavailable(unsafe=unsafe):
        return proposals, why
    tried: list[Proposal] = []
    try:
        for each in proposals:
            n_passed, n_examples = _passed(each, unsafe, may_go_on)
            scores = each.scores or Scores(each.origin.mean_logprob)
            scores = replace(scores, n_passed=n_passed, n_examples=n_examples)
            tried.append(replace(each, scores=scores))
    except SandboxError as error:
        return proposals, str(error)
    return best_first(tried), ""


def _passed(proposal: Proposal, unsafe: bool, may_go_on: Callable[[], bool]) -> tuple[int, int]:
    """How many examples a candidate passes, and of how many. What it has no time for, it fails."""
    border, intent = proposal.asked.border, proposal.asked.intent
    wanted = programs(proposal.result, border, border + len(proposal.code), intent)
    deadline = time.monotonic() + SECONDS
    n_passed = n_unknown = 0
    for each in wanted:
        left = deadline - time.monotonic()
        if not may_go_on() or left <= 0:
            break
        outcome = sandbox.run(each, Limits(seconds=left), unsafe=unsafe)
        n_unknown += outcome.error.startswith(NO_MODULE)
        n_passed += outcome.value == "true"
    return n_passed, len(wanted) - n_unknown
