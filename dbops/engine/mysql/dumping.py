"""An open moment in which dump programs have begun beside the sessions of the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from dbops.engine.mysql.changes import changed
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.launch import Launcher, Run
from dbops.engine.mysql.objects import schema_state
from dbops.engine.mysql.plan import Part
from dbops.engine.mysql.snapshot import MysqlSnapshot
from dbops.engine.mysql.source_views import INVALID, LeftOut, kept
from dbops.model import Finding

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


class Opened(NamedTuple):
    """What began in the moment."""

    sessions: list[Connection]
    runs: list[Run]
    at: datetime


class DumpingSnapshot(MysqlSnapshot):
    """A moment in which dump programs have begun, too."""

    as_dumped = True
    gave_way = ""
    """Who had waited too long for us, once all sessions were ended for it."""
    locked_seconds = 0.0
    """How long nobody could write."""

    def __init__(
        self, access: Access, opened: Opened, launcher: Launcher, parts: Sequence[Part], *, basis: str, history: bool
    ) -> None:
        super().__init__(access, opened.sessions, at=opened.at, basis=basis, history=history)
        self._runs = opened.runs
        self._launcher = launcher
        self.parts = tuple(parts)
        self.findings: list[Finding] = []
        self.census: dict[str, int] = {}
        self.definitions: dict[str, str] = {}
        self.left_out: Sequence[LeftOut] = ()
        self.charset = ""
        """The database's own, for tables that name none."""

    def changes(self) -> str:
        """What is defined in another way than before the moment; '' if nothing."""
        with self._access.session() as connection:
            return changed(self.definitions, schema_state(connection))

    def run_of(self, part: Part) -> Run:
        """The program of a part: begun in the moment, or begun now if it reads no rows."""
        for run in self._runs:
            if run.part == part:
                return run
        run = self._launcher.start(part)
        self._runs.append(run)
        return run

    def end_runs(self) -> None:
        """Ends the programs, and leaves the sessions: whoever reads in one is not to blame."""
        for run in list(self._runs):
            run.process.terminate()

    def cancel(self) -> None:
        self.end_runs()
        super().cancel()

    def warnings(self) -> list[Finding]:
        told = {view.name for view in self.left_out}
        others = [finding for finding in super().warnings() if finding.id != INVALID or finding.subject not in told]
        return [*self.findings, *(view.finding() for view in self.left_out), *others]

    def database_sql(self) -> str:
        return super().database_sql() + kept(self.left_out)
