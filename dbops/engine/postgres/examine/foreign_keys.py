"""Every foreign key finds its row: over all rows, by the tables themselves and not by an index that may be wrong."""

from __future__ import annotations

from typing import NamedTuple

from psycopg import sql

from dbops.engine.examining import SHOWN, Outcome, error, graded, named, shown
from dbops.engine.postgres.examine.common import Connection, Row, Source, Task, key_expressions, table_label
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import read_only
from dbops.language import msg
from dbops.model import Severity

KIND = "foreign-keys"
TITLE = msg("every foreign key finds its row")
_NO_INDEXES = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


class Key(NamedTuple):
    """A foreign key, as `probe_foreign_keys` gives it."""

    label: str
    schema: str
    table: str
    partitioned: bool
    other_schema: str
    other_table: str
    other_partitioned: bool
    columns: list[str]
    other_columns: list[str]
    operators: list[list[str]]
    collations: list[list[str] | None]
    match_full: bool
    validated: bool
    period: bool
    primary: list[str]
    bytes: int


def tasks(connection: Connection, source: Source) -> list[Task]:
    """One for each foreign key."""

    def task(key: Key) -> Task:
        return Task(KIND, key.label, key.bytes, lambda session: _check(session, key, source))

    return [task(Key(*row)) for row in connection.execute(statement("probe_foreign_keys"))]


def _check(connection: Connection, key: Key, source: Source) -> Outcome:
    with read_only(connection):
        if not key.period:  # that one would be quadratic without
            for setting in _NO_INDEXES:
                connection.execute("SELECT set_config(%s, 'off', true)", [setting])
        count, rows = 0, list[Row]()
        for condition in _violations(key):
            found = connection.execute(
                sql.SQL("SELECT pg_catalog.count(*) FROM {} c WHERE {}").format(_from(key), condition)
            )
            part = int((found.fetchone() or (0,))[0])
            if part and len(rows) < SHOWN:
                rows += _examples(connection, key, condition, SHOWN - len(rows))
            count += part
    if not count:
        return Outcome(1)
    primary = key.primary or ["row"]
    keys = [
        f"{named(primary, row[: len(primary)])} ({named(key.columns, row[len(primary) :])})"
        if primary != key.columns
        else named(key.columns, row[len(primary) :])
        for row in rows
    ]
    known = not key.validated or source.knows("constraint-not-valid", key.label)
    finding = error(
        "fk-orphans",
        key.label,
        msg("every row finds its row in {table_label}", table_label=table_label(key.other_schema, key.other_table)),
        msg("{count} do not: {keys}", count=count, keys=shown(keys, count)),
        msg("were the rows loaded with triggers off, or those that they refer to deleted?"),
    )
    return Outcome(1, (graded(finding, Severity.WARNING if known else Severity.ERROR),))


def _examples(connection: Connection, key: Key, condition: sql.Composable, limit: int) -> list[Row]:
    columns = sql.SQL(", ").join(sql.SQL("c.{}::text").format(sql.Identifier(name)) for name in key.columns)
    order = sql.SQL(", ").join(sql.SQL("c.{}").format(sql.Identifier(name)) for name in key.primary or ["ctid"])
    query = sql.SQL("SELECT {}, {} FROM {} c WHERE {} ORDER BY {} LIMIT {}").format(
        key_expressions(key.primary, "c."), columns, _from(key), condition, order, limit
    )
    return connection.execute(query).fetchall()


def _from(key: Key) -> sql.Composed:
    only = sql.SQL("" if key.partitioned else "ONLY ")
    return sql.SQL("{}{}").format(only, sql.Identifier(key.schema, key.table))


def _violations(key: Key) -> list[sql.Composed]:
    """Conditions on a row `c` that violates the key; no row meets two of them."""
    nulls = [sql.SQL("c.{}").format(sql.Identifier(name)) for name in key.columns]
    full = sql.SQL("pg_catalog.num_nulls({}) = 0").format(sql.SQL(", ").join(nulls))
    missing = sql.SQL("{} AND NOT {}").format(full, _covered(key) if key.period else _found(key))
    if not key.match_full or len(key.columns) == 1:
        return [missing]
    some = sql.SQL("pg_catalog.num_nulls({}) BETWEEN 1 AND {}").format(sql.SQL(", ").join(nulls), len(nulls) - 1)
    return [missing, some]


def _other(key: Key) -> sql.Composed:
    only = sql.SQL("" if key.other_partitioned else "ONLY ")
    return sql.SQL("{}{} p").format(only, sql.Identifier(key.other_schema, key.other_table))


def _pairs(key: Key, count: int) -> sql.Composed:
    """`p.a = c.b` of the first columns, by the constraint's own operators, as RI_FKey_check compares them."""
    pairs = []
    for place in range(count):
        collation = key.collations[place]
        collate = sql.SQL(" COLLATE {}").format(sql.Identifier(*collation)) if collation else sql.SQL("")
        schema, operator = key.operators[place]
        pairs.append(
            sql.SQL("p.{} OPERATOR({}.{}) c.{}{}").format(
                sql.Identifier(key.other_columns[place]),
                sql.Identifier(schema),
                sql.SQL(operator),
                sql.Identifier(key.columns[place]),
                collate,
            )
        )
    return sql.SQL(" AND ").join(pairs)


def _found(key: Key) -> sql.Composed:
    return sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(_other(key), _pairs(key, len(key.columns)))


def _covered(key: Key) -> sql.Composed:
    """With PERIOD: the ranges of the rows that are referred to cover this one's together."""
    equal = _pairs(key, len(key.columns) - 1)
    covers = "COALESCE(c.{} OPERATOR(pg_catalog.<@) (SELECT pg_catalog.range_agg(p.{}) FROM {} WHERE {}), false)"
    return sql.SQL(covers).format(
        sql.Identifier(key.columns[-1]), sql.Identifier(key.other_columns[-1]), _other(key), equal
    )
