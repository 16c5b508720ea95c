"""Plays one file of a dump: definitions in their order in one session, rows in others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.dump_streams import chunks
from dbops.engine.mysql import ddl
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.load_errors import of_definition
from dbops.engine.mysql.load_statements import Does, judge
from dbops.engine.mysql.load_worker import Rows, Worker
from dbops.engine.mysql.script import Kind, Statement, statements
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection
    from dbops.engine.mysql.load import Load


_WRONG_VALUE = 1231
_ONLY_MARIADB = re.compile(rb"\bNO_AUTO_CREATE_USER,?")
"""A part of sql_mode that MySQL 8 has no more: there it always holds."""


class Script:
    """One file of a dump, from its first statement to its last."""

    def __init__(self, load: Load, connection: Connection, path: Path, jobs: int) -> None:
        self._load = load
        self._connection = connection
        self._path = path
        self._jobs = jobs
        self._head: list[bytes] = []
        self._in_head = True
        self._line = 0
        self._workers: list[Worker] = []
        self._table = ""
        self._worker: Worker | None = None

    def play(self) -> None:
        """Sends everything, and returns when the server has done it."""
        for statement in self._statements():
            self._load.failure.check()
            self._line = statement.line
            self._one(statement)
        self._close_table()
        self._settle()

    def _one(self, statement: Statement) -> None:
        load, name = self._load, statement.name
        does = judge(statement, load.source)
        if does is Does.SETTING and self._in_head:
            self._head.append(statement.text)
        self._in_head = self._in_head and does in (Does.SETTING, Does.REPLICATION, Does.PASSED_OVER)
        if does is Does.ROWS or (does is Does.KEYS and self._table == name):
            self._rows(name, statement.text)
        elif does is Does.TABLE:
            self._close_table()
            text = text_of(statement)
            load.provide(self._connection, text)
            load.definitions.create_table(self._connection, name, text, self._where())
        elif does is Does.DEFINITION:
            self._close_table()
            if statement.kind is Kind.CREATE_TRIGGER:
                self._settle()  # it must not act on the rows that come with the dump
            text = text_of(statement)
            load.provide(self._connection, text)
            load.definitions.define(self._connection, statement.kind, name, text, self._where())
        elif does is Does.DATABASE:
            own = ddl.in_head(text_of(statement), name, load.database)
            self._send(own.encode(errors="surrogateescape"), msg("alter database"))
        elif does is Does.REPLICATION:
            load.passed_over(" ".join(text_of(statement).partition("=")[0].split())[:60])
        elif does is not Does.PASSED_OVER:
            self._send(statement.text, f"{statement.kind} {name}".strip())

    def _rows(self, name: str, text: bytes) -> None:
        if name != self._table:
            self._close_table()
            self._load.begun(name)
            self._table, self._worker = name, self._idlest()
        assert self._worker is not None  # noqa: S101 - there is one while there is a table
        self._worker.put(Rows(name, text))

    def _idlest(self) -> Worker:
        """The worker that has the least to do; a new one while there may be more."""
        if len(self._workers) < self._jobs:
            self._workers.append(self._load.worker(self._head))
            return self._workers[-1]
        return min(self._workers, key=lambda worker: worker.waiting)

    def _send(self, text: bytes, what: str) -> None:
        self._load.provide(self._connection, text.decode("utf-8", "replace"))
        try:
            self._connection.query(text)
        except pymysql.MySQLError as error:
            other = _ONLY_MARIADB.sub(b"", text)
            if error_of(error)[0] == _WRONG_VALUE and other != text:
                self._send(other, what)
                return
            raise of_definition(error, what, self._where()) from None

    def _where(self) -> str:
        """For people: which line of which file, as it is unpacked."""
        return msg("{path}, line {line}", path=self._path.name, line=self._line)

    def _statements(self) -> Iterator[Statement]:
        packing = {".zst": ("zstd",), ".gz": ("gzip",)}.get(self._path.suffix, ())
        return statements(chunks(self._path, packing), require_trailer=True)

    def _close_table(self) -> None:
        if self._worker is not None:
            self._worker.put(self._load.filled(self._table))
        self._table, self._worker = "", None

    def _settle(self) -> None:
        for worker in self._workers:
            worker.settle()


def text_of(statement: Statement) -> str:
    """As the driver sends text: bytes that are no UTF-8 stay as they are."""
    return statement.text.decode("utf-8", "surrogateescape")
