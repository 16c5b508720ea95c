"""Digests of rows, and which of them can be compared (docs/decisions/002-fingerprint.md)."""

from __future__ import annotations

from dbops.engine.base import Reading
from dbops.model import Table

_READINGS = {"copy-sha256": Reading.ORDERED, "copy-sum64": Reading.UNORDERED, "rows-sum64": Reading.UNORDERED}
"""Kind of digest -> how it was taken; see docs/decisions, 'Fingerprints'."""


def reading(table: Table) -> Reading:
    """How a copy's rows must be read to be comparable with a digest of an inventory."""
    return _READINGS.get(table.digest.partition(":")[0], Reading.COUNTED)


def differ(one: str, other: str) -> bool:
    """Whether two digests say that the rows are not the same."""
    return one != other and comparable(one, other)


def comparable(one: str, other: str) -> bool:
    """Whether both were taken, and in the same way."""
    return bool(one and other) and one.partition(":")[0] == other.partition(":")[0]
