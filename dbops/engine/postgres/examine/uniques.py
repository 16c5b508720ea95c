"""No two rows share what a unique index or an exclusion constraint keeps apart: by the rows, not by the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from dbops.engine.examining import SHOWN, Outcome, Skipped, error, named, shown
from dbops.engine.postgres.examine.common import Connection, Task
from dbops.engine.postgres.examine.constraints import KIND
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import read_only
from dbops.language import msg

_NO_INDEXES = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


class Unique(NamedTuple):
    """A unique index or an exclusion constraint, as `probe_uniques` gives it."""

    schema: str
    table: str
    label: str
    bytes: int
    keys: list[tuple[str, str | None]]
    predicate: str | None
    nulls_equal: bool
    operators: list[tuple[str, str]] | None
    plain: bool


def tasks(connection: Connection, *, by_amcheck: bool) -> list[Task]:
    """`by_amcheck`: amcheck looks for duplicates itself, so that only exclusion constraints are left."""
    found = [Unique(*row) for row in connection.execute(statement("probe_uniques"))]

    def task(unique: Unique) -> Task:
        work = _excluded if unique.operators else _unique
        return Task(KIND, unique.label, unique.bytes, lambda session: work(session, unique))

    return [task(unique) for unique in found if unique.operators or not by_amcheck]


def _unique(connection: Connection, unique: Unique) -> Outcome:
    if not unique.plain:
        return Outcome(skipped=(Skipped(msg("its operator class has an equality of its own"), unique.label),))
    places = sql.SQL(", ").join(sql.SQL(str(place + 1)) for place in range(len(unique.keys)))
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in _names(unique))
    names = sql.SQL(", ").join(_names(unique))
    apart = sql.SQL("").format() if unique.nulls_equal else sql.SQL("WHERE pg_catalog.num_nulls({}) = 0").format(names)
    query = sql.SQL(
        "SELECT {}, pg_catalog.count(*) OVER () FROM"
        " (SELECT {} FROM {} {} GROUP BY {} HAVING pg_catalog.count(*) > 1) d LIMIT {}"
    ).format(texts, names, _rows(unique), apart, places, SHOWN)
    with read_only(connection):
        for setting in _NO_INDEXES:
            connection.execute("SELECT set_config(%s, 'off', true)", [setting])
        found = connection.execute(query).fetchall()
    if not found:
        return Outcome(1)
    keys = [expression for expression, _ in unique.keys]
    actual = msg(
        "{found} are there more than once: {keys}",
        found=found[0][-1],
        keys=_shown(keys, [row[:-1] for row in found], found[0][-1]),
    )
    return Outcome(1, (error("not-unique", unique.label, msg("every key is there once"), actual),))


def _excluded(connection: Connection, unique: Unique) -> Outcome:
    """Uses the constraint's own index: without, every row would be compared with every other."""
    assert unique.operators is not None  # noqa: S101 - the caller has looked
    pairs = [
        sql.SQL("a.{} OPERATOR({}.{}) b.{}").format(name, sql.Identifier(schema), sql.SQL(operator), name)
        for name, (schema, operator) in zip(_names(unique), unique.operators, strict=True)
    ]
    texts = sql.SQL(", ").join(sql.SQL("a.{}::text").format(name) for name in _names(unique))
    query = sql.SQL(
        "SELECT {}, pg_catalog.count(*) OVER () FROM {} WHERE EXISTS (SELECT FROM {} WHERE a.dbops_row <> b.dbops_row"
        " AND {}) LIMIT {}"
    ).format(texts, _rows(unique, "a"), _rows(unique, "b"), sql.SQL(" AND ").join(pairs), SHOWN)
    with read_only(connection):
        found = connection.execute(query).fetchall()
    if not found:
        return Outcome(1)
    keys = [expression for expression, _ in unique.keys]
    actual = msg(
        "{found} rows conflict: {keys}",
        found=found[0][-1],
        keys=_shown(keys, [row[:-1] for row in found], found[0][-1]),
    )
    return Outcome(1, (error("constraint-violated", unique.label, msg("no two rows conflict"), actual),))


def _names(unique: Unique) -> list[sql.Identifier]:
    return [sql.Identifier(f"k{place}") for place in range(len(unique.keys))]


def _rows(unique: Unique, alias: str = "s") -> sql.Composed:
    """The index's keys of all rows that it holds, as a subquery with columns k0, k1, …"""
    keys = []
    for (expression, collation), name in zip(unique.keys, _names(unique), strict=True):
        collate = sql.SQL(f" COLLATE {collation}" if collation else "")
        keys.append(sql.SQL("({}){} AS {}").format(sql.SQL(expression), collate, name))
    conditions = [sql.SQL("({})").format(sql.SQL(unique.predicate))] if unique.predicate else []
    where = sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL("")
    return sql.SQL("(SELECT ctid AS dbops_row, {} FROM ONLY {}{}) {}").format(
        sql.SQL(", ").join(keys), sql.Identifier(unique.schema, unique.table), where, sql.Identifier(alias)
    )


def _shown(keys: Sequence[str], rows: Sequence[Sequence[object]], count: int) -> str:
    return shown([named(keys, row) for row in rows], count)
