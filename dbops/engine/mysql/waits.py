"""Who is in our way, and who waits for us, from the server's list of sessions."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dbops.command import redact
from dbops.engine.mysql import rights
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.statements import statement
from dbops.errors import DbopsError

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

WATCH_SECONDS = 1.0
_SHOWN = 3


def may_see_others(connection: Connection) -> bool:
    """Whether the sessions of other users show."""
    return rights.read(connection, "").has_everywhere("PROCESS")


def running(connection: Connection, access: Access) -> str:
    """The sessions that work, the longest first; else those that sit idle and may hold a lock. None of `access`."""
    with connection.cursor() as cursor:
        cursor.execute(statement("busy_sessions"))
        rows = [row for row in cursor.fetchall() if int(row[0]) not in access.opened]
    # We have waited for a second at least: whoever began later is another who had to wait.
    busy = [row for row in rows if row[4] != "Sleep" and int(row[3]) >= 1][:_SHOWN]
    rows = [row for row in rows if row[4] == "Sleep"]
    if busy:
        return "; ".join(
            f"session {number} ({user} from {host}) has worked for {seconds} s: {redact(str(text))}"
            for number, user, host, seconds, _, text in busy
        )
    idle = "; ".join(f"session {n} ({user} from {host}), idle for {s} s" for n, user, host, s, _, _ in rows[:_SHOWN])
    return f"perhaps by LOCK TABLES of {idle}" if idle else "by a session that has gone meanwhile, or may not be seen"


def running_now(access: Access) -> str:
    """`running`, from a session of its own; '' never: what cannot be seen is said."""
    with contextlib.suppress(DbopsError), access.session() as connection:
        return running(connection, access)
    return "by whom could not be seen"


def longest(connection: Connection, seconds: float) -> str:
    """Whose schema change has waited longer than that; '' if nobody's."""
    with connection.cursor() as cursor:
        cursor.execute(statement("waiting_schema_change"))
        row = cursor.fetchone()
    if row is None or int(row[3]) <= seconds:
        return ""
    number, user, host, waited, text = row
    return f"session {number} ({user} from {host}) had waited {waited} s to change what is dumped: {redact(str(text))}"
