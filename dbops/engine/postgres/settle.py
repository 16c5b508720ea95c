"""Gives a copy what belongs to the database itself (`database.sql`, written by `globals`), through the driver.

Not by psql: that would also run client commands that somebody put into the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from psycopg import sql

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.statements import statement
from dbops.errors import BadBackupError, DatabaseError, PreflightError
from dbops.language import msg

_LITERAL = r"(?:E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')"
_STATEMENT = re.compile(rf"\s*(?:--[^\n]*\n\s*)*DO\s+({_LITERAL})\s*;", re.DOTALL)
_REST = re.compile(r"\s*(?:--[^\n]*(?:\n\s*|$))*")
_TEMPLATE = re.compile(r"BEGIN EXECUTE format\(\s*E?'+([A-Z]+(?: [A-Z]+)*)(?: %I)?((?: [A-Z]+)*)")
_HERE = "current_database()"
UNKNOWN_SETTING = msg(
    "the source's database has a setting that this version of PostgreSQL does not know. On the "
    "source: ALTER DATABASE (or ROLE … IN DATABASE) … RESET it, then back up again. This backup: "
    "restore it by hand as its RESTORE.md says, without that line of database.sql"
)
UNKNOWN_KIND = "setting-unknown"
_NO_LIBRARY = re.compile(r"dbops: cannot preload (.*?): (.*)")
"""What `restore_preloads` raises."""
_OWNERSHIP = ("GRANT", "REVOKE", "ALTER ROLE", "OWNER TO")
_AT_SWAP = ("COMMENT ON DATABASE", "CONNECTION LIMIT")


class Settled(NamedTuple):
    """Bodies of DO blocks: what can be done now, and what waits for the swap."""

    now: tuple[str, ...]
    at_swap: tuple[str, ...]


def sort_out(text: str, *, no_owner: bool) -> Settled:
    """Takes `database.sql` apart. Raises `BadBackupError` for anything that `globals.database_sql` does not write.

    The comment waits for the swap since until then the comment marks the side database as ours; a connection limit
    waits since it would stop our own sessions.
    """
    now: list[str] = []
    at_swap: list[str] = []
    for body in _bodies(text):
        match = _TEMPLATE.match(body)
        if match is None:
            raise _foreign(body)
        does = f"{match[1]}{match[2]}"
        if no_owner and any(word in does for word in _OWNERSHIP):
            continue
        (at_swap if any(word in does for word in _AT_SWAP) else now).append(body)
    return Settled(tuple(now), tuple(at_swap))


def settle(access: Access, bodies: tuple[str, ...]) -> None:
    """Runs the blocks in the database that `access` reaches. `DatabaseError` of kind 'setting-unknown' for a setting
    that this server does not have; `PreflightError` of kind 'preload-library' for one by which nobody could connect."""
    with told(), access.session(application="dbops restore") as connection, connection.transaction():
        for body in bodies:
            connection.execute(block(body))
        connection.execute(statement("restore_preloads"))


@contextmanager
def told() -> Iterator[None]:
    """Says what to do about a setting that the server does not know, or cannot follow."""
    try:
        yield
    except DatabaseError as error:
        if unknown(error.message):
            raise DatabaseError(error.message, hint=UNKNOWN_SETTING, kind=UNKNOWN_KIND) from None
        if (lacking := without_library(error.message)) is not None:
            raise lacking from None
        raise


def without_library(message: str) -> PreflightError | None:
    """What it means, where the server says that it cannot load what each session in the database loads."""
    found = _NO_LIBRARY.search(message)
    if found is None:
        return None
    told = msg(
        "each session in the database loads {library}, and this server cannot: {reason}",
        library=found[1],
        reason=found[2],
    )
    hint = msg(
        "install the library on the database server; or on the source: ALTER DATABASE (or ROLE … IN DATABASE) … RESET "
        "session_preload_libraries (local_preload_libraries), then back up again. This backup: restore it by hand as "
        "its RESTORE.md says, without that line of database.sql"
    )
    return PreflightError(told, hint=hint, kind="preload-library")


def unknown(message: str) -> bool:
    return "unrecognized configuration parameter" in message


def block(body: str) -> sql.Composed:
    return sql.SQL("DO {}").format(sql.Literal(body))


def elsewhere(body: str, name: str) -> sql.Composed:
    """A block that names the database by itself, made to name `name`: for a session in another database."""
    literal = sql.Literal(name).as_string().strip()
    return sql.SQL("DO {}").format(sql.Literal(body.replace(_HERE, literal, 1)))


def _bodies(text: str) -> Iterator[str]:
    position = 0
    while match := _STATEMENT.match(text, position):
        yield _value(match[1])
        position = match.end()
    rest = _REST.fullmatch(text, position)
    if rest is None:
        raise _foreign(text[position:])


def _value(literal: str) -> str:
    if literal.startswith("E"):
        return re.sub(r"\\(.)|''", lambda m: m[1] or "'", literal[2:-1], flags=re.DOTALL)
    return literal[1:-1].replace("''", "'")


def _foreign(text: str) -> BadBackupError:
    return BadBackupError(
        msg("database.sql holds something that dbops does not write: {statement!r}", statement=text.strip()[:80]),
        hint=msg("was it edited? run it by hand after a restore, or restore another backup"),
        kind="bad-database-sql",
    )
