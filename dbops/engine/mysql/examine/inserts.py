"""Inserts a row into every table, and rolls it back: what an application does first.

First as an application would: a copy of an existing row, with triggers and all constraints. If something else than the
next value stands against that (a second unique column, a foreign key), once more with values for unique columns that
nothing holds yet, and without foreign keys and checks, so that only the next value and the schema itself can fail.
"""

from __future__ import annotations

import re
import secrets
from threading import Lock
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import Outcome, Skipped, error, graded
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.examine.common import MISSING, NO_DEFINER, Source, Task, damaged, impeded, not_tried, said
from dbops.engine.mysql.examine.facts import Column, Facts, Key, Table
from dbops.engine.mysql.examine.positions import Positions, next_of, set_sequence
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.probes import drawn
from dbops.engine.mysql.statements import identifier, statement
from dbops.language import msg
from dbops.model import Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

KIND = "insert"
TITLE = msg("a row can be inserted into every table, with the next value where one is drawn")
_DUPLICATE = 1062
_NO_MORE_VALUES = (167, 1264, 1467, 4084)
"""Out of range (MariaDB), out of range, AUTO_INCREMENT failed, the sequence has run out."""
_WORDS = {
    1048: msg("a column must not be NULL"),
    1062: msg("another of its keys is there already"),
    1364: msg("a column has no default"),
    1452: msg("it refers to a row that is not there"),
    1526: msg("no partition takes it"),
    1644: msg("a trigger refuses it"),
    3819: msg("a check refuses it"),
    4025: msg("a check refuses it"),
}
_CUT = 60
"""Characters from which on a name in a message may be only its beginning."""
_KEY = re.compile(r" for key '(.*)'$", re.DOTALL)
_TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year"})
_TIMES = {"date": "DAY", "datetime": "SECOND", "timestamp": "SECOND"}
_LENIENT = ("foreign_key_checks = 0", "check_constraint_checks = 0")
_STRICT = ("foreign_key_checks = 1", "check_constraint_checks = 1")


class Inserts:
    """The tasks of this probe, in two rounds."""

    def __init__(self, source: Source, positions: Positions, product: str) -> None:
        self._source = source
        self._positions = positions
        self._product = product
        self._lock = Lock()
        self._refused: list[Table] = []

    def first(self, connection: Connection, facts: Facts) -> list[Task]:
        """One for each table: an insert as the application's. Tables whose refusal tells nothing yet are left for
        `second`."""
        fires = {name for (name,) in rows(connection, statement("probe_insert_triggers"))}
        lasting = any(not table.transactional for table in facts.tables)

        def task(table: Table) -> Task:
            def work(session: Connection) -> Outcome:
                if not table.transactional:
                    return Outcome(
                        skipped=(Skipped(msg("{engine} rolls nothing back", engine=table.engine), table.name),)
                    )
                if lasting and table.name in fires:
                    why = msg("a trigger of it may write to a table that rolls nothing back")
                    return Outcome(skipped=(Skipped(why, table.name),))
                return self._insert(session, table)

            def failed(failure: pymysql.MySQLError) -> Outcome | None:
                if impeded(failure):
                    return None
                decided = self._judge(table, failure)
                if decided is None:
                    with self._lock:
                        self._refused.append(table)
                return decided or Outcome(skipped=())

            return Task(KIND, table.name, 0, work, failed)

        return [task(table) for table in facts.tables]

    def second(self) -> list[Task]:
        """One for each table that `first` could not decide."""

        def task(table: Table) -> Task:
            def failed(failure: pymysql.MySQLError) -> Outcome | None:
                if impeded(failure):
                    return None
                return self._judge(table, failure) or _refused(table, failure)

            return Task(KIND, table.name, 0, lambda session: self._insert_made_up(session, table), failed)

        return [task(table) for table in self._refused]

    # --- what is inserted ---------------------------------------------------------------------------------------------

    def _insert(self, connection: Connection, table: Table) -> Outcome:
        columns = [identifier(column.name) for column in table.columns if not (column.fed or column.computed)]
        return self._try(connection, table, columns, columns)

    def _insert_made_up(self, connection: Connection, table: Table) -> Outcome:
        """With the next value written out: an attempt that failed has used it up."""
        made_up = _made_up(table)
        columns, values = [], []
        for column in table.columns:
            following = self._positions.get((table.name, column.name)) if column.automatic else None
            if column.computed or (column.fed and following is None):
                continue
            columns.append(identifier(column.name))
            values.append(str(following) if following is not None else made_up.get(column.name, columns[-1]))
        for setting in _LENIENT[: 2 if self._product == "mariadb" else 1]:
            run(connection, f"SET SESSION {setting}")
        try:
            return self._try(connection, table, columns, values)
        finally:
            if connection.open:
                for setting in _STRICT[: 2 if self._product == "mariadb" else 1]:
                    run(connection, f"SET SESSION {setting}")

    def _try(self, connection: Connection, table: Table, columns: list[str], values: list[str]) -> Outcome:
        """With the next value that an application would get, whatever has drawn from a sequence since."""
        for name in _sequences(table):
            if (name, "") in self._positions and next_of(connection, name) != self._positions[name, ""]:
                set_sequence(connection, name, self._positions[name, ""])
        own = identifier(table.name)
        run(connection, "START TRANSACTION READ WRITE")
        try:
            inserted = 0
            if columns:
                with connection.cursor() as cursor:
                    query = f"INSERT INTO {own} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {own} LIMIT 1"  # noqa: S608
                    inserted = cursor.execute(query)
            if inserted < 1:
                run(connection, f"INSERT INTO {own} () VALUES ()")  # noqa: S608
        finally:
            if connection.open:
                run(connection, "ROLLBACK")
        return Outcome(1)

    # --- what a failure means -----------------------------------------------------------------------------------------

    def _judge(self, table: Table, failure: pymysql.MySQLError) -> Outcome | None:
        """What a failed insert proves; None if it proves nothing."""
        number = error_of(failure)[0]
        fed = [column.name for column in table.columns if column.fed]
        taken = number == _DUPLICATE and _of_a_fed_key(table, failure)
        if taken or (fed and number in _NO_MORE_VALUES):
            expected = msg("an insert that takes the next value for {fed}", fed=", ".join(fed))
            hint = msg("set the next value beyond those that {table} holds", table=table.name)
            finding = error("insert-fails", table.name, expected, said(failure), hint)
            return Outcome(1, (graded(finding, self._severity(table, number)),))
        if number in MISSING or number == NO_DEFINER:
            hint = msg("something that the table, its defaults or its triggers need is missing")
            finding = error("insert-fails", table.name, msg("a row can be inserted"), said(failure), hint)
            return Outcome(1, (graded(finding, self._source.severity_of(failure)),))
        return not_tried(table.name, failure) if damaged(failure) else None

    def _severity(self, table: Table, number: int) -> Severity:
        """A warning if the source's next values were these too. A sequence may have had other bounds there."""
        names = [
            (f"{table.name}.{c.name}", self._positions.get((table.name, c.name))) for c in table.columns if c.automatic
        ]
        names += [(name, self._positions.get((name, ""))) for name in _sequences(table)]
        as_source = names and all(value is not None and self._source.had_position(name, value) for name, value in names)
        if as_source and number in _NO_MORE_VALUES:
            return self._source.severity()
        return Severity.WARNING if as_source else Severity.ERROR


