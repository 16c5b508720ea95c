"""restore: whole? → preflight → ask → lock → load beside → compare → stop app → swap → start app.

The copy is loaded and compared before the application is stopped, so that its downtime is the swap alone. Whatever the
application writes meanwhile is not lost: it stays in the old database, which the swap only renames. A safety backup is
not needed for the same reason. Until the swap commits, nothing under the live name has changed; it commits whole or not
at all. So a restore that is killed anywhere leaves the old or the new database under the name, and can be run again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from dbops import __version__
from dbops.catalog import Catalog
from dbops.config import App
from dbops.engine.restoring import Restorer, SideDatabase, Wishes
from dbops.inventory.compare import Comparison
from dbops.model import Finding, Manifest, Report, Severity, Verdict, backup_id, judge
from dbops.ops.application import stopped
from dbops.ops.copy_check import check_copy
from dbops.ops.restore_plan import Archive, Plan, decide, manifest_hash, plan_warnings, whole
from dbops.ops.verify import timed
from dbops.progress import Progress

Clock = Callable[[], datetime]
WAITING_FOR_SWAP = frozenset({"database_comment"})
"""Set in the swap's own transaction, hence not yet there when a side database is compared."""


def restore(
    restorer: Restorer,
    catalog: Catalog,
    manifest: Manifest,
    wishes: Wishes,
    app: App,
    *,
    clock: Clock,
    progress: Progress,
    confirm: Callable[[Plan], bool],
) -> Report:
    """Restores one backup over `restorer.name`. `confirm` sees the plan; False ends here (a dry run).

    A report with verdict FAIL or INCONCLUSIVE means that the copy was dropped and the live database not touched.
    Raises `BadBackupError`, `PreflightError`, `RefusedError`, `LockedError`, `ToolError`, `DatabaseError`.
    """
    run = _Run(restorer, catalog, manifest, wishes, app, clock, progress)
    with ExitStack() as stack:
        archive = stack.enter_context(
            whole(catalog, manifest, jobs=wishes.jobs, progress=progress, phases=run.phases)
        )
        plan = run.plan(archive)
        if not confirm(plan):
            return run.report(Verdict.PASS, dry_run=True)
        stack.enter_context(restorer.lock())
        run.prepare(archive)
        side = run.load(stack, archive)
        comparison = run.compare(side, archive, plan.destination.server.major)
        if (verdict := run.judge(comparison)) is not Verdict.PASS:
            return run.report(verdict)
        stack.enter_context(stopped(app, progress, run.phases))
        run.swap(side)
    return run.report(Verdict.PASS)


class _Run:
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
    ) -> None:
        self._restorer = restorer
        self._manifest = manifest
        self._wishes = wishes._replace(app_stops_sessions=app.stop is not None)
        self._progress = progress
        self._clock = clock
        self._moment = backup_id(clock())
        self._skipped: list[Any] = []
        self._findings: list[Finding] = []
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
        for name in self._restorer.clear_leftovers():
            self._note("leftover-dropped", name, "the side database of a restore that was killed")
        if self._wishes.create_roles:
            self._restorer.create_roles(archive.globals_sql)

    def load(self, stack: ExitStack, archive: Archive) -> SideDatabase:
        progress, wishes, phases = self._progress, self._wishes, self.phases
        progress.phase("create")
        with timed(phases, "create"):
            side = stack.enter_context(self._restorer.side(self._manifest, self._moment))
        progress.phase("load", total_bytes=sum(table.bytes for table in self._manifest.inventory.tables))
        with timed(phases, "load"):
            self._findings += side.load(self._manifest, archive.path, wishes, progress)
        progress.phase("analyze")
        with timed(phases, "analyze"):
            side.analyze(wishes.jobs)
        # After ANALYZE, for a setting of the database may make every session read-only.
        progress.phase("settings")
        with timed(phases, "settings"):
            side.settle(archive.database_sql, wishes)
        return side

    def compare(self, side: SideDatabase, archive: Archive, major: int) -> Comparison:
        self._progress.phase("compare", total_bytes=sum(t.bytes for t in self._manifest.inventory.tables))
        with timed(self.phases, "compare"):
            return check_copy(
                side, archive, self._wishes, self._progress, major=major, skipped_kinds=WAITING_FOR_SWAP
            )

    def judge(self, comparison: Comparison) -> Verdict:
        self._findings += comparison.findings
        self._skipped += comparison.not_evaluated
        verdict = judge(comparison.findings, evaluated=comparison.conclusive)
        if verdict is not Verdict.PASS:
            self._note("not-restored", self._restorer.name, "the copy was dropped; the live database was not touched")
        return verdict

    def swap(self, side: SideDatabase) -> None:
        restorer, ends = self._restorer, self._wishes.end_sessions
        restorer.check_sessions(end_sessions=ends)
        self._progress.phase("swap")
        try:
            with timed(self.phases, "swap"):
                old = side.swap(self._moment, end_sessions=ends)
        except KeyboardInterrupt:
            if any(aside.moment == self._moment for aside in restorer.asides()):
                self._progress.note(f"the swap was done; undo it with: {self._command('--undo')}")
            raise
        self._provenance["old_database"] = old
        if old:
            self._provenance |= {"undo": self._command("--undo"), "drop": self._command("--drop-old")}
            hint = f"go back to it: {self._command('--undo')}\ndrop it: {self._command('--drop-old')}"
            self._note("old-database", old, "what was there before, whole", hint)

    def _command(self, flag: str) -> str:
        import shlex

        into = ["--into", self._restorer.name] if self._restorer.name != self._manifest.engine.database else []
        return shlex.join(["dbops", "restore", "--target", self._manifest.target, *into, flag])

    def _note(self, kind: str, subject: str, text: str, hint: str = "") -> None:
        self._findings.append(Finding(id=kind, severity=Severity.INFO, subject=subject, actual=text, hint=hint))

    def report(self, verdict: Verdict, *, dry_run: bool = False) -> Report:
        return Report(
            task="restore",
            target=self._manifest.target,
            verdict=verdict,
            findings=tuple(self._findings),
            phases=self.phases,
            not_evaluated=tuple(self._skipped),
            provenance=self._provenance | ({"dry_run": True} if dry_run else {}),
        )
