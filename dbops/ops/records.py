"""Keeping the report of a verification or drill beside its backup."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dbops.catalog import Catalog
from dbops.errors import StoreError
from dbops.model import Finding, Manifest, Report, Severity
from dbops.ops.provenance import stamped


def kept(catalog: Catalog, manifest: Manifest, report: Report, at: datetime) -> Report:
    """The report, kept in the store; a store that may only be read is a warning in it."""
    report = stamped(report)
    try:
        catalog.record(manifest, report, at)
    except StoreError as error:
        warning = Finding(
            id="record-not-kept",
            severity=Severity.WARNING,
            subject=f"{manifest.id}/drills",
            expected="the report is kept beside the backup",
            actual=error.message,
            hint=f"'backups' will not show this {report.task}; give the store write access, or ignore this",
        )
        return msgspec.structs.replace(report, findings=(*report.findings, warning))
    return report
