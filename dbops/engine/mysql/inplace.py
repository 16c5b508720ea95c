"""Replaces the content of a database where it is, where tables cannot change their places.

The products commit each definition as it is made: what fails half-way leaves neither the old content nor the new one.
So whoever calls this has a safety backup, and puts it back (`changed` says if that is needed). While it goes on, a
table in the database says so: for people, for the next restore, and for a backup that somebody takes of it.
"""

from __future__ import annotations

from pathlib import Path

from dbops.engine.mysql import settle
from dbops.engine.mysql.belongings import drop, read, set_event_states
from dbops.engine.mysql.journal import TABLE
from dbops.engine.mysql.maintenance import run
from dbops.engine.mysql.side import MysqlSide
from dbops.engine.mysql.statements import identifier
from dbops.engine.mysql.swap import tables
from dbops.engine.restoring import Wishes
from dbops.model import Finding, Manifest
from dbops.progress import Progress


class InPlace(MysqlSide):
    """See `engine.restoring.Restorer.in_place`. Nothing is created or renamed."""

    waits_for_swap: frozenset[str] = frozenset()
    changed = False
    """Whether the content is another one than before, or half of one."""

    def create(self, manifest: Manifest) -> None:
        """It is there."""

    def drop(self) -> None:
        """It stays."""

    def load(self, manifest: Manifest, archive: Path, wishes: Wishes, progress: Progress) -> list[Finding]:
        own = identifier(self.name)
        with self._maintenance.session() as connection:
            belongings = read(connection, self.name)
            found = tables(connection, self.name)
            self.changed = True
            run(
                connection,
                f"CREATE TABLE IF NOT EXISTS {own}.{identifier(TABLE)} (number INT PRIMARY KEY, text LONGTEXT NOT NULL)"
                f" COMMENT='dbops is replacing the content of this database'",
                "SET SESSION foreign_key_checks = 0",
            )
            drop(connection, [*belongings.events, *belongings.views, *belongings.routines], self.name)
            for name in found:
                run(connection, f"DROP TABLE {own}.{identifier(name)}")
            encoding, collation = manifest.engine.encoding, manifest.engine.collation
            run(connection, f"ALTER DATABASE {own} CHARACTER SET {encoding} COLLATE {collation}")
        loaded = super().load(manifest, archive, wishes, progress)
        with self._maintenance.session() as connection:
            run(connection, f"DROP TABLE {own}.{identifier(TABLE)}")
        return loaded

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        settle.settle(self._access, (*sorted_out.now, *sorted_out.at_swap))
        with self._maintenance.session() as connection:
            set_event_states(connection, self.name, self.events)

    def swap(self, moment: str, *, end_sessions: bool) -> str:  # noqa: ARG002 - there is nothing to swap
        return ""
