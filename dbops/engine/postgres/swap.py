"""The moment of a restore: databases change their names in one transaction, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import psycopg
from psycopg import sql

from dbops.engine.in_the_way import GRACE_SECONDS, ending, refusal
from dbops.engine.postgres.maintenance import Connection, Maintenance, lingering, sessions_in
from dbops.errors import RefusedError
from dbops.language import msg

_ATTEMPTS = 5


def check_sessions(connection: Connection, name: str, *, end_sessions: bool) -> None:
    """`RefusedError` that names the sessions in a database, unless they end within a grace or may be ended."""
    if end_sessions:
        return
    if found := lingering(connection, name, GRACE_SECONDS):
        raise in_use(name, [line for line, _ in found])


def in_use(name: str, lines: Sequence[str]) -> RefusedError:
    """The refusal that names the sessions; `lines` is empty where there are none of clients."""
    return refusal(name, lines, msg("of the server itself"))


def rename(
    maintenance: Maintenance,
    names: Sequence[tuple[str, str]],
    then: Sequence[sql.Composed],
    *,
    end_sessions: bool,
) -> None:
    """Renames databases (old, new) in one transaction, with further statements in it.

    A rename waits up to five seconds for sessions to leave, and lets nobody new in meanwhile. With `end_sessions`,
    those that are in are ended during that wait, so that a pool that connects again and again cannot win.
    """
    for attempt in range(_ATTEMPTS):
        with maintenance.session() as connection:
            try:
                with _ended(maintenance, [old for old, _ in names] if end_sessions else []), connection.transaction():
                    connection.execute("SET LOCAL lock_timeout = '30s'")
                    for old, new in names:
                        command = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                        connection.execute(command.format(sql.Identifier(old), sql.Identifier(new)))
                    for statement in then:
                        connection.execute(statement)
                return
            except psycopg.errors.ObjectInUse:
                lines = [line for old, _ in names for line, _ in sessions_in(connection, old)]
                if (lines and not end_sessions) or attempt == _ATTEMPTS - 1:
                    raise in_use(names[0][0], lines) from None


def end_sessions(connection: Connection, databases: Sequence[str]) -> None:
    """Ends the sessions that are in the databases now."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s)"
        " AND backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()",
        [list(databases)],
    )


def _ended(maintenance: Maintenance, databases: Sequence[str]) -> AbstractContextManager[None]:
    """Nobody stays in the databases for the time of the block."""
    if not databases:
        return nullcontext()
    session = maintenance.session("dbops restore: ending sessions")
    return ending(session, lambda connection: end_sessions(connection, databases))
