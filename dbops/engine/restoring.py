"""The port of restores: one database of one server that a backup is to replace, and the copy that is made beside it.

All methods raise `DatabaseError`, `ToolError`, `LockedError`, `PreflightError` or `RefusedError`, `ConfigError` where
the target names no database, never an error of a driver. Timeouts are seconds, sizes bytes. Moments are ids as of
`ids.backup_id`: they name what a restore sets aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from dbops.engine.base import Content, Destination, Snapshot, TableKey, TableRef
from dbops.evidence import Probe
from dbops.model import Finding, Manifest, NotEvaluated
from dbops.progress import Progress

NOT_MADE = "view-not-made"
"""Finding of a load: a view of which another database, that is not here, has what it selects from."""


class Wishes(NamedTuple):
    """How a restore was asked for."""

    jobs: int = 2
    no_owner: bool = False
    """Owners and grants are left out: everything belongs to the connecting role."""
    end_sessions: bool = False
    """Sessions that are in the way may be ended."""
    create_roles: bool = False
    """Roles that the server lacks are made from `globals.sql`."""
    in_place: bool = False
    """The database keeps its identity and only its content is replaced: for servers that allow no rename."""
    throw_away: bool = False
    """The server goes when the copy does: what the copy needs of a server, and it lacks, may be put into it."""
    app_stops_sessions: bool = False
    """A stop command will run before the swap: sessions of now are no reason to refuse yet."""


class Preflight(NamedTuple):
    """What is known before anything changes. Any finding that is an error stops the restore."""

    destination: Destination
    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...]


class Aside(NamedTuple):
    """A database that a swap has set aside: its name, the moment of that restore or undo, its bytes."""

    name: str
    moment: str
    bytes: int


class Probed(NamedTuple):
    """What a closer look at a copy gave: findings, what could not be tried, and how much was tried."""

    findings: tuple[Finding, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    probes: tuple[Probe, ...] = ()


class SideDatabase(Protocol):
    """A database beside the live one, being filled. It is dropped with its context, unless it was swapped in."""

    name: str
    waits_for_swap: frozenset[str]
    """Kinds of objects that it gets when it is swapped in: a comparison before that passes them over."""
    changed: bool
    """Of a database that is filled in place: whether its content is another than before, or perhaps half of one."""

    def load(self, manifest: Manifest, archive: Path, wishes: Wishes, progress: Progress) -> list[Finding]:
        """Fills it from a local archive, stopping at the first error that is not on a list of known harmless ones."""

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        """Gives it what belongs to the database itself: settings, grants, owner. Some of it waits for the swap."""

    def other_defaults(self, manifest: Manifest) -> frozenset[tuple[str, str]]:
        """(kind, name) of schema objects that a new database has otherwise here than on the source's version, whatever
        anybody did: a difference proves nothing."""

    def analyze(self, jobs: int) -> None:
        """Gathers the planner's statistics."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """One moment of the copy, to compare with the manifest's inventory."""

    def probe(self, manifest: Manifest) -> list[Finding]:
        """What makes a right copy unusable: sequences behind their column, invalid indexes, empty matviews, …"""

    def examine(self, manifest: Manifest, jobs: int, progress: Progress) -> Probed:
        """Tries the copy out as an application would, and as its engine's own checker does: inserts that are rolled
        back, foreign keys and constraints over all rows, indexes against their tables, views. It costs about as much
        as reading everything twice, and is for throw-away copies: it may leave helpers (an extension) behind."""

    def value(self, query: str, timeout: float) -> object:
        """The one value that a query of the user gives, read only, in at most `timeout` seconds. `DatabaseError` if it
        fails or gives anything else than one row of one column."""

    def key_columns(self, table: TableRef) -> tuple[str, ...]:
        """Columns of the table's primary key, empty without one."""

    def archive_contents(self, manifest: Manifest, archive: Path, progress: Progress) -> dict[TableKey, Content]:
        """Rows and digest of each table as they stand in the archive, of the same kind as in the manifest."""

    def archive_lines(self, manifest: Manifest, archive: Path, table: TableRef) -> Iterator[bytes]:
        """A table's rows as they stand in the archive, as `Snapshot.lines` gives those of a copy."""

    def swap(self, moment: str, *, end_sessions: bool) -> str:
        """Puts it under the live name in one transaction and returns the name that the old database now has ('' where
        there was none). `RefusedError` names the sessions in the way if they may not be ended."""


class Restorer(Protocol):
    """Bound to one database name on one server. Nothing is connected until a method needs it."""

    @property
    def name(self) -> str:
        """Of the live database, as the server has it."""

    def lock(self) -> AbstractContextManager[None]:
        """Excludes a second restore of this database from any host. Everything below needs it, but `preflight`."""

    def preflight(self, manifest: Manifest, wishes: Wishes, archive: Path | None = None) -> Preflight:
        """`archive`: the backup's, where it is here already; it knows more than the manifest."""

    def clear_leftovers(self) -> list[str]:
        """Drops side databases of restores that were killed; their names."""

    def create_roles(self, globals_sql: str) -> None:
        """Runs `globals.sql` for the roles that the server lacks."""

    def side(self, manifest: Manifest, moment: str) -> AbstractContextManager[SideDatabase]:
        """A new, empty database beside the live one, dropped with its context unless it was swapped in. `moment` is in
        its name."""

    def fresh(self, manifest: Manifest) -> AbstractContextManager[SideDatabase]:
        """The database itself, which must not exist yet: created empty, dropped with its context. For sandboxes."""

    def unfinished(self) -> str:
        """The id of the safety backup of a restore in place that was killed half-way; '' if none was, or if the dialect
        replaces everything in one transaction."""

    def in_place(self, manifest: Manifest, *, safety: str, database_sql: str = "") -> SideDatabase:
        """The live database itself: its `load` replaces the content, in one transaction where the dialect has such
        (`changed` says what a failure leaves), and its `swap` ends that. Where there is none, the database says until
        then that its content may be half of something, and that the backup `safety` has what was there before.

        `database_sql`: what belongs to the database itself; in a transaction it comes with the content. Left out, or
        without such a transaction, it comes with `settle`, so that a role that may not set it still gets the content.
        """

    def end_sessions(self) -> None:
        """Ends the sessions that are in the database now."""

    def check_sessions(self, *, end_sessions: bool) -> None:
        """`RefusedError` naming the sessions in the way, after a grace of some seconds for those that are ending."""

    def asides(self) -> list[Aside]:
        """What restores of this database have set aside, newest first."""

    def undone(self) -> list[Aside]:
        """Restored databases that `undo` has set aside, newest first."""

    def undo(self, aside: Aside, moment: str, *, end_sessions: bool) -> str:
        """Swaps the set-aside database back in one transaction; the name that the restored one now has."""

    def drop(self, aside: Aside) -> None:
        """Deletes a database that was set aside, for good."""
