"""Inserts a row, and rolls it back, wherever a sequence gives the next value: what an application does first.

First as an application would: a copy of an existing row, with triggers and all constraints. If something else than the
sequence stands against that (a second unique column, a trigger that says no), once more without triggers and
without the other constraints, so that only the next value and the schema itself can fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import psycopg
from psycopg import sql

from dbops.engine.examining import Outcome, Skipped, error, graded
from dbops.engine.postgres.examine.common import Connection, Source, Task, said, table_label
from dbops.engine.postgres.examine.positions import Positions, set_position
from dbops.engine.postgres.examine.run import NO_RIGHT, TIMEOUTS, not_tried
from dbops.engine.postgres.statements import statement
from dbops.language import msg
from dbops.model import Severity

KIND = "insert"
TITLE = msg("a row can be inserted wherever a sequence gives the next value")
_NO_MORE_VALUES = "2200H"
_SCHEMA_CLASSES = ("42", "3F")
_EMPTY_OR_ELSEWHERE = {
    "23502": msg("a column without a default must not be NULL"),
    "23514": msg("a check, a domain or the partitions' bounds refuse the row"),
}


class Table(NamedTuple):
    """A table with sequences: columns that they feed, the others; what of it may refuse a row (see probe_inserts)."""

    schema: str
    name: str
    partitioned: bool
    fed: list[str]
    columns: list[str]
    sequences: list[list[str]]
    fed_indexes: list[list[str]]
    others: list[list[str]]

    @property
    def label(self) -> str:
        return table_label(self.schema, self.name)


class Inserts:
    """The tasks of this probe, in two rounds. The second one locks tables: it is for one session alone."""

    def __init__(self, source: Source, positions: Positions) -> None:
        self._source = source
        self._positions = positions
        self._lock = Lock()
        self._refused: list[Table] = []

    def first(self, connection: Connection) -> list[Task]:
        """One for each table with sequences: an insert as the application's. Tables whose refusal tells nothing yet are
        left for `second`."""

        def task(table: Table) -> Task:
            def failed(failure: psycopg.Error) -> Outcome | None:
                if failure.sqlstate in TIMEOUTS:
                    return None
                decided = self._judge(table, failure)
                if decided is None:
                    with self._lock:
                        self._refused.append(table)
                return decided or Outcome()

            return Task(KIND, table.label, 0, lambda connection: self._insert(connection, table, alone=False), failed)

        return [task(Table(*row)) for row in connection.execute(statement("probe_inserts"))]

    def second(self) -> list[Task]:
        """One for each table that `first` could not decide."""

        def task(table: Table) -> Task:
            def failed(failure: psycopg.Error) -> Outcome | None:
                if failure.sqlstate in TIMEOUTS or failure.sqlstate == NO_RIGHT:
                    return None
                return self._judge(table, failure) or _refused(table, failure)

            return Task(KIND, table.label, 0, lambda connection: self._insert(connection, table, alone=True), failed)

        return [task(table) for table in self._refused]

    def _insert(self, connection: Connection, table: Table, *, alone: bool) -> Outcome:
        """With the next value that an application would get: whatever has drawn some since."""
        for schema, name in table.sequences:
            if (schema, name) in self._positions:
                set_position(connection, schema, name, *self._positions[schema, name])
        return _insert(connection, table, alone=alone)

    def _judge(self, table: Table, failure: psycopg.Error) -> Outcome | None:
        """What a failed insert proves; None if it proves nothing."""
        state = failure.sqlstate or ""
        where = [failure.diag.schema_name, failure.diag.constraint_name]
        expected = msg("an insert that takes the next value for {fed}", fed=", ".join(table.fed))
        if state == _NO_MORE_VALUES or (state == "23505" and where in table.fed_indexes):
            names = ", ".join(table_label(*each) for each in table.sequences) or msg("the sequence")
            hint = msg("set {names} beyond the values that {table} holds", names=names, table=table.label)
            found = error("insert-fails", table.label, expected, said(failure), hint)
            return Outcome(1, (graded(found, self._sequence_severity(table, state)),))
        if (state.startswith(_SCHEMA_CLASSES) and state != NO_RIGHT) or state == "XX000":
            hint = msg("something that the table, its defaults or its triggers need is missing")
            found = error("insert-fails", table.label, expected, said(failure), hint)
            return Outcome(1, (graded(found, self._source.severity()),))
        return not_tried(table.label, failure) if state in ("XX001", "XX002") else None

    def _sequence_severity(self, table: Table, state: str) -> Severity:
        """A warning if the source's sequences stood there too. An exhausted one may have had other bounds there."""
        known = [((s, n), self._positions[s, n]) for s, n in table.sequences if (s, n) in self._positions]
        as_source = known and all(
            self._source.had_position(*key, value, called=called) for key, (value, called) in known
        )
        if as_source and state == _NO_MORE_VALUES:
            return self._source.severity()
        return Severity.WARNING if as_source else Severity.ERROR


def _refused(table: Table, failure: psycopg.Error) -> Outcome:
    words = _EMPTY_OR_ELSEWHERE.get(failure.sqlstate or "", said(failure))
    return Outcome(skipped=(Skipped(msg("the table takes no copy of its own row: {words}", words=words), table.label),))


def _insert(connection: Connection, table: Table, *, alone: bool) -> Outcome:
    """`alone`: without triggers, foreign keys and whatever else may refuse a second row like the first."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ WRITE")
        if alone:
            connection.execute("SET LOCAL session_replication_role = replica")
            for command in _drops(table.others):
                connection.execute(command)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # deferred ones would only be looked at by a commit
        target = sql.Identifier(table.schema, table.name)
        inserted = 0
        if table.columns:
            columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
            only = sql.SQL("" if table.partitioned else "ONLY ")
            copying = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{} LIMIT 1")
            inserted = connection.execute(copying.format(target, columns, columns, only, target)).rowcount
        if inserted < 1:
            connection.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(target))
    return Outcome(1)


def _drops(others: Sequence[Sequence[str]]) -> list[sql.Composed]:
    """What refuses a copy of a row, away for the time of the transaction."""
    commands = []
    for what, schema, table, name in others:
        if what == "constraint":
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE")
            commands.append(drop.format(sql.Identifier(schema, table), sql.Identifier(name)))
        else:
            commands.append(sql.SQL("DROP INDEX {} CASCADE").format(sql.Identifier(schema, name)))
    return commands
