"""The port of scratch databases: empty ones of a throw-away server, in which migrations are tried out.

All methods raise `DatabaseError` or `LockedError`, never an error of a driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from dbops.config.urls import Secret
from dbops.engine.migrating import Refusal

Definitions = Mapping[str, Mapping[str, str]]
"""kind -> {identity -> definition}, of every schema object."""


class Rows(NamedTuple):
    """How many a table holds, and a digest in which neither their order nor that of the columns counts. Columns that
    the database numbers itself, and those that refer to others by such a number, are left out: they tell in which order
    rows came, and nothing else."""

    number: int
    digest: str


class Look(NamedTuple):
    """What a database holds. `rows` by the table's label."""

    definitions: Definitions
    rows: Mapping[str, Rows]


class ScratchSession(Protocol):
    """A session in one scratch database."""

    def run(self, statement: str) -> Refusal | None:
        """Runs one statement, by itself; None if it ran."""

    def empty(self) -> None:
        """Takes the rows out of every table: those that revisions have written are not the application's data."""


class ScratchServer(Protocol):
    """Bound to one server that is nobody else's."""

    def create(self, name: str) -> Secret:
        """An empty database; its URL."""

    copies: bool
    """Whether `copy` can be had."""

    def copy(self, source: str, name: str) -> Secret:
        """A copy of a database to which nobody is connected."""

    def drop(self, name: str) -> None:
        """With whoever is in it; harmless if it is not there."""

    def look(self, name: str) -> Look:
        """What a database holds now: definitions and rows of every table."""

    def session(self, name: str) -> AbstractContextManager[ScratchSession]:
        """A session in the database, closed with its context."""
