"""The summary of a run in Markdown, for GitHub's step summary: short, and safe with any name in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dbops.config.units import format_duration, format_size
from dbops.migrations.suppressions import Suppressed
from dbops.model import Finding, NotEvaluated, Report
from dbops.ops.migration_report import MigrationReport
from dbops.report.clean import flat, number, shorten
from dbops.report.page import undrilled
from dbops.report.proof import prove
from dbops.report.sections import gauges
from dbops.report.verdict import about, grave, headline

FINDINGS = 20
_CELL = 300
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+\-.!|~@:$^=&<>]")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def summary(report: Report, drills: Sequence[Report] = ()) -> str:
    """Verdict, figures, findings (at most 20), and what was not tested."""
    return "\n".join(_lines(report, drills or ((report,) if report.evidence is not None else ()))) + "\n"


def escape(text: str, limit: int = _CELL) -> str:
    """`text` on one line, as itself: no markup, no link, no mention, no cell of a table."""
    plain = shorten(flat(text), limit)
    return _SPECIAL.sub(lambda found: _HTML.get(found[0]) or f"\\{found[0]}", plain)


def _lines(report: Report, drills: Sequence[Report]) -> Iterator[str]:
    head = headline(report)
    yield f"## {head.word}: {escape(head.text)}"
    yield ""
    yield f"`dbops {report.task}` of {escape(about(report))}"
    if head.advice:
        yield ""
        yield f"> {escape(head.advice, 1000)}"
    if drills:
        yield from _figures(drills)
        if missing := undrilled(report, drills):
            yield ""
            yield f"No drill of {escape(', '.join(missing))}."
    if found := grave(report):
        yield from _findings(found)
    if isinstance(report, MigrationReport) and report.suppressed:
        yield from _allowed(report.suppressed)
    if report.not_evaluated:
        yield from _not_tested(report.not_evaluated)
    yield ""


def _figures(drills: Sequence[Report]) -> Iterator[str]:
    yield ""
    yield "| Target | Backup | Result | Proved | RTO | RPO | Stored |"
    yield "|---|---|---|---|---|---|---|"
    for drill in drills:
        proof = prove(drill)
        rows = f", {number(proof.rows)} rows" if proof.rows is not None else ""
        chain = f"source {proof.stored.sign} archive {proof.restored.sign} copy{rows}"
        size = format_size(proof.archive_bytes) if proof.archive_bytes is not None else "not read"
        times = ["not known" if gauge.value is None else f"{format_duration(gauge.value)} ({gauge.words})"
                 for gauge in gauges(drill.evidence)] if drill.evidence is not None else ["not known"] * 2  # fmt: skip
        backup = str(drill.provenance.get("backup", ""))
        cells = [drill.target, backup, headline(drill).word, chain, *times, size]
        yield f"| {' | '.join(map(escape, cells))} |"


def _findings(found: Sequence[Finding]) -> Iterator[str]:
    yield ""
    yield f"### Findings ({number(len(found))})"
    yield ""
    yield "| Finding | Of | Expected | Found |"
    yield "|---|---|---|---|"
    for finding in found[:FINDINGS]:
        yield f"| {' | '.join(map(escape, (finding.id, finding.subject, finding.expected, finding.actual)))} |"
    if len(found) > FINDINGS:
        yield ""
        yield f"… and {number(len(found) - FINDINGS)} more in the report."


def _allowed(found: Sequence[Suppressed]) -> Iterator[str]:
    yield ""
    yield f"### Suppressed ({number(len(found))})"
    yield ""
    for one in found[:FINDINGS]:
        said = f"allowed until {one.by.expires} by {one.by.owner}: {one.by.reason}"
        yield f"- {escape(f'{one.finding.id} {one.finding.subject}')}: {escape(said)}"
    if len(found) > FINDINGS:
        yield f"- … and {number(len(found) - FINDINGS)} more"


def _not_tested(items: Sequence[NotEvaluated]) -> Iterator[str]:
    yield ""
    yield "### Not tested"
    yield ""
    for item in items[:FINDINGS]:
        yield f"- {escape(item.id)}: {escape(item.reason)}"
    if len(items) > FINDINGS:
        yield f"- … and {number(len(items) - FINDINGS)} more"
