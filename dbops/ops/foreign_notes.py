"""What the drill of a foreign dump has found so far. Who the dump is becomes known on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dbops.config import Target
from dbops.evidence import ObjectCount, TableProof
from dbops.language import msg
from dbops.model import Finding, Freshness, Manifest, NotEvaluated, Severity
from dbops.ops.drill_report import Clock, Notes
from dbops.ops.foreign_source import Location

_CONTENT = msg("the dump has no inventory: what its source held is not known, so the copy cannot be compared with it")
_SOURCE_TRAITS = frozenset(
    {
        "constraint-not-valid",
        "constraint-violated",
        "fk-orphans",
        "insert-fails",
        "invalid-index",
        "invalid-view",
        "matview-broken",
        "matview-not-populated",
        "routine-broken",
        "sequence-behind",
        "unlogged-table",
        "view-broken",
    }
)
"""What dump programs carry over faithfully: without an inventory nobody knows whether the source has it, too."""


class ForeignNotes(Notes):
    """Collects; judges at the end."""

    def __init__(self, manifest: Manifest, target: Target, clock: Clock, location: Location) -> None:
        super().__init__(manifest, target, clock, {"archive": location.url})
        self._clock = clock
        self._evidence = msgspec.structs.replace(self._evidence, rpo_seconds=None, inventory_basis="")

    def identified(self, manifest: Manifest, facts: dict[str, Any]) -> None:
        """What is known of the dump once it was read; `facts` go into the provenance."""
        self._manifest = manifest
        self._provenance |= facts
        self.dated(manifest.freshness)

    def at_hand(self, size: int, files: int, sha256: str) -> None:
        """The dump was read again; what it is remains to be seen."""
        self._provenance |= {"bytes": size, "archive_sha256": sha256}
        self._add(archive_files=files, archive_bytes=size)

    def dated(self, fresh: Freshness) -> None:
        """How old its newest row is, as far as is known now."""
        self._manifest = msgspec.structs.replace(self._manifest, freshness=fresh)
        self._add(rpo_seconds=(self._clock() - fresh.newest).total_seconds())
        self._provenance |= {"newest_row_at": fresh.newest.isoformat(), "newest_row_by": fresh.basis}

    def read(self, tables: tuple[TableProof, ...], objects: tuple[ObjectCount, ...]) -> None:
        """The copy was read to its end."""
        self._compared = True
        self._skipped.append(NotEvaluated(id="content-equality", reason=_CONTENT))
        self._add(tables=tables, objects=objects)
        self._provenance |= {"tables": len(tables), "rows": sum(table.copy_rows or 0 for table in tables)}

    @property
    def rows(self) -> int | None:
        """Of all tables of the copy; None before they were counted."""
        return self._provenance.get("rows")


def softened(findings: Iterable[Finding], database: str) -> Iterable[Finding]:
    """What may well be of the source is a warning; each finding once, with its database."""
    seen: set[tuple[str, str]] = set()
    for finding in findings:
        if (finding.id, finding.subject) in seen:
            continue
        seen.add((finding.id, finding.subject))
        subject = f"{database}: {finding.subject}" if database else finding.subject
        if finding.id in _SOURCE_TRAITS and finding.severity is Severity.ERROR:
            actual = f"{finding.actual} (perhaps the source has it, too: the dump has no inventory)"
            expected = finding.expected.replace(", as in the source", "")
            finding = msgspec.structs.replace(
                finding, severity=Severity.WARNING, subject=subject, actual=actual, expected=expected
            )
        yield msgspec.structs.replace(finding, subject=subject)
