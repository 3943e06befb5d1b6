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
import math
from collections.abc import Callable
from typing import Any

# How far floats may be off: absolutely, as in the benchmark; in lists, which it compares exactly, as a
# share, because its lists hold 1e-30 beside 0.
TOLERANCE = 1e-6


def printed(program: str, kind: str) -> dict[str, Any]:
    """What a program printed last, cast to the type named `kind`, as "value"; or one line about why
    there is none, as "error"."""
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
        return {"value": _cast(calls[-1][0], kind)}
    except Exception as error:  # any, where it comes from a class of the program
        return {"error": _in_a_line(error)}


def same(found: Any, expected: Any) -> bool:
    """Whether a value that `printed` has found, and that has become JSON since, is the expected one."""
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
    if hasattr(value, "tolist"):  # numpy's and pandas' values know which one of Python's they are
        value = value.tolist()
    if type(value).__name__ != kind:
        value = CASTS[kind](value)
    if kind == "dict" and not all(isinstance(key, str) for key in value):
        raise TypeError("a key is no text")  # as all expected ones are; JSON would make one of it
    return value


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


def _is_alike(found: Any, expected: Any) -> bool:
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_is_alike, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _is_alike(found[key], expected[key]) for key in expected
        )
    numbers = isinstance(found, (int, float)) and isinstance(expected, (int, float))
    if numbers and float in (type(found), type(expected)):
        try:
            return math.isclose(found, expected, rel_tol=TOLERANCE)
        except OverflowError:  # an integer beyond all floats
            return False
    return bool(found == expected)


def _in_a_line(error: BaseException) -> str:
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}".rstrip(": ")[:200]
