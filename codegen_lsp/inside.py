"""A model's program, run in this very process, and what it came to: its value as JSON, or an error.

`jail.py` calls this behind its walls. Nothing here protects anybody: the program may change all of it,
so whoever reads the report believes nothing but that the program made it.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import sys
from collections.abc import Collection, Mapping, Set
from types import ModuleType, TracebackType

TYPE_CHECKING = False  # importing `typing` would cost every run 12 ms
if TYPE_CHECKING:
    from typing import Any, NoReturn, TextIO

_NAME = "<program>"
# What JSON has no word for is an object with this one key, and Python's own words for it.
_REPR = "__repr__"
# Set free when a program fails, so that there is memory to say so. Python takes it by the megabyte.
_RESERVE = 8 << 20


def run(program: str, report: int) -> NoReturn:
    """Run Python source and end the process. Into the pipe `report` goes one object of JSON: `value`,
    the JSON of the program's last statement where that is an expression, else null; and `error`, a line
    where it failed, else empty."""
    outcome = _outcome(program)
    _flush(sys.stdout)
    with open(report, "wb") as pipe:
        pipe.write(json.dumps(outcome).encode())
    os._exit(0)  # no thread and no finalizer of the program comes after


def to_json(value: Any) -> str:
    """JSON of any value. Tuples and other collections are lists; sets are sorted lists; numpy's scalars
    and arrays and pandas' objects are numbers and lists (a frame: a list of its rows); keys are what
    JSON makes of them, or their repr. NaN, Infinity and -Infinity stand for themselves, as Python's
    `json` writes and reads them. Bytes and all else are `{"__repr__": "..."}`.

    Raises what the value's own methods raise, and ValueError for a number of more digits than Python
    writes (4,300)."""
    try:
        return json.dumps(_plain(value))
    except Exception:  # endless, deeper than Python goes, or not what it says it is
        return json.dumps({_REPR: repr(value)})


def _outcome(program: str) -> dict[str, str | None]:
    reserve = bytes(_RESERVE)  # which costs addresses only, until somebody writes there
    try:
        return {"value": _value(program), "error": ""}
    except BaseException as error:
        del reserve
        return {"value": None, "error": _line(error)}


def _value(program: str) -> str | None:
    """Run the program as a module of the name `__main__`, its last expression once."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.argv = [_NAME]
    tree = ast.parse(program, _NAME)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, _NAME, "exec", dont_inherit=True), main.__dict__)
        return None
    tree.body.pop()
    exec(compile(tree, _NAME, "exec", dont_inherit=True), main.__dict__)
    expression = ast.Expression(last.value)
    return to_json(eval(compile(expression, _NAME, "eval", dont_inherit=True), main.__dict__))


def _plain(value: Any) -> Any:
    """The same of what JSON knows."""
    if hasattr(value, "to_numpy"):  # pandas
        value = value.to_numpy()
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Set):
        value = _sorted(value)
    if isinstance(value, Collection) and not isinstance(value, bytes | bytearray):
        return [_plain(each) for each in value]
    return {_REPR: repr(value)}


def _key(key: Any) -> Any:
    plain = key.tolist() if hasattr(key, "tolist") else key
    return plain if plain is None or isinstance(plain, str | int | float) else repr(plain)


def _sorted(values: Set[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def _line(error: BaseException) -> str:
    """An error and the line of the program that it came from."""
    try:
        line = _line_number(error.__traceback__)
        text = str(error)
        if isinstance(error, SyntaxError) and error.filename == _NAME:
            line, text = error.lineno or 0, error.msg
        what = type(error).__name__ + (f": {text}" if text else "")
        return what[:1000] + (f" (line {line})" if line else "")
    except BaseException:  # it may be of any class
        return "an error that cannot be told"


def _line_number(traceback: TracebackType | None) -> int:
    """The innermost of the program's own; 0 where there is none."""
    line = 0
    while traceback:
        if traceback.tb_frame.f_code.co_filename == _NAME:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _flush(stdout: TextIO | None) -> None:
    try:
        if stdout:
            stdout.flush()
    except BaseException:  # closed, or something else than it was
        return