def _sequences(table: Table) -> list[str]:
    """Sequences of the copy's own from which the table's defaults draw."""
    return [name for column in table.columns if not column.automatic for _, name in drawn(column.default)]


def _of_a_fed_key(table: Table, failure: pymysql.MySQLError) -> bool:
    """Whether the duplicate is in a key with a column that draws its value. MySQL says `table.key`, MariaDB `key`; a
    long name is cut."""
    fed = {column.name for column in table.columns if column.fed}
    match = _KEY.search(error_of(failure)[1])
    if match is None:
        return False
    text = match[1].rpartition(" for key '")[2]
    names = [key.name for key in table.keys if key.unique and any(part.column in fed for part in key.parts)]
    whole = [f"{table.name}.{name}" for name in names]
    return text in (*names, *whole) or (len(text) > _CUT and any(name.startswith(text) for name in whole))


def _refused(table: Table, failure: pymysql.MySQLError) -> Outcome:
    number = error_of(failure)[0]
    words = _WORDS.get(number, f"error {number}")
    return Outcome(skipped=(Skipped(msg("the table takes no copy of its own row: {words}", words=words), table.name),))


# --- values that nothing holds ----------------------------------------------------------------------------------------


def _made_up(table: Table) -> dict[str, str]:
    """Column -> SQL of a value that makes each unique key of the table a new one, as far as that can be had."""
    columns = {column.name: column for column in table.columns}
    found: dict[str, str] = {}
    for key in table.keys:
        if not key.unique:
            continue
        names = _behind(key, table)
        if any(name in found or columns[name].fed for name in names):
            continue
        for name in names:
            value = _value(columns[name], table)
            if value:
                found[name] = value
                break
    return found


def _behind(key: Key, table: Table) -> list[str]:
    """Columns on whose values a key depends and that an insert may set, those that may be NULL first."""
    direct = {part.column for part in key.parts if part.column}
    text = " ".join(part.expression for part in key.parts)
    computed = any(column.computed for column in table.columns if column.name in direct)
    chosen = [
        column
        for column in table.columns
        if not column.computed and (column.name in direct or computed or identifier(column.name) in text)
    ]
    return [column.name for column in sorted(chosen, key=lambda column: not column.nullable)]


def _value(column: Column, table: Table) -> str:
    """SQL of a value that the column does not hold yet; '' where none can be made."""
    name, most = identifier(column.name), f"FROM {identifier(table.name)} dbops_other"
    if column.nullable:
        return "NULL"
    if column.data_type in _NUMBERS:
        return f"(SELECT MAX({name}) + 1 {most})"
    if column.data_type in _TIMES:
        return f"(SELECT MAX({name}) + INTERVAL 1 {_TIMES[column.data_type]} {most})"
    if column.data_type == "time":
        return f"(SELECT ADDTIME(MAX({name}), '00:00:01') {most})"
    if column.data_type == "uuid":
        return "UUID()"
    if column.data_type in _TEXT or column.data_type in _BINARY:
        return f"'{secrets.token_hex(16)[: max(1, min(32, column.length or 32))]}'"
    return ""
