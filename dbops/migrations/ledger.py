"""The ledger of applied revisions: what ran on a database, of which file, when. `migrate` writes it there."""

from __future__ import annotations

from datetime import datetime

from dbops.values import Value


class LedgerEntry(Value, frozen=True):
    """A revision that has run. `parents`: all that it stood on then, by `down_revision` and `depends_on`, as ids.
    `file_hash` is `Revision.sha256`; `applied_at` is UTC; `duration` in seconds."""

    id: str
    parents: tuple[str, ...]
    file_hash: str
    applied_at: datetime
    dbops_version: str
    duration: float
