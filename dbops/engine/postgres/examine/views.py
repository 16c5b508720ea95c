"""Every view can be planned, and every materialized view that holds rows can be read. Nothing of them is run."""

from __future__ import annotations

import psycopg
from psycopg import sql

from dbops.engine.examining import Outcome, Skipped, error, graded
from dbops.engine.postgres.examine.common import Connection, Source, Task, said, table_label
from dbops.engine.postgres.examine.run import NO_RIGHT
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import read_only
from dbops.language import msg

VIEWS, MATVIEWS = "views", "matviews"
TITLES = {
    VIEWS: msg("every view can be selected from"),
    MATVIEWS: msg("every materialized view can be selected from"),
}
_NOT_POPULATED = "55000"


def tasks(connection: Connection, source: Source) -> list[Task]:
    """One for each view: a SELECT of no rows."""

    def task(schema: str, name: str, materialized: bool) -> Task:
        label = table_label(schema, name)

        def work(session: Connection) -> Outcome:
            with read_only(session):
                session.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(schema, name)))
            return Outcome(1)

        def failed(failure: psycopg.Error) -> Outcome | None:
            state = failure.sqlstate or ""
            if state == _NOT_POPULATED:
                return Outcome(skipped=(Skipped(msg("it needs a materialized view that holds no rows"), label),))
            if state == NO_RIGHT or not (state.startswith("42") or state == "XX000"):
                return None
            found = error(
                "matview-broken" if materialized else "view-broken",
                label,
                msg("it can be selected from"),
                said(failure),
                msg("something that it needs is missing"),
            )
            return Outcome(1, (graded(found, source.severity()),))

        return Task(MATVIEWS if materialized else VIEWS, label, 0, work, failed)

    rows = connection.execute(statement("probe_views"))
    return [task(schema, name, matview) for schema, name, matview, populated in rows if populated or not matview]
