"""Probes of a restored copy: what makes it unusable although every row is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from dbops.engine.postgres.statements import statement
from dbops.language import msg
from dbops.model import Finding, Manifest, Sequence, Severity

Connection = psycopg.Connection[tuple[Any, ...]]


def probe(connection: Connection, manifest: Manifest) -> list[Finding]:
    """What the copy has and the source had not: invalid indexes, constraints not validated, matviews without rows,
    unlogged tables; and sequences whose next value is taken already."""
    return [*_warnings(connection, manifest), *_sequences(connection, manifest)]


def _warnings(connection: Connection, manifest: Manifest) -> Iterator[Finding]:
    known = {(finding.id, finding.subject) for finding in manifest.findings}
    for kind, _, subject, expected, actual, hint in connection.execute(statement("source_warnings")):
        if (kind, subject) in known or kind in ("foreign-table", "subscription-left-out"):
            continue
        severity = Severity.ERROR if kind != "unlogged-table" else Severity.WARNING
        yield Finding(
            id=kind,
            severity=severity,
            subject=subject,
            expected=msg("{expected}, as in the source", expected=expected),
            actual=actual,
            hint=hint,
        )


def _sequences(connection: Connection, manifest: Manifest) -> Iterator[Finding]:
    """A sequence behind its column: the first insert would fail. If the source had it so, that is a warning; so is the
    limit of pg_dump, which leaves out the positions of some extensions' sequences (topology of PostGIS)."""
    expected = {(s.schema, s.name): s for s in manifest.inventory.sequences}
    for schema, name, *column, increment, extension in connection.execute(
        statement("restore_owned_sequences")
    ).fetchall():
        extreme = sql.SQL("max" if increment > 0 else "min")
        query = sql.SQL("SELECT s.last_value, s.is_called, (SELECT {}({}) FROM {}) FROM {} s").format(
            extreme, sql.Identifier(column[2]), sql.Identifier(*column[:2]), sql.Identifier(schema, name)
        )
        row = connection.execute(query).fetchone()
        if row is None or row[2] is None:
            continue
        value, called, last = row
        following = value + increment if called else value
        if (following > last) if increment > 0 else (following < last):
            continue
        as_source = had_position(expected.get((schema, name)), value, called=called)
        limit = (
            msg(": pg_dump leaves out where sequences of the extension {extension} stand", extension=extension)
            if extension
            else ""
        )
        yield Finding(
            id="sequence-behind",
            severity=Severity.WARNING if as_source or extension else Severity.ERROR,
            subject=f"{schema}.{name}",
            expected=msg("beyond {last}, which {column} holds", last=last, column=".".join(column)),
            actual=msg(
                "the next value is {following}{aside}",
                following=following,
                aside=msg(", as in the source") if as_source else limit,
            ),
            hint=msg(
                "an insert will fail: SELECT setval({literal}, {last})", literal=_literal(schema, name), last=last
            ),
        )


def had_position(before: Sequence | None, value: int, *, called: bool) -> bool:
    """Whether the source's sequence stood there too, at some moment of its dump. `called`: the value is given out."""
    if before is None:
        return False
    bounds = [(before.value, before.called), (before.value_after, before.called_after)]
    return min(bounds) <= (value, called) <= max(bounds)


def _literal(schema: str, name: str) -> str:
    """A name as a string that `setval` takes."""
    return sql.Literal(sql.Identifier(schema, name).as_string()).as_string().strip()
