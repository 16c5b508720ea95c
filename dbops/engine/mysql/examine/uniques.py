"""No two rows share a key of a unique index: by the rows, not by the index, since a dump is loaded with unique_checks
off. The primary key of InnoDB is left out: there the rows are the index, whose order CHECK TABLE looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.examining import SHOWN, Outcome, Skipped, error, graded, named, shown
from dbops.engine.mysql.examine.common import Source, Task, read_only
from dbops.engine.mysql.examine.constraints import KIND
from dbops.engine.mysql.examine.facts import Facts, Key, Table
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier
from dbops.language import msg
from dbops.model import Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def tasks(facts: Facts, source: Source) -> list[Task]:
    """One for each unique index; an InnoDB table's primary key is the table itself."""

    def task(table: Table, key: Key) -> Task:
        return Task(KIND, _label(table, key), table.bytes, lambda session: _unique(session, table, key, source))

    return [
        task(table, key)
        for table in facts.tables
        for key in table.keys
        if key.unique and not (key.kind == "PRIMARY" and table.transactional)
    ]


def _label(table: Table, key: Key) -> str:
    return msg("{key} ON {table}", key=key.name, table=table.name)


def _unique(connection: Connection, table: Table, key: Key, source: Source) -> Outcome:
    """Compared by the columns' own collations; a NULL is like no other."""
    label = _label(table, key)
    if not key.plain:
        return Outcome(skipped=(Skipped(msg("its uniqueness is not that of its columns"), label),))
    names = [f"k{place}" for place in range(len(key.parts))]
    chosen = ", ".join(f"{part.sql} AS {name}" for part, name in zip(key.parts, names, strict=True))
    present = " AND ".join(f"({part.sql}) IS NOT NULL" for part in key.parts)
    query = (
        f"SELECT {', '.join(names)}, COUNT(*) OVER () FROM"  # noqa: S608
        f" (SELECT {chosen} FROM {identifier(table.name)} USE INDEX () WHERE {present}"
        f" GROUP BY {', '.join(names)} HAVING COUNT(*) > 1) d LIMIT {SHOWN}"
    )
    with read_only(connection):
        found = rows(connection, query)
    if not found:
        return Outcome(1)
    count = int(found[0][-1])
    keys = shown([named([part.label for part in key.parts], row[:-1]) for row in found], count)
    finding = error(
        "not-unique",
        label,
        msg("every key is there once"),
        msg("{count} are there more than once: {keys}", count=count, keys=keys),
    )
    severity = Severity.WARNING if source.knows("not-unique", label) else Severity.ERROR
    return Outcome(1, (graded(finding, severity),))
