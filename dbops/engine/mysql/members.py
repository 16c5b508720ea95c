"""Members of ENUM and SET columns that no dump carries: the servers keep a character beyond three bytes of UTF-8, and
print a question mark for it (MySQL 9.7, MariaDB 11.8; MariaDB 10.11 does not take one). A copy has the question mark as
its member, and the rows that use the real one are not taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier, statement
from dbops.language import msg
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def unprintable(connection: Connection) -> Iterator[Finding]:
    """Columns of which a row has such a member; only those are read that have a question mark among their members.
    Raises the driver's errors."""
    for table, column in rows(connection, statement("members_unprinted")):
        value = f"CONVERT({identifier(column)} USING utf8mb4)"
        lost = f"CONVERT({value} USING utf8mb3) <> {value} COLLATE utf8mb4_bin"
        if rows(connection, f"SELECT 1 FROM {identifier(table)} WHERE {lost} LIMIT 1"):  # noqa: S608 - quoted
            yield Finding(
                id="member-unprinted",
                severity=Severity.WARNING,
                subject=f"{table}.{column}",
                expected=msg("members of ENUM and SET that the server prints"),
                actual=msg(
                    "a member with a character of four bytes, which it prints as '?': no dump can bring back its rows"
                ),
                hint=msg("ALTER TABLE … MODIFY … VARCHAR, or use members without such characters"),
            )
