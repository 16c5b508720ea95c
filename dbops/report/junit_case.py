"""A test case of a JUnit report: what is held to be true, and what a run has to say about that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dbops.model import Finding

Left = dict[int, Finding]
"""Grave findings that no case has told yet."""


class Case(NamedTuple):
    """A test case: what is held to be true. `group` is `phase`, `table`, …; at most one of the rest is set."""

    name: str
    group: str
    seconds: float = 0.0
    failures: Sequence[Finding] = ()
    error: str = ""
    skipped: str = ""
    notes: Sequence[Finding] = ()


def take(left: Left, wanted: Callable[[Finding], bool]) -> list[Finding]:
    """Those findings, which are no longer left."""
    return [left.pop(key) for key in [key for key, finding in left.items() if wanted(finding)]]


def take_id(left: Left, name: str) -> list[Finding]:
    """Those of this id, which are no longer left."""
    return take(left, lambda finding: finding.id == name)
