r"""Reads tables' rows in a snapshot as COPY text, through psql: the driver hands over a row at a time, psql a pipe.

One psql is one session that has imported the snapshot. It gets a table's COPY and then an `\echo`, so that what it
prints has the form of an archive's data: rows, then a line `\.`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from psycopg import sql

from dbops.command import Process, running
from dbops.engine.base import Content, Reading, TableRef
from dbops.engine.postgres.connect import NO_SESSION_HINT, STANDBY_CONFLICT, STANDBY_HINT, Access, no_session_left
from dbops.engine.postgres.copytext import RowsDigest
from dbops.engine.postgres.tools import Tools
from dbops.errors import DatabaseError
from dbops.language import msg


class RowReader:
    """A psql session inside a snapshot."""

    def __init__(self, process: Process, encoding: str) -> None:
        self._process = process
        self._encoding = encoding

    def text(self, table: TableRef) -> Iterator[bytes]:
        r"""The table's COPY text in pieces, up to and with its `\.` line."""
        script = copy_statement(table, self._encoding) + b";\n\\echo '\\\\.'\n"
        try:
            self._process.stdin.write(script)
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail(table)
        tail = b"\n"
        for data in self._process.chunks():
            yield data
            tail = (tail + data[-4:])[-4:]
            if tail == b"\n\\.\n":
                return
        self._fail(table)

    def content(self, table: TableRef) -> Content:
        """Number and digest of the table's rows, read once."""
        rows = RowsDigest(ordered=table.reading is not Reading.UNORDERED)
        for data in self.text(table):
            rows.feed(data)
        return Content(rows.rows, rows.digest)

    def _fail(self, table: TableRef) -> NoReturn:
        self._process.wait()
        said = self._process.stderr_tail
        told = msg("reading {table}: {said}", table=table.label, said=said)
        if STANDBY_CONFLICT in said:
            raise DatabaseError(told, hint=STANDBY_HINT, kind="standby-conflict")
        if no_session_left(said):
            raise DatabaseError(told, hint=NO_SESSION_HINT, kind="sqlstate-53300")
        raise DatabaseError(msg("reading {table} failed", table=table.label), hint=said, kind="read-failed")


@contextmanager
def row_reader(access: Access, tools: Tools, begin: bytes, encoding: str, application: str) -> Iterator[RowReader]:
    """A reader whose session has run `begin` (the statements that enter the snapshot)."""
    conninfo = access.conninfo(application=application) + " client_encoding=UTF8"
    argv = [tools.program("psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
    argv += ["--set=ON_ERROR_STOP=1", f"--dbname={conninfo}"]
    environment = access.environment()
    with running(argv, env=environment, stdin=subprocess.PIPE, secrets=access.secrets) as process:
        process.stdin.write(begin)
        yield RowReader(process, encoding)


def copy_statement(table: TableRef, encoding: str) -> bytes:
    """The COPY that pg_dump uses for this table (dumpTableData_copy in pg_dump.c), in the dump's encoding."""
    name = sql.Identifier(table.schema, table.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    if table.condition or table.reading is not Reading.ORDERED:
        source = sql.SQL("(SELECT {} {})").format(columns, rows_of(table)).as_string()
    elif table.columns:
        source = sql.SQL("{} ({})").format(name, columns).as_string()
    else:
        source = name.as_string()
    return f"COPY {source} TO STDOUT (ENCODING {sql.Literal(encoding).as_string()})".encode()


def rows_of(table: TableRef) -> sql.Composed:
    """`FROM …` of the rows that a dump holds. A condition is the extension's own text, used as pg_dump uses it."""
    only = sql.SQL("ONLY ") if table.reading is Reading.ORDERED else sql.SQL("")
    where = sql.SQL(table.condition)
    return sql.SQL("FROM {}{} {}").format(only, sql.Identifier(table.schema, table.name), where)
