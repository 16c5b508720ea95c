"""What a restore would replace, looked at from beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dbops.engine.base import Destination
from dbops.engine.mysql import mark, swap
from dbops.engine.mysql.broken import Unopened, unopened
from dbops.engine.mysql.maintenance import Inside, exists, lingering, rows
from dbops.engine.mysql.server import describe
from dbops.engine.mysql.statements import statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Access, Connection


class Obstructions(NamedTuple):
    """What stands against moving or replacing the tables of a database."""

    foreign_keys: tuple[str, ...] = ()
    """Tables of other databases whose foreign keys lead into it."""
    half: str = ""
    """A restore in place of it was killed half-way: the id of its safety backup."""
    sessions: tuple[Inside, ...] = ()
    unopened: tuple[Unopened, ...] = ()
    """Tables that the server cannot open."""


def look(access: Access, connection: Connection, name: str) -> tuple[Destination, Obstructions]:
    """The destination by name; `connection` is in no database, and is then in one of the server's own."""
    connection.select_db("information_schema")
    server = describe(access, connection)
    server = server._replace(info=msgspec.structs.replace(server.info, database=name), database_bytes=0)
    if not exists(connection, name):
        return Destination(server, name, exists=False, tables=0, rows=0, bytes=0, sessions=()), Obstructions()
    [(tables, count, size, encoding, collation)] = rows(connection, statement("restore_database"), {"name": name})
    info = msgspec.structs.replace(server.info, encoding=encoding, collation=collation)
    server = server._replace(info=info, database_bytes=int(size))
    sessions = tuple(lingering(connection, name))
    lines = tuple(inside.line for inside in sessions)
    destination = Destination(server, name, True, int(tables), int(count), int(size), lines)
    broken = tuple(unopened(connection, name, swap.tables(connection, name)))
    into = tuple(swap.foreign_keys_into(connection, name))
    return destination, Obstructions(into, mark.read(connection, name), sessions, broken)
