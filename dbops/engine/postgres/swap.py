"""The moment of a restore: databases change their names in one transaction, all or none."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from dbops.engine.postgres.maintenance import Connection, Maintenance, lingering, sessions_in
from dbops.errors import DbopsError, RefusedError
from dbops.language import joined, msg

GRACE_SECONDS = 5.0
"""How long sessions that are on their way out, such as those of a stopped application, are waited for."""
_ATTEMPTS = 5
_AGAIN_SECONDS = 0.1


def check_sessions(connection: Connection, name: str, *, end_sessions: bool) -> None:
    """`RefusedError` that names the sessions in a database, unless they end within a grace or may be ended."""
    if end_sessions:
        return
    if found := lingering(connection, name, GRACE_SECONDS):
        raise in_use(name, [line for line, _ in found])


def in_use(name: str, lines: Sequence[str]) -> RefusedError:
    """The refusal that names the sessions; `lines` is empty where there are none of clients."""
    return RefusedError(
        msg("{name} has other sessions: {lines}", name=name, lines=joined("; ", lines) or msg("of the server itself")),
        hint=msg("end them, configure targets.*.app.stop, or add --end-sessions"),
        kind="in-use",
    )


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
                with _ending(maintenance, [old for old, _ in names] if end_sessions else []), connection.transaction():
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


@contextmanager
def _ending(maintenance: Maintenance, databases: Sequence[str]) -> Iterator[None]:
    """Ends sessions of the databases again and again, for the time of the block."""
    if not databases:
        yield
        return
    stop, first = threading.Event(), threading.Event()

    def work() -> None:
        # If this helper cannot connect, the rename says who is in the way.
        with suppress(DbopsError), maintenance.session("dbops restore: ending sessions") as connection:
            while True:
                end_sessions(connection, databases)
                first.set()
                if stop.wait(_AGAIN_SECONDS):
                    return

    thread = threading.Thread(target=work, name="end-sessions", daemon=True)
    thread.start()
    first.wait(GRACE_SECONDS)
    try:
        yield
    finally:
        stop.set()
        thread.join()
