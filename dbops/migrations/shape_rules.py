"""Rules over the shape of the graph: heads, bases, and merges that are none. For a graph without holes or a cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from dbops.language import msg
from dbops.migrations.graph import ancestors
from dbops.migrations.history import History
from dbops.migrations.values import Revision
from dbops.model import Finding, Severity

HEADS = "migration-heads"
SECOND_BASE = "migration-second-base"
MERGE_OF_ANCESTOR = "migration-merge-of-ancestor"


def several_heads(history: History) -> list[Finding]:
    """Cases 1, 2: heads that part from a common revision. Branches that all have labels are meant to be."""
    found: list[Finding] = []
    lines = {head: ancestors(history.graph.parents, [head]) for head in history.heads}
    for group in _groups(history, lines):
        shared = frozenset.intersection(*(lines[head] for head in group))
        labelled = all(_own_label(history, head, lines, group) for head in group)
        fork = max(shared, key=lambda name: (history.heights[name], name), default="")
        heads = sorted((history[head] for head in group), key=lambda one: (one.created, one.path))
        names = ", ".join(f"{one.id} ({one.place})" for one in heads)
        merge = msg("merge them (dbops merge, or alembic merge {heads})", heads=" ".join(one.id for one in heads))
        rebase = msg("or set down_revision of one that ran nowhere yet to the head of the other")
        found.append(
            Finding(
                id=HEADS,
                severity=Severity.INFO if labelled else Severity.ERROR,
                subject=heads[-1].down_place,
                expected=msg("one head"),
                actual=(
                    msg("{count} heads after {fork}: {names}", count=len(heads), fork=fork, names=names)
                    if fork
                    else msg("{count} heads{fork}: {names}", count=len(heads), fork=fork, names=names)
                ),
                hint=msg("each has a branch label: `upgrade heads` runs them all")
                if labelled
                else msg("{merge}, {rebase}", merge=merge, rebase=rebase),
            )
        )
    return found


def second_bases(history: History) -> list[Finding]:
    """Case 8: a base that nothing connects with the rest. One with a label, or in a folder of its own, is meant."""
    if len(history.bases) < 2:
        return []
    parts = _parts(history)
    size = Counter(parts.values())
    bases = [history[name] for name in history.bases]
    main = max(bases, key=lambda one: size[parts[one.id]])  # the first of the largest part
    hint = msg("set down_revision to the revision that it was written on; a branch meant to be separate has a label")
    places = {PurePosixPath(one.path).parent for one in history.revisions if parts[one.id] == parts[main.id]}
    return [
        Finding(
            id=SECOND_BASE,
            severity=Severity.ERROR,
            subject=base.down_place,
            expected=msg("one base: {main} ({place})", main=main.id, place=main.place),
            actual=msg("{base} has no parent either", base=base.id),
            hint=hint,
        )
        for base in bases
        if parts[base.id] != parts[main.id]
        and not (base.down or base.labels)
        and PurePosixPath(base.path).parent in places
    ]


def merges_of_ancestors(history: History, revisions: Iterable[Revision]) -> list[Finding]:
    """Case 11: a merge of a revision with one that it stands on already. Alembic accepts and runs it, and other heads
    stay unmerged where one of these was meant."""
    found: list[Finding] = []
    for revision in revisions:
        for place, one in enumerate(revision.down):
            others = [other for at, other in enumerate(revision.down) if at != place and (other != one or at > place)]
            above = next((other for other in others if _stands_on(history, other, one)), None)
            if above is not None:
                again = "twice" if above == one else msg("which {above} stands on already", above=above)
                found.append(
                    Finding(
                        id=MERGE_OF_ANCESTOR,
                        severity=Severity.WARNING,
                        subject=revision.down_place,
                        expected=msg("a merge of revisions that part from each other"),
                        actual=msg("{revision} merges {one}, {again}", revision=revision.id, one=one, again=again),
                        hint=msg("take {one} out of down_revision", one=one),
                    )
                )
    return found


def _groups(history: History, lines: dict[str, frozenset[str]]) -> list[list[str]]:
    """Heads that stand on a common revision, where there are several."""
    groups: dict[str, list[str]] = {}
    parts = _parts(history)
    for head in lines:
        groups.setdefault(parts[head], []).append(head)
    found: list[list[str]] = []
    for group in groups.values():
        common = [one for one in group if any(lines[one] & lines[other] for other in group if other != one)]
        if common:
            found.append(common)
    return found


def _parts(history: History) -> dict[str, str]:
    """Which connected part of the graph each revision is in."""
    part: dict[str, str] = {}
    neighbours: dict[str, list[str]] = {one.id: list(history.graph.parents[one.id]) for one in history.revisions}
    for name, parents in history.graph.parents.items():
        for parent in parents:
            neighbours[parent].append(name)
    for start in neighbours:
        if start not in part:
            part.update(dict.fromkeys(ancestors(neighbours, [start]), start))
    return part


def _own_label(history: History, head: str, lines: dict[str, frozenset[str]], group: Iterable[str]) -> bool:
    """Whether a branch label is on the way to this head and to none of the others."""
    others = frozenset().union(*(lines[other] for other in group if other != head))
    return any(history.graph.labels.get(name) for name in lines[head] - others)


def _stands_on(history: History, name: str, lower: str) -> bool:
    """Whether `lower` is `name` or below it: nothing lower than itself needs to be looked at."""
    floor = history.heights.get(lower)
    todo, seen = [name], set[str]()
    while todo and floor is not None:
        one = todo.pop()
        if one == lower:
            return True
        if one in history and one not in seen and history.heights[one] > floor:
            seen.add(one)
            todo.extend(history.graph.parents[one])
    return False
