"""Which expressions of dbops become text that a person reads, found in the syntax trees of its modules.

They begin at a few places (errors, findings, notes, questions) and are followed back: through names to what was
assigned to them, through functions to what they return, and through parameters to the calls that give them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import dbops

ROOT = Path(dbops.__file__).parent
MARKS = ("msg", "tr", "joined", "translated")
_ERROR = re.compile(r"[A-Z]\w*Error$")
_OWN = "DbopsError"
_BUGS = ("AssertionError", "NotImplementedError", "TypeError")
"""What only a mistake in the program says."""
_FIELDS = {"Finding": ("subject", "expected", "actual", "hint"), "NotEvaluated": ("reason",), "Probe": ("title",)}
_FIRST = ("note", "confirm", "skip")
_WHEN = re.compile(r"(hourly|daily|weekly|monthly) \S+( \S+)?$")
_SQL = re.compile(r" ?[A-Z]{2,} |\w+ = |# ")
_LETTERS = re.compile(r"[A-Za-z]{2}")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Place(NamedTuple):
    """An expression that is not marked, although somebody reads it."""

    file: str
    line: int
    text: str
    node: ast.expr


class Module:
    """A module, with who encloses what."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT.parent))
        self.tree = ast.parse(path.read_text())
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.functions: dict[str, list[Function]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                self.functions.setdefault(node.name, []).append(node)
        self.imported = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        self.calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    def scope(self, node: ast.AST) -> ast.AST:
        """The innermost function that a node is in, else the module."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, Function | ast.Lambda):
                return node
        return self.tree


@cache
def modules() -> list[Module]:
    """All of dbops with its checks, but what runs in the application's own interpreter."""
    paths = [*ROOT.rglob("*.py"), *(ROOT.parent / "checks").glob("*.py")]
    return [Module(path) for path in sorted(set(paths)) if "dbops_runner" not in path.parts]


def called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


class Search:
    """Follows text back from where it is read."""

    def __init__(self, found: list[Module]) -> None:
        self.modules = found
        self.errors = _errors(found)
        self.places: list[Place] = []
        self.parts: dict[tuple[str, str], set[tuple[int, str]]] = {}
        """By module and function: the parameters that become text, with their position."""
        self._seen: set[ast.AST] = set()

    def run(self) -> list[Place]:
        for module in self.modules:
            for call in module.calls:
                for text in self._texts(call):
                    self._follow(module, text)
        before = -1
        while before != sum(map(len, self.parts.values())):
            before = sum(map(len, self.parts.values()))
            for module in self.modules:
                for call in module.calls:
                    self._given(module, call)
        return sorted(self.places, key=lambda place: place[:3])

    def _texts(self, call: ast.Call) -> Iterator[ast.expr]:
        name = called(call)
        named = {word.arg: word.value for word in call.keywords}
        if name in self.errors or (_ERROR.match(name) and name not in _BUGS):
            yield from call.args[:1]
            yield from (named[key] for key in ("message", "hint") if key in named)
        elif name in _FIELDS:
            yield from (named[key] for key in _FIELDS[name] if key in named)
        elif name in _FIRST and isinstance(call.func, ast.Attribute):
            yield from call.args[:1]
        elif name == "say" and len(call.args) > 2:
            yield call.args[2]

    def _follow(self, module: Module, node: ast.expr | None) -> None:
        if node is None or node in self._seen:
            return
        self._seen.add(node)
        match node:
            case ast.Constant(value=str(text)) if _is_prose(text):
                self._found(module, node)
            case ast.JoinedStr() | ast.BinOp(op=ast.Add() | ast.Mod()) if _is_prose(_template(node)):
                self._found(module, node)
            case ast.JoinedStr(values=values):  # punctuation, around what may be words
                for value in values:
                    if isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.Name | ast.Call):
                        self._follow(module, value.value)
            case ast.IfExp():
                self._follow(module, node.body)
                self._follow(module, node.orelse)
            case ast.BoolOp():
                for value in node.values:
                    self._follow(module, value)
            case ast.Subscript(value=ast.Name(id=name)):
                self._assigned(module, node, name)
            case ast.Name(id=name):
                self._assigned(module, node, name)
            case ast.Call():
                self._call(module, node)

    def _found(self, module: Module, node: ast.expr) -> None:
        self.places.append(Place(module.name, node.lineno, ast.unparse(node), node))

    def _call(self, module: Module, node: ast.Call) -> None:
        name = called(node)
        if name in MARKS:
            for word in node.keywords:
                self._part(module, word.value)
            return
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant) and name == "join":
            for one in node.args:  # names of things, if they are no messages
                items = one.elts if isinstance(one, ast.Tuple | ast.List) else [getattr(one, "elt", None)]
                for item in items:
                    if item is not None and not isinstance(item, ast.JoinedStr):
                        self._follow(module, item.value if isinstance(item, ast.Starred) else item)
            return
        if name == "get" and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            self._assigned(module, node.func.value, node.func.value.id)
            for default in node.args[1:]:
                self._follow(module, default)
            return
        for function in module.functions.get(name, ()):
            if isinstance(function.returns, ast.Name) and function.returns.id == "str":
                for inner in ast.walk(function):
                    if isinstance(inner, ast.Return) and module.scope(inner) is function:
                        self._follow(module, inner.value)

    def _part(self, module: Module, node: ast.expr) -> None:
        """A part of a message: words of it are messages too; names of things are not."""
        if isinstance(node, ast.IfExp):
            self._part(module, node.body)
            self._part(module, node.orelse)
        elif (
            isinstance(node, ast.Name)
            or (isinstance(node, ast.Constant) and " " in str(node.value))
            or (isinstance(node, ast.Call) and called(node) in (*module.functions, *MARKS))
        ):
            self._follow(module, node)

    def _assigned(self, module: Module, node: ast.expr, name: str) -> None:
        scope: ast.AST = module.scope(node)
        while True:
            values = [value for inner in ast.walk(scope) for value in _values(inner, name)]
            if isinstance(scope, Function) and not values:
                arguments = scope.args
                ordered = [*arguments.posonlyargs, *arguments.args]
                for place, argument in enumerate([*ordered, *arguments.kwonlyargs]):
                    if argument.arg == name:
                        method = bool(ordered) and ordered[0].arg in ("self", "cls")
                        self._parameter(module, scope, place - method if argument in ordered else 1000, name)
                        return
            if values or scope is module.tree:
                break
            scope = module.scope(scope)
        if not values and name in module.imported:
            for other in self.modules:
                for value in (value for inner in other.tree.body for value in _values(inner, module.imported[name])):
                    self._followed(other, value)
        for value in values:
            self._followed(module, value)

    def _followed(self, module: Module, value: ast.expr) -> None:
        for one in value.values if isinstance(value, ast.Dict) else [value]:
            self._follow(module, one)

    def _parameter(self, module: Module, function: Function, place: int, name: str) -> None:
        arguments = function.args
        argument = next(a for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs) if a.arg == name)
        if argument.annotation is None or "str" in ast.unparse(argument.annotation):
            self.parts.setdefault((module.name, function.name), set()).add((place, name))

    def _given(self, module: Module, call: ast.Call) -> None:
        name = called(call)
        own = self.parts.get((module.name, name), set()) if name in module.functions else set()
        original = module.imported.get(name) if isinstance(call.func, ast.Name) else None
        others = [texts for (_, function), texts in self.parts.items() if original == function]
        for texts in (own, *others):
            for place, argument in set(texts):
                if place < len(call.args):
                    self._follow(module, call.args[place])
                for word in call.keywords:
                    if word.arg == argument:
                        self._follow(module, word.value)


def _is_prose(text: str) -> bool:
    """Not an id (`old-database`), a word, a path, a URL, SQL, a line of a file, or a time of `--when`."""
    return bool(_LETTERS.search(text)) and " " in text and not _SQL.match(text) and not _WHEN.match(text)


def _template(node: ast.expr) -> str:
    """The words of an expression that puts a text together."""
    return "".join(
        inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    )


def _values(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """What is assigned to a name."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield value
                elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    for one, given in zip(target.elts, value.elts, strict=False):
                        if isinstance(one, ast.Name) and one.id == name:
                            yield given
        case ast.AnnAssign(target=ast.Name(id=found), value=value) if found == name and value is not None:
            yield value
        case ast.AugAssign(target=ast.Name(id=found), value=value) if found == name:
            yield value
        case ast.NamedExpr(target=ast.Name(id=found), value=value) if found == name:
            yield value


def _errors(found: list[Module]) -> set[str]:
    """`DbopsError` and all that come of it."""
    bases = {
        node.name: {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases}
        for module in found
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    errors = {_OWN}
    while more := {name for name, above in bases.items() if above & errors} - errors:
        errors |= more
    return errors


def unmarked() -> list[Place]:
    return Search(modules()).run()
