"""What the demo needs, and what its steps have done: values that the command line renders as the story goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.engine.base import Engine
from dbops.model import Finding, Manifest, Report
from dbops.ops.drill import Places
from dbops.sandbox.base import About, Sandbox

STEPS = ("start", "fill", "backup", "damage", "restore", "compare", "verify", "drill", "corrupt")
"""Their order, and the names of the report's phases."""


class Figures(NamedTuple):
    """What somebody in the office would notice first: sums of money, numbers of rows."""

    invoiced: Decimal
    payments: int
    paid: Decimal


class Started(NamedTuple):
    """The demo's server runs."""

    about: About


class Filled(NamedTuple):
    """A database with the demo's data: its name, its size, its sums."""

    database: str
    bytes: int
    figures: Figures


class BackedUp(NamedTuple):
    """The backup of it, and its archive as a local file."""

    manifest: Manifest
    archive: Path


class Statement(NamedTuple):
    """Something that went wrong on purpose, and the server's words for it (`UPDATE 20000`)."""

    sql: str
    status: str


class Damaged(NamedTuple):
    """`differences`: what a comparison with the backup's inventory finds."""

    statements: tuple[Statement, ...]
    before: Figures
    after: Figures
    differences: tuple[Finding, ...]


class Restored(NamedTuple):
    """What the restore came to, and the name of the damaged database."""

    report: Report
    old_database: str


class Compared(NamedTuple):
    """The restored database, read anew. `unread` is what could not be compared."""

    manifest: Manifest
    figures: Figures
    differences: tuple[Finding, ...]
    unread: int


class Verified(NamedTuple):
    """What verifying the damaged copy of the backup came to."""

    report: Report


class Drilled(NamedTuple):
    """What the drill came to."""

    report: Report


class Caught(NamedTuple):
    """A copy of the backup with one byte changed. `listing`: the entries that `pg_restore --list` still shows, None if
    it complained."""

    archive: str
    offset: int
    before: int
    after: int
    listing: int | None
    report: Report


Step = Started | Filled | BackedUp | Damaged | Restored | Compared | Verified | Drilled | Caught


class Outcome(Protocol):
    """What a statement of a script came to."""

    @property
    def status(self) -> str: ...

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]: ...


class Scratch(Sandbox, Protocol):
    """A sandbox on which the story can also be set up."""

    @property
    def bindir(self) -> Path:
        """Where the server's programs are."""

    def execute(self, database: str, script: str) -> Sequence[Outcome]:
        """Runs a script in one transaction; what each statement gave. `SandboxError` if one fails."""


class Tools(NamedTuple):
    """What the composition root gives: engine of a database of the sandbox, catalog of a folder, …"""

    engine: Callable[[Target], Engine]
    catalog: Callable[[Path], Catalog]
    clock: Callable[[], datetime]
    places: Callable[[Target], Places]
    """Where the backup is drilled: a second server, as throw-away as the first."""


class Listener(Protocol):
    """Follows the story."""

    def begin(self, name: str) -> None:
        """A step begins: one of `STEPS`."""

    def end(self, name: str, seconds: float, step: Step) -> None:
        """It has ended, and this is what it did."""
