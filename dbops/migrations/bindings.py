"""What the statements of a module bind its names to, from the syntax tree alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SETTERS = frozenset({"exec", "globals", "locals", "setattr", "vars"})


class Binding(NamedTuple):
    """Where a name is bound. `value` None: by something else than a plain assignment."""

    line: int
    value: ast.expr | None


def bound_by(statement: ast.stmt) -> Iterator[tuple[str, Binding]]:
    """Each name that the statement binds, with where and to what."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        if statement.value is not None:
            yield statement.target.id, Binding(statement.lineno, statement.value)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _assigned(target, statement.value, statement.lineno)
    else:
        for name, line in _otherwise(statement):
            yield name, Binding(line, None)


def _assigned(target: ast.expr, value: ast.expr, line: int) -> Iterator[tuple[str, Binding]]:
    """`a = 1`, and `a, b = 1, 2` item by item."""
    if isinstance(target, ast.Name):
        yield target.id, Binding(line, value)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        paired = len(parts) == len(target.elts) and not any(
            isinstance(part, ast.Starred) for part in [*parts, *target.elts]
        )
        for place, one in enumerate(target.elts):
            if paired:
                yield from _assigned(one, parts[place], line)
            else:
                yield from ((name, Binding(at, None)) for name, at in _otherwise(one))


def set_elsewhere(tree: ast.Module) -> int:
    """The line of what may set a name that no statement of the module sets: `from … import *`, `globals()`, `exec`."""
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and any(alias.name == "*" for alias in statement.names):
            return statement.lineno
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id in _SETTERS:
                return node.lineno
    return 0


def _otherwise(statement: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that a statement binds in the module in any other way: under a condition, by an import, a loop, `+=`."""
    todo = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif not isinstance(node, _SCOPES):
            todo.extend(ast.iter_child_nodes(node))
