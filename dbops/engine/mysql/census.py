"""Counts what a dump program leaves out without a word: triggers, events, routines and views, there and in its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.mysql.statements import statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

# How the line begins that makes one. In rows no line begins so: their line ends are escaped.
MARKS = {
    "triggers": b"\n/*!50003 CREATE*/ ",
    "events": b"\n/*!50106 CREATE*/ ",
    "routines": b"\nCREATE DEFINER=",
    "views": b"\n/*!50001 VIEW ",
}
_OVERLAP = max(map(len, MARKS.values())) - 1


class Census:
    """What a dump's text holds, counted as it passes. The work is a search for bytes: it costs next to nothing."""

    def __init__(self) -> None:
        self.found = dict.fromkeys(MARKS, 0)
        self._tail = b""

    def feed(self, data: bytes) -> None:
        head = data[:_OVERLAP]
        for kind, mark in MARKS.items():
            across = (self._tail + head).count(mark) - self._tail.count(mark) - head.count(mark)
            self.found[kind] += data.count(mark) + across
        self._tail = (self._tail + data)[-_OVERLAP:] if len(data) < _OVERLAP else data[-_OVERLAP:]


def of_source(connection: Connection) -> dict[str, int]:
    """What the database has now, as far as the user may see it (`server.obstacles` says if that is not all)."""
    with connection.cursor() as cursor:
        cursor.execute(statement("census"))
        return {str(kind): int(count) for kind, count in cursor.fetchall()}
