"""rehearse: the latest backup → a sandbox, proved as in every drill → the application's own upgrade on the copy.

It is a step of the gate. What it restores is drilled as any backup is, so that the time of a restore is measured on the
way, and a bad backup is met here and not on the day that it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.errors import ConfigError, DbopsError, NothingToCheckError, StoreError, ToolError
from dbops.language import msg
from dbops.migrations.goal import HEADS
from dbops.migrations.rules import of_step
from dbops.migrations.runner import ElsewhereError
from dbops.model import Finding, Manifest, NotEvaluated, Report, Severity
from dbops.ops import rehearse_measure
from dbops.ops.drill import Drill, Places, errors_of
from dbops.ops.drill_stage import RTO_PHASES
from dbops.ops.gate_steps import NO_DATABASE, Outcome, Step
from dbops.ops.migration_ground import Ground
from dbops.ops.rehearse_facts import Rehearsal, WayBack
from dbops.ops.rehearse_runs import Plan, Runs
from dbops.ops.rehearse_trial import Trial
from dbops.progress import Progress

ID = "rehearsal"


class Rehearser:
    """Rehearses when it is called as a step; `result` is there then, if the upgrade was tried at all."""

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        target: Target,
        places: Places,
        *,
        clock: Callable[[], datetime],
        progress: Progress,
        backup: str = "latest",
        to: str = HEADS,
        always: bool = False,
    ) -> None:
        """`always`: not only for what a database is known to lack."""
        self._catalog, self._target, self._places = catalog, target, places
        self._clock, self._progress = clock, progress
        self._backup, self._to, self._always = backup, to, always
        self.result: Rehearsal | None = None
        self.drill: Report | None = None
        self.captured: dict[str, list[str]] = {}
        """What was heard, for those who judge statements: by revision that came to its end."""

    def step(self) -> Step:
        return Step(ID, self)

    def __call__(self, ground: Ground) -> Outcome:
        if not self._always and ground.version is None:
            return Outcome(skipped=[NotEvaluated(id=ID, reason=NO_DATABASE)])
        if not self._always and ground.pending == ():
            return Outcome(skipped=[NotEvaluated(id=ID, reason=msg("nothing is pending"))])
        if ground.broken:
            return Outcome(open=[NotEvaluated(id=ID, reason=ground.broken)])
        try:
            catalog = self._catalog()
            manifest = catalog.find(self._target.name, self._backup)
        except (NothingToCheckError, StoreError, ConfigError) as error:
            if isinstance(error, ConfigError) and error.kind != "no-store":
                raise
            return Outcome(
                open=[NotEvaluated(id=ID, reason=msg("{message}: {hint}", message=error.message, hint=error.hint))]
            )
        return self._rehearse(ground, catalog, manifest)

    def _rehearse(self, ground: Ground, catalog: Catalog, manifest: Manifest) -> Outcome:
        migrations = self._target.migrations
        assert migrations is not None  # noqa: S101 - whoever makes this has looked
        places = self._places._replace(sandbox=lambda needs: self._places.sandbox(needs._replace(shows_locks=True)))
        work = Drill(catalog, manifest, self._target, places, clock=self._clock, progress=self._progress)
        start = ground.version.rows if ground.version is not None else None
        plan = Plan(ground.history, self._target, migrations, manifest.engine.name, self._to, start)
        trial: Trial | None = None
        trouble: list[NotEvaluated] = []
        elsewhere: list[Finding] = []
        with work:
            work.run()
            if work.copy is not None:
                try:
                    trial = Trial(Runs(plan, work.copy, self._places.engine(work.copy.url), self._progress))
                    trial.run()
                except ElsewhereError as error:
                    elsewhere = [_elsewhere(error, self._target.name)]
                except ToolError as error:
                    trouble = [NotEvaluated(id=ID, reason=str(error))]
                except DbopsError as error:
                    trouble = [NotEvaluated(id=ID, reason=f"{error.message}: {error.hint}".rstrip(": "))]
        self.drill = work.report
        found = [*_of_backup(work.report, manifest), *elsewhere, *_of_ground(ground, manifest)]
        if trial is None:
            open_ones = [NotEvaluated(id=ID, reason=_why_no_copy(work.report))]
            return Outcome(found, _judged(found), open=open_ones if not errors_of(work.report) else ())
        if trouble or elsewhere:
            return Outcome(found, _judged(found), open=trouble)
        found += trial.findings
        self.captured = rehearse_measure.heard(trial.events)
        self.result = self._facts(trial, work.report, manifest)
        # What could not be seen of the queries is no reason for doubt in the rest.
        judged = [one for one in of_step(ID) if one not in {left.id for left in trial.open}]
        return Outcome(found, judged, skipped=trial.open)

    def _facts(self, trial: Trial, drill: Report, manifest: Manifest) -> Rehearsal:
        runs = trial.runs
        table = runs.plan.migrations.version_table
        restore = sum(drill.phases.get(name, 0.0) for name in RTO_PHASES)
        back = trial.way_back
        if back.kind == "restore":
            command = f"dbops restore --target {self._target.name} --backup ID"
            back = msgspec.structs.replace(back, seconds=restore, command=command)
        if back.kind != "none" and _of_backup(drill, manifest):
            back = WayBack(kind="none", seconds=0.0, command="", why="the backup itself is bad")
        return Rehearsal(
            backup=manifest.id,
            sandbox=str(drill.provenance.get("sandbox", "")),
            current=tuple(sorted(runs.current)),
            pending=tuple(one.id for one in runs.pending),
            reached=tuple(sorted(trial.reached)),
            upgrade_seconds=runs.phases.get("upgrade", 0.0),
            downgrade_seconds=runs.phases.get("downgrade"),
            restore_seconds=restore,
            statements=rehearse_measure.ran(trial.events, table),
            locks=trial.locks,
            tables=tuple(trial.changes),
            way_back=back,
            unobserved=trial.unobserved,
            versions=trial.versions,
        )


def _judged(found: list[Finding]) -> tuple[str, ...]:
    """Without a copy only that much was judged."""
    return tuple(dict.fromkeys(one.id for one in found if one.id in of_step(ID)))


def _of_backup(drill: Report, manifest: Manifest) -> list[Finding]:
    # What does not hold in the source itself is no fault of its backup.
    wrong = [one for one in drill.findings if one.severity is Severity.ERROR and one.id not in ("invariant", "smoke")]
    if not wrong:
        return []
    text = "; ".join(f"{one.subject}: {one.actual}" for one in wrong[:3])
    return [
        Finding(
            id="rehearsal-backup-bad",
            severity=Severity.ERROR,
            subject=manifest.id,
            expected=msg("a backup that restores, and holds what its source held"),
            actual=text,
            hint=msg("no way back leads over it: dbops drill --backup {manifest} tells all", manifest=manifest.id),
        )
    ]


def _of_ground(ground: Ground, manifest: Manifest) -> list[Finding]:
    if ground.version is None or set(manifest.migration.heads) == set(ground.version.rows):
        return []
    return [
        Finding(
            id="rehearsal-older-backup",
            severity=Severity.INFO,
            subject=manifest.id,
            expected=msg(
                "at {rows}, as the database", rows=", ".join(sorted(ground.version.rows)) or msg("no revision")
            ),
            actual=msg(
                "it is at {heads}: what came between is run first",
                heads=", ".join(manifest.migration.heads) or msg("no revision"),
            ),
        )
    ]


def _elsewhere(error: ElsewhereError, target: str) -> Finding:
    return Finding(
        id="rehearsal-elsewhere",
        severity=Severity.ERROR,
        subject=target,
        expected=msg("the application migrates the database that it is given"),
        actual=error.message,
        hint=error.hint,
    )


def _why_no_copy(drill: Report) -> str:
    return "; ".join(f"{one.id}: {one.reason}" for one in drill.not_evaluated[:3]) or msg("the backup was not restored")
