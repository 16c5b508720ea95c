"""A look at a PostgreSQL server that the caller gives: its version, and what it holds."""

from __future__ import annotations

from dbops.command import redact
from dbops.config.urls import Secret, database_name, split_password
from dbops.errors import DatabaseError
from dbops.language import msg
from dbops.sandbox.base import Seen
from dbops.sandbox.postgres.statements import statement

_SECONDS = 10
_MAINTENANCE = "postgres"


def look(url: Secret) -> Seen:
    """The server, and the names of databases that are not the server's own or not empty. Raises `DatabaseError`."""
    import psycopg

    plain, password = split_password(url.reveal())
    own = {_MAINTENANCE, database_name(plain)}

    def connect(name: str | None) -> psycopg.Connection:
        return psycopg.connect(plain, password=password, dbname=name, autocommit=True, connect_timeout=_SECONDS)

    try:
        with connect(None) as connection:
            version = connection.execute("SHOW server_version").fetchone()
            names = [name for (name,) in connection.execute(statement("databases"))]
        holds = [name for name in names if name not in own]
        for name in own.intersection(names):
            with connect(name) as connection:
                if connection.execute(statement("holds_anything")).fetchone() == (True,):
                    holds.append(name)
    except psycopg.Error as error:
        said = redact(str(error).strip(), [password] if password else [])
        raise DatabaseError(msg("the server cannot be used: {said}", said=said), kind="sandbox-unreachable") from None
    return Seen(str(version[0]).split()[0] if version else "", tuple(sorted(holds)), "postgres")
