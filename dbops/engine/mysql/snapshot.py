"""One moment of a database: driver sessions that are all inside the same consistent snapshot, lent to whoever reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from dbops.engine.base import Content, Reading, TableKey, TableRef
from dbops.engine.mysql import definers, rowtext, source_views
from dbops.engine.mysql.columns import Column, Form
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.fingerprint import content, digest_statement
from dbops.engine.mysql.globals import accounts, database_sql, globals_sql
from dbops.engine.mysql.objects import object_digest, read_definitions, schema_state
from dbops.engine.mysql.schema import Schema, keeps_history, read_schema
from dbops.engine.mysql.statements import identifier, statement
from dbops.engine.spread import spread
from dbops.errors import ConfigError
from dbops.model import Extension, Finding, LargeObjects, ObjectDigest, Severity
from dbops.progress import Progress

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_LOCK_SECONDS = 60
_BINARY_FORMS = (Form.BITS, Form.DIGEST, Form.BYTES)


class MysqlSnapshot:
    """See `engine.base.Snapshot`. Whoever opens the sessions, all of one moment, hands them over: `close` ends them.

    What MySQL and MariaDB keep outside of a snapshot (definitions, sequences) is read as it is now. `remember_schema`
    reads the definitions once, for whoever holds a lock at that time; `changed` says what is another since.
    `names`: databases that definitions may name and mean this one, as a copy does that was made from a dump of it.
    `history`: the dump of this moment holds the history of system-versioned tables; None: if it can (`keeps_history`).
    """

    as_dumped = False
    """Whether digests are those that a copy must have, made from a dump of this moment (see `fingerprint`)."""

    def __init__(
        self,
        access: Access,
        sessions: Sequence[Connection],
        *,
        at: datetime,
        basis: str,
        names: Sequence[str] = (),
        history: bool | None = None,
    ) -> None:
        self.at = at
        self.basis = basis
        self._access = access
        self._sessions = tuple(sessions)
        self._ids = [_id(session) for session in sessions]
        self._names = tuple(names)
        self._history = history
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for session in sessions:
            self._idle.put(session)
        self._schema: Schema | None = None
        self._state: dict[str, str] = {}
        self._lock = threading.Lock()

    # --- sessions inside the moment ---------------------------------------------------------------------------------

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A session that sees this moment; waits until one is free. Not to be asked for by one who has one already.

        Its locks on tables (metadata locks, which a schema change waits for) end with it; the snapshot stays.
        """
        connection = self._idle.get()
        try:
            with self._access.translated():
                _run(connection, "SAVEPOINT dbops")
                yield connection
                _run(connection, "ROLLBACK TO SAVEPOINT dbops")
        finally:
            self._idle.put(connection)  # even a broken one: the next one who asks gets its error, and waits for nothing

    def close(self) -> None:
        """Ends the sessions. Never raises."""
        for connection in self._sessions:
            with suppress(Exception):
                connection.close()

    def cancel(self) -> None:
        """Ends every session of this snapshot, so that whoever waits for one stops waiting. Never raises."""
        self._kill("KILL", tuple(self._ids))

    @contextmanager
    def _outside(self) -> Iterator[Connection]:
        """A session that sees what is now, for what no snapshot holds. MySQL's information_schema does obey one: within
        this moment, no later schema change would show there, while SHOW CREATE shows it."""
        with self._access.session() as connection:
            number = _id(connection)
            self._ids.append(number)
            try:
                _run(connection, f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")
                yield connection
            finally:
                self._ids.remove(number)

    def _kill(self, command: str, ids: Sequence[int]) -> None:
        with suppress(Exception), self._access.session("") as connection:
            for number in ids:
                with suppress(Exception):
                    _run(connection, f"{command} {number:d}")

    # --- rows ---------------------------------------------------------------------------------------------------------

    def tables(self) -> Sequence[TableRef]:
        return self._remembered().tables

    def counts(self, tables: Sequence[TableRef], jobs: int) -> dict[TableKey, Content]:
        schema = self._remembered()

        def count(connection: Connection, table: TableRef) -> Content:
            return Content(int(_value(connection, f"SELECT COUNT(*) {schema.rows_of(table)}") or 0), "")

        return spread(tables, self._at_most(jobs), self.session, count, lambda _: None)

    def contents(self, tables: Sequence[TableRef], jobs: int, progress: Progress) -> dict[TableKey, Content]:
        schema = self._remembered()

        def read(connection: Connection, table: TableRef) -> Content:
            with connection.cursor() as cursor:
                cursor.execute(digest_statement(schema.of(table), schema.rows_of(table), as_dumped=self.as_dumped))
                row = cursor.fetchone() or (0, 0)
            return content(table.name, int(row[0]), None if row[1] is None else int(row[1]))

        def done(table: TableRef) -> None:
            progress.item(table.label)
            progress.advance(table.bytes)

        others = [t for t in tables if t.reading is not Reading.COUNTED and t.columns]
        counted = [t for t in tables if t not in others]
        return self.counts(counted, 1) | spread(others, self._at_most(jobs), self.session, read, done)

    def lines(self, table: TableRef) -> Iterator[bytes]:
        """The table's rows as `rowtext` writes them, as they come from the server."""
        from pymysql.cursors import SSCursor

        schema = self._remembered()
        columns = schema.of(table)
        values = ", ".join("''" if column.generated else _as_bytes(column) for column in columns)
        writers = [_writer(column) for column in columns]
        with self.session() as connection, SSCursor(connection) as cursor:
            cursor.execute(f"SELECT {values} {schema.rows_of(table)}")
            ended = False
            try:
                while row := cursor.fetchone():
                    yield rowtext.line([None if v is None else w(v) for v, w in zip(row, writers, strict=True)])
                ended = True
            finally:
                if not ended:  # nobody wants the rest: without this the driver would fetch it all
                    self._kill("KILL QUERY", [_id(connection)])
                    with suppress(Exception):
                        cursor.close()

    def _at_most(self, jobs: int) -> int:
        return max(1, min(jobs, len(self._sessions)))

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
        names = self._state.keys() | now.keys()
        return tuple(sorted(name for name in names if self._state.get(name) != now.get(name)))

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
                    self._schema = read_schema(connection, history=history)
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
            kind: tuple(ObjectDigest(name=name, digest=object_digest(text)) for name, text in names.items())
            for kind, names in found.items()
        }

    def roles(self) -> tuple[str, ...]:
        """Accounts as SQL writes them."""
        with self._outside() as connection:
            return tuple(account.sql for account in accounts(connection))

    def settings(self) -> dict[str, str]:
        with self._outside() as connection, connection.cursor() as cursor:
            cursor.execute(statement("settings"))
            return {str(name).lower(): str(value) for name, value in cursor.fetchall()}

    def migration_heads(self) -> tuple[str, ...]:
        columns = self._remembered().columns.get("alembic_version", {})
        if "version_num" not in columns:
            return ()
        with self.session() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM alembic_version")
            return tuple(sorted({str(row[0]) for row in cursor.fetchall()}))

    def newest(self, column: str) -> datetime | None:
        parts = column.split(".")
        if len(parts) not in (2, 3):
            raise ConfigError(f"freshness = {column!r}", hint="write 'table.column' or 'database.table.column'")
        table = ".".join(identifier(part) for part in parts[:-1])
        with self.session() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT CAST(MAX({identifier(parts[-1])}) AS DATETIME(6)) FROM {table}")  # noqa: S608
            row = cursor.fetchone()
        moment = row[0] if row else None
        return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None

    def warnings(self) -> list[Finding]:
        with self._outside() as connection, connection.cursor() as cursor:
            cursor.execute(statement("source_warnings"))
            found = [
                Finding(id=i, severity=Severity(level), subject=subject, expected=expected, actual=actual, hint=hint)
                for i, level, subject, expected, actual, hint in cursor.fetchall()
            ]
            hint = (
                "create it, or give what it owns another DEFINER; globals.sql makes it, locked, where this is restored"
            )
            found += [definers.finding(account, Severity.WARNING, hint) for account in definers.missing(connection)]
            found += source_views.failing(connection)
        return found + [
            Finding(
                id="history-left-out",
                severity=Severity.WARNING,
                subject=name,
                expected="its history in the dump",
                actual="left out: only its current rows are backed up",
                hint="the dump program can carry it from MariaDB 10.11 on, and where no table keeps transaction ids",
            )
            for name in self._remembered().without_history
        ]

    def globals_sql(self) -> str:
        with self._outside() as connection:
            return globals_sql(connection)

    def database_sql(self) -> str:
        with self._outside() as connection:
            return database_sql(connection)


