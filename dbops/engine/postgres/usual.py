"""Sessions that look names up as the database's users do: our own ones have an empty search path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.statements import statement
from dbops.errors import DatabaseError
from dbops.language import msg

Connection = psycopg.Connection[tuple[Any, ...]]
APPLICATION = "dbops drill"


def usual_path(connection: Connection, role: str) -> str:
    """Gives the session the search path that `role` (or the current one, if the server lacks it) has here; the path."""
    row = connection.execute(statement("probe_search_path"), {"role": role}).fetchone()
    return str(row[0]) if row else ""


@contextmanager
def read_only(connection: Connection) -> Iterator[None]:
    """A transaction that cannot write, not even advance a sequence, and is rolled back."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        yield


def value(access: Access, query: str, timeout: float, role: str) -> object:
    """The one value of a user's query, which may be one statement and cannot write; `timeout` is in seconds.

    Raises `DatabaseError` if it fails, or does not give one row of one column.
    """
    with access.session(application=APPLICATION) as connection:
        usual_path(connection, role)
        with read_only(connection):
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(timeout * 1000)}ms"])
            # A prepared statement is one statement: the server refuses several, which could end the transaction.
            cursor = connection.execute(query.encode(), prepare=True)
            if cursor.description is None:
                raise _shape(msg("no rows at all: it is not a query"))
            rows = cursor.fetchmany(2)
            if len(cursor.description) != 1 or len(rows) != 1:
                raise _shape(
                    msg("{rowcount} rows of {count} columns", rowcount=cursor.rowcount, count=len(cursor.description))
                )
            return rows[0][0]


def _shape(found: str) -> DatabaseError:
    return DatabaseError(
        msg("the query gives {found}", found=found),
        hint=msg("one row of one column is wanted: SELECT count(*) FROM …"),
        kind="not-one-value",
    )
