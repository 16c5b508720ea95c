"""The proof that parallel branches commute: both orders run on scratch databases, and what they leave is compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from dbops.engine.scratch import Look
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.migrations import conflicts
from dbops.migrations.conflicts import Fork, Order
from dbops.migrations.history import History
from dbops.model import Finding, NotEvaluated
from dbops.ops.workshop import TrialError, Workshop

STEP = "commutativity"


class Proof(NamedTuple):
    """`open`: forks of which nothing could be said. `skipped`: what of them was not compared, and why. `touched`: by
    the head of each branch, what it changes."""

    findings: tuple[Finding, ...]
    skipped: tuple[NotEvaluated, ...] = ()
    open: tuple[NotEvaluated, ...] = ()
    touched: Mapping[str, tuple[str, ...]] = {}


def prove(history: History, forks: Sequence[Fork], workshop: Workshop) -> Proof:
    """Runs each pair of branches in both orders. Two branches commute if both orders run, and leave one schema and the
    same rows."""
    findings: list[Finding] = []
    skipped: list[NotEvaluated] = []
    left_open: list[NotEvaluated] = []
    touched: dict[str, tuple[str, ...]] = {}
    for fork in forks:
        try:
            found, unsaid, unshown, sides = _prove(history, fork, workshop)
        except DbopsError as error:  # no server, or one that broke, or an application that does not run: no proof
            left_open.append(
                NotEvaluated(
                    id=STEP, reason=msg("{one} and {other}: {error}", one=fork.one, other=fork.other, error=error)
                )
            )
            continue
        findings += found
        skipped += unsaid
        left_open += [unshown] if unshown is not None else []
        touched |= sides
    return Proof(tuple(findings), tuple(skipped), tuple(left_open), touched)


def _prove(
    history: History, fork: Fork, workshop: Workshop
) -> tuple[list[Finding], list[NotEvaluated], NotEvaluated | None, dict[str, tuple[str, ...]]]:
    forward = run(fork, fork.one, fork.other, workshop)
    backward = run(fork, fork.other, fork.one, workshop)
    if reason := conflicts.broken(forward, backward):
        raise TrialError(reason, hint=msg("a branch that does not run alone cannot be merged either"), kind="trial")
    findings = conflicts.compare(history, fork, forward, backward)
    unsaid: list[NotEvaluated] = []
    if forward.works and backward.works:
        differ = conflicts.differing_rows(forward, backward)
        if differ:
            by_chance = differ & set(_by_chance(fork, forward, workshop))
            if by_chance:
                unsaid.append(conflicts.unsteady(by_chance))
            if differ - by_chance:
                findings.append(conflicts.data_finding(history, fork, differ - by_chance, forward, backward))
    sides = {
        order.first: tuple(sorted(conflicts.touched(order.looks[0].definitions, order.looks[1].definitions)))
        for order in (forward, backward)
    }
    return findings, unsaid, None if findings else conflicts.unshown(forward), sides


def run(fork: Fork, first: str, second: str, workshop: Workshop) -> Order:
    """One order. Raises `TrialError` if not even the common ancestor can be reached."""
    looks: list[Look] = []
    sql: list[tuple[str, ...]] = []
    with workshop.database(fork.common) as database:
        looks.append(database.look())
        for revision in (first, second):
            try:
                sql.append(tuple(one.sql for one in database.upgrade(revision).statements if one.revision))
            except TrialError as error:
                return Order(first, second, tuple(looks), error.message)
            looks.append(database.look())
    return Order(first, second, tuple(looks), sql=tuple(sql))


def _by_chance(fork: Fork, forward: Order, workshop: Workshop) -> Collection[str]:
    """Tables whose rows come out differently when one order runs again: times, random keys, salted hashes."""
    again = run(fork, forward.first, forward.second, workshop)
    return conflicts.differing_rows(forward, again) if again.works else frozenset()
