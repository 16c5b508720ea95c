"""Sessions beside the database that is worked on: creating, renaming and dropping a database needs one elsewhere."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.locks import exclusive, whoami
from dbops.engine.postgres.statements import statement
from dbops.errors import DatabaseError
from dbops.language import msg

_AGAIN_SECONDS = 0.1
Connection = psycopg.Connection[tuple[Any, ...]]


def at_database(access: Access, database: str, settings: Mapping[str, str] | None = None) -> Access:
    """The same server and user, another database; `settings` are set in each of its sessions."""
    other = copy.copy(access)
    own = [access.parameters.get("options", "")]
    own += [f"-c {name}={_escaped(value)}" for name, value in (settings or {}).items()]
    other.parameters = {**access.parameters, "dbname": database}
    if options := " ".join(filter(None, own)):
        other.parameters["options"] = options
    return other


def _escaped(value: str) -> str:
    """A value in libpq's `options`: spaces and backslashes are escaped there."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


class _AnyText(psycopg.adapt.Loader):
    """Text of any bytes. Names and comments of databases and roles are stored in the encoding of the database they were
    given in, and no other one converts them: an unreadable one is never ours, and must not end what we do here."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")


class Maintenance:
    """Opens sessions on a database that is not the named one: `postgres`, else `template1`, else the URL's own."""

    def __init__(self, access: Access, name: str) -> None:
        self._access = access
        self._name = name

    @contextmanager
    def session(self, application: str = "dbops restore") -> Iterator[Connection]:
        """An autocommit session. Raises the first database's `DatabaseError` when none lets us in."""
        with ExitStack() as stack:
            yield self._enter(stack, application)

    def _enter(self, stack: ExitStack, application: str) -> Connection:
        candidates = ["postgres", "template1", self._access.parameters.get("dbname", "")]
        failure: DatabaseError | None = None
        for database in candidates:
            if not database or database == self._name:
                continue
            try:
                connection = stack.enter_context(self._access.session(database, application=application))
            except DatabaseError as error:
                failure = failure or error
            else:
                for kind in ("text", "name", "varchar"):
                    connection.adapters.register_loader(kind, _AnyText)
                return connection
        assert failure is not None  # noqa: S101 - at least one of two fixed names is another one
        raise self._shut_out(failure)

    def _shut_out(self, failure: DatabaseError) -> DatabaseError:
        """The failure, or what it means where the server does let us into the database itself."""
        try:
            with self._access.session(self._name):
                pass
        except DatabaseError:
            return failure
        return DatabaseError(
            msg(
                "beside {name} a session in another database is needed: {reason}",
                name=self._name,
                reason=failure.message,
            ),
            hint=msg(
                "let the role into postgres or template1 (pg_hba.conf, GRANT CONNECT, ALTER DATABASE … "
                "ALLOW_CONNECTIONS true); if both are gone: CREATE DATABASE postgres"
            ),
            kind="no-other-database",
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Excludes a second restore of the database. The lock dies with its session: a killed restore leaves none."""
        application = f"dbops restore by {whoami()}"[:63]
        with self.session(application) as connection, exclusive(connection, "restore", self._name):
            yield


def exists(connection: Connection, name: str) -> bool:
    """Whether the server has this database."""
    return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def sessions_in(connection: Connection, name: str) -> list[tuple[str, bool]]:
    """Sessions in a database: a line for people, and whether we may end it."""
    return connection.execute(statement("restore_sessions"), [name]).fetchall()


def lingering(connection: Connection, name: str, grace: float = 1.0) -> list[tuple[str, bool]]:
    """Sessions that are still in a database after a grace in seconds: those that just ended go unmentioned."""
    until = time.monotonic() + grace
    while (found := sessions_in(connection, name)) and time.monotonic() < until:
        time.sleep(_AGAIN_SECONDS)
    return found


def drop_database(access: Access, connection: Connection, name: str) -> None:
    """Drops a database with whoever is in it; one that is not there is no error.

    A subscription would forbid it: it is taken from its publisher's slot first, which stays as it is.
    """
    if not exists(connection, name):
        return
    subscribed = connection.execute(
        "SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = %s", [name]
    ).fetchone()
    if subscribed is not None:
        with access.session(name, application="dbops restore") as inside:
            names = inside.execute(
                "SELECT subname FROM pg_subscription WHERE subdbid = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchall()
            for (subscription,) in names:
                one = sql.SQL("SUBSCRIPTION {}").format(sql.Identifier(subscription))
                for command in ("ALTER {} DISABLE", "ALTER {} SET (slot_name = NONE)", "DROP {}"):
                    inside.execute(sql.SQL(command).format(one))
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
