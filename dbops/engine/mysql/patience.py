"""Two guards that keep the application from waiting for a backup: one until its moment is open, one from then on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql

from dbops.engine.mysql import waits
from dbops.engine.mysql.connect import Access, close
from dbops.engine.mysql.dumping import DumpingSnapshot
from dbops.engine.mysql.maintenance import run
from dbops.errors import DbopsError


class Deadline:
    """Ends a session when its time is up, from a session that was there before: nobody may wait longer for the lock."""

    def __init__(self, access: Access, holder: int, seconds: float) -> None:
        self._access = access
        self._number = holder
        self._seconds = seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._guard, name="deadline", daemon=True)
        self.passed = False
        self.blockers = ""

    def __enter__(self) -> Deadline:
        self._connection = self._access.connect()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        close(self._connection)

    def _guard(self) -> None:
        if self._done.wait(self._seconds):
            return
        self.passed = True
        with contextlib.suppress(pymysql.MySQLError):
            self.blockers = waits.running(self._connection, self._access)
        with contextlib.suppress(pymysql.MySQLError):
            run(self._connection, f"KILL {self._number:d}")


@contextmanager
def watched(access: Access, snapshot: DumpingSnapshot, holder: int, give_way: float | None) -> Iterator[None]:
    """Ends our own sessions, `holder` too, when a schema change has waited for us longer than `give_way` seconds:
    whoever comes after it waits for it, too."""
    if give_way is None:
        yield
        return
    stop = threading.Event()

    def work() -> None:
        # A guard and not part of the backup: if it cannot look, the backup goes on.
        with contextlib.suppress(DbopsError), access.session() as connection:
            while not stop.wait(waits.WATCH_SECONDS):
                if waiting := waits.longest(connection, give_way):
                    snapshot.gave_way = waiting
                    snapshot.cancel()
                    run(connection, f"KILL {holder:d}")
                    return

    thread = threading.Thread(target=work, name="give-way", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
