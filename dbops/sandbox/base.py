"""The port of sandboxes: an ephemeral server that a backup may be restored into, or a story told on.

Containers, local binaries, an embedded wheel and a server that the caller provides all look like this from above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from dbops.config.urls import Secret
from dbops.errors import DbopsError, NothingToCheckError
from dbops.model import Finding


class SandboxError(DbopsError):
    """An ephemeral server could not be started, or has ended by itself."""


class SandboxMissingError(NothingToCheckError):
    """What a sandbox is made of is not here (a package, an engine, an image): nothing can be tried out."""


class About(NamedTuple):
    """What runs, for reports: a drill says in what it has restored."""

    kind: str
    """`embedded`, `local`, `container` or `external`."""
    engine: str
    """The dialect: `postgres`, `mysql`, `mariadb`."""
    version: str
    source: str
    """Where the server comes from: a package, a folder of binaries, an image with its digest, a host."""
    user: str = ""
    """The account that its processes run as, where dbops chose one."""
    tuned: bool = True
    """Made to restore fast; False: like production."""
    isolated: bool = True
    """Whether what runs in it has no way out to the network."""


class Needs(NamedTuple):
    """What a backup asks of the server that it is restored into; all of it is known before anything starts."""

    engine: str
    """The dialect: `postgres`, `mysql`, `mariadb`."""
    major: int
    """The source's major version; 0 where it is not known."""
    bytes: int = 0
    """What the tables and indexes will need on disk, about."""
    extensions: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    """Libraries that the source loads at its start (`shared_preload_libraries`)."""
    locales: tuple[str, ...] = ()
    """Collations and ctypes of the operating system that the database was made with."""
    icu: bool = False
    """Whether the database's own collation is one of ICU."""
    jobs: int = 2
    production_like: bool = False
    """Not tuned: an honest time of recovery."""
    image: str | None = None
    bindir: Path | None = None
    database: str = ""
    """What the restored database will be called, where that is known: jobs that run by themselves are tied to one."""
    series: str = ""
    """The source's, where servers of one major are not alike: `8.0` and `8.4`, `10.6` and `10.11`. Empty: not known."""
    settings: Mapping[str, str] = MappingProxyType({})
    """Settings of the source that its data may depend on, as in `Inventory.settings`."""
    shows_locks: bool = False
    """Whoever works in it wants to see who holds which lock, which costs memory."""


class Offer(NamedTuple):
    """What a provider could start: looked at, nothing started."""

    kind: str
    major: int
    """Of the server that it would start; 0 where that is only seen once it runs."""
    obstacles: tuple[str, ...]
    """Why it would not do, each a phrase that names what is missing; empty: it can be taken."""
    make: Callable[[], Sandbox]
    """The sandbox, not started."""
    isolated: bool | None = True
    """Whether what runs in it will have no way out to the network; None: that cannot be known."""
    series: str = ""
    """As in `Needs`; empty where the major tells all there is to know."""


class Seen(NamedTuple):
    """A server that the caller gives: its version, the databases in it that are not its own or not empty, the dialect
    that it speaks, and its series, as in `Needs`."""

    version: str
    holds: tuple[str, ...]
    engine: str
    series: str = ""


class Provider(Protocol):
    """A way to come by servers."""

    @property
    def kind(self) -> str:
        """As in `About`."""

    def offer(self, needs: Needs) -> Offer:
        """Starts nothing, and does not raise where something is missing: that is an obstacle."""


class Chosen(NamedTuple):
    """The sandbox that was taken (not started), warnings about it, and why not the others (`embedded: …`)."""

    kind: str
    sandbox: Sandbox
    findings: tuple[Finding, ...]
    passed_over: tuple[str, ...]


class Sandbox(Protocol):
    """One server. It is nobody else's, it holds nothing that must last, and it is reached by `url` alone."""

    ephemeral: bool
    """Whether the server goes with the sandbox, and all databases in it. False for one that the caller provides."""

    def start(self) -> None:
        """Returns when the server takes connections. Raises `SandboxMissingError` or `SandboxError`, and then has
        left nothing behind. Called once, from a thread that lives longer than the server."""

    def stop(self) -> None:
        """Ends the server without waiting for its sessions and removes all that it was. Harmless when repeated, and
        on a server that has not started. Cannot be interrupted."""

    @property
    def about(self) -> About:
        """Known once it has started."""

    def url(self, database: str) -> Secret:
        """The URL of a database as a role that may create and drop databases; with its password. Whether that database
        exists is the caller's business; the engine's maintenance database always does."""

    def log(self) -> str:
        """The server's last words, for the report of a failure; may be empty."""


S = TypeVar("S", bound=Sandbox)


@contextmanager
def running(sandbox: S) -> Iterator[S]:
    """The started sandbox for the time of the block. An error of its end never hides one of the block."""
    try:
        sandbox.start()
        yield sandbox
    except BaseException:
        with suppress(DbopsError, OSError):
            sandbox.stop()
        raise
    sandbox.stop()
