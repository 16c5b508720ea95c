"""JUnit XML of the xunit2 family, as Jenkins, GitLab and GitHub's actions read it: one test case for each judged thing.

A finding is a failure of its case; what was not judged is skipped, with the reason; a run that broke is an error.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from dbops.model import Finding, Report, Severity
from dbops.report.clean import flat, shorten, visible
from dbops.report.junit_case import Case
from dbops.report.junit_cases import cases
from dbops.report.page import Page
from dbops.report.verdict import headline, sentence

_NAME_LIMIT = 300
_TEXT_LIMIT = 20_000


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
