"""Manifests, reports and errors as JSON text: keys in the model's order, two spaces, a line end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from dbops.errors import DbopsError
from dbops.model import Manifest, Report
from dbops.report.page import Page
from dbops.values import json_schema


class ReportDocument(Report, frozen=True):
    """A report as a file: what `--json` prints, with the drills that a run of checks speaks of, and its time (UTC)."""

    drills: tuple[Report, ...] = ()
    generated_at: datetime | None = None


def document(value: Any) -> str:
    """Any value of the model, or plain containers of them, as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def report_json(report: Report) -> str:
    """A report as the JSON document that `--json` prints."""
    return document(report)


def page_json(page: Page) -> str:
    """`report.json`: the run, and its drills unless it is one itself."""
    if page.revisions is not None:
        return document(page.run)
    drills = () if page.single else tuple(page.each)
    run = {name: getattr(page.run, name) for name in Report.__struct_fields__}
    return document(ReportDocument(**run, drills=drills, generated_at=page.generated_at))


def manifest_json(manifest: Manifest) -> str:
    """A manifest as the JSON document that `backup --json` prints."""
    return document(manifest)


def error_document(error: DbopsError) -> dict[str, dict[str, str]]:
    """An error for `--json`, in English."""
    return {"error": {"kind": error.kind, "message": error.message, "hint": error.hint}}


def migration_schema() -> dict[str, Any]:
    """The JSON schema of what `status` and `gate` print, which `docs/gate.schema.json` publishes."""
    from dbops.ops.migration_report import MigrationReport  # a backup needs none of it

    return json_schema(MigrationReport)


def schema() -> dict[str, Any]:
    """The JSON schema of reports, which `docs/report.schema.json` publishes."""
    return json_schema(ReportDocument)
