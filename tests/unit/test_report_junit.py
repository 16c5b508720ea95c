"""JUnit XML that every reader takes, with each finding in one case."""

from __future__ import annotations

from pathlib import Path

import lxml.etree
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbops.evidence import Match
from dbops.model import Finding, NotEvaluated, Report, Severity, Verdict
from dbops.report.junit import page_junit
from dbops.report.verdict import grave
from tests.unit import samples_report as samples

XSD = lxml.etree.XMLSchema(lxml.etree.parse(Path(__file__).parent / "junit-xunit2.xsd"))


def junit(report: Report) -> lxml.etree._Element:
    root = lxml.etree.fromstring(page_junit(samples.page(report)).encode())
    XSD.assertValid(root)
    return root


@pytest.mark.parametrize("name", samples.CLASSES)
def test_junit_keeps_to_the_schema_and_counts_right(name: str) -> None:
    report = samples.CLASSES[name]()
    suite = junit(report)[0]
    found = suite.findall("testcase")
    assert len(found) == int(suite.get("tests", ""))
    for tag, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(suite.findall(f"testcase/{tag}")) == int(suite.get(counted, ""))
    names = [(case.get("classname"), case.get("name")) for case in found]
    assert len(set(names)) == len(names) or name == "hostile"


@pytest.mark.parametrize(
    ("name", "failures", "errors"), [("good", 0, 0), ("over", 1, 0), ("environment", 0, 0), ("broken", 0, 1)]
)
def test_junit_tells_the_classes_of_failure_apart(name: str, failures: int, errors: int) -> None:
    root = junit(samples.CLASSES[name]())
    assert (int(root.get("failures", "")), int(root.get("errors", ""))) == (failures, errors)
    if name == "over":
        assert root.find(".//failure").get("type") == "over-target"  # type: ignore[union-attr]
    if name in ("environment", "broken"):
        assert not root.xpath("//testcase[@name='the backup restores'][not(skipped)]")


@pytest.mark.parametrize("name", ["bad", "damaged", "hostile", "over"])
def test_junit_loses_no_finding(name: str) -> None:
    report = samples.CLASSES[name]()
    told = "\n".join(element.text or "" for element in junit(report).iter("failure"))
    assert told.count("what to do: ") >= sum(bool(finding.hint) for finding in grave(report)) or name == "hostile"
    for finding in grave(report) if name != "hostile" else ():
        assert f"{finding.severity.value}: {finding.id}: {finding.subject}" in told


def test_junit_fails_a_table_that_differs_without_a_finding() -> None:
    report = samples.good(evidence=samples.evidence(tables=(samples.table("t", 3, Match.DIFFERENT, copy_rows=2),)))
    assert len(junit(report).findall(".//failure")) == 1


def test_junit_skips_a_table_whose_difference_proves_nothing() -> None:
    """Of a storage engine without transactions, or against an inventory of another moment: the finding says so."""
    said = Finding(id="table-rows", severity=Severity.WARNING, subject="public.t", expected="3 rows", actual="2 rows")
    tables = (samples.table("t", 3, Match.DIFFERENT, copy_rows=2), samples.table("t2", 3, Match.DIFFERENT))
    root = junit(samples.good(findings=(said,), evidence=samples.evidence(tables=tables)))
    cases = {case.get("name", ""): case for case in root.iter("testcase")}
    assert cases["table public.t: the copy equals its source"].find("skipped") is not None
    assert cases["table public.t2: the copy equals its source"].find("failure") is not None


def test_junit_of_checks_has_a_suite_for_each_drill() -> None:
    root = lxml.etree.fromstring(page_junit(samples.check_page()).encode())
    XSD.assertValid(root)
    names = [suite.get("name") for suite in root]
    assert names == ["dbops check finanzas, maps, shop", "dbops drill finanzas", "dbops drill shop", "dbops drill maps"]


@given(name=st.text(st.characters(), max_size=60))
@settings(max_examples=100)
def test_junit_carries_any_text(name: str) -> None:
    finding = Finding(id=name, severity=Severity.ERROR, subject=name, expected=name, actual=name, hint=name)
    report = Report(
        task="drill", target=name, verdict=Verdict.FAIL, findings=(finding,), provenance={name: name},
        not_evaluated=(NotEvaluated(id=name, reason=name),),
        evidence=samples.evidence(tables=(samples.table(name, 1, Match.DIFFERENT),)),
    )  # fmt: skip
    junit(report)
