"""A history of revisions: read from files, judged for what would stop Alembic, and walked with Alembic's own map."""

from __future__ import annotations

import errno
import stat
import warnings
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dbops.language import msg
from dbops.migrations import graph, layout, source
from dbops.migrations.statements import Bodies, bodies
from dbops.migrations.values import BrokenHistoryError, Kind, Problem, Revision
from dbops.values import Value

if TYPE_CHECKING:
    from alembic.script.revision import RevisionMap

_HOLES = frozenset({Kind.UNREADABLE, Kind.COMPUTED, Kind.BAD_VALUE, Kind.NO_DOWN, Kind.SOURCELESS})
"""What a file can be that keeps a revision from view."""
_MOST_BYTES = 8 << 20


class Standing(StrEnum):
    """Where a database stands to the code."""

    AT_HEAD = "at-head"
    BEHIND = "behind"
    AHEAD = "ahead"
    """It has all that the code has, and more."""
    BESIDE = "beside"
    """It has what the code has not, and the code has what it has not."""
    UNKNOWN = "unknown"
    """It is at a revision that the code does not have: ahead or beside, which the files alone do not tell."""


class Relation(Value, frozen=True):
    """`pending`: revisions that the database lacks, in the order in which Alembic runs them; `foreign`: those that it
    is at and the code does not have; `overlapping`: rows that another row's revision stands on already."""

    standing: Standing
    pending: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    overlapping: tuple[str, ...] = ()


class History:
    """The revisions of one project.

    `revisions` are in the order of their files, one per id. `heads` and `bases` are those that Alembic has, told
    without it: importing it takes longer than all the rest. They are empty where there is a cycle. `holes` are the
    places of revisions that could not be read: what the graph would say without them is not so.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[Revision],
        problems: Iterable[Problem] = (),
        contents: Mapping[str, bytes] | None = None,
    ) -> None:
        self.root = root
        self._contents = contents or {}
        self.graph = graph.build(files)
        self.revisions = tuple(self.graph.revisions.values())
        self.problems = (*problems, *self.graph.problems)
        known = {one.path for one in self.revisions}
        self.holes = tuple(one for one in self.problems if one.kind in _HOLES and one.path not in known)

    def __getitem__(self, name: str) -> Revision:
        return self.graph.revisions[name]

    def bodies(self, name: str) -> Bodies:
        """What the functions of a revision do, as far as its text shows it."""
        return bodies(self._contents[self[name].path])

    def content(self, name: str) -> bytes:
        """The file of a revision, as it was read."""
        return self._contents[self[name].path]

    def __contains__(self, name: str) -> bool:
        return name in self.graph.revisions

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """Those on which no other stands by its `down_revision`, as `alembic heads` has it."""
        below = {down for downs in self.graph.parents.values() for down in downs}
        return tuple(name for name in self.graph.revisions if name not in below) if self.walkable else ()

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """Revisions that stand on none; empty for a history that cannot be walked."""
        return tuple(name for name, down in self.graph.parents.items() if not down) if self.walkable else ()

    @property
    def walkable(self) -> bool:
        """No cycle: there is an order."""
        return not self.graph.loop

    @cached_property
    def heights(self) -> dict[str, int]:
        """How far above a base each revision is, by parents alone."""
        return graph.heights(self.graph.parents)

    @cached_property
    def order(self) -> dict[str, int]:
        """How far above a base each revision is, by all that it needs: one order in which all could run."""
        return graph.heights(self.graph.needs)

    def ancestors(self, names: Iterable[str]) -> frozenset[str]:
        """The named revisions and all that had to run before them; unknown names have none."""
        return graph.ancestors(self.graph.needs, names)

    def overlapping(self, current: Collection[str]) -> tuple[str, ...]:
        """Those of `current` that another of them stands on."""
        return tuple(sorted({one for name in current for one in self.ancestors([name]) - {name} if one in current}))

    def pending(self, current: Collection[str]) -> tuple[Revision, ...]:
        """What is left to run from `current` to all heads, in Alembic's order. Unknown ids count for nothing.
        `BrokenHistoryError` where there is no such order."""
        if not self.walkable:
            cycle = next(one for one in self.problems if one.kind is Kind.CYCLE)
            raise BrokenHistoryError(msg("the revisions have no order: {reason}", reason=cycle.text), hint=cycle.hint)
        rows = {name for name in current if name in self} - set(self.overlapping(current))
        missing = self.graph.revisions.keys() - self.ancestors(rows)
        if not missing:
            return ()
        from alembic.script.revision import RevisionError

        try:
            order = list(self._map.iterate_revisions("heads", tuple(sorted(rows)), implicit_base=True))
        except RevisionError as error:  # an id such as `head`
            raise BrokenHistoryError(
                msg("Alembic cannot walk the revisions: {error}", error=error),
                hint=msg("give that revision another id"),
            ) from None
        return tuple(self[step.revision] for step in reversed(order))

    def relation(self, current: Collection[str], applied: Mapping[str, Collection[str]] | None = None) -> Relation:
        """Where a database whose version table holds `current` stands. `applied`: parents of revisions that it is known
        to have, by id (from a ledger, or another checkout), which tell 'ahead' from 'beside'."""
        foreign = tuple(sorted(name for name in current if name not in self))
        known = [name for name in current if name in self]
        below = self._below(foreign, applied or {})
        pending = tuple(one.id for one in self.pending([*known, *below]))
        if not foreign:
            standing = Standing.BEHIND if pending else Standing.AT_HEAD
        elif not known and not below:
            standing = Standing.UNKNOWN
        else:
            standing = Standing.BESIDE if pending else Standing.AHEAD
        return Relation(
            standing=standing,
            pending=() if standing is Standing.UNKNOWN else pending,
            foreign=foreign,
            overlapping=self.overlapping(current),
        )

    def _below(self, foreign: Iterable[str], applied: Mapping[str, Collection[str]]) -> frozenset[str]:
        """The revisions of the code on which foreign ones stand."""
        edges = {name: [*parents] for name, parents in applied.items() if name not in self}
        reached = graph.ancestors({**{name: [] for name in self.graph.revisions}, **edges}, foreign)
        return frozenset(name for name in reached if name in self)

    @cached_property
    def _map(self) -> RevisionMap:
        """Alembic's map of the graph: imported only here, since it brings SQLAlchemy with it."""
        from alembic.script.revision import Revision as Node
        from alembic.script.revision import RevisionMap

        edges = self.graph
        return RevisionMap(
            lambda: [
                Node(
                    name,
                    edges.parents[name] or None,
                    dependencies=tuple(one for one in edges.needs[name] if one not in edges.parents[name]) or None,
                    branch_labels=edges.labels.get(name),
                )
                for name in edges.revisions
            ]
        )


