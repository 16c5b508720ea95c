"""Views of a source that fail. Those that a dump program takes all the same are told when a backup is made, so that a
copy is not blamed for them; those at which it would end are left out, and their definitions kept: what is wrong with
one view is no reason to have no backup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pymysql

from dbops.engine.mysql import view_text
from dbops.engine.mysql.driver_errors import error_of, lost
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.statements import identifier, statement
from dbops.engine.mysql.view_text import CANNOT_OPEN
from dbops.language import msg
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

INVALID = "invalid-view"
LEFT_OUT = "view-left-out"
_FAILS = frozenset({1049, 1054, 1146, 1305, 1356, 1449})
"""A database, column, table, routine, what a view needs or may use, or its definer is not there."""


class LeftOut(NamedTuple):
    """A view that cannot be dumped, what the server says of it, and the statement that made it."""

    name: str
    said: str
    definition: str

    def finding(self) -> Finding:
        """The warning in the backup's report."""
        return Finding(
            id=LEFT_OUT,
            severity=Severity.WARNING,
            subject=self.name,
            expected=msg("a view that can be dumped"),
            actual=msg(
                "{said} ({cannot_open}): this backup holds its definition, and a restore does not make it",
                said=self.said,
                cannot_open=CANNOT_OPEN,
            ),
            hint=msg(
                "correct it or drop it on the source, or, if it works for others, grant the backup's user "
                "what it reads; its definition is at the end of database.sql"
            ),
        )


def undumpable(connection: Connection) -> list[LeftOut]:
    """Views at which a dump program would end: it asks for their columns first, as is done here (seen on MySQL 9.7 and
    MariaDB 10.11, 11.8)."""
    found = []
    for name, view in rows(connection, statement("probe_names")):
        if not view:
            continue
        try:
            rows(connection, f"SHOW FIELDS FROM {identifier(name)}")
        except pymysql.MySQLError as failure:
            number, said = error_of(failure)
            if lost(failure):
                raise
            if number == CANNOT_OPEN:
                definition = view_text.shown(connection, name)[1]
                found.append(LeftOut(name, " ".join(said.split()), definition))
    return found


def kept(views: Sequence[LeftOut]) -> str:
    """Their definitions as comments of `database.sql`, which no restore runs."""
    if not views:
        return ""
    lines = ["", "Views that no dump program takes, since they cannot be opened: to be corrected, and made by hand."]
    for view in views:
        lines += ["", f"{view.name}: {view.said}", f"{view.definition};"]
    return "".join(f"-- {line}".rstrip() + "\n" for line in "\n".join(lines).split("\n"))  # no name ends a comment


def failing(connection: Connection) -> Iterator[Finding]:
    """Each is prepared and not run: it may be one that takes long. Raises an error of the driver where the server is
    lost."""
    for name, view in rows(connection, statement("probe_names")):
        if not view:
            continue
        try:
            rows(connection, "PREPARE dbops FROM %s", [f"SELECT * FROM {identifier(name)}"])  # noqa: S608 - quoted
            run(connection, "DEALLOCATE PREPARE dbops")
        except pymysql.MySQLError as failure:
            number, said = error_of(failure)
            if lost(failure):
                raise
            if number in _FAILS:
                yield Finding(
                    id=INVALID,
                    severity=Severity.WARNING,
                    subject=name,
                    expected=msg("it can be selected from"),
                    actual=f"{' '.join(said.split())} ({number})",
                    hint=msg("correct it or drop it on the source: a restored copy has it as it is"),
                )
