"""The version table of Alembic and Flask-Migrate, read without the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from dbops.engine.base import VersionRows
from dbops.engine.postgres.statements import statement
from dbops.errors import DatabaseError
from dbops.language import msg
from dbops.values import label

if TYPE_CHECKING:
    from dbops.engine.postgres.connect import Connection


def version_rows(connection: Connection, table: str, schema: str | None) -> VersionRows:
    """See `engine.base.Engine.version_rows`."""
    found = [name for (name,) in connection.execute(statement("version_table"), {"table": table, "schema": schema})]
    if not found:
        return VersionRows(label(schema or "", table), found=False, rows=frozenset())
    if len(found) > 1:
        raise DatabaseError(
            msg(
                "the database has {count} tables {table}: in the schemas {found}",
                count=len(found),
                table=table,
                found=", ".join(found),
            ),
            hint=msg("name the application's own: version_schema in [targets.….migrations] of dbops.toml"),
            kind="version-table-ambiguous",
        )
    query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(found[0], table))
    rows = frozenset(str(value) for (value,) in connection.execute(query))
    return VersionRows(label(found[0], table), found=True, rows=rows)
