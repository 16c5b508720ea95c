"""Counts what a dump program leaves out without a word: triggers, events, routines, libraries, views; there and in its
text."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from dbops.engine.mysql.libraries import libraries
from dbops.engine.mysql.statements import statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

# How the line begins that makes one. In rows no line begins so: their line ends are escaped.
MARKS = {
    "triggers": (b"\n/*!50003 CREATE*/ ",),
    "events": (b"\n/*!50106 CREATE*/ ",),
    "routines": (b"\nCREATE DEFINER=",),
    "libraries": (b"\nCREATE LIBRARY ",),
    "views": (b"\n/*!50001 VIEW ", b"\n/*!50001 JSON RELATIONAL DUALITY VIEW "),
}
_KINDS = {mark: kind for kind, marks in MARKS.items() for mark in marks}
_OVERLAP = max(map(len, _KINDS)) - 1


class Census:
    """What a dump's text holds of some kinds, counted as it passes: one search for bytes, and none for no kinds."""

    def __init__(self, kinds: Collection[str] = tuple(MARKS)) -> None:
        self.found = dict.fromkeys(kinds, 0)
        # Twice as fast as a search for each.
        self._any = re.compile(b"|".join(re.escape(mark) for kind in self.found for mark in MARKS[kind]))
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the script; a mark may be cut in two."""
        if not self.found:
            return
        tail, head = self._tail, data[:_OVERLAP]
        across = tail + head
        for found in self._any.finditer(across):
            if found.start() < len(tail) < found.end():
                self.found[_KINDS[found[0]]] += 1
        for mark in self._any.findall(data):
            self.found[_KINDS[mark]] += 1
        self._tail = across[-_OVERLAP:] if len(data) < _OVERLAP else data[-_OVERLAP:]


def of_source(connection: Connection) -> dict[str, int]:
    """What the database has now, as far as the user may see it (`server.obstacles` says if that is not all)."""
    with connection.cursor() as cursor:
        cursor.execute(statement("census"))
        found = {str(kind): int(count) for kind, count in cursor.fetchall()}
    return found | {"libraries": len(libraries(connection))}
