"""Runs the tasks of `examine` in a few sessions: none waits for ever, and what cannot be tried is told, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from dbops.engine import examining
from dbops.engine.examining import Outcome, Skipped, error
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine.common import LOCK_SECONDS, STATEMENT_SECONDS, Connection, Source, Task, said
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import APPLICATION, usual_path
from dbops.language import msg
from dbops.progress import Progress

_SETTINGS = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "default_transaction_read_only": "off",
    "row_security": "off",
    "constraint_exclusion": "off",  # it would take a constraint's word for what is to be found out
    "client_min_messages": "error",
    "work_mem": "64MB",
    "jit": "off",
}
_NAMES = frozenset({"42P01", "42883", "42704", "42703", "3F000"})
"""A table, function, type, column or schema is missing: perhaps it is only not in the search path of this role."""
_CORRUPT = frozenset({"XX001", "XX002"})
TIMEOUTS = {
    "57014": msg("it took longer than {seconds} seconds", seconds=STATEMENT_SECONDS),
    "55P03": msg("a lock was not granted in {seconds} seconds", seconds=LOCK_SECONDS),
}
NO_RIGHT = "42501"
_REASONS = {**TIMEOUTS, NO_RIGHT: msg("this role lacks the right")}


@contextmanager
def worker_session(access: Access, source: Source) -> Iterator[Connection]:
    """A session with the search path of the source's users, limits of time, and no setting of the database that would
    change what is found."""
    with access.session(application=APPLICATION) as connection:
        connection.execute("SET ROLE NONE")
        for name, value in _SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        if superuser(connection):
            connection.execute("SET session_replication_role = origin")
        usual_path(connection, source.role)
        yield connection


def superuser(connection: Connection) -> bool:
    """Whether the connected role is one."""
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return row is not None and bool(row[0])


def run_tasks(
    access: Access, source: Source, tasks: Sequence[Task], jobs: int, progress: Progress
) -> list[tuple[Task, Outcome]]:
    """All tasks, largest first, in at most `jobs` sessions. Raises `DatabaseError` only where a session is lost."""
    return examining.run_tasks(tasks, jobs, lambda: worker_session(access, source), _outcome, progress)


def _outcome(connection: Connection, task: Task) -> Outcome:
    try:
        return task.work(connection)
    except psycopg.Error as failure:
        if connection.closed:
            raise
        last = failure
        if failure.sqlstate in _NAMES:
            try:
                return wider(connection, task.work)
            except psycopg.Error as again:
                if connection.closed:
                    raise
                last = again
    outcome = task.failed(last) if task.failed is not None else None
    return outcome or not_tried(task.label, last)


def wider(connection: Connection, work: Callable[[Connection], Outcome]) -> Outcome:
    """Once more with all schemas in the search path: an application may have set its own."""
    row = connection.execute("SELECT current_setting('search_path')").fetchone()
    usual = row[0] if row else ""
    schemas = connection.execute(statement("probe_schemas")).fetchone()
    path = ", ".join(filter(None, (usual, schemas[0] if schemas else "")))
    connection.execute("SELECT set_config('search_path', %s, false)", [path])
    try:
        return work(connection)
    finally:
        if not connection.closed:
            connection.execute("SELECT set_config('search_path', %s, false)", [usual])


def not_tried(label: str, failure: psycopg.Error) -> Outcome:
    """What an error means that says nothing about the copy, unless it says that its files are damaged."""
    if failure.sqlstate in _CORRUPT:
        return Outcome(1, (error("heap-corrupt", label, msg("it can be read"), said(failure)),))
    return Outcome(skipped=(Skipped(_REASONS.get(failure.sqlstate or "", said(failure)), label),))
