"""What an upgrade on the copy came to: its version table says so, not the application."""

from __future__ import annotations

from typing import NamedTuple

from dbops.errors import DbopsError
from dbops.language import msg
from dbops.migrations.goal import arrived
from dbops.migrations.runner import Outcome, Runner
from dbops.model import Finding, NotEvaluated, Severity
from dbops.ops import half_applied, not_at_head
from dbops.ops.rehearse_measure import shown
from dbops.ops.rehearse_runs import Runs


class Came(NamedTuple):
    """`arrived`: the copy is where it should be. `open`: what could not be found out."""

    arrived: bool
    findings: tuple[Finding, ...] = ()
    open: tuple[NotEvaluated, ...] = ()


def judge(runs: Runs, outcome: Outcome, reached: frozenset[str]) -> Came:
    """`reached`: the version rows after it."""
    plan = runs.plan
    if arrived(plan.history, reached, plan.to):
        return Came(True, (_ends_badly(runs, outcome),) if outcome.why else ())
    if not outcome.why:
        return Came(False, (_not_at_head(runs, outcome, reached),))
    failed = outcome.failed
    name = outcome.stopped_in
    statement = msg(" at {sql}", sql=shown(failed.sql)) if failed is not None and failed.sql else ""
    hint, more = _why_it_failed(runs, outcome, name)
    finding = Finding(
        id="rehearsal-upgrade-fails",
        severity=Severity.ERROR,
        subject=runs.place(name) if name else runs.subject,
        expected=msg("it runs on a copy of {target}", target=plan.target.name),
        actual=msg("{why}{statement}", why=outcome.why, statement=statement),
        hint=hint,
    )
    return more._replace(findings=(*more.findings, finding))


def _ends_badly(runs: Runs, outcome: Outcome) -> Finding:
    return Finding(
        id="rehearsal-ends-badly",
        severity=Severity.WARNING,
        subject=runs.subject,
        expected=msg("the application's upgrade ends without an error"),
        actual=msg("the database is at its head, and then: {why}", why=outcome.why),
        hint=msg("a deploy that looks at the exit status will take it for a failure"),
    )


def _not_at_head(runs: Runs, outcome: Outcome, reached: frozenset[str]) -> Finding:
    plan = runs.plan
    return Finding(
        id="rehearsal-not-at-head",
        severity=Severity.ERROR,
        subject=runs.subject,
        expected=msg("at {to}: {heads}", to=plan.to, heads=", ".join(plan.history.heads)),
        actual=msg(
            "the application says that it is done, and the database is at {reached}",
            reached=", ".join(sorted(reached)) or msg("no revision"),
        ),
        hint=not_at_head.hint(outcome, plan.migrations),
    )


def _why_it_failed(runs: Runs, outcome: Outcome, name: str) -> tuple[str, Came]:
    """The hint, and what else is found on the way: half a revision that somebody has left there."""
    if runs.transactional:
        return msg("on the database itself it would fail in the same way, and be rolled back"), Came(False)
    stays = half_applied.heard(outcome, transactional=False)
    if stays is not None:
        text = msg("nothing rolls that back: on the database itself the half of it would stay")
        return f"{text}\n{stays.text()}", Came(False)
    nothing = msg("nothing of it would stay in the database")
    first = runs.pending[0].id if runs.pending else ""
    if name != first:
        return nothing, Came(False)
    try:
        half = _half(runs, first)
    except DbopsError as error:
        return nothing, Came(False, open=(NotEvaluated(id="migration-half-applied", reason=error.message),))
    if half is None:
        return nothing, Came(False)
    finding = Finding(
        id="migration-half-applied",
        severity=Severity.ERROR,
        subject=runs.place(first),
        expected=msg("a revision is in the database, or it is not"),
        actual=msg("an earlier run has left a part of it there\n{left}", left=half.text()),
        hint=msg("go on by hand with:\n{resume}or restore the backup from before it", resume=half.resume),
    )
    return "see migration-half-applied", Came(False, (finding,))


def _half(runs: Runs, name: str) -> half_applied.HalfApplied | None:
    """Raises `DbopsError` where its SQL cannot be had."""
    plan = runs.plan
    revision = plan.history[name]
    start = revision.down[0] if revision.down else "base"
    text = Runner(plan.migrations, runs.copy.url).render(start, name)

    def definitions() -> object:
        with runs.copy.side.snapshot() as snapshot:
            return snapshot.objects()

    table = plan.migrations.version_table
    return half_applied.diagnose(name, text, plan.dialect, table, runs.migrator, definitions)
