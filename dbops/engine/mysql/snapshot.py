"""One moment of a database: driver sessions that are all inside the same consistent snapshot, lent to whoever reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING

from dbops.engine.base import Content, Reading, TableKey, TableRef
from dbops.engine.mysql import rowtext
from dbops.engine.mysql.broken import named
from dbops.engine.mysql.connect import Access, close
from dbops.engine.mysql.fingerprint import content, digest_statement
from dbops.engine.mysql.maintenance import rows, run, session_number
from dbops.engine.mysql.outside import Outside
from dbops.engine.mysql.reading import selected, writer
from dbops.engine.mysql.statements import identifier
from dbops.engine.spread import spread
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.progress import Progress

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


class MysqlSnapshot(Outside):
    """See `engine.base.Snapshot`. Whoever opens the sessions, all of one moment, hands them over: `close` ends them.

    `names`: databases that definitions may name and mean this one, as a copy does that was made from a dump of it.
    `history`: the dump of this moment holds the history of system-versioned tables; None: if it can (`keeps_history`).
    `hidden`: a table of our own that is no part of the database.
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
        hidden: str = "",
    ) -> None:
        super().__init__(access, names=names, history=history, hidden=hidden)
        self.at = at
        self.basis = basis
        self._sessions = tuple(sessions)
        self._ids += [session_number(session) for session in sessions]
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for session in sessions:
            self._idle.put(session)

    # --- sessions inside the moment ---------------------------------------------------------------------------------

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A session that sees this moment; waits until one is free. Not to be asked for by one who has one already.

        Its locks on tables (metadata locks, which a schema change waits for) end with it; the snapshot stays.
        """
        connection = self._idle.get()
        try:
            with self._access.translated():
                run(connection, "SAVEPOINT dbops")
                yield connection
                run(connection, "ROLLBACK TO SAVEPOINT dbops")
        finally:
            self._idle.put(connection)  # even a broken one: the next one who asks gets its error, and waits for nothing

    def close(self) -> None:
        """Ends the sessions. Never raises."""
        for connection in self._sessions:
            close(connection)

    def cancel(self) -> None:
        """Ends every session of this snapshot, so that whoever waits for one stops waiting. Never raises."""
        self._kill("KILL", tuple(self._ids))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def tables(self) -> Sequence[TableRef]:
        return self._remembered().tables

    def counts(self, tables: Sequence[TableRef], jobs: int) -> dict[TableKey, Content]:
        schema = self._remembered()

        def count(connection: Connection, table: TableRef) -> Content:
            with named(table.name):
                [(number,)] = rows(connection, f"SELECT COUNT(*) {schema.rows_of(table)}")
            return Content(int(number), "")

        return spread(tables, self._at_most(jobs), self.session, count, lambda _: None)

    def contents(self, tables: Sequence[TableRef], jobs: int, progress: Progress) -> dict[TableKey, Content]:
        schema = self._remembered()

        def read(connection: Connection, table: TableRef) -> Content:
            with named(table.name), connection.cursor() as cursor:
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
        writers = [writer(column) for column in columns]
        with self.session() as connection, SSCursor(connection) as cursor:
            cursor.execute(f"SELECT {selected(columns)} {schema.rows_of(table)}")
            ended = False
            try:
                while row := cursor.fetchone():
                    yield rowtext.line([None if v is None else w(v) for v, w in zip(row, writers, strict=True)])
                ended = True
            finally:
                if not ended:  # nobody wants the rest: without this the driver would fetch it all
                    self._kill("KILL QUERY", [session_number(connection)])
                    with suppress(Exception):
                        cursor.close()

    def _at_most(self, jobs: int) -> int:
        return max(1, min(jobs, len(self._sessions)))

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
            raise ConfigError(
                msg("freshness = {column!r}", column=column),
                hint=msg("write 'table.column' or 'database.table.column'"),
            )
        table = ".".join(identifier(part) for part in parts[:-1])
        with self.session() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT CAST(MAX({identifier(parts[-1])}) AS DATETIME(6)) FROM {table}")  # noqa: S608
            row = cursor.fetchone()
        moment = row[0] if row else None
        return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None


@contextmanager
def open_quiet(access: Access, jobs: int, *, names: Sequence[str] = (), hidden: str = "") -> Iterator[MysqlSnapshot]:
    """A snapshot of a database to which nobody writes: its sessions need not begin at one moment. See `MysqlSnapshot`
    for `names` and `hidden`."""
    sessions: list[Connection] = []
    try:
        with access.translated():
            for _ in range(max(1, jobs)):
                sessions.append(access.connect())
                begin(sessions[-1])
        yield MysqlSnapshot(access, sessions, at=datetime.now(UTC), basis="snapshot", names=names, hidden=hidden)
    finally:
        for session in sessions:
            close(session)


def begin(connection: Connection) -> None:
    """Opens a session's snapshot: one that writers do not wait for, and that reads no later row."""
    run(connection, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