def read(directory: Path) -> History:
    """Reads the history in a folder; whatever is wrong with it is a problem in it, never an exception."""
    where = layout.find(directory)
    found, problems = contents(where)
    return parse(where.root, found.items(), problems)


def contents(where: layout.Layout) -> tuple[dict[str, bytes], list[Problem]]:
    """The files of a layout by name, and what is wrong with it."""
    found: dict[str, bytes] = {}
    problems = [*where.problems, *layout.compiled_only(where), *layout.passed_over(where)]
    for name, path in layout.files(where):
        try:
            found[name] = _read(path)
        except OSError as error:
            text, hint = error.strerror or str(error), msg("Alembic loads every *.py in the folder")
            problems.append(Problem(kind=Kind.UNREADABLE, path=name, line=0, text=text, hint=hint))
    return found, problems


def _read(path: Path) -> bytes:
    """A regular file of a sane size: a link may lead anywhere, such as to `/dev/zero`."""
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, msg("this is not a regular file"))
    if facts.st_size > _MOST_BYTES:
        raise OSError(errno.EFBIG, msg("{size} bytes are more than any revision has", size=facts.st_size))
    return path.read_bytes()


def parse(root: Path, files: Iterable[tuple[str, bytes]], problems: Iterable[Problem] = ()) -> History:
    """The history that files make, given by name and content."""
    revisions: list[Revision] = []
    found = [*problems]
    kept = dict(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in kept.items():
            one = source.read(name, data)
            found.extend(one.problems)
            if one.revision is not None:
                revisions.append(one.revision)
    return History(root, revisions, found, kept)
