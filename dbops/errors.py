"""What can go wrong, as data: what happened, on what, and what to do next. The exit code follows from the class."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command (docs/decisions/003-exit-codes.md)."""

    OK = 0
    BUG = 1
    USAGE = 2
    FAIL = 3
    OPERATION = 4
    INCONCLUSIVE = 5
    INTERRUPTED = 130


class DbopsError(Exception):
    """Base of all errors that a user may see.

    `message` says what happened and on what, `hint` what to do next; `kind` is stable and machine-readable.
    Neither may hold a secret: whoever raises one passes text of a tool or server through `command.redact` first.
    """

    exit_code = Exit.OPERATION

    def __init__(self, message: str, *, hint: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind or type(self).default_kind()

    @classmethod
    def default_kind(cls) -> str:
        """The class name in kebab case without 'Error': `StoreError` -> `store`."""
        name = cls.__name__.removesuffix("Error")
        return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ConfigError(DbopsError):
    """The command line, the environment or `dbops.toml` is wrong."""

    exit_code = Exit.USAGE


class RefusedError(DbopsError):
    """dbops will not do this as asked: it would be unsafe, or needs a confirmation that it did not get."""

    exit_code = Exit.USAGE


class BadBackupError(DbopsError):
    """The backup itself is bad: changed, cut, incomplete, or not what its manifest says."""

    exit_code = Exit.FAIL


class NewerFormatError(BadBackupError):
    """The backup cannot be used by this version of dbops: nothing says that it is bad."""

    exit_code = Exit.INCONCLUSIVE


class DatabaseError(DbopsError):
    """The server could not be reached or refused a statement."""


class ToolError(DbopsError):
    """A client program (pg_dump, pg_restore, psql, a command of the application) failed."""


class StoreError(DbopsError):
    """The store could not be read or written."""


class StoreFullError(StoreError):
    """The store, or a folder that the work needs, has no room left."""


class PreflightError(DbopsError):
    """Found before any work began: the operation would fail, and nothing was changed."""


class LockedError(DbopsError):
    """Somebody else holds the lock of this target, or a lock in the database was not granted in time."""


class NothingToCheckError(DbopsError):
    """There is nothing that could be judged: no backup, or a tool that the check needs is missing."""

    exit_code = Exit.INCONCLUSIVE
