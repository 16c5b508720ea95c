"""The steps of one restore: each is timed, and adds to one report what it has found."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from dbops import __version__
from dbops.catalog import Catalog
from dbops.config import App
from dbops.engine.restoring import Restorer, SideDatabase, Wishes
from dbops.ids import free_id
from dbops.inventory.compare import Comparison
from dbops.language import msg
from dbops.model import EngineInfo, Finding, Manifest, NotEvaluated, Report, Severity, Verdict, judge
from dbops.ops.copy_check import check_copy
from dbops.ops.restore_aside import taken_moments
from dbops.ops.restore_plan import Archive, Plan, decide, manifest_hash, plan_warnings
from dbops.ops.timing import timed
from dbops.progress import Progress

Clock = Callable[[], datetime]


class Run:
    """The steps of one restore, and what they have found so far."""

    def __init__(
        self,
        restorer: Restorer,
        catalog: Catalog,
        manifest: Manifest,
        wishes: Wishes,
        app: App,
        clock: Clock,
        progress: Progress,
        again: tuple[str, ...],
    ) -> None:
        self._restorer = restorer
        self._manifest = manifest
        self._wishes = wishes._replace(app_stops_sessions=app.stop is not None)
        self._progress = progress
        self._again = again
        self._clock = clock
        self._moment = ""  # known with the lock
        self._skipped: list[NotEvaluated] = []
        self._findings: list[Finding] = []
        self._loaded: list[Finding] = []
        self._provenance: dict[str, Any] = {
            "backup": manifest.id,
            "manifest_sha256": manifest_hash(catalog, manifest),
            "store": catalog.store.url,
            "source_server": manifest.engine.server_id,
            "source_database": manifest.engine.database,
            "tables": len(manifest.inventory.tables),
            "rows": manifest.rows,
            "dbops_version": __version__,
        }
        self.phases: dict[str, float] = {}

    def plan(self, archive: Archive) -> Plan:
        """Looks at the destination, and decides. Nothing is changed."""
        self._progress.phase("preflight")
        with timed(self.phases, "preflight"):
            plan = decide(self._restorer, archive, self._wishes, self._clock())
        server = plan.destination.server
        self._provenance |= {
            "server": server.info.server_id,
            "server_version": server.info.server_version,
            "host": server.host,
            "database": plan.destination.name,
        }
        self._findings += [*plan_warnings(plan), *plan.preflight.findings]
        self._skipped += plan.preflight.not_evaluated
        return plan

    def prepare(self, archive: Archive) -> None:
        """Drops what killed restores left, and makes the roles that were asked for."""
        for name in self._restorer.clear_leftovers():
            self.note("leftover-dropped", name, msg("the side database of a restore that was killed"))
        self._moment = free_id(self._clock(), taken_moments(self._restorer))
        if self._wishes.create_roles:
            self._restorer.create_roles(archive.globals_sql)

    def create(self, stack: ExitStack) -> SideDatabase:
        """The side database; it is dropped with the stack, unless it was swapped in."""
        self._progress.phase("create")
        with timed(self.phases, "create"):
            return stack.enter_context(self._restorer.side(self._manifest, self._moment))

    def load(self, side: SideDatabase, archive: Archive, *, no_owner: bool | None = None) -> None:
        """Fills the database. `no_owner` None: as it was wished."""
        progress, phases = self._progress, self.phases
        wishes = self._wishes if no_owner is None else self._wishes._replace(no_owner=no_owner)
        progress.phase("load", total_bytes=sum(table.bytes for table in archive.manifest.inventory.tables))
        with timed(phases, "load"):
            self._loaded = side.load(archive.manifest, archive.path, wishes, progress)
        self._findings += self._loaded

    def settle(self, side: SideDatabase, archive: Archive, *, no_owner: bool | None = None) -> None:
        """Statistics, and what belongs to the database itself."""
        progress, phases = self._progress, self.phases
        wishes = self._wishes if no_owner is None else self._wishes._replace(no_owner=no_owner)
        progress.phase("analyze")
        with timed(phases, "analyze"):
            side.analyze(wishes.jobs)
        # After ANALYZE, for a setting of the database may make every session read-only.
        progress.phase("settings")
        with timed(phases, "settings"):
            side.settle(archive.database_sql, wishes)

    def compare(self, side: SideDatabase, archive: Archive, server: EngineInfo) -> Comparison:
        """Compares the copy with the inventory of the backup."""
        self._progress.phase("compare", total_bytes=sum(t.bytes for t in self._manifest.inventory.tables))
        with timed(self.phases, "compare"):
            return check_copy(
                side, archive, self._wishes, self._progress, server=server, loaded=self._loaded
            ).comparison

    def judge(self, comparison: Comparison) -> Verdict:
        """Adds what the comparison found; its verdict."""
        self._findings += comparison.findings
        self._skipped += comparison.not_evaluated
        return judge(comparison.findings, evaluated=comparison.conclusive)

    def swap(self, side: SideDatabase) -> None:
        """Puts the copy under the live name, and says at once how to undo that. `RefusedError` where sessions are in
        the way."""
        restorer, ends = self._restorer, self._wishes.end_sessions
        restorer.check_sessions(end_sessions=ends)
        self._progress.phase("swap")
        try:
            with timed(self.phases, "swap"):
                old = side.swap(self._moment, end_sessions=ends)
        except KeyboardInterrupt:
            if any(aside.moment == self._moment for aside in restorer.asides()):
                self._progress.note(msg("the swap was done; undo it with: {command}", command=self.command("--undo")))
            raise
        self._provenance["old_database"] = old
        # Said at once: what follows (starting the application) may fail, and then there is no report to read it in.
        undo = msg("; the old one is {old}, undo: {command}", old=old, command=self.command("--undo")) if old else ""
        self._progress.note(msg("{restorer} is the restored database now{undo}", restorer=restorer.name, undo=undo))
        if old:
            self._provenance |= {"undo": self.command("--undo"), "drop": self.command("--drop-old")}
            hint = msg(
                "go back to it: {undo}\ndrop it: {drop}",
                undo=self.command("--undo"),
                drop=self.command("--drop-old"),
            )
            self.note("old-database", old, msg("what was there before, whole"), hint)

    def finish(self, live: SideDatabase) -> None:
        """Ends a replacement in place."""
        live.swap(self._moment, end_sessions=False)

    def command(self, *flags: str) -> str:
        """A command line that does something with the same database."""
        return shlex.join(["dbops", "restore", *self._again, *flags])

    def note(self, kind: str, subject: str, text: str, hint: str = "", *, severity: Severity = Severity.INFO) -> None:
        """Adds a finding."""
        self._findings.append(Finding(id=kind, severity=severity, subject=subject, actual=text, hint=hint))

    def report(self, verdict: Verdict, *, dry_run: bool = False) -> Report:
        """The report of what was noted until now."""
        return Report(
            task="restore",
            target=self._manifest.target,
            verdict=verdict,
            findings=tuple(self._findings),
            phases=self.phases,
            not_evaluated=tuple(self._skipped),
            provenance=self._provenance | ({"dry_run": True} if dry_run else {}),
        )
