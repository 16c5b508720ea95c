"""drill: fetch + re-hash → sandbox → restore → inventory of the copy → compare → probe → report → teardown.

Nothing of the machine that made the backup is needed, and nothing of the source is touched. Whatever goes wrong is told
in the report, with what kind of failure it is: the backup is bad, it is over its target, the environment lacks
something, or the drill itself broke.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.base import Engine, Server
from dbops.engine.restoring import Restorer, SideDatabase, Wishes
from dbops.errors import BadBackupError, DatabaseError, PreflightError, ToolError
from dbops.evidence import TableProof
from dbops.ids import backup_id
from dbops.inventory import proof
from dbops.language import msg
from dbops.model import Finding, Manifest, Report, Severity
from dbops.ops.copy_check import check_copy
from dbops.ops.drill_needs import needs_of
from dbops.ops.drill_report import Clock, Notebook
from dbops.ops.drill_rules import application_findings, migration_findings
from dbops.ops.drill_source import graded
from dbops.ops.drill_stage import RTO_PHASES, Copy, Stage
from dbops.ops.fetch import fetch
from dbops.ops.records import kept
from dbops.ops.restore_plan import Archive, archive_of
from dbops.ops.timing import timed
from dbops.progress import Progress
from dbops.sandbox.base import Chosen, Needs, Sandbox

__all__ = ["RTO_PHASES", "Copy", "Drill", "Places", "drill", "errors_of"]

_OF_THE_SERVER = {
    "server-full": msg(
        "give the sandbox more room: TMPDIR on a larger disk, or --sandbox with the URL of another server"
    ),
    "server-lacks": msg("use a server that has it: drill.image names an image, --sandbox the URL of an empty server"),
}
"""Loads that failed for the server's sake say nothing about the backup: by kind, what to do."""
_SAME_SERIES_HINT = msg("drill it on a server of the source's own version (--sandbox container, or install it)")


class Places(NamedTuple):
    """Where a drill finds what it works with."""

    sandbox: Callable[[Needs], Chosen]
    engine: Callable[[Secret], Engine]
    """The engine of a database in the sandbox, by its URL."""


