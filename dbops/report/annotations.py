"""Findings as workflow commands of GitHub Actions, which it shows beside the lines of a pull request.

GitHub shows ten of each level for each step; the rest is in the log.
"""

from __future__ import annotations

from dbops.migrations.places import place_of
from dbops.model import Finding, Severity
from dbops.ops.migration_report import MigrationReport
from dbops.report.clean import visible
from dbops.report.verdict import headline, sentence

_LEVELS = {
    Severity.ERROR: "error",
    Severity.OVER_TARGET: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
}


def commands(report: MigrationReport) -> str:
    """One command a line, the gravest first, and the verdict as plain text."""
    order = list(_LEVELS)
    found = sorted(report.findings, key=lambda one: order.index(one.severity))
    lines = [_command(_LEVELS[one.severity], one, report.prefix, _text(one)) for one in found]
    for allowed in report.suppressed:
        by = allowed.by
        text = f"allowed until {by.expires} by {by.owner}: {by.reason}\n{_text(allowed.finding)}"
        lines.append(_command("notice", allowed.finding, report.prefix, text))
    head = headline(report)
    return "\n".join([*lines, _plain(f"{head.word}: {head.text}")]) + "\n"


def _command(level: str, finding: Finding, prefix: str, text: str) -> str:
    place = place_of(finding.subject)
    where = {}
    if place is not None:
        path = place.path if place.path.startswith("/") else prefix + place.path
        where = {"file": path, "line": str(max(1, place.line))}
    else:
        text = f"{finding.subject}: {text}"
    properties = ",".join(f"{name}={_property(value)}" for name, value in (where | {"title": finding.id}).items())
    return f"::{level} {properties}::{_data(text)}"


def _text(finding: Finding) -> str:
    said = sentence(finding).removeprefix(f"{finding.id}: ")
    return f"{said}\n{finding.hint}" if finding.hint else said


def _plain(text: str) -> str:
    """Text that the runner does not take for a command."""
    return " ".join(visible(text).split()).replace("::", ": :")


def _data(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
