"""What all probes of `examine` share: a task, its outcome, what is known of the source, words for people."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import psycopg
from psycopg import sql

from dbops.engine import examining
from dbops.engine.postgres import probes
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.objects import object_digest, read_definitions
from dbops.model import Manifest, Severity, major_version

Connection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[Any, ...]
Task = examining.Task[Connection, psycopg.Error]
STATEMENT_SECONDS = 600
LOCK_SECONDS = 30
_BESIDE_THE_SCHEMA = ("owner", "grant", "default_privilege", "comment", "security_label", "setting", "database")
"""Beginnings of kinds of objects that decide nothing about what works."""


class Source:
    """What the manifest says about the source, so that its own faults are told as such."""

    def __init__(self, access: Access, manifest: Manifest) -> None:
        self.role = manifest.engine.role
        self._access = access
        self._manifest = manifest
        self._known = {(finding.id, finding.subject) for finding in manifest.findings}
        self._sequences = {(s.schema, s.name): s for s in manifest.inventory.sequences}
        self._lock = Lock()
        self._same_schema: bool | None = None

    def knows(self, kind: str, subject: str) -> bool:
        """Whether the source had this fault when it was backed up."""
        return (kind, subject) in self._known

    def had_position(self, schema: str, name: str, value: int, *, called: bool) -> bool:
        """Whether the source's sequence stood there too."""
        return probes.had_position(self._sequences.get((schema, name)), value, called=called)

    def severity(self) -> Severity:
        """Of something in the schema that does not work: a warning if the schema is as in the source, broken there
        too. An error where that is not known."""
        with self._lock:
            if self._same_schema is None:
                self._same_schema = self._compare()
        return Severity.WARNING if self._same_schema else Severity.ERROR

    def _compare(self) -> bool:
        expected = self._manifest.inventory.objects
        if not expected:
            return False
        with self._access.session() as connection:
            major = connection.info.server_version // 10000
            set_limits(connection)
            try:
                found = read_definitions(connection)
            except psycopg.Error:
                if connection.closed:
                    raise
                return False  # the catalog contradicts itself: no dump makes that
        same_major = major == major_version(self._manifest.engine.server_version)
        for kind, objects in expected.items():
            if kind.startswith(_BESIDE_THE_SCHEMA):
                continue
            here = found.get(kind, {})
            for each in objects:
                text = here.get(each.name)
                if text is None or (same_major and object_digest(text) != each.digest):
                    return False
        return True


def set_limits(connection: Connection) -> None:
    """No statement of the session waits for ever, for a lock or for its end."""
    limits = {"lock_timeout": f"{LOCK_SECONDS}s", "statement_timeout": f"{STATEMENT_SECONDS}s"}
    for name, value in limits.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])


def part_label(name: str) -> str:
    """A name as `quote_ident` prints it, but for key words."""
    simple = name.isascii() and name.isidentifier() and name == name.lower()
    return name if simple else sql.Identifier(name).as_string()


def table_label(schema: str, name: str) -> str:
    """A qualified name as `format('%I.%I')` prints it, but for key words."""
    return f"{part_label(schema)}.{part_label(name)}"


def said(failure: psycopg.Error) -> str:
    """The server's words: message and detail, on one line."""
    parts = (failure.diag.message_primary or str(failure), failure.diag.message_detail or "")
    return "; ".join(" ".join(part.split()) for part in parts if part)


def key_expressions(columns: Sequence[str], alias: str = "") -> sql.Composed:
    """A table's key as texts for a select list: its primary key's columns, or else the row's place."""
    prefix = sql.SQL(alias)
    names = [sql.SQL("{}{}::text").format(prefix, sql.Identifier(column)) for column in columns]
    return sql.SQL(", ").join(names) if names else sql.SQL("{}ctid::text").format(prefix)
