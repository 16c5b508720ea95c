"""Tries a restored copy out, as an application would and as the server's own checker does; see `SideDatabase.examine`.

Everything is rolled back: sequences are put back, and the extension that checks indexes is taken away again.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine import amcheck, constraints, foreign_keys, inserts, uniques, views
from dbops.engine.postgres.examine.common import Outcome, Source, Task, shown
from dbops.engine.postgres.examine.positions import kept_positions
from dbops.engine.postgres.examine.run import run_tasks
from dbops.engine.restoring import Probed
from dbops.evidence import Probe
from dbops.model import Finding, Manifest, NotEvaluated
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
        with access.session() as connection:
            insertion = inserts.Inserts(connection, source, positions)
        results = run_tasks(access, source, insertion.first(), jobs, progress)
        results += run_tasks(access, source, insertion.second(), 1, progress)
        with amcheck.amcheck(access) as extension:
            with access.session() as connection:
                reading = [
                    *foreign_keys.tasks(connection, source),
                    *constraints.tasks(connection, source),
                    *uniques.tasks(connection, by_amcheck=extension.finds_duplicates),
                    *views.tasks(connection, source),
                    *amcheck.tasks(connection, extension),
                ]
            results += run_tasks(access, source, reading, jobs, progress)
    probed = _summary(results)
    if extension.missing:
        lacking = NotEvaluated(id=amcheck.KIND, reason=extension.missing)
        return probed._replace(not_evaluated=(*probed.not_evaluated, lacking))
    return probed


def _summary(results: Iterable[tuple[Task, Outcome]]) -> Probed:
    """Outcomes by kind of probe: one probe each, and one `NotEvaluated` for each reason."""
    outcomes: dict[str, list[Outcome]] = {kind: [] for kind in _TITLES}
    for task, outcome in results:
        outcomes[task.kind].append(outcome)
    findings: list[Finding] = []
    skipped: list[NotEvaluated] = []
    probes: list[Probe] = []
    for kind, found in outcomes.items():
        tried = sum(outcome.tried for outcome in found)
        here = sorted((f for outcome in found for f in outcome.findings), key=lambda f: (f.subject, f.id))
        findings += here
        if tried:
            objects = {finding.subject for finding in here}
            probes.append(Probe(id=kind, title=_TITLES[kind], tried=tried, found=len(objects)))
        reasons: dict[str, list[str]] = {}
        for outcome in found:
            for reason, subject in outcome.skipped:
                reasons.setdefault(reason, []).append(subject)
        skipped += [
            NotEvaluated(id=kind, reason=f"{why}: {shown(sorted(who))}") for why, who in sorted(reasons.items())
        ]
    return Probed(tuple(findings), tuple(skipped), tuple(probes))
