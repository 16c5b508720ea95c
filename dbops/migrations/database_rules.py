"""Rules over a database's version table against the files: cases 14 to 16, from the set of current revisions alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dbops.language import msg, some
from dbops.migrations.history import History, Standing
from dbops.model import Finding, Severity

UNKNOWN = "migration-database-unknown"
_SHOWN = 10
_HINTS = {
    Standing.UNKNOWN: msg(
        "deploy the release that has it, or restore the backup taken before it was applied; do not "
        "stamp over it: its changes are in the database"
    ),
    Standing.AHEAD: msg(
        "the code is older than the database: deploy the release that has it, or downgrade with that one"
    ),
    Standing.BESIDE: msg("bring the revision's file into this branch and merge the heads: an upgrade from here fails"),
}
_EXPECTED = msg("only revisions of the code")


def judge_database(
    history: History, current: Collection[str], applied: Mapping[str, Collection[str]] | None = None
) -> list[Finding]:
    """Where a database stands whose version table holds `current`. Only for a history without holes or a cycle."""
    return [*standing(history, current, applied), *rows(history, current)]


def standing(
    history: History, current: Collection[str], applied: Mapping[str, Collection[str]] | None = None
) -> list[Finding]:
    """Cases 14, 15: behind is what every deploy begins with; ahead, beside and unknown are errors."""
    relation = history.relation(current, applied)
    heads = _some(history.heads)
    match relation.standing:
        case Standing.AT_HEAD:
            return []
        case Standing.BEHIND:
            return [
                Finding(
                    id="migration-database-behind",
                    severity=Severity.INFO,
                    subject="alembic_version",
                    expected=heads,
                    actual=msg(
                        "{current}: {count} pending: {pending}",
                        current=_some(current),
                        count=len(relation.pending),
                        pending=_some(relation.pending),
                    ),
                    hint=msg("they run with the next migration"),
                )
            ]
        case Standing.UNKNOWN:
            actual = msg(
                "{foreign}, which no file declares: the database is ahead of the code, or beside it",
                foreign=_some(relation.foreign),
            )
            kind = UNKNOWN
        case Standing.AHEAD:
            actual = msg(
                "{foreign}, which no file declares, on top of all that the code has", foreign=_some(relation.foreign)
            )
            kind = "migration-database-ahead"
        case Standing.BESIDE:
            lacks = _some(relation.pending)
            actual = msg(
                "{foreign}, which no file declares, and not {lacks}, which the code has",
                foreign=_some(relation.foreign),
                lacks=lacks,
            )
            kind = "migration-database-beside"
    return [
        Finding(
            id=kind,
            severity=Severity.ERROR,
            subject="alembic_version",
            expected=_EXPECTED,
            actual=actual,
            hint=_HINTS[relation.standing],
        )
    ]


def rows(history: History, current: Collection[str]) -> list[Finding]:
    """Case 16: more rows than the code has heads. Rows of branches that a pending merge joins are only a warning."""
    overlapping = history.overlapping(current)
    if overlapping:
        return [
            Finding(
                id="migration-database-overlap",
                severity=Severity.ERROR,
                subject="alembic_version",
                expected=msg("no row for a revision that another row stands on"),
                actual=msg(
                    "{current}: {overlapping} is below another", current=_some(current), overlapping=_some(overlapping)
                ),
                hint=msg(
                    "Alembic refuses to upgrade from here; if the revision of the lower row has run, delete that row"
                ),
            )
        ]
    known = sorted(name for name in current if name in history)
    if len(known) <= 1 or len(known) <= len(history.heads):
        return []
    return [
        Finding(
            id="migration-database-rows",
            severity=Severity.WARNING,
            subject="alembic_version",
            expected=msg("one row: the code has one head, {heads}", heads=history.heads[0])
            if len(history.heads) == 1
            else msg("at most {count} rows, one for each head of the code", count=len(history.heads)),
            actual=msg("{count} rows: {known}", count=len(known), known=_some(known)),
            hint=msg("two branches were applied apart; the merge revision that is pending joins them"),
        )
    ]


def _some(names: Collection[str]) -> str:
    shown = sorted(names) if isinstance(names, set | frozenset) else list(names)
    return some(shown, _SHOWN) if shown else msg("none")
