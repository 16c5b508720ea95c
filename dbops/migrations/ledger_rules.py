"""Rules over the ledger of applied revisions against the files: cases 17 and 18.

Only what the ledger knows is judged. A revision that someone applied by hand is in no entry; it is not taken for one
that never ran, because the entry above it has it as its parent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dbops.language import msg, some
from dbops.migrations import graph
from dbops.migrations.history import History
from dbops.migrations.ledger import LedgerEntry
from dbops.model import Finding, Severity

_SHOWN = 10


def judge_ledger(history: History, current: Collection[str], ledger: Iterable[LedgerEntry]) -> list[Finding]:
    """Both rules, for the entries whose revisions count as applied. Only for a history without holes or a cycle."""
    applied = history.ancestors(current)
    entries = [entry for entry in ledger if entry.id in applied]
    return [*moved(history, entries), *edited(history, entries)]


def moved(history: History, entries: Sequence[LedgerEntry]) -> list[Finding]:
    """Case 17: revisions that came under an applied one after it had run."""
    ran = {entry.id: entry.parents for entry in entries}
    edges = {**history.graph.needs, **ran}
    # What the database had when the entry was written, as far as it is known.
    before = graph.ancestors(edges, ran)
    found: list[Finding] = []
    for entry in entries:
        now = history.graph.needs[entry.id]
        if set(now) == set(entry.parents):
            continue
        revision = history[entry.id]
        never = sorted(history.ancestors(now) - before)
        was = msg("as it was applied: after {parents}", parents=_some(entry.parents))
        if never:
            found.append(
                Finding(
                    id="migration-never-runs",
                    severity=Severity.ERROR,
                    subject=revision.down_place,
                    expected=was,
                    actual=msg(
                        "{entry} now stands on {now}: {never} never ran here, and never will",
                        entry=entry.id,
                        now=_some(now),
                        never=_some(never),
                    ),
                    hint=msg(
                        "set the parent of {never} to the current revision, and that of {entry} to what it was",
                        never=never[0],
                        entry=entry.id,
                    ),
                )
            )
        else:
            found.append(
                Finding(
                    id="migration-reparented",
                    severity=Severity.WARNING,
                    subject=revision.down_place,
                    expected=was,
                    actual=msg("{entry} now stands on {now}", entry=entry.id, now=_some(now)),
                    hint=msg("a new database is built in another order than this one was: restore down_revision"),
                )
            )
    return found


def edited(history: History, entries: Iterable[LedgerEntry]) -> list[Finding]:
    """Case 18: files that are not what ran. A new parent alone has a finding of its own."""
    found: list[Finding] = []
    for entry in entries:
        revision = history[entry.id]
        if entry.file_hash == revision.sha256 or set(history.graph.needs[entry.id]) != set(entry.parents):
            continue
        found.append(
            Finding(
                id="migration-edited",
                severity=Severity.WARNING,
                subject=revision.place,
                expected=msg(
                    "the file that ran on {applied_at:%Y-%m-%d}: SHA-256 {file_hash}",
                    applied_at=entry.applied_at,
                    file_hash=entry.file_hash[:12],
                ),
                actual=msg("SHA-256 {sha256}", sha256=revision.sha256[:12]),
                hint=msg("put the change into a revision of its own; allow it for a time if only its layout changed"),
            )
        )
    return found


def _some(names: Collection[str]) -> str:
    return some(list(names), _SHOWN) if names else msg("nothing")
