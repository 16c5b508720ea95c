"""migrate: gate → lock → stop app → safety backup → upgrade with limits → current = heads → ledger → start app.

The lock comes first of all that changes anything: of two at once the second stops no application and makes no backup.
What is about to run is written into the database before it runs, and taken back when the application is up again: a run
that was killed anywhere leaves that, and the next one says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple

import msgspec

from dbops import __version__
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.base import Engine
from dbops.engine.migrating import Intent
from dbops.errors import DbopsError, RefusedError
from dbops.language import msg
from dbops.migrations.goal import HEADS, chosen, needed
from dbops.migrations.history import History
from dbops.model import Failure, Finding, Manifest, Report, Verdict
from dbops.ops import migrate_report as told
from dbops.ops.application import start, stopped
from dbops.ops.migrate_ledger import entries
from dbops.ops.migrate_safety import safety_backup
from dbops.ops.migrate_upgrade import Result, upgrade
from dbops.ops.migration_report import MigrationReport
from dbops.ops.timing import timed
from dbops.progress import Progress


class Wishes(NamedTuple):
    """How a migration was asked for. `accept`: why it may run though not everything could be judged. `dry_run`: the way
    to the first change, and no further."""

    to: str = HEADS
    dry_run: bool = False
    auto_restore: bool = False
    accept: str = ""
    again: tuple[str, ...] = ()
    """Flags that name the same database in the commands that the report advises."""


class Doors(NamedTuple):
    """What a migration goes through. `gate` runs at once; `confirm` sees its report and what would run, and raises
    where the answer is no; `restore` puts a backup back, without the application's commands."""

    engine: Engine
    url: Secret
    catalog: Callable[[], Catalog]
    gate: Callable[[], tuple[MigrationReport, History]]
    confirm: Callable[[MigrationReport, Sequence[str]], None]
    restore: Callable[[Manifest], Report]
    clock: Callable[[], datetime]
    progress: Progress


