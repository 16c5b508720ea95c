"""Replaces the content of a database where it is, where tables cannot change their places.

The products commit each definition as it is made: what fails half-way leaves neither the old content nor the new one.
So whoever calls this has a safety backup, and puts it back (`changed` says if that is needed). A mark in the database
(`mark`) names that backup until all is done: a restore that is killed anywhere is done again, and knows what to put
back. Events sleep until then.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from dbops.engine.base import Snapshot
from dbops.engine.mysql import mark, settle
from dbops.engine.mysql.belongings import read
from dbops.engine.mysql.bringing import drop, set_event_states
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.maintenance import Maintenance, run
from dbops.engine.mysql.side import MysqlSide
from dbops.engine.mysql.snapshot import open_quiet
from dbops.engine.mysql.statements import identifier
from dbops.engine.mysql.swap import tables
from dbops.engine.restoring import Wishes
from dbops.model import Finding, Manifest
from dbops.progress import Progress


class InPlace(MysqlSide):
    """See `engine.restoring.Restorer.in_place`. Nothing is created or renamed."""

    waits_for_swap: frozenset[str] = frozenset({"event_status"})
    changed = False
    """Whether the content is another one than before, or half of one."""

    def __init__(self, access: Access, maintenance: Maintenance, name: str, safety: str) -> None:
        """`safety`: the id of the backup that holds what is there now, or was before."""
        super().__init__(access, maintenance, name, name)
        self._safety = safety

    def create(self, manifest: Manifest) -> None:
        """It is there."""

    def drop(self) -> None:
        """It stays."""

    def load(self, manifest: Manifest, archive: Path, wishes: Wishes, progress: Progress) -> list[Finding]:
        own = identifier(self.name)
        with self._maintenance.session() as connection:
            belongings = read(connection, self.name)
            found = [name for name in tables(connection, self.name) if name != mark.TABLE]
            mark.put(connection, self.name, safety=self._safety, backup=manifest.id)
            self.changed = True
            run(connection, "SET SESSION foreign_key_checks = 0")
            drop(connection, [*belongings.events, *belongings.views, *belongings.routines], self.name)
            for name in found:
                run(connection, f"DROP TABLE {own}.{identifier(name)}")
            encoding, collation = manifest.engine.encoding, manifest.engine.collation
            run(connection, f"ALTER DATABASE {own} CHARACTER SET {encoding} COLLATE {collation}")
        return super().load(manifest, archive, wishes, progress)

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        settle.settle(self._access, (*sorted_out.now, *sorted_out.at_swap))

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        return open_quiet(self._access, self._jobs, names=(self._source, self._live), hidden=mark.TABLE)

    def swap(self, moment: str, *, end_sessions: bool) -> str:  # noqa: ARG002 - there is nothing to swap
        with self._maintenance.session() as connection:
            set_event_states(connection, self.name, self.events)
            mark.remove(connection, self.name)
        return ""
