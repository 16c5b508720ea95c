"""The edges between revisions, made whole: what Alembic would only warn of, or die of, is named and left out."""

from __future__ import annotations

import graphlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from dbops.language import msg
from dbops.migrations.values import Kind, Problem, Revision

_COPY = re.compile(
    r"(?i)(?:[ _-](?:copy|kopie|copie|copia)(?:[ _-]?\(?\d+\)?)?|\(\d+\))$|^(?:copy of|kopie von|copie de|copia de) "
)
"""The name, without `.py`, that a file manager gives to a copy."""


class Graph(NamedTuple):
    """`revisions` by id, each once, in the order of their files. `parents` are those that exist; `needs` are these and
    the revisions that a `depends_on` leads to; `labels` are the declared ones without those that clash. `loop`: the ids
    of a cycle, if there is one. `problems` are those of the edges."""

    revisions: Mapping[str, Revision]
    parents: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]
    loop: tuple[str, ...]
    problems: tuple[Problem, ...]


def build(files: Iterable[Revision]) -> Graph:
    """The graph of what the files declare."""
    revisions, problems = _unique(files)
    labels, clashes = _labels(revisions)
    problems += clashes
    owner = {label: name for name, own in labels.items() for label in own}
    parents: dict[str, tuple[str, ...]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for name, revision in revisions.items():
        parents[name] = tuple(down for down in revision.down if down in revisions)
        wanted = {one: one if one in revisions else owner.get(one) for one in revision.depends_on}
        needs[name] = tuple(dict.fromkeys([*parents[name], *(one for one in wanted.values() if one is not None)]))
        for down in revision.down:
            if down not in revisions:
                problems.append(_no_parent(revision, down, owner, revisions))
        for one, found in wanted.items():
            if found is None:
                problems.append(_no_dependency(revision, one, revisions))
    loop = _loop(needs)
    if loop:
        problems.append(_cycle([revisions[name] for name in loop]))
    return Graph(revisions, parents, needs, labels, loop, tuple(problems))


def ancestors(edges: Mapping[str, Sequence[str]], names: Iterable[str]) -> frozenset[str]:
    """The named revisions and all that they stand on, as far as `edges` knows them."""
    todo, found = [name for name in names if name in edges], set[str]()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(one for one in edges[name] if one in edges)
    return frozenset(found)


def heights(edges: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many steps each revision is above the lowest of its bases: an ancestor is lower. Only without a cycle."""
    found: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(edges).static_order():
        found[name] = 1 + max((found[one] for one in edges[name]), default=-1)
    return found


def _unique(files: Iterable[Revision]) -> tuple[dict[str, Revision], list[Problem]]:
    """One file per id: the last, as Alembic has it, unless it is a copy. The others are problems."""
    same: dict[str, list[Revision]] = defaultdict(list)
    for revision in files:
        same[revision.id].append(revision)
    kept: dict[str, Revision] = {}
    problems: list[Problem] = []
    for name, found in same.items():
        originals = [one for one in found if not _COPY.search(PurePosixPath(one.path).stem)] or found
        kept[name] = originals[-1]
        for other in found:
            if other is kept[name]:
                continue
            copied = other not in originals or other.sha256 == kept[name].sha256
            same_as = msg("has the id {name} of {place}", name=name, place=kept[name].place)
            problems.append(
                Problem(
                    kind=Kind.COPIED_FILE if copied else Kind.DUPLICATE_ID,
                    path=other.path,
                    line=other.line,
                    text=msg("{same_as}, of which it is a copy", same_as=same_as) if copied else same_as,
                    hint="delete it"
                    if copied
                    else msg("Alembic runs only one of the two: give one of them an id of its own"),
                )
            )
    return kept, problems


def _labels(revisions: Mapping[str, Revision]) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """The branch labels of each revision. One that is taken is a problem: Alembic stops at it."""
    taken: dict[str, Revision] = dict(revisions)
    labels: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for name, revision in revisions.items():
        for label in dict.fromkeys(revision.labels):
            if label in taken:
                what = "the id" if label == taken[label].id else msg("a branch label")
                problems.append(
                    Problem(
                        kind=Kind.LABEL_CLASH,
                        path=revision.path,
                        line=revision.line,
                        text=msg(
                            "the branch label {label!r} is {what} of {place}",
                            label=label,
                            what=what,
                            place=taken[label].place,
                        ),
                        hint=msg(
                            "Alembic stops at a label that is taken: a branch is labelled once, at its first revision"
                        ),
                    )
                )
            else:
                taken[label] = revision
                labels[name] = (*labels.get(name, ()), label)
    return labels, problems


def _loop(edges: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        loop: list[str] = error.args[1]
        return tuple(loop[:-1])
    return ()


def _cycle(loop: Sequence[Revision]) -> Problem:
    first = loop[0]
    names = " → ".join(one.id for one in [*loop, first])
    return Problem(
        kind=Kind.CYCLE,
        path=first.path,
        line=first.down_line,
        text=msg("{id} stands on itself", id=first.id)
        if len(loop) == 1
        else msg("{names} (each must run before the next)", names=names),
        hint=msg(
            "correct down_revision or depends_on of one of these: {places}",
            places=", ".join(one.down_place for one in loop[:20]),
        ),
    )


def _no_parent(revision: Revision, down: str, labels: Mapping[str, str], revisions: Mapping[str, Revision]) -> Problem:
    meant = (
        msg("; {down} is the branch label of {labels}, and a parent is named by its id", down=down, labels=labels[down])
        if down in labels
        else _meant(down, revisions)
    )
    return Problem(
        kind=Kind.PARENT_MISSING,
        path=revision.path,
        line=revision.down_line,
        text=msg("the parent {down!r} of {id} is in no file{meant}", down=down, id=revision.id, meant=meant),
        hint=msg("bring its file back, or set down_revision to a revision that exists")
        if down
        else msg("write down_revision = None for the first revision, else its parent's id"),
    )


def _meant(written: str, revisions: Mapping[str, Revision]) -> str:
    """What an id may be the beginning of: on the command line Alembic completes one, in a file it does not."""
    begun = [name for name in revisions if written and name.startswith(written)]
    return msg("; it is the beginning of {begun}, and has to be written out", begun=begun[0]) if len(begun) == 1 else ""


def _no_dependency(revision: Revision, name: str, revisions: Mapping[str, Revision]) -> Problem:
    return Problem(
        kind=Kind.DEPENDENCY_MISSING,
        path=revision.path,
        line=revision.line,
        text=msg("{id} depends on {name!r}, which is neither a revision nor a branch label", id=revision.id, name=name)
        + _meant(name, revisions),
        hint=msg("bring its file back, or correct depends_on"),
    )
