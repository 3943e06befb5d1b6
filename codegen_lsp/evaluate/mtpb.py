"""The paper's Multi-Turn Programming Benchmark, by the conversation and engine that serve an editor.

A model is asked for one step of a program after the other and sees its own steps; what the finished
program prints last decides (Nijkamp et al. 2022, section 4). To compare, the same intents can be given
in a single turn.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from codegen_lsp.clarity import intent_logprobs
from codegen_lsp.engine import Cancel, Engine, Prompt, Sampling
from codegen_lsp.evaluate import values
from codegen_lsp.evaluate.problems import BenchmarkError, Problem
from codegen_lsp.evaluate.samples import Key, Sample, Turns, append
from codegen_lsp.history import Said, comment, conversation, transcript
from codegen_lsp.postprocess import truncate, until_end
from codegen_lsp.sandbox import Limits, run

# As in the paper, and its mtpb_sample.py and mtpb_exec.py.
LANGUAGE = "python"
PREAMBLE = "# Import libraries.\n\nimport numpy as np\n\n"
TEMPERATURE, TOP_P = 0.2, 0.95
N_CTX = 2048
LIMITS = Limits(seconds=20.0)

Z = 1.96  # standard deviations that 95 % of a normal distribution lie within
# Of a package that is here, a missing part is the program's own idea.
MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)'")


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of `n` programs passed, as a share, and the bounds of its 95 % confidence interval."""

    n_passed: int
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a model makes of the problems: the rate of all programs and by category; the perplexity of
    the prompts of programs that passed and that failed (None where there are none); and how many
    programs failed for want of a module, by its name."""

    model: str
    turns: Turns
    n_problems: int
    all: Rate
    categories: dict[str, Rate]
    passed_perplexity: float | None
    failed_perplexity: float | None
    missing: dict[str, int]


def wanted(problems: Iterable[Problem], model: str, turns: Turns, n: int) -> list[Key]:
    """`n` samples for each input of each problem."""
    return [
        Key(model, turns, problem.id, case, number)
        for problem in problems
        for case in range(len(problem.cases))
        for number in range(n)
    ]


def sampled(
    keys: Sequence[Key],
    problems: Iterable[Problem],
    kept: Mapping[Key, Sample],
    start: Callable[[], Engine],
    path: Path | None = None,
) -> Iterator[Sample]:
    """A judged sample for each key: a kept one, or one of the engine that `start` starts when it is
    needed, which is then appended to the file. Raises `EngineError`, `SandboxError` and
    `BenchmarkError`."""
    by_id = {problem.id: problem for problem in problems}
    yield from (judged(kept[key], by_id[key.problem]) for key in keys if key in kept)
    missing = [key for key in keys if key not in kept]
    if not missing:
        return
    with closing(start()) as engine:
        for key in missing:
            problem = by_id[key.problem]
            new = judged(written(key, problem, engine), problem)
            if path is not None:
                append(path, new)
            yield new


def scored(samples: Iterable[Sample], problems: Iterable[Problem]) -> Iterator[Sample]:
    """The samples, judged again. Raises `SandboxError`, and `BenchmarkError` for one of no problem."""
    by_id = {problem.id: problem for problem in problems}
    for each in samples:
        key = each.key
        if key.problem not in by_id or not 0 <= key.input < len(by_id[key.problem].cases):
            raise BenchmarkError(f"no problem {key.problem} has an input {key.input}")
        yield judged(replace(each, passed=None), by_id[key.problem])


def written(key: Key, problem: Problem, engine: Engine) -> Sample:
    """A program of the engine's model. Raises `EngineError`."""
    intents = problem.cases[key.input].intents
    n_ctx = min(N_CTX, engine.n_ctx)
    max_tokens = problem.max_tokens
    if key.turns == "single":
        intents, max_tokens = ("\n".join(intents),), max_tokens * len(intents)
    max_tokens = min(max_tokens, n_ctx // 2)
    said: list[Said] = []
    logprobs: list[float] = []
    for turn, intent in enumerate(intents):
        text = conversation(
            said,
            intent,
            preamble=PREAMBLE,
            language=LANGUAGE,
            budget=n_ctx - max_tokens,
            count=lambda text: len(engine.tokenize(text)),
        )
        prompt = Prompt(text, tuple(engine.tokenize(text)))
        # Its comment begins with a token of its own, so its tokens are the prompt's last.
        n_asked = len(engine.tokenize(comment(intent, LANGUAGE)))
        logprobs += intent_logprobs(prompt.tokens, n_asked, engine, Cancel())
        sampling = Sampling(max_tokens, TEMPERATURE, TOP_P, _seed(key, turn))
        said.append(Said(intent, _answer(prompt, sampling, CUTS[key.turns], engine)))
    program = transcript(said, PREAMBLE, LANGUAGE)
    return Sample(key, program, sum(logprobs), len(logprobs))


def judged(sample: Sample, problem: Problem) -> Sample:
    """The sample and whether it passes, unless that is known; runs it. Raises `SandboxError`."""
    if sample.passed is not None:
        return sample
    expected = problem.cases[sample.key.input].expected
    call = f"printed({sample.program!r}, {type(expected).__name__!r})"
    outcome = run(f"{inspect.getsource(values)}\n\n{call}\n", LIMITS)
    if outcome.end != "done" or outcome.value is None:
        return replace(sample, passed=False, error=outcome.error or outcome.end)
    match json.loads(outcome.value):
        case {"value": value} if values.same(value, expected):
            return replace(sample, passed=True, error="")
        case {"value": value}:
            shown = [json.dumps(each)[:60] for each in (value, expected)]
            error = f"printed {shown[0]} instead of {shown[1]}"
        case {"error": str(error)}:
            pass
        case _:  # what is said in there cannot be trusted
            error = "told of its value what cannot be"
    return replace(sample, passed=False, error=error)


def report(samples: Iterable[Sample], problems: Iterable[Problem]) -> list[Result]:
    """A result for each model and way of asking, of judged samples."""
    category_of = {problem.id: problem.category for problem in problems}
    groups: dict[tuple[str, Turns], list[Sample]] = {}
    for each in samples:
        groups.setdefault((each.key.model, each.key.turns), []).append(each)
    return [_result(model, turns, group, category_of) for (model, turns), group in groups.items()]


def rate(samples: Sequence[Sample]) -> Rate:
    """With Wilson's score interval (Wilson 1927, JASA 22), which suits few and rare successes, too; it
    takes all programs for independent, which those of one problem are not quite."""
    n, n_passed = len(samples), sum(each.passed is True for each in samples)
    share = n_passed / n
    centre = share + Z**2 / (2 * n)
    reach = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = ((centre + sign * reach) / (1 + Z**2 / n) for sign in (-1, 1))
    return Rate(n_passed, n, share, max(0.0, low), min(1.0, high))


CUTS: dict[Turns, Callable[[str], str]] = {"multi": truncate, "single": until_end}


def _answer(prompt: Prompt, sampling: Sampling, cut: Callable[[str], str], engine: Engine) -> str:
    """What the model says up to where it is cut; the rest is not generated."""
    text = ""
    generation = engine.generate(prompt, [sampling], Cancel())
    for token in generation:
        text += token.text
        if cut(text) != text:
            generation.close()
            break
    return cut(text)


def _seed(key: Key, turn: int) -> int:
    """The same for the same sample, whatever was sampled before."""
    return zlib.crc32(f"{key.problem}/{key.input}/{key.number}/{turn}".encode())


def _result(
    model: str, turns: Turns, samples: Sequence[Sample], category_of: Mapping[str, str]
) -> Result:
    by_category: dict[str, list[Sample]] = {}
    for each in samples:
        by_category.setdefault(category_of[each.key.problem], []).append(each)
    modules = (MISSING_MODULE.match(each.error) for each in samples)
    return Result(
        model,
        turns,
        len({each.key.problem for each in samples}),
        rate(samples),
        {category: rate(group) for category, group in sorted(by_category.items())},
        _perplexity(each for each in samples if each.passed),
        _perplexity(each for each in samples if not each.passed),
        dict(Counter(found[1] for found in modules if found).most_common()),
    )


def _perplexity(samples: Iterable[Sample]) -> float | None:
    """Of all their intents' tokens together: exp of the negative mean log-probability."""
    totals = [(each.logprob, each.n_tokens) for each in samples]
    n_tokens = sum(n for _, n in totals)
    return math.exp(-sum(logprob for logprob, _ in totals) / n_tokens) if n_tokens else None
