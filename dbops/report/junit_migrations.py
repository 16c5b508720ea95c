"""The test cases of `gate` and `status`: one for each rule that was judged, whether it found something or not."""

from __future__ import annotations

from collections.abc import Iterator

from dbops.language import msg
from dbops.migrations.rules import RULES
from dbops.model import Finding
from dbops.ops.migration_report import MigrationReport
from dbops.report.junit_case import Case, Left, take_id


def cases(report: MigrationReport, left: Left) -> Iterator[Case]:
    """Takes from `left` what its cases tell."""
    for name in report.evaluated:
        failures = take_id(left, name)
        title = RULES[name].why if name in RULES else ""
        yield Case(f"{name}: {title}", "rule", failures=failures, notes=_allowed(report, name))
    judged = set(report.evaluated)
    for one in report.suppressed:
        if one.finding.id not in judged:
            yield Case(f"{one.finding.id}: {one.finding.subject}", "allowed", notes=_allowed(report, one.finding.id))


def _allowed(report: MigrationReport, rule: str) -> list[Finding]:
    """What is suppressed of a rule, each with the words of whoever allowed it."""
    return [
        Finding(
            id=f"{rule} (allowed)",
            severity=one.finding.severity,
            subject=one.finding.subject,
            expected=one.finding.expected,
            actual=one.finding.actual,
            hint=msg(
                "allowed until {expires} by {owner}: {reason} [{where}]",
                expires=one.by.expires,
                owner=one.by.owner,
                reason=one.by.reason,
                where=one.by.where,
            ),
        )
        for one in report.suppressed
        if one.finding.id == rule
    ]
