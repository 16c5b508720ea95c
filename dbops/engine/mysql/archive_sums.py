"""Sums up the rows of one table as the INSERT statements of a dump hold them: their number, and, where it can be told,
their digest. It is then the same `rows-sum64` that `fingerprint` takes in SQL, of the same columns: all but virtual
ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dbops.engine.base import Content
from dbops.engine.mysql import latin1
from dbops.engine.mysql.columns import Form
from dbops.engine.mysql.declared import Column, Table
from dbops.engine.mysql.fingerprint import digest_of
from dbops.engine.mysql.rows import Rows, UnreadableError, count, read, row_sum
from dbops.engine.mysql.script import Statement

_PERIOD = (Column("row_start", "timestamp", length=6), Column("row_end", "timestamp", length=6))
"""Of a system-versioned table that names none: a dump with history lists them beside the columns."""


class TableRows:
    """Sums up the rows of one table."""

    def __init__(self, table: Table | None, *, digest: bool, history: bool = True) -> None:
        """`history`: whether the dump has former rows, and so tells them apart by the columns of their period."""
        self._rows = 0
        self._sum = 0
        self._table = table
        self._layouts: dict[tuple[str, ...] | None, _Layout | None] = {}
        self._history = history
        self._digest = digest and table is not None and digestible(table)

    def add(self, one: Statement) -> None:
        """Takes one INSERT. What cannot be read as rows ends the digest: then only their number is told."""
        if self._digest and self._table is not None:
            try:
                rows = read(one.text)
                if rows.columns not in self._layouts:
                    self._layouts[rows.columns] = _layout(self._table, rows.columns, history=self._history)
                layout = self._layouts[rows.columns]
                if layout is None or len(rows.values) != rows.number * _width(self._table, rows.columns):
                    raise UnreadableError
                _turn_back(rows, layout.converted)
                self._sum += row_sum(rows, layout.places, layout.forms)
                self._rows += rows.number
                return
            except (UnreadableError, UnicodeError):
                self._digest = False
        self._rows += count(one.text, escaped=one.escaped)

    def content(self) -> Content:
        """What was read so far."""
        return Content(self._rows, digest_of(self._sum) if self._digest else "")


def digestible(table: Table) -> bool:
    """Whether the digest of a table's rows can be told from a dump at all."""
    wanted = [column for column in table.columns if not column.virtual]
    return bool(wanted) and all(column.form is not None for column in wanted)


def _width(table: Table, listed: tuple[str, ...] | None) -> int:
    return len(table.columns) if listed is None else len(listed)


class _Layout(NamedTuple):
    """Where the columns of the digest stand in a row, their forms, and the places of those stored in latin1."""

    places: list[int]
    forms: list[Form]
    converted: list[int]


def _turn_back(rows: Rows, converted: Sequence[int]) -> None:
    """Puts the stored bytes in the place of text that the dump has converted."""
    width = len(rows.values) // rows.number
    for place in converted:
        rows.values[place::width] = map(latin1.stored, rows.values[place::width])


def _layout(table: Table, listed: tuple[str, ...] | None, *, history: bool) -> _Layout | None:
    """None where a row lacks a column of the digest."""
    columns = list(table.columns)
    names = [column.name for column in columns] if listed is None else list(listed)
    places = {name.lower(): place for place, name in enumerate(names)}
    if table.versioned and listed is not None and not any(column.period for column in columns):
        columns += [column for column in _PERIOD if column.name in places]
    wanted = [c for c in columns if not c.virtual and (not c.period or (history and c.name.lower() in places))]
    forms = [column.form for column in wanted]
    if any(column.name.lower() not in places for column in wanted) or None in forms:
        return None
    return _Layout(
        [places[column.name.lower()] for column in wanted],
        [form for form in forms if form is not None],
        [places[column.name.lower()] for column in wanted if column.charset == latin1.NAME],
    )
