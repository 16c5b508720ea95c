"""Runs of one task for several targets, each in a process of its own, as one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from dbops import __version__
from dbops.errors import Exit
from dbops.language import joined, msg
from dbops.model import Failure, Finding, NotEvaluated, Report, Severity, Verdict

_WORST = (
    Failure.BROKEN,
    Failure.BAD_BACKUP,
    Failure.RULE_BROKEN,
    Failure.OVER_TARGET,
    Failure.ENVIRONMENT,
    Failure.NONE,
)
_ORDER = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
_VERDICTS: dict[int, Verdict] = {
    Exit.OK: Verdict.PASS,
    Exit.FAIL: Verdict.FAIL,
    Exit.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


class Ran(NamedTuple):
    """One target's run: its exit code, seconds, the document that it printed (None if it printed none), the error that
    it ended with, and warnings that its document has no place for."""

    target: str
    code: int
    seconds: float
    document: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    warnings: tuple[Finding, ...] = ()


def report_of(task: str, ran: Ran) -> Report:
    """What became of one target. Exit codes other than 0, 3 and 5 are failed operations."""
    document = ran.document or {}
    facts: dict[str, Any] = {"exit_code": ran.code}
    findings: list[Finding] = list(ran.warnings)
    not_evaluated: list[NotEvaluated] = []
    failure = Failure.NONE if ran.code in _VERDICTS else Failure.BROKEN
    if "verdict" in document:
        report = msgspec.convert({**document, "drills": ()} if "drills" in document else document, _AnyReport)
        known = {(finding.id, finding.subject) for finding in report.findings}
        findings = [*report.findings, *(f for f in findings if (f.id, f.subject) not in known)]
        not_evaluated = list(report.not_evaluated)
        facts = {**report.provenance, **facts}
        if ran.code in _VERDICTS:  # a verification does not say which kind of failure it is: there is but one
            unsaid = report.verdict is Verdict.FAIL and report.failure is Failure.NONE
            failure = Failure.BAD_BACKUP if unsaid else report.failure
    elif "artifacts" in document:
        facts |= {
            "backup": document["id"],
            "bytes": sum(artifact["bytes"] for artifact in document["artifacts"]),
            "rows": sum(table["rows"] for table in document["inventory"]["tables"]),
        }
    elif "items" in document:
        facts |= dict(document)
    if ran.error is not None:
        kind, message, hint = (ran.error.get(name, "") for name in ("kind", "message", "hint"))
        facts["error"] = {"kind": kind, "message": message, "hint": hint}
        if ran.code == Exit.INCONCLUSIVE:
            not_evaluated.append(NotEvaluated(id=kind, reason=joined(": ", filter(None, [message, hint]))))
            failure = Failure.ENVIRONMENT
        else:
            error = Finding(id=kind, severity=Severity.ERROR, subject=ran.target, actual=message, hint=hint)
            findings.append(error)
            failure = Failure.BAD_BACKUP if ran.code == Exit.FAIL else failure
    return Report(
        task=task,
        target=ran.target,
        verdict=_VERDICTS.get(ran.code, Verdict.INCONCLUSIVE),
        findings=tuple(findings),
        phases={ran.target: ran.seconds},
        not_evaluated=tuple(not_evaluated),
        provenance=facts,
        failure=failure,
    )


def combine(task: str, reports: Sequence[Report]) -> Report:
    """The worst verdict and failure; each finding says which target it is about."""
    return Report(
        task=task,
        target=", ".join(report.target for report in reports),
        verdict=min((report.verdict for report in reports), key=_ORDER.index),
        findings=tuple(
            msgspec.structs.replace(finding, subject=_about(report.target, finding.subject))
            for report in reports
            for finding in report.findings
        ),
        phases={report.target: sum(report.phases.values()) for report in reports},
        not_evaluated=tuple(
            NotEvaluated(id=item.id, reason=_named(report.target, item.reason))
            for report in sorted(reports, key=lambda one: one.verdict is Verdict.PASS)  # what decides comes first
            for item in report.not_evaluated
        ),
        provenance={
            "targets": [
                {"target": r.target, "verdict": r.verdict.value, "failure": r.failure.value, **r.provenance}
                for r in reports
            ],
            "dbops_version": __version__,
        },
        failure=min((report.failure for report in reports), key=_WORST.index),
    )


def _named(target: str, reason: str) -> str:
    """The reason with its target, which checks have said already."""
    return reason if reason.startswith(f"{target}: ") else msg("{target}: {reason}", target=target, reason=reason)


def _about(target: str, subject: str) -> str:
    return subject if subject == target else f"{target}: {subject}"


class _AnyReport(Report, frozen=True, forbid_unknown_fields=False):
    """A report out of a document that may say more."""
