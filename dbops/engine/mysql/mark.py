"""The mark in a database whose content a restore in place is replacing: a table of ours that names the safety backup.

It is made before anything is dropped, in one statement, so that its text is in its comment; and it goes last. Where it
stands, the content may be half of something, and the safety backup is what was there before: for people, for the next
restore, and for a backup of it, which is refused. It is a table like any other, so that a swap sets it aside together
with the content that it is about.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.statements import identifier

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

TABLE = "_dbops_in_place"
_TEXT = "half restored by dbops, since {since}, from backup {backup}; what was here before: safety backup {safety}"
_SAFETY = re.compile(r"safety backup (\S+)$")


def put(connection: Connection, database: str, *, safety: str, backup: str) -> None:
    """From now on `backup` is replacing what the backup `safety` holds. One that is there already stays."""
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    table = _where(database).replace("%", "%%")
    made = f"CREATE TABLE IF NOT EXISTS {table} (nothing INT PRIMARY KEY) ENGINE=InnoDB COMMENT=%s"
    rows(connection, made, [_TEXT.format(since=since, backup=backup, safety=safety)])


def read(connection: Connection, database: str) -> str:
    """The id of the safety backup; '' where nothing is being replaced."""
    found = rows(
        connection,
        "SELECT table_comment FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
        [database, TABLE],
    )
    named = _SAFETY.search(str(found[0][0])) if found else None
    return named[1] if named else ""


def remove(connection: Connection, database: str) -> None:
    """The content is whole."""
    run(connection, f"DROP TABLE IF EXISTS {_where(database)}")


def _where(database: str) -> str:
    return f"{identifier(database)}.{identifier(TABLE)}"
