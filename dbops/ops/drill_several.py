"""Several drills as one report, and what it says of a target that has nothing to drill."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dbops import __version__
from dbops.errors import BadBackupError, DbopsError, NothingToCheckError
from dbops.language import joined, msg
from dbops.model import Failure, Finding, NotEvaluated, Report, Severity, Verdict

_WORST = (Failure.BROKEN, Failure.BAD_BACKUP, Failure.OVER_TARGET, Failure.ENVIRONMENT, Failure.NONE)
_VERDICTS = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def combine(reports: Sequence[Report]) -> Report:
    """The worst verdict and failure, all findings with the backup that each is about, the phases added up; a single
    report as it is."""
    if len(reports) == 1:
        return reports[0]
    phases: dict[str, float] = {}
    for report in reports:
        for name, seconds in report.phases.items():
            phases[name] = phases.get(name, 0.0) + seconds
    return Report(
        task="drill",
        target=", ".join(dict.fromkeys(report.target for report in reports)),
        verdict=min((report.verdict for report in reports), key=_VERDICTS.index),
        findings=tuple(
            msgspec.structs.replace(finding, subject=f"{_backup(report)}: {finding.subject}")
            for report in reports
            for finding in report.findings
        ),
        phases=phases,
        not_evaluated=tuple(
            NotEvaluated(id=item.id, reason=msg("{backup}: {reason}", backup=_backup(report), reason=item.reason))
            for report in sorted(reports, key=lambda one: -_WORST.index(one.failure))  # the last one is the headline's
            for item in report.not_evaluated
        ),
        provenance={
            "backups": [
                {
                    "target": r.target,
                    "id": r.provenance.get("backup", ""),
                    "verdict": r.verdict.value,
                    "failure": r.failure.value,
                }
                for r in reports
            ],
            "dbops_version": __version__,
        },
        failure=min((report.failure for report in reports), key=_WORST.index),
    )


def not_drilled(target: str, error: DbopsError) -> Report:
    """The report on a target whose newest backup could not be found: the other targets are drilled all the same."""
    if isinstance(error, BadBackupError):
        bad = Finding(
            id=error.kind,
            severity=Severity.ERROR,
            subject=target,
            expected=msg("a usable backup"),
            actual=error.message,
            hint=error.hint,
        )
        return Report(task="drill", target=target, verdict=Verdict.FAIL, findings=(bad,), failure=Failure.BAD_BACKUP)
    nothing = isinstance(error, NothingToCheckError)
    reason = joined(": ", filter(None, [error.message, error.hint]))
    return Report(
        task="drill",
        target=target,
        verdict=Verdict.INCONCLUSIVE,
        not_evaluated=(NotEvaluated(id=error.kind, reason=reason),),
        provenance={"dbops_version": __version__},
        failure=Failure.ENVIRONMENT if nothing else Failure.BROKEN,
    )


def _backup(report: Report) -> str:
    """`target/id`: which of the drills."""
    return "/".join(part for part in (report.target, str(report.provenance.get("backup", ""))) if part)
