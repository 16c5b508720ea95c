"""What each section of the page shows of a drill, as values: the templates only lay them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dbops.config.units import format_duration
from dbops.evidence import Evidence, Match, TableProof
from dbops.language import msg
from dbops.model import Finding, NotEvaluated, Report, Severity
from dbops.ops.drill import RTO_PHASES
from dbops.report.charts import Chart, charts
from dbops.report.history import HistoryLine
from dbops.report.page import Page
from dbops.report.proof import Proof, in_order, prove
from dbops.report.provenance import Fact, facts
from dbops.report.untested import Limit, standing
from dbops.report.verdict import Headline, headline

SEVERITIES = {
    Severity.ERROR: ("Errors", "the backup, or the copy, is not what it must be"),
    Severity.OVER_TARGET: ("Over target", "right, but later or slower than the policy allows"),
    Severity.WARNING: ("Warnings", "worth a look; they do not change the verdict"),
    Severity.INFO: ("Notes", "for the record"),
}
MATCHES = {
    Match.EQUAL: msg("equal"),
    Match.COUNTED: msg("counted only"),
    Match.DIFFERENT: msg("different"),
    Match.UNKNOWN: msg("not compared"),
}


class Group(NamedTuple):
    """Findings of one severity."""

    severity: Severity
    title: str
    meaning: str
    findings: Sequence[Finding]


class Bar(NamedTuple):
    """A phase on the time line: `start` and `width` are percents of all of it."""

    name: str
    seconds: float
    start: float
    width: float
    counted: bool
    """Whether it is part of the RTO."""


class Gauge(NamedTuple):
    """A figure against its target, seconds; `width` and `mark` are percents of the scale."""

    name: str
    meaning: str
    value: float | None
    allowed: float | None
    width: float
    mark: float | None
    state: str
    """`good`, `over` or `open`."""
    words: str


class DrillView(NamedTuple):
    """One drill, ready to be laid out. `key` is for the ids of its elements."""

    key: str
    report: Report
    evidence: Evidence
    head: Headline
    proof: Proof
    gauges: Sequence[Gauge]
    bars: Sequence[Bar]
    groups: Sequence[Group]
    tables: Sequence[TableProof]
    charts: Sequence[Chart]
    history: Sequence[HistoryLine]
    not_evaluated: Sequence[NotEvaluated]
    limits: Sequence[Limit]
    facts: Sequence[Fact]


def views(page: Page) -> list[DrillView]:
    """One for each drill of a page."""
    return [_view(f"d{index}", report, page) for index, report in enumerate(page.each, 1)]


def _view(key: str, report: Report, page: Page) -> DrillView:
    evidence = report.evidence or Evidence()
    history = [line for line in page.history if line.target == report.target]
    return DrillView(
        key=key,
        report=report,
        evidence=evidence,
        head=headline(report),
        proof=prove(report),
        gauges=gauges(evidence),
        bars=bars(report),
        groups=groups(report.findings),
        tables=in_order(evidence.tables),
        charts=charts(history, rto_allowed=evidence.rto_allowed, rpo_allowed=evidence.rpo_allowed),
        history=history[::-1],
        not_evaluated=report.not_evaluated,
        limits=standing(report),
        facts=facts(report),
    )


def groups(findings: Sequence[Finding], *, error: str = "") -> list[Group]:
    """By severity, the gravest first; only those that have any. `error`: what an error means here."""
    return [
        Group(severity, title, error if error and severity is Severity.ERROR else meaning, found)
        for severity, (title, meaning) in SEVERITIES.items()
        if (found := [finding for finding in findings if finding.severity is severity])
    ]


def bars(report: Report) -> list[Bar]:
    """The phases one after the other."""
    total = sum(report.phases.values())
    made, at = [], 0.0
    for name, seconds in report.phases.items():
        start, width = (100 * at / total, 100 * seconds / total) if total else (0.0, 0.0)
        made.append(Bar(name, seconds, round(start, 2), round(width, 2), name in RTO_PHASES))
        at += seconds
    return made


def gauges(evidence: Evidence) -> list[Gauge]:
    """RTO and RPO against the policy."""
    return [
        _gauge("RTO", "time to recover", evidence.rto_seconds, evidence.rto_allowed),
        _gauge("RPO", "age of the newest row", evidence.rpo_seconds, evidence.rpo_allowed),
    ]


def _gauge(name: str, meaning: str, value: float | None, allowed: float | None) -> Gauge:
    scale = max(value or 0.0, (allowed or 0.0) * 1.15) or 1.0
    width = round(100 * min(1.0, (value or 0.0) / scale), 2)
    mark = round(100 * allowed / scale, 2) if allowed is not None else None
    if value is None:
        state, words = "open", "the drill did not come to its end"
    elif allowed is None:
        state, words = "open", f"no target is set (policy.{name.lower()})"
    elif value <= allowed:
        state, words = "good", f"within the target of {format_duration(allowed)}"
    else:
        state, words = "over", f"over the target of {format_duration(allowed)}"
    return Gauge(name, meaning, value, allowed, width, mark, state, words)
