"""What a program printed, and whether that is what was expected, as the benchmark defines it.

`printed` runs where the program's values live, in the sandbox: the source of this room is sent there, so
it imports the standard library only. `same` judges outside what comes back.

The definition is that of `mtpb_exec.py` in the paper's repository: the first argument of the last call
of `print` counts, not the text that it makes; a program whose last statement prints nothing has that
statement's value printed; an exception behind the last print does no harm; and what was printed
is cast to the type of what was expected. This one also knows dictionaries, None and rounding in lists:
there, the seven cases whose output is a dictionary or None fail whatever is printed.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import math
from collections.abc import Callable
from typing import Any

# How far floats may be off: absolutely, as in the benchmark; in lists, which it compares exactly, as a
# share, because its lists hold 1e-30 beside 0.
TOLERANCE = 1e-6


def printed(program: str, kind: str) -> dict[str, Any]:
    """What a program printed last, cast to the type named `kind` and in JSON's types, as "value"; or one
    line about why there is none, as "error"."""
    calls: list[tuple[Any, ...]] = []

    def note(*values: Any, **options: Any) -> None:
        calls.append(values)
        print(*values, **options)  # noqa: T201  into the sandbox

    trouble = ""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            code = compile(
                _with_last_value_printed(program), "<program>", "exec", dont_inherit=True
            )
            exec(code, {"__name__": "__main__", "print": note})
    except (Exception, SystemExit) as error:
        trouble = _in_a_line(error)
    if not calls or not calls[-1]:
        return {"error": trouble or "nothing was printed"}
    try:
        value = _plain(_cast(calls[-1][0], kind))
        json.dumps(value)  # which an integer of 5,000 digits is too long for
    except Exception as error:  # any, where it comes from a class of the program
        return {"error": _in_a_line(error)}
    return {"value": value}


def same(found: Any, expected: Any) -> bool:
    """Whether a value that `printed` has found is the expected one."""
    if expected is None or isinstance(expected, bool):
        return bool(str(found) == str(expected))
    if isinstance(expected, float):
        return isinstance(found, float) and abs(found - expected) < TOLERANCE
    return _is_alike(found, expected)


def _with_last_value_printed(program: str) -> ast.Module:
    tree = ast.parse(program)
    last = tree.body[-1] if tree.body else None
    value = getattr(last, "value", None)
    if isinstance(value, ast.expr) and not _is_print(value):
        call = ast.Call(ast.Name("print", ast.Load()), [value], [])
        setattr(last, "value", ast.copy_location(call, value))  # noqa: B010  any statement with one
        ast.fix_missing_locations(tree)
    return tree


def _is_print(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id.startswith("print")
    )


def _cast(value: Any, kind: str) -> Any:
    value = _without_library(value)
    if type(value).__name__ == kind:
        return value
    return CASTS[kind](value)


# By the name of the expected type. bool("False") is true: so there, texts are compared.
CASTS: dict[str, Callable[[Any], Any]] = {
    "bool": str,
    "NoneType": str,
    "int": int,
    "float": float,
    "str": str,
    "list": list,
    "dict": dict,
}


def _plain(value: Any) -> Any:
    """A value in JSON's types. What they cannot say becomes a text that no expected value is like."""
    value = _without_library(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else f"<{key!r}>": _plain(each)
            for key, each in value.items()
        }
    return f"<{value!r}>"


def _without_library(value: Any) -> Any:
    """Python's own value for one of numpy or pandas, which all know the way."""
    return value.tolist() if hasattr(value, "tolist") else value


def _is_alike(found: Any, expected: Any) -> bool:
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_is_alike, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _is_alike(found[key], expected[key]) for key in expected
        )
    if isinstance(found, float) and isinstance(expected, (int, float)):
        return math.isclose(found, expected, rel_tol=TOLERANCE)
    return bool(found == expected)


def _in_a_line(error: BaseException) -> str:
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}".rstrip(": ")
