"""One moment of a database: a held transaction that has exported its snapshot, and the sessions that read in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from dbops.engine.base import Content, Reading, TableKey, TableRef
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.globals import database_sql, globals_sql
from dbops.engine.postgres.objects import object_digest, read_definitions
from dbops.engine.postgres.readers import RowReader, row_reader, rows_of
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.tools import Tools
from dbops.engine.spread import spread
from dbops.errors import ConfigError, DbopsError
from dbops.language import msg
from dbops.model import Extension, Finding, LargeObjects, ObjectDigest, Severity
from dbops.progress import Progress

Connection = psycopg.Connection[tuple[Any, ...]]
_LO_CHUNK = 1 << 20
TABLES_A_STATEMENT = 200
Item = TypeVar("Item")


class PostgresSnapshot:
    """See `engine.base.Snapshot`. Open one with `open_snapshot`."""

    basis = "snapshot"

    def __init__(self, access: Access, tools: Tools, holder: Connection, application: str) -> None:
        self._access = access
        self._tools = tools
        self.application = application
        self.gave_way = ""
        self._idle: list[Connection] = []
        with holder.cursor() as cursor:
            query = "SELECT pg_export_snapshot(), clock_timestamp(), current_setting('lock_timeout')"
            row = cursor.execute(query).fetchone()
            assert row is not None  # noqa: S101 - a SELECT without FROM has one row
            self.id: str = row[0]
            self.at: datetime = row[1].astimezone(UTC)
            self._lock_timeout: str = row[2]
            self.encoding: str = holder.info.parameter_status("server_encoding") or "UTF8"
            self._tables: list[TableRef] = []
            self.by_oid: dict[int, TableRef] = {}
            for schema, name, columns, size, condition, reading, oids in cursor.execute(statement("tables")):
                table = TableRef(schema, name, tuple(columns), size, condition, Reading(reading))
                self._tables.append(table)
                self.by_oid.update(dict.fromkeys(oids, table))

    # --- sessions inside the moment ---------------------------------------------------------------------------------

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A read-only session that sees exactly this moment; kept for the next one who asks, until `close`."""
        with self._access.translated():
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._access.connect(application=self.application)
                for command in self._entry():
                    connection.execute(command.encode())
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    def close(self) -> None:
        """Closes the sessions that are kept."""
        while self._idle:
            self._idle.pop().close()

    def _rows(self) -> contextlib.AbstractContextManager[RowReader]:
        begin = "".join(f"{command};\n" for command in self._entry())
        return row_reader(self._access, self._tools, begin.encode(), self.encoding, self.application)

    def _entry(self) -> list[str]:
        """Statements by which a session enters this moment."""
        snapshot = sql.Literal(self.id).as_string()
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        # A reader queues up behind a schema change that waits for our own locks: without an end nobody would move.
        locks = f"SET lock_timeout = {sql.Literal(self._lock_timeout).as_string()}"
        return [begin, f"SET TRANSACTION SNAPSHOT {snapshot}", "SET row_security = off", locks]

    def cancel(self) -> None:
        """Ends every session of this snapshot, so that whoever waits for one stops waiting. Never raises."""
        with contextlib.suppress(DbopsError), self._access.session() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [self.application]
            )

    @cached_property
    def unordered_names(self) -> set[str]:
        """Names, without their schema, of all partitions that are loaded through their root."""
        oids = [oid for oid, table in self.by_oid.items() if table.reading is not Reading.ORDERED]
        with self.session() as connection:
            return {n for (n,) in connection.execute("SELECT relname FROM pg_class WHERE oid = ANY (%s)", [oids])}

    # --- what it holds ----------------------------------------------------------------------------------------------

    def tables(self) -> Sequence[TableRef]:
        return self._tables

    def counts(self, tables: Sequence[TableRef], jobs: int) -> dict[TableKey, Content]:
        def count(connection: Connection, table: TableRef) -> Content:
            row = connection.execute(sql.SQL("SELECT count(*) {}").format(rows_of(table))).fetchone()
            return Content(row[0] if row else 0, "")

        return spread(tables, jobs, self.session, count, lambda _: None)

    def contents(self, tables: Sequence[TableRef], jobs: int, progress: Progress) -> dict[TableKey, Content]:
        def done(table: TableRef) -> None:
            progress.item(table.label)
            progress.advance(table.bytes)

        counted = [t for t in tables if t.reading is Reading.COUNTED]
        read = [t for t in tables if t.reading is not Reading.COUNTED]
        return self.counts(counted, 1) | spread(read, jobs, self._rows, RowReader.content, done)

    def lines(self, table: TableRef) -> Iterator[bytes]:
        r"""The table's COPY text in pieces, ended by its `\.` line."""
        with self._rows() as reader:
            yield from reader.text(table)

    def sequences(self) -> dict[TableKey, tuple[int, bool]]:
        found: dict[TableKey, tuple[int, bool]] = {}
        with self.session() as connection:
            names = connection.execute(statement("sequence_names")).fetchall()
            for batch in batches(names, TABLES_A_STATEMENT):
                one = sql.SQL("SELECT {}, {}, last_value, is_called FROM {}")
                queries = [one.format(sql.Literal(s), sql.Literal(n), sql.Identifier(s, n)) for s, n in batch]
                for schema, name, value, called in connection.execute(sql.SQL(" UNION ALL ").join(queries)):
                    found[schema, name] = (value, called)
        return found

    def large_objects(self, *, digest: bool) -> LargeObjects:
        with self.session() as connection:
            if not digest:
                row = connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone()
                return LargeObjects(count=row[0] if row else 0)
            total, size, count = sha256(), 0, 0
            with connection.cursor("large_objects") as cursor:
                cursor.itersize = 8  # a megabyte each at the most
                for oid, first in cursor.execute(statement("large_objects")):
                    one = sha256(first)
                    size, count, read = size + len(first), count + 1, len(first)
                    while read and read % _LO_CHUNK == 0:
                        row = connection.execute("SELECT lo_get(%s, %s, %s)", [oid, read, _LO_CHUNK]).fetchone()
                        if not row or not row[0]:
                            break
                        one.update(row[0])
                        size, read = size + len(row[0]), read + len(row[0])
                    total.update(f"{oid} {one.hexdigest()}\n".encode())
        return LargeObjects(count=count, bytes=size, digest=f"sha256:{total.hexdigest()}")

    def objects(self) -> dict[str, tuple[ObjectDigest, ...]]:
        with self.session() as connection:
            found = read_definitions(connection)
        return {
            kind: tuple(ObjectDigest(name=name, digest=object_digest(text)) for name, text in sorted(names.items()))
            for kind, names in found.items()
        }

    def extensions(self) -> tuple[Extension, ...]:
        with self.session() as connection:
            rows = connection.execute(statement("extensions")).fetchall()
        return tuple(Extension(name=n, version=v, schema=s) for n, v, s in rows)

    def roles(self) -> tuple[str, ...]:
        with self.session() as connection:
            return tuple(name for (name,) in connection.execute(statement("roles")))

    def settings(self) -> dict[str, str]:
        with self.session() as connection:
            return dict(connection.execute(statement("settings")).fetchall())

    def migration_heads(self) -> tuple[str, ...]:
        with self.session() as connection:
            heads: set[str] = set()
            for schema, name in connection.execute(statement("migration_tables")).fetchall():
                query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(schema, name))
                heads.update(str(row[0]) for row in connection.execute(query))
        return tuple(sorted(heads))

    def newest(self, column: str) -> datetime | None:
        parts = column.split(".")
        if len(parts) not in (2, 3):
            raise ConfigError(
                msg("freshness = {column!r}", column=column), hint=msg("write 'table.column' or 'schema.table.column'")
            )
        with self.session() as connection:
            query = sql.SQL("SELECT max({})::timestamptz FROM {}")
            name = sql.Identifier(*(parts[:-1] if len(parts) == 3 else ("public", parts[0])))
            row = connection.execute(query.format(sql.Identifier(parts[-1]), name)).fetchone()
        moment: datetime | None = row[0] if row else None
        return moment.astimezone(UTC) if moment else None

    def warnings(self) -> list[Finding]:
        with self.session() as connection:
            rows = connection.execute(statement("source_warnings")).fetchall()
        return [
            Finding(id=i, severity=Severity(level), subject=subject, expected=expected, actual=actual, hint=hint)
            for i, level, subject, expected, actual, hint in rows
        ]

    def globals_sql(self) -> str:
        with self.session() as connection:
            return globals_sql(connection)

    def database_sql(self) -> str:
        with self.session() as connection:
            return database_sql(connection)


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
