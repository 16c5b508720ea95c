"""Accounts as SQL writes them: 'user'@'host'; a role of MariaDB has no host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dbops.engine.mysql.maintenance import rows

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

SYSTEM = frozenset({"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"})
"""Made by the server itself."""


_TEXT = r"'((?:[^'\\]|\\.|'')*)'"
_SQL = re.compile(rf"{_TEXT}(?:@{_TEXT})?", re.DOTALL)
_ESCAPED = re.compile(r"''|\\.", re.DOTALL)
_MEANT = {"\\n": "\n", "\\r": "\r", "\\0": "\0"}


class Account(NamedTuple):
    """`'user'@'host'`; a role of MariaDB has no host."""

    user: str
    host: str

    @property
    def sql(self) -> str:
        """As it stands in SQL, quoted."""
        return f"{literal(self.user)}@{literal(self.host)}" if self.host else literal(self.user)

    @property
    def role(self) -> bool:
        """Whether it is a role of MariaDB; those of MySQL are accounts like others."""
        return not self.host


def of_definer(text: str) -> Account:
    """`user@host`, of which the user may hold an @."""
    user, at, host = text.rpartition("@")
    return Account(user, host) if at else Account(text, "")


def of_grantee(text: str) -> Account:
    """`'user'@'host'` as information_schema writes it, with nothing escaped."""
    user, _, host = text.rpartition("'@'")
    return Account(user.removeprefix("'"), host.removesuffix("'"))


def of_sql(text: str) -> Account:
    """As `Account.sql` writes it; a text that is none of these is taken for a name that nobody has."""
    found = _SQL.fullmatch(text)
    if found is None:
        return Account(text, "")
    user, host = (_ESCAPED.sub(lambda one: _MEANT.get(one[0], one[0][-1:]), part or "") for part in found.groups())
    return Account(user, host)


def existing(connection: Connection) -> set[Account]:
    """Those that the server has. Raises an error of the driver where this user may not see them."""
    return {Account(str(user), str(host)) for user, host in rows(connection, "SELECT user, host FROM mysql.user")}


def literal(text: str) -> str:
    """Text in single quotes, as every sql_mode reads it but NO_BACKSLASH_ESCAPES."""
    escaped = (
        text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    )
    return f"'{escaped}'"
