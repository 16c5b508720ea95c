"""What the ledger is told of a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dbops import __version__
from dbops.engine.migrating import LedgerEntry
from dbops.migrations.history import History
from dbops.migrations.runner import Outcome


def entries(history: History, names: Sequence[str], outcomes: Sequence[Outcome], at: datetime) -> list[LedgerEntry]:
    """An entry for each revision that has run, with its seconds of the attempt that applied it."""
    seconds: dict[str, float] = {}
    for outcome in outcomes:
        begun = {one.revision: one.at for one in outcome.begun}
        seconds |= {one.revision: one.at - begun.get(one.revision, one.at) for one in outcome.applied}
    return [
        LedgerEntry(
            id=name,
            parents=tuple(history.graph.needs[name]),
            file_hash=history[name].sha256,
            applied_at=at,
            dbops_version=__version__,
            duration=seconds.get(name, 0.0),
        )
        for name in names
    ]
