"""One restored copy, and the application's own commands on it: what they did, and how long they took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from dbops.config import Migrations, Target
from dbops.engine.base import Engine
from dbops.engine.migrating import Limits
from dbops.migrations.goal import HEADS, needed
from dbops.migrations.history import History
from dbops.migrations.runner import Outcome, Runner
from dbops.migrations.runner_events import Event
from dbops.migrations.values import Revision
from dbops.ops.drill_stage import Copy
from dbops.ops.rehearse_copy import Look, look
from dbops.progress import Progress


class Plan(NamedTuple):
    """What is rehearsed. `to`: a revision, or `heads`. `dialect`: `postgres`, `mysql` or `mariadb`. `start`: the
    version rows of the database itself, None where they are not known."""

    history: History
    target: Target
    migrations: Migrations
    dialect: str
    to: str = HEADS
    start: frozenset[str] | None = None


class Runs:
    """`phases`: seconds by name. `current`: the version rows from which the copy starts; `pending`: what is to run."""

    def __init__(self, plan: Plan, copy: Copy, engine: Engine, progress: Progress) -> None:
        self.plan, self.copy, self.engine, self.progress = plan, copy, engine, progress
        self.migrator = engine.migrator()
        self.phases: dict[str, float] = {}
        self.current = self._caught_up(self.rows())
        relation = plan.history.relation(self.current)
        self.pending: tuple[Revision, ...] = tuple(
            plan.history[name] for name in needed(plan.history, relation.pending, plan.to)
        )

    def _caught_up(self, rows: frozenset[str]) -> frozenset[str]:
        """A backup from before the last migration is brought to where the database is: that is where production starts,
        and where a way back must end. What does not work then, does not in the upgrade either."""
        start = self.plan.start
        history = self.plan.history
        if not start or start == rows or any(name not in history for name in start | rows):
            return rows
        if not rows <= history.ancestors(start):
            return rows
        for name in sorted(start):
            self._upgrade("catch up", name)
        return self.rows()

    @property
    def transactional(self) -> bool:
        """Whether a revision that fails leaves nothing."""
        return self.plan.dialect == "postgres"

    @property
    def subject(self) -> str:
        """The last of the pending revisions stands for all of them."""
        return self.pending[-1].place if self.pending else self.plan.target.name

    def place(self, name: str) -> str:
        """Where a revision is, for the subject of a finding."""
        return self.plan.history[name].place if name in self.plan.history else name

    def upgrade(self, phase: str, hear: Callable[[Event], None] | None = None) -> Outcome:
        """To where the plan says."""
        return self._upgrade(phase, self.plan.to, hear)

    def _upgrade(self, phase: str, to: str, hear: Callable[[Event], None] | None = None) -> Outcome:
        return self._timed(phase, lambda runner, limit: runner.upgrade(to, on_event=hear, timeout=limit))

    def downgrade(self, to: str) -> Outcome:
        return self._timed("downgrade", lambda runner, limit: runner.downgrade(to, timeout=limit))

    def _timed(self, phase: str, work: Callable[[Runner, float], Outcome]) -> Outcome:
        self.progress.phase(phase)
        begun = time.monotonic()
        with self.migrator.sessions(Limits()) as rules:
            outcome = work(
                Runner(self.plan.migrations, self.copy.url, rules=rules), float(self.plan.migrations.timeout)
            )
        self.phases[phase] = time.monotonic() - begun
        return outcome

    def rows(self) -> frozenset[str]:
        """Of the version table, now."""
        settings = self.plan.migrations
        return self.engine.version_rows(settings.version_table, settings.version_schema).rows

    def look(self, like: Look | None) -> Look:
        """What the copy holds now; see `rehearse_copy.look`."""
        table = self.plan.migrations.version_table
        return look(self.copy.side, self.plan.target.jobs, version_table=table, like=like)
