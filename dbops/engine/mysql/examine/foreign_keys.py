"""Every foreign key finds its row: over all rows, since a dump is loaded with foreign_key_checks off."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dbops.engine.examining import SHOWN, Outcome, Skipped, error, graded, named, shown
from dbops.engine.mysql.examine.common import Source, Task, read_only
from dbops.engine.mysql.examine.facts import Facts, Table
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier, statement
from dbops.language import msg
from dbops.model import Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

KIND = "foreign-keys"
TITLE = msg("every foreign key finds its row")


class Pair(NamedTuple):
    """A column and the one that it refers to. `as_numbers`: two enumerations of other words, which the engine compares
    by their numbers."""

    column: str
    other: str
    there: bool
    as_numbers: bool


class Key(NamedTuple):
    """A foreign key. `other_database` is '' where it refers to the same database."""

    name: str
    table: str
    other_database: str
    other_table: str
    pairs: tuple[Pair, ...]

    @property
    def label(self) -> str:
        return f"{self.name} ON {self.table}"

    @property
    def other(self) -> str:
        """The table that it leads to, in SQL."""
        name = identifier(self.other_table)
        return f"{identifier(self.other_database)}.{name}" if self.other_database else name


def tasks(connection: Connection, facts: Facts, source: Source) -> list[Task]:
    """One for each foreign key."""
    tables = {table.name: table for table in facts.tables}

    def task(key: Key) -> Task:
        table = tables.get(key.table) or Table(key.table, "", 0, transactional=False)
        return Task(KIND, key.label, table.bytes, lambda session: _check(session, key, table, source))

    return [task(key) for key in _keys(connection)]


def _keys(connection: Connection) -> list[Key]:
    found: dict[tuple[str, str], Key] = {}
    for row in rows(connection, statement("probe_foreign_keys")):
        name, table, column, data_type, column_type, other_database, other_table, other, other_type, same = row
        numbers = data_type in ("enum", "set") and other_type not in (None, column_type)
        key = found.setdefault((table, name), Key(name, table, "" if same else other_database, other_table, ()))
        pair = Pair(column, other, other_type is not None, numbers)
        found[table, name] = key._replace(pairs=(*key.pairs, pair))
    return list(found.values())


def _check(connection: Connection, key: Key, table: Table, source: Source) -> Outcome:
    """NULL in any column makes a row free (MATCH SIMPLE: both products know no other)."""
    there = all(pair.there for pair in key.pairs)
    if key.other_database and not there:
        return Outcome(skipped=(Skipped(msg("it refers to a database that is not here, or hidden"), key.label),))
    conditions = [f"c.{identifier(pair.column)} IS NOT NULL" for pair in key.pairs]
    if there:
        equal = " AND ".join(_equal(pair) for pair in key.pairs)
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {key.other} p WHERE {equal})")  # noqa: S608
    missing = f"FROM {identifier(table.name)} c WHERE {' AND '.join(conditions)}"
    with read_only(connection):
        count = int(rows(connection, f"SELECT COUNT(*) {missing}")[0][0])
        if not count and there:
            return Outcome(1)
        columns = [pair.column for pair in key.pairs]
        wanted = list(dict.fromkeys([*table.primary, *columns]))
        names = ", ".join(f"c.{identifier(name)}" for name in wanted)
        order = f" ORDER BY {', '.join(f'c.{identifier(name)}' for name in table.primary)}" if table.primary else ""
        found = rows(connection, f"SELECT {names} {missing}{order} LIMIT {SHOWN}")
    keys = []
    for row in found:
        values = dict(zip(wanted, row, strict=True))
        refers = named(columns, [values[name] for name in columns])
        own = named(table.primary, [values[name] for name in table.primary])
        keys.append(f"{own} ({refers})" if own and set(table.primary) != set(columns) else refers)
    expected = msg("every row finds its row in {other_table}", other_table=key.other_table)
    hint = msg("were the rows loaded with foreign_key_checks off, or those that they refer to deleted?")
    actual = msg("{count} do not: {keys}", count=count, keys=shown(keys, count))
    severity = Severity.WARNING if source.knows("fk-orphans", key.label) else Severity.ERROR
    if not there:
        hint = msg("no row can be inserted into it")
        actual = msg("there is no such table or column; {count} rows refer to it", count=count)
        severity = source.severity()
    return Outcome(1, (graded(error("fk-orphans", key.label, expected, actual, hint), severity),))


def _equal(pair: Pair) -> str:
    number = " + 0" if pair.as_numbers else ""
    return f"p.{identifier(pair.other)}{number} = c.{identifier(pair.column)}{number}"
