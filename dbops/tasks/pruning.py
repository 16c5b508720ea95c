"""`prune`, asked for or after a backup: what is shown, asked and told."""

from __future__ import annotations

from dbops import app, logs
from dbops.cli import Output
from dbops.errors import DbopsError, Exit
from dbops.language import msg
from dbops.ops.prune import Pruning, prune
from dbops.report import pruning as pages
from dbops.session import Session


def run(work: Session, output: Output, *, yes: bool, dry_run: bool) -> None:
    """The task. A backup that the store refused to delete makes it a failed operation."""

    def agreed(found: Pruning) -> bool:
        if dry_run:
            return False
        if not yes:
            work.show(pages.text(found, app.now(), deleted=False))
        work.confirm(msg("Delete these?"), yes=yes)
        return True

    name = work.name_in_store()
    target = work.config.targets.get(name)
    result = prune(
        work.engine() if work.config.targets else None,
        work.catalog(),
        name,
        clock=app.now,
        progress=work.progress,
        confirm=agreed,
        policy=target.policy if target else None,
    )
    document = {"dry_run": dry_run, **result.document()}
    output.show(document, pages.text(result, app.now(), deleted=not dry_run))
    if any(item.refused for item in result.items):
        output.code = Exit.OPERATION


def after_backup(work: Session) -> None:
    """Retention after a backup, where it is asked for. The backup is made: whatever goes wrong here is a warning."""
    target = work.target()
    try:
        result = prune(
            work.engine(),
            work.catalog(),
            target.name,
            clock=app.now,
            progress=work.progress,
            confirm=lambda _: True,
            policy=target.policy,
        )
        _tell(work, result)
    except DbopsError as error:
        _failed(work, error.message)
    except KeyboardInterrupt:
        _failed(work, msg("interrupted"))
    except Exception as error:  # noqa: BLE001 - a mistake of ours here must not make a good backup look failed
        _failed(work, type(error).__name__)


def _tell(work: Session, result: Pruning) -> None:
    for item in result.items:
        if not item.keep or item.refused:
            work.progress.note(
                msg("kept {item}: {reason}", item=item.name, reason=item.reason)
                if item.keep
                else msg("deleted {item}: {reason}", item=item.name, reason=item.reason)
            )
    for reason in result.frozen:
        work.progress.note(msg("retention is frozen, no backup is deleted: {reason}", reason=reason))
    work.progress.note(msg("prune: {summary}", summary=pages.summary(result, deleted=True)))


def _failed(work: Session, reason: str) -> None:
    work.progress.end()
    logs.say("warning", "prune-failed", msg("the backup is made, but pruning after it failed: {reason}", reason=reason))
