"""Rules over the graph of revisions: what is wrong with it before any database is looked at.

Each rule is a pure function from a history to findings. Rules about single revisions judge only those that are asked
for: what has run on every database is a fact, and no news. A graph with a hole, a revision that could not be read, is
not judged as a graph: what looks like a head might be none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from dbops.language import msg, some
from dbops.migrations.history import History
from dbops.migrations.rules import RULES
from dbops.migrations.shape_rules import (
    HEADS,
    MERGE_OF_ANCESTOR,
    SECOND_BASE,
    merges_of_ancestors,
    second_bases,
    several_heads,
)
from dbops.migrations.values import Kind, Revision
from dbops.model import Finding, NotEvaluated, Severity

ID_LIMIT = 32
"""Characters that Alembic's `version_num` holds."""
RESERVED = frozenset({"head", "heads", "base", "current"})

_OF_KIND: dict[Kind, tuple[str, str]] = {
    Kind.NO_FOLDER: ("migration-no-folder", msg("a folder with revisions")),
    Kind.FOLDER_MISSING: ("migration-folder-missing", "the folder"),
    Kind.SETTINGS: ("migration-settings", msg("settings that Alembic can read")),
    Kind.SOURCELESS: ("migration-sourceless", msg("the source of the revision")),
    Kind.SUBFOLDER: ("migration-subfolder", msg("no revisions but those that Alembic loads")),
    Kind.UNREADABLE: ("migration-unreadable", msg("a file of Python")),
    Kind.COMPUTED: ("migration-computed", "a literal"),
    Kind.BAD_VALUE: ("migration-bad-value", msg("a text, or texts")),
    Kind.CONFLICT: ("migration-conflict", msg("a revision file that only one side changed")),
    Kind.NO_ID: ("migration-no-id", msg("a revision id in every file")),
    Kind.NO_DOWN: ("migration-no-down-revision", msg("a parent, or None for the first revision")),
    Kind.DUPLICATE_ID: ("migration-duplicate-id", msg("an id of its own")),
    Kind.COPIED_FILE: ("migration-copied-file", msg("one file for each revision")),
    Kind.LABEL_CLASH: ("migration-label-clash", msg("a label that is not taken")),
    Kind.PARENT_MISSING: ("migration-parent-missing", msg("a parent that exists")),
    Kind.DEPENDENCY_MISSING: ("migration-dependency-missing", msg("a revision or a label that exists")),
    Kind.CYCLE: ("migration-cycle", msg("revisions in an order")),
    Kind.REMOVED: ("migration-removed", msg("the heads of the base branch")),
    Kind.INSERTED: ("migration-inserted", msg("new revisions after those of the base branch")),
    Kind.REWRITTEN: ("migration-rewritten", msg("the revision as the base branch has it")),
}
READING = frozenset(
    _OF_KIND[kind][0] for kind in Kind if kind not in (Kind.PARENT_MISSING, Kind.DEPENDENCY_MISSING, Kind.CYCLE)
)
"""Ids of findings about files, rather than about how they hang together."""
_EDGES = frozenset({Kind.PARENT_MISSING, Kind.DEPENDENCY_MISSING})


class Judged(NamedTuple):
    """What the rules found, and which of them could not be judged, and why."""

    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...] = ()


def judge_graph(history: History, judged: Collection[str] | None = None) -> Judged:
    """All rules. `judged`: the revisions to judge by themselves, such as the pending ones; None: all."""
    revisions = [one for one in history.revisions if judged is None or one.id in judged]
    found = [*problems(history), *ids(revisions), *merges_that_operate(revisions)]
    reason = unjudgeable(history)
    if reason:
        ruled = ("migration-parent-missing", "migration-dependency-missing", HEADS, SECOND_BASE, MERGE_OF_ANCESTOR)
        skipped = tuple(NotEvaluated(id=one, reason=reason) for one in ruled)
        return Judged(tuple(found), skipped)
    found += [*several_heads(history), *second_bases(history), *merges_of_ancestors(history, revisions)]
    return Judged(tuple(found))


def unjudgeable(history: History) -> str:
    """Why the graph cannot be judged as one; empty if it can."""
    if history.holes:
        return msg("not all revisions could be read: {names}", names=some([one.place for one in history.holes]))
    return "" if history.walkable else msg("the revisions form a cycle")


def problems(history: History) -> list[Finding]:
    """Cases 3 to 7, 9, 13: what stops Alembic, or is passed over by it with a warning."""
    found: list[Finding] = []
    for problem in history.problems:
        if problem.kind in _EDGES and history.holes:
            continue
        kind, expected = _OF_KIND[problem.kind]
        found.append(
            Finding(
                id=kind,
                severity=RULES[kind].severity,
                subject=problem.place,
                expected=expected,
                actual=problem.text,
                hint=problem.hint,
            )
        )
    return found


def ids(revisions: Iterable[Revision]) -> list[Finding]:
    """Case 10: ids that do not fit into the version table, or that Alembic reads as something else."""
    found: list[Finding] = []
    for revision in revisions:
        if len(revision.id) > ID_LIMIT:
            found.append(
                Finding(
                    id="migration-id-too-long",
                    severity=Severity.ERROR,
                    subject=revision.place,
                    expected=msg(
                        "an id of at most {id_limit} characters: alembic_version.version_num holds no more",
                        id_limit=ID_LIMIT,
                    ),
                    actual=msg("{revision} has {count}", revision=revision.id, count=len(revision.id)),
                    hint=msg("shorten the id, here and where it is the parent"),
                )
            )
        if revision.id in RESERVED:
            found.append(
                Finding(
                    id="migration-id-reserved",
                    severity=Severity.ERROR,
                    subject=revision.place,
                    expected=msg("an id that is none of {reserved}", reserved=", ".join(sorted(RESERVED))),
                    actual=revision.id,
                    hint=msg("Alembic reads these as a place in the history: give the revision another id"),
                )
            )
    return found


def merges_that_operate(revisions: Iterable[Revision]) -> list[Finding]:
    """Case 12: a merge that also changes the database: whoever reviews a merge looks for no change in it."""
    return [
        Finding(
            id="migration-merge-operates",
            severity=Severity.WARNING,
            subject=f"{one.path}:{one.operates}",
            expected=msg("a merge that does nothing else"),
            actual=msg("{one} merges {down} and has operations", one=one.id, down=", ".join(one.down)),
            hint=msg("leave the merge empty, and put the operations into a revision after it"),
        )
        for one in revisions
        if len(one.down) > 1 and one.operates
    ]
