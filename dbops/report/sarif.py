"""SARIF 2.1.0 (OASIS), as code scanners and editors read it: one run, all rules, one result for each finding.

Lines count from 1. A fingerprint does not hang on lines, so that a finding stays the same one when the file above it
changes. What was not evaluated is a notification of the run.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from dbops import __version__
from dbops.migrations.history import History
from dbops.migrations.places import place_of
from dbops.migrations.rules import RULES
from dbops.migrations.suppressions import Suppression
from dbops.model import Finding, Severity
from dbops.ops.migration_report import MigrationReport
from dbops.report.clean import visible
from dbops.report.json import document
from dbops.report.verdict import sentence

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "dbopsFinding/v1"
_LEVELS = {
    Severity.ERROR: "error",
    Severity.OVER_TARGET: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}


def sarif(report: MigrationReport, history: History) -> str:
    """The whole document."""
    ids = {one.path: one.id for one in history.revisions}
    order = {name: index for index, name in enumerate(RULES)}
    everything = [*((one, None) for one in report.findings), *((one.finding, one.by) for one in report.suppressed)]
    prints = _fingerprints((finding for finding, _ in everything), ids)
    results = [
        _result(report, finding, by, order.get(finding.id, -1), mark)
        for (finding, by), mark in zip(everything, prints, strict=True)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "dbops",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(name) for name in RULES],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {
                        "level": "note",
                        "descriptor": {"id": one.id},
                        "message": {"text": visible(f"{one.id} was not evaluated: {one.reason}")},
                    }
                    for one in report.not_evaluated
                ],
            }
        ],
        "results": results,
        "properties": {"task": report.task, "target": report.target, "verdict": report.verdict.value},
    }
    return document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.why},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"step": rule.step, "tags": ["database", "migrations"]},
    }


def _result(
    report: MigrationReport, finding: Finding, by: Suppression | None, index: int, fingerprint: str
) -> dict[str, Any]:
    hint = f"\nWhat to do: {finding.hint}" if finding.hint else ""
    result: dict[str, Any] = {
        "ruleId": finding.id,
        "level": _LEVELS[finding.severity],
        "message": {"text": visible(f"{sentence(finding).removeprefix(f'{finding.id}: ')}{hint}")},
        "locations": [_location(report, finding)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "suppressions": [] if by is None else [_suppression(by)],
    }
    return ({"ruleIndex": index} if index >= 0 else {}) | result


def _location(report: MigrationReport, finding: Finding) -> dict[str, Any]:
    """A place in a file; what is about the database has a name alone."""
    place = place_of(finding.subject)
    if place is None:
        return {"logicalLocations": [{"name": visible(finding.subject), "kind": "resource"}]}
    if place.path.startswith("/"):
        artifact = {"uri": f"file://{quote(place.path)}"}
    elif report.prefix.startswith("/"):
        artifact = {"uri": f"file://{quote(report.prefix + place.path)}"}
    else:
        artifact = {"uri": quote(report.prefix + place.path), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": max(1, place.line)}}}


def _suppression(by: Suppression) -> dict[str, Any]:
    return {
        "kind": "external" if by.lines is None else "inSource",
        "status": "accepted",
        "justification": visible(f"{by.reason} (allowed by {by.owner} until {by.expires})"),
        "properties": {"owner": visible(by.owner), "expires": by.expires.isoformat(), "where": visible(by.where)},
    }


def _fingerprints(findings: Iterable[Finding], ids: dict[str, str]) -> Iterator[str]:
    """Rule and revision, or file; and the how-manieth of these it is."""
    seen: Counter[str] = Counter()
    for finding in findings:
        place = place_of(finding.subject)
        subject = ids.get(place.path, place.path) if place is not None else finding.subject
        name = f"{finding.id}\0{subject}"
        seen[name] += 1
        yield hashlib.sha256(f"{name}\0{seen[name]}".encode(errors="replace")).hexdigest()[:32]
