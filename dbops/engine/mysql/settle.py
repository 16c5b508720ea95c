"""Gives a copy what belongs to the database itself (`database.sql`), and a server the accounts of `globals.sql`.

Both are taken apart into statements, and whatever `globals` does not write is refused: a backup's files are data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dbops.engine.mysql.connect import Access, flavour
from dbops.engine.mysql.statements import identifier
from dbops.errors import BadBackupError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_NAME = r"`(?:[^`]|``)*`"
_STRING = r"'(?:[^'\\]|\\.|'')*'"
_ACCOUNT = rf"{_STRING}(?:@{_STRING})?"
_RIGHT = rf"[A-Z]+(?: [A-Z]+)*(?: \({_NAME}(?:, {_NAME})*\))?"
_RIGHTS = rf"{_RIGHT}(?:, {_RIGHT})*"
_ROUTINE = r"(?:PROCEDURE|FUNCTION|LIBRARY|PACKAGE|PACKAGE BODY)"
_SKIPPED = re.compile(r"\s*(?:--[^\n]*(?:\n|\Z)\s*)*")
_SETTING = re.compile(r"ALTER DATABASE (?:CHARACTER SET \w+ COLLATE \w+|ENCRYPTION '[YN]');")
_COMMENT = re.compile(rf"ALTER DATABASE COMMENT {_STRING};", re.DOTALL)
_GRANT = re.compile(
    rf"(GRANT {_RIGHTS} ON )(\*|{_NAME}|{_ROUTINE} {_NAME})( TO ({_ACCOUNT})(?: WITH GRANT OPTION)?);", re.DOTALL
)
_CREATE = re.compile(
    rf"CREATE (?:USER IF NOT EXISTS ({_ACCOUNT}) ACCOUNT LOCK|ROLE IF NOT EXISTS ({_STRING}));", re.DOTALL
)
_NO_SUCH = (1054, 1146, 1305)
"""Errors of the server: no such column, table or routine."""
_MEMBER = re.compile(rf"GRANT {_ACCOUNT} TO ({_ACCOUNT})(?: WITH ADMIN OPTION)?;", re.DOTALL)
_EVERYWHERE = re.compile(rf"GRANT {_RIGHTS} ON \*\.\* TO ({_ACCOUNT})(?: WITH GRANT OPTION)?;", re.DOTALL)


class Settled(NamedTuple):
    """Statements without their semicolon, to be run in the database: at once, and once it has its name.

    A grant is by the database's name: one on a copy beside the live database would stay behind when it goes. So would
    its comment, which the copy has as well, to be compared.
    """

    now: tuple[str, ...]
    at_swap: tuple[str, ...]


class NeededAccount(NamedTuple):
    """An account as SQL text ('user'@'host', or 'role'), what makes it, and the grants that go with that."""

    name: str
    create: str
    grants: tuple[str, ...]


def sort_out(text: str, *, no_owner: bool) -> Settled:
    """Takes `database.sql` apart. Raises `BadBackupError` for anything that `globals.database_sql` does not write."""
    now: list[str] = []
    at_swap: list[str] = []
    for found in _statements(text, "database.sql", _SETTING, _COMMENT, _GRANT):
        if found.re is not _GRANT:
            now.append(found[0][:-1])
        if found.re is _COMMENT or (found.re is _GRANT and not no_owner):
            at_swap.append(found[0][:-1])
    return Settled(tuple(now), tuple(at_swap))


def needed_accounts(text: str) -> list[NeededAccount]:
    """Takes `globals.sql` apart, as `sort_out` does the other."""
    made: dict[str, str] = {}
    grants: dict[str, list[str]] = {}
    for found in _statements(text, "globals.sql", _CREATE, _MEMBER, _EVERYWHERE):
        if found.re is _CREATE:
            made[found[1] or found[2]] = found[0][:-1]
        else:
            grants.setdefault(found[1], []).append(found[0][:-1])
    return [NeededAccount(name, create, tuple(grants.get(name, ()))) for name, create in made.items()]


def settle(access: Access, statements: tuple[str, ...]) -> None:
    """Runs statements of `sort_out` in the database that `access` reaches; see `grant`."""
    with access.session() as connection:
        grant(connection, [elsewhere(text, access.database) for text in statements])


def grant(connection: Connection, statements: Sequence[str]) -> None:
    """Runs statements that `elsewhere` has given.

    A grant on what the copy lacks is left out: what is missing, and the grant, show when the copy is compared. One to
    an account that is not there fails: under an empty sql_mode MariaDB would make the account, without a password.
    """
    import pymysql

    with connection.cursor() as cursor:
        if flavour(connection).name == "mariadb":
            cursor.execute("SET SESSION sql_mode = 'NO_AUTO_CREATE_USER'")
        for text in statements:
            try:
                cursor.execute(text)
            except pymysql.MySQLError as error:
                if error.args[0] not in _NO_SUCH:
                    raise


def elsewhere(text: str, name: str) -> str:
    """A statement of `sort_out` made to name the database: for a session in any other.

    In a grant on a whole database its name is a pattern, whose _ and % are to mean themselves.
    """
    grant = _GRANT.fullmatch(f"{text};")
    if grant is None:
        return text.replace("ALTER DATABASE", f"ALTER DATABASE {identifier(name)}", 1)
    head, where, rest, _ = grant.groups()
    if where == "*":
        pattern = name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        return f"{head}{identifier(pattern)}.*{rest}"
    kind, _, own = where.partition("`")
    return f"{head}{kind}{identifier(name)}.`{own}{rest}"


def _statements(text: str, file: str, *known: re.Pattern[str]) -> Iterator[re.Match[str]]:
    position = 0
    while True:
        skipped = _SKIPPED.match(text, position)
        position = skipped.end() if skipped else position
        if position == len(text):
            return
        found = next((match for pattern in known if (match := pattern.match(text, position))), None)
        if found is None:
            raise BadBackupError(
                msg(
                    "{file} holds something that dbops does not write: {statement!r}",
                    file=file,
                    statement=text[position : position + 80].strip(),
                ),
                hint=msg("was it edited? run it by hand after a restore, or restore another backup"),
                kind=f"bad-{file.replace('.', '-')}",
            )
        yield found
        position = found.end()
