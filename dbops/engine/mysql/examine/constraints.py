"""Every row satisfies the checks of its table. One scan for all of them; another only where something is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import SHOWN, Outcome, Skipped, error, graded, named, shown
from dbops.engine.mysql.driver_errors import error_of, lost
from dbops.engine.mysql.examine.common import TIMEOUTS, Source, Task, damaged, read_only
from dbops.engine.mysql.examine.facts import Check, Facts, Table
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier
from dbops.language import msg, plural
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

KIND = "constraints"
TITLE = msg("every row satisfies the checks, unique keys and partitions of its table")
_LONGEST = 200
_LOST_CHARACTER = "????"


def tasks(facts: Facts, source: Source, product: str) -> list[Task]:
    """One for each table with CHECK constraints."""

    def task(table: Table) -> Task:
        return Task(KIND, table.name, table.bytes, lambda session: _check(session, table, source, product))

    return [task(table) for table in facts.tables if table.checks]


def label_of(check: Check, table: Table) -> str:
    """A constraint and its table, for people."""
    return msg("{check} ON {table}", check=check.name, table=table.name)


def _check(connection: Connection, table: Table, source: Source, product: str) -> Outcome:
    skipped: list[Skipped] = []
    told: list[Check] = []
    for check in table.checks:
        if product == "mysql" and _LOST_CHARACTER in check.expression:
            # MySQL prints a character of four bytes so, in a dump as well.
            skipped.append(Skipped(msg("the server does not print all of its characters"), label_of(check, table)))
        else:
            told.append(check)
    findings: list[Finding] = []
    for check, count in zip(told, _counts(connection, table, told, skipped), strict=True):
        if count:
            label = label_of(check, table)
            severity = Severity.WARNING if source.knows("constraint-violated", label) else Severity.ERROR
            expected = msg("every row: CHECK ({expression})", expression=check.expression[:_LONGEST])
            actual = plural(
                count,
                "{count} row violates it{keys}",
                "{count} rows violate it{keys}",
                keys=_keys(connection, table, check, count),
            )
            findings.append(graded(error("constraint-violated", label, expected, actual), severity))
    return Outcome(len(table.checks) - len(skipped), tuple(findings), tuple(skipped))


def _counts(connection: Connection, table: Table, checks: list[Check], skipped: list[Skipped]) -> list[int]:
    """Rows that violate each check; what is unknown passes. If they cannot be judged together, each is by itself."""
    if not checks:
        return []
    sums = ", ".join(f"COALESCE(SUM(NOT ({check.expression})), 0)" for check in checks)
    try:
        with read_only(connection):
            found = rows(connection, f"SELECT {sums} FROM {identifier(table.name)}")  # noqa: S608
            return [int(value) for value in found[0]]
    except pymysql.MySQLError as failure:
        if lost(failure) or damaged(failure) or error_of(failure)[0] in TIMEOUTS:
            raise
        if len(checks) == 1:
            reason = msg("its evaluation fails with error {number}", number=error_of(failure)[0])
            skipped.append(Skipped(reason, label_of(checks[0], table)))
            return [0]
    return [count for check in checks for count in _counts(connection, table, [check], skipped)]


def _keys(connection: Connection, table: Table, check: Check, count: int) -> str:
    if not table.primary:
        return ""
    names = ", ".join(identifier(name) for name in table.primary)
    query = f"SELECT {names} FROM {identifier(table.name)} WHERE NOT ({check.expression}) LIMIT {SHOWN}"  # noqa: S608
    with read_only(connection):
        found = rows(connection, query)
    return f": {shown([named(table.primary, row) for row in found], count)}"
