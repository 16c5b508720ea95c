"""JUnit XML of the xunit2 family, as Jenkins, GitLab and GitHub's actions read it: one test case for each judged thing.

A finding is a failure of its case; what was not judged is skipped, with the reason; a run that broke is an error.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from dbops.model import Failure, Finding, Report, Severity
from dbops.ops.drill import RTO_PHASES
from dbops.ops.migration_report import MigrationReport
from dbops.report.clean import flat, shorten, visible
from dbops.report.page import Page
from dbops.report.proof import in_order, untold_differences
from dbops.report.sections import MATCHES
from dbops.report.verdict import GRAVE, about, headline, sentence

_NAME_LIMIT = 300
_TEXT_LIMIT = 20_000
_PHASES = {
    "fetch": "the backup is fetched, and every file has its SHA-256",
    "start": "a server for the copy starts",
    "restore": "the backup restores",
    "verify": "the copy is compared with its source",
    "probe": "the copy is probed",
}
Left = dict[int, Finding]
"""Grave findings that no case has told yet."""
_TARGETS = {"rto": "it is restored within the RTO", "rpo": "its newest row is within the RPO"}


class Case(NamedTuple):
    """A test case: what is held to be true. `group` is `phase`, `table`, …; at most one of the rest is set."""

    name: str
    group: str
    seconds: float = 0.0
    failures: Sequence[Finding] = ()
    error: str = ""
    skipped: str = ""
    notes: Sequence[Finding] = ()


def page_junit(page: Page) -> str:
    """The XML document of a run."""
    root = ET.Element("testsuites", name="dbops")
    reports = page.each if page.single else [page.run, *page.each]
    for report in reports:
        _suite(root, report, page)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", _seconds(sum(float(suite.get("time", "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, report: Report, page: Page) -> None:
    found = list(cases(report))
    name = flat(f"{report.task} {report.target}".strip())
    suite = ET.SubElement(
        root,
        "testsuite",
        name=shorten(f"dbops {name}", _NAME_LIMIT),
        tests=str(len(found)),
        failures=str(sum(bool(case.failures) for case in found)),
        errors=str(sum(bool(case.error) for case in found)),
        skipped=str(sum(bool(case.skipped) for case in found)),
        time=_seconds(sum(report.phases.values())),
        timestamp=page.generated_at.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    head = headline(report)
    properties = ET.SubElement(suite, "properties")
    facts = {"verdict": head.word, "result": head.text, "failure": report.failure.value or "none"}
    texts = {key: value for key, value in report.provenance.items() if isinstance(value, str | int | float)}
    for key, value in (facts | texts).items():
        ET.SubElement(properties, "property", name=flat(key), value=visible(str(value)))
    for case in found:
        _case(suite, case, f"dbops.{report.task}.{flat(report.target).replace(' ', '_') or 'all'}.{case.group}")


def _case(suite: ET.Element, case: Case, classname: str) -> None:
    name = shorten(flat(case.name), _NAME_LIMIT)
    element = ET.SubElement(suite, "testcase", classname=classname, name=name, time=_seconds(case.seconds))
    if case.failures:
        first = shorten(flat(f"{case.failures[0].subject}: {sentence(case.failures[0])}"), _NAME_LIMIT)
        over = all(finding.severity is Severity.OVER_TARGET for finding in case.failures)
        failure = ET.SubElement(element, "failure", type="over-target" if over else "error", message=first)
        failure.text = shorten("\n\n".join(map(_detail, case.failures)), _TEXT_LIMIT)
    elif case.error:
        error = ET.SubElement(element, "error", type="broken", message=shorten(flat(case.error), _NAME_LIMIT))
        error.text = shorten(visible(case.error), _TEXT_LIMIT)
    elif case.skipped:
        ET.SubElement(element, "skipped", type="not-evaluated", message=shorten(flat(case.skipped), _TEXT_LIMIT))
    if case.notes:
        ET.SubElement(element, "system-out").text = "\n\n".join(map(_detail, case.notes))


def _detail(finding: Finding) -> str:
    lines = [f"{finding.severity.value}: {finding.id}: {finding.subject}"]
    lines += [f"expected: {finding.expected}", f"found: {finding.actual or 'nothing'}"] if finding.expected else []
    lines += [finding.actual] if finding.actual and not finding.expected else []
    lines += [f"what to do: {finding.hint}"] if finding.hint else []
    return visible("\n".join(lines))


def _seconds(value: float) -> str:
    return f"{max(0.0, value):.3f}"


# --- what was judged --------------------------------------------------------------------------------------------------


def cases(report: Report) -> Iterator[Case]:
    """Every judged thing of a run. Each grave finding is in exactly one case, so that none is lost or told twice."""
    left = dict(enumerate(finding for finding in report.findings if finding.severity in GRAVE))
    notes = [finding for finding in report.findings if finding.severity not in GRAVE]
    if report.evidence is not None:
        yield from _phases(report, left)
        yield from _tables(report, left)
        yield from _judged(report, left)
    if isinstance(report, MigrationReport):
        from dbops.report import junit_migrations

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
            yield Case(title, "phase", seconds, failures=_take(left, lambda _: True))
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


def _take(left: Left, wanted: Callable[[Finding], bool]) -> list[Finding]:
    """Those findings, which are no longer left."""
    return [left.pop(key) for key in [key for key, finding in left.items() if wanted(finding)]]


def _judged(report: Report, left: Left) -> Iterator[Case]:
    """Schema objects by kind, probes, and the targets of the policy."""
    evidence = report.evidence
    assert evidence is not None  # noqa: S101 - the caller has looked
    for kind in evidence.objects:
        name = f"schema objects of kind {kind.kind.replace('_', ' ')}: the copy equals its source"
        skipped = "there is no inventory to compare them with" if kind.source is None else ""
        yield Case(name, "objects", failures=_take(left, partial(_of_kind, kind.kind)), skipped=skipped)
    for probe in evidence.probes:
        skipped = "" if probe.tried else "there was nothing to try"
        yield Case(probe.title, "probe", failures=_take(left, partial(_has_id, probe.id)), skipped=skipped)
    measured = (
        ("rto", evidence.rto_allowed, evidence.rto_seconds),
        ("rpo", evidence.rpo_allowed, evidence.rpo_seconds),
    )
    for name, allowed, value in measured:
        skipped = f"policy.{name} is not set" if allowed is None else "it was not measured" if value is None else ""
        yield Case(_TARGETS[name], "policy", failures=_take(left, partial(_has_id, name)), skipped=skipped)


def _of_kind(kind: str, finding: Finding) -> bool:
    return finding.id.rpartition("-")[0] == kind


def _has_id(name: str, finding: Finding) -> bool:
    return finding.id == name


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
