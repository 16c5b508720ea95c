"""One revision file: its literals, taken from the syntax tree. The file is never imported or run."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from typing import NamedTuple

from dbops.language import msg
from dbops.migrations.allowances import allowances
from dbops.migrations.bindings import Binding, bound_by, set_elsewhere
from dbops.migrations.constants import Constants
from dbops.migrations.statements import first_operation
from dbops.migrations.values import Kind, Problem, Revision

NAMES = frozenset({"revision", "down_revision", "branch_labels", "depends_on"})
_LEGACY_NAME = re.compile(r"([a-f0-9]+)\.py")
_CREATED = re.compile(r"^Create Date:[ \t]*(\S.*)$", re.MULTILINE)
_ILLEGAL = frozenset("@-+:")
_TOP = msg("write it as a literal at the top of the file, as `alembic revision` does")
_STOPS = msg("Alembic stops at this file: every *.py in the folder must be a revision")


class Read(NamedTuple):
    """What came of a file: a revision, problems, or both (a label that cannot be read leaves the revision usable)."""

    revision: Revision | None
    problems: tuple[Problem, ...] = ()


class _ValueError(Exception):
    """A value that cannot be used."""

    def __init__(self, kind: Kind, line: int, what: str) -> None:
        super().__init__(what)
        self.kind, self.line, self.what = kind, line, what


def read(path: str, data: bytes) -> Read:
    """Reads one file. The caller silences warnings: `ast.parse` gives them for invalid escapes."""
    try:
        tree = ast.parse(data)
    except SyntaxError as error:
        return _unreadable(path, _line_of(data, error), error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return _unreadable(path, 1, str(error) or type(error).__name__)
    return _declared(path, data, tree)


def _declared(path: str, data: bytes, tree: ast.Module) -> Read:
    bound = _bindings(tree)
    docstring = (ast.get_docstring(tree) or "").strip()
    created = _CREATED.search(docstring)
    try:
        legacy = _LEGACY_NAME.fullmatch(path.rpartition("/")[2])
        missing = [one for one in ("revision", "down_revision") if one not in bound]
        elsewhere = set_elsewhere(tree) if missing and not (legacy and missing == ["revision"]) else 0
        if elsewhere:
            raise _ValueError(
                Kind.COMPUTED,
                elsewhere,
                msg("`{name}` is set, if at all, by something else than text", name=missing[0]),
            )
        name, line = _id(legacy, bound)
        if "down_revision" not in bound:
            raise _ValueError(Kind.NO_DOWN, line, msg("`down_revision` is not set"))
        down = _strings("down_revision", bound)
    except _ValueError as error:
        hint = _STOPS if error.kind in (Kind.NO_ID, Kind.NO_DOWN) else _TOP
        return Read(None, (Problem(kind=error.kind, path=path, line=error.line, text=error.what, hint=hint),))
    problems: list[Problem] = []
    optional: dict[str, tuple[str, ...]] = {}
    for key in ("branch_labels", "depends_on"):
        try:
            optional[key] = _strings(key, bound) if key in bound else ()
        except _ValueError as error:
            optional[key] = ()
            problems.append(Problem(kind=error.kind, path=path, line=error.line, text=error.what, hint=_TOP))
    revision = Revision(
        id=name,
        down=down,
        path=path,
        line=line,
        down_line=bound["down_revision"].line,
        sha256=hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest(),
        labels=optional["branch_labels"],
        depends_on=optional["depends_on"],
        message=re.split(r"\n\s*\n", docstring)[0],
        created=created[1].strip() if created else "",
        operates=first_operation(tree) if len(down) > 1 else 0,
        allowances=allowances(data, tree),
    )
    return Read(revision, tuple(problems))


# --- values -----------------------------------------------------------------------------------------------------


def _id(legacy: re.Match[str] | None, bound: dict[str, Binding]) -> tuple[str, int]:
    """The revision id and its line; that of a file without one comes from its name, if it is all hexadecimal."""
    if "revision" not in bound:
        if legacy is None:
            raise _ValueError(Kind.NO_ID, 1, msg("`revision` is not set: this is not a revision file"))
        return legacy[1], 1
    line, bound_to = bound["revision"]
    value = _plain(bound_to)
    if not isinstance(value, ast.Constant):
        kind = Kind.BAD_VALUE if isinstance(value, ast.Tuple | ast.List | ast.Set | ast.Dict) else Kind.COMPUTED
        raise _ValueError(
            kind, line, msg("`revision` is not a text") if kind is Kind.BAD_VALUE else msg("`revision` is computed")
        )
    if not isinstance(value.value, str) or not value.value:
        raise _ValueError(Kind.BAD_VALUE, line, msg("`revision` is {value!r}, which is no id", value=value.value))
    if _ILLEGAL.intersection(value.value):
        raise _ValueError(
            Kind.BAD_VALUE,
            line,
            msg("`revision` is {value!r}: Alembic refuses any of @ - + : in an id", value=value.value),
        )
    return value.value, line


def _strings(name: str, bound: dict[str, Binding]) -> tuple[str, ...]:
    """The texts that a name is bound to: none for None, one, or those of a tuple, list or set."""
    line, value = bound[name]
    elements = value.elts if isinstance(value, ast.Tuple | ast.List | ast.Set) else [value]
    nothing = (None, "") if name == "depends_on" else (None,)  # to Alembic '' is nothing there, and there alone
    if len(elements) == 1 and isinstance(elements[0], ast.Constant) and elements[0].value in nothing:
        return ()  # Alembic takes a tuple of one as its item
    texts: list[str] = []
    for written in elements:
        element = _plain(written)
        if not isinstance(element, ast.Constant):
            at = element.lineno if element is not None else line
            raise _ValueError(Kind.COMPUTED, at, msg("`{name}` is computed", name=name))
        if not isinstance(element.value, str):
            raise _ValueError(
                Kind.BAD_VALUE,
                element.lineno,
                msg("`{name}` has {value!r}, which is not a text", name=name, value=element.value),
            )
        texts.append(element.value)
    return tuple(texts)


def _plain(value: ast.expr | None) -> ast.expr | None:
    """An f-string in which nothing is filled in is the text that it shows."""
    if isinstance(value, ast.JoinedStr) and all(isinstance(part, ast.Constant) for part in value.values):
        text = "".join(str(part.value) for part in value.values if isinstance(part, ast.Constant))
        return ast.copy_location(ast.Constant(text), value)
    return value


# --- names ------------------------------------------------------------------------------------------------------


def _bindings(tree: ast.Module) -> dict[str, Binding]:
    """The module's bindings of the names that matter; the last one of each counts."""
    bound: dict[str, Binding] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):  # nearly half of a file, and never more than its own name
            if statement.name in NAMES:
                bound[statement.name] = Binding(statement.lineno, None)
            continue
        for name, binding in bound_by(statement):
            if name in NAMES:
                bound[name] = binding
    if any(value is not None and not isinstance(value, ast.Constant) for _, value in bound.values()):
        constants = Constants(tree)
        if not set_elsewhere(tree):
            bound = {
                name: one if one.value is None else Binding(one.line, constants.folded(one.value))
                for name, one in bound.items()
            }
    return bound


# --- what cannot be read ----------------------------------------------------------------------------------------


def _unreadable(path: str, line: int, text: str) -> Read:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    hint = msg("read as Python {version}; Alembic stops at a file that it cannot load", version=version)
    return Read(None, (Problem(kind=Kind.UNREADABLE, path=path, line=line, text=text, hint=hint),))


def _line_of(data: bytes, error: SyntaxError) -> int:
    """The line of the error; for bytes that are not UTF-8 the parser does not tell."""
    if "codec can't decode" in (error.msg or ""):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as bad:
            return data.count(b"\n", 0, bad.start) + 1
    return error.lineno or 1
