"""What a difference between two inventories means, and how it is told."""

from __future__ import annotations

from typing import NamedTuple

from dbops.model import Finding, Severity


class Rules(NamedTuple):
    """What a difference means. `known`: (id, subject) of what was found in the source itself, and by the load;
    `other_defaults`: (kind, name) of objects that another version makes otherwise by itself."""

    same_series: bool = True
    owners: bool = True
    skipped_kinds: frozenset[str] = frozenset()
    known: frozenset[tuple[str, str]] = frozenset()
    other_defaults: frozenset[tuple[str, str]] = frozenset()


def difference(kind: str, subject: str, expected: str, actual: str, severity: Severity = Severity.ERROR) -> Finding:
    """The finding: an error, unless it is said to be less."""
    return Finding(id=kind, severity=severity, subject=subject, expected=expected, actual=actual)
