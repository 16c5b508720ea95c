"""A connection pooler between us and the server: what it shares or keeps to itself, a backup needs for its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbops.errors import DatabaseError
from dbops.language import msg

if TYPE_CHECKING:
    import psycopg

HINT = msg(
    "PgBouncer or the like is in between: it shares the server's sessions, while a backup or restore needs its own, "
    "with their snapshot, locks and settings; name the server itself in the URL, by its host and port"
)


def ignores(connection: psycopg.Connection[tuple[Any, ...]], settings: Mapping[str, str]) -> bool:
    """Whether a pooler has kept these settings of the session to itself (`ignore_startup_parameters = options`).

    A pooler shows a client another process than the server's, since any of those may serve it. By that alone nobody is
    refused: what hands the settings on may be as good as the server. Nor for the settings alone: a trigger on login
    may have set one.
    """
    query = (
        "SELECT pg_catalog.pg_backend_pid(), ARRAY(SELECT pg_catalog.current_setting(name)"
        " FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS name)"
    )
    row = connection.execute(query, [list(settings)]).fetchone()
    there = [value.replace(", ", ",") for value in row[1]] if row else []
    return row is not None and row[0] != connection.info.backend_pid and there != list(settings.values())


def refused(place: str) -> DatabaseError:
    """The error for a session that `ignores` has recognised."""
    return DatabaseError(
        msg("{place} is a connection pooler that ignores a session's settings", place=place), hint=HINT, kind="pooler"
    )