class Migration:
    """One run."""

    def __init__(self, target: Target, doors: Doors, wishes: Wishes) -> None:
        assert target.migrations is not None  # noqa: S101 - whoever makes this has looked
        self._target, self._doors, self._wishes = target, doors, wishes
        self._settings = target.migrations
        self._findings: list[Finding] = []
        self._phases: dict[str, float] = {}
        self._facts: dict[str, object] = {}
        self._rows: frozenset[str] = frozenset()
        self._failure = Failure.NONE
        self._settled = False
        self._history: History

    def run(self) -> MigrationReport:
        """Raises `RefusedError`, `LockedError`, or what a backup and a restore raise; all else is in the report. FAIL:
        the database is not where it should be."""
        doors, wishes = self._doors, self._wishes
        gate, history = doors.gate()
        self._history = history
        self._rows = frozenset(gate.current or ())
        chosen(history, wishes.to)
        names = tuple(one.id for one in gate.pending or ())
        if gate.verdict is Verdict.FAIL:
            return self._report(gate, Verdict.FAIL)
        if gate.verdict is Verdict.INCONCLUSIVE and not wishes.accept:
            self._findings.append(told.not_judged())
            return self._report(gate, Verdict.INCONCLUSIVE)
        if wishes.accept:
            self._facts["accepted"] = wishes.accept
        pending = needed(history, names, wishes.to)
        if wishes.dry_run:
            self._facts["dry_run"] = True
            return self._report(gate, Verdict.PASS if wishes.accept else gate.verdict)
        if not pending:
            self._forget_the_killed()
            return self._report(gate, Verdict.PASS)
        doors.confirm(gate, pending)
        with ExitStack() as stack:
            lock = stack.enter_context(ExitStack())
            lock.enter_context(doors.engine.migrator().lock())
            self._unmoved(gate)
            doors.engine.migrator().prepare()
            with stopped(self._target.app, doors.progress, self._phases):
                verdict = self._migrate(history, pending, gate, lock)
            self._settle()
        return self._report(gate, verdict)

    def _forget_the_killed(self) -> None:
        """Nothing is pending any more, so that what an earlier run was about to do is done, or was undone by hand. It
        may have been killed before it started the application."""
        migrator = self._doors.engine.migrator()
        if migrator.intent() is not None:
            with migrator.lock():
                self._record_of_the_killed()
                if self._target.app.stop is not None:
                    start(self._target.app, self._doors.progress, self._phases)
                migrator.intend(None)

    def _record_of_the_killed(self) -> None:
        """What a run that was killed has applied and did not come to write down, as its files are now."""
        migrator = self._doors.engine.migrator()
        begun = migrator.intent()
        if begun is not None:
            there = self._history.ancestors(self._rows & set(self._history.graph.revisions))
            known = {entry.id for entry in migrator.ledger() or ()}
            ran = [name for name in begun.revisions if name in there and name not in known]
            migrator.record(entries(self._history, ran, (), begun.begun_at))

    def _settle(self) -> None:
        """Takes the intent back, once, where nothing of it is half done."""
        if self._settled:
            self._settled = False
            self._doors.engine.migrator().intend(None)

    def _unmoved(self, gate: MigrationReport) -> None:
        """Under the lock: what was judged is what is there."""
        rows = self._version_rows()
        if rows != frozenset(gate.current or ()):
            raise RefusedError(
                msg(
                    "{target} is at {rows} now: somebody has migrated it while it was judged",
                    target=self._target.name,
                    rows=", ".join(sorted(rows)) or msg("no revision"),
                ),
                hint=msg("run it again: what is pending is another"),
            )

    def _migrate(self, history: History, pending: Sequence[str], gate: MigrationReport, lock: ExitStack) -> Verdict:
        doors = self._doors
        saved = safety_backup(
            doors.engine,
            doors.catalog(),
            self._target,
            self._settings.safety_backup_age,
            frozenset(gate.current or ()),
            clock=doors.clock,
            progress=doors.progress,
            phases=self._phases,
        )
        self._facts["safety_backup"] = saved.id
        migrator = doors.engine.migrator()
        self._record_of_the_killed()
        migrator.intend(
            Intent(revisions=tuple(pending), begun_at=doors.clock(), backup=saved.id, dbops_version=__version__)
        )
        doors.progress.phase("upgrade")
        try:
            with timed(self._phases, "upgrade"):
                result = upgrade(
                    doors.engine,
                    doors.url,
                    self._settings,
                    history,
                    self._wishes.to,
                    transactional=saved.engine.name == "postgres",
                    progress=doors.progress,
                )
        except BaseException as error:
            # Nothing is known of what it did: the intent stays, and the next run looks.
            if isinstance(error, DbopsError):
                error.hint = f"{error.hint}\n{told.back(self._wishes.again, saved.id)}".strip()
            else:
                doors.progress.note(told.back(self._wishes.again, saved.id))
            raise
        before = history.ancestors(self._rows & set(history.graph.revisions))
        self._rows = result.rows
        ran = [name for name in pending if name in history.ancestors(result.rows) - before]
        self._facts |= {"applied": ran, "attempts": len(result.outcomes)}
        with timed(self._phases, "ledger"):
            migrator.record(entries(history, ran, result.outcomes, doors.clock()))
            self._settled = result.half is None
        if result.arrived:
            self._findings += told.done(history, ran, result, saved.id, self._wishes.again)
            return Verdict.PASS
        return self._failed(history, pending, ran, result, saved, lock)

    def _failed(
        self,
        history: History,
        pending: Sequence[str],
        ran: Sequence[str],
        result: Result,
        saved: Manifest,
        lock: ExitStack,
    ) -> Verdict:
        left = [name for name in pending if name not in ran]
        self._findings += told.failed(history, ran, left, result, self._settings)
        if result.locked_out and not ran and result.half is None:
            # Nothing has changed, and nothing is wrong with the revisions: it is no verdict on them.
            self._failure = Failure.BROKEN
        if not (self._wishes.auto_restore or self._settings.auto_restore) or not (ran or result.half):
            self._findings.append(told.way_back(saved, self._wishes.again, changed=bool(ran or result.half)))
            return Verdict.FAIL
        self._settle()
        lock.close()  # a restore takes the place of the database, and our own session would be in its way
        self._doors.progress.phase("restore")
        with timed(self._phases, "restore"):
            restored = self._doors.restore(saved)
        self._rows = self._version_rows()
        self._findings.append(told.restored(saved, restored, self._wishes.again))
        return Verdict.FAIL

    def _version_rows(self) -> frozenset[str]:
        settings = self._settings
        return self._doors.engine.version_rows(settings.version_table, settings.version_schema).rows

    def _report(self, gate: MigrationReport, verdict: Verdict) -> MigrationReport:
        pending, standing, findings = gate.pending, gate.standing, gate.findings
        if pending is not None and "applied" in self._facts:  # where it stood before is no news any more
            there = self._history.ancestors(self._rows & set(self._history.graph.revisions))
            pending = tuple(one for one in pending if one.id not in there)
            standing = self._history.relation(self._rows).standing.value
            findings = tuple(one for one in findings if one.id != "migration-database-behind")
        return msgspec.structs.replace(
            gate,
            task="migrate",
            verdict=verdict,
            findings=(*findings, *self._findings),
            phases=gate.phases | self._phases,
            provenance=gate.provenance | self._facts,
            current=tuple(sorted(self._rows)),
            pending=pending,
            standing=standing,
            failure=self._failure,
        )


def migrate(target: Target, doors: Doors, wishes: Wishes) -> MigrationReport:
    """Migrates one database; see `Migration.run`."""
    return Migration(target, doors, wishes).run()
