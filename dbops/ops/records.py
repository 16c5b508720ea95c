"""Keeping the report of a verification or drill beside its backup."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dbops.catalog import Catalog
from dbops.errors import StoreError
from dbops.language import msg
from dbops.model import Finding, Manifest, NotEvaluated, Report, Severity
from dbops.ops.provenance import stamped


def kept(catalog: Catalog, manifest: Manifest, report: Report, at: datetime) -> Report:
    """The report, kept in the store; a store that may only be read is a warning in it.

    What is kept beside an encrypted backup shows no row of it: everybody who can read the store may read it.
    """
    report = stamped(report)
    sealed = manifest.method.encryption != "none"
    try:
        catalog.records.add(manifest, _without_rows(report) if sealed else report, at)
    except StoreError as error:
        warning = Finding(
            id="record-not-kept",
            severity=Severity.WARNING,
            subject=f"{manifest.id}/drills",
            expected=msg("the report is kept beside the backup"),
            actual=error.message,
            hint=msg(
                "'backups' will not show this {task}; give the store write access, or ignore this", task=report.task
            ),
        )
        return msgspec.structs.replace(report, findings=(*report.findings, warning))
    return report


def _without_rows(report: Report) -> Report:
    """The same without all texts in which values, keys or a server's words about them may stand."""
    findings = tuple(Finding(id=f.id, severity=f.severity, subject="", hint=_ELSEWHERE) for f in report.findings)
    skipped = tuple(NotEvaluated(id=item.id, reason=_ELSEWHERE) for item in report.not_evaluated)
    return msgspec.structs.replace(report, findings=findings, not_evaluated=skipped)


_ELSEWHERE = msg("the backup is encrypted: what was found is told in the report of the run alone")
