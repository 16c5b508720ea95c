"""The database of a sandbox: made under its own name, filled, settled at once, and dropped with its context."""

from __future__ import annotations

from dbops.engine.mysql import settle
from dbops.engine.mysql.bringing import scheduler_runs, set_event_states
from dbops.engine.mysql.maintenance import create_database, drop_database, exists
from dbops.engine.mysql.side import MysqlSide
from dbops.engine.restoring import Wishes
from dbops.errors import DatabaseError, RefusedError
from dbops.language import msg
from dbops.model import Manifest

_DUPLICATE = "mysql-1007"


class Fresh(MysqlSide):
    """See `engine.restoring.Restorer.fresh`. What is not ours is never dropped."""

    made = False
    """Whether `create` has made it."""

    def create(self, manifest: Manifest) -> None:
        with self._maintenance.session() as connection:
            if exists(connection, self.name):
                raise self._taken()
        try:
            with self._maintenance.session() as connection:
                create_database(connection, self.name, manifest.engine.encoding, manifest.engine.collation)
        except DatabaseError as error:
            if error.kind == _DUPLICATE:  # made since we looked
                raise self._taken() from None
            raise
        self.made = True

    def drop(self) -> None:
        if self.made:
            with self._maintenance.session() as connection:
                drop_database(connection, self.name)

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        """All at once: nothing waits for a swap. Events get their states where none can run; else they stay disabled,
        whatever they had in the source."""
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        settle.settle(self._access, (*sorted_out.now, *sorted_out.at_swap))
        with self._maintenance.session() as connection:
            if scheduler_runs(connection):
                self.waits_for_swap = frozenset({"event_status"})
            else:
                self.waits_for_swap = frozenset()
                set_event_states(connection, self.name, self.events)

    def swap(self, moment: str, *, end_sessions: bool) -> str:  # noqa: ARG002 - there is nothing to swap
        return ""

    def _taken(self) -> RefusedError:
        return RefusedError(
            msg("{name} exists already on {host}", name=self.name, host=self._access.host()),
            hint=msg("a drill fills an empty database of its own and drops it: choose another name"),
            kind="exists",
        )
