"""Every row satisfies what its table demands of it: checks, NOT NULL, the bound of its partition, its domains.

One scan for all of a table's demands; a second one only where something is found, for the keys.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg
from psycopg import sql

from dbops.engine.examining import SHOWN, Outcome, Skipped, error, graded, named, shown
from dbops.engine.postgres.examine.common import (
    Connection,
    Source,
    Task,
    key_expressions,
    part_label,
    said,
    table_label,
)
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import read_only
from dbops.language import msg, plural
from dbops.model import Finding, Severity

KIND = "constraints"
TITLE = msg("every row satisfies the checks, keys, NOT NULLs, domains and partition bounds of its table")
_LONGEST = 200


class Table(NamedTuple):
    """A table with its demands, as `probe_constraints` gives it."""

    schema: str
    name: str
    bytes: int
    primary: list[str]
    checks: list[tuple[str, str, bool]]
    not_null: list[tuple[str, str, bool]]
    bound: str | None
    domains: list[tuple[str, str, str]]

    @property
    def label(self) -> str:
        return table_label(self.schema, self.name)

    @property
    def source(self) -> sql.Composed:
        return sql.SQL("ONLY {}").format(sql.Identifier(self.schema, self.name))


class Demand(NamedTuple):
    """One demand: `violated` is the condition of a row that does not meet it."""

    label: str
    says: str
    validated: bool
    violated: sql.Composable


def tasks(connection: Connection, source: Source) -> list[Task]:
    """One for each table with something to check over its rows."""

    def task(table: Table) -> Task:
        return Task(KIND, table.label, table.bytes, lambda session: _check(session, table, source))

    found = [Table(*row) for row in connection.execute(statement("probe_constraints"))]
    return [task(table) for table in found if table.checks or table.not_null or table.bound or table.domains]


def _demands(table: Table) -> list[Demand]:
    """Expressions are the server's own text, printed with full names."""
    demands = []
    for name, expression, validated in table.checks:
        violated = sql.SQL("NOT ({})").format(sql.SQL(expression))
        demands.append(Demand(f"{part_label(name)} ON {table.label}", f"CHECK ({expression})", validated, violated))
    if table.bound:
        violated = sql.SQL("NOT ({})").format(sql.SQL(table.bound))
        demands.append(
            Demand(table.label, msg("within the bound of the partition: {bound}", bound=table.bound), True, violated)
        )
    for column, name, validated in table.not_null:
        # Not IS NULL: of a composite value that means something else, and a planner may trust the constraint.
        violated = sql.SQL("pg_catalog.num_nulls({}) > 0").format(sql.Identifier(column))
        label = f"{part_label(name)} ON {table.label}" if name else f"{table.label}.{part_label(column)}"
        demands.append(Demand(label, msg("{column} is NOT NULL", column=column), validated, violated))
    return demands


def _check(connection: Connection, table: Table, source: Source) -> Outcome:
    demands = _demands(table)
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    counts = _counts(connection, table, demands, skipped)
    for demand, count in zip(demands, counts, strict=True):
        if count:
            known = not demand.validated or source.knows("constraint-not-valid", demand.label)
            finding = error(
                "constraint-violated",
                demand.label,
                msg("every row: {says}", says=demand.says[:_LONGEST]),
                plural(
                    count,
                    "{count} row violates it: {keys}",
                    "{count} rows violate it: {keys}",
                    keys=_keys(connection, table, demand, count),
                ),
            )
            findings.append(graded(finding, Severity.WARNING if known else Severity.ERROR))
    if table.domains:
        findings += _domains(connection, table, skipped)
    return Outcome(len(demands) + len(table.domains) - len(skipped), tuple(findings), tuple(skipped))


def _counts(connection: Connection, table: Table, demands: list[Demand], skipped: list[Skipped]) -> list[int]:
    """Rows that violate each demand. If they cannot be judged together, each is judged by itself."""
    if not demands:
        return []
    one = sql.SQL("pg_catalog.count(*) FILTER (WHERE {})")
    query = sql.SQL("SELECT {} FROM {}")
    try:
        filters = sql.SQL(", ").join(one.format(demand.violated) for demand in demands)
        with read_only(connection):
            return list(connection.execute(query.format(filters, table.source)).fetchone() or ())
    except psycopg.Error as failure:
        if connection.closed or len(demands) == 1 or failure.sqlstate in ("XX001", "XX002", "57014"):
            raise
    counts = []
    for demand in demands:
        try:
            counts += _counts(connection, table, [demand], skipped)
        except psycopg.Error as failure:
            if connection.closed:
                raise
            skipped.append(Skipped(msg("its evaluation fails: {said}", said=said(failure)), demand.label))
            counts.append(0)
    return counts


def _keys(connection: Connection, table: Table, demand: Demand, count: int) -> str:
    query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
        key_expressions(table.primary), table.source, demand.violated, SHOWN
    )
    with read_only(connection):
        rows = connection.execute(query).fetchall()
    return shown([named(table.primary or ["row"], row) for row in rows], count)


def _domains(connection: Connection, table: Table, skipped: list[Skipped]) -> list[Finding]:
    """Values are cast to their base type and back, which judges them again. The first bad one of a column is told."""
    findings = []
    for column, base, domain in table.domains:
        query = sql.SQL("SELECT pg_catalog.count(({}::{})::{}) FROM {}").format(
            sql.Identifier(column), sql.SQL(base), sql.SQL(domain), table.source
        )
        subject = f"{table.label}.{part_label(column)}"
        try:
            with read_only(connection):
                connection.execute(query)
        except psycopg.errors.IntegrityError as failure:
            if failure.sqlstate not in ("23514", "23502") or failure.diag.datatype_name is None:
                raise
            expected = msg("every value is one of domain {domain}", domain=domain)
            found = error("constraint-violated", subject, expected, said(failure))
            findings.append(graded(found, _domain_severity(connection, failure)))
        except psycopg.Error as failure:
            if connection.closed:
                raise
            skipped.append(Skipped(msg("its evaluation fails: {said}", said=said(failure)), subject))
    return findings


def _domain_severity(connection: Connection, failure: psycopg.Error) -> Severity:
    """A domain's NOT VALID constraint says nothing of old values."""
    row = connection.execute(
        "SELECT k.convalidated FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_type t ON t.oid = k.contypid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
        " WHERE n.nspname = %s AND t.typname = %s AND k.conname = %s",
        [failure.diag.schema_name, failure.diag.datatype_name, failure.diag.constraint_name],
    ).fetchone()
    return Severity.WARNING if row is not None and not row[0] else Severity.ERROR
