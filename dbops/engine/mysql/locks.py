"""Named locks of the server: they go with their session, so neither a killed run nor a lost host leaves one.

They are the server's own: two servers of one replication each have theirs.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql

from dbops.engine import locking
from dbops.engine.mysql.statements import statement
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_ATTEMPTS = 50


@contextmanager
def exclusive(connection: Connection, work: str, subject: str) -> Iterator[None]:
    """Excludes a second `work` ('backup', 'restore') of the subject on this server, from any host, while the connection
    lives.

    Raises `LockedError` of kind '<work>-running', saying who holds the lock and since when.
    """
    name = f"dbops {work} {hashlib.sha256(subject.encode()).hexdigest()[:32]}"  # 64 characters at the most
    for _ in range(_ATTEMPTS):
        if _one(connection, "SELECT GET_LOCK(%s, 0)", name) == 1:
            break
        if (holder := _one(connection, "SELECT IS_USED_LOCK(%s)", name)) is not None:
            ends = msg("wait until it ends; the lock is a named lock of the server and goes with its session")
            raise locking.held(work, subject, _who(connection, int(str(holder))), ends)
        time.sleep(0.02)  # whoever held it is going
    else:
        raise locking.comes_and_goes(work, subject)
    try:
        yield
    finally:
        # At once, and not whenever the server notices that the session is gone: the next run may begin right away.
        with contextlib.suppress(pymysql.MySQLError):
            _one(connection, "SELECT RELEASE_LOCK(%s)", name)


def _who(connection: Connection, session: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement("lock_holder"), {"session": session})
        row = cursor.fetchone()
    if row is None:
        return msg("session {session}, of a user whose sessions this one may not see", session=session)
    user, host, since = row
    return msg(
        "session {session} of {user} from {host}, since {since:%Y-%m-%d %H:%M:%S} UTC",
        session=session,
        user=user,
        host=host,
        since=since,
    )


def _one(connection: Connection, query: str, *values: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    return row[0] if row else None
