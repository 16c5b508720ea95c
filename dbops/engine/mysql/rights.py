"""What the connected user may do, read from its own `SHOW GRANTS`: the one list that knows roles and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

# GRANT SELECT, SHOW VIEW ON `a\_db`.* TO …; also REVOKE … FROM, of a server with partial_revokes.
_GRANT = re.compile(r"^(GRANT|REVOKE) (.+) ON (\*|`(?:[^`]|``)*`)\.\* (?:TO|FROM) ", re.DOTALL)

_OPTION = " WITH GRANT OPTION"


class Rights:
    """Rights of the whole server, and those of one database."""

    def __init__(self, grants: Iterable[str], database: str) -> None:
        self.everywhere: set[str] = set()
        self.here: set[str] = set()
        self.grants_here = False
        """Whether rights on all of the database may be given to others."""
        revoked: set[str] = set()
        for text in grants:
            match = _GRANT.match(text)
            if match is None:
                continue
            verb, listed, where = match.groups()
            rights = {right.strip().upper() for right in listed.split(",")}
            if verb == "GRANT" and text.endswith(_OPTION):
                self.grants_here |= where == "*" or _named(where, database) or _matches(where, database)
            if verb == "REVOKE":
                revoked |= rights if _named(where, database) else set()
            elif where == "*":
                self.everywhere |= rights
            elif _named(where, database) or _matches(where, database):
                self.here |= rights
        self._revoked = revoked

    def has(self, right: str) -> bool:
        """On everything in the database."""
        of_server = self.everywhere - self._revoked
        return any(self._in(rights, right) for rights in (of_server, self.here))

    def has_everywhere(self, right: str) -> bool:
        """Whether the right was granted for all databases."""
        return self._in(self.everywhere, right)

    @staticmethod
    def _in(rights: set[str], right: str) -> bool:
        return right in rights or "ALL PRIVILEGES" in rights or "ALL" in rights


def read(connection: Connection, database: str) -> Rights:
    """The rights of the connection's user, with those of its roles that are active."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        return Rights((str(row[0]) for row in cursor.fetchall()), database)


def _named(where: str, database: str) -> bool:
    return where != "*" and where[1:-1].replace("``", "`") == database


def _matches(where: str, database: str) -> bool:
    r"""A database in a grant is a pattern: `%` is anything, `_` one character, a backslash takes their meaning away."""
    pattern = ""
    escaped = False
    for character in where[1:-1].replace("``", "`"):
        if escaped or character not in "\\%_":
            pattern += re.escape(character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            pattern += ".*" if character == "%" else "."
    return re.fullmatch(pattern, database, re.DOTALL | re.IGNORECASE) is not None
