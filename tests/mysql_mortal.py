"""Ends a run, as far as the server sees, before any statement of its that changes something."""

from __future__ import annotations

import re
import threading
from typing import Any

import pymysql
import pytest

_WORDS = "SELECT|SHOW|SET|USE|DO|START TRANSACTION WITH|SAVEPOINT|ROLLBACK|ANALYZE|ALTER TABLE `\\w+` (DIS|EN)ABLE KEYS"
READS = re.compile(rf"(--|(/\*M?![0-9]+ *)?({_WORDS})\b)")
"""Also those of our files, which begin with a comment: what changes something is written where it is done."""


class Killed(BaseException):
    """As a SIGKILL: after it nothing more gets to the server."""


class Mortal:
    """Ends the process, as far as the server sees, before a given statement that changes something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.fails = False
        self.dead = False
        original = pymysql.connections.Connection.query

        def query(connection: Any, sql: Any, unbuffered: bool = False) -> Any:
            text = sql.decode(errors="replace") if isinstance(sql, bytes | bytearray) else sql
            if self.dead:
                raise pymysql.err.OperationalError(2013, "Lost connection")
            if self.left >= 0 and not READS.match(text):
                self.left -= 1
                if self.left < 0:
                    if self.fails:
                        raise pymysql.err.OperationalError(1114, "The table is full")
                    self.dead = True
                    if threading.current_thread() is threading.main_thread():
                        raise Killed
                    raise pymysql.err.OperationalError(2013, "Lost connection")  # what a thread hands to the main one
            return original(connection, sql, unbuffered)

        monkeypatch.setattr(pymysql.connections.Connection, "query", query)

    def revive(self) -> bool:
        """Whether it had been killed."""
        was, self.dead, self.left = self.dead, False, -1
        return was
