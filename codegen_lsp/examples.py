"""Examples in an intent are a specification: found there, and made into programs that check code.

Known are doctest's lines, and within a sentence `f(2) == 4`, `f(2) = 4`, `f(2) -> 4`, `f(2) => 4` and
`f(2) returns 4`. A wrong specification would speak against right code, so what is not clear is no
example: `f(n) == 4` (which n?), `f(2) == 4 + k`, `f(2) -> int`, `f(2) = 3, 1`.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

# A person gives two or three; each costs a run of every candidate.
MAX_EXAMPLES = 10
# Of a call and of a value, in characters: some lines of data. Of an intent: ten thousand words.
MAX_LENGTH, MAX_TEXT = 500, 100_000
# Calls that are looked at in it, and how far before each.
MAX_CALLS, MAX_BEFORE = 1_000, 40


@dataclass(frozen=True, slots=True)
class Example:
    """A call and what it returns, both Python source of an expression."""

    call: str
    value: str


def examples(intent: str) -> tuple[Example, ...]:
    """The examples in an intent, in order, doctest's first; at most `MAX_EXAMPLES`."""
    text = intent[:MAX_TEXT]
    found = dict.fromkeys([*_doctests(text), *_inline(text)])
    return tuple(found)[:MAX_EXAMPLES]


def program(code: str, example: Example) -> str:
    """A program that runs `code` and ends with an expression: whether the example holds. Numbers hold
    within 1e-6, also within lists, tuples and dictionaries; a numpy array is a list here. An exception
    of the code stays one."""
    return (
        f"{code.rstrip()}\n\n"
        f"_codegen = {{}}\n"
        f"exec({_COMPARISON!r}, _codegen)\n"
        f"_codegen['is_same'](\n({example.call}\n),\n({example.value}\n),\n)\n"
    )


# It runs in names of its own, where `list` is a list whatever the code has made of that name.
_COMPARISON = """\
def is_same(found, wanted):
    found, wanted = as_list(found), as_list(wanted)
    if isinstance(found, float) or isinstance(wanted, float):
        if not (isinstance(found, (int, float)) and isinstance(wanted, (int, float))):
            return False
        both_nan = found != found and wanted != wanted
        return found == wanted or both_nan or abs(found - wanted) <= 1e-6
    for kind in (list, tuple):
        if isinstance(found, kind) and isinstance(wanted, kind):
            return len(found) == len(wanted) and all(map(is_same, found, wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        same_keys = found.keys() == wanted.keys()
        return same_keys and all(is_same(found[key], wanted[key]) for key in found)
    return bool(found == wanted)


def as_list(value):
    return value.tolist() if hasattr(value, "tolist") else value
"""

