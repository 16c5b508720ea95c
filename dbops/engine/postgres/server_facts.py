"""What a restore needs to know of the server and of its own role there."""

from __future__ import annotations

from typing import NamedTuple

from dbops.engine.postgres.maintenance import Connection
from dbops.engine.postgres.statements import statement


class Facts(NamedTuple):
    """`restore_server.sql`."""

    superuser: bool
    createdb: bool
    createrole: bool
    connection_limit: int
    in_recovery: bool
    free_sessions: int
    own_sessions: int
    data_directory: str | None
    local: bool
    icu: bool
    locales: list[str]


def read_facts(connection: Connection) -> Facts:
    """In one query, as the connected role sees the server."""
    row = connection.execute(statement("restore_server")).fetchone()
    assert row is not None  # noqa: S101 - one's own role is always listed
    return Facts(*row)
