"""The port of sandboxes: an ephemeral server that a backup may be restored into, or a story told on.

Containers, local binaries, an embedded wheel and a server that the caller provides all look like this from above.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol, TypeVar

from dbops.config.urls import Secret
from dbops.errors import DbopsError, NothingToCheckError


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


class Sandbox(Protocol):
    """One server. It is nobody else's, it holds nothing that must last, and it is reached by `url` alone."""

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
