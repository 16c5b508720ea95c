"""The ledger of applied revisions: what ran on a database, of which file, when. `migrate` writes it there."""

from __future__ import annotations

from dbops.engine.migrating import LedgerEntry

__all__ = ["LedgerEntry"]
