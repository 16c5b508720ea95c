"""Advisory locks in the database: they die with their session, so neither a killed run nor a lost host leaves one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from dbops.command import redact
from dbops.engine import locking
from dbops.engine.postgres.statements import statement
from dbops.language import msg

_ATTEMPTS = 50


def whoami() -> str:
    """This process, for whoever meets its lock."""
    return f"pid {os.getpid()} on {socket.gethostname()}"


@contextmanager
def exclusive(connection: psycopg.Connection[tuple[Any, ...]], work: str, subject: str) -> Iterator[None]:
    """Excludes a second `work` ('backup', 'restore') of the subject, from any host, while the connection lives.

    Raises `LockedError` of kind '<work>-running', saying who holds the lock and since when.
    """
    key = int.from_bytes(hashlib.sha256(f"dbops {work} {subject}".encode()).digest()[:8], "big", signed=True)
    if connection.info.server_version >= 140000:
        connection.execute("SET idle_session_timeout = 0")  # the session only waits, for as long as the work takes
    for _ in range(_ATTEMPTS):
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if row and row[0]:
            break
        holder = connection.execute(statement("lock_holder"), {"key": key}).fetchone()
        if holder is not None:
            ends = msg("wait until it ends; the lock is an advisory lock in the database and goes with its session")
            raise locking.held(work, subject, redact(str(holder[0])), ends)
        connection.execute("SELECT pg_sleep(0.02)")  # whoever held it is going
    else:
        raise locking.comes_and_goes(work, subject)
    try:
        yield
    finally:
        # At once, and not whenever the server notices that the session is gone: the next run may begin right away.
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT pg_advisory_unlock(%s)", [key])
