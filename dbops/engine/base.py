"""The port of engines: one database dialect with its client tools. Nothing above this line knows a dialect.

All methods raise `DatabaseError`, `ToolError`, `LockedError` or `PreflightError`, `ConfigError` where the target names
no database or what cannot be, never an error of a driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dbops.config.urls import Secret
from dbops.model import EngineInfo, Extension, Finding, LargeObjects, Manifest, ObjectDigest
from dbops.progress import Progress
from dbops.store.base import Sink
from dbops.values import label

if TYPE_CHECKING:
    from dbops.engine.migrating import Migrator
    from dbops.engine.restoring import Restorer


class Server(NamedTuple):
    """What a server says of itself and of the database that a connection reaches."""

    info: EngineInfo
    major: int
    host: str
    """For people: host and port, or the socket's folder; never a secret."""
    database_bytes: int
    in_recovery: bool
    superuser: bool


class DumpPlan(NamedTuple):
    """All that is decided before a dump begins; showing it is the dry run."""

    program: str
    version: str
    argv: tuple[str, ...]
    """Without the connection's secret, the output and the snapshot."""
    format: str
    """The engine's own word, as in `Method`: one stream, or several files that are dumped in parallel."""
    compression: str
    jobs: int


class Reading(StrEnum):
    """How the rows of a table can be compared between a source, its archive and a copy."""

    ORDERED = "ordered"
    """A dump and a restore keep the order of rows: one digest over them in order."""
    UNORDERED = "unordered"
    """The rows come back in another order: a sum over the rows."""
    COUNTED = "counted"
    """The rows print differently in the archive: only their number."""


class TableRef(NamedTuple):
    """A table whose rows are in a dump: its name, the dump's column list, its size in bytes, how its rows are read.

    `schema` is empty where the dialect has none within a database.

    `condition` is the engine's own text for a table of which a dump holds only some rows.
    """

    schema: str
    name: str
    columns: tuple[str, ...]
    bytes: int
    condition: str = ""
    reading: Reading = Reading.ORDERED

    @property
    def label(self) -> str:
        """`schema.name` for people; the name alone without a schema."""
        return label(self.schema, self.name)


class Content(NamedTuple):
    """Rows of a table and their digest (`<kind>:<hex>`, see `inventory`), however they were read."""

    rows: int
    digest: str


TableKey = tuple[str, str]
"""(schema, name) of a table."""


class Snapshot(Protocol):
    """One moment of one database, read only. Safe to use from several threads; ends with its context."""

    at: datetime
    basis: str
    """`snapshot`, `locked` or `unanchored`: how firmly everything read here shares one moment with the dump."""

    def tables(self) -> Sequence[TableRef]:
        """Tables whose rows a dump holds, largest first."""

    def counts(self, tables: Sequence[TableRef], jobs: int) -> dict[TableKey, Content]:
        """Exact rows of each table, without digests, in at most `jobs` sessions."""

    def contents(self, tables: Sequence[TableRef], jobs: int, progress: Progress) -> dict[TableKey, Content]:
        """Rows and digest of each table, read with the given column lists in at most `jobs` sessions."""

    def sequences(self) -> dict[TableKey, tuple[int, bool]]:
        """Position of each sequence now: last value, and whether it has been drawn. Not bound to the moment."""

    def large_objects(self, *, digest: bool) -> LargeObjects:
        """How many, and their bytes; with `digest` also one over their content."""

    def objects(self) -> dict[str, tuple[ObjectDigest, ...]]:
        """Every schema object by kind, with a digest of its normalised definition."""

    def extensions(self) -> tuple[Extension, ...]:
        """Those of the database, with their versions."""

    def roles(self) -> tuple[str, ...]:
        """Roles that the database's objects refer to: the ones a restore needs."""

    def settings(self) -> dict[str, str]:
        """Settings of the server that change how data prints or loads."""

    def migration_heads(self) -> tuple[str, ...]:
        """Rows of Alembic's version tables; empty where there is none."""

    def newest(self, column: str) -> datetime | None:
        """The greatest value of `table.column` or `schema.table.column`, in UTC; None when the table is empty.
        `ConfigError` for a column of another form."""

    def cancel(self) -> None:
        """Ends every session that reads in this moment, so that nobody waits for one any more. Never raises."""

    def lines(self, table: TableRef) -> Iterator[bytes]:
        """The table's rows as text in pieces of any length, one line a row."""

    def warnings(self) -> list[Finding]:
        """What the source itself has that a backup cannot carry or that a restore would show: invalid indexes, …"""

    def globals_sql(self) -> str:
        """Roles and memberships that a restore needs, as SQL, without passwords."""

    def database_sql(self) -> str:
        """Owner, settings and grants of the database itself, as SQL to be run while connected to a copy of it."""


