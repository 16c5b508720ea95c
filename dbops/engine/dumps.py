"""The port of dumps that other tools made: recognised by their content, read, and loaded into a throw-away server.

All methods raise `BadBackupError` where the dump is to blame, `PreflightError` where this machine or server lacks
something for it, `DatabaseError` or `ToolError` where the work itself broke; never an error of a driver.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from dbops.engine.restoring import SideDatabase, Wishes
from dbops.model import Finding, Manifest, NotEvaluated
from dbops.progress import Progress


class Form(StrEnum):
    """What a dump is, whatever it was compressed with."""

    CUSTOM = "custom"
    DIRECTORY = "directory"
    TAR = "tar"
    PLAIN = "plain"
    """One script, of one database or of a whole server."""
    SCRIPTS = "scripts"
    """A folder of many scripts: those of mydumper, each packed by itself or not."""


class Dump(NamedTuple):
    """A recognised dump at hand, as a local file or folder.

    `packing`: what stands around it, outermost first (`gzip`, `zstd`, `xz`, `age`). A `PLAIN` dump is still in it and
    is read through `unpacked`; the others have been unpacked, since their tools need a file. `engine`: the dialect, as
    in `EngineInfo.name`; where two share their dump programs, that of the server which the dump was made from.
    """

    engine: str
    form: Form
    path: Path
    packing: tuple[str, ...] = ()
    bytes: int = 0
    """As it was found, packed."""
    identity: Path | None = None
    """The age key file of an encrypted `PLAIN` dump, or of a folder's files."""


class DumpDatabase(NamedTuple):
    """One database of a dump, as far as the dump says. `name` '': it does not say."""

    name: str
    created: bool = False
    """Whether the dump itself creates it."""
    encoding: str = ""
    collation: str = ""
    ctype: str = ""
    locale_provider: str = ""
    locale: str = ""
    roles: tuple[str, ...] = ()
    """Roles that objects belong to, or that are granted something."""
    extensions: tuple[str, ...] = ()


class DumpFacts(NamedTuple):
    """What a dump says about itself."""

    tool: str
    tool_version: str
    server_version: str
    databases: tuple[DumpDatabase, ...]
    made_at: datetime | None = None
    made_by: str = "begun"
    """What the dump was at `made_at`: `begun` or `completed`."""
    compression: str = "none"
    """The tool's own, inside of the dump: `gzip`, `zstd`, `lz4`."""
    roles: tuple[str, ...] = ()
    """Roles that the dump itself creates."""
    size: int = 0
    """Bytes of its text, or of its file where that cannot be known."""
    cluster: bool = False
    """Of a whole server, with its roles."""
    series: str = ""
    """The source's, as in `EngineInfo.series`; empty where the version tells it, or is not known."""
    maintenance: str = ""
    """A database of the dump that every server of its kind has, and that is nobody's: `postgres`."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with the dump, and no reason not to load it."""
    not_evaluated: tuple[NotEvaluated, ...] = ()
    """What cannot be known of such a dump."""


class LoadedDatabase(NamedTuple):
    """One database of a dump in the throw-away server, where it is called `side.name`."""

    facts: DumpDatabase
    manifest: Manifest
    side: SideDatabase


class Loaded(NamedTuple):
    """All databases of a dump, and what was found while they were loaded."""

    databases: tuple[LoadedDatabase, ...]
    findings: tuple[Finding, ...]


class DumpReader(Protocol):
    """Reads dumps without a server."""

    def read(self, dump: Dump, progress: Progress) -> DumpFacts:
        """Reads the dump as far as needed to know it, a script to its end. `BadBackupError` of kind
        'archive-truncated', 'archive-corrupt' or 'client-command' if it must not be loaded."""


class DumpLoader(Protocol):
    """Bound to a throw-away server. What it makes there is dropped with the context."""

    def load(
        self,
        dump: Dump,
        facts: DumpFacts,
        manifest: Callable[[DumpDatabase], Manifest],
        wishes: Wishes,
        progress: Progress,
    ) -> AbstractContextManager[Loaded]:
        """Loads every database of the dump and stops at the first error. `manifest` describes one of them."""
