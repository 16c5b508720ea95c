"""The version table of Alembic and Flask-Migrate, read without the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.base import VersionRows
from dbops.engine.mysql.statements import identifier, statement
from dbops.values import label

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def version_rows(connection: Connection, table: str, schema: str | None) -> VersionRows:
    """See `engine.base.Engine.version_rows`. What Alembic calls a schema is another database here."""
    with connection.cursor() as cursor:
        cursor.execute(statement("version_table"), {"table": table, "schema": schema})
        row = cursor.fetchone()
        if row is None:
            return VersionRows(label(schema or "", table), found=False, rows=frozenset())
        source = f"FROM {identifier(schema)}.{identifier(table)}" if schema else f"FROM {identifier(table)}"
        cursor.execute(f"SELECT version_num {source}")
        rows = frozenset(str(value) for (value,) in cursor.fetchall())
    return VersionRows(label(schema or "", table), found=True, rows=rows)
