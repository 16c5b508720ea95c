"""What a migration needs of a MySQL or MariaDB database; see `engine.migrating.Migrator`."""

from __future__ import annotations

import contextlib
import hashlib
import math
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import pymysql

from dbops.command import redact
from dbops.engine.migrating import Intent, LedgerEntry, Limits, Locks, Refusal, SessionRules
from dbops.engine.mysql import ledger
from dbops.engine.mysql.connect import Access, flavour
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.locks import exclusive
from dbops.engine.mysql.objects import read_definitions
from dbops.engine.mysql.statements import statement
from dbops.engine.mysql.table_locks import table_locks
from dbops.errors import LockedError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


class MysqlMigrator:
    """See `engine.migrating.Migrator`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        digest = hashlib.sha256(access.database.encode()).hexdigest()[:32]
        self._mark = f"dbops migrating {digest}"
        """A named lock of the application's session: names are the server's, so the database is in it."""

    @contextmanager
    def lock(self) -> Iterator[None]:
        name = self._access.database
        with self._access.session() as connection, exclusive(connection, "migration", name):
            [(session,)] = _rows(connection, "SELECT IS_USED_LOCK(%s)", [self._mark])
            if session is not None:
                raise LockedError(
                    msg(
                        "the migration of {name} that was killed is not through yet: session {session}",
                        name=name,
                        session=session,
                    ),
                    hint=msg(
                        "wait until it ends, or end it: KILL {session}; then look at what it has done: dbops status",
                        session=session,
                    ),
                    kind="migration-running",
                )
            yield

    @contextmanager
    def sessions(self, limits: Limits) -> Iterator[SessionRules]:
        key = f"dbops proof {secrets.token_hex(16)}"
        with self._access.session() as connection:
            _rows(connection, "SELECT GET_LOCK(%s, 0)", [key])
            name = self._access.database.encode().hex()
            proof = f"SELECT IS_USED_LOCK('{key}') IS NOT NULL AND DATABASE() = CONVERT(0x{name} USING utf8mb4)"
            yield SessionRules(proof, tuple(self._setup(connection, limits)))

    def _setup(self, connection: Connection, limits: Limits) -> Iterator[str]:
        yield f"DO GET_LOCK('{self._mark}', 0)"
        if limits.lock is not None:
            # Whole seconds, at least one. The first is for tables (metadata locks), the second for rows.
            seconds = max(1, math.ceil(limits.lock))
            yield f"SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"
        if limits.statement is not None and flavour(connection).name == "mariadb":
            # MySQL has such a limit for SELECT alone: there the whole run's timeout must do.
            yield f"SET SESSION max_statement_time = {max(0.001, limits.statement):.3f}"

    def blockers(self, session: int) -> tuple[str, ...]:
        with self._access.session() as connection:
            found: list[tuple[Any, ...]] = []
            with contextlib.suppress(pymysql.MySQLError):  # no performance_schema here, or no right to read it
                found = _rows(connection, statement("migration_blockers_mdl"), {"session": session})
            if not found:
                with contextlib.suppress(pymysql.MySQLError):
                    found = _rows(connection, statement("migration_blockers"), {"session": session})
            return tuple(_line(*row) for row in found)

    def end(self, session: int) -> None:
        with self._access.session() as connection, contextlib.suppress(pymysql.MySQLError):
            _rows(connection, f"KILL {int(session)}")

    def locks(self) -> AbstractContextManager[Locks]:
        return table_locks(self._access)

    def attempt(
        self, statement: str, timeout: float, *, keep: bool = False, parameters: bool = False
    ) -> Refusal | None:
        with self._access.session() as connection:
            _rows(connection, "SET SESSION sql_mode = @@GLOBAL.sql_mode")  # as the application has it
            limit = "max_statement_time = %s" if flavour(connection).name == "mariadb" else "max_execution_time = %s"
            seconds = timeout if "statement" in limit else int(timeout * 1000)
            _rows(connection, f"SET SESSION {limit}", [seconds])
            try:
                if parameters:
                    _rows(connection, "SET @dbops_attempt = %s", [statement])
                    _rows(connection, "PREPARE dbops_attempt FROM @dbops_attempt")
                    return None
                if not keep:
                    connection.begin()
                _rows(connection, statement)
            except pymysql.MySQLError as error:
                number, text = error_of(error)
                return Refusal(str(number), redact(text, self._access.secrets))
            finally:
                with contextlib.suppress(pymysql.MySQLError):
                    connection.rollback()
        return None

    def definitions(self) -> Mapping[str, Mapping[str, str]]:
        with self._access.session() as connection:
            return read_definitions(connection)

    def ledger(self) -> tuple[LedgerEntry, ...] | None:
        with self._access.session() as connection:
            return ledger.read(connection)

    def prepare(self) -> None:
        """Who may change the application's tables may make one: in a family without schemas there is nothing to ask."""

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


def _rows(connection: Connection, query: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _line(number: object, user: object, host: object, how: object, seconds: object) -> str:
    doing = "idle in transaction" if how == "Sleep" else str(how).lower()
    return f"session {number} of {user} (from {host}), {doing} for {seconds} s"
