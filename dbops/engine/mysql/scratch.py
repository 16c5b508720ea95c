"""Scratch databases of a MySQL or MariaDB server. See `engine.scratch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql

from dbops.config.urls import Secret, split_password
from dbops.engine.migrating import Refusal
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.maintenance import drop_database, rows, run
from dbops.engine.mysql.objects import read_definitions
from dbops.engine.mysql.statements import identifier, statement
from dbops.engine.scratch import Look, Rows

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


class MysqlScratch:
    """`url_of`: the URL of a database of the server by its name ('' for none), as a user who may create databases.
    `encoding` and `collation`: of the databases, as the source's is; '' for the server's own."""

    copies = False

    def __init__(self, url_of: Callable[[str], Secret], *, encoding: str = "", collation: str = "") -> None:
        self._url_of = url_of
        self._encoding, self._collation = encoding, collation
        url, password = split_password(url_of("").reveal())
        self._access = Access(url, password=password)

    def create(self, name: str) -> Secret:
        options = f" CHARACTER SET {identifier(self._encoding)}" if self._encoding else ""
        options += f" COLLATE {identifier(self._collation)}" if self._collation else ""
        with self._access.session("") as connection:
            run(connection, f"CREATE DATABASE {identifier(name)}{options}")
        return self._url_of(name)

    def copy(self, source: str, name: str) -> Secret:
        raise NotImplementedError(f"{source} to {name}: neither product copies a database")

    def drop(self, name: str) -> None:
        with self._access.session("") as connection:
            drop_database(connection, name)

    def look(self, name: str) -> Look:
        with self._access.session(name) as connection:
            return Look(read_definitions(connection), _rows(connection))

    @contextmanager
    def session(self, name: str) -> Iterator[_Session]:
        with self._access.session(name) as connection:
            # As an application's session: what dbops sets for itself would hide what fails there.
            run(connection, "SET SESSION sql_mode = @@GLOBAL.sql_mode, foreign_key_checks = 1")
            yield _Session(connection)


class _Session:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: str) -> Refusal | None:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                cursor.fetchall()
        except pymysql.MySQLError as error:
            number, text = error_of(error)
            return Refusal(str(number), text)
        return None

    def empty(self) -> None:
        run(self._connection, "SET SESSION foreign_key_checks = 0")  # else no table that another refers to
        try:
            for (table,) in rows(self._connection, statement("scratch_tables")):
                run(self._connection, f"TRUNCATE TABLE {identifier(str(table))}")  # fires no trigger
        finally:
            run(self._connection, "SET SESSION foreign_key_checks = 1")


def _rows(connection: Connection) -> dict[str, Rows]:
    references = set(rows(connection, statement("scratch_references")))
    columns: dict[str, list[str]] = {str(table): [] for (table,) in rows(connection, statement("scratch_tables"))}
    for table, column in rows(connection, statement("scratch_columns")):
        if table in columns and (table, column) not in references:
            columns[str(table)].append(str(column))
    found: dict[str, Rows] = {}
    for table, names in columns.items():
        values = ", ".join(f"COALESCE(QUOTE(CAST({identifier(name)} AS CHAR)), 'NULL')" for name in names)
        number = f"CAST(CONV(LEFT(SHA1(CONCAT_WS(',', {values})), 15), 16, 10) AS DECIMAL(20))" if names else "0"
        query = f"SELECT COUNT(*), COALESCE(SUM({number}), 0) FROM {identifier(table)}"  # noqa: S608
        count, digest = rows(connection, query)[0]
        found[table] = Rows(int(count), str(digest))
    return found
