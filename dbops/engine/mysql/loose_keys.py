"""Foreign keys to tables that are not there, as after DROP TABLE with foreign_key_checks off.

A table that moves to another database takes along its keys to tables that move with it. These go on looking where they
looked before: a table that comes there later would be tied to one in another database, and rows deleted from it would
be refused, or be deleted there too. So a swap drops them before tables move, and makes them anew afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from dbops.engine.mysql.ddl import ForeignKey, foreign_keys
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


class LooseKey(msgspec.Struct, frozen=True):
    """A foreign key; `text` as the server prints it, which leaves out the name of its own database.

    `index_name`: of an index of just its columns, '' if there is none.
    """

    table: str
    name: str
    text: str
    index_name: str


def loose_keys(connection: Connection, database: str) -> tuple[LooseKey, ...]:
    """Those that the database has now."""
    there = _names(connection, database)
    return tuple(
        LooseKey(table, *key)
        for table in sorted({table for table, _ in there})
        for key in _foreign_keys(connection, database, table)
        if (table, key.name) in there
    )


def loosen(connection: Connection, database: str, known: Sequence[LooseKey]) -> None:
    """Drops those of the `known` ones that the database still has. Their indexes stay."""
    here = _names(connection, database) if known else set()
    dropped = {key: f"DROP FOREIGN KEY {identifier(key.name)}" for key in known if (key.table, key.name) in here}
    _alter(connection, database, dropped)


def tie(connection: Connection, database: str, wanted: Sequence[LooseKey]) -> None:
    """Makes the database, in which the session is, have those that are wanted, too."""
    if not wanted:
        return
    run(connection, "SET SESSION foreign_key_checks = 0")  # the tables are not there
    try:
        here = _indexes(connection, database, wanted)
        missing = [key for key in wanted if (key.table, key.name) not in here]
        _alter(connection, database, {key: f"ADD {key.text}" for key in missing})
        # An index that the server had made for a key is replaced by one that has the key's name.
        here = _indexes(connection, database, wanted)
        other = [key for key in wanted if key.index_name != here[key.table, key.name] == key.name]
        renaming = "RENAME INDEX {} TO {}".format
        _alter(connection, database, {key: renaming(*map(identifier, (key.name, key.index_name))) for key in other})
    finally:
        run(connection, "SET SESSION foreign_key_checks = 1")


def _indexes(connection: Connection, database: str, keys: Sequence[LooseKey]) -> dict[tuple[str, str], str]:
    """Of all foreign keys of the tables that have these: by names of table and key, the index of just its columns."""
    return {
        (table, key.name): key.index_name
        for table in {key.table for key in keys}
        for key in _foreign_keys(connection, database, table)
    }


def _names(connection: Connection, database: str) -> set[tuple[str, str]]:
    """Of their tables and of themselves."""
    return set(rows(connection, statement("restore_loose_keys"), {"name": database}))


def _foreign_keys(connection: Connection, database: str, table: str) -> Iterator[ForeignKey]:
    [(_, printed)] = rows(connection, f"SHOW CREATE TABLE {identifier(database)}.{identifier(table)}")
    return foreign_keys(printed)


def _alter(connection: Connection, database: str, changes: Mapping[LooseKey, str]) -> None:
    for table, keys in groupby(changes, key=lambda key: key.table):
        altered = ", ".join(changes[key] for key in keys)
        run(connection, f"ALTER TABLE {identifier(database)}.{identifier(table)} {altered}")
