"""The pending revisions on a copy: up, looked at, down where there is a way, and up again."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dbops.language import msg
from dbops.migrations.runner_events import Event, Statement
from dbops.model import Finding, NotEvaluated
from dbops.ops import rehearse_back, rehearse_measure, rehearse_queries, rehearse_up
from dbops.ops.drill_rules import invariant_findings
from dbops.ops.rehearse_blame import Blame
from dbops.ops.rehearse_copy import changes, lost
from dbops.ops.rehearse_facts import HeldLock, TableChange, WayBack
from dbops.ops.rehearse_locks import LockWatch
from dbops.ops.rehearse_locks import held as held_beside
from dbops.ops.rehearse_runs import Runs
from dbops.values import label


class Trial:
    """What was seen on one copy. `run` is called once. `open`: what could not be judged, and why."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.findings: list[Finding] = []
        self.open: list[NotEvaluated] = []
        self.events: list[Event] = []
        self.changes: list[TableChange] = []
        self.locks: tuple[HeldLock, ...] = ()
        self.unobserved = 0
        self.reached: frozenset[str] = frozenset()
        self.versions: dict[str, str] = {}
        self.way_back = WayBack(kind="none", seconds=0.0, command="", why=msg("the upgrade did not come to its end"))

    def run(self) -> None:
        runs, plan = self.runs, self.runs.plan
        file = plan.migrations.queries
        queries = rehearse_queries.read(file, plan.dialect) if file else ()
        asked = rehearse_queries.tried(queries, runs.migrator)
        broken = {one.subject for one in invariant_findings(plan.target, runs.copy.side)}
        runs.progress.phase("look")
        before = runs.look(None)
        watch = LockWatch(runs.migrator)
        with watch.looking():
            outcome = runs.upgrade("upgrade", lambda event: self._hear(event, watch))
        self.reached, self.versions = runs.rows(), outcome.versions
        self._locks(watch, {label(*key) for key in before.tables})
        came = rehearse_up.judge(runs, outcome, self.reached)
        self.findings += came.findings
        self.open += came.open
        if not came.arrived:
            return
        after = runs.look(before)
        self.changes = list(changes(before, after))
        self.findings += lost(self.changes, Blame(plan.history, self.events, plan.dialect, runs.subject))
        self.findings += rehearse_measure.findings(
            self.events,
            self.locks,
            runs.place,
            version_table=plan.migrations.version_table,
            max_lock=float(plan.migrations.max_lock),
        )
        if file:
            answers = rehearse_queries.tried(queries, runs.migrator)
            for one in rehearse_queries.judge(asked, answers, file, runs.subject):
                if isinstance(one, Finding):
                    self.findings.append(one)
                else:
                    self.open.append(one)
        self.findings += _invariants(runs, broken)
        back = rehearse_back.down_and_up(runs, before, after)
        self.way_back = back.way
        self.findings += back.findings

    def _hear(self, event: Event, watch: LockWatch) -> None:
        self.events.append(event)
        watch.hear(event)
        if isinstance(event, Statement) and event.revision:
            self.runs.progress.item(f"{event.revision}: {rehearse_measure.shown(event.sql)[:60]}")

    def _locks(self, watch: LockWatch, known: Collection[str]) -> None:
        """As far as sessions tell of them, and as far as they were seen from beside."""
        own = rehearse_measure.held(self.events, self.runs.plan.migrations.version_table)
        seen = held_beside(self.events, watch.looks, known)
        self.locks = tuple(sorted((*own, *seen.held), key=lambda one: -one.seconds))
        self.unobserved = seen.unseen
        if watch.reason and seen.unseen:
            what = msg("one statement") if seen.unseen == 1 else msg("{unseen} statements", unseen=seen.unseen)
            reason = msg("the locks of {what} were not seen: {reason}", what=what, reason=watch.reason)
            self.open.append(NotEvaluated(id="rehearsal-lock", reason=reason))


def _invariants(runs: Runs, broken: Collection[str]) -> Iterator[Finding]:
    """`broken`: those that did not hold before the upgrade either; the drill tells of them."""
    for one in invariant_findings(runs.plan.target, runs.copy.side):
        if one.subject not in broken:
            yield Finding(
                id="rehearsal-invariant",
                severity=one.severity,
                subject=runs.subject,
                expected=msg("{subject}: {expected}", subject=one.subject, expected=one.expected),
                actual=one.actual,
                hint=one.hint,
            )
