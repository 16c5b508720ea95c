"""The pending revisions on a copy: up, looked at, down where there is a way, and up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from dbops.config import Migrations, Target
from dbops.engine.base import Engine
from dbops.engine.migrating import Limits, Migrator
from dbops.errors import DbopsError
from dbops.migrations.history import History, Standing
from dbops.migrations.runner import NotRenderableError, Outcome, Runner
from dbops.migrations.runner_events import Event, Statement
from dbops.migrations.values import Downgrade, Revision
from dbops.model import Finding, NotEvaluated, Severity
from dbops.ops import half_applied, rehearse_measure, rehearse_queries
from dbops.ops.drill_rules import invariant_findings
from dbops.ops.drill_stage import Copy
from dbops.ops.rehearse_copy import Look, changes, differences, look, lost
from dbops.ops.rehearse_facts import TableChange, WayBack
from dbops.progress import Progress

HEADS = "heads"


class Plan(NamedTuple):
    """What is rehearsed. `to`: a revision, or `heads`. `dialect`: `postgres`, `mysql` or `mariadb`."""

    history: History
    target: Target
    migrations: Migrations
    dialect: str
    to: str = HEADS


class Trial:
    """One copy and what was seen on it. `run` is called once."""

    def __init__(self, plan: Plan, copy: Copy, engine: Engine, progress: Progress) -> None:
        self.plan, self._copy, self._engine, self._progress = plan, copy, engine, progress
        self.findings: list[Finding] = []
        self.open: list[NotEvaluated] = []
        self.events: list[Event] = []
        self.changes: list[TableChange] = []
        self.phases: dict[str, float] = {}
        self.current: frozenset[str] = frozenset()
        self.reached: frozenset[str] = frozenset()
        self.pending: tuple[Revision, ...] = ()
        self.versions: dict[str, str] = {}
        self.upgraded = False
        self._broken: set[str] = set()
        self.way_back = WayBack(kind="none", seconds=0.0, command="", why="the upgrade did not come to its end")

    @property
    def transactional(self) -> bool:
        """Whether a revision that fails leaves nothing."""
        return self.plan.dialect == "postgres"

    def run(self) -> None:
        plan, migrator = self.plan, self._engine.migrator()
        self.current = self._rows()
        relation = plan.history.relation(self.current)
        self.pending = tuple(plan.history[name] for name in needed(plan.history, relation.pending, plan.to))
        queries = rehearse_queries.read(plan.migrations.queries, plan.dialect) if plan.migrations.queries else ()
        asked = rehearse_queries.tried(queries, migrator)
        self._broken = {one.subject for one in invariant_findings(plan.target, self._copy.side)}
        self._progress.phase("look")
        before = self._look(None)
        outcome = self._upgrade(migrator, self.events)
        self.reached = self._rows()
        self.versions = outcome.versions
        if not self._judge_upgrade(outcome, migrator):
            return
        self.upgraded = True
        after = self._look(before)
        self.changes = list(changes(before, after))
        self.findings += lost(self.changes, self._subject())
        self.findings += rehearse_measure.findings(
            self.events,
            self._place,
            version_table=plan.migrations.version_table,
            max_lock=float(plan.migrations.max_lock),
        )
        if plan.migrations.queries:
            answers = rehearse_queries.tried(queries, migrator)
            for one in rehearse_queries.judge(asked, answers, plan.migrations.queries, self._subject()):
                if isinstance(one, Finding):
                    self.findings.append(one)
                else:
                    self.open.append(one)
        self._invariants()
        self._back(migrator, before, after)

    # --- up ---------------------------------------------------------------------------------------------------------

    def _upgrade(self, migrator: Migrator, events: list[Event]) -> Outcome:
        def hear(event: Event) -> None:
            events.append(event)
            if isinstance(event, Statement) and event.revision:
                self._progress.item(f"{event.revision}: {rehearse_measure.shown(event.sql)[:60]}")

        return self._run(migrator, "upgrade", self.plan.to, hear)

    def _run(self, migrator: Migrator, phase: str, revision: str, hear: Callable[[Event], None]) -> Outcome:
        self._progress.phase(phase)
        begun = time.monotonic()
        with migrator.sessions(Limits()) as rules:
            runner = Runner(self.plan.migrations, self._copy.url, rules=rules)
            work = runner.downgrade if phase == "downgrade" else runner.upgrade
            outcome = work(revision, on_event=hear, timeout=float(self.plan.migrations.timeout))
        self.phases[phase] = self.phases.get(phase, 0.0) + time.monotonic() - begun
        return outcome

    def _judge_upgrade(self, outcome: Outcome, migrator: Migrator) -> bool:
        """Whether the copy is where it should be; the version table says so, not the application."""
        if arrived(self.plan.history, self.reached, self.plan.to):
            if outcome.why:
                self.findings.append(
                    Finding(
                        id="rehearsal-ends-badly",
                        severity=Severity.WARNING,
                        subject=self._subject(),
                        expected="the application's upgrade ends without an error",
                        actual=f"the database is at its head, and then: {outcome.why}",
                        hint="a deploy that looks at the exit status will take it for a failure",
                    )
                )
            return True
        reached = ", ".join(sorted(self.reached)) or "no revision"
        if not outcome.why:
            self.findings.append(
                Finding(
                    id="rehearsal-not-at-head",
                    severity=Severity.ERROR,
                    subject=self._subject(),
                    expected=f"at {self.plan.to}: {', '.join(self.plan.history.heads)}",
                    actual=f"the application says that it is done, and the database is at {reached}",
                    hint=f"does it read its URL from {self.plan.migrations.url_variable}, and run what is in "
                    f"{self.plan.migrations.directory}?",
                )
            )
            return False
        failed = outcome.failed
        name = failed.revision if failed is not None and failed.revision else _running(outcome)
        statement = f" at {rehearse_measure.shown(failed.sql)}" if failed is not None and failed.sql else ""
        self.findings.append(
            Finding(
                id="rehearsal-upgrade-fails",
                severity=Severity.ERROR,
                subject=self._place(name) if name else self._subject(),
                expected=f"it runs on a copy of {self.plan.target.name}",
                actual=f"{outcome.why}{statement}",
                hint=self._failed_hint(outcome, name, migrator),
            )
        )
        return False

    def _failed_hint(self, outcome: Outcome, name: str, migrator: Migrator) -> str:
        if self.transactional:
            return "on the database itself it would fail in the same way, and be rolled back"
        stays = half_applied.heard(outcome, transactional=False)
        if stays is not None:
            return f"nothing rolls that back: on the database itself the half of it would stay\n{stays.text()}"
        first = self.pending[0].id if self.pending else ""
        if name == first and (half := self._half(first, migrator)) is not None:
            self.findings.append(
                Finding(
                    id="migration-half-applied",
                    severity=Severity.ERROR,
                    subject=self._place(first),
                    expected="a revision is in the database, or it is not",
                    actual=f"an earlier run has left a part of it there\n{half.text()}",
                    hint=f"go on by hand with:\n{half.resume}or restore the backup from before it",
                )
            )
            return "see migration-half-applied"
        return "nothing of it would stay in the database"

    def _half(self, name: str, migrator: Migrator) -> half_applied.HalfApplied | None:
        revision = self.plan.history[name]
        try:
            text = Runner(self.plan.migrations, self._copy.url).render(
                revision.down[0] if revision.down else "base", name
            )
        except (NotRenderableError, DbopsError) as error:
            self.open.append(NotEvaluated(id="migration-half-applied", reason=error.message))
            return None

        def definitions() -> object:
            with self._copy.side.snapshot() as snapshot:
                return snapshot.objects()

        return half_applied.diagnose(
            name, text, self.plan.dialect, self.plan.migrations.version_table, migrator, definitions
        )

    def _invariants(self) -> None:
        for one in invariant_findings(self.plan.target, self._copy.side):
            if one.subject in self._broken:  # before the upgrade too: the drill tells
                continue
            self.findings.append(
                Finding(
                    id="rehearsal-invariant",
                    severity=one.severity,
                    subject=self._subject(),
                    expected=f"{one.subject}: {one.expected}",
                    actual=one.actual,
                    hint=one.hint,
                )
            )

    # --- down -------------------------------------------------------------------------------------------------------

    def _back(self, migrator: Migrator, before: Look, after: Look) -> None:
        """Down and up again; what it leaves says whether production could go that way."""
        if why := self._no_downgrade():
            self.way_back = WayBack(kind="restore", seconds=0.0, command="", why=why)
            return
        to = next(iter(self.current), "base")
        outcome = self._run(migrator, "downgrade", to, lambda _event: None)
        rows = self._rows()
        if rows != self.current or outcome.why:
            reached = ", ".join(sorted(rows)) or "no revision"
            self._way_back_lost(
                "rehearsal-downgrade-fails", f"{outcome.why or 'it ends, and is not there'}: at {reached}"
            )
            return
        seconds = self.phases["downgrade"]
        different = differences(before, self._look(before), self.plan.migrations.version_table)
        if different:
            self._way_back_lost("rehearsal-downgrade-loses", "; ".join(different[:10]))
        else:
            self.way_back = WayBack(kind="downgrade", seconds=seconds, command=self._downgrade_command(to))
        again = self._run(migrator, "upgrade again", self.plan.to, lambda _event: None)
        if not arrived(self.plan.history, self._rows(), self.plan.to):
            self._way_back_lost("rehearsal-upgrade-again-fails", again.why or "it ends, and is not at its head")
        elif not different and (left := differences(after, self._look(after), self.plan.migrations.version_table)):
            self._way_back_lost("rehearsal-upgrade-again-fails", "it gives another schema: " + "; ".join(left[:10]))

    def _no_downgrade(self) -> str:
        """Why there is no way down; '' if there is one to try."""
        if len(self.current) > 1:
            return f"there are {len(self.current)} current revisions to go back to"
        for one in self.pending:
            bodies = self.plan.history.bodies(one.id)
            if bodies.upgrades and bodies.downgrade not in (Downgrade.WORKS, Downgrade.HIDDEN):
                return f"{one.id} has no downgrade"
        return ""

    def _way_back_lost(self, kind: str, text: str) -> None:
        self.way_back = WayBack(kind="restore", seconds=0.0, command="", why=text)
        self.findings.append(
            Finding(
                id=kind,
                severity=Severity.WARNING,
                subject=self._subject(),
                expected="down and up again, with rows and schema as before",
                actual=text,
                hint="the way back is a restore: mend the downgrade, or let it raise NotImplementedError",
            )
        )

    def _downgrade_command(self, to: str) -> str:
        return f"{'flask db' if self.plan.migrations.kind == 'flask-migrate' else 'alembic'} downgrade {to}"

    # --- little things ----------------------------------------------------------------------------------------------

    def _rows(self) -> frozenset[str]:
        settings = self.plan.migrations
        return self._engine.version_rows(settings.version_table, settings.version_schema).rows

    def _look(self, like: Look | None) -> Look:
        table = self.plan.migrations.version_table
        return look(self._copy.side, self.plan.target.jobs, version_table=table, like=like)

    def _place(self, name: str) -> str:
        return self.plan.history[name].place if name in self.plan.history else name

    def _subject(self) -> str:
        """The last of the pending revisions stands for all of them."""
        return self.pending[-1].place if self.pending else self.plan.target.name


def needed(history: History, pending: tuple[str, ...], to: str) -> tuple[str, ...]:
    """Those of the pending revisions that an upgrade to a revision runs."""
    if to == HEADS:
        return pending
    wanted = history.ancestors([to])
    return tuple(name for name in pending if name in wanted)


def arrived(history: History, rows: frozenset[str], to: str) -> bool:
    """Whether a database with these version rows has all that `to` stands for, and is at nothing unknown."""
    if not rows or any(name not in history for name in rows):
        return False
    if to == HEADS:
        return history.relation(rows).standing is Standing.AT_HEAD and not history.overlapping(rows)
    return to in history.ancestors(rows)


def _running(outcome: Outcome) -> str:
    """The revision that had begun and has not ended."""
    applied = {one.revision for one in outcome.applied}
    return next((one.revision for one in reversed(outcome.begun) if one.revision not in applied), "")
