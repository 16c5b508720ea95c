"""One value of a copy, asked by a query of the user: read only, within a time."""

from __future__ import annotations

from dbops.engine.mysql.connect import Access, flavour
from dbops.engine.mysql.maintenance import run
from dbops.errors import DatabaseError
from dbops.language import msg


def value(access: Access, query: str, timeout: float) -> object:
    """The one value of a user's query, which may be one statement and cannot write; `timeout` is in seconds.

    Raises `DatabaseError` if it fails, or does not give one row of one column.
    """
    with access.session() as connection:
        product = flavour(connection)
        # An application's session has the server's own sql_mode, not our empty one.
        limit = (
            f"max_statement_time = {timeout:.3f}"
            if product.name == "mariadb"
            else f"max_execution_time = {timeout * 1000:.0f}"
        )
        run(connection, f"SET SESSION sql_mode = DEFAULT, {limit}")
        run(connection, "START TRANSACTION READ ONLY")
        with connection.cursor() as cursor:
            cursor.execute(query)  # the driver sends one statement: the server refuses a second one
            if cursor.description is None:
                raise _shape(msg("no rows at all: it is not a query"))
            found = cursor.fetchmany(2)
            columns = len(cursor.description)
            if columns != 1 or len(found) != 1:
                raise _shape(msg("{rowcount} rows of {columns} columns", rowcount=cursor.rowcount, columns=columns))
        run(connection, "ROLLBACK")
        return found[0][0]


def _shape(found: str) -> DatabaseError:
    return DatabaseError(
        msg("the query gives {found}", found=found),
        hint=msg("one row of one column is wanted: SELECT count(*) FROM …"),
        kind="not-one-value",
    )
