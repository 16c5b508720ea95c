"""The tables of a copy with all that is tried on them, by the catalog and by what SHOW CREATE TABLE prints.

That text is the truth about checks and keys: information_schema of MySQL prints the characters of an expression in a
wrong character set, and MariaDB's knows none beyond three bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pymysql

from dbops.engine.mysql.driver_errors import lost
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.printed import of_table
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_NAME = r"`(?:[^`]|``)*`"
_TOKEN = re.compile(rf"{_NAME}|'(?:[^'\\]|\\.|'')*'|.", re.DOTALL)
_HEAD = re.compile(rf"(?:(PRIMARY|UNIQUE|FULLTEXT|SPATIAL|VECTOR) )?KEY (?:{_NAME} )?")
_PART = re.compile(rf"({_NAME})(?:\((\d+)\))?(?: ASC| DESC)?\Z")
_CONSTRAINT = re.compile(rf"CONSTRAINT ({_NAME}) CHECK \(")
_FIRST = re.compile(_NAME)
_ARRAY = re.compile(r" array\)", re.IGNORECASE)


class Column(NamedTuple):
    """A column, as `probe_columns` gives it. `length` is in characters, 0 where that is no matter of it."""

    name: str
    data_type: str
    column_type: str
    length: int
    nullable: bool
    extra: str
    default: str

    @property
    def automatic(self) -> bool:
        return "auto_increment" in self.extra.lower()

    @property
    def fed(self) -> bool:
        """Whether an insert that leaves it out draws its next value."""
        return self.automatic or "nextval(" in self.default.lower()

    @property
    def computed(self) -> bool:
        return "VIRTUAL GENERATED" in self.extra or "STORED GENERATED" in self.extra


class Part(NamedTuple):
    """A part of a key: a column, perhaps its first `prefix` characters, or an expression."""

    column: str
    prefix: int
    expression: str

    @property
    def sql(self) -> str:
        """As it stands in an index's definition."""
        if not self.column:
            return self.expression
        return f"LEFT({identifier(self.column)}, {self.prefix})" if self.prefix else identifier(self.column)

    @property
    def label(self) -> str:
        return self.column or self.expression


class Key(NamedTuple):
    """An index. `plain` False: one row may have several entries, or its uniqueness is about periods of time."""

    name: str
    kind: str
    """PRIMARY, UNIQUE, FULLTEXT, SPATIAL, VECTOR, or nothing."""
    parts: tuple[Part, ...]
    plain: bool

    @property
    def unique(self) -> bool:
        return self.kind in ("PRIMARY", "UNIQUE")


class Check(NamedTuple):
    """A CHECK that is enforced; named after its column where it has no name of its own."""

    name: str
    expression: str


class Table(NamedTuple):
    """A base table with what the tasks need to know of it; `bytes` by the server's estimate."""

    name: str
    engine: str
    bytes: int
    transactional: bool
    columns: tuple[Column, ...] = ()
    keys: tuple[Key, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def primary(self) -> list[str]:
        """Columns of the primary key."""
        return [part.column for key in self.keys if key.kind == "PRIMARY" for part in key.parts]


class Facts(NamedTuple):
    """`unreadable`: tables that cannot be opened, with the error."""

    tables: tuple[Table, ...]
    unreadable: tuple[tuple[Table, pymysql.MySQLError], ...]


def read(connection: Connection) -> Facts:
    columns: dict[str, list[Column]] = {}
    for table, *column in rows(connection, statement("probe_columns")):
        name, data_type, column_type, length, nullable, extra, default = column
        one = Column(name, data_type, column_type, int(length), bool(nullable), extra, default)
        columns.setdefault(table, []).append(one)
    found: list[Table] = []
    unreadable: list[tuple[Table, pymysql.MySQLError]] = []
    for name, engine, size, transactional in rows(connection, statement("probe_tables")):
        table = Table(name, engine, int(size), bool(transactional), tuple(columns.get(name, ())))
        try:
            text = str(rows(connection, f"SHOW CREATE TABLE {identifier(name)}")[0][1])
        except pymysql.MySQLError as failure:
            if lost(failure):
                raise
            unreadable.append((table, failure))
        else:
            found.append(table._replace(keys=tuple(keys_of(text)), checks=tuple(checks_of(text))))
    return Facts(tuple(found), tuple(unreadable))


def keys_of(text: str) -> list[Key]:
    """The indexes in the text of SHOW CREATE TABLE."""
    found = []
    for name, item in of_table(text).keys.items():
        head = _HEAD.match(item)
        parts, _ = group(item, head.end() if head else 0)
        plain = not any(_ARRAY.search(part) or part.endswith("WITHOUT OVERLAPS") for part in parts)
        found.append(Key(name, (head and head[1]) or "", tuple(_part(part) for part in parts), plain))
    return found


def checks_of(text: str) -> list[Check]:
    """The checks in the text of SHOW CREATE TABLE, of columns and of the table, without those that are not enforced."""
    found = []
    for item in group(text)[0]:
        for place in _outside(item):
            if not item.startswith("CHECK (", place):
                continue
            expression, end = _inside(item, place)
            if "NOT ENFORCED" not in item[end:]:
                own = _CONSTRAINT.match(item) or _FIRST.match(item)
                name = own[own.lastindex or 0] if own else "``"
                found.append(Check(name[1:-1].replace("``", "`"), expression))
            break
    return found


def group(text: str, start: int = 0) -> tuple[list[str], int]:
    """What stands between the commas of the first parentheses from `start` on, and the place after them."""
    depth, begin = 0, 0
    items: list[str] = []
    for match in _TOKEN.finditer(text, start):
        mark = match[0]
        if mark == "(":
            depth += 1
            begin = match.end() if depth == 1 else begin
        elif depth == 1 and mark in (",", ")"):
            items.append(text[begin : match.start()].strip())
            begin = match.end()
        if mark == ")":
            depth -= 1
            if depth == 0:
                return items, match.end()
    return items, len(text)


def _inside(text: str, start: int) -> tuple[str, int]:
    """The text in the first parentheses from `start` on, and the place after them."""
    opening = text.index("(", start)
    _, end = group(text, opening)
    return text[opening + 1 : end - 1], end


def _outside(text: str) -> list[int]:
    """The places that are in no parentheses, name or string."""
    depth, places = 0, []
    for match in _TOKEN.finditer(text):
        if depth == 0:
            places.append(match.start())
        depth += (match[0] == "(") - (match[0] == ")")
    return places


def _part(text: str) -> Part:
    match = _PART.match(text)
    if match is None:
        return Part("", 0, re.sub(r" (?:ASC|DESC)\Z", "", text))
    return Part(match[1][1:-1].replace("``", "`"), int(match[2] or 0), "")
