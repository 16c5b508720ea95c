"""Which revision has taken rows or columns away: the last of the pending ones is only where all of them end, and what
is allowed is allowed for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from dbops.migrations.history import History
from dbops.migrations.runner_events import Event
from dbops.migrations.runner_events import Statement as Ran
from dbops.migrations.sql_places import Places
from dbops.migrations.sql_shape import Shape, shape
from dbops.migrations.sql_text import Statement, split

_TAKES_ROWS = ("DELETE", "TRUNCATE", "DROP TABLE", "RENAME TABLE")


class Blame:
    """What the statements of an upgrade tell. Where none of them names what is gone (a cascade, a trigger, a function),
    it is `otherwise`."""

    def __init__(self, history: History, events: Sequence[Event], dialect: str, otherwise: str) -> None:
        self._history, self._events, self._dialect, self._otherwise = history, events, dialect, otherwise

    def of_rows(self, table: str) -> str:
        """Where rows of a table, or all of it, have gone."""
        for ran, one, found in self._about(table):
            renamed = found.verb == "ALTER TABLE" and one.has("RENAME", "TO")
            if (found.verb in _TAKES_ROWS and ran.rows != 0) or renamed:
                return self._place(ran, one)
        return self._otherwise

    def of_column(self, table: str, column: str) -> str:
        """Where a column has gone."""
        for ran, one, found in self._about(table):
            takes = any(word in ("DROP", "RENAME", "CHANGE") for word in one.words)
            if found.verb == "ALTER TABLE" and takes and column.lower() in one.names:
                return self._place(ran, one)
        return self._otherwise

    def _about(self, table: str) -> Iterator[tuple[Ran, Statement, Shape]]:
        names = (table.lower(), table.lower().rpartition(".")[2])
        return (each for each in self._read if each[2].table.lower() in names)

    @cached_property
    def _read(self) -> list[tuple[Ran, Statement, Shape]]:
        """What ran, statement by statement: read when the first table is asked for, and once."""
        return [
            (event, one, shape(one))
            for event in self._events
            if isinstance(event, Ran) and event.revision in self._history
            for one in split(event.sql, self._dialect)
        ]

    def _place(self, ran: Ran, one: Statement) -> str:
        revision = self._history[ran.revision]
        return Places(self._history.content(revision.id), revision.path, revision.line).of(one)
