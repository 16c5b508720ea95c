"""The graph of revisions as rows, the newest first: long runs and what is long settled become one row each.

A row stands in a lane; an edge leads from a row down to a row below it, through a lane of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from dbops.migrations.history import History
from dbops.migrations.places import place_of
from dbops.migrations.shape_rules import HEADS
from dbops.model import Severity
from dbops.ops.migration_report import MigrationReport

SHORTEST_RUN = 3
"""Revisions in a line, none of which anything is to be said of, that are worth a row of their own each below this."""
MOST_ROWS = 400
_KEPT_BELOW = 4
"""Rows that are still shown below the last one that matters."""


class Row(NamedTuple):
    """One revision, or `size` of them. `marks`: `head`, `current`, `pending`, `conflict`, `warning`, `label: …`."""

    key: str
    size: int
    message: str
    place: str
    marks: tuple[str, ...]
    lane: int

    @property
    def tone(self) -> str:
        """What the node is drawn as."""
        order = ("conflict", "warning", "current", "pending")
        return next((name for name in order if name in self.marks), "run" if self.size > 1 else "applied")


class Edge(NamedTuple):
    """From row `top` down to row `bottom`; between them it runs in `lane`."""

    top: int
    bottom: int
    lane: int


class Rows(NamedTuple):
    """`lanes` is how many there are. `left_out`: revisions below the last row that are not drawn."""

    rows: Sequence[Row]
    edges: Sequence[Edge]
    lanes: int
    left_out: int = 0


class _Item(NamedTuple):
    """A row before it has a lane: its revisions, the newest first, and the items below it."""

    names: tuple[str, ...]
    down: tuple[str, ...]


def rows(history: History, report: MigrationReport) -> Rows:
    """The graph to draw. A history with a cycle has none."""
    if not history.walkable or not history.revisions:
        return Rows((), (), 0)
    marks = marked(history, report)
    items = _items(history, marks)
    return _laid_out(history, items, marks, settled=report.pending is not None)


def marked(history: History, report: MigrationReport) -> dict[str, tuple[str, ...]]:
    """What is to be said of revisions, by id."""
    found: dict[str, list[str]] = {}
    for name in history.heads:
        found.setdefault(name, []).append("head")
    for name in report.current or ():
        if name in history:
            found.setdefault(name, []).append("current")
    for one in report.pending or ():
        found.setdefault(one.id, []).append("pending")
    ids = {revision.path: revision.id for revision in history.revisions}
    for finding in report.findings:
        place = place_of(finding.subject)
        names = history.heads if finding.id == HEADS else [ids[place.path]] if place and place.path in ids else []
        mark = {Severity.ERROR: "conflict", Severity.WARNING: "warning"}.get(finding.severity)
        for name in names:
            if mark and mark not in found.get(name, ()):
                found.setdefault(name, []).append(mark)
    for name, labels in history.graph.labels.items():
        found.setdefault(name, []).extend(f"label: {label}" for label in labels)
    return {name: tuple(own) for name, own in found.items()}


def _items(history: History, marks: Mapping[str, Collection[str]]) -> list[_Item]:
    """Rows in order, with every run of unremarkable revisions as one."""
    parents = history.graph.parents
    children: dict[str, int] = dict.fromkeys(parents, 0)
    for downs in parents.values():
        for down in downs:
            children[down] += 1
    plain = {name for name in parents if len(parents[name]) == 1 and children[name] == 1 and name not in marks}
    runs: dict[str, tuple[str, ...]] = {}
    inside: set[str] = set()
    for name in _order(parents, children):
        if name in plain and name not in inside:
            run = [name]
            while (below := parents[run[-1]][0]) in plain:
                run.append(below)
            inside.update(run)
            if len(run) >= SHORTEST_RUN:
                runs[name] = tuple(run)
    hidden = {name for run in runs.values() for name in run[1:]}
    items = []
    for name in _order(parents, children):
        if name not in hidden:
            names = runs.get(name, (name,))
            items.append(_Item(names, parents[names[-1]]))
    return items


def _order(parents: Mapping[str, Sequence[str]], children: Mapping[str, int]) -> Iterator[str]:
    """Every revision before its parents, and a branch in one piece where that can be."""
    left = dict(children)
    todo = [name for name in parents if not children[name]]
    while todo:
        name = todo.pop()
        yield name
        for down in parents[name][::-1]:
            left[down] -= 1
            if not left[down]:
                todo.append(down)


def _laid_out(history: History, items: list[_Item], marks: Mapping[str, tuple[str, ...]], *, settled: bool) -> Rows:
    """Lanes for rows and edges, from top to bottom. `lanes[i]` is the revision that lane waits for."""
    lanes: list[str | None] = []
    starts: list[tuple[str, int, int]] = []
    made: list[Row] = []
    at: dict[str, int] = {}
    widest = 0
    last = max((place for place, item in enumerate(items) if set(marks.get(item.names[0], ())) - {"head"}), default=0)
    end = len(items)
    for place, item in enumerate(items):
        open_lanes = sum(lane is not None for lane in lanes)
        enough = place > last + _KEPT_BELOW and (settled or place > MOST_ROWS // 2) and open_lanes <= 1
        if (enough and len(items) - place > _KEPT_BELOW) or place >= MOST_ROWS:
            end = place
            break
        name = item.names[0]
        lane = lanes.index(name) if name in lanes else _free(lanes)
        lanes = [None if waits == name else waits for waits in lanes]
        at[name] = place
        for index, down in enumerate(item.down):
            if down in lanes:
                taken = lanes.index(down)
            else:
                taken = lane if index == 0 or lanes[lane] is None else _free(lanes)
                lanes[taken] = down
            starts.append((down, place, taken))
        while lanes and lanes[-1] is None:
            lanes.pop()
        widest = max(widest, len(lanes), lane + 1)
        made.append(_row(history, item, marks, lane))
    edges = [Edge(top, at.get(down, end), lane) for down, top, lane in starts]
    return Rows(made, edges, widest, sum(len(item.names) for item in items[end:]))


def _free(lanes: list[str | None]) -> int:
    if None in lanes:
        return lanes.index(None)
    lanes.append(None)
    return len(lanes) - 1


def _row(history: History, item: _Item, marks: Mapping[str, tuple[str, ...]], lane: int) -> Row:
    revision = history[item.names[0]]
    if len(item.names) > 1:
        text = f"{len(item.names)} revisions in a line, {item.names[-1]} to {item.names[0]}"
        return Row(revision.id, len(item.names), text, "", (), lane)
    return Row(revision.id, 1, revision.message, revision.place, marks.get(revision.id, ()), lane)
