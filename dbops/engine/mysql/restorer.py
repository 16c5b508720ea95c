"""MySQL and MariaDB behind the port of restores: puts the parts together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from pathlib import Path

from dbops.engine.mysql import leftovers, mark, preflight, restore_accounts, swap
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.destination import look
from dbops.engine.mysql.fresh import Fresh
from dbops.engine.mysql.inplace import InPlace
from dbops.engine.mysql.journal import Journal
from dbops.engine.mysql.maintenance import Maintenance, drop_database, end_sessions, exists, stored
from dbops.engine.mysql.names import BEFORE, RESTORE, UNDONE, beside
from dbops.engine.mysql.side import MysqlSide
from dbops.engine.restoring import Aside, Preflight, SideDatabase, Wishes
from dbops.errors import ConfigError, DbopsError
from dbops.language import msg
from dbops.model import Finding, Manifest, Severity


class MysqlRestorer:
    """See `engine.restoring.Restorer`. `name` None: the database that the URL names."""

    def __init__(self, access: Access, name: str | None, bindir: Path | None) -> None:  # noqa: ARG002
        """`bindir` is not needed: a restore starts no program."""
        self._access = access
        self._name = name
        self._locked = False

    @cached_property
    def name(self) -> str:
        name = self._access.database if self._name is None else self._name
        if not name:
            raise ConfigError(
                msg("the database URL names no database"), hint="mysql://user@host/database", kind="bad-url"
            )
        with Maintenance(self._access, name).session() as connection:
            return stored(connection, name)

    @cached_property
    def _maintenance(self) -> Maintenance:
        return Maintenance(self._access, self.name)

    @contextmanager
    def lock(self) -> Iterator[None]:
        with self._maintenance.lock():
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def preflight(
        self,
        manifest: Manifest,
        wishes: Wishes,
        archive: Path | None = None,  # noqa: ARG002 - the manifest says it all
    ) -> Preflight:
        with self._maintenance.session() as connection:
            destination, against = look(self._access, connection, self.name)
            findings, skipped = preflight.examine(connection, manifest, destination, against, wishes)
        if destination.sessions and not (wishes.end_sessions or wishes.app_stops_sessions):
            refusal = swap.in_use(self.name, destination.sessions)
            findings.append(
                Finding(
                    id="in-use",
                    severity=Severity.ERROR,
                    subject=self.name,
                    expected=msg("no other sessions"),
                    actual="; ".join(destination.sessions),
                    hint=refusal.hint,
                )
            )
        return Preflight(destination, tuple(findings), tuple(skipped))

    def clear_leftovers(self) -> list[str]:
        with self._maintenance.session() as connection:
            return leftovers.clear(self._maintenance, connection, self.name)

    def create_roles(self, globals_sql: str) -> None:
        with self._maintenance.session() as connection:
            restore_accounts.create(connection, globals_sql)

    def side(self, manifest: Manifest, moment: str) -> AbstractContextManager[SideDatabase]:
        with self._maintenance.session() as connection:
            name, aside = (stored(connection, beside(self.name, word, moment)) for word in (RESTORE, BEFORE))
        return self._lifetime(MysqlSide(self._access, self._maintenance, self.name, name, aside), manifest)

    def fresh(self, manifest: Manifest) -> AbstractContextManager[SideDatabase]:
        return self._lifetime(Fresh(self._access, self._maintenance, self.name, self.name), manifest)

    @contextmanager
    def _lifetime(self, made: MysqlSide, manifest: Manifest) -> Iterator[SideDatabase]:
        """Creates a database and drops it at the end."""
        try:
            made.create(manifest)
            yield made
        except BaseException:
            # If the server is gone it stays, marked as ours: the next restore drops it. The first error is told.
            with suppress(DbopsError):
                made.drop()
            raise
        made.drop()

    def unfinished(self) -> str:
        with self._maintenance.session() as connection:
            return mark.read(connection, self.name)

    def in_place(
        self,
        manifest: Manifest,  # noqa: ARG002 - nothing depends on it here
        *,
        safety: str,
        database_sql: str = "",  # noqa: ARG002 - each statement commits: `settle` runs it
    ) -> SideDatabase:
        return InPlace(self._access, self._maintenance, self.name, safety)

    def check_sessions(self, *, end_sessions: bool) -> None:
        with self._maintenance.session() as connection:
            swap.check_sessions(connection, self.name, end_sessions=end_sessions)

    def end_sessions(self) -> None:
        with self._maintenance.session() as connection:
            end_sessions(connection, [self.name])

    def asides(self) -> list[Aside]:
        return self._beside(BEFORE)

    def undone(self) -> list[Aside]:
        return self._beside(UNDONE)

    def _beside(self, word: str) -> list[Aside]:
        """With the lock, a swap that was killed is ended first: it may just have set one aside."""
        with self._maintenance.session() as connection:
            if self._locked:
                leftovers.clear(self._maintenance, connection, self.name)
            return leftovers.asides(connection, self.name, word)

    def undo(self, aside: Aside, moment: str, *, end_sessions: bool) -> str:
        with self._maintenance.session() as connection, self._access.translated():
            undone = stored(connection, beside(self.name, UNDONE, moment))
            there = exists(connection, self.name)
            after = leftovers.as_it_was(connection, aside.name)
            Journal(connection, undone).create(after.charset, after.collation)
            then = swap.plan(connection, self.name, aside.name, undone, after)
            swap.perform(self._maintenance, Journal(connection, undone), then, end_sessions=end_sessions)
            drop_database(connection, aside.name)
            if not there:
                drop_database(connection, undone)
        return undone if there else ""

    def drop(self, aside: Aside) -> None:
        with self._maintenance.session() as connection:
            drop_database(connection, aside.name)
