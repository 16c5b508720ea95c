"""What an upgrade is to reach: a revision, or all heads. Whether it has, the version table says."""

from __future__ import annotations

from dbops.migrations.history import History, Standing

HEADS = "heads"


def needed(history: History, pending: tuple[str, ...], to: str) -> tuple[str, ...]:
    """Those of the pending revisions that an upgrade to a revision runs."""
    if to == HEADS:
        return pending
    wanted = history.ancestors([to])
    return tuple(name for name in pending if name in wanted)


def arrived(history: History, rows: frozenset[str], to: str) -> bool:
    """Whether a database with these version rows has all that `to` stands for, and is at nothing unknown."""
    if not rows or any(name not in history for name in rows):
        return False
    if to == HEADS:
        return history.relation(rows).standing is Standing.AT_HEAD and not history.overlapping(rows)
    return to in history.ancestors(rows)
