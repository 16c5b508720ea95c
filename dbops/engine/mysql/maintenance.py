"""Sessions beside the database that is worked on, and what is done with whole databases."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pymysql

from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.locks import exclusive
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_AGAIN_SECONDS = 0.1
LOCK_SECONDS = 30
"""How long a statement of ours waits for somebody else's metadata lock."""


def at_database(access: Access, database: str) -> Access:
    """The same server and user, another database."""
    other = copy.copy(access)
    other.parameters = access.parameters._replace(database=database)
    return other


def rows(connection: Connection, query: str, values: object = None) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def stored(connection: Connection, name: str) -> str:
    """A database's name as the server keeps it: with lower_case_table_names=1 in lower case."""
    return str(rows(connection, "SELECT IF(@@lower_case_table_names = 1, LOWER(%s), %s)", [name, name])[0][0])


def run(connection: Connection, *statements: str) -> None:
    """Statements whose rows nobody wants."""
    with connection.cursor() as cursor:
        for text in statements:
            cursor.execute(text)


def session_number(connection: Connection) -> int:
    """By which the server knows the session; it is not asked, since it may be busy giving rows."""
    number: int = connection.thread_id()  # type: ignore[no-untyped-call]
    return number


class Maintenance:
    """Opens sessions that are in no database."""

    def __init__(self, access: Access, name: str) -> None:
        self._access = access
        self._name = name

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """An autocommit session that waits at most `LOCK_SECONDS` for a lock."""
        with self._access.session("") as connection:
            run(connection, f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}")
            yield connection

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Excludes a second restore of the database. The lock dies with its session: a killed restore leaves none."""
        with self.session() as connection, exclusive(connection, "restore", self._name):
            yield


class Inside(NamedTuple):
    """A session in a database."""

    number: int
    line: str
    """For people."""
    endable: bool


def exists(connection: Connection, name: str) -> bool:
    """Whether the server has this database, as far as the user may see it."""
    return bool(rows(connection, "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", [name]))


def databases(connection: Connection) -> list[str]:
    """All that the user may see."""
    return [name for (name,) in rows(connection, "SELECT schema_name FROM information_schema.schemata")]


def sessions_in(connection: Connection, name: str) -> list[Inside]:
    """Sessions in a database. Without the right PROCESS, only those of the same user."""
    found = rows(connection, statement("restore_sessions"), {"name": name})
    return [Inside(int(number), str(line), bool(endable)) for number, line, endable in found]


def lingering(connection: Connection, name: str, grace: float = 1.0) -> list[Inside]:
    """Sessions that are still in a database after a grace in seconds: those that just ended go unmentioned."""
    until = time.monotonic() + grace
    while (found := sessions_in(connection, name)) and time.monotonic() < until:
        time.sleep(_AGAIN_SECONDS)
    return found


def end_sessions(connection: Connection, names: Sequence[str], *, spared: int = 0) -> None:
    """Ends the sessions that are in the databases now, but for one; one that has just gone by itself is no error."""
    for name in names:
        for inside in sessions_in(connection, name):
            if inside.number != spared:
                with suppress(pymysql.MySQLError):
                    run(connection, f"KILL CONNECTION {inside.number}")


def create_database(connection: Connection, name: str, encoding: str, collation: str) -> None:
    """Creates it; empty encoding or collation: the server's own."""
    options = f" CHARACTER SET {identifier(encoding)}" if encoding else ""
    options += f" COLLATE {identifier(collation)}" if collation else ""
    run(connection, f"CREATE DATABASE {identifier(name)}{options}")


def drop_database(connection: Connection, name: str) -> None:
    """Drops a database with whoever is in it; one that is not there is no error."""
    if exists(connection, name):
        end_sessions(connection, [name])
    run(connection, f"DROP DATABASE IF EXISTS {identifier(name)}")
