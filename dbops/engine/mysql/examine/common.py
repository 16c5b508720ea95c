"""What all probes of `examine` share: a task, its outcome, what is known of the source, words for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import pymysql

from dbops.engine import examining
from dbops.engine.examining import Outcome, Skipped, error
from dbops.engine.mysql import probes
from dbops.engine.mysql.accounts import Account
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.driver_errors import error_of, lost
from dbops.engine.mysql.maintenance import run
from dbops.engine.mysql.objects import object_digest, read_definitions
from dbops.engine.mysql.server import describe
from dbops.engine.mysql.source_views import LEFT_OUT
from dbops.engine.restoring import NOT_MADE
from dbops.language import msg
from dbops.model import Finding, Manifest, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

Task = examining.Task["Connection", pymysql.MySQLError]
STATEMENT_SECONDS = 600
LOCK_SECONDS = 30
NO_DEFINER = probes.NO_DEFINER
CORRUPT = frozenset({126, 127, 145, 176, 194, 1033, 1034, 1035, 1194, 1195, 1712, 1812, 1814, 1877, 1932})
"""A table's files are damaged or missing; 1030 is the engine's own number in words."""
MISSING = frozenset({1049, 1054, 1146, 1305, 1356, 4091})
"""A database, column, table, routine, what a view selects from, or a sequence is not there. The text names objects."""
_ENGINE_ERROR = 1030
_LOCKS = frozenset({1205, 1213, 1412})
_RIGHTS = frozenset({1044, 1142, 1143, 1227, 1369, 1370})
TIMEOUTS = frozenset({1317, 1969, 3024})
_DEFINER = re.compile(r"\('(.*)'@'(.*)'\)", re.DOTALL)
"""The account in the server's words, with nothing escaped."""
_BESIDE_THE_SCHEMA = ("owner", "grant", "comment", "database", "event_status")
"""Beginnings of kinds of objects that decide nothing about what works."""


class Source:
    """What the manifest says about the source, so that its own faults are told as such."""

    def __init__(self, access: Access, manifest: Manifest, loaded: Iterable[Finding] = ()) -> None:
        """`loaded`: what the copy's load has told."""
        self._access = access
        self._manifest = manifest
        self._known = {(finding.id, finding.subject) for finding in (*manifest.findings, *loaded)}
        self._sequences = {s.name: s for s in manifest.inventory.sequences}
        self._lock = Lock()
        self._same_schema: bool | None = None

    def knows(self, kind: str, subject: str) -> bool:
        """Whether the source had this fault when it was backed up."""
        return (kind, subject) in self._known

    @property
    def lacks_views(self) -> bool:
        """Whether the copy has not all views of the source, which was told."""
        return any(kind in (NOT_MADE, LEFT_OUT) for kind, _ in self._known)

    def had_position(self, name: str, value: int) -> bool:
        """Whether the source's sequence, or AUTO_INCREMENT column (`table.column`), drew this value next too."""
        return probes.had_position(self._sequences.get(name), value)

    def severity(self) -> Severity:
        """Of something in the schema that does not work: a warning if the schema is as in the source, broken there
        too. An error where that is not known."""
        with self._lock:
            if self._same_schema is None:
                self._same_schema = self._compare()
        return Severity.WARNING if self._same_schema else Severity.ERROR

    def severity_of(self, failure: pymysql.MySQLError) -> Severity:
        """Of what does not work because of this error. That an account is missing, which is no part of the schema, is
        the source's fault only if it lacked the same one."""
        number, text = error_of(failure)
        if number != NO_DEFINER:
            return self.severity()
        match = _DEFINER.search(text)
        lacked = match is not None and self.knows("definer-missing", Account(match[1], match[2]).sql)
        return Severity.WARNING if lacked else Severity.ERROR

    def _compare(self) -> bool:
        expected = self._manifest.inventory.objects
        if not expected:
            return False
        with self._access.session() as connection:
            set_limits(connection)
            same_series = self._manifest.engine.same_series(describe(self._access, connection).info)
            try:
                found = read_definitions(connection, (self._manifest.engine.database,))
            except pymysql.MySQLError as failure:
                if lost(failure):
                    raise
                return False
        for kind, objects in expected.items():
            if kind.startswith(_BESIDE_THE_SCHEMA):
                continue
            here = found.get(kind, {})
            for each in objects:
                text = here.get(each.name)
                if (
                    text is None
                    and kind == "view"
                    and (self.knows(NOT_MADE, each.name) or self.knows(LEFT_OUT, each.name))
                ):
                    continue
                if text is None or (same_series and object_digest(text) != each.digest):
                    return False
        return True


def set_limits(connection: Connection) -> None:
    """No statement of the session waits for ever, for a lock or for its end."""
    run(connection, f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}")


@contextmanager
def read_only(connection: Connection) -> Iterator[None]:
    """A transaction that cannot write, and is rolled back."""
    run(connection, "START TRANSACTION READ ONLY")
    try:
        yield
    finally:
        if connection.open:
            run(connection, "ROLLBACK")


def damaged(failure: pymysql.MySQLError) -> bool:
    """Whether the error says that a table's files are damaged."""
    number, text = error_of(failure)
    return number in CORRUPT or (number == _ENGINE_ERROR and any(f" {n} " in text for n in (126, 127, 145, 180, 194)))


def not_tried(label: str, failure: pymysql.MySQLError) -> Outcome:
    """What an error means that says nothing about the copy, unless it says that its files are damaged."""
    number = error_of(failure)[0]
    if damaged(failure):
        return Outcome(1, (error("heap-corrupt", label, msg("it can be read"), said(failure)),))
    if number in TIMEOUTS:
        return too_long(label)
    if number in _LOCKS:
        return Outcome(
            skipped=(Skipped(msg("a lock was not granted in {seconds} seconds", seconds=LOCK_SECONDS), label),)
        )
    if number in _RIGHTS:
        return Outcome(skipped=(Skipped(msg("this user lacks the right"), label),))
    return Outcome(skipped=(Skipped(msg("the server refuses it with error {number}", number=number), label),))


def too_long(label: str) -> Outcome:
    """The outcome of a task that ran into its limit."""
    return Outcome(skipped=(Skipped(msg("it took longer than {seconds} seconds", seconds=STATEMENT_SECONDS), label),))


def impeded(failure: pymysql.MySQLError) -> bool:
    """Whether time, a lock or a right stood against it, which says nothing about the copy."""
    return error_of(failure)[0] in TIMEOUTS | _LOCKS | _RIGHTS


def said(failure: pymysql.MySQLError) -> str:
    """The server's words on one line. Only for errors whose words hold names and keys, but no other data."""
    number, text = error_of(failure)
    return msg("{text} ({number})", text=" ".join(text.split()), number=number)
