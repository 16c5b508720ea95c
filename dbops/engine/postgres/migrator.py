"""What a migration needs of a PostgreSQL database; see `engine.migrating.Migrator`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from dbops.command import redact
from dbops.engine.migrating import Intent, LedgerEntry, Limits, Locks, Refusal, SessionRules, TableLock
from dbops.engine.postgres import ledger
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.locks import exclusive, whoami
from dbops.engine.postgres.objects import read_definitions
from dbops.engine.postgres.statements import statement
from dbops.errors import LockedError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.postgres.connect import Connection

_SPACE = 0x64626F70
"""`dbop`: the first key of our advisory locks with two."""
_MARK = 1
_BLOCKS = {
    "AccessExclusiveLock": "reads",
    "ExclusiveLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ShareLock": "writes",
}
"""Manual of PostgreSQL, 'Explicit Locking': what conflicts with SELECT, and with INSERT."""
_PROOF = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
    " AND classid = {space} AND objid = {key}"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)


class PostgresMigrator:
    """See `engine.migrating.Migrator`."""

    def __init__(self, access: Access) -> None:
        self._access = access

    @contextmanager
    def lock(self) -> Iterator[None]:
        application = f"dbops migrate by {whoami()}"[:63]
        with self._access.session(application=application) as connection:
            row = connection.execute("SELECT current_database()").fetchone()
            name = str(row[0]) if row else ""
            with exclusive(connection, "migration", name):
                left = connection.execute(statement("migration_left"), {"space": _SPACE, "mark": _MARK}).fetchone()
                if left is not None:
                    raise LockedError(
                        msg(
                            "the migration of {name} that was killed is not through yet: {left}",
                            name=name,
                            left=left[0],
                        ),
                        hint=msg(
                            "wait until it ends, or end it with pg_terminate_backend: its work is rolled back then"
                        ),
                        kind="migration-running",
                    )
                yield

    @contextmanager
    def sessions(self, limits: Limits) -> Iterator[SessionRules]:
        key = secrets.randbelow(1 << 31)
        with self._access.session(application="dbops migrate: proof") as connection:
            # Not the mark's key: that one says that a migration is under way.
            connection.execute("SELECT pg_advisory_lock(%s, %s)", [_SPACE + 1, key])
            if connection.info.server_version >= 140000:
                connection.execute("SET idle_session_timeout = 0")
            setup = [f"SELECT pg_advisory_lock_shared({_SPACE}, {_MARK})"]
            if limits.lock is not None:
                setup.append(f"SET lock_timeout = {_milliseconds(limits.lock)}")
            if limits.statement is not None:
                setup.append(f"SET statement_timeout = {_milliseconds(limits.statement)}")
            if connection.info.server_version >= 140000:
                # The server notices that the application is gone in the middle of a statement, not after it.
                setup.append("SET client_connection_check_interval = 2000")
            yield SessionRules(_PROOF.format(space=_SPACE + 1, key=key), tuple(setup))

    def blockers(self, session: int) -> tuple[str, ...]:
        with self._access.session() as connection:
            rows = connection.execute(statement("migration_blockers"), {"session": session})
            return tuple(str(text) for (text,) in rows)

    def end(self, session: int) -> None:
        with self._access.session() as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [session])

    @contextmanager
    def locks(self) -> Iterator[Locks]:
        with self._access.session(application="dbops rehearse: locks") as connection:

            def look(sessions: Sequence[int]) -> frozenset[TableLock]:
                rows = connection.execute(statement("migration_locks"), {"sessions": list(sessions)})
                return frozenset(TableLock(name, mode, _BLOCKS.get(mode, "")) for name, mode in rows)

            yield look

    def attempt(
        self, statement: str, timeout: float, *, keep: bool = False, parameters: bool = False
    ) -> Refusal | None:
        with self._plain() as connection:
            connection.execute(f"SET statement_timeout = {_milliseconds(timeout)}")
            try:
                if parameters:
                    connection.execute(b"PREPARE dbops_attempt AS " + statement.encode())
                elif keep:
                    connection.execute(statement.encode())
                else:
                    with connection.transaction(force_rollback=True):
                        connection.execute(statement.encode())
            except psycopg.Error as error:
                said = (str(error).strip().splitlines() or [""])[0]
                return Refusal(error.sqlstate or "", redact(said, self._access.secrets))
        return None

    @contextmanager
    def _plain(self) -> Iterator[Connection]:
        """A session as the application has it: with the search path of its role and database, not with ours."""
        with self._access.translated():
            conninfo = self._access.for_a_person().reveal()
            with psycopg.connect(conninfo, autocommit=True, application_name="dbops attempt") as connection:
                yield connection

    def definitions(self) -> Mapping[str, Mapping[str, str]]:
        with self._access.session() as connection:
            return read_definitions(connection)

    def ledger(self) -> tuple[LedgerEntry, ...] | None:
        with self._access.session() as connection:
            return ledger.read(connection)

    def prepare(self) -> None:
        with self._access.session() as connection:
            ledger.prepare(connection)

    def record(self, entries: Iterable[LedgerEntry]) -> None:
        with self._access.session() as connection:
            ledger.record(connection, entries)

    def forget(self, names: Iterable[str]) -> None:
        with self._access.session() as connection:
            ledger.forget(connection, names)

    def intent(self) -> Intent | None:
        with self._access.session() as connection:
            return ledger.intent(connection)

    def intend(self, intent: Intent | None) -> None:
        with self._access.session() as connection:
            ledger.intend(connection, intent)


def _milliseconds(seconds: float) -> int:
    """At least 1: 0 would be no limit."""
    return max(1, round(seconds * 1000))