# A prompt of doctest, the lines that go on with it, and what it prints, up to a blank line.
_PROMPTED = re.compile(
    r"^[ \t]*>>>[ \t]?(?P<first>[^\n]*)(?P<more>(?:\n[ \t]*\.\.\.[^\n]*)*)"
    r"(?P<output>(?:\n(?![ \t]*>>>)[ \t]*\S[^\n]*)*)",
    re.MULTILINE,
)
_CONTINUATION = re.compile(r"^[ \t]*\.\.\.[ ]?", re.MULTILINE)
# What begins a call, and what stands between it and its value; backticks may stand around either.
_CALLEE = re.compile(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)*\(")
_GIVES = re.compile(r"`?\s*(?:==(?!=)|->|=>|→|⇒|=(?!=)|returns\b)\s*`?")
# A value that says itself where it ends.
_STRING = r"(?:[rRbBuU]{0,2}(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
_SCALAR = re.compile(
    rf"{_STRING}|(?:True|False|None)\b|-?(?:0[xob][\da-f]+|\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?)j?(?![\w(])",
    re.IGNORECASE,
)
_CONSTRUCTED = re.compile(r"(?:[^\W\d]\w*(?:\.[^\W\d]\w*)*)?(?=[(\[{])")
_TOKEN = re.compile(rf"{_STRING}|[()\[\]{{}}]")
# Behind a value: an expression goes on, or there is another value beside it.
_GOES_ON = re.compile(
    r"`?[ \t]*(?:[-+*/%<>|&^@=]|(?:or|if|else|for|in|is|not)\b|(?:,|and\b)\s*`?[-\d\"'\[({])"
    r"|\.?[\[({\w]"
)
# Before a call: the call is only part of an expression, or of a condition. A list's mark is neither.
_COMES_FROM = re.compile(r"(?:\S[ \t]*[-+*/%<>|&^@=!]|\b(?:if|elif|while|not|or|in|is))[ \t]*`?\Z")


def _doctests(text: str) -> Iterator[Example]:
    """Those of doctest's lines, up to one that may prepare something: what follows may need it."""
    for match in _PROMPTED.finditer(text):
        source = (match["first"] + _CONTINUATION.sub("", match["more"])).strip()
        output = "\n".join(line.strip() for line in match["output"].strip().split("\n"))
        expression = _expression(source)
        if expression is None or not output:
            return
        printed = _printed(source, expression)
        if printed is None:
            example = _example(source, output)
        else:
            example = _example(f"str({printed})", repr(output)) if printed else None
        if example is not None:
            yield example


def _inline(text: str) -> Iterator[Example]:
    """Those within sentences."""
    read_to = 0
    for match in islice(_CALLEE.finditer(text), MAX_CALLS):
        end = _closing(text, match.end() - 1)
        gives = _GIVES.match(text, end) if end else None
        value_end = _value_end(text, gives.end()) if gives else 0
        if not gives or not value_end or match.start() < read_to:
            continue
        line_start = max(text.rfind("\n", 0, match.start()) + 1, match.start() - MAX_BEFORE)
        is_part = _COMES_FROM.search(text[line_start : match.start()])
        if is_part or _GOES_ON.match(text, value_end):
            continue
        example = _example(text[match.start() : end], text[gives.end() : value_end])
        if example is not None:
            yield example
            read_to = value_end


def _printed(source: str, expression: ast.expr) -> str | None:
    """The source of what a call of `print` prints; "" where that is not one value, None where it is
    another call."""
    match expression:
        case ast.Call(func=ast.Name(id="print"), args=[value], keywords=[]):
            is_one = not isinstance(value, ast.Starred)
            return (ast.get_source_segment(source, value) if is_one else None) or ""
        case ast.Call(func=ast.Name(id="print")):
            return ""
    return None


def _closing(text: str, at: int) -> int:
    """Behind the bracket that closes the one at an offset, of whatever form: Python's parser will see;
    0 where none does soon."""
    depth = 0
    for token in _TOKEN.finditer(text, at, at + MAX_LENGTH):
        depth += (token[0] in "([{") - (token[0] in ")]}")
        if depth == 0:
            return token.end()
    return 0


def _value_end(text: str, at: int) -> int:
    """Where the value ends that begins at an offset; 0 where there is none."""
    scalar = _SCALAR.match(text, at, at + MAX_LENGTH)
    if scalar:
        return scalar.end()
    constructed = _CONSTRUCTED.match(text, at)
    # `List[int]` is a type.
    if constructed is None or (constructed[0] and text[constructed.end()] != "("):
        return 0
    return _closing(text, constructed.end())


def _example(call: str, value: str) -> Example | None:
    """An example, if both sides are what they should be and say all that has to be known."""
    called, returned = _expression(call), _expression(value)
    if not isinstance(called, ast.Call) or returned is None:
        return None
    if _has_unknown(called) or _has_unknown(returned):
        return None
    return Example(call, value)


def _expression(source: str) -> ast.expr | None:
    if not 0 < len(source) <= MAX_LENGTH:
        return None
    try:
        with warnings.catch_warnings():  # Python would show a person's text with them, in the log
            warnings.simplefilter("ignore")
            return ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _has_unknown(expression: ast.expr) -> bool:
    """Whether it names something that is neither called, nor Python's, nor a module as in `np.array`."""
    known = {
        id(node.func if isinstance(node, ast.Call) else node.value)
        for node in ast.walk(expression)
        if isinstance(node, (ast.Call, ast.Attribute))
    }
    own = {node.arg for node in ast.walk(expression) if isinstance(node, ast.arg)} | {
        node.id
        for node in ast.walk(expression)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return any(
        isinstance(node, ast.Name)
        and id(node) not in known
        and node.id not in own
        and not hasattr(builtins, node.id)
        for node in ast.walk(expression)
    )
