"""What a comparison of a copy with its source rests on, as figures for a report. Pure: two inventories in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from dbops.engine.base import TableKey
from dbops.evidence import Match, ObjectCount, TableProof
from dbops.inventory.digests import comparable
from dbops.model import Finding, Inventory, Severity, Table

_DIFFERENCES = ("missing", "differs", "extra")


def tables(
    expected: Inventory, found: Inventory, explained: Mapping[TableKey, Sequence[Finding]]
) -> tuple[TableProof, ...]:
    """Every table of either side by name. `explained`: what a closer look at the rows gave, as in `compare`."""
    source = {(t.schema, t.name): t for t in expected.tables}
    copy = {(t.schema, t.name): t for t in found.tables}
    return tuple(
        _table(key, source.get(key), copy.get(key), explained.get(key, ())) for key in sorted(source.keys() | copy)
    )


def _table(key: TableKey, source: Table | None, copy: Table | None, closer: Sequence[Finding]) -> TableProof:
    return TableProof(
        schema=key[0],
        name=key[1],
        match=_match(source, copy, closer),
        rows=source.rows if source else None,
        copy_rows=copy.rows if copy else None,
        digest=source.digest if source else "",
        copy_digest=copy.digest if copy else "",
        bytes=source.bytes if source else 0,
    )


def _match(source: Table | None, copy: Table | None, closer: Sequence[Finding]) -> Match:
    if source is None or copy is None or source.rows != copy.rows:
        return Match.DIFFERENT
    if closer:  # the rows themselves were compared: in another order they are still the same rows
        return Match.DIFFERENT if any(f.severity is Severity.ERROR for f in closer) else Match.EQUAL
    if comparable(source.digest, copy.digest):
        return Match.EQUAL if source.digest == copy.digest else Match.DIFFERENT
    return Match.EQUAL if source.rows == 0 else Match.COUNTED


def objects(expected: Inventory, found: Inventory, findings: Collection[Finding]) -> tuple[ObjectCount, ...]:
    """Schema objects by kind; `findings` of the comparison say how many differ."""
    wrong = Counter(finding.id for finding in findings if finding.severity is Severity.ERROR)
    return tuple(
        ObjectCount(
            kind=kind,
            source=len(expected.objects[kind]) if kind in expected.objects else None,
            copy=len(found.objects.get(kind, ())),
            different=sum(wrong[f"{kind}-{word}"] for word in _DIFFERENCES),
        )
        for kind in sorted(expected.objects.keys() | found.objects.keys())
        if expected.objects.get(kind) or found.objects.get(kind)
    )
