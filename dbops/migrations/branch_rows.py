"""Rows that two branches change, where a scratch database has none to show it with.

Both orders run on databases that hold what revisions write, and nothing of the application: `SET age = age * 2` and
`SET age = age + 1` leave the same nothing there. Whether two such statements meet is read from them instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise, product
from typing import NamedTuple

from dbops.engine.scratch import Rows
from dbops.migrations.sql_shape import shape
from dbops.migrations.sql_text import Kind, Statement, split

_AFTER_SET = ("FROM", "WHERE", "RETURNING", "ORDER", "LIMIT")


class Change(NamedTuple):
    """A statement that changes rows of `table`: the columns that it sets, and every name in it."""

    table: str
    columns: frozenset[str]
    names: frozenset[str]
    shown: str


class Meeting(NamedTuple):
    """Two statements of two branches whose order may matter to the rows of `table`."""

    table: str
    one: str
    other: str


def unshown(one: Iterable[str], other: Iterable[str], rows: Iterable[Mapping[str, Rows]]) -> tuple[Meeting, ...]:
    """Where statements of two branches meet in a table that was empty at each look (`rows`)."""
    filled = {_last(table) for look in rows for table, held in look.items() if held.number}
    met = [
        Meeting(table, a.shown, b.shown)
        for a, b in product(_changes(one), _changes(other))
        for table in _met(a, b)
        if table not in filled
    ]
    return tuple(dict.fromkeys(met))


def _met(a: Change, b: Change) -> Iterator[str]:
    """The table of which one sets a column that the other sets or reads."""
    for writer, reader in ((a, b), (b, a)):
        if writer.table in reader.names and writer.columns & reader.names:
            yield writer.table
            return


def _changes(sql: Iterable[str]) -> Collection[Change]:
    found: list[Change] = []
    for text in sql:
        for one in split(text, "mysql" if "`" in text else "postgres"):  # of a driver: one statement, quoted as it is
            what = shape(one)
            if what.verb in ("UPDATE", "DELETE", "INSERT") and what.table:
                columns = _set(one) if what.verb == "UPDATE" else frozenset[str]()
                found.append(Change(_last(what.table), columns, one.names, one.shown))
    return found


def _set(one: Statement) -> frozenset[str]:
    """The columns that an UPDATE sets; all of its names where they are listed in brackets."""
    tokens = list(one.outer)
    begin = next((place for place, token in enumerate(tokens) if token.text == "SET"), len(tokens))
    rest = tokens[begin:]
    end = next((place for place, token in enumerate(rest) if token.text in _AFTER_SET), len(rest))
    found = {
        name.text.lower()
        for name, sign in pairwise(rest[:end])
        if sign.kind is Kind.SIGN and sign.text == "=" and name.kind in (Kind.WORD, Kind.NAME)
    }
    return frozenset(found) or one.names


def _last(table: str) -> str:
    return table.rpartition(".")[2].strip('"`').lower()
