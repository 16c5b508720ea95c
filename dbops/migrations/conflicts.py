"""Whether two parallel branches give one schema in both orders: what is compared, and what a difference means.

Pure: what both orders have left on scratch databases comes in (`ops.commute` runs them), findings go out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from dbops.engine.scratch import Definitions, Look
from dbops.language import joined, msg, some
from dbops.migrations import branch_rows
from dbops.migrations.history import History
from dbops.model import Finding, NotEvaluated, Severity

_ORDER_ONLY = frozenset({"column_order"})
"""Kinds that tell in which order things came, and nothing that a statement would find different."""
_TWINS = ("index", "constraint", "foreign_key", "check")
_TELLING = frozenset({"table", "column", "columns", "constraint", "foreign_key", "check", "index", "view", "type"})
_LONG = 200


class Fork(NamedTuple):
    """Two revisions of which neither stands on the other. `common`: the highest that both stand on. `merge`: the
    pending revision that joins them already, '' while they are heads."""

    one: str
    other: str
    common: tuple[str, ...]
    merge: str = ""


class Order(NamedTuple):
    """What came of running one branch after the other. `looks`: at the common ancestor, after the first branch, and
    after both; shorter where one failed, in which case `error` says how. `sql`: what each branch has run."""

    first: str
    second: str
    looks: tuple[Look, ...]
    error: str = ""
    sql: tuple[tuple[str, ...], ...] = ()

    @property
    def works(self) -> bool:
        """Whether both branches ran, one after the other."""
        return not self.error

    @property
    def text(self) -> str:
        """For people, by the ids."""
        return f"{self.first} → {self.second}"


def forks(history: History, pending: Collection[str]) -> tuple[Fork, ...]:
    """Those of the heads, and those that a pending merge has joined, where something of it is still to run."""
    joined = [(pair, "") for pair in combinations(history.heads, 2)]
    for one in history.revisions:
        if one.id in pending:
            joined += [(pair, one.id) for pair in combinations([d for d in one.down if d in history], 2)]
    found: list[Fork] = []
    for (a, b), merge in joined:
        of_a, of_b = history.ancestors([a]), history.ancestors([b])
        if a in of_b or b in of_a or not (of_a ^ of_b) & set(pending):
            continue
        common = of_a & of_b
        found.append(Fork(a, b, tuple(sorted(common - set(_below(history, common)))), merge))
    return tuple(found)


def _below(history: History, names: Collection[str]) -> Iterator[str]:
    for name in names:
        yield from history.ancestors([name]) - {name}


def touched(before: Definitions, after: Definitions) -> frozenset[str]:
    """`kind name` of every object that one has and the other has not so."""
    kinds = {*before, *after} - _ORDER_ONLY
    return frozenset(
        f"{kind} {name}"
        for kind in kinds
        for name in {*before.get(kind, {}), *after.get(kind, {})}
        if before.get(kind, {}).get(name) != after.get(kind, {}).get(name)
    )


def broken(forward: Order, backward: Order) -> str:
    """Why nothing can be said: a branch that does not even run alone is no conflict, but nothing is proved either."""
    for one in (forward, backward):
        if len(one.looks) < 2:
            return msg("{first} does not run on its own ancestor: {error}", first=one.first, error=one.error)
    return ""


def compare(history: History, fork: Fork, forward: Order, backward: Order) -> list[Finding]:
    """Findings about catalogs. Both orders have run their first branch (`broken` is empty)."""
    subject = history[fork.merge or fork.other].place
    found: list[Finding] = []
    if not (forward.works and backward.works):
        outcome = [f"{one.text} {'runs' if one.works else f'fails: {one.error}'}" for one in (forward, backward)]
        found.append(
            Finding(
                id="migration-branches-fail",
                severity=Severity.ERROR,
                subject=subject,
                expected=msg("{one} and {other} run in both orders", one=fork.one, other=fork.other),
                actual=msg("{outcome}{sides}", outcome=joined("; ", outcome), sides=_sides(forward, backward)),
                hint=msg("rewrite one of them on top of the other: set its down_revision to the other's head"),
            )
        )
        return found
    differ = touched(forward.looks[2].definitions, backward.looks[2].definitions)
    if differ:
        found.append(
            Finding(
                id="migration-branches-differ",
                severity=Severity.ERROR,
                subject=subject,
                expected=msg("one schema in both orders"),
                actual=_outcomes(differ, forward, backward),
                hint=msg("whichever is deployed last wins: let one stand on the other, and say there what is meant"),
            )
        )
    twins = list(_twins(forward, backward))
    if twins:
        found.append(
            Finding(
                id="migration-branches-twice",
                severity=Severity.WARNING,
                subject=subject,
                expected=msg("each thing once"),
                actual=msg("the same under two names: {twins}", twins=some(sorted(twins), separator="; ")),
                hint=msg("drop one of the two in a revision after the merge"),
            )
        )
    return found


def differing_rows(one: Order, other: Order) -> frozenset[str]:
    """Tables whose rows depend on the order."""
    a, b = one.looks[2].rows, other.looks[2].rows
    return frozenset(table for table in {*a, *b} if a.get(table) != b.get(table))


def data_finding(history: History, fork: Fork, tables: Collection[str], forward: Order, backward: Order) -> Finding:
    """Parallel branches that leave other rows in one order than in the other."""

    def counted(order: Order, table: str) -> str:
        rows = order.looks[2].rows.get(table)
        return f"{rows.number if rows else 0} rows"

    lines = [
        msg(
            "{table}: {rows} after {order}, {other_rows} after {other_order}",
            table=table,
            rows=counted(forward, table),
            order=forward.text,
            other_rows=counted(backward, table),
            other_order=backward.text,
        )
        for table in sorted(tables)
    ]
    return Finding(
        id="migration-branches-data",
        severity=Severity.ERROR,
        subject=history[fork.merge or fork.other].place,
        expected=msg("the same rows in both orders"),
        actual=msg("{lines} (or the same number with other values)", lines=some(sorted(lines), separator="; ")),
        hint=msg("whichever is deployed last wins: let one stand on the other"),
    )


def unshown(order: Order) -> NotEvaluated | None:
    """What both change in tables that are empty on a scratch database, so that the rows cannot tell."""
    one, other = order.sql
    met = branch_rows.unshown(one, other, [look.rows for look in order.looks])
    if not met:
        return None
    pairs = [f"{each.table}: {each.one} by {order.first}, {each.other} by {order.second}" for each in met]
    return NotEvaluated(
        id="migration-branches-data",
        reason=msg(
            "both change rows of a table that is empty on a scratch database, where their order is not seen: {pairs}",
            pairs=some(pairs, separator="; "),
        ),
    )


def unsteady(tables: Collection[str]) -> NotEvaluated:
    """Tables over which nothing can be said, since one order does not even agree with itself."""
    return NotEvaluated(
        id="migration-branches-data",
        reason=msg(
            "rows that are not the same when one order runs twice (times, keys made by chance): {tables}",
            tables=some(sorted(tables), separator="; "),
        ),
    )


def _sides(forward: Order, backward: Order) -> str:
    """What each branch does alone: the error of a server does not always name what it is about."""
    sides = []
    for order in (forward, backward):
        names = touched(order.looks[0].definitions, order.looks[1].definitions)
        sides.append(
            msg(
                "; {first} changes {what}",
                first=order.first,
                what=some(sorted(_told(names)), separator="; ") or msg("rows alone"),
            )
        )
    return "".join(sides)


def _told(names: Collection[str]) -> list[str]:
    """Without what goes along with a table or a column that is named itself."""
    found = {name for name in names if name.partition(" ")[0] in _TELLING}
    return sorted(found or names)


def _outcomes(names: Collection[str], forward: Order, backward: Order) -> str:
    lines = []
    for name in sorted(names):
        a, b = (_definition(order.looks[2].definitions, name) for order in (forward, backward))
        a, b = apart(a, b)
        lines.append(
            msg(
                "{name}: {a} after {order}, {b} after {other_order}",
                name=name,
                a=a,
                order=forward.text,
                b=b,
                other_order=backward.text,
            )
        )
    return some(sorted(lines), separator="; ")


def _definition(found: Definitions, name: str) -> str:
    kind, _, identity = name.partition(" ")
    return found.get(kind, {}).get(identity, "(none)")


def apart(one: str, other: str) -> tuple[str, str]:
    """What the two do not share, shortened."""

    def only(text: str, beside: str) -> str:
        lines = [line for line in text.splitlines() if line not in beside.splitlines()] or text.splitlines()
        flat = " ".join(" ".join(lines).split())
        return flat if len(flat) <= _LONG else f"{flat[: _LONG - 3]}..."

    return only(one, other), only(other, one)


def _twins(forward: Order, backward: Order) -> Iterator[str]:
    """Indexes and constraints that both sides add, alike but for their names."""
    ours = _added(forward.looks[0].definitions, forward.looks[1].definitions)
    theirs = _added(backward.looks[0].definitions, backward.looks[1].definitions)
    for (kind, text), name in ours.items():
        twin = theirs.get((kind, text))
        if twin is not None and twin != name:
            yield msg(
                "{kind} {name} by {first}, {twin} by {second}",
                kind=kind,
                name=name,
                first=forward.first,
                twin=twin,
                second=backward.first,
            )


def _added(before: Definitions, after: Definitions) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for kind in _TWINS:
        for name, text in after.get(kind, {}).items():
            if name not in before.get(kind, {}):
                path, on, table = name.partition(" on ")  # `ck on public.users`, `public.ix_users`
                own = path.replace('"', "").replace("`", "").rpartition(".")[2].rpartition(" ")[2]
                where = f"{on}{table}" if on else name.removesuffix(own)
                found[kind, f"{where}{text.replace(own, '?')}"] = name
    return found
