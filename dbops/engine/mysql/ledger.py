"""The ledger of applied revisions in a MySQL or MariaDB database: tables of the database itself, for it has no schemas,
and in another database it would be in another backup."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dbops.engine.migrating import Intent, LedgerEntry
from dbops.engine.mysql.statements import statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

LEDGER, MIGRATION = "dbops_ledger", "dbops_migration"


def read(connection: Connection) -> tuple[LedgerEntry, ...] | None:
    """See `Migrator.ledger`."""
    if not _exists(connection, LEDGER):
        return None
    query = "SELECT id, parents, file_hash, applied_at, dbops_version, seconds FROM dbops_ledger ORDER BY number"
    return tuple(
        LedgerEntry(
            id=str(name),
            parents=tuple(json.loads(parents)),
            file_hash=str(digest),
            applied_at=at.replace(tzinfo=UTC),
            dbops_version=str(version),
            duration=float(seconds),
        )
        for name, parents, digest, at, version, seconds in _rows(connection, query)
    )


def record(connection: Connection, entries: Iterable[LedgerEntry]) -> None:
    """See `Migrator.record`."""
    if not _exists(connection, LEDGER):
        _rows(connection, statement("ledger_create"))
    for entry in entries:
        values = {name: getattr(entry, name) for name in entry.__struct_fields__}
        values |= {"parents": json.dumps(entry.parents), "applied_at": _naive(entry.applied_at)}
        _rows(connection, statement("ledger_record"), values)


def forget(connection: Connection, names: Iterable[str]) -> None:
    """See `Migrator.forget`."""
    if _exists(connection, LEDGER):
        for name in names:
            _rows(connection, "DELETE FROM dbops_ledger WHERE id = %(id)s", {"id": name})


def intent(connection: Connection) -> Intent | None:
    """See `Migrator.intent`."""
    if not _exists(connection, MIGRATION):
        return None
    found = _rows(connection, "SELECT revisions, begun_at, backup, dbops_version FROM dbops_migration")
    if not found:
        return None
    revisions, at, backup, version = found[0]
    return Intent(
        revisions=tuple(json.loads(revisions)),
        begun_at=at.replace(tzinfo=UTC),
        backup=str(backup),
        dbops_version=str(version),
    )


def intend(connection: Connection, wanted: Intent | None) -> None:
    """See `Migrator.intend`."""
    if wanted is None:
        if _exists(connection, MIGRATION):
            _rows(connection, "DELETE FROM dbops_migration")
        return
    if not _exists(connection, MIGRATION):
        _rows(connection, statement("migration_create"))
    values = [json.dumps(wanted.revisions), _naive(wanted.begun_at), wanted.backup, wanted.dbops_version]
    query = "REPLACE INTO dbops_migration (revisions, begun_at, backup, dbops_version) VALUES (%s, %s, %s, %s)"
    _rows(connection, query, values)


def _exists(connection: Connection, table: str) -> bool:
    return bool(_rows(connection, statement("version_table"), {"schema": None, "table": table}))


def _rows(connection: Connection, query: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _naive(moment: datetime) -> datetime:
    """As DATETIME holds it: our sessions are in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None)
