"""How a check says what it found: as findings, and as text for whoever reads plain pytest output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from dbops.evidence import Match
from dbops.language import joined, msg, some
from dbops.model import Failure, Finding, Report, Severity
from dbops.report.proof import untold_differences

_SHOWN = 20
ROWS = frozenset({"table-rows", "table-missing", "table-extra", "table-columns", "large-objects"})
CONTENT = frozenset({"archive-content", "table-content", "row-differs", "row-missing", "row-extra"})
SEQUENCES = frozenset(
    {"sequence", "sequence-missing", "sequence-extra", "sequence-behind", "sequence-elsewhere", "insert-fails"}
)
VALIDITY = frozenset(
    {
        "constraint-not-valid",
        "constraint-violated",
        "fk-orphans",
        "heap-corrupt",
        "index-corrupt",
        "invalid-index",
        "invalid-view",
        "matview-broken",
        "matview-not-populated",
        "not-unique",
        "routine-broken",
        "row-misplaced",
        "table-unreadable",
        "view-broken",
    }
)
APPLICATION = {"invariants": "invariant", "migration": "migration-head", "smoke": "smoke"}
TARGETS = frozenset({"rto", "rpo"})
ARCHIVE = frozenset({"archive-corrupt", "archive-empty", "archive-truncated", "client-command", "not-a-dump"})
"""What stands against a dump of another tool before it is restored."""
RESTORE = ARCHIVE | {"restore-failed", "load-failed", "missing-tablespace", "harmless-error", "bad-database-sql"}
_NOT_OBJECTS = ROWS | CONTENT | SEQUENCES | VALIDITY | TARGETS | RESTORE | frozenset(APPLICATION.values())


def failed(text: str, findings: Sequence[Finding]) -> BaseException:
    """Pytest's own failure, without a traceback, that carries what was found (see `findings_of`)."""
    error: BaseException = pytest.fail.Exception(text, pytrace=False)
    vars(error)["findings"] = tuple(findings)
    return error


def findings_of(error: BaseException | None) -> tuple[Finding, ...]:
    """What a failed check has found; empty for one that failed otherwise."""
    return getattr(error, "findings", ())


def fail_for(findings: Iterable[Finding], *, least: Severity = Severity.ERROR) -> None:
    """Fails with one line per finding that is an error, over its target, or at least `least`."""
    counted = {Severity.ERROR, Severity.OVER_TARGET} | ({least} if least is Severity.WARNING else set())
    wrong = [finding for finding in findings if finding.severity in counted]
    if wrong:
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise failed("\n".join([*map(line, wrong[:_SHOWN]), *more]), wrong)


def fail(kind: str, subject: str, expected: str, actual: str, hint: str = "", *, over: bool = False) -> None:
    """Fails with one finding."""
    severity = Severity.OVER_TARGET if over else Severity.ERROR
    one = Finding(id=kind, severity=severity, subject=subject, expected=expected, actual=actual, hint=hint)
    raise failed(line(one), [one])


def line(finding: Finding) -> str:
    """A finding as one line."""
    hint = f" ({finding.hint.splitlines()[0]})" if finding.hint else ""
    return f"{finding.subject}: {finding.id}: expected {finding.expected}, found {finding.actual}{hint}"


def of(report: Report, kinds: Iterable[str]) -> list[Finding]:
    """Findings of these kinds."""
    wanted = frozenset(kinds)
    return [finding for finding in report.findings if finding.id in wanted]


def of_table(report: Report, label: str | None) -> list[Finding]:
    """Findings about the rows of a table; of all tables for None."""
    tables = report.evidence.tables if report.evidence is not None else ()
    found = [*of(report, ROWS | CONTENT), *untold_differences(tables, report.findings).values()]
    if label is None:
        return found
    wanted = [table for table in tables if table.label == label]
    return [finding for finding in found if any(table.is_subject(finding.subject) for table in wanted)]


def of_objects(report: Report) -> list[Finding]:
    """Findings of a drill that no other check looks at: schema objects, and whatever may come to be found."""
    return [
        finding
        for finding in report.findings
        if finding.id not in _NOT_OBJECTS and not finding.id.startswith(("artifact-", "sums-"))
    ]


def restored(report: Report) -> None:
    """Skips a check of the copy where there was none; the reason is that of the drill."""
    if "verify" not in report.phases:
        errors = [finding.id for finding in report.findings if finding.severity is Severity.ERROR]
        reasons = joined("; ", errors) or _why(report)
        pytest.skip(msg("the backup was not restored: {reasons}", reasons=reasons))


def evaluated(report: Report, *kinds: str) -> None:
    """Skips a check that the drill could not make, with its reason."""
    for item in report.not_evaluated:
        if item.id in kinds:
            pytest.skip(msg("{check}: {reason}", check=item.id, reason=item.reason))


def compared(report: Report, label: str | None = None) -> None:
    """Skips where the rows of a table (None: of any) were only counted."""
    tables = report.evidence.tables if report.evidence is not None else ()
    counted = [table.label for table in tables if table.match is Match.COUNTED and label in (None, table.label)]
    if counted:
        pytest.skip(
            msg("its rows were only counted")
            if label is not None
            else msg("rows were only counted: {some}", some=some(counted))
        )


def usable(report: Report) -> None:
    """Skips where the environment lacks something; raises `DrillBrokeError` where the drill itself broke."""
    reasons = _why(report) or msg("no reason was given")
    if report.failure is Failure.ENVIRONMENT:
        pytest.skip(reasons)
    if report.failure is Failure.BROKEN:
        raise DrillBrokeError(reasons)


def _why(report: Report) -> str:
    return joined("; ", (msg("{check}: {reason}", check=item.id, reason=item.reason) for item in report.not_evaluated))


class DrillBrokeError(Exception):
    """The drill could not be carried out: the check is an error, neither passed nor failed."""
