"""A session of its own thread that rows are poured into, while whoever reads the dump goes on reading.

Each statement commits by itself: a transaction over many costs MariaDB half as much work again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, NamedTuple

from dbops.engine.mysql import long_rows
from dbops.engine.mysql.maintenance import rows, session_number

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_AHEAD = 4
"""Statements that wait, of up to a megabyte or a row each: memory stays flat."""
_SECONDS = 0.2


class Rows(NamedTuple):
    """A statement with rows of a table."""

    table: str
    text: bytes


class Then(NamedTuple):
    """Statements to be run once the rows before it are there, such as the table's indexes."""

    table: str
    statements: tuple[str, ...]
    done: Callable[[], None]


Refused = Callable[[Exception, "Rows | Then"], Exception]


class Failure:
    """The first error of all workers; each stops when there is one."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def set(self, error: BaseException) -> None:
        """The first error stays; all workers are told to stop."""
        with self._lock:
            if self.error is None:
                self.error = error
        self.stop.set()

    def check(self) -> None:
        """Raises the error, if there is one."""
        if self.error is not None:
            raise self.error


class Worker:
    """Takes work in order. What goes wrong is raised to whoever gives it the next piece, or waits for it."""

    def __init__(self, connection: Connection, failure: Failure, refused: Refused) -> None:
        self.connection = connection
        self._packet = int(rows(connection, "SELECT @@max_allowed_packet")[0][0])
        self.number = session_number(connection)
        self.waiting = 0
        """Bytes that are not yet sent."""
        self._failure = failure
        self._refused = refused
        self._queue: Queue[Rows | Then | None] = Queue(_AHEAD)
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)
        self._thread.start()

    def put(self, item: Rows | Then | None) -> None:
        """Waits while it is far behind. Raises the first error of any worker."""
        while True:
            self._failure.check()
            try:
                self._queue.put(item, timeout=_SECONDS)
            except Full:
                continue
            self.waiting += len(item.text) if isinstance(item, Rows) else 0
            return

    def settle(self) -> None:
        """Waits until all that was given is done."""
        arrived = threading.Event()
        self.put(Then("", (), arrived.set))
        while not arrived.wait(_SECONDS):
            self._failure.check()
        self._failure.check()

    def end(self) -> None:
        """Ends the thread and its session, without waiting for the server's answer if there was an error."""
        if not self._failure.stop.is_set():
            with suppress(BaseException):
                self.put(None)
        self._thread.join(None if not self._failure.stop.is_set() else 10)
        with suppress(Exception):
            self.connection.close()

    def _work(self) -> None:
        item: Rows | Then | None = None
        try:
            while not self._failure.stop.is_set():
                try:
                    item = self._queue.get(timeout=_SECONDS)
                except Empty:
                    continue
                if item is None:
                    return
                self._do(item)
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure.set(self._refused(error, item) if item is not None else error)
            # At once: whatever it may still hold, another session's statement could be waiting for.
            with suppress(Exception):
                self.connection.close()

    def _do(self, item: Rows | Then) -> None:
        if isinstance(item, Rows):
            self._run(long_rows.statements(item.text, self._packet))
            self.waiting -= len(item.text)
        else:
            self._run(item.statements)
            item.done()

    def _run(self, statements: Iterable[str | bytes]) -> None:
        for text in statements:
            self.connection.query(text)
