"""What `rehearse` and `migrate` do with their flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from dbops import app
from dbops.cli import Output
from dbops.config import App, Target
from dbops.engine.migrating import Intent
from dbops.engine.restoring import Wishes as Restoring
from dbops.errors import ConfigError, NothingToCheckError, StoreError
from dbops.language import msg, tr
from dbops.migrations.goal import chosen, needed
from dbops.migrations.history import History
from dbops.migrations.runner import Runner
from dbops.model import Manifest, Report
from dbops.ops import gate as gating
from dbops.ops.backup import backup
from dbops.ops.gate_steps import Step, graph
from dbops.ops.migrate import Doors, Wishes, migrate
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from dbops.ops.restore import restore
from dbops.report import migrations_text
from dbops.report.page import Page
from dbops.session import Session
from dbops.tasks.gating import Files, Request, judged, write
from dbops.tasks.rehearsals import plan, rehearsing, tried


def rehearse(output: Output, request: Request, files: Files, to: str | None) -> None:
    """The rehearsal alone, with the rules over the graph: without an order there is nothing to run."""
    files.paths.prepare()
    ground, settings, phases, target = judged(request)
    goal = chosen(ground.history, to)
    with rehearsing(_configured(target), request, to=goal, always=True) as rehearser:
        assert rehearser is not None  # noqa: S101 - the target has migrations
        plan = (Step("graph", graph), rehearser.step())
        report = gating.gate(ground, settings, clock=app.now, phases=phases, plan=plan, task="rehearse")
        report = msgspec.structs.replace(report, rehearsal=rehearser.result)
    write(_page(report, ground.history), report, ground, files)
    output.report(report, migrations_text.gate(report, ground.history))


class Flags(NamedTuple):
    """Those of `migrate`."""

    to: str | None
    sql: bool
    dry_run: bool
    yes: bool
    auto_restore: bool
    accept: str | None
    again: tuple[str, ...]


def run(work: Session, output: Output, request: Request, files: Files, flags: Flags) -> None:
    """A migration, its dry run, or the SQL of it."""
    files.paths.prepare()
    target = _configured(work.target())
    ground, settings, phases, _ = judged(request)
    to = chosen(ground.history, flags.to)
    if flags.sql:
        _print_sql(output, ground, target, to)
        return

    def judge() -> tuple[MigrationReport, History]:
        if ground.pending and not ground.broken:
            _backup_to_rehearse_on(work, target, ground.intent)
        work.progress.end()  # the rehearsal shows its own
        with (
            rehearsing(target, request, to=to) as rehearser,
            tried(target, request, ground, rehearser) as steps,
        ):
            assert rehearser is not None  # noqa: S101 - the target has migrations
            report = gating.gate(ground, settings, clock=app.now, phases=phases, plan=plan(steps, rehearser))
        return msgspec.structs.replace(report, rehearsal=rehearser.result), ground.history

    def confirm(report: MigrationReport, pending: Sequence[str]) -> None:
        if not flags.yes:  # else the report at the end, which begins with all of this, is enough
            work.show(migrations_text.gate(report, ground.history))
        work.confirm(
            msg("Migrate {target} ({pending})?", target=target.name, pending=", ".join(pending)), yes=flags.yes
        )

    doors = Doors(
        engine=work.engine(),
        url=app.full_url(target),
        catalog=work.catalog,
        gate=judge,
        confirm=confirm,
        restore=lambda manifest: _restore(work, target, manifest),
        clock=app.now,
        progress=work.progress,
    )
    wishes = Wishes(to, flags.dry_run, flags.auto_restore, flags.accept or "", flags.again)
    report = migrate(target, doors, wishes)
    write(_page(report, ground.history), report, ground, files)
    output.report(report, migrations_text.gate(report, ground.history))


def _backup_to_rehearse_on(work: Session, target: Target, killed: Intent | None) -> None:
    """Made now where there is none, and where the newest one does not hold what a migration that was killed has left.
    One that is running still is met at once, and not by waiting for its locks."""
    catalog = work.catalog()
    if killed is not None:
        with work.engine().migrator().lock():
            pass
    try:
        newest = catalog.latest(target.name)
    except (NothingToCheckError, StoreError):  # a store that cannot be read, the backup itself will name
        why = msg("there is no backup yet")
    else:
        if killed is None or newest.snapshot_at > killed.begun_at:
            return
        why = msg("a migration was killed after the newest backup")
    work.progress.note(msg("{why}: one is made, to rehearse on", why=why))
    backup(work.engine(), catalog, target, clock=app.now, progress=work.progress)


def _restore(work: Session, target: Target, manifest: Manifest) -> Report:
    """Without the commands of the application: they run around the migration."""
    wishes = Restoring(jobs=target.jobs, end_sessions=True, in_place=target.swap == "in-place")
    return restore(
        work.engine().restorer(),
        work.catalog(),
        manifest,
        wishes,
        App(),
        clock=app.now,
        progress=work.progress,
        confirm=lambda _plan: True,
        safety=lambda: manifest,
    )


def _print_sql(output: Output, ground: Ground, target: Target, to: str) -> None:
    assert target.migrations is not None  # noqa: S101 - the caller has looked
    if ground.broken or ground.version is None or ground.pending is None:
        raise ConfigError(
            msg("what is pending is not known: {broken}", broken=ground.broken),
            hint=msg("dbops status"),
            kind="not-known",
        )
    names = needed(ground.history, tuple(one.id for one in ground.pending), to)
    if not names:
        output.show({"sql": ""}, tr("-- nothing is pending\n"))
        return
    rows = sorted(ground.version.rows)
    if len(rows) > 1:
        raise ConfigError(
            msg("the database is at {count} revisions: {rows}", count=len(rows), rows=", ".join(rows)),
            hint=msg("Alembic renders from one revision only: merge the heads first"),
            kind="not-renderable",
        )
    runner = Runner(target.migrations, app.full_url(target))
    text = runner.render(rows[0] if rows else "base", to)
    output.show({"sql": text}, text)


def _configured(target: Target | None) -> Target:
    if target is None or target.migrations is None:
        name = target.name if target is not None else "NAME"
        hint = msg("write [targets.{name}.migrations] with kind and directory in dbops.toml", name=name)
        raise ConfigError(
            msg("targets.{name}: how its migrations are run is not known", name=name), hint=hint, kind="no-migrations"
        )
    return target


def _page(report: MigrationReport, history: History) -> Page:
    return Page(run=report, drills=(), history=(), generated_at=app.now(), revisions=history)
