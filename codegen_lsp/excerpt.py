"""The programs that show whether a piece of code in a Python file does what its intent's examples say.

Of the file a program holds the piece, and of the statements at top level those whose names it needs,
directly or through others. So a module that is missing, or a statement that reads a file, only matters
where the code needs it. Not to be run are examples

- that say nothing of the piece: they call what stands elsewhere, and that does without it,
- of methods that are called without their object: `deposit(5) == 5` where there is only
  `Account.deposit`; `Account(0).deposit(5) == 5` is one,
- in a file that does not parse, or is very long.

Calls at top level whose value nobody keeps (`sys.path.insert(...)`) are left out.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codegen_lsp.examples import Example, examples, program

# 10,000 lines, which take half a second.
MAX_TEXT = 400_000


def programs(text: str, start: int, end: int, intent: str) -> tuple[str, ...]:
    """One for each example in the intent of the code between two offsets of a file that can be run; its
    last statement is an expression, which is true where the example holds."""
    known = examples(intent)
    if not known or len(text) > MAX_TEXT:
        return ()
    start += len(text[start:end]) - len(text[start:end].lstrip())
    statements = _statements(text, _line(text, start), _line(text, end))
    return tuple(
        program(_source(needed), example)
        for example in known
        if (needed := _needed_by(example, statements))
    )


@dataclass(frozen=True, slots=True)
class _Statement:
    """One at top level: the names it binds in the module and those it looks up there. The piece `is_in`
    it: it is a part of the piece, or holds it."""

    node: ast.stmt
    binds: frozenset[str]
    uses: frozenset[str]
    is_in: bool
    holds: bool


def _line(text: str, offset: int) -> int:
    """The number of a line, as Python counts them."""
    return text[:offset].replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


def _statements(text: str, first: int, last: int) -> Sequence[_Statement]:
    """Those of a file; none where it does not parse."""
    try:
        with warnings.catch_warnings():  # Python would show a person's text with them, in the log
            warnings.simplefilter("ignore")
            return [_statement(node, first, last) for node in ast.parse(text).body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _statement(node: ast.stmt, first: int, last: int) -> _Statement:
    table = symtable.symtable(ast.unparse(node), "<text>", "exec")
    binds = {each.get_name() for each in table.get_symbols() if each.is_local()}
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        binds |= _changed_in(node)
    is_in = node.lineno <= last and first <= (node.end_lineno or node.lineno)
    return _Statement(node, frozenset(binds), frozenset(_used(table)), is_in, node.lineno < first)


def _changed_in(node: ast.stmt) -> set[str]:
    """The names whose values it assigns to: `numbers` in `numbers[0] = 1`."""
    return {
        name.id
        for target in ast.walk(node)
        if isinstance(target, ast.Attribute | ast.Subscript) and isinstance(target.ctx, ast.Store)
        for name in [next((each for each in ast.walk(target) if isinstance(each, ast.Name)), None)]
        if name is not None
    }


def _used(table: symtable.SymbolTable) -> Iterable[str]:
    """What it looks up in the module, and what the functions within it do."""
    for symbol in table.get_symbols():
        if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _used(child)


def _needed_by(example: Example, statements: Sequence[_Statement]) -> Sequence[_Statement]:
    """Those that its program holds; none where it says nothing of the piece."""
    piece = [each for each in statements if each.is_in]
    names = _names(example.call)
    bound = frozenset[str]().union(*(each.binds for each in statements))
    is_missing = bool(names - bound - vars(builtins).keys())
    is_top = not any(each.holds for each in piece)
    is_about = any(each.is_in for each in _closure(statements, names))
    # A piece at top level was to define what the example calls.
    if not piece or not (is_top if is_missing else is_about):
        return ()
    wanted = names | _names(example.value)
    return _closure(statements, wanted.union(*(each.uses for each in piece)), piece)


def _names(source: str) -> frozenset[str]:
    """Those that an expression needs; what it binds itself, as a `lambda` does, it has."""
    table = symtable.symtable(source.strip(), "<text>", "exec")
    own = {each.get_name() for each in table.get_symbols() if each.is_local()}
    return frozenset(_used(table)) - own


def _closure(
    statements: Sequence[_Statement], names: Iterable[str], kept: Iterable[_Statement] = ()
) -> Sequence[_Statement]:
    """Those that are kept, and those that bind the names and all that these need, in order."""
    wanted, found = set(names), {id(each) for each in kept}
    while True:
        more = [each for each in statements if id(each) not in found and _is_wanted(each, wanted)]
        if not more:
            return [each for each in statements if id(each) in found]
        found.update(map(id, more))
        wanted.update(*(each.uses for each in more))


def _is_wanted(statement: _Statement, wanted: set[str]) -> bool:
    """Also what says how the others are read, and what may bind any name."""
    match statement.node:
        case ast.ImportFrom(module="__future__") | ast.ImportFrom(names=[ast.alias(name="*")]):
            return True
    return not statement.binds.isdisjoint(wanted)


def _source(statements: Iterable[_Statement]) -> str:
    return "\n".join(ast.unparse(each.node) for each in statements)
