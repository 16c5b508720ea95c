"""What `restore` does with its flags: a restore, `--undo`, or `--drop-old`, each asked for before anything changes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from dbops import app
from dbops.catalog import SAFETY, Catalog
from dbops.config import App, Target
from dbops.config.urls import Secret, split_password
from dbops.engine.restoring import Restorer, Wishes
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.model import Manifest, Report
from dbops.ops import restore_aside
from dbops.ops.backup import backup
from dbops.ops.restore import restore
from dbops.ops.restore_plan import Plan
from dbops.report import overwrite
from dbops.session import Session


class Request(NamedTuple):
    """The flags of `restore`."""

    backup: str
    into: str | None
    wishes: Wishes
    undo: bool
    drop_old: bool
    yes: bool
    dry_run: bool
    again: tuple[str, ...] = ()
    """The flags that name the same database again, for the commands that a report advises."""


def run(work: Session, request: Request) -> Report:
    """The report of what was asked for."""
    if request.undo and request.drop_old:
        raise ConfigError(msg("--undo and --drop-old exclude each other"), kind="bad-flag")
    target = _target(work, request.into)
    wishes = request.wishes._replace(
        jobs=target.jobs, in_place=request.wishes.in_place or (target.swap == "in-place" and request.into is None)
    )
    if wishes.in_place and request.into is not None:
        # The safety backup would be one of another database under the target's name.
        raise ConfigError(msg("--in-place and --into exclude each other"), kind="bad-flag")
    if request.into == "":
        hint = msg("give the name of a database, or a URL; without --into the target's own is restored")
        raise ConfigError(msg("--into names no database"), hint=hint, kind="bad-flag")
    restorer = _restorer(work, request.into)
    # The application uses the target's own database: another one is restored without stopping it.
    application = target.app if request.into is None else App()
    if request.undo:
        return restore_aside.undo(
            restorer,
            target.name,
            application,
            end_sessions=request.wishes.end_sessions,
            clock=app.now,
            progress=work.progress,
            confirm=lambda aside: _agreed(work, request, overwrite.undo(restorer.name, aside), msg("Swap them?")),
        )
    if request.drop_old:
        return restore_aside.drop_old(
            restorer,
            target.name,
            progress=work.progress,
            confirm=lambda asides: _agreed(work, request, overwrite.drop(asides), msg("Drop for good?")),
        )
    catalog = work.catalog()
    manifest = catalog.find(target.name, request.backup)
    if request.backup == "latest":
        _warn_of_newer(work, catalog, manifest)

    def agreed(plan: Plan) -> bool:
        name = plan.destination.name
        # The name must be typed where something is replaced; one that no keyboard has is asked for with y.
        typed = name if plan.destination.exists and name == name.strip() and name.isprintable() else "y"
        return _agreed(work, request, overwrite.plan(plan), msg("Restore into {name}?", name=name), typed)

    return restore(
        restorer,
        catalog,
        manifest,
        wishes,
        application,
        clock=app.now,
        progress=work.progress,
        confirm=agreed,
        safety=lambda: _safety_backup(work, catalog),
        again=request.again,
    )


def _warn_of_newer(work: Session, catalog: Catalog, manifest: Manifest) -> None:
    """Says which newer backups 'latest' has stepped over because they cannot be used."""
    newer = [i.id for i in catalog.list(manifest.target) if i.state.unusable and i.id > manifest.id]
    if newer:
        work.progress.note(msg("warning: newer, but unusable (see: dbops backups): {newer}", newer=", ".join(newer)))


def repeated(*, target: str | None, url: str | None, store: str | None, into: str | None) -> tuple[str, ...]:
    """The flags that were given, to be shown: without a password. Without any, a report names the target."""
    databases = {"url": url, "into": into}
    plain = {name: split_password(text)[0] if "://" in text else text for name, text in databases.items() if text}
    given = {"target": target, "store": store, **plain}
    return tuple(word for name, text in given.items() if text for word in (f"--{name}", text))


def _safety_backup(work: Session, catalog: Catalog) -> Manifest:
    made = backup(work.engine(), catalog, work.target(), clock=app.now, progress=work.progress, purpose=SAFETY)
    assert isinstance(made, Manifest)  # noqa: S101 - it is no dry run
    return made


def _target(work: Session, into: str | None) -> Target:
    """The target. One that only the store knows has no settings, and needs none if a URL says what to restore into."""
    if into is None or "://" not in into:
        return work.target()
    name = work.name_in_store()
    if name in work.config.targets:
        return work.target()
    found = Target(url=Secret(into), name=name)
    return found if work.jobs is None else msgspec.structs.replace(found, jobs=work.jobs)


def _restorer(work: Session, into: str | None) -> Restorer:
    """Of the target's own database, of another name on its server, or of another URL (with its own password)."""
    target = _target(work, into)
    if into is None or "://" not in into:
        return app.open_engine(target).restorer(into)
    return app.open_engine(target.elsewhere(Secret(into))).restorer(None)


def _agreed(work: Session, request: Request, text: str, question: str, answer: str = "y") -> bool:
    """Shows what will happen and asks; False for a dry run."""
    work.show(text)
    if request.dry_run:
        return False
    work.confirm(question, yes=request.yes, answer=answer)
    return True
