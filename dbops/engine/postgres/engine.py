"""PostgreSQL behind the port of engines: puts the parts of this folder together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dbops.engine.base import Content, DumpOutput, DumpPlan, Server, Shell, Snapshot, TableKey, VersionRows
from dbops.engine.locking import no_backup
from dbops.engine.postgres import archive, dump, server
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.guide import restore_guide
from dbops.engine.postgres.locks import exclusive, whoami
from dbops.engine.postgres.moment import open_snapshot
from dbops.engine.postgres.snapshot import PostgresSnapshot
from dbops.engine.postgres.tools import Tools, for_server, installations
from dbops.model import Finding, Manifest
from dbops.progress import Progress
from dbops.route.base import Route

if TYPE_CHECKING:
    from dbops.engine.postgres.connect import Connection
    from dbops.engine.postgres.migrator import PostgresMigrator
    from dbops.engine.postgres.restorer import PostgresRestorer


class PostgresEngine:
    """See `engine.base.Engine`. Nothing is connected until a method needs it.

    `lock_timeout` and `give_way` are seconds (see `open_snapshot`).
    """

    name = "postgres"

    def __init__(
        self,
        url: str,
        *,
        password: str | None = None,
        bindir: Path | None = None,
        lock_timeout: float = 5.0,
        give_way: float | None = 60.0,
        route: Route | None = None,
    ) -> None:
        self._access = Access(url, password=password, route=route)
        self._bindir = bindir
        self._lock_timeout = lock_timeout
        self._give_way = give_way
        self._locking: Connection | None = None
        """The session that holds the lock, and does nothing else."""

    # --- what there is ----------------------------------------------------------------------------------------------

    def server(self) -> Server:
        with self._session() as connection:
            return server.describe(self._access, connection)

    def version_rows(self, table: str, schema: str | None) -> VersionRows:
        from dbops.engine.postgres.versions import version_rows  # a backup needs none of it

        with self._access.session() as connection:
            return version_rows(connection, table, schema)

    def backup_obstacles(self) -> list[Finding]:
        with self._session() as connection:
            return server.obstacles(connection)

    def role_sql(self) -> str:
        from dbops.engine.postgres.roles import role_sql  # a backup needs none of it

        with self._access.session() as connection:
            return role_sql(connection, connection.info.server_version // 10000)

    @cached_property
    def _tools(self) -> Tools:
        """The tools for the server that the URL reaches."""
        with self._session() as connection:
            major = connection.info.server_version // 10000
        return for_server(major, installations(self._bindir))

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """The session that holds the lock, if there is one: a new one costs both sides more than what is asked here."""
        if self._locking is None:
            with self._access.session() as connection:
                yield connection
        else:
            with self._access.translated():
                yield self._locking

    # --- backup -----------------------------------------------------------------------------------------------------

    def plan_dump(self, server: Server, *, jobs: int, compression: str = "", streamed: bool = False) -> DumpPlan:
        tools = for_server(server.major, installations(self._bindir))
        jobs = 1 if streamed else jobs  # several write the directory format, each its own files
        return dump.plan(tools, jobs=jobs, compression=compression, lock_timeout=self._lock_timeout)

    @contextmanager
    def lock(self, target: str, *, prunes: bool = False) -> Iterator[None]:
        application = f"dbops lock by {whoami()}: {target}"[:63]
        with (
            self._access.session(application=application) as connection,
            no_backup(lambda work: exclusive(connection, work, target), prunes=prunes),
        ):
            self._locking = connection
            try:
                yield
            finally:
                self._locking = None

    def snapshot(self, plan: DumpPlan | None = None) -> AbstractContextManager[Snapshot]:  # noqa: ARG002 - pg_dump enters it
        return open_snapshot(self._access, self._tools, lock_timeout=self._lock_timeout, give_way=self._give_way)

    def dump(
        self, plan: DumpPlan, snapshot: Snapshot, output: DumpOutput, name: str, progress: Progress, *, level: str
    ) -> dict[TableKey, Content]:
        assert isinstance(snapshot, PostgresSnapshot)  # noqa: S101 - an engine dumps in its own snapshots
        run = dump.Dump(plan, self._access, self._tools, snapshot, output, progress, decode=level != "counts")
        return run.run(name)

    def restore_guide(self, manifest: Manifest) -> str:
        return restore_guide(manifest)

    def shell(self) -> Shell:
        return Shell(self._access.for_a_person(), 'psql "$(cat {file})"')

    # --- restore ----------------------------------------------------------------------------------------------------

    def restorer(self, name: str | None = None) -> PostgresRestorer:
        from dbops.engine.postgres.restorer import PostgresRestorer  # a backup needs none of it

        return PostgresRestorer(self._access, name, self._bindir)

    def migrator(self) -> PostgresMigrator:
        from dbops.engine.postgres.migrator import PostgresMigrator  # a backup needs none of it

        return PostgresMigrator(self._access)

    # --- archives ---------------------------------------------------------------------------------------------------

    def verify_archive(self, manifest: Manifest, path: Path, progress: Progress) -> dict[TableKey, Content]:
        return archive.of_backup(self._reader(manifest), manifest, path, progress)

    def _reader(self, manifest: Manifest) -> Tools:
        """Tools that can read the archive: not older than those that wrote it."""
        from dbops.engine.postgres.load import tools_for  # a backup needs none of it

        return tools_for(manifest, 0, self._bindir)
