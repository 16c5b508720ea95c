"""Every thing that a run has judged, as test cases: phases, tables, objects, probes, targets, rules."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbops.model import Failure, Finding, Report
from dbops.ops.drill import RTO_PHASES
from dbops.ops.migration_report import MigrationReport
from dbops.report import junit_migrations
from dbops.report.junit_case import Case, Left, take, take_id
from dbops.report.proof import in_order, untold_differences
from dbops.report.sections import MATCHES
from dbops.report.verdict import GRAVE, about, headline

_PHASES = {
    "fetch": "the backup is fetched, and every file has its SHA-256",
    "start": "a server for the copy starts",
    "restore": "the backup restores",
    "verify": "the copy is compared with its source",
    "probe": "the copy is probed",
}
_TARGETS = {"rto": "it is restored within the RTO", "rpo": "its newest row is within the RPO"}


def cases(report: Report) -> Iterator[Case]:
    """Every judged thing of a run. Each grave finding is in exactly one case, so that none is lost or told twice."""
    left = dict(enumerate(finding for finding in report.findings if finding.severity in GRAVE))
    notes = [finding for finding in report.findings if finding.severity not in GRAVE]
    if report.evidence is not None:
        yield from _phases(report, left)
        yield from _tables(report, left)
        yield from _judged(report, left)
    if isinstance(report, MigrationReport):
        yield from junit_migrations.cases(report, left)
    for finding in left.values():
        yield Case(f"{finding.id}: {finding.subject}" if finding.subject else finding.id, "finding", failures=[finding])
    yield from _open(report)
    head = headline(report)
    yield Case(f"{report.task} of {about(report)}: {head.word}: {head.text}", "verdict", notes=notes)


def _phases(report: Report, left: Left) -> Iterator[Case]:
    """The phases of a recovery. One that did not end has failed if the backup is bad, else nothing is known of it."""
    unfinished = list(report.phases)[-1:] if report.evidence is None or report.evidence.rto_seconds is None else []
    for name in RTO_PHASES:
        title, seconds = _PHASES[name], report.phases.get(name, 0.0)
        if name not in report.phases:
            yield Case(title, "phase", skipped="the drill did not come to it")
        elif name not in unfinished:
            yield Case(title, "phase", seconds)
        elif report.failure is Failure.BAD_BACKUP and name != "verify":
            yield Case(title, "phase", seconds, failures=take(left, lambda _: True))
        else:
            yield Case(title, "phase", seconds, skipped="it did not come to its end")


def _tables(report: Report, left: Left) -> Iterator[Case]:
    """One case a table. Findings about it, and about its rows, become its failures."""
    about: dict[str, list[int]] = {}
    for key, finding in left.items():
        about.setdefault(finding.subject.partition(" ")[0], []).append(key)
    tables = in_order(report.evidence.tables if report.evidence is not None else ())
    untold = untold_differences(tables, report.findings)
    for table in tables:
        label = table.label
        name = f"table {label}: the copy equals its source"
        words = MATCHES[table.match]
        keys = [key for key in about.get(label.partition(" ")[0], ()) if key in left]
        taken = [left.pop(key) for key in keys if table.is_subject(left[key].subject)]
        if label in untold:
            taken = [untold[label]]
        if taken:
            yield Case(name, "table", failures=taken)
        else:
            yield Case(name, "table", skipped="" if words == "equal" else f"the content of the rows was {words}")


def _judged(report: Report, left: Left) -> Iterator[Case]:
    """Schema objects by kind, probes, and the targets of the policy."""
    evidence = report.evidence
    assert evidence is not None  # noqa: S101 - the caller has looked
    for kind in evidence.objects:
        name = f"schema objects of kind {kind.kind.replace('_', ' ')}: the copy equals its source"
        skipped = "there is no inventory to compare them with" if kind.source is None else ""
        yield Case(name, "objects", failures=take(left, partial(_of_kind, kind.kind)), skipped=skipped)
    for probe in evidence.probes:
        skipped = "" if probe.tried else "there was nothing to try"
        yield Case(probe.title, "probe", failures=take_id(left, probe.id), skipped=skipped)
    measured = (
        ("rto", evidence.rto_allowed, evidence.rto_seconds),
        ("rpo", evidence.rpo_allowed, evidence.rpo_seconds),
    )
    for name, allowed, value in measured:
        skipped = f"policy.{name} is not set" if allowed is None else "it was not measured" if value is None else ""
        yield Case(_TARGETS[name], "policy", failures=take_id(left, name), skipped=skipped)


def _of_kind(kind: str, finding: Finding) -> bool:
    return finding.id.rpartition("-")[0] == kind


def _open(report: Report) -> Iterator[Case]:
    """What was not judged; where the run broke, that which broke it is an error."""
    for index, item in enumerate(report.not_evaluated, 1):
        last = index == len(report.not_evaluated)
        failed = report.task == "check" and "could not be run" in item.reason
        if report.failure is Failure.BROKEN and (last or failed):
            yield Case(f"{item.id}: the {report.task} runs to its end", "open", error=item.reason or item.id)
        else:
            yield Case(f"{item.id} is judged", "open", skipped=item.reason or "no reason was given")
    if report.failure is Failure.BROKEN and not report.not_evaluated:
        yield Case(f"the {report.task} runs to its end", "open", error="it broke")
