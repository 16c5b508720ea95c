"""Several drills as one report."""

from __future__ import annotations

from collections.abc import Sequence

from dbops import __version__
from dbops.model import Failure, Report, Verdict

_WORST = (Failure.BROKEN, Failure.BAD_BACKUP, Failure.OVER_TARGET, Failure.ENVIRONMENT, Failure.NONE)
_VERDICTS = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def combine(reports: Sequence[Report]) -> Report:
    """The worst verdict and failure, all findings, the phases added up; a single report as it is."""
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
        findings=tuple(finding for report in reports for finding in report.findings),
        phases=phases,
        not_evaluated=tuple(item for report in reports for item in report.not_evaluated),
        provenance={
            "backups": [
                {
                    "target": r.target,
                    "id": r.provenance["backup"],
                    "verdict": r.verdict.value,
                    "failure": r.failure.value,
                }
                for r in reports
            ],
            "dbops_version": __version__,
        },
        failure=min((report.failure for report in reports), key=_WORST.index),
    )
