"""The backups of a store with their last verification, as a document and as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dbops.catalog import Catalog, Listing, Record, State
from dbops.config.units import format_duration, format_size
from dbops.language import tr, translated
from dbops.report.text import block, table


class Row(NamedTuple):
    """A folder of the store and the newest record of its verification, if any."""

    listing: Listing
    record: Record | None


def collect(catalog: Catalog, target: str | None) -> list[Row]:
    """Newest first."""
    return [
        Row(item, next(iter(catalog.records.among(item.keys)), None) if item.state is State.OK else None)
        for item in catalog.list(target)
    ]


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """`{"backups": [...], "unusable": [...]}`: ids, bytes, and UTC times."""
    usable = [
        {
            "id": row.listing.id,
            "target": row.listing.target,
            "bytes": row.listing.manifest.bytes,
            "verified_at": row.record.at if row.record else None,
            "verdict": row.record.verdict if row.record else None,
            "verified_by": row.record.task if row.record else None,
        }
        for row in rows
        if row.listing.manifest is not None
    ]
    unusable = [
        {"id": item.id, "target": item.target, "state": item.state, "bytes": item.bytes, "reason": item.reason}
        for item, _ in rows
        if item.state is not State.OK
    ]
    return {"backups": usable, "unusable": unusable}


def text(rows: Sequence[Row], now: datetime, where: str) -> str:
    """A table of the backups in the store `where`, and below it what cannot be used."""
    lines = [
        (
            row.listing.id,
            row.listing.target,
            _age(manifest.snapshot_at, now),
            format_size(manifest.bytes),
            _seen(row, now),
        )
        for row in rows
        if (manifest := row.listing.manifest) is not None
    ]
    shown = (
        table((tr("id"), tr("target"), tr("age"), tr("size"), tr("verified")), lines)
        if lines
        else tr("no backups in {where}\n", where=where)
    )
    return shown + "".join(_unusable(row.listing, now) for row in rows if row.listing.state is not State.OK)


def _seen(row: Row, now: datetime) -> str:
    if row.record is None:
        return tr("never")
    return tr(
        "{verdict} {age} by {task}",
        verdict=tr(row.record.verdict.value),
        age=_age(row.record.at, now),
        task=row.record.task,
    )


def _unusable(item: Listing, now: datetime) -> str:
    name = f"{item.target}/{item.id}"
    if item.state.unusable:
        return block(tr("BROKEN") if item.state is State.BROKEN else tr("newer"), name, translated(item.reason))
    size = format_size(item.bytes)
    reason = tr(
        "no manifest, {size}, last written {age}: unfinished, or interrupted (see 'prune')",
        size=size,
        age=_age(item.modified, now),
    )
    return block(tr("debris"), name, reason)


def _age(moment: datetime, now: datetime) -> str:
    seconds = (now - moment).total_seconds()
    rough = " ".join(format_duration(abs(seconds)).split()[:2])
    return tr("{rough} ago", rough=rough) if seconds >= 0 else tr("in {rough}", rough=rough)
