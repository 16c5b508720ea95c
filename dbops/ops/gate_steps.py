"""The steps of the gate. Each judges one thing, or says why it does not.

A step is a function from the ground to an outcome: what it found, which rules it judged, what it was not asked for
(`skipped`), and what it should have judged and could not (`open`), which makes the verdict INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from dbops.language import joined, msg
from dbops.migrations import database_rules, ledger_rules, revision_rules
from dbops.migrations.graph_rules import judge_graph
from dbops.migrations.rules import of_step
from dbops.model import Finding, NotEvaluated, Severity
from dbops.ops.migration_ground import Ground

INTERRUPTED = "migration-interrupted"
DOWNGRADES = (revision_rules.EMPTY, revision_rules.REFUSES)
NO_DATABASE = msg("no database was looked at")
NOT_KNOWN = msg("which revisions are pending is not known: name the database (--target) or a branch (--base)")


class Outcome(NamedTuple):
    """What a step has to say. `judged`: ids of the rules that it judged."""

    findings: Sequence[Finding] = ()
    judged: Sequence[str] = ()
    skipped: Sequence[NotEvaluated] = ()
    open: Sequence[NotEvaluated] = ()


class Step(NamedTuple):
    """`id` is also the name of its time in the report."""

    id: str
    run: Callable[[Ground], Outcome]


def graph(ground: Ground) -> Outcome:
    """The files, the graph that they make, and the ids and merges of what is pending (of all, if that is not known)."""
    names = None if ground.pending is None else frozenset(one.id for one in ground.pending)
    judged = judge_graph(ground.history, names)
    left = {one.id for one in judged.not_evaluated}
    rules = [*of_step("files"), *of_step("graph"), *(one for one in of_step("revisions") if one not in DOWNGRADES)]
    rules += of_step("base") if ground.base and not ground.broken else ()
    return Outcome(judged.findings, [one for one in rules if one not in left], open=judged.not_evaluated)


def revisions(ground: Ground) -> Outcome:
    """What the text of the pending revisions shows of what they do: old ones are history, and no news."""
    if ground.pending is None:
        reason = ground.broken or NOT_KNOWN
        return Outcome(skipped=[NotEvaluated(id=one, reason=reason) for one in DOWNGRADES])
    judged = revision_rules.downgrades(ground.history, ground.pending)
    left = {one.id for one in judged.not_evaluated}
    return Outcome(
        judged.findings,
        [one for one in DOWNGRADES if one not in left],
        skipped=[*judged.not_evaluated, *revision_rules.hidden(ground.history, ground.pending)],
    )


def database(ground: Ground) -> Outcome:
    """The rows of the version table against the files."""
    if ground.version is None:
        return Outcome(skipped=[NotEvaluated(id="database", reason=NO_DATABASE)])
    if ground.broken:
        return Outcome(open=[NotEvaluated(id="database", reason=ground.broken)])
    found = database_rules.judge_database(ground.history, ground.version.rows, ground.applied)
    return Outcome([_about(one, ground.version.table) for one in found], of_step("database"))


def ledger(ground: Ground) -> Outcome:
    """What ran here, as it ran, against the files."""
    if ground.version is None:
        return Outcome(skipped=[NotEvaluated(id="ledger", reason=NO_DATABASE)])
    if ground.ledger is None and ground.intent is None:  # killed in its first run, a migration leaves no ledger yet
        return Outcome(skipped=[NotEvaluated(id="ledger", reason=msg("no ledger of applied revisions is kept here"))])
    if ground.broken:
        return Outcome(open=[NotEvaluated(id="ledger", reason=ground.broken)])
    found = ledger_rules.judge_ledger(ground.history, ground.version.rows, ground.ledger or ())
    return Outcome([*found, *_interrupted(ground)], of_step("ledger"))


def interrupted(ground: Ground) -> Outcome:
    """Of the ledger's rules, the one that tells where a migration is under way or was killed."""
    return Outcome(_interrupted(ground), [INTERRUPTED] if ground.version is not None else [])


def _interrupted(ground: Ground) -> list[Finding]:
    """Case 41: what a migration that was killed has left, and where the database stands now."""
    if ground.intent is None or ground.version is None:
        return []
    begun = ground.intent
    there = ground.history.ancestors(ground.version.rows)
    ran = [name for name in begun.revisions if name in there]
    left = [name for name in begun.revisions if name not in there]
    return [
        Finding(
            id=INTERRUPTED,
            severity=Severity.WARNING,
            subject=ground.version.table,
            expected=msg("the migration of {begun_at:%Y-%m-%d %H:%M} UTC comes to its end", begun_at=begun.begun_at),
            actual=msg(
                "it was killed, or is running now: applied are {ran}, and {left} is left",
                ran=", ".join(ran) or msg("none"),
                left=", ".join(left) or msg("none"),
            ),
            hint=joined(
                "\n",
                [
                    msg(
                        "its safety backup is {backup}: dbops restore --backup {backup}; or go on: dbops migrate",
                        backup=begun.backup,
                    ),
                    *(
                        [
                            msg(
                                "if it was killed, the application may be down; it is started by: {start}",
                                start=ground.start,
                            )
                        ]
                        if ground.start
                        else []
                    ),
                ],
            ),
        )
    ]


def _about(finding: Finding, table: str) -> Finding:
    """A finding of the database's rules, with the name that the version table has there."""
    return msgspec.structs.replace(finding, subject=table)


def to_come(name: str, what: str) -> Step:
    """A step that needs more than files and a database: never silence, and never fine while something is pending."""

    def run(ground: Ground) -> Outcome:
        if ground.version is None:
            return Outcome(skipped=[NotEvaluated(id=name, reason=NO_DATABASE)])
        if ground.pending == ():
            return Outcome(skipped=[NotEvaluated(id=name, reason=msg("nothing is pending"))])
        return Outcome(
            open=[
                NotEvaluated(
                    id=name,
                    reason=msg(
                        "{what}: needs the application, which [targets.….migrations] of dbops.toml names", what=what
                    ),
                )
            ]
        )

    return Step(name, run)


def current_of(ground: Ground) -> tuple[str, ...]:
    """Where the database is, as far as the code has it."""
    assert ground.version is not None  # noqa: S101 - the caller has looked
    return tuple(sorted(row for row in ground.version.rows if row in ground.history))
