"""Every index of InnoDB in MySQL holds what its table holds: CHECK TABLE of MySQL counts an index's entries, and reads
no value of them. (MariaDB's compares each.)

The table is read once with a digest for each of its indexes, then each index by itself: a sum over all entries of a
checksum of the indexed columns and the primary key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.examining import Outcome, error, graded
from dbops.engine.mysql.examine.common import Source, Task, read_only
from dbops.engine.mysql.examine.facts import Column, Facts, Key, Table
from dbops.engine.mysql.examine.tables import KIND
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier
from dbops.language import msg
from dbops.model import Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_BYTES = frozenset({"char", "varchar", "binary", "varbinary", "tinytext", "text", "mediumtext", "longtext"})
_NUMBERED = frozenset({"bit", "enum", "set"})


def tasks(facts: Facts, source: Source) -> list[Task]:
    """One for each transactional table that has an index to compare."""

    def task(table: Table, keys: list[Key]) -> Task:
        return Task(KIND, table.name, table.bytes, lambda session: _compare(session, table, keys, source))

    pairs = [(table, _readable(table)) for table in facts.tables if table.transactional]
    return [task(table, keys) for table, keys in pairs if keys]


def _readable(table: Table) -> list[Key]:
    """Indexes that hold whole columns: the others are not enough for the server to answer from."""
    return [
        key
        for key in table.keys
        if key.kind in ("", "UNIQUE") and key.plain and all(part.column and not part.prefix for part in key.parts)
    ]


def _compare(connection: Connection, table: Table, keys: list[Key], source: Source) -> Outcome:
    columns = {column.name: column for column in table.columns}
    digests = [_digest([*(part.column for part in key.parts), *table.primary], columns) for key in keys]
    name = identifier(table.name)
    findings = []
    with read_only(connection):
        whole = rows(connection, f"SELECT {', '.join(digests)}, COUNT(*) FROM {name} USE INDEX ()")[0]  # noqa: S608
        for place, key in enumerate(keys):
            query = f"SELECT {digests[place]}, COUNT(*) FROM {name} FORCE INDEX ({identifier(key.name)})"  # noqa: S608
            digest, count = rows(connection, query)[0]
            if (digest, count) == (whole[place], whole[-1]):
                continue
            actual = (
                msg("it holds other values")
                if count == whole[-1]
                else msg("it has {count} entries for {whole} rows", count=count, whole=whole[-1])
            )
            label = msg("{key} of {table}", key=key.name, table=table.name)
            hint = msg("ALTER TABLE … DROP INDEX, ADD INDEX mends the copy, not the cause")
            finding = error("index-corrupt", label, msg("it holds the rows of its table"), actual, hint)
            severity = Severity.WARNING if source.knows("index-corrupt", label) else Severity.ERROR
            findings.append(graded(finding, severity))
    return Outcome(len(keys), tuple(findings))


def _digest(names: list[str], columns: dict[str, Column]) -> str:
    values = ", ".join(_value(columns[name]) if name in columns else identifier(name) for name in dict.fromkeys(names))
    return f"SUM(CRC32(CONCAT_WS(',', {values})))"


def _value(column: Column) -> str:
    name = identifier(column.name)
    if column.data_type in _BYTES:
        return f"COALESCE(HEX({name}), '-')"
    return f"COALESCE({name} + 0, '-')" if column.data_type in _NUMBERED else f"COALESCE({name}, '-')"
