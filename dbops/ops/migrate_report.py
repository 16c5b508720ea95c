"""What a migration has to say: what is in, what is not, who was in the way, and the command that leads back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from dbops.config import Migrations
from dbops.language import msg
from dbops.migrations.history import History
from dbops.model import Finding, Manifest, Report, Severity, Verdict
from dbops.ops import not_at_head
from dbops.ops.migrate_upgrade import Result
from dbops.ops.rehearse_measure import shown


def back(again: Sequence[str], backup: str) -> str:
    """The command that brings the safety backup back."""
    return msg("go back: {command}", command=shlex.join(["dbops", "restore", *again, "--backup", backup]))


def not_judged() -> Finding:
    """The warning in the report of a migration that was accepted with parts of the gate not evaluated."""
    return Finding(
        id="migration-not-judged",
        severity=Severity.WARNING,
        subject="gate",
        expected=msg("everything that could stand against it was judged"),
        actual=msg("not everything could be: see what was not evaluated"),
        hint=msg("mend that, or say --accept REASON; the reason is kept in the report"),
    )


def done(history: History, ran: Sequence[str], result: Result, backup: str, again: Sequence[str]) -> Iterator[Finding]:
    """What ran, and the way back. `ran`: ids in order; `backup`: the id of the safety backup, '' for none; `again`: how
    the command line was begun."""
    yield Finding(
        id="migrated",
        severity=Severity.INFO,
        subject=_place(history, ran[-1]) if ran else "",
        actual=msg(
            "{ran}: in {seconds:.1f} s, at attempt {count}",
            ran=", ".join(ran),
            seconds=result.last.seconds,
            count=len(result.outcomes),
        ),
        hint=back(again, backup),
    )
    if result.last.why:
        yield Finding(
            id="migration-ends-badly",
            severity=Severity.WARNING,
            subject=_place(history, ran[-1]) if ran else "",
            expected=msg("the application's upgrade ends without an error"),
            actual=msg("the database is where it should be, and then: {why}", why=result.last.why),
            hint=msg("mend what the application does after its migrations"),
        )


def failed(
    history: History, ran: Sequence[str], left: Sequence[str], result: Result, settings: Migrations
) -> Iterator[Finding]:
    """Why the upgrade stopped, and where the database stands now. `ran`: ids that are applied; `left`: that are not."""
    outcome = result.last
    statement = (
        msg(" at {sql}", sql=shown(outcome.failed.sql)) if outcome.failed is not None and outcome.failed.sql else ""
    )
    name = outcome.stopped_in or next(iter(left), "")
    subject = _place(history, name) if name else ""
    at = ", ".join(sorted(result.rows)) or msg("no revision")
    if result.locked_out:
        by = ", ".join(result.blockers) or msg("nobody who could be seen")
        yield Finding(
            id="migration-blocked",
            severity=Severity.ERROR,
            subject=subject,
            expected=msg(
                "a lock within {float:g} s, in {retries} tries",
                float=float(settings.lock_timeout),
                retries=settings.retries + 1,
            ),
            actual=msg(
                "not granted in {count}{statement}; in the way: {by}",
                count=len(result.outcomes),
                statement=statement,
                by=by,
            ),
            hint=msg("end that session, or wait for it; nothing waits behind the migration now"),
        )
    elif not outcome.why:
        yield Finding(
            id="migration-not-at-head",
            severity=Severity.ERROR,
            subject=subject,
            expected=msg("at {heads}", heads=", ".join(history.heads)),
            actual=msg("the application says that it is done, and the database is at {at}", at=at),
            hint=not_at_head.hint(outcome, settings),
        )
    else:
        yield Finding(
            id="migration-failed",
            severity=Severity.ERROR,
            subject=subject,
            expected=msg("the upgrade comes to its end"),
            actual=msg("{why}{statement}", why=outcome.why, statement=statement),
            hint="" if result.half else msg("this run has left nothing of that revision in the database"),
        )
    yield Finding(
        id="migration-stands",
        severity=Severity.INFO,
        subject=at,
        actual=msg(
            "applied in this run: {ran}; not applied: {left}",
            ran=", ".join(ran) or msg("none"),
            left=", ".join(left) or msg("none"),
        ),
    )
    if result.half is not None:
        yield Finding(
            id="migration-half-applied",
            severity=Severity.ERROR,
            subject=_place(history, result.half.revision),
            expected=msg("a revision is in the database, or it is not"),
            actual=msg("a part of it stayed:\n{left}", left=result.half.text()),
            hint=msg("undo what is in by hand, or run what is missing by hand and stamp it; or restore"),
        )


def way_back(saved: Manifest, again: Sequence[str], *, changed: bool) -> Finding:
    """The command that restores the safety backup; `changed`: whether the database is another than before."""
    return Finding(
        id="way-back",
        severity=Severity.INFO,
        subject=saved.id,
        actual=msg("what the database held before") if changed else msg("it was not needed: the database is as it was"),
        hint=back(again, saved.id),
    )


def restored(saved: Manifest, report: Report, again: Sequence[str]) -> Finding:
    """What restoring the safety backup came to."""
    if report.verdict is Verdict.PASS:
        text = msg("the safety backup was restored: the database is what it was before")
        return Finding(id="restored", severity=Severity.INFO, subject=saved.id, actual=text)
    wrong = "; ".join(f"{one.subject}: {one.actual}" for one in report.findings if one.severity is Severity.ERROR)
    return Finding(
        id="not-restored",
        severity=Severity.ERROR,
        subject=saved.id,
        expected=msg("the safety backup is restored"),
        actual=wrong or msg("the restore was {value}", value=report.verdict.value),
        hint=back(again, saved.id),
    )


def _place(history: History, name: str) -> str:
    return history[name].place if name in history else name
