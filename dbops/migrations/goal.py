"""What an upgrade is to reach: a revision, or all heads. Whether it has, the version table says."""

from __future__ import annotations

from dbops.errors import RefusedError
from dbops.language import msg
from dbops.migrations import graph
from dbops.migrations.history import History, Standing

HEADS = "heads"


def chosen(history: History, asked: str | None) -> str:
    """What a person has named: an id, `head`, a branch by its label as Alembic has it (`audit`: the revision that has
    the label; `audit@head`), or nothing. An id, or `HEADS`; raises `RefusedError`."""
    if not asked or asked == HEADS:
        return HEADS
    if asked in history or history.holes or not history.walkable:  # the gate says what is wrong with the files
        return asked
    label, at, end = asked.partition("@")
    owner = next((name for name, own in history.graph.labels.items() if label in own), "")
    found = [owner] if owner and not at else []
    if asked == "head":
        found = [*history.heads]
    elif owner and end in ("head", "heads"):
        found = [one for one in history.heads if owner in graph.ancestors(history.graph.parents, [one])]
    if len(found) == 1:
        return found[0]
    if found:
        raise RefusedError(
            msg("--to {to}: there are several: {found}", to=asked, found=", ".join(found)), hint=msg("name one of them")
        )
    raise RefusedError(msg("--to {to}: there is no such revision", to=asked), hint=msg("dbops status shows them"))


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
