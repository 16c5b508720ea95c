"""The ledger of applied revisions in a PostgreSQL database: the schema `dbops`, which backups hold as any other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING

from dbops.engine.migrating import Intent, LedgerEntry
from dbops.engine.postgres.statements import statement
from dbops.errors import RefusedError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.postgres.connect import Connection


_EXISTS = (
    "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dbops'"
    " AND c.relname = 'ledger' AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))"
)


def exists(connection: Connection) -> bool:
    """Whether there is one that this role may read."""
    row = connection.execute(_EXISTS).fetchone()
    return bool(row and row[0])


def read(connection: Connection) -> tuple[LedgerEntry, ...] | None:
    """See `Migrator.ledger`."""
    if not exists(connection):
        return None
    query = "SELECT id, parents, file_hash, applied_at, dbops_version, seconds FROM dbops.ledger ORDER BY number"
    return tuple(
        LedgerEntry(
            id=name,
            parents=tuple(parents),
            file_hash=digest,
            applied_at=at.astimezone(UTC),
            dbops_version=version,
            duration=seconds,
        )
        for name, parents, digest, at, version, seconds in connection.execute(query)
    )


def record(connection: Connection, entries: Iterable[LedgerEntry]) -> None:
    """See `Migrator.record`: all of them, or none."""
    with connection.transaction():
        create(connection)
        for entry in entries:
            connection.execute("DELETE FROM dbops.ledger WHERE id = %s", [entry.id])
            connection.execute(
                statement("ledger_record"),
                {name: getattr(entry, name) for name in entry.__struct_fields__} | {"parents": list(entry.parents)},
            )


def forget(connection: Connection, names: Iterable[str]) -> None:
    """See `Migrator.forget`."""
    if exists(connection):
        connection.execute("DELETE FROM dbops.ledger WHERE id = ANY(%s)", [list(names)])


def create(connection: Connection) -> None:
    """Makes it, if it is not there. Nothing is locked, nor any right asked for, where it is."""
    if not exists(connection):
        if prepare(connection):
            connection.execute("CREATE SCHEMA dbops")
        connection.execute(statement("ledger_create"))


def prepare(connection: Connection) -> bool:
    """See `Migrator.prepare`. Whether the schema is still to be made. `RefusedError` as there."""
    if exists(connection):
        return False
    row = connection.execute(statement("ledger_room")).fetchone()
    assert row is not None  # noqa: S101 - it selects from nothing
    there, room, may, role = row
    if room if there else may:
        return not there
    grant = f"GRANT USAGE, CREATE ON SCHEMA dbops TO {_quoted(role)};"
    if there:
        message = msg(
            "{database}: the role {role} may make no ledger of applied revisions: it has no right in the schema dbops",
            database=connection.info.dbname,
            role=role,
        )
    else:
        message = msg(
            "{database}: the role {role} may make no ledger of applied revisions: it may not make a schema",
            database=connection.info.dbname,
            role=role,
        )
        grant = f"CREATE SCHEMA dbops; {grant}"
    hint = msg("let the owner of the database run, once: {statements}", statements=grant)
    raise RefusedError(message, hint=hint, kind="no-ledger")


def _quoted(role: str) -> str:
    """For people to paste."""
    return '"' + role.replace('"', '""') + '"'


def intent(connection: Connection) -> Intent | None:
    """See `Migrator.intent`."""
    if not exists(connection):
        return None
    row = connection.execute("SELECT revisions, begun_at, backup, dbops_version FROM dbops.migration").fetchone()
    if row is None:
        return None
    return Intent(revisions=tuple(row[0]), begun_at=row[1].astimezone(UTC), backup=row[2], dbops_version=row[3])


def intend(connection: Connection, wanted: Intent | None) -> None:
    """See `Migrator.intend`."""
    with connection.transaction():
        if wanted is not None:
            create(connection)
        elif not exists(connection):
            return
        connection.execute("DELETE FROM dbops.migration")
        if wanted is not None:
            connection.execute(
                "INSERT INTO dbops.migration (revisions, begun_at, backup, dbops_version) VALUES (%s, %s, %s, %s)",
                [list(wanted.revisions), wanted.begun_at, wanted.backup, wanted.dbops_version],
            )
