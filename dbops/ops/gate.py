"""gate: go or no-go for the pending revisions, as a flat list of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dbops import __version__
from dbops.config import Suppress
from dbops.language import msg
from dbops.migrations.places import prefix
from dbops.migrations.suppressions import weigh
from dbops.model import NotEvaluated, judge
from dbops.ops.gate_steps import Step, database, graph, ledger, revisions, to_come
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport, steps
from dbops.ops.provenance import operator
from dbops.ops.timing import timed

STEPS: Sequence[Step] = (
    Step("graph", graph),
    Step("revisions", revisions),
    Step("database", database),
    Step("ledger", ledger),
    to_come("drift", msg("whether the live schema is what its revisions build")),
    to_come("lint", msg("the SQL of the pending revisions")),
    to_come("commutativity", msg("whether parallel branches give one schema in both orders")),
    to_come("rehearsal", msg("the pending revisions on a restored copy")),
)


def with_steps(plan: Sequence[Step], *steps: Step) -> tuple[Step, ...]:
    """The plan with these in the places of those of the same ids."""
    named = {step.id: step for step in steps}
    return tuple(named.get(step.id, step) for step in plan)


def rehearsed_first(plan: Sequence[Step]) -> tuple[Step, ...]:
    """The plan with the rehearsal before what can use the statements that it hears."""
    ids = [step.id for step in plan]
    rehearsal = plan[ids.index("rehearsal")]
    rest = [step for step in plan if step is not rehearsal]
    at = ids.index("drift")
    return (*rest[:at], rehearsal, *rest[at:])


class Settings(NamedTuple):
    """A target's own: the weight of rules, and what is allowed for a time."""

    rules: Mapping[str, str] = {}
    suppress: Sequence[Suppress] = ()


def gate(
    ground: Ground,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    plan: Sequence[Step] = STEPS,
    task: str = "gate",
    phases: Mapping[str, float] | None = None,
) -> MigrationReport:
    """Runs the steps of `plan`, weighs what they found, and says go (PASS), no-go (FAIL), or that it cannot tell
    (INCONCLUSIVE). `phases`: seconds that were spent before."""
    took = dict(phases or {})
    outcomes = []
    for step in plan:
        with timed(took, step.id):
            outcomes.append(step.run(ground))
        if not outcomes[-1].judged:
            del took[step.id]
    judged = tuple(dict.fromkeys(rule for outcome in outcomes for rule in outcome.judged))
    weighed = weigh(
        [finding for outcome in outcomes for finding in outcome.findings],
        ground.history,
        rules=settings.rules,
        suppress=settings.suppress,
        evaluated=judged,
        today=clock().date(),
    )
    left_open = [one for outcome in outcomes for one in outcome.open]
    skipped = [one for outcome in outcomes for one in outcome.skipped]
    off = [NotEvaluated(id=one, reason=msg("switched off in dbops.toml")) for one in weighed.off]
    return MigrationReport(
        task=task,
        target=ground.target,
        verdict=judge(weighed.findings, evaluated=not left_open),
        findings=weighed.findings,
        phases=took,
        not_evaluated=(*left_open, *skipped, *off),
        provenance=_provenance(ground),
        directory=str(ground.history.root),
        prefix=prefix(ground.history.root),
        heads=() if ground.broken else ground.history.heads,
        current=tuple(sorted(ground.version.rows)) if ground.version is not None else None,
        standing=ground.relation.standing.value if ground.relation is not None else "",
        pending=steps(ground.pending) if ground.pending is not None else None,
        since=ground.since,
        suppressed=weighed.suppressed,
        evaluated=tuple(rule for rule in judged if rule not in weighed.off),
    )


def _provenance(ground: Ground) -> dict[str, Any]:
    facts: dict[str, Any] = {"directory": str(ground.history.root), "revisions": len(ground.history.revisions)}
    if ground.base:
        facts["base"] = ground.base
    if ground.version is not None:
        facts["version_table"] = ground.version.table
    return facts | {"dbops_version": __version__} | operator()
