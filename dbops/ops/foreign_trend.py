"""A dump beside the earlier ones of its series: a sudden drop is worth a look, growth is not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from dbops.config.units import format_size
from dbops.language import msg
from dbops.model import Finding, Severity

DRILLS = 10
"""So many of the newest earlier drills count."""
_LEAST = 0.5


class Past(NamedTuple):
    """An earlier drill of the series: the dump's name, its bytes, the rows of its copy. None: not measured."""

    backup: str
    bytes: int | None
    rows: int | None


def drops(backup: str, size: int, rows: int | None, past: Sequence[Past]) -> list[Finding]:
    """Rows or bytes below half of the median of the earlier drills (oldest first). The same dump does not count."""
    earlier = [item for item in past if (item.backup, item.bytes) != (backup, size)][-DRILLS:]
    rows_before = [item.rows for item in earlier if item.rows is not None]
    bytes_before = [item.bytes for item in earlier if item.bytes is not None]
    found = []
    if rows is not None and rows_before and rows < (usual := median(rows_before)) * _LEAST:
        found.append(
            _drop(
                "rows-dropped",
                backup,
                msg("{usual:,.0f} rows", usual=usual),
                msg("{rows:,} rows", rows=rows),
                len(rows_before),
            )
        )
    if bytes_before and size < (usual := median(bytes_before)) * _LEAST:
        expected = format_size(round(usual))
        found.append(_drop("size-dropped", backup, expected, format_size(size), len(bytes_before)))
    return found


def _drop(kind: str, backup: str, expected: str, actual: str, count: int) -> Finding:
    return Finding(
        id=kind,
        severity=Severity.WARNING,
        subject=backup,
        expected=(
            msg("about {expected}, the median of {count} earlier drills", expected=expected, count=count)
            if count > 1
            else msg("about {expected}, the median of {count} earlier drill", expected=expected, count=count)
        ),
        actual=msg("{actual}: less than half", actual=actual),
        hint=msg("was something deleted, left out of the dump, or is this the dump of another database?"),
    )
