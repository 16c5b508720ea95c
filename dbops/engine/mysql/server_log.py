"""Where a server's own log ends: it tells whether anything was written between two looks at it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql.flavour import Flavour
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

QUIET_SECONDS = 0.1
"""How long the position must stand still around a look: it moves a moment before or after a commit shows."""


def position(connection: Connection, flavour: Flavour) -> str:
    """GTIDs, or file and byte; '' where the server keeps no log that we can read."""
    try:
        found = rows(connection, statement(f"position_{flavour.name}"))
    except pymysql.MySQLError:
        return ""
    return str(found[0][0] or "")


def still_position(connection: Connection, flavour: Flavour) -> str:
    """The position, if it does not move for a moment; else ''."""
    before = position(connection, flavour)
    time.sleep(QUIET_SECONDS)
    return before if before == position(connection, flavour) else ""
