"""The journal of a restore: a table in the database that will take what is there now.

It is made before the side database is, and so says whose that is: a database without it is not ours, whatever its name.
While tables change their places it holds what both databases had beside their tables, so that a swap that is killed
anywhere can be finished or undone by whoever comes next. What a database had that is now set aside stays in it.
"""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from dbops.engine.mysql.belongings import Belongings
from dbops.engine.mysql.maintenance import create_database, rows, run
from dbops.engine.mysql.statements import identifier

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

TABLE = "_dbops_restore"
_PIECE = 500_000
"""Characters a row: far below the smallest max_allowed_packet that a server is run with."""


class Phase(StrEnum):
    """How far a restore has come: what the next run has to finish or undo."""

    LOADING = "loading"
    """The live database is as it was."""
    SWAPPING = "swapping"
    """Tables are changing their places."""
    DONE = "done"
    """The old database is here, whole."""


class Move(msgspec.Struct, frozen=True):
    """A table that changes its database and keeps its name."""

    old: str
    table: str
    new: str


class Swap(msgspec.Struct, frozen=True):
    """All that is needed to finish a swap, or to undo it.

    `before`: what the live database had; None if there was none. `after`: what it shall have, from `source`.
    `moves`: first the old tables, then the new ones. `then`: statements for the live database at the end.
    """

    live: str
    source: str
    aside: str
    before: Belongings | None
    after: Belongings
    moves: tuple[Move, ...]
    then: tuple[str, ...] = ()


class Journal:
    """The journal in a database."""

    def __init__(self, connection: Connection, database: str) -> None:
        self.connection = connection
        self.database = database
        self._table = f"{identifier(database)}.{identifier(TABLE)}"

    def create(self, encoding: str, collation: str) -> None:
        """The database too."""
        create_database(self.connection, self.database, encoding, collation)
        run(
            self.connection,
            f"CREATE TABLE {self._table} (number INT PRIMARY KEY, text LONGTEXT NOT NULL)"
            " ENGINE=InnoDB DEFAULT CHARACTER SET ascii COMMENT='made by dbops, for its own use'",
        )
        self.write(Phase.LOADING, None)

    def write(self, phase: Phase, swap: Swap | None) -> None:
        """All or nothing."""
        document = base64.b64encode(zlib.compress(msgspec.json.encode(swap))).decode()
        pieces = [document[at : at + _PIECE] for at in range(0, len(document), _PIECE)]
        run(self.connection, "START TRANSACTION", f"DELETE FROM {self._table}")  # noqa: S608
        with self.connection.cursor() as cursor:
            insert = f"INSERT INTO {self._table.replace('%', '%%')} VALUES (%s, %s)"  # noqa: S608
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for number, text in enumerate([f"{phase} {now}", *pieces]):
                cursor.execute(insert, [number, text])
        run(self.connection, "COMMIT")

    def read(self) -> tuple[Phase, Swap | None] | None:
        """None if there is no journal."""
        there = rows(
            self.connection,
            "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
            [self.database, TABLE],
        )
        if not there:
            return None
        texts = [text for (text,) in rows(self.connection, f"SELECT text FROM {self._table} ORDER BY number")]  # noqa: S608
        if not texts:
            return Phase.LOADING, None
        document = zlib.decompress(base64.b64decode("".join(texts[1:])))
        return Phase(texts[0].split()[0]), msgspec.json.decode(document, type=Swap | None)
