"""MySQL and MariaDB behind the port of engines: puts the parts of this folder together."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dbops.engine.base import Content, DumpOutput, DumpPlan, Server, Shell, Snapshot, TableKey, VersionRows
from dbops.engine.locking import no_backup
from dbops.engine.mysql import plan, server
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.flavour import named, parse_version
from dbops.engine.mysql.guide import restore_guide
from dbops.engine.mysql.locks import exclusive
from dbops.engine.mysql.schema import keeps_history
from dbops.engine.mysql.tools import for_server, installed
from dbops.model import Finding, Manifest
from dbops.progress import Progress
from dbops.route.base import Route

if TYPE_CHECKING:
    from dbops.engine.mysql.migrator import MysqlMigrator
    from dbops.engine.mysql.restorer import MysqlRestorer


class MysqlEngine:
    """See `engine.base.Engine`. Nothing is connected until a method needs it.

    `name` is what the URL says until the server has been asked: `EngineInfo.name` is what it is.
    `lock_timeout` and `give_way` are seconds (see `open_moment`).
    """

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
        self.name = url.partition(":")[0]
        self._access = Access(url, password=password, route=route)
        self._bindir = bindir
        self._lock_timeout = lock_timeout
        self._give_way = give_way

    # --- what there is ----------------------------------------------------------------------------------------------

    def server(self) -> Server:
        with self._access.session() as connection:
            return server.describe(self._access, connection)

    def version_rows(self, table: str, schema: str | None) -> VersionRows:
        from dbops.engine.mysql.versions import version_rows  # a backup needs none of it

        with self._access.session() as connection:
            return version_rows(connection, table, schema)

    def backup_obstacles(self) -> list[Finding]:
        with self._access.session() as connection:
            return server.obstacles(connection)

    def role_sql(self) -> str:
        from dbops.engine.mysql.roles import role_sql  # a backup needs none of it

        with self._access.session() as connection:
            return role_sql(server.describe(self._access, connection).info)

    # --- backup -----------------------------------------------------------------------------------------------------

    def plan_dump(
        self,
        server: Server,
        *,
        jobs: int,
        compression: str = "",
        streamed: bool = False,  # noqa: ARG002 - its dumps always are
    ) -> DumpPlan:
        info = server.info
        tool = for_server(named(info.name), parse_version(info.server_version), installed(self._bindir))
        with self._access.session() as connection:
            history = keeps_history(connection)
        return plan.plan(tool, jobs=jobs, compression=compression, history=history)

    @contextmanager
    def lock(self, target: str, *, prunes: bool = False) -> Iterator[None]:
        with (
            self._access.session("") as connection,
            no_backup(lambda work: exclusive(connection, work, target), prunes=prunes),
        ):
            yield

    @contextmanager
    def snapshot(self, plan: DumpPlan | None = None) -> Iterator[Snapshot]:
        from dbops.engine.mysql.moment import open_moment
        from dbops.engine.mysql.snapshot import open_quiet

        if plan is None:
            with open_quiet(self._access, 1) as quiet:
                yield quiet
            return
        opening = open_moment(self._access, plan, lock_timeout=self._lock_timeout, give_way=self._give_way)
        with opening as snapshot:
            yield snapshot

    def dump(
        self, plan: DumpPlan, snapshot: Snapshot, output: DumpOutput, name: str, progress: Progress, *, level: str
    ) -> dict[TableKey, Content]:
        from dbops.engine.mysql.dump import Dump
        from dbops.engine.mysql.dumping import DumpingSnapshot

        assert isinstance(snapshot, DumpingSnapshot)  # noqa: S101 - an engine dumps in its own snapshots
        return Dump(plan, snapshot, output, progress, level=level).run(name)

    def restore_guide(self, manifest: Manifest) -> str:
        return restore_guide(manifest)

    def shell(self) -> Shell:
        product = named(self.name)
        client = "mariadb" if product.name == "mariadb" else "mysql"
        command = f"{client} --defaults-file={{file}} -- {shlex.quote(self._access.database)}"
        return Shell(self._access.for_a_person(product), command.rstrip())

    # --- restore ----------------------------------------------------------------------------------------------------

    def restorer(self, name: str | None = None) -> MysqlRestorer:
        from dbops.engine.mysql.restorer import MysqlRestorer  # a backup needs none of it

        return MysqlRestorer(self._access, name, self._bindir)

    def migrator(self) -> MysqlMigrator:
        from dbops.engine.mysql.migrator import MysqlMigrator  # a backup needs none of it

        return MysqlMigrator(self._access)

    # --- archives ---------------------------------------------------------------------------------------------------

    def verify_archive(self, manifest: Manifest, path: Path, progress: Progress) -> dict[TableKey, Content]:
        from dbops.engine.mysql import archive

        return archive.of_backup(manifest, path, progress)
