"""Scratch databases of a PostgreSQL server. See `engine.scratch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from dbops.config.urls import Secret, split_password
from dbops.engine.migrating import Refusal
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.maintenance import Maintenance, drop_database
from dbops.engine.postgres.objects import read_definitions
from dbops.engine.postgres.statements import statement
from dbops.engine.scratch import Look, Rows
from dbops.values import label

if TYPE_CHECKING:
    from dbops.engine.postgres.connect import Connection

_APPLICATION = "dbops scratch"


class PostgresScratch:
    """`url_of`: the URL of a database of the server by its name, as a role that may create databases. `schema`: one
    that each new database has."""

    copies = True

    def __init__(self, url_of: Callable[[str], Secret], schema: str = "") -> None:
        self._url_of, self._schema = url_of, schema
        url, password = split_password(url_of("postgres").reveal())
        self._access = Access(url, password=password)

    def create(self, name: str) -> Secret:
        url = self._make(name, "template0")
        if self._schema:
            with self._access.session(name, application=_APPLICATION) as connection:
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema)))
        return url

    def copy(self, source: str, name: str) -> Secret:
        return self._make(name, source)

    def drop(self, name: str) -> None:
        with self._maintenance(name) as connection:
            drop_database(self._access, connection, name)

    def look(self, name: str) -> Look:
        with self._access.session(name, application=_APPLICATION) as connection:
            return Look(read_definitions(connection), _rows(connection))

    @contextmanager
    def session(self, name: str) -> Iterator[_Session]:
        with self._access.session(name, application=_APPLICATION) as connection:
            yield _Session(self._access, connection)

    @contextmanager
    def _maintenance(self, name: str) -> Iterator[Connection]:
        with Maintenance(self._access, name).session(_APPLICATION) as connection:
            yield connection

    def _make(self, name: str, template: str) -> Secret:
        with self._maintenance(name) as connection:
            command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(command.format(sql.Identifier(name), sql.Identifier(template)))
        return self._url_of(name)


class _Session:
    def __init__(self, access: Access, connection: Connection) -> None:
        self._access, self._connection = access, connection
        # As an application's session: DEFAULT would be the empty one that our sessions start with.
        connection.execute('SET search_path = "$user", public')

    def run(self, statement: str) -> Refusal | None:
        try:
            self._connection.execute(statement.encode())
        except psycopg.Error as error:
            return Refusal(error.sqlstate or "", self._access.database_error(error).message)
        return None

    def empty(self) -> None:
        found = self._connection.execute(statement("scratch_columns")).fetchall()
        if found:
            tables = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table, _ in found)
            self._connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))


def _rows(connection: Connection) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for schema, table, columns in connection.execute(statement("scratch_columns")).fetchall():
        row = sql.SQL("ROW({})").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
        query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended({}::text, 0)::numeric), 0) FROM {}")
        count, digest = connection.execute(query.format(row, sql.Identifier(schema, table))).fetchall()[0]
        found[label(schema, table)] = Rows(count, str(digest))
    return found
