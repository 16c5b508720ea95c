"""Tries a restored copy out, as an application would and as the server's own checker does; see `SideDatabase.examine`.

Everything is rolled back: sequences are put back, and the extension that checks indexes is taken away again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import psycopg

from dbops.engine.examining import Outcome, summary
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine import amcheck, constraints, foreign_keys, inserts, uniques, views
from dbops.engine.postgres.examine.common import Connection, Source, Task
from dbops.engine.postgres.examine.positions import kept_positions
from dbops.engine.postgres.examine.run import TIMEOUTS, not_tried, run_tasks, worker_session
from dbops.engine.restoring import Probed
from dbops.language import msg
from dbops.model import Manifest, NotEvaluated
from dbops.progress import Progress

_TITLES = {
    inserts.KIND: inserts.TITLE,
    foreign_keys.KIND: foreign_keys.TITLE,
    constraints.KIND: constraints.TITLE,
    amcheck.KIND: amcheck.TITLE,
    **views.TITLES,
}


def examine(access: Access, manifest: Manifest, jobs: int, progress: Progress) -> Probed:
    """In at most `jobs` sessions, beside one that waits. Raises `DatabaseError` where the server is lost."""
    source = Source(access, manifest)
    with kept_positions(access) as positions:
        insertion = inserts.Inserts(source, positions)
        first, results = _listed(access, source, [(inserts.KIND, insertion.first)])
        results += run_tasks(access, source, first, jobs, progress)
        results += run_tasks(access, source, insertion.second(), 1, progress)
        with amcheck.amcheck(access) as extension:
            lists: list[tuple[str, Callable[[Connection], list[Task]]]] = [
                (foreign_keys.KIND, lambda session: foreign_keys.tasks(session, source)),
                (constraints.KIND, lambda session: constraints.tasks(session, source)),
                (constraints.KIND, lambda session: uniques.tasks(session, by_amcheck=extension.finds_duplicates)),
                (views.VIEWS, lambda session: views.tasks(session, source)),
                (amcheck.KIND, lambda session: amcheck.tasks(session, extension)),
            ]
            reading, unlisted = _listed(access, source, lists)
            results += unlisted + run_tasks(access, source, reading, jobs, progress)
    probed = summary(_TITLES, results)
    if extension.missing:
        lacking = NotEvaluated(id=amcheck.KIND, reason=extension.missing)
        return probed._replace(not_evaluated=(*probed.not_evaluated, lacking))
    return probed


def _listed(
    access: Access, source: Source, lists: Sequence[tuple[str, Callable[[Connection], list[Task]]]]
) -> tuple[list[Task], list[tuple[Task, Outcome]]]:
    """What there is to try, by the catalog; and the kinds for which that could not be found out in time."""
    tasks: list[Task] = []
    failed: list[tuple[Task, Outcome]] = []
    with worker_session(access, source) as connection:
        connection.execute("SET search_path = ''")  # the server prints every name with its schema
        for kind, listing in lists:
            try:
                tasks += listing(connection)
            except psycopg.Error as failure:
                if failure.sqlstate not in TIMEOUTS:
                    raise
                everything: Task = Task(kind, msg("all of them"), 0, lambda _: Outcome())
                failed.append((everything, not_tried(everything.label, failure)))
    return tasks, failed
