"""The database of a sandbox: made under its own name, filled, settled at once, and dropped with its context."""

from __future__ import annotations

import re

from psycopg import sql

from dbops.engine.postgres import settle
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.maintenance import Maintenance, at_database, exists
from dbops.engine.postgres.side import PostgresSide, copy_settings
from dbops.engine.postgres.tools import Tools
from dbops.engine.restoring import Wishes
from dbops.errors import DatabaseError, PreflightError, RefusedError
from dbops.language import msg
from dbops.model import Manifest

_LIMIT = re.compile(r"CONNECTION LIMIT (\d+)")
_SESSIONS = 20
"""So many sessions a drill may have at once; a superuser is not bound by a database's limit."""
_DUPLICATE = "sqlstate-42P04"


class Fresh(PostgresSide):
    """See `engine.restoring.Restorer.fresh`. What is not ours is never dropped."""

    waits_for_swap: frozenset[str] = frozenset()

    def create(self, manifest: Manifest) -> None:
        with self._maintenance.session() as connection:
            if exists(connection, self.name):
                raise self._taken()
        try:
            super().create(manifest)
        except DatabaseError as error:
            if error.kind == _DUPLICATE:  # made since we looked
                raise self._taken() from None
            raise

    def drop(self) -> None:
        if self.made:
            super().drop()

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        """All at once: nothing waits for a swap. `PreflightError` if a connection limit would lock us out."""
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        with self._access.session(application="dbops restore") as connection:
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            superuser = row is not None and row[0]
            limit = next((int(m[1]) for body in sorted_out.at_swap if (m := _LIMIT.search(body))), _SESSIONS)
            if limit < _SESSIONS and not superuser:
                raise PreflightError(
                    msg(
                        "the source allows {limit} connections: with that, the copy lets this role in no more",
                        limit=limit,
                    ),
                    hint=msg("drill as a superuser, or in a sandbox of dbops' own"),
                    kind="connection-limit",
                )
            connection.execute("SET default_transaction_read_only = off")  # the database may have it on
            unmark = sql.SQL("COMMENT ON DATABASE {} IS NULL").format(sql.Identifier(self.name))
            connection.execute(unmark)
        settle.settle(self._access, (*sorted_out.now, *sorted_out.at_swap))

    def swap(self, moment: str, *, end_sessions: bool) -> str:  # noqa: ARG002 - there is nothing to swap
        return ""

    def _taken(self) -> RefusedError:
        return RefusedError(
            msg(
                "{name} exists already on {rpartition}",
                name=self.name,
                rpartition=self._access.place().rpartition(" on ")[2],
            ),
            hint=msg("a drill fills an empty database of its own and drops it: choose another name"),
            kind="exists",
        )


def fresh_of(
    access: Access, maintenance: Maintenance, tools: Tools, major: int, manifest: Manifest, name: str
) -> Fresh:
    """The database to be, with the source's settings that decide how values are read and printed."""
    settings = copy_settings(maintenance, manifest)
    return Fresh(at_database(access, name, settings), maintenance, tools, major, name, name)
