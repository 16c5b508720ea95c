"""Faults of rows that the source must have had, too, since every row of the copy is equal to it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dbops.evidence import Match, TableProof
from dbops.language import msg
from dbops.model import Finding, Severity

_OF_ROWS = frozenset({"fk-orphans", "constraint-violated"})
"""Rows that were written with foreign keys or checks switched off. A dump brings them back as they are."""


def graded(findings: Sequence[Finding], tables: Sequence[TableProof]) -> tuple[Finding, ...]:
    """The findings of a closer look at a copy; those that equal rows explain are warnings about the source."""
    if not all(table.match is Match.EQUAL for table in tables):
        return tuple(findings)
    return tuple(_as_in_source(finding) if finding.id in _OF_ROWS else finding for finding in findings)


def _as_in_source(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR:
        return finding
    return msgspec.structs.replace(
        finding,
        severity=Severity.WARNING,
        actual=msg("{actual}, as in the source, whose rows are equal", actual=finding.actual),
    )
