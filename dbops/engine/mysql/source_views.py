"""Views of a source that fail when they are selected from, although a dump program takes them: told when a backup is
made, so that a copy is not blamed for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql.driver_errors import error_of, lost
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.statements import identifier, statement
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_FAILS = frozenset({1054, 1146, 1305, 1356, 1449})
"""A column, table, routine, what a view needs or may use, or its definer is not there."""


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
                    id="invalid-view",
                    severity=Severity.WARNING,
                    subject=name,
                    expected="it can be selected from",
                    actual=f"{' '.join(said.split())} ({number})",
                    hint="correct it or drop it on the source: a restored copy has it as it is",
                )
