"""The page: one file, one script, and every text is text."""

from __future__ import annotations

import re
from itertools import pairwise

import lxml.html
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbops.evidence import Match
from dbops.model import Failure, Finding, Report, Severity, Verdict
from dbops.report.clean import visible
from dbops.report.html import page_html
from dbops.report.page import Page
from dbops.report.proof import prove
from dbops.report.verdict import headline
from tests.unit import samples_report as samples

NAMES = st.lists(
    st.one_of(st.text(max_size=9), st.sampled_from([*"<>&\"'`{}%#\0\x1b\u202e\r\n\t]/=", "</script>", "<img ", "{{"])),
    max_size=12,
).map("".join)


def parsed(text: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(text)


def words(element: lxml.html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("name", samples.CLASSES)
def test_page_is_one_file_with_one_script(name: str) -> None:
    page = parsed(page_html(samples.page(samples.CLASSES[name]())))
    assert len(page.findall(".//script")) == 1
    assert not page.xpath("//@src | //iframe | //object | //base | //form | //meta[@http-equiv='refresh']")
    assert all(link.startswith(("#", "data:")) for link in page.xpath("//@href"))
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none'; ")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)


@pytest.mark.parametrize("name", samples.CLASSES)
def test_headings_are_in_order_and_ids_are_unique(name: str) -> None:
    for value in (samples.page(samples.CLASSES[name]()), samples.check_page()):
        page = parsed(page_html(value))
        levels = [int(heading.tag[1]) for heading in page.xpath("//h1 | //h2 | //h3 | //h4 | //h5")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        named = page.xpath("//@aria-labelledby") + [link[1:] for link in page.xpath("//@href") if link.startswith("#")]
        assert set(named) <= set(ids)
        assert all(table.find("caption") is not None for table in page.findall(".//table"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("good", "PASS: this backup restores, and the copy equals its source"),
        ("bad", "FAIL: the backup is bad"),
        ("damaged", "FAIL: the backup is bad"),
        ("over", "FAIL: the backup is good, but over its RTO"),
        ("environment", "INCONCLUSIVE: the environment lacks something; nothing is known about the backup"),
        ("broken", "INCONCLUSIVE: the drill itself broke; nothing is known about the backup"),
        ("counts", "PASS: this backup restores, and its rows are equal, except that 10 of 11 tables were only counted"),
        ("foreign", "PASS: this backup restores; there was no inventory to compare its content with"),
    ],
)
def test_verdict_comes_first_and_in_words(name: str, said: str) -> None:
    page = parsed(page_html(samples.page(samples.CLASSES[name]())))
    assert words(page.find(".//h1")) == said


@pytest.mark.parametrize(
    ("name", "signs"),
    [("good", "=="), ("over", "=="), ("bad", "=≠"), ("damaged", "≠?"), ("environment", "=?"), ("broken", "=?"),
     ("counts", "??"), ("foreign", "??")],
)  # fmt: skip
def test_signs_claim_no_more_than_was_proved(name: str, signs: str) -> None:
    proof = prove(samples.CLASSES[name]())
    assert proof.stored.sign + proof.restored.sign == signs


def test_unanchored_inventory_proves_no_equality_with_the_source() -> None:
    report = samples.good(evidence=samples.evidence(inventory_basis="unanchored"))
    assert prove(report).stored.sign == "?"


def test_difference_that_no_table_shows_is_no_equal_sign() -> None:
    finding = Finding(id="sequence", severity=Severity.ERROR, subject="public.s", expected="7", actual="1")
    assert prove(samples.good(findings=(finding,), verdict=Verdict.FAIL)).restored.sign == "≠"
    rule = Finding(id="invariant", severity=Severity.ERROR, subject="no debts", expected="0", actual="1")
    assert prove(samples.good(findings=(rule,), verdict=Verdict.FAIL)).restored.sign == "="


@given(name=NAMES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_shown_as_text(name: str) -> None:
    finding = Finding(id=name, severity=Severity.ERROR, subject=name, expected=name, actual=name, hint=name)
    report = samples.good(
        target=name,
        verdict=Verdict.FAIL,
        failure=Failure.BAD_BACKUP,
        findings=(finding,),
        evidence=samples.evidence(tables=(samples.table(name, 1, Match.DIFFERENT),), objects=(), probes=()),
        provenance={"backup": name, name: name},
    )
    text = page_html(samples.page(report, []))
    page = parsed(text)
    assert len(page.findall(".//script")) == 1
    assert len(page.findall(".//img")) == 0
    shown = page.xpath("//table[contains(@class, 'tables')]/tbody/tr/th")[0].text_content()
    assert shown.strip() == f"public.{visible(name)}".strip()
    assert "\u202e" not in text
    assert text.encode()


def test_hostile_names_reach_no_markup() -> None:
    text = page_html(samples.page(samples.hostile()))
    page = parsed(text)
    assert len(page.findall(".//script")) == 1
    assert not page.xpath("//img | //x")
    assert "<script>alert(1)</script>" in page.text_content()
    assert "49" not in words(page.xpath("//table[contains(@class, 'tables')]/tbody/tr/th")[2])


def test_every_table_is_there_without_the_script() -> None:
    page = parsed(page_html(samples.page(samples.many_tables(1_000))))
    rows = page.xpath("//table[contains(@class, 'tables')]/tbody/tr")
    assert len(rows) == 1_000
    assert "partition_00499" in rows[0].text_content()  # what differs comes first


def test_not_tested_is_told_with_its_reason() -> None:
    shown = words(parsed(page_html(samples.page(samples.good()))))
    for text in (
        samples.SMOKE.reason,
        "Recovery to a point in time",
        "Whether the application starts",
        "Teardown",
    ):
        assert text in shown


def test_checks_name_their_targets_and_drills() -> None:
    page = parsed(page_html(samples.check_page()))
    assert words(page.find(".//h1")) == "FAIL: a backup is bad"
    assert [words(link) for link in page.xpath("//section[@aria-labelledby='targets']//a")] == [
        "finanzas",
        "shop",
        "maps",
    ]
    assert len(page.findall(".//article")) == 3
    assert page.find(".//section[@aria-labelledby='targets']/p") is None


def test_checks_name_the_targets_that_have_no_drill() -> None:
    page = samples.check_page()
    shown = parsed(page_html(page._replace(drills=page.drills[:1])))
    assert words(shown.find(".//section[@aria-labelledby='targets']/p")) == "No drill of maps, shop: why is told below."


def test_reports_without_evidence_have_a_page() -> None:
    for task in ("verify", "check", "doctor"):
        for verdict in Verdict:
            for failure in Failure:
                report = Report(task=task, target="", verdict=verdict, failure=failure)
                assert headline(report).text
                assert page_html(Page(run=report, drills=(), history=(), generated_at=samples.NOW))


def test_trend_has_a_text_for_those_who_cannot_see_it() -> None:
    page = parsed(page_html(samples.page(samples.good())))
    titles = [title.text_content() for title in page.xpath("//*[local-name() = 'svg']/*[local-name() = 'title']")]
    assert "RTO: time to recover. 11 runs from 2026-09-08 to 2026-11-24" in titles[0]
    assert len(page.xpath("//details//tbody/tr")) == 12


def test_one_run_is_no_trend() -> None:
    page = parsed(page_html(samples.page(samples.good(), samples.history(runs=1))))
    assert "A trend needs two runs" in words(page)


def test_broken_history_is_told() -> None:
    value = samples.page(samples.good())._replace(history_unreadable=3)
    assert "3 lines of the history could not be read" in words(parsed(page_html(value)))


def test_evidence_may_be_of_any_size() -> None:
    extreme = samples.evidence(
        rto_seconds=0.0, rpo_seconds=1e9, rto_allowed=0.0, rpo_allowed=None, archive_bytes=10**15
    )
    report = msgspec.structs.replace(samples.good(), evidence=extreme, phases={"fetch": 0.0})
    lines = [msgspec.structs.replace(line, rto_seconds=0.0, bytes=0) for line in samples.history()]
    assert page_html(samples.page(report, lines))
