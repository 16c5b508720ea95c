"""The runs of several targets as text: a line each, then what was found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbops.config.units import format_duration, format_size
from dbops.model import Report, Severity
from dbops.report.text import block, finding, skipped, table

_RESULTS = {0: "ok", 3: "FAIL", 5: "INCONCLUSIVE"}


def text(report: Report, *, dry_run: bool = False) -> str:
    """`report`: as `ops.several.combine` has made it."""
    targets: list[dict[str, Any]] = report.provenance["targets"]
    shown = "".join(finding(one) for one in report.findings if one.severity is not Severity.INFO)
    shown += "".join(skipped(report.not_evaluated))
    shown += "".join(_deletions(targets, dry_run=dry_run))
    rows = [
        (
            one["target"],
            _RESULTS.get(one["exit_code"], f"FAILED ({one['exit_code']})"),
            format_duration(report.phases.get(one["target"], 0.0)),
            _facts(one, dry_run=dry_run),
        )
        for one in targets
    ]
    good = sum(one["exit_code"] == 0 for one in targets)
    head = table(("target", "result", "time", ""), rows)
    return f"{shown}{head}{report.task}: {good} of {len(targets)} targets ok\n"


def _facts(one: dict[str, Any], *, dry_run: bool) -> str:
    facts = [str(one["backup"])] if one.get("backup") else []
    facts += [format_size(one["bytes"])] if one.get("bytes") else []
    facts += [f"{one['rows']} rows"] if one.get("rows") else []
    if "items" in one:
        gone = sum(not item["keep"] for item in one["items"])
        facts.append(f"{len(one['items']) - gone} kept, {gone} {'to delete' if dry_run else 'deleted'}")
        facts += ["frozen"] if one["frozen"] else []
    return ", ".join(facts)


def _deletions(targets: list[dict[str, Any]], *, dry_run: bool) -> Iterator[str]:
    for one in targets:
        for item in one.get("items", ()):
            if not item["keep"]:
                yield block("delete" if dry_run else "deleted", item["name"], item["reason"])
        for reason in one.get("frozen", ()):
            yield block("frozen", one["target"], reason)
