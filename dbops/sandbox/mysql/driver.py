"""A connection to a server that we have made, by the URL that its sandbox gives; and such a URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from dbops.config.urls import Secret, split_password
from dbops.sandbox.mysql.product import SUPERUSER

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_SECONDS = 10
ACCESS_DENIED = 1045


def socket_url(scheme: str, socket: str, password: str, database: str) -> Secret:
    """Of a database through the unix socket at that path."""
    where = urlencode({"unix_socket": socket}, quote_via=quote)
    return Secret(f"{scheme}://{_login(password)}@/{quote(database, safe='')}?{where}")


def port_url(scheme: str, host: str, port: int, password: str, database: str) -> Secret:
    """The URL of a database by host and port, with the password."""
    return Secret(f"{scheme}://{_login(password)}@{host}:{port}/{quote(database, safe='')}")


def _login(password: str) -> str:
    return f"{SUPERUSER}:{quote(password, safe='')}"


@contextmanager
def connected(url: Secret) -> Iterator[Connection[Cursor]]:
    """In autocommit mode, closed at the end. Raises `pymysql.MySQLError` and `OSError`."""
    import pymysql

    plain, password = split_password(url.reveal())
    parts = urlsplit(plain)
    socket = dict(parse_qsl(parts.query)).get("unix_socket")
    connection: Connection[Cursor] = pymysql.connect(
        user=unquote(parts.username or ""),
        password=(password or "").encode(),
        host=parts.hostname or "localhost",
        port=parts.port or 0,
        unix_socket=socket,
        ssl_disabled=bool(socket),  # else the driver loads this machine's certificates at each attempt
        database=unquote(parts.path.lstrip("/")) or None,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
    )
    try:
        yield connection
    finally:
        with suppress(Exception):
            connection.close()


def row(connection: Connection[Cursor], statement: str) -> tuple[object, ...]:
    """The only row of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchone() or ())
