"""What no snapshot of MySQL and MariaDB holds, read as it is now: definitions, sequences, accounts, settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dbops.engine.base import TableKey
from dbops.engine.mysql import definers, members, source_views
from dbops.engine.mysql.changes import names_of_changed
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.globals import accounts, database_sql, globals_sql
from dbops.engine.mysql.maintenance import run, session_number
from dbops.engine.mysql.objects import object_digest, read_definitions, schema_state
from dbops.engine.mysql.schema import Schema, keeps_history, read_schema
from dbops.engine.mysql.statements import identifier, statement
from dbops.language import msg
from dbops.model import Extension, Finding, LargeObjects, ObjectDigest, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_LOCK_SECONDS = 60


class Outside:
    """`remember_schema` reads the definitions once, for whoever holds a lock at that time; `changed` says what is
    another since. For `names`, `history` and `hidden` see `MysqlSnapshot`."""

    def __init__(self, access: Access, *, names: Sequence[str], history: bool | None, hidden: str) -> None:
        self._access = access
        self._names = tuple(names)
        self._history = history
        self._hidden = hidden
        self._ids: list[int] = []
        """Sessions that `cancel` has to end."""
        self._schema: Schema | None = None
        self._state: dict[str, str] = {}
        self._lock = threading.Lock()

    # --- sessions -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _outside(self) -> Iterator[Connection]:
        """A session that sees what is now, for what no snapshot holds. MySQL's information_schema does obey one: within
        this moment, no later schema change would show there, while SHOW CREATE shows it."""
        with self._access.session() as connection:
            number = session_number(connection)
            self._ids.append(number)
            try:
                run(connection, f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")
                yield connection
            finally:
                self._ids.remove(number)

    def _kill(self, command: str, ids: Sequence[int]) -> None:
        with suppress(Exception), self._access.session("") as connection:
            for number in ids:
                with suppress(Exception):
                    run(connection, f"{command} {number:d}")

    # --- what is no part of a snapshot --------------------------------------------------------------------------------

    def remember_schema(self) -> None:
        """Reads the tables, their columns and marks of all else that a schema change alters. Everything is read by that
        from now on; cheap enough to be called while a lock keeps schema changes out."""
        self._remembered()

    def changed(self) -> tuple[str, ...]:
        """What a schema change has altered since `remember_schema`, made or dropped: `table t`, `column t.c`, …"""
        self._remembered()
        with self._outside() as connection:
            now = schema_state(connection)
        return tuple(names_of_changed(self._state, now))

    def schema_digest(self) -> str:
        """Stands for the whole schema as it is now: the same before and after if no schema change was between."""
        with self._outside() as connection:
            state = schema_state(connection)
        return object_digest("\n".join(f"{name} {state[name]}" for name in sorted(state)))

    def _remembered(self) -> Schema:
        with self._lock:
            if self._schema is None:
                with self._outside() as connection:
                    history = keeps_history(connection) if self._history is None else self._history
                    self._state = schema_state(connection)
                    self._schema = read_schema(connection, history=history, hidden=self._hidden)
            return self._schema

    def sequences(self) -> dict[TableKey, tuple[int, bool]]:
        """What each sequence of MariaDB and each AUTO_INCREMENT column (`table.column`) draws next: not drawn yet."""
        found: dict[TableKey, tuple[int, bool]] = {}
        with self._outside() as connection, connection.cursor() as cursor:
            cursor.execute(statement("auto_increments"))
            for table, column, following in cursor.fetchall():
                found["", f"{table}.{column}"] = (int(following), False)
            cursor.execute(statement("sequence_names"))
            for (name,) in cursor.fetchall():
                cursor.execute(f"SELECT next_not_cached_value FROM {identifier(name)}")  # noqa: S608
                row = cursor.fetchone()
                if row is not None:
                    found["", name] = (int(row[0]), False)
        return found

    def large_objects(self, *, digest: bool) -> LargeObjects:  # noqa: ARG002 - the products have none
        return LargeObjects()

    def extensions(self) -> tuple[Extension, ...]:
        return ()

    def objects(self) -> dict[str, tuple[ObjectDigest, ...]]:
        with self._outside() as connection:
            found = read_definitions(connection, self._names)
        return {
            kind: tuple(
                ObjectDigest(name=name, digest=object_digest(text))
                for name, text in names.items()
                if not self._hides(name)
            )
            for kind, names in found.items()
        }

    def _hides(self, name: str) -> bool:
        """Whether an object is the hidden table, or a part of it."""
        return bool(self._hidden) and self._hidden in name.replace(".", " ").split()

    def roles(self) -> tuple[str, ...]:
        """Accounts as SQL writes them."""
        with self._outside() as connection:
            return tuple(account.sql for account in accounts(connection))

    def settings(self) -> dict[str, str]:
        with self._outside() as connection, connection.cursor() as cursor:
            cursor.execute(statement("settings"))
            return {str(name).lower(): str(value) for name, value in cursor.fetchall()}

    def warnings(self) -> list[Finding]:
        with self._outside() as connection, connection.cursor() as cursor:
            cursor.execute(statement("source_warnings"))
            found = [
                Finding(id=i, severity=Severity(level), subject=subject, expected=expected, actual=actual, hint=hint)
                for i, level, subject, expected, actual, hint in cursor.fetchall()
            ]
            hint = msg(
                "create it, or give what it owns another DEFINER; globals.sql makes it, locked, where this is restored"
            )
            found += [definers.finding(account, Severity.WARNING, hint) for account in definers.missing(connection)]
            found += source_views.failing(connection)
            found += members.unprintable(connection)
        return found + [
            Finding(
                id="history-left-out",
                severity=Severity.WARNING,
                subject=name,
                expected=msg("its history in the dump"),
                actual=msg("left out: only its current rows are backed up"),
                hint=msg(
                    "the dump program can carry it from MariaDB 10.11 on, and where no table keeps transaction ids"
                ),
            )
            for name in self._remembered().without_history
        ]

    def globals_sql(self) -> str:
        with self._outside() as connection:
            return globals_sql(connection)

    def database_sql(self) -> str:
        with self._outside() as connection:
            return database_sql(connection)