class Drill(Stage):
    """One drill of one backup."""

    def __init__(
        self,
        catalog: Catalog,
        manifest: Manifest,
        target: Target,
        places: Places,
        *,
        clock: Clock,
        progress: Progress,
        no_owner: bool = False,
    ) -> None:
        super().__init__(Notebook(catalog, manifest, target, clock), manifest.id, places.sandbox, progress)
        self.manifest = manifest
        self._catalog = catalog
        self._target = target
        self._places = places
        self._clock = clock
        self._tables: tuple[TableProof, ...] = ()
        self._loaded: list[Finding] = []
        self._wishes = Wishes(jobs=target.jobs, create_roles=not no_owner, no_owner=no_owner)

    def _kept(self, report: Report) -> Report:
        """Beside the backup."""
        return kept(self._catalog, self.manifest, report, self._clock())

    def _work(self) -> None:
        phases, progress = self._notes.phases, self._progress
        with timed(phases, "fetch"):
            copy = self._stack.enter_context(
                fetch(self._catalog, self.manifest, jobs=self._target.jobs, progress=progress)
            )
            self._notes.found(copy.findings)
            if any(finding.severity is Severity.ERROR for finding in copy.findings):
                self._notes.unproved("restore", msg("the backup's files are not what they were: it was not restored"))
                return
            archive = archive_of(self._catalog, self.manifest, copy)
        self._notes.fetched()
        progress.phase("start")
        with timed(phases, "start"):
            sandbox = self._started(needs_of(self.manifest, self._target))
            self._wishes = self._wishes._replace(throw_away=sandbox.ephemeral)
            restorer, engine = self._restorer(sandbox)
            server = engine.server()
            self._preflight(restorer, archive)
        with timed(phases, "restore"):
            side = self._restore(restorer, archive, server)
        self.copy = Copy(sandbox.url(restorer.name), restorer.name, side)
        progress.phase("compare", total_bytes=sum(table.bytes for table in self.manifest.inventory.tables))
        with timed(phases, "verify"):
            self._compare(side, archive, server)
        progress.phase("probe")
        with timed(phases, "probe"):
            self._probe(side, self.copy)
        self._notes.timed_out(sum(phases[name] for name in RTO_PHASES))

    def _restorer(self, sandbox: Sandbox) -> tuple[Restorer, Engine]:
        """Of a database that is called as the source's, unless the server has one of that name."""
        name = self.manifest.engine.database
        maintenance = self._places.engine(sandbox.url(""))
        restorer = maintenance.restorer(name)
        if restorer.preflight(self.manifest, self._wishes).destination.exists:
            restorer = maintenance.restorer(f"dbops_drill_{backup_id(self._clock())}")
        return restorer, maintenance

    def _preflight(self, restorer: Restorer, archive: Archive) -> None:
        found = restorer.preflight(self.manifest, self._wishes, archive.path)
        errors = [finding for finding in found.findings if finding.severity is Severity.ERROR]
        self._notes.found(finding for finding in found.findings if finding.severity is not Severity.ERROR)
        if errors:
            text = "; ".join(f"{f.subject}: expected {f.expected}, found {f.actual}" for f in errors)
            raise PreflightError(text, hint="\n".join(f.hint for f in errors if f.hint), kind=errors[0].id)

    def _restore(self, restorer: Restorer, archive: Archive, server: Server) -> SideDatabase:
        manifest, wishes, progress = self.manifest, self._wishes, self._progress
        if wishes.create_roles:
            restorer.create_roles(archive.globals_sql)
        side = self._database.enter_context(restorer.fresh(manifest))
        progress.phase("load", total_bytes=sum(table.bytes for table in manifest.inventory.tables))
        try:
            self._loaded = side.load(manifest, archive.path, wishes, progress)
            self._notes.found(self._loaded)
            side.analyze(wishes.jobs)
            side.settle(archive.database_sql, wishes)
        except (ToolError, DatabaseError) as error:
            if error.kind in _OF_THE_SERVER:
                raise PreflightError(error.message, hint=_OF_THE_SERVER[error.kind], kind=error.kind) from None
            if error.kind not in ("load-failed", "rows-violate"):
                raise
            if error.kind == "load-failed" and not self.manifest.engine.same_series(server.info):
                raise PreflightError(error.message, hint=_SAME_SERIES_HINT, kind="load-on-other-version") from None
            raise BadBackupError(error.message, hint=error.hint, kind="restore-failed") from None
        return side

    def _compare(self, side: SideDatabase, archive: Archive, server: Server) -> None:
        check = check_copy(side, archive, self._wishes, self._progress, server=server.info, loaded=self._loaded)
        for kind in sorted(
            side.waits_for_swap & {kind for kind, there in self.manifest.inventory.objects.items() if there}
        ):
            self._notes.unproved(kind, msg("on a server where it would act, a copy gets it only when it goes live"))
        self._tables = proof.tables(self.manifest.inventory, check.found, check.explained)
        self._notes.compared(
            check.comparison,
            self._tables,
            proof.objects(self.manifest.inventory, check.found, check.comparison.findings),
        )

    def _probe(self, side: SideDatabase, copy: Copy) -> None:
        probed = side.examine(self.manifest, self._wishes.jobs, self._progress)
        self._notes.probed(probed._replace(findings=graded(probed.findings, self._tables)))
        with side.snapshot() as snapshot:
            self._notes.probed(migration_findings(self.manifest, snapshot))
        self._notes.probed(application_findings(self._target, side, copy.url))


def drill(
    catalog: Catalog,
    manifest: Manifest,
    target: Target,
    places: Places,
    *,
    clock: Clock,
    progress: Progress,
    no_owner: bool = False,
    while_up: Callable[[Copy], None] | None = None,
) -> Report:
    """Drills one backup. `while_up` gets the copy before it is torn down, if there is one."""
    work = Drill(catalog, manifest, target, places, clock=clock, progress=progress, no_owner=no_owner)
    with work:
        work.run()
        if while_up is not None and work.copy is not None:
            while_up(work.copy)
    return work.report


def errors_of(report: Report) -> list[Finding]:
    """Findings that make the verdict FAIL."""
    return [f for f in report.findings if f.severity in (Severity.ERROR, Severity.OVER_TARGET)]
