"""Tries a restored copy out, as an application would and as the server's own checker does; see `SideDatabase.examine`.

Inserts are rolled back, and next values are put back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import Outcome, summary
from dbops.engine.mysql.connect import Access, flavour
from dbops.engine.mysql.driver_errors import lost
from dbops.engine.mysql.examine import (
    agreement,
    constraints,
    facts,
    foreign_keys,
    fulltext,
    inserts,
    routines,
    tables,
    uniques,
    views,
)
from dbops.engine.mysql.examine.common import Source, Task, not_tried
from dbops.engine.mysql.examine.positions import kept_positions
from dbops.engine.mysql.examine.run import run_tasks, worker_session
from dbops.engine.restoring import Probed
from dbops.language import msg
from dbops.model import Finding, Manifest
from dbops.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

_TITLES = {module.KIND: module.TITLE for module in (inserts, foreign_keys, constraints, tables, views, routines)}


def examine(
    access: Access, manifest: Manifest, jobs: int, progress: Progress, loaded: Iterable[Finding] = ()
) -> Probed:
    """In at most `jobs` sessions. `access` is to the copy, `loaded` what its load told. Raises `DatabaseError` where
    the server is lost."""
    source = Source(access, manifest, loaded)
    with kept_positions(access) as positions:
        with worker_session(access) as connection:
            product = flavour(connection).name
            known = facts.read(connection)
            insertion = inserts.Inserts(source, positions, product)
            first, results = _listed(inserts.KIND, lambda: insertion.first(connection, known))
            reading: list[Task] = []
            lists: list[tuple[str, Callable[[], list[Task]]]] = [
                (foreign_keys.KIND, lambda: foreign_keys.tasks(connection, known, source)),
                (constraints.KIND, lambda: constraints.tasks(known, source, product)),
                (constraints.KIND, lambda: uniques.tasks(known, source)),
                (views.KIND, lambda: views.tasks(connection, source, product)),
                (routines.KIND, lambda: routines.tasks(connection, source)),
                (tables.KIND, lambda: fulltext.tasks(known, source)),
                (tables.KIND, lambda: agreement.tasks(known, source) if product == "mysql" else []),
            ]
            for kind, listing in lists:
                listed, unlisted = _listed(kind, listing)
                reading += listed
                results += unlisted
        results += run_tasks(access, first, jobs, progress)
        results += run_tasks(access, insertion.second(), jobs, progress)
    results += run_tasks(access, reading, jobs, progress)
    results += tables.unreadable(known)
    results += run_tasks(access, tables.tasks(known), jobs, progress)
    return summary(_TITLES, results)


def _listed(kind: str, listing: Callable[[], list[Task]]) -> tuple[list[Task], list[tuple[Task, Outcome]]]:
    """What there is to try, by the catalog; or that this could not be found out."""
    try:
        return listing(), []
    except pymysql.MySQLError as failure:
        if lost(failure):
            raise
        everything: Task = Task(kind, msg("all of them"), 0, lambda _: Outcome())
        return [], [(everything, not_tried(everything.label, failure))]
