"""Whether the functions of a revision do anything at all."""

from __future__ import annotations

import ast

_PREFIXES = {"upgrade": False, "downgrade": True}
"""Functions that Alembic calls, and those of Flask-Migrate's template for several databases (`upgrade_engine1`);
whether raising is doing nothing: a downgrade that refuses is not an operation."""


def first_operation(tree: ast.Module) -> int:
    """The line of the first statement in `upgrade` or `downgrade` that does something; 0 if none does."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            may_raise = _PREFIXES.get(statement.name.partition("_")[0])
            if may_raise is None:
                continue
            for inner in statement.body:
                if not _idle(inner) and not (may_raise and isinstance(inner, ast.Raise)):
                    return inner.lineno
    return 0


def _idle(statement: ast.stmt) -> bool:
    """`pass`, `...`, a docstring, a bare `return`, or the dispatch of the template for several databases."""
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Call) and _by_name(value.func))


def _by_name(function: ast.expr) -> bool:
    """`globals()[...]`."""
    if not isinstance(function, ast.Subscript):
        return False
    called = function.value
    return isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id == "globals"