class DumpOutput(Protocol):
    """Where a dump's bytes go: the operation gives it, the engine fills it. Thread-safe."""

    def stream(self, name: str) -> AbstractContextManager[Sink]:
        """One artifact, as its bytes come."""

    def adopt(self, path: Path, name: str) -> None:
        """One artifact that a tool has finished writing as a local file."""

    def workspace(self) -> AbstractContextManager[Path]:
        """A folder from which `adopt` is cheap."""


class Destination(NamedTuple):
    """What a restore would replace: `exists` False when there is no such database yet."""

    server: Server
    name: str
    exists: bool
    tables: int | None
    """None: nobody can look into it."""
    rows: int
    """The server's estimate."""
    bytes: int
    sessions: tuple[str, ...]
    """Other sessions, one line each for people."""


class Shell(NamedTuple):
    """How a person gets into a database by the dialect's own client: what a private file must hold (it may be a
    secret), and the command line, in which `{file}` is that file."""

    content: Secret
    command: str


class VersionRows(NamedTuple):
    """What a migration tool's version table holds. `table` is its name for people; `found` False: there is none."""

    table: str
    found: bool
    rows: frozenset[str]


class Engine(Protocol):
    """One dialect, bound to one target's connection settings."""

    name: str

    def server(self) -> Server:
        """Asks the server; `DatabaseError` if it cannot be reached."""

    def version_rows(self, table: str, schema: str | None) -> VersionRows:
        """The rows of a migration tool's version table. Without a schema it is looked for in every one; `DatabaseError`
        if several have it."""

    def backup_obstacles(self) -> list[Finding]:
        """Why a backup as this role would be incomplete or fail; errors stop it."""

    def role_sql(self) -> str:
        """The roles with the least rights that back up, and restore, the URL's database: SQL for an administrator."""

    def plan_dump(self, server: Server, *, jobs: int, compression: str = "", streamed: bool = False) -> DumpPlan:
        """Chooses the tool by the server's version. `PreflightError` names what to install if none fits.

        `streamed`: no tool may write the dump into a file itself, even if that takes longer.
        """

    def lock(self, target: str, *, prunes: bool = False) -> AbstractContextManager[None]:
        """Excludes a second backup of the target, and its pruning, from any host; `LockedError` says who holds it,
        since when. Its kind is 'prune-running' if that one `prunes`, and so ends soon, else 'backup-running'."""

    def snapshot(self, plan: DumpPlan | None = None) -> AbstractContextManager[Snapshot]:
        """Opens a moment. With a plan, the dump that `dump` reads begins in that very moment: some dump programs cannot
        enter one that is open already."""

    def dump(
        self, plan: DumpPlan, snapshot: Snapshot, output: DumpOutput, name: str, progress: Progress, *, level: str
    ) -> dict[TableKey, Content]:
        """Dumps in the snapshot (opened with this plan) into `output` as `name`. Returns what the archive holds of each
        table, as far as the inventory's `level` asks for it: nothing for `counts`."""

    def shell(self) -> Shell:
        """For the URL's own database. Nothing is connected."""

    def restorer(self, name: str | None = None) -> Restorer:
        """What replaces a database by a backup: the URL's own, or another one of the same server."""

    def migrator(self) -> Migrator:
        """What a migration of the URL's own database needs, and the ledger of those that ran."""

    def restore_guide(self, manifest: Manifest) -> str:
        """RESTORE.md: the exact commands that restore this backup without dbops."""

    def verify_archive(self, manifest: Manifest, path: Path, progress: Progress) -> dict[TableKey, Content]:
        """Decodes a local archive (a file, or a folder for `directory`) to its end with the engine's own tool.

        Returns rows and digest of each table in it, of the same kind as in the manifest. Raises `BadBackupError` where
        it cannot be decoded, `PreflightError` where the tool is missing.
        """
