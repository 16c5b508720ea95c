"""A look at a MySQL or MariaDB server that the caller gives: which it is, and what it holds."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from dbops.sandbox.base import Seen
from dbops.sandbox.mysql.driver import row
from dbops.sandbox.mysql.product import number_of, product_of, series_of
from dbops.sandbox.mysql.statements import statement

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class Access(Protocol):
    """How to reach it: the URL's parameters and passwords are none of our business."""

    @property
    def database(self) -> str: ...

    def session(self, database: str | None = None) -> AbstractContextManager[Connection[Cursor]]:
        """A connection; `database` '' for none. Raises `DatabaseError`, for errors of the block too."""


def look(access: Access) -> Seen:
    """The server, and the names of databases that are not the URL's own or not empty. Raises `DatabaseError`."""
    with access.session("") as connection:
        version = " ".join(str(text) for text in row(connection, statement("version")))
        with connection.cursor() as cursor:
            cursor.execute(statement("databases"))
            found = cursor.fetchall()
    holds = tuple(str(name) for name, holds in found if holds or name != access.database)
    return Seen(number_of(version), holds, product_of(version).name, series_of(version))
