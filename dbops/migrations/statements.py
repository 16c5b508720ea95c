"""What the functions of a revision do, as far as its own text shows it.

An operation is in sight if `op` is called for it, or something that came from `op` (a batch, a connection). What a
helper does is not in the file: the text says nothing about it, neither good nor bad.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dbops.migrations.values import Downgrade

_HARMLESS = frozenset(dir(builtins)) | {"log", "logger", "logging", "warnings", "time"}
"""What calls begin with that are no operations."""


class Bodies(NamedTuple):
    """`upgrades`: whether `upgrade` does anything. `downgrade_line`: the first statement of `downgrade`, 1 without one.
    `hidden`: the first call in `upgrade` whose effect is not in the file, as `name`, at `hidden_line`."""

    upgrades: bool
    downgrade: Downgrade
    downgrade_line: int
    hidden: str = ""
    hidden_line: int = 0


def first_operation(tree: ast.Module) -> int:
    """The line of the first statement in `upgrade` or `downgrade` that does something; 0 if none does. A downgrade that
    refuses is no operation."""
    down = (one for one in _statements(tree, "downgrade") if not isinstance(one, ast.Raise))
    return min((one.lineno for one in [*_statements(tree, "upgrade"), *down] if _acts(one)), default=0)


class _Body:
    """The statements of a function, and every node in them."""

    def __init__(self, statements: list[ast.stmt], roots: frozenset[str]) -> None:
        self.statements = statements
        self.acting = [one for one in statements if _acts(one)]
        self._nodes = [node for one in self.acting if not isinstance(one, ast.Raise) for node in ast.walk(one)]
        self._sources = roots | _derived(roots, self._nodes)

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Calls with the name that each begins with; those that only print are left out."""
        for node in self._nodes:
            if isinstance(node, ast.Call) and (root := _root(node)) not in _HARMLESS:
                yield node, root

    def in_sight(self, root: str) -> bool:
        return root in self._sources

    def hidden(self) -> ast.Call | None:
        """The first call that is a statement of its own, so that it is there for its effect, which is not in sight."""
        alone = {id(node.value) for node in self._nodes if isinstance(node, ast.Expr)}
        found = [call for call, root in self.calls() if id(call) in alone and not self.in_sight(root)]
        return min(found, key=lambda call: call.lineno, default=None)


def bodies(data: bytes) -> Bodies:
    """Of a file that can be read. It walks through all of the file: for those revisions alone that are to be judged.

    Functions that Alembic calls, and those of Flask-Migrate's template for several databases (`upgrade_engine1`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    roots = _roots(tree)
    up, down = (_Body(_statements(tree, name), roots) for name in ("upgrade", "downgrade"))
    hidden = up.hidden()
    return Bodies(
        upgrades=bool(up.acting) or "upgrade" in _bound_elsewhere(tree),
        downgrade=_downgrade(tree, down),
        downgrade_line=down.statements[0].lineno if down.statements else 1,
        hidden=ast.unparse(hidden.func)[:80] if hidden is not None else "",
        hidden_line=hidden.lineno if hidden is not None else 0,
    )


def _downgrade(tree: ast.Module, body: _Body) -> Downgrade:
    if not body.statements:
        return Downgrade.HIDDEN if "downgrade" in _bound_elsewhere(tree) else Downgrade.MISSING
    calls = list(body.calls())
    if any(body.in_sight(root) for _, root in calls):
        return Downgrade.WORKS
    if calls:
        return Downgrade.HIDDEN
    return Downgrade.REFUSES if any(isinstance(one, ast.Raise) for one in body.acting) else Downgrade.EMPTY


def _statements(tree: ast.Module, prefix: str) -> list[ast.stmt]:
    return [
        inner
        for one in tree.body
        if isinstance(one, ast.FunctionDef) and one.name.partition("_")[0] == prefix
        for inner in one.body
    ]


def _bound_elsewhere(tree: ast.Module) -> set[str]:
    """Names that the module has from somewhere else."""
    found = {item.asname or item.name for one in tree.body if isinstance(one, ast.ImportFrom) for item in one.names}
    targets = (target for one in tree.body if isinstance(one, ast.Assign) for target in one.targets)
    return found | {target.id for target in targets if isinstance(target, ast.Name)}


def _acts(statement: ast.stmt) -> bool:
    """Not `pass`, `...`, a docstring, a bare `return`, or the dispatch of the template for several databases."""
    if isinstance(statement, ast.Pass):
        return False
    if isinstance(statement, ast.Return):
        return statement.value is not None and not isinstance(statement.value, ast.Constant)
    if not isinstance(statement, ast.Expr):
        return True
    value = statement.value
    return not (isinstance(value, ast.Constant) or (isinstance(value, ast.Call) and _by_name(value.func)))


def _by_name(function: ast.expr) -> bool:
    """`globals()[...]`."""
    if not isinstance(function, ast.Subscript):
        return False
    called = function.value
    return isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id == "globals"


# --- calls ------------------------------------------------------------------------------------------------------


def _roots(tree: ast.Module) -> frozenset[str]:
    """The names under which the module has `alembic.op`."""
    imports = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module == "alembic"]
    return frozenset(
        {"op"} | {item.asname for one in imports for item in one.names if item.name == "op" and item.asname}
    )


def _derived(roots: frozenset[str], nodes: Iterable[ast.AST]) -> set[str]:
    """Names that hold what a call of `op` gave: `bind = op.get_bind()`, `with op.batch_alter_table(…) as batch_op`."""
    found: set[str] = set()
    for node in nodes:
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.With):
            pairs = [(item.optional_vars, item.context_expr) for item in node.items]
        for target, value in pairs:
            names = (one.id for one in ast.walk(value) if isinstance(one, ast.Name))
            if isinstance(target, ast.Name) and any(name in roots or name in found for name in names):
                found.add(target.id)
    return found


def _root(call: ast.Call) -> str:
    """`op` of `op.get_bind().execute(…)`; empty for a call that begins with no name."""
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
