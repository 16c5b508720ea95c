"""PostgreSQL behind the port of restores: puts the parts together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from pathlib import Path

from dbops.engine.postgres import preflight, side, swap
from dbops.engine.postgres.asked import asked_of
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.destination import look
from dbops.engine.postgres.fresh import fresh_of
from dbops.engine.postgres.inplace import InPlace, check_tools
from dbops.engine.postgres.load import tools_for
from dbops.engine.postgres.maintenance import Maintenance, at_database, drop_database, exists
from dbops.engine.postgres.names import BEFORE, UNDONE, beside, moment_of
from dbops.engine.postgres.side import PostgresSide
from dbops.engine.postgres.statements import statement
from dbops.engine.restoring import Aside, Preflight, SideDatabase, Wishes
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.model import Finding, Manifest, Severity


class PostgresRestorer:
    """See `engine.restoring.Restorer`. `name` None: the database that the URL names."""

    def __init__(self, access: Access, name: str | None, bindir: Path | None) -> None:
        self._access = access
        self._name = name
        self._bindir = bindir

    @cached_property
    def name(self) -> str:
        if self._name is not None:
            return self._name
        if named := self._access.parameters.get("dbname"):
            return named
        with self._access.session() as connection:  # a service file, PGDATABASE or the user's name decides
            return connection.info.dbname

    @cached_property
    def _maintenance(self) -> Maintenance:
        return Maintenance(self._access, self.name)

    @cached_property
    def _major(self) -> int:
        with self._maintenance.session() as connection:
            return connection.info.server_version // 10000

    def lock(self) -> AbstractContextManager[None]:
        return self._maintenance.lock()

    def preflight(self, manifest: Manifest, wishes: Wishes, archive: Path | None = None) -> Preflight:
        tools = tools_for(manifest, self._major, self._bindir)
        if wishes.in_place:
            check_tools(tools)

        def owners() -> set[str]:
            return asked_of(tools, archive).owners if archive is not None else set(manifest.inventory.roles)

        with self._maintenance.session() as connection:
            destination, against = look(self._access, connection, self.name)
            findings, skipped = preflight.examine(connection, manifest, destination, against, wishes, owners)
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
            return side.clear_leftovers(self._access, connection, self.name)

    def create_roles(self, globals_sql: str) -> None:
        with self._maintenance.session() as connection:
            connection.execute(globals_sql.encode())

    def side(self, manifest: Manifest, moment: str) -> AbstractContextManager[SideDatabase]:
        tools = tools_for(manifest, self._major, self._bindir)
        made = side.side_of(self._access, self._maintenance, tools, self._major, manifest, self.name, moment)
        return self._lifetime(made, manifest)

    def fresh(self, manifest: Manifest) -> AbstractContextManager[SideDatabase]:
        tools = tools_for(manifest, self._major, self._bindir)
        made = fresh_of(self._access, self._maintenance, tools, self._major, manifest, self.name)
        return self._lifetime(made, manifest)

    @contextmanager
    def _lifetime(self, made: PostgresSide, manifest: Manifest) -> Iterator[SideDatabase]:
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
        return ""

    def in_place(
        self,
        manifest: Manifest,
        *,
        safety: str,  # noqa: ARG002 - it is one transaction
        database_sql: str = "",
    ) -> SideDatabase:
        tools = tools_for(manifest, self._major, self._bindir)
        check_tools(tools)
        settings = side.copy_settings(self._maintenance, manifest)
        access = at_database(self._access, self.name, settings)
        return InPlace(access, self._maintenance, tools, self._major, self.name, database_sql)

    def check_sessions(self, *, end_sessions: bool) -> None:
        with self._maintenance.session() as connection:
            swap.check_sessions(connection, self.name, end_sessions=end_sessions)

    def end_sessions(self) -> None:
        with self._maintenance.session() as connection:
            swap.end_sessions(connection, [self.name])

    def asides(self) -> list[Aside]:
        return self._beside(BEFORE)

    def undone(self) -> list[Aside]:
        return self._beside(UNDONE)

    def _beside(self, word: str) -> list[Aside]:
        with self._maintenance.session() as connection:
            rows = connection.execute(statement("restore_asides")).fetchall()
        found = [(name, moment_of(name, self.name, word), size) for name, size, *_ in rows]
        return sorted(
            (Aside(name, moment, size) for name, moment, size in found if moment),
            key=lambda aside: aside.moment,
            reverse=True,
        )

    def undo(self, aside: Aside, moment: str, *, end_sessions: bool) -> str:
        names = [(aside.name, self.name)]
        undone = ""
        with self._maintenance.session() as connection:
            if exists(connection, self.name):
                undone = beside(self.name, UNDONE, moment)
                names.insert(0, (self.name, undone))
        swap.rename(self._maintenance, names, [], end_sessions=end_sessions)
        return undone

    def drop(self, aside: Aside) -> None:
        with self._maintenance.session() as connection:
            drop_database(self._access, connection, aside.name)
