"""What a statement has done beside its result: locks that it took, tables that it wrote anew."""

from __future__ import annotations

import re
from typing import Any

from .drivers import autocommit, rows

# pg_relation_filenode, not relfilenode: the latter is 0 for mapped catalogs. Kinds: tables, matviews, indexes.
_RELATIONS = """
SELECT c.oid, n.nspname || '.' || c.relname, c.relkind, pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_LOCKS = """
SELECT l.relation, l.mode, n.nspname || '.' || c.relname, c.relkind, pg_relation_filenode(c.oid),
  CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE 0 END
FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = 'relation'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (n.nspname IS NULL OR (n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'))
"""
_TABLE_IDS = "SELECT NAME, TABLE_ID FROM information_schema.{table} WHERE SUBSTRING_INDEX(NAME, '/', 1) = DATABASE()"
_COMMENTS = r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*"
_WRITES = re.compile(_COMMENTS + r"(insert|update|delete|replace|copy|load)\b", re.I | re.S)


class PostgresEffects:
    """By `pg_locks` of the session itself, after each statement. A rewritten relation has another file node."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, Any]] = {}
        self._held: set[tuple[int, str]] = set()

    def look(self, connection: Any) -> None:
        """What there is before the first statement of a migration."""
        self._known = {oid: (name, node) for oid, name, _, node in rows(connection, _RELATIONS)}

    def ended(self) -> None:
        """A transaction has ended, and its locks with it."""
        self._held.clear()

    def of(self, connection: Any, _text: str) -> dict[str, Any]:
        """Those that the statement has added."""
        locks, rewritten = [], []
        for oid, mode, name, kind, node, size in rows(connection, _LOCKS):
            known, old = self._known.get(oid, (name, None))
            if (oid, mode) not in self._held:
                self._held.add((oid, mode))
                locks.append([known or name or str(oid), mode, _text_of(kind), oid in self._known])
            if name is not None and old is not None and node is not None and old != node:
                rewritten.append([name, _text_of(kind), size])
                self._known[oid] = (name, node)
        return {"locks": locks, "rewritten": rewritten, "observed": not autocommit(connection)}


class MysqlEffects:
    """By InnoDB's own numbers of the tables: one that is written anew gets another. Needs the right PROCESS. Locks of a
    statement are gone when it has ended: dbops looks at them from beside."""

    def __init__(self) -> None:
        self._tables: dict[str, Any] = {}
        self._query = ""

    def look(self, connection: Any) -> None:
        """As above."""
        for table in ("INNODB_TABLES", "INNODB_SYS_TABLES"):  # MySQL has one of them, MariaDB the other
            try:
                found = rows(connection, _TABLE_IDS.format(table=table))
            except Exception:  # noqa: BLE001, S112 - the driver's own error, whichever it is
                continue
            self._query = _TABLE_IDS.format(table=table)
            self._tables = {str(name): number for name, number in found}
            return
        raise RuntimeError("information_schema has no INNODB_TABLES for this user")

    def ended(self) -> None:
        """Nothing lasts to the end of a transaction."""

    def of(self, connection: Any, text: str) -> dict[str, Any]:
        """As above. Statements that change rows block no table."""
        if _WRITES.match(text):
            return {}
        found = {str(name): number for name, number in rows(connection, self._query)}
        old, self._tables = self._tables, found
        changed = [name for name, number in found.items() if old.get(name, number) != number]
        return {"rewritten": [[name.partition("/")[2], "r", 0] for name in changed], "observed": False}


BY_FAMILY: dict[str, Any] = {"postgres": PostgresEffects, "mysql": MysqlEffects}


def _text_of(kind: Any) -> str:
    return kind.decode() if isinstance(kind, bytes) else str(kind)
