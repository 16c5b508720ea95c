"""Runs the tasks of `examine` in a few sessions: none waits for ever, and what cannot be tried is told, not raised."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pymysql

from dbops.engine import examining
from dbops.engine.examining import Outcome
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.driver_errors import lost
from dbops.engine.mysql.examine import common
from dbops.engine.mysql.examine.common import Task, not_tried, set_limits, too_long
from dbops.engine.mysql.maintenance import run
from dbops.progress import Progress

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


@contextmanager
def worker_session(access: Access) -> Iterator[Connection]:
    """A session with limits of time, and no setting of the server that would change what is found."""
    with access.session() as connection:
        set_limits(connection)
        for setting in ("transaction_read_only = 0", "tx_read_only = 0", "sql_big_selects = 1"):
            with suppress(pymysql.MySQLError):  # each product has its own name for the first
                run(connection, f"SET SESSION {setting}")
        yield connection


def run_tasks(access: Access, tasks: Sequence[Task], jobs: int, progress: Progress) -> list[tuple[Task, Outcome]]:
    """All tasks, largest first, in at most `jobs` sessions. Raises `DatabaseError` only where a session is lost."""
    return examining.run_tasks(
        tasks, jobs, lambda: worker_session(access), lambda session, task: outcome(access, session, task), progress
    )


def outcome(access: Access, connection: Connection, task: Task) -> Outcome:
    """What the task gives within its time, whatever stands against it."""
    failure: pymysql.MySQLError | None = None
    with Watch(access, connection, common.STATEMENT_SECONDS) as watch:
        try:
            found = task.work(connection)
        except pymysql.MySQLError as error:
            if lost(error):
                raise
            failure = error
            found = Outcome()
    if watch.ended:  # however the server puts that: CHECK TABLE gives a row, others an error
        return too_long(task.label)
    if failure is None:
        return found
    judged = task.failed(failure) if task.failed is not None else None
    return judged or not_tried(task.label, failure)


class Watch:
    """Ends what a session is at when its time is over. The products' own limits bind queries only, or not all of them:
    neither of MySQL's binds CHECK TABLE or an INSERT."""

    def __init__(self, access: Access, connection: Connection, seconds: float) -> None:
        self.ended = False
        self._access = access
        self._id: int = connection.thread_id()  # type: ignore[no-untyped-call]
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        self._timer.join()  # so that it cannot end the next one

    def _end(self) -> None:
        self.ended = True
        with suppress(Exception), self._access.session("") as other:
            run(other, f"KILL QUERY {self._id:d}")
