"""Every view can be planned, and gives its first row. What it runs can write nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import Outcome, Skipped, error, graded
from dbops.engine.mysql.driver_errors import error_of, lost
from dbops.engine.mysql.examine.common import MISSING, NO_DEFINER, TIMEOUTS, Source, Task, read_only, said
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.source_views import INVALID
from dbops.engine.mysql.statements import identifier, statement
from dbops.language import msg
from dbops.model import Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

KIND = "views"
TITLE = msg("every view can be selected from")
FIRST_ROW_SECONDS = 20
"""What takes longer is no fault of the view: it was planned, and some rows were looked for."""
_READ_ONLY = 1792


def tasks(connection: Connection, source: Source, product: str) -> list[Task]:
    """One for each view: a SELECT of no rows."""

    def task(name: str) -> Task:
        def failed(failure: pymysql.MySQLError) -> Outcome | None:
            return _broken(name, failure, source)

        return Task(KIND, name, 0, lambda session: _select(session, name, product), failed)

    return [task(name) for name, view in rows(connection, statement("probe_names")) if view]


def _select(connection: Connection, name: str, product: str) -> Outcome:
    with read_only(connection):
        rows(connection, f"SELECT * FROM {identifier(name)} LIMIT 0")  # noqa: S608
    limit, unlimited = _limits(product)
    run(connection, f"SET SESSION {limit}")
    try:
        with read_only(connection):
            rows(connection, f"SELECT * FROM {identifier(name)} LIMIT 1")  # noqa: S608
    except pymysql.MySQLError as failure:
        number = error_of(failure)[0]
        if lost(failure) or number in MISSING or number in (NO_DEFINER, _READ_ONLY):
            raise
        if number in TIMEOUTS:
            return Outcome(1)
        return Outcome(1, skipped=(Skipped(msg("its first row ends in error {number}", number=number), name),))
    finally:
        if connection.open:
            run(connection, f"SET SESSION {unlimited}")
    return Outcome(1)


def _limits(product: str) -> tuple[str, str]:
    if product == "mariadb":
        return f"max_statement_time = {FIRST_ROW_SECONDS}", "max_statement_time = 0"
    return f"max_execution_time = {FIRST_ROW_SECONDS * 1000:.0f}", "max_execution_time = 0"


def _broken(name: str, failure: pymysql.MySQLError, source: Source) -> Outcome | None:
    number = error_of(failure)[0]
    if number == _READ_ONLY:
        return Outcome(skipped=(Skipped(msg("it writes when it is run"), name),))
    if number not in MISSING and number != NO_DEFINER:
        return None
    severity = source.severity_of(failure)
    of_source = number == NO_DEFINER or source.knows(INVALID, name)
    if severity is Severity.WARNING and source.lacks_views and not of_source:
        return Outcome(skipped=(Skipped(msg("it reads, through a routine, a view that the copy lacks"), name),))
    hint = msg("something that it needs is missing")
    finding = error("view-broken", name, msg("it can be selected from"), said(failure), hint)
    return Outcome(1, (graded(finding, severity),))
