"""The port of migrations: what a run of the application's own upgrade needs of its database, and the ledger that it
leaves there.

All methods raise `DatabaseError` or `LockedError`, and what they name themselves, never an error of a driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

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


class Intent(Value, frozen=True):
    """What a migration was about to run when it wrote this; it takes it back when it ends. `backup`: the id of its
    safety backup."""

    revisions: tuple[str, ...]
    begun_at: datetime
    backup: str
    dbops_version: str


class Limits(NamedTuple):
    """Seconds that a statement of the application may wait for a lock, and may take at all; None: as the server has
    it."""

    lock: float | None = None
    statement: float | None = None


class SessionRules(NamedTuple):
    """What each session of the application must be. `proof`: a query that gives a true value in the very database that
    is meant, and nowhere else. `setup`: statements that it begins with."""

    proof: str = ""
    setup: tuple[str, ...] = ()


class Refusal(NamedTuple):
    """Why the server did not run a statement. `code`: SQLSTATE, or the number of MySQL's error."""

    code: str
    text: str


class TableLock(NamedTuple):
    """A lock that a session holds on a table, by the server's own word. `relation`: `schema.table`, or the table alone
    in a dialect without schemas. `blocks`: `reads` (and writes), `writes`, or '' if neither waits for it."""

    relation: str
    mode: str
    blocks: str


Locks = Callable[[Sequence[int]], frozenset[TableLock]]
"""What sessions, by their numbers, hold now on the database's own tables."""


class Migrator(Protocol):
    """Bound to one database. Nothing is connected until a method needs it."""

    def lock(self) -> AbstractContextManager[None]:
        """Excludes a second migration of this database from any host. `LockedError` of kind 'migration-running' says
        who holds it: another run, or the application's session of one that was killed and is not through yet."""

    def sessions(self, limits: Limits) -> AbstractContextManager[SessionRules]:
        """Rules for the application's sessions, which hold while the block lasts."""

    def blockers(self, session: int) -> tuple[str, ...]:
        """Who keeps a session waiting for a lock, one line each for people; empty if it does not wait, or that cannot
        be seen."""

    def end(self, session: int) -> None:
        """Ends a session of the application; harmless where there is none."""

    def locks(self) -> AbstractContextManager[Locks]:
        """For throw-away servers, which may be made to show them. `NothingToCheckError` says why one does not."""

    def attempt(
        self, statement: str, timeout: float, *, keep: bool = False, parameters: bool = False
    ) -> Refusal | None:
        """Tries one statement, for throw-away copies: None if the server takes it. `keep`: what it does stays; it is
        rolled back else, as far as the dialect can. `parameters`: it is only prepared, since it has placeholders
        (`$1` of PostgreSQL, `?` of MySQL). `timeout` in seconds."""

    def definitions(self) -> Mapping[str, Mapping[str, str]]:
        """kind -> {identity -> definition}, of every schema object that is there now."""

    def ledger(self) -> tuple[LedgerEntry, ...] | None:
        """The entries in the order in which they ran; None where no ledger is kept."""

    def prepare(self) -> None:
        """Looks whether the ledger can be kept; `RefusedError` where it cannot, with what would help."""

    def record(self, entries: Iterable[LedgerEntry]) -> None:
        """Adds entries, in the place of older ones of the same ids. The ledger is made where there is none."""

    def forget(self, names: Iterable[str]) -> None:
        """Removes the entries of revisions that were taken back."""

    def intent(self) -> Intent | None:
        """What a migration that was killed has left; None in the usual case."""

    def intend(self, intent: Intent | None) -> None:
        """Writes an intent, or takes it back."""
