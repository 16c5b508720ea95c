"""The SQL of each pending revision: rendered offline by the application's Alembic, or captured while it ran.

Rendering runs the revision, so that operations in helpers are seen (case 37). A revision that asks the database for
something cannot be rendered: it is 'not analysable', which is open and not fine, unless a rehearsal has captured it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dbops.errors import DbopsError
from dbops.language import msg
from dbops.migrations.runner import NotRenderableError
from dbops.migrations.sql_shape import shape
from dbops.migrations.sql_text import Statement, split
from dbops.migrations.values import Revision

Render = Callable[[str, str], str]
"""The offline SQL from one revision (`base`: from nothing) to another; `DbopsError` where it cannot be made."""
_RUNNING = re.compile(r"^-- Running upgrade (?P<down>[^\n]*?)\s*-> (?P<id>[^\s,]+)[^\n]*$", re.MULTILINE)
"""What Alembic writes before each revision (runtime/migration.py, run_migrations)."""
_BEGINS = (("BEGIN",), ("START", "TRANSACTION"))
_ENDS = (("COMMIT",), ("END",), ("ROLLBACK",), ("ABORT",))


class Step(NamedTuple):
    """A statement, and the transaction that it runs in: a number that no other has, 0 outside of any."""

    statement: Statement
    transaction: int


class RevisionSql(NamedTuple):
    """`source`: `rendered`, or `captured` in a rehearsal."""

    revision: Revision
    steps: tuple[Step, ...]
    source: str


class Unreadable(NamedTuple):
    """A revision whose SQL is not known."""

    revision: Revision
    reason: str


def read_sql(
    pending: Sequence[Revision],
    render: Render | None,
    dialect: str,
    version_table: str,
    captured: Mapping[str, Sequence[str]] | None = None,
) -> tuple[tuple[RevisionSql, ...], tuple[Unreadable, ...]]:
    """The SQL of the pending revisions in their order. `captured`: statements by revision, each revision in a
    transaction of its own where the dialect has such for DDL; they count before what would be rendered."""
    known = captured or {}
    found: dict[str, RevisionSql] = {}
    failed: dict[str, str] = {}
    for one in pending:
        if one.id in known:
            found[one.id] = RevisionSql(one, _captured(known[one.id], dialect, version_table), "captured")
    for run in _runs([one for one in pending if one.id not in found]):
        if render is None:
            failed |= dict.fromkeys((one.id for one in run), msg("the application's revisions cannot be run here"))
            continue
        for part, whole in _rendered(run, render, failed):
            found |= _sliced(part, whole, dialect, version_table)
    for one in pending:
        if one.id not in found:
            failed.setdefault(one.id, msg("Alembic has rendered nothing for it"))
    return (
        tuple(found[one.id] for one in pending if one.id in found),
        tuple(Unreadable(one, failed[one.id]) for one in pending if one.id not in found),
    )


def _runs(pending: Sequence[Revision]) -> Iterator[list[Revision]]:
    """Stretches in which each stands on the one before: Alembic renders each in one go."""
    run: list[Revision] = []
    for one in pending:
        if run and (one.down != (run[-1].id,) or one.depends_on):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _rendered(
    run: Sequence[Revision], render: Render, failed: dict[str, str]
) -> Iterator[tuple[str, Sequence[Revision]]]:
    """The SQL of a stretch, and the revisions of which it is all there. Each start of an application may take seconds:
    one that cannot be rendered costs one more, whatever stands before and after it."""
    todo = list(run)
    while todo:
        try:
            yield render(_start(todo[0]), todo[-1].id), todo
            return
        except DbopsError as error:
            stopped = error.revision if isinstance(error, NotRenderableError) else ""
            place = next((number for number, one in enumerate(todo) if one.id == stopped), None)
            if place is None:  # before any revision: so it would be with each of them
                failed |= dict.fromkeys((one.id for one in todo), error.message)
                return
            failed[stopped] = error.message
            if place and isinstance(error, NotRenderableError):
                yield error.sql, todo[:place]
            todo = todo[place + 1 :]


def _start(one: Revision) -> str:
    """A merge may stand on several: what the others bring along is left out again by its marks."""
    return one.down[0] if one.down else "base"


def _sliced(sql: str, wanted: Sequence[Revision], dialect: str, version_table: str) -> dict[str, RevisionSql]:
    """By revision, at the marks that Alembic writes."""
    by_id = {one.id: one for one in wanted}
    marks = [(sql.count("\n", 0, match.start()) + 1, match["id"]) for match in _RUNNING.finditer(sql)]
    steps: dict[str, list[Step]] = {name: [] for _, name in marks if name in by_id}
    for step in transactions(split(sql, dialect)):
        name = next((name for line, name in reversed(marks) if line <= step.statement.line), "")
        if name in steps and not is_bookkeeping(step.statement, version_table):
            steps[name].append(step)
    return {name: RevisionSql(by_id[name], tuple(found), "rendered") for name, found in steps.items()}


def _captured(statements: Sequence[str], dialect: str, version_table: str) -> tuple[Step, ...]:
    """As they ran. A rehearsal tells no transaction's end; what may not run in one shows that there was none."""
    found = [one for text in statements for one in split(text, dialect)]
    own = 1 if dialect == "postgres" else 0
    return tuple(Step(one, 0 if outside_only(one) else own) for one in found if not is_bookkeeping(one, version_table))


def transactions(statements: Sequence[Statement]) -> Iterator[Step]:
    """The statements of a script with the transaction of each; what begins or ends one is left out."""
    number, inside = 0, False
    for one in statements:
        if any(one.starts(*words) for words in _BEGINS) and not one.starts("BEGIN", "NOT", "ATOMIC"):
            number, inside = number + 1, True
        elif any(one.starts(*words) for words in _ENDS):
            inside = one.has("AND", "CHAIN")
            number += inside
        else:
            yield Step(one, number if inside else 0)


def is_bookkeeping(one: Statement, version_table: str) -> bool:
    """Alembic's own: its version table is not the application's business."""
    return shape(one).table.rpartition(".")[2] == version_table


def outside_only(one: Statement) -> bool:
    """What PostgreSQL refuses in a transaction."""
    words = one.words
    if "CONCURRENTLY" in words[:6] and words[0] in ("CREATE", "DROP", "REINDEX"):
        return True
    if words[:1] == ("ALTER",) and one.has("DETACH", "PARTITION") and one.has("CONCURRENTLY"):
        return True
    if words[:1] == ("VACUUM",) or words[:2] == ("ALTER", "SYSTEM"):
        return True
    if words[:1] == ("REINDEX",) and any(word in words[:6] for word in ("DATABASE", "SYSTEM", "SCHEMA")):
        return True
    return words[:1] in (("CREATE",), ("DROP",)) and words[1:2] in (("DATABASE",), ("TABLESPACE",))
