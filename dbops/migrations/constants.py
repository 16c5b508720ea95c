"""Texts that a file puts together from its own constants: `f"{PREFIX}_b"`, `PREFIX + "_b"`, `PARENT`.

Nothing is run: a name counts where one plain assignment of the module, above, is all that ever binds it.
"""

from __future__ import annotations

import ast
from functools import cached_property

from dbops.migrations.bindings import bound_by

_DEEPEST = 20


class Constants:
    """Those of one file."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree

    def folded(self, value: ast.expr, depth: int = 0) -> ast.expr:
        """The value as a literal, as far as it is one; what is none stays as it is."""
        if isinstance(value, ast.Constant) or depth > _DEEPEST:
            return value
        if isinstance(value, ast.Tuple | ast.List | ast.Set):
            value.elts = [self.folded(one, depth + 1) for one in value.elts]
            return value
        text = self._text(value, depth)
        if text is not None:
            return ast.copy_location(ast.Constant(text), value)
        if isinstance(value, ast.Name) and isinstance(found := self._named(value, depth), ast.Constant):
            return ast.copy_location(ast.Constant(found.value), value)
        return value

    def _text(self, value: ast.expr, depth: int) -> str | None:
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            parts = [value.left, value.right]
        elif isinstance(value, ast.JoinedStr):
            parts = []
            for part in value.values:
                if isinstance(part, ast.FormattedValue):
                    if part.conversion != -1 or part.format_spec is not None:
                        return None
                    part = part.value
                parts.append(part)
        else:
            return None
        texts = [self.folded(part, depth + 1) for part in parts]
        found = [one.value for one in texts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return "".join(found) if len(found) == len(texts) else None

    def _named(self, name: ast.Name, depth: int) -> ast.expr | None:
        if self._bound.get(name.id) != 1:
            return None
        for statement in self._tree.body:
            if statement.lineno >= name.lineno:
                break
            for bound, binding in bound_by(statement):
                if bound == name.id and binding.value is not None:
                    return self.folded(binding.value, depth + 1)
        return None

    @cached_property
    def _bound(self) -> dict[str, int]:
        """How often each name is bound, anywhere in the file."""
        counts: dict[str, int] = {}
        for node in ast.walk(self._tree):
            names: list[str] = []
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names = [node.id]
            elif isinstance(node, ast.alias):
                names = [node.asname or node.name]
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Global):
                names = node.names
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        return counts
