"""What lint knows besides the SQL: how large tables are, which are new, and whether anybody waits for a lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dbops.migrations.sql_revisions import RevisionSql
from dbops.migrations.sql_shape import shape
from dbops.model import Severity

MiB = 1 << 20
_SMALL, _LARGE = 8 * MiB, 256 * MiB
"""About what a server scans and rewrites in a tenth of a second, and in some seconds."""


class Size(NamedTuple):
    """Of a table when the backup was taken."""

    rows: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.bytes / MiB:.1f} MB"


class Facts(NamedTuple):
    """`sizes` by the table's name, with its schema and, if no other table has it, without. `made`: tables that pending
    revisions have made before. `stopped`: the application is stopped for a migration, so that nobody waits and no old
    release runs beside it. `version`: the server's, such as `15.4`."""

    sizes: Mapping[str, Size] = {}
    made: frozenset[str] = frozenset()
    stopped: bool = False
    version: str = ""

    def is_new(self, table: str) -> bool:
        return bool(table) and table.lower() in self.made

    def size(self, table: str) -> Size | None:
        return self.sizes.get(table.lower())

    def weight(self, table: str) -> Severity:
        """Of work that takes the longer the more a table holds, and lets others wait: an error where it is large, a
        warning where that is not known. A small table is worth a note."""
        size = self.size(table)
        if size is None:
            return Severity.INFO if self.stopped else Severity.WARNING
        if size.rows == 0 or size.bytes < _SMALL:
            return Severity.INFO
        return Severity.ERROR if size.bytes >= _LARGE and not self.stopped else Severity.WARNING

    def about(self, table: str) -> str:
        """`orders (1200 rows, 0.3 MB)`."""
        size = self.size(table)
        return f"{table or 'a table'} ({size if size is not None else 'its size is not known'})"

    def after(self, sql: RevisionSql) -> Facts:
        """With the tables that this revision makes; what it drops or renames is not new any more."""
        return self._replace(made=self.made | frozenset(made_by(sql)))


def made_by(sql: RevisionSql) -> Iterable[str]:
    for step in sql.steps:
        found = shape(step.statement)
        if found.made and found.table:
            yield found.table.lower()


def sizes_of(tables: Iterable[tuple[str, str, int, int]], default_schema: str = "public") -> dict[str, Size]:
    """From (schema, name, rows, bytes). A bare name is the table of the default schema, or the only one of its name."""
    found: dict[str, Size] = {}
    several: dict[str, int] = {}
    listed = list(tables)
    for _, name, _, _ in listed:
        several[name.lower()] = several.get(name.lower(), 0) + 1
    for schema, name, rows, size in listed:
        if schema:
            found[f"{schema}.{name}".lower()] = Size(rows, size)
        if not schema or schema == default_schema or several[name.lower()] == 1:
            found[name.lower()] = Size(rows, size)
    return found
