"""What a branch has made of revisions that the other branch has: what has run from there is taken as a fact.

A database that was migrated from `origin/main` is at a head of it. That head has to be there after the merge, nothing
new may come to lie under what has run, and what a revision does should be what it did.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping

from dbops.language import msg
from dbops.migrations.history import History
from dbops.migrations.source import NAMES
from dbops.migrations.values import Kind, Problem, Revision


def changes(
    history: History, ref: str, same: frozenset[str], theirs: Mapping[str, tuple[Revision, bytes]]
) -> Iterator[Problem]:
    """Problems of a merge. `same`: ids of revisions whose files are those of `ref`; `theirs`: its other ones, by id,
    with their text. Nothing is said of a history with holes or a cycle."""
    if history.holes or not history.walkable:
        return
    known = same | theirs.keys()
    parents = {name: history[name].down for name in same} | {name: one.down for name, (one, _) in theirs.items()}
    below = {down for downs in parents.values() for down in downs}
    for name, (one, text) in theirs.items():
        if name not in history:
            if name not in below:
                yield _removed(one, ref)
            continue
        never = sorted(history.ancestors([name]) - known)
        if never and set(history[name].down) != set(one.down):
            yield _inserted(history[name], one, never, ref)
        elif _code(history.content(name)) != _code(text):
            yield _rewritten(history[name], ref)


def _removed(one: Revision, ref: str) -> Problem:
    return _problem(
        Kind.REMOVED,
        one,
        msg(
            "{id}, a head of {ref}, is in no file any more: a database that has run it cannot be migrated",
            id=one.id,
            ref=ref,
        ),
        msg("bring the file back, and undo what it does by a revision after it; one that replaces it keeps its id"),
    )


def _inserted(now: Revision, was: Revision, never: list[str], ref: str) -> Problem:
    some = ", ".join(never[:5]) + (" …" if len(never) > 5 else "")
    return _problem(
        Kind.INSERTED,
        now,
        msg(
            "{id}, which {ref} has after {before}, now stands on {after}: {some} will not run where {id} has run",
            id=now.id,
            ref=ref,
            before=", ".join(was.down) or msg("nothing"),
            after=", ".join(now.down) or msg("nothing"),
            some=some,
        ),
        msg(
            "set down_revision of {id} to what it was, and that of {never} to the head of {ref}",
            id=now.id,
            never=never[0],
            ref=ref,
        ),
        now.down_line,
    )


def _rewritten(now: Revision, ref: str) -> Problem:
    return _problem(
        Kind.REWRITTEN,
        now,
        msg("{id} does something else than in {ref}: where it has run it will not run again", id=now.id, ref=ref),
        msg("put the change into a revision of its own"),
    )


def _problem(kind: Kind, at: Revision, text: str, hint: str, line: int = 0) -> Problem:
    return Problem(kind=kind, path=at.path, line=line or at.line, text=text, hint=hint)


def _code(data: bytes) -> list[str]:
    """What a file does, without its layout, comments, docstrings, annotations, imports, and place in the history."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
            node.body = [one for one in node.body if not _is_text(one)]
    return [ast.dump(one) for one in tree.body if not _is_text(one) and not _is_head(one)]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_head(statement: ast.stmt) -> bool:
    """An import, or one of the lines that make a file a revision."""
    if isinstance(statement, ast.Assign):
        return all(isinstance(one, ast.Name) and one.id in NAMES for one in statement.targets)
    if isinstance(statement, ast.AnnAssign):
        return isinstance(statement.target, ast.Name) and statement.target.id in NAMES
    return isinstance(statement, ast.Import | ast.ImportFrom)
