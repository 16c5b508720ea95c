"""Opens the moment of a backup: a held transaction, a reader's lock on every table, a watch over who waits for us."""

from __future__ import annotations

import contextlib
import os
import secrets as random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from dbops.command import redact
from dbops.engine.base import TableRef
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.snapshot import TABLES_A_STATEMENT, Connection, PostgresSnapshot, batches
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.tools import Tools
from dbops.errors import DbopsError, LockedError, PreflightError
from dbops.language import msg

_ATTEMPTS = 3
_WATCH_SECONDS = 1.0


@contextmanager
def open_snapshot(
    access: Access, tools: Tools, *, lock_timeout: float, give_way: float | None
) -> Iterator[PostgresSnapshot]:
    """Opens the moment, holds a reader's lock on every table, and watches that nobody waits long for us.

    `lock_timeout`: seconds that we wait for a table before giving up (`LockedError` names the holder).
    `give_way`: seconds that another session may wait for our locks before all our sessions are ended; None: for ever.
    """
    application = f"dbops {os.getpid()} {random.token_hex(4)}"
    with access.session(application=application) as holder:
        holder.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(int(lock_timeout * 1000))))
        snapshot = _begin(access, tools, holder, application)
        stop = threading.Event()
        watch = threading.Thread(target=_watch, args=(access, snapshot, give_way, stop), daemon=True)
        watch.start()
        try:
            yield snapshot
        except DbopsError as error:
            if snapshot.gave_way:
                raise LockedError(
                    msg("the backup gave way: {gave_way}", gave_way=snapshot.gave_way),
                    hint=msg(
                        "run it when no schema change is under way; give_way in dbops.toml: how long others may wait"
                    ),
                    kind="gave-way",
                ) from None
            if "due to lock timeout" in str(error) and not isinstance(error, LockedError):
                raise _not_granted(access) from None
            raise
        finally:
            stop.set()
            watch.join()
            snapshot.close()


def _begin(access: Access, tools: Tools, holder: Connection, application: str) -> PostgresSnapshot:
    for attempt in range(_ATTEMPTS):
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        holder.execute("SET LOCAL search_path = ''")
        try:
            # Asking for the size of a table waits for its lock, too.
            snapshot = PostgresSnapshot(access, tools, holder, application)
            # Every table at once, before anyone reads: so none can be rewritten (CLUSTER, VACUUM FULL, TRUNCATE)
            # between the inventory's reading and pg_dump's, and a lock in our way is met now, not midway.
            for batch in batches(snapshot.tables(), TABLES_A_STATEMENT):
                names = sql.SQL(", ").join(sql.Identifier(t.schema, t.name) for t in batch)
                holder.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
            replaced = _replaced(holder, snapshot.tables())
            if not replaced:
                return snapshot
            holder.execute("ROLLBACK")
            if attempt == _ATTEMPTS - 1:
                raise LockedError(
                    msg("tables are rewritten all the time: {replaced}", replaced=", ".join(replaced[:5])),
                    hint=msg("run it when no TRUNCATE, CLUSTER, VACUUM FULL or schema change is under way"),
                    kind="tables-change",
                )
        except psycopg.errors.LockNotAvailable:
            holder.execute("ROLLBACK")
            raise _not_granted(access) from None
        except psycopg.errors.OutOfMemory:
            raise PreflightError(
                msg("the server has no room for a lock on every table"),
                hint=msg("raise max_locks_per_transaction on the server (restart needed)"),
                kind="lock-table-full",
            ) from None
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            # A table went away between the snapshot and its lock: this moment can no longer be dumped, take another.
            holder.execute("ROLLBACK")
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _replaced(holder: Connection, tables: Sequence[TableRef]) -> list[str]:
    """Tables that were rewritten or exchanged after the snapshot was taken and before they were locked."""
    names = {"schemas": [t.schema for t in tables], "names": [t.name for t in tables]}
    return [name for (name,) in holder.execute(statement("tables_replaced"), names)]


def _not_granted(access: Access) -> LockedError:
    return LockedError(
        msg("a lock in the database was not granted in time: {who_blocks}", who_blocks=_who_blocks(access)),
        hint=msg("wait for that session or end it; lock_timeout in dbops.toml says how long a backup waits"),
        kind="lock-timeout",
    )


def _who_blocks(access: Access) -> str:
    with access.session() as connection:
        rows = connection.execute(statement("blockers_of_tables")).fetchall()
    return "; ".join(
        msg(
            "{table} is locked by pid {pid} ({user}, {app}, {state} for {age} s): {query}",
            table=table,
            pid=pid,
            user=user,
            app=app or msg("no application name"),
            state=state,
            age=int(age or 0),
            query=redact(query),
        )
        for table, pid, user, app, state, age, query in rows
    ) or msg("its holder has gone meanwhile")


def _watch(access: Access, snapshot: PostgresSnapshot, give_way: float | None, stop: threading.Event) -> None:
    """Ends our own sessions when somebody has waited too long for them: the application comes before its backup."""
    if give_way is None:
        return
    # The watch is a guard and not part of the backup: if it cannot look, the backup goes on.
    with contextlib.suppress(DbopsError), access.session(application="dbops watch") as connection:
        while not stop.wait(_WATCH_SECONDS):
            rows = connection.execute(statement("waiting_on_us"), {"application": snapshot.application}).fetchall()
            if rows and rows[0][3] > give_way:
                pid, user, app, waited, query = rows[0]
                snapshot.gave_way = (
                    f"pid {pid} ({user}, {app or 'no application name'}) had waited {int(waited)} s "
                    f"for a table that the backup reads: {redact(query)}"
                )
                snapshot.cancel()
                return
