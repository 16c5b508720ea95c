"""What a restore would replace, looked at from beside it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from dbops.engine.base import Destination
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.maintenance import Connection, at_database, lingering
from dbops.engine.postgres.server import describe
from dbops.engine.postgres.statements import statement
from dbops.errors import DatabaseError


class Obstructions(NamedTuple):
    """What stands against renaming or replacing a database."""

    is_template: bool = False
    ours: bool = True
    """Whether our role has the rights of its owner."""
    prepared: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    sessions: tuple[tuple[str, bool], ...] = ()
    """Each with whether we may end it."""


def look(access: Access, connection: Connection, name: str) -> tuple[Destination, Obstructions]:
    """The destination by name; `connection` is in another database of the same server."""
    server = describe(access, connection)
    server = server._replace(info=msgspec.structs.replace(server.info, database=name), database_bytes=0)
    row = connection.execute(statement("restore_database"), [name]).fetchone()
    if row is None:
        return Destination(server, name, exists=False, tables=0, rows=0, bytes=0, sessions=()), Obstructions()
    size, connectable, template, ours, prepared, slots, subscriptions = row
    sessions = lingering(connection, name)
    tables, rows = _at_stake(access, name) if connectable else (None, 0)
    server = server._replace(database_bytes=size)
    lines = tuple(line for line, _ in sessions)
    destination = Destination(server, name, exists=True, tables=tables, rows=rows, bytes=size, sessions=lines)
    against = Obstructions(template, ours, tuple(prepared), tuple(slots), tuple(subscriptions), tuple(sessions))
    return destination, against


def _at_stake(access: Access, name: str) -> tuple[int | None, int]:
    try:
        with at_database(access, name).session(application="dbops restore") as inside:
            row = inside.execute(statement("restore_rows")).fetchone()
    except DatabaseError:  # it may well be broken: that is why it is restored
        return None, 0
    return (row[0], row[1]) if row else (0, 0)
