"""The runs of several targets as text: a line each, then what was found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbops.config.units import format_duration, format_size
from dbops.language import plural, tr, translated
from dbops.model import Report, Severity
from dbops.report.pruning import counts
from dbops.report.text import block, finding, skipped, table

_RESULTS = {0: tr("ok"), 3: tr("FAIL"), 5: tr("INCONCLUSIVE")}


def text(report: Report, *, dry_run: bool = False) -> str:
    """`report`: as `ops.several.combine` has made it."""
    targets: list[dict[str, Any]] = report.provenance["targets"]
    shown = "".join(finding(one) for one in report.findings if one.severity is not Severity.INFO)
    shown += "".join(skipped(report.not_evaluated))
    shown += "".join(_deletions(targets, dry_run=dry_run))
    rows = [
        (
            one["target"],
            _RESULTS.get(one["exit_code"], tr("FAILED ({code})", code=one["exit_code"])),
            format_duration(report.phases.get(one["target"], 0.0)),
            _facts(one, dry_run=dry_run),
        )
        for one in targets
    ]
    good = sum(one["exit_code"] == 0 for one in targets)
    head = table((tr("target"), tr("result"), tr("time"), ""), rows)
    end = tr(
        "{task}: {good} of {targets} ok\n",
        task=report.task,
        good=good,
        targets=plural(len(targets), "{count} target", "{count} targets"),
    )
    return f"{shown}{head}{end}"


def _facts(one: dict[str, Any], *, dry_run: bool) -> str:
    facts = [str(one["backup"])] if one.get("backup") else []
    facts += [format_size(one["bytes"])] if one.get("bytes") else []
    facts += [translated(plural(one["rows"], "{count} row", "{count} rows"))] if one.get("rows") else []
    if "items" in one:
        gone = sum(not item["keep"] for item in one["items"])
        facts.append(counts(len(one["items"]) - gone, gone, deleted=not dry_run))
        facts += [tr("frozen")] if one["frozen"] else []
    return ", ".join(facts)


def _deletions(targets: list[dict[str, Any]], *, dry_run: bool) -> Iterator[str]:
    for one in targets:
        for item in one.get("items", ()):
            if not item["keep"]:
                yield block(tr("delete") if dry_run else tr("deleted"), item["name"], translated(item["reason"]))
        for reason in one.get("frozen", ()):
            yield block(tr("frozen"), one["target"], translated(reason))
