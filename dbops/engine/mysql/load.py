"""Loads a dump into an empty database through the driver: without a client and its commands, up to the first error.

Definitions run in their order in one session; rows go through up to `jobs` others, a table at a time. Secondary indexes
of a large table are made once its rows are there, foreign keys once every table has its indexes: sorting rows once is
cheaper than finding each row's place, and an index that is made in one go is checked (`unique_checks` of a dump lets
duplicates in). Triggers come after the rows in a dump, so that none fires; events are made disabled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pymysql

from dbops.engine.mysql import source_views, zones
from dbops.engine.mysql.connect import Access, close
from dbops.engine.mysql.load_definitions import Definitions
from dbops.engine.mysql.load_errors import of_rows, too_long
from dbops.engine.mysql.load_script import Script
from dbops.engine.mysql.load_worker import Failure, Rows, Then, Worker
from dbops.engine.mysql.long_rows import TooLongError
from dbops.engine.mysql.maintenance import LOCK_SECONDS, run
from dbops.engine.mysql.plan import PARTS, suffix
from dbops.engine.mysql.statements import identifier
from dbops.engine.restoring import NOT_MADE, Wishes
from dbops.language import msg
from dbops.model import Finding, Manifest, Severity
from dbops.progress import Progress

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

SESSION = (
    "foreign_key_checks = 0",
    "unique_checks = 0",
    "sql_notes = 0",
    "sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    f"lock_wait_timeout = {LOCK_SECONDS}",
)
"""Of sessions that fill tables; what the head of a dump sets comes on top."""
AS_WRITTEN = (
    "system_versioning_insert_history = 1",  # MariaDB 10.11: rows of the past can be inserted
    "sql_generate_invisible_primary_key = 0",  # MySQL: a table without a primary key stays so
    "sql_require_primary_key = 0",  # MySQL: the source has such a table, made before the server asked for one
)
"""Of such sessions, where the server knows them: what is written is taken as it is."""
_IF_KNOWN = (
    *AS_WRITTEN,
    "check_constraint_checks = 0",  # MariaDB: rows that were written with it off; MySQL has no such rows
    "innodb_ddl_buffer_size = 134217728",  # MySQL: for sorting when an index is made; it is 1 MB otherwise
)


def prepare(connection: Connection, if_known: Iterable[str]) -> None:
    """Sets `SESSION`, which every server knows, and of `if_known` what this one knows."""
    run(connection, f"SET SESSION {', '.join(SESSION)}")
    for setting in if_known:
        with suppress(pymysql.MySQLError):  # an unknown variable, or one that this user may not set
            run(connection, f"SET SESSION {setting}")


class Loaded(NamedTuple):
    """What was met while a dump was loaded. `events`: the state of each event, which is disabled in the copy."""

    findings: tuple[Finding, ...]
    events: dict[str, str]


class Load:
    """One load into the database that `access` reaches."""

    def __init__(self, access: Access, manifest: Manifest, wishes: Wishes, progress: Progress) -> None:
        self._access = access
        self._manifest = manifest
        self._source = manifest.engine.database
        self._wishes = wishes
        self._progress = progress
        self._tables = {table.name: table for table in manifest.inventory.tables}
        self.definitions = Definitions(access.database, manifest, wishes)
        self._skipped: set[str] = set()
        self._zones: set[str] = set()
        self._failure = Failure()
        self._workers: list[Worker] = []

    def run(self, archive: Path) -> Loaded:
        """Raises `DatabaseError` of kind 'server-full', 'server-lost', 'server-lacks' or 'load-failed' at the first
        error, `BadBackupError` where the dump holds what no dump holds."""
        with self._access.session() as connection:
            try:
                prepare(connection, _IF_KNOWN)
                self._all(connection, archive)
                self._complete(connection)
            except BaseException as error:
                self._failure.set(error)
                raise
            finally:
                self._end()
        return Loaded(tuple(self._findings()), self.definitions.events)

    def _all(self, connection: Connection, archive: Path) -> None:
        jobs = max(1, self._wishes.jobs)
        if self._manifest.method.format != PARTS:
            self._play(connection, archive, jobs)
            return
        ending = suffix(self._manifest.method.compression)
        plain_name = self._manifest.method.plain_name
        named = {Path(plain_name(artifact.name)).name for artifact in self._manifest.artifacts}
        files = (path for path in archive.glob(f"data-*{ending}") if path.name in named)
        parts = sorted(files, key=lambda path: -path.stat().st_size)
        self._play(connection, archive / f"schema{ending}", 1)
        with ThreadPoolExecutor(min(jobs, len(parts)) or 1, thread_name_prefix="part") as pool:
            futures = [pool.submit(self._play_rows, path) for path in parts]
            try:
                for future in futures:
                    future.result()
            except BaseException as error:
                self._failure.set(error)
                pool.shutdown(cancel_futures=True)
                raise
        self._play(connection, archive / f"after{ending}", 1)

    def _play_rows(self, path: Path) -> None:
        """A part with rows, in sessions of its own."""
        self._failure.check()
        try:
            with self._access.session() as connection:
                prepare(connection, _IF_KNOWN)
                self._play(connection, path, 1)
        except BaseException as error:
            self._failure.set(error)
            raise

    def _play(self, connection: Connection, path: Path, jobs: int) -> None:
        Script(self, connection, path, jobs).play()

    # --- for a script -------------------------------------------------------------------------------------------------

    def provide(self, connection: Connection, text: str) -> None:
        """What a statement needs of a server, and a throw-away one may lack."""
        if self._wishes.throw_away:
            self._zones |= zones.provide(connection, text)

    def worker(self, head: Iterable[bytes]) -> Worker:
        """A session for rows, with the settings that the dump begins with."""
        connection = self._access.connect()
        try:
            prepare(connection, _IF_KNOWN)
            for text in head:
                connection.query(text)
            run(connection, "SET SESSION autocommit = 1")
        except BaseException:
            close(connection)
            raise
        worker = Worker(connection, self._failure, self._refused)
        self._workers.append(worker)
        return worker

    def filled(self, name: str) -> Then:
        """What follows a table's last row."""
        table = self._tables.get(name)

        def done() -> None:
            self._progress.advance(table.bytes if table is not None else 0)

        return Then(name, self.definitions.after_rows(name), done)

    def begun(self, name: str) -> None:
        self._progress.item(name)

    def passed_over(self, what: str) -> None:
        self._skipped.add(what)

    @property
    def source(self) -> str:
        return self._source

    @property
    def database(self) -> str:
        return self._access.database

    @property
    def failure(self) -> Failure:
        return self._failure

    # --- its end ------------------------------------------------------------------------------------------------------

    def _complete(self, connection: Connection) -> None:
        """Indexes of tables without rows, and all foreign keys."""
        prepare(connection, _IF_KNOWN)  # the dump's last statements have put back what it had set
        for name, text in self.definitions.at_the_end():
            try:
                run(connection, text)
            except pymysql.MySQLError as error:
                raise of_rows(error, name, self.definitions.names_in(name), self._access.place()) from None
        if self.definitions.not_made:
            # What selects from such a view, and was made upon the table that stood in for it, cannot be opened now.
            for view in source_views.undumpable(connection):
                run(connection, f"DROP VIEW {identifier(view.name)}")
                self.definitions.not_made[view.name] = view.said

    def _refused(self, error: Exception, item: Rows | Then) -> Exception:
        if isinstance(error, TooLongError):
            return too_long(error.needed, item.table, self._access.place())
        if not isinstance(error, pymysql.MySQLError):
            return error
        return of_rows(error, item.table, self.definitions.names_in(item.table), self._access.place())

    def _end(self) -> None:
        """Ends all sessions; what they are at is ended in the server too, so that the copy can be dropped."""
        if self._failure.error is not None and self._workers:
            with suppress(Exception), self._access.session("") as other:
                for worker in self._workers:
                    with suppress(pymysql.MySQLError):
                        run(other, f"KILL CONNECTION {worker.number}")
        for worker in self._workers:
            worker.end()

    def _findings(self) -> Iterator[Finding]:
        yield from zones.findings(self._zones)
        for table in sorted(self.definitions.elsewhere):
            yield Finding(
                id="files-elsewhere",
                severity=Severity.INFO if self._wishes.throw_away else Severity.WARNING,
                subject=table,
                expected=msg("in the directory or tablespace that the source has it in"),
                actual=msg("its files are in the server's own folder"),
                hint=msg("make that place, let the server know it, and move the table there: ALTER TABLE")
                if not self._wishes.throw_away
                else "",
            )
        for account, names in sorted(self.definitions.replaced.items()):
            yield Finding(
                id="definer-replaced",
                severity=Severity.WARNING,
                subject=account,
                expected=msg("definer of {names}, as in the source", names=", ".join(sorted(names))),
                actual=msg("the connecting user is: the server does not let it name another one"),
                hint=msg("restore as a user that may (SET_ANY_DEFINER, SET_USER_ID, SET USER or SUPER)"),
            )
        for view, said in sorted(self.definitions.not_made.items()):
            yield Finding(
                id=NOT_MADE,
                severity=Severity.WARNING,
                subject=view,
                expected=msg("a view, as in the source"),
                actual=msg("{said}: it selects from another database, and was not made", said=said),
                hint=msg("what it selects from is no part of this backup: restore that first, and this one again"),
            )
        for what in sorted(self._skipped):
            yield Finding(
                id="statement-passed-over",
                severity=Severity.INFO,
                subject=what,
                actual=msg("is in the dump and was not run: it is about the server, not the database"),
            )
