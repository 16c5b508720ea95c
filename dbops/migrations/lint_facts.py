"""What lint knows besides the SQL: how large tables are, which are new, and whether anybody waits for a lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from dbops.language import msg
from dbops.migrations.sql_columns import changes
from dbops.migrations.sql_revisions import RevisionSql, Step
from dbops.migrations.sql_shape import Shape, after, object_of, shape, table_names
from dbops.model import Severity

MiB = 1 << 20
_SMALL, _LARGE = 8 * MiB, 256 * MiB
"""About what a server scans and rewrites in a tenth of a second, and in some seconds."""


class Size(NamedTuple):
    """Of a table when the backup was taken."""

    rows: int
    bytes: int

    def __str__(self) -> str:
        return msg("{rows} rows, {megabytes:.1f} MB", rows=self.rows, megabytes=self.bytes / MiB)


class Column(NamedTuple):
    """One that the running release does not know. `required`: it takes no NULL; `filled`: the server has a value for
    it where an INSERT has none."""

    required: bool = False
    filled: bool = False

    @property
    def breaks(self) -> bool:
        """An INSERT that does not name it fails."""
        return self.required and not self.filled


class Facts(NamedTuple):
    """`sizes` by the table's name, with its schema and, if no other table has it, without. `made`: tables that pending
    revisions have made before, `objects` what else, by kind and name (`SCHEMA`, `shop`), and `added` the columns that
    they have added to others, by table and name. `stopped`: the application is stopped for a migration, so that nobody
    waits and no old release runs beside it. `version`: the server's, such as `15.4`."""

    sizes: Mapping[str, Size] = {}
    made: frozenset[str] = frozenset()
    objects: frozenset[tuple[str, str]] = frozenset()
    added: Mapping[tuple[str, str], Column] = {}
    stopped: bool = False
    version: str = ""

    def is_new(self, table: str) -> bool:
        """Whether a statement before this one has created the table."""
        return bool(table) and table.lower() in self.made

    def judged(self, step: Step) -> Shape:
        """What a statement is; of several tables it is about the first that is not new."""
        found = shape(step.statement)
        return found._replace(table=next((one for one in found.tables if not self.is_new(one)), found.table))

    def is_added(self, table: str, column: str) -> bool:
        """Whether no release knows this column yet."""
        return (table.lower(), column) in self.added

    def size(self, table: str) -> Size | None:
        """What the database has of the table; None where it was not asked, or has none."""
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
        told = str(size) if size is not None else msg("its size is not known")
        return msg("{table} ({size})", table=table or msg("a table"), size=told)

    def after(self, sql: RevisionSql) -> Facts:
        """With what this revision makes."""
        now = self
        for step in sql.steps:
            now = now.past(step)
        return now

    def along(self, steps: Iterable[Step]) -> Iterator[tuple[Step, Facts]]:
        """Each statement of a revision with what is known when it is judged (`during`)."""
        now = self
        for step in steps:
            yield step, now.during(step)
            now = now.past(step)

    def during(self, step: Step) -> Facts:
        """As the statement itself is to be judged: a table that it makes is new."""
        found = shape(step.statement)
        if not found.made or not found.table or self.is_new(found.table):
            return self
        # IF NOT EXISTS makes nothing where the backup has the table already; OR REPLACE drops that.
        if step.statement.has("IF", "NOT", "EXISTS") and self.size(found.table):
            return self
        if self.replaces(step, found):
            return self
        return self._replace(made=self.made | {found.table.lower()})

    def replaces(self, step: Step, found: Shape) -> bool:
        """Whether it drops a table that may be there, to make another in its place. MariaDB's."""
        replaced = found.verb == "CREATE TABLE" and step.statement.has("OR", "REPLACE") and not self.is_new(found.table)
        return replaced and (not self.sizes or self.size(found.table) is not None)

    def past(self, step: Step) -> Facts:
        """After one statement. What it drops is not new any more; what it renames is, if it was before."""
        found = shape(step.statement)
        now = self.during(step)
        table = found.table.lower()
        if found.verb == "DROP TABLE":
            return now._replace(made=now.made - {one.lower() for one in found.tables})
        if found.verb.startswith("CREATE ") and (made := object_of(step.statement)) is not None:
            return now._replace(objects=now.objects | {made})
        if found.verb != "ALTER TABLE":
            return now
        if table in now.made:
            name = next(iter(table_names(after(step.statement, "RENAME", "TO"))), "").lower()
            return now._replace(made=now.made - {table} | {name}) if name else now
        return now._replace(added=_added(now.added, table, step))


def _added(known: Mapping[tuple[str, str], Column], table: str, step: Step) -> Mapping[tuple[str, str], Column]:
    """The new columns after an ALTER of their table."""
    found = dict(known)
    for one in changes(step.statement):
        was = Column() if one.added else found.pop((table, one.column), None)
        if was is None or one.dropped:
            continue
        required = was.required if one.required is None else one.required
        filled = was.filled if one.filled is None else one.filled
        found[table, one.now] = Column(required, filled)
    return found


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
