"""Where AUTO_INCREMENT columns and sequences stand: no rollback undoes that a value was drawn, so they are put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.driver_errors import lost
from dbops.engine.mysql.examine.run import worker_session
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

Positions = dict[tuple[str, str], int]


@contextmanager
def kept_positions(access: Access) -> Iterator[Positions]:
    """(table, column), or (sequence, ''), -> next value; after the block all of them are there again.

    A server puts no AUTO_INCREMENT back behind what its column holds.
    """
    with worker_session(access) as connection:
        before = _positions(connection)
    try:
        yield before
    finally:
        with worker_session(access) as connection:
            with suppress(pymysql.MySQLError):
                run(connection, "SET SESSION system_versioning_alter_history = KEEP")  # MariaDB refuses it otherwise
            now = _positions(connection)
            for (name, column), value in before.items():
                if now.get((name, column), value) == value:
                    continue
                try:
                    if column:
                        run(
                            connection,
                            f"ALTER TABLE {identifier(name)} AUTO_INCREMENT = {value:d}, ALGORITHM = INPLACE",
                        )
                    else:
                        set_sequence(connection, name, value)
                except pymysql.MySQLError as failure:
                    if lost(failure):
                        raise


def next_of(connection: Connection, name: str) -> int:
    """What a sequence gives next, but for what the server holds ready for its sessions."""
    return int(rows(connection, f"SELECT next_not_cached_value FROM {identifier(name)}")[0][0])  # noqa: S608


def set_sequence(connection: Connection, name: str, value: int) -> None:
    """The next value of a sequence of MariaDB."""
    run(connection, f"ALTER SEQUENCE {identifier(name)} RESTART WITH {value:d}")


def _positions(connection: Connection) -> Positions:
    found: Positions = {}
    for table, column, following in rows(connection, statement("auto_increments")):
        found[table, column] = int(following)
    for (name,) in rows(connection, statement("sequence_names")):
        found[name, ""] = next_of(connection, name)
    return found