@contextmanager
def open_quiet(access: Access, jobs: int, *, names: Sequence[str] = ()) -> Iterator[MysqlSnapshot]:
    """A snapshot of a database to which nobody writes: its sessions need not begin at one moment. See `MysqlSnapshot`
    for `names`."""
    sessions: list[Connection] = []
    try:
        with access.translated():
            for _ in range(max(1, jobs)):
                sessions.append(access.connect())
                begin(sessions[-1])
        yield MysqlSnapshot(access, sessions, at=datetime.now(UTC), basis="snapshot", names=names)
    finally:
        for session in sessions:
            with suppress(Exception):
                session.close()


def begin(connection: Connection) -> None:
    """Opens a session's snapshot: one that writers do not wait for, and that reads no later row."""
    _run(connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    _run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _run(connection: Connection, command: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(command)


def _id(connection: Connection) -> int:
    number: int = connection.thread_id()  # type: ignore[no-untyped-call]
    return number


def _value(connection: Connection, query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None


def _binary(column: Column) -> bool:
    return column.form in _BINARY_FORMS and not column.text


def _writer(column: Column) -> Callable[[bytes], bytes]:
    if column.generated:
        return lambda _: rowtext.GENERATED
    if column.form is Form.FLOAT:
        return rowtext.single
    return rowtext.hexadecimal if _binary(column) else rowtext.text


def _as_bytes(column: Column) -> str:
    """A column's value as bytes in the driver, whatever the driver would make of its type."""
    name = identifier(column.name)
    if column.form is Form.FLOAT:
        name = f"{name} * 1e0"  # all of its digits
    if _binary(column):
        return f"CAST({name} AS BINARY)" if column.data_type == "vector" else name
    if column.text:
        return f"CONVERT(CONVERT({name} USING utf8mb4) USING binary)"
    return f"CONVERT(CAST({name} AS CHAR CHARACTER SET utf8mb4) USING binary)"
