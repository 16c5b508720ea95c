"""restore: whole? → preflight → ask → lock → load beside → compare → stop app → swap → start app.

The copy is loaded and compared before the application is stopped, so that its downtime is the swap alone. Whatever the
application writes meanwhile is not lost: it stays in the old database, which the swap only renames. A safety backup is
not needed for the same reason. Until the swap commits, nothing under the live name has changed; it commits whole or not
at all. So a restore that is killed anywhere leaves the old or the new database under the name, and can be run again.

In place (for servers that allow no rename): whole? → preflight → ask → lock → stop app → safety backup → replace the
content (in one transaction, where the dialect has such) → compare → start app. If the comparison fails, or anything
else once the content is another one, the safety backup is put back the same way. One that is killed meanwhile leaves a
mark, where it can leave half of something: the next one makes no safety backup of that, but has the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from dbops.catalog import Catalog
from dbops.config import App
from dbops.engine.restoring import Restorer, Wishes
from dbops.errors import ConfigError, DbopsError, RefusedError
from dbops.language import joined, msg
from dbops.model import EngineInfo, Manifest, Report, Severity, Verdict
from dbops.ops.application import stopped
from dbops.ops.restore_plan import Archive, Plan, whole
from dbops.ops.restore_run import Clock, Run
from dbops.ops.timing import timed
from dbops.progress import Progress
from dbops.signals import uninterrupted


def restore(
    restorer: Restorer,
    catalog: Catalog,
    manifest: Manifest,
    wishes: Wishes,
    app: App,
    *,
    clock: Clock,
    progress: Progress,
    confirm: Callable[[Plan], bool],
    safety: Callable[[], Manifest] | None = None,
    again: tuple[str, ...] = (),
) -> Report:
    """Restores one backup over `restorer.name`. `confirm` sees the plan; False ends here (a dry run).

    `again`: flags that name the same database in the commands that the report advises; by default the target's name.
    `safety` backs the live database up into the same store: needed to restore in place. A report with verdict FAIL or
    INCONCLUSIVE means that the live database holds what it held before. Raises `BadBackupError`, `PreflightError`,
    `RefusedError`, `LockedError`, `ToolError`, `DatabaseError`.
    """
    if wishes.in_place and safety is None:
        raise ConfigError(msg("a restore in place needs a safety backup"), kind="no-safety-backup")
    run = Run(restorer, catalog, manifest, wishes, app, clock, progress, again or ("--target", manifest.target))
    with ExitStack() as stack:
        archive = stack.enter_context(whole(catalog, manifest, jobs=wishes.jobs, progress=progress, phases=run.phases))
        plan = run.plan(archive)
        if not confirm(plan):
            return run.report(Verdict.PASS, dry_run=True)
        stack.enter_context(restorer.lock())
        run.prepare(archive)
        server = plan.destination.server.info
        if safety is not None and wishes.in_place:
            stack.enter_context(stopped(app, progress, run.phases))
            return run.report(_replace(run, restorer, catalog, archive, wishes, server, progress, safety))
        side = run.create(stack)
        run.load(side, archive)
        run.settle(side, archive)
        verdict = run.judge(run.compare(side, archive, server))
        if verdict is not Verdict.PASS:
            run.note("not-restored", restorer.name, msg("the copy is dropped; the live database was not touched"))
            return run.report(verdict)
        stack.enter_context(stopped(app, progress, run.phases))
        run.swap(side)
    return run.report(Verdict.PASS)


def _replace(
    run: Run,
    restorer: Restorer,
    catalog: Catalog,
    archive: Archive,
    wishes: Wishes,
    server: EngineInfo,
    progress: Progress,
    safety: Callable[[], Manifest],
) -> Verdict:
    """Replaces the content, and puts the safety backup back if what came in is not whole and equal."""
    if wishes.end_sessions:
        restorer.end_sessions()
    restorer.check_sessions(end_sessions=False)
    saved = _saved(run, restorer, catalog, archive.manifest.target, safety)
    undo = msg("go back to it: {undo}", undo=run.command("--backup", saved.id, "--in-place"))
    run.note("safety-backup", saved.id, msg("what the database held before"), undo)
    progress.note(msg("safety backup: {saved}", saved=saved.id))
    # The safety backup may have taken long: who has come meanwhile would lose what it wrote.
    restorer.check_sessions(end_sessions=False)
    live = restorer.in_place(archive.manifest, safety=saved.id, database_sql=archive.database_sql)
    try:
        run.load(live, archive)
        run.settle(live, archive)
        verdict = run.judge(run.compare(live, archive, server))
        if verdict is Verdict.PASS:
            run.finish(live)
    except BaseException as error:
        if not live.changed:  # its load was one transaction: the old content is as it was
            raise
        with uninterrupted():
            back = _put_back(run, restorer, catalog, saved, wishes, progress)
        if isinstance(error, DbopsError):
            now = (
                msg("the content is again what the safety backup {backup} holds", backup=saved.id)
                if back
                else msg("the content is NOT what the safety backup {backup} holds", backup=saved.id)
            )
            error.hint = joined("\n", filter(None, [error.hint, now]))
        raise
    if verdict is not Verdict.PASS:
        _put_back(run, restorer, catalog, saved, wishes, progress)
    return verdict


def _saved(run: Run, restorer: Restorer, catalog: Catalog, target: str, safety: Callable[[], Manifest]) -> Manifest:
    """The backup of what the database holds: made now, or, where that may be half of something, the one of before."""
    killed = restorer.unfinished()
    if not killed:
        with timed(run.phases, "safety backup"):
            return safety()
    try:
        return catalog.read(target, killed)
    except DbopsError as error:
        raise RefusedError(
            msg(
                "a restore in place of {restorer} was killed half-way, and its safety backup {killed} cannot "
                "be read: {message}",
                restorer=restorer.name,
                killed=killed,
                message=error.message,
            ),
            hint=msg("name the store that has it; or restore beside it, without --in-place or --into another name"),
            kind="no-safety-backup",
        ) from None


def _put_back(
    run: Run, restorer: Restorer, catalog: Catalog, saved: Manifest, wishes: Wishes, progress: Progress
) -> bool:
    """Puts the safety backup's content back, with its owners and grants whatever was wished for the restore.

    False, and a finding, if it could not be put back.
    """
    try:
        with whole(catalog, saved, jobs=wishes.jobs, progress=progress, phases=run.phases) as before:
            back = restorer.in_place(saved, safety=saved.id)
            run.load(back, before, no_owner=False)
            try:
                run.settle(back, before, no_owner=False)
            except DbopsError as error:
                run.note(
                    "settings-not-put-back",
                    restorer.name,
                    msg(
                        "the content is back, but not all that belongs to the database itself: {message}",
                        message=error.message,
                    ),
                    msg("run database.sql of backup {backup} by hand, as a role that may", backup=saved.id),
                    severity=Severity.ERROR,
                )
            run.finish(back)
    except DbopsError as error:
        progress.note(msg("the safety backup could not be put back: {message}", message=error.message))
        run.note(
            "not-put-back",
            restorer.name,
            msg("the safety backup could not be put back: {message}", message=error.message),
            run.command("--backup", saved.id, "--in-place"),
            severity=Severity.ERROR,
        )
        return False
    run.note(
        "not-restored",
        restorer.name,
        msg("its content is again what the safety backup {backup} holds", backup=saved.id),
    )
    return True
