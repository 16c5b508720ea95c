"""The value that the HTML and JUnit forms of a run are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from dbops.model import Report
from dbops.report.history import History as Trend
from dbops.report.history import HistoryLine

if TYPE_CHECKING:
    from dbops.migrations.history import History


class Page(NamedTuple):
    """A run and the drills that it speaks of; a `drill` of one backup is its own. `generated_at` is UTC.

    `revisions`: those that `gate` has judged, for the drawing of their graph.
    `history`: earlier runs and this one, oldest first; `history_unreadable` counts its lines that could not be read.
    """

    run: Report
    drills: Sequence[Report]
    history: Sequence[HistoryLine]
    generated_at: datetime
    history_unreadable: int = 0
    revisions: History | None = None

    @classmethod
    def of(cls, run: Report, drills: Sequence[Report], past: Trend, at: datetime) -> Page:
        """The page of a run whose drills are in the history already."""
        return cls(run, tuple(drills), past.lines, at, past.unreadable)

    @property
    def each(self) -> Sequence[Report]:
        """The drills to show."""
        return self.drills or ((self.run,) if self.run.evidence is not None else ())

    @property
    def undrilled(self) -> Sequence[str]:
        """See `undrilled`."""
        return undrilled(self.run, self.drills)

    @property
    def single(self) -> bool:
        """Whether the run is one drill, so that its findings are those of the run."""
        return len(self.each) == 1 and self.each[0] == self.run


def undrilled(run: Report, drills: Sequence[Report]) -> Sequence[str]:
    """The targets of a run of checks that have no drill among these: no backup, no server to restore it into."""
    shown = {drill.target for drill in drills}
    return [name for name in run.target.split(", ") if name and name not in shown] if run.task == "check" else []
