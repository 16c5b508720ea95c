"""What `drill` does with its flags: one backup, every target, and samples of older backups."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.errors import ConfigError, DbopsError, NothingToCheckError, RefusedError
from dbops.language import msg
from dbops.model import Manifest, Report
from dbops.ops.drill import Drill
from dbops.ops.drill_several import combine, not_drilled
from dbops.ops.drill_stage import Stage
from dbops.session import Session
from dbops.tasks import foreign
from dbops.tasks.keeping import Held, hold

_SAMPLE = re.compile(r"older=([0-9]{1,3})")


class Request(NamedTuple):
    """The flags of `drill`."""

    backup: str = "latest"
    everything: bool = False
    older: int = 0
    sandbox: str | None = None
    no_owner: bool = False
    history: Path | None = None
    """Where the figures of earlier drills of archives are."""


def parse_sample(text: str | None) -> int:
    """How many older backups are drilled beside the newest: `older=1`."""
    if text is None:
        return 0
    match = _SAMPLE.fullmatch(text)
    if match is None:
        raise ConfigError(msg("--sample {sample}", sample=text), hint=msg("write --sample older=1"), kind="bad-flag")
    return int(match[1])


def run(work: Session, request: Request) -> tuple[Report, Sequence[Report]]:
    """One report of the run, and those of its drills. With `--all`, a target without a backup does not keep the others
    from being drilled."""
    if not request.everything:
        reports = list(_drilled(work, request, _target(work, work.name_in_store())))
        return combine(reports), reports
    reports = []
    for target in _targets(work):
        try:
            reports += _drilled(work, request, target)
        except (ConfigError, RefusedError):
            raise
        except DbopsError as error:
            reports.append(not_drilled(target.name, error))
    return combine(reports), reports


def _drilled(work: Session, request: Request, target: Target) -> Iterator[Report]:
    """The reports of one target's drills."""
    for manifest in _chosen(work, request, target):
        if manifest is not None:
            work.progress.note(msg("drill of {target}/{manifest}", target=target.name, manifest=manifest.id))
        with _prepared(work, request, target, manifest) as stage:
            stage.run()
        yield stage.report


def run_kept(work: Session, request: Request, held: Held) -> tuple[Report, Sequence[Report]]:
    """Drills one backup whose copy stays up with `held`."""
    if request.everything or request.older:
        raise ConfigError(msg("--keep keeps one copy: leave out --all and --sample"), kind="bad-flag")
    target = _target(work, work.name_in_store())
    stage = _prepared(work, request, target, next(_chosen(work, request, target)))
    hold(held, stage, app.places(target, request.sandbox).engine)
    return stage.report, [stage.report]


def _prepared(work: Session, request: Request, target: Target, manifest: Manifest | None) -> Stage:
    """A drill that has not run: of a backup, or, for None, of the newest dump that another tool has made."""
    if manifest is None:
        settings = foreign.Request(sandbox=request.sandbox, history=request.history)
        return foreign.newest(work.config, target, settings, work.progress)
    return Drill(
        work.catalog(),
        manifest,
        target,
        app.places(target, request.sandbox),
        clock=app.now,
        progress=work.progress,
        no_owner=request.no_owner,
    )


def _chosen(work: Session, request: Request, target: Target) -> Iterator[Manifest | None]:
    """A target's backups to drill; None for one whose dumps another tool makes."""
    if target.archives:
        yield None
        return
    catalog = work.catalog()
    newest = catalog.find(target.name, request.backup)
    yield newest
    older = [manifest for manifest in catalog.backups(target.name) if manifest.id < newest.id]
    if len(older) < request.older:
        work.progress.note(
            msg(
                "--sample older={older}: {target} has {count} older than {newest}",
                older=request.older,
                target=target.name,
                count=len(older),
                newest=newest.id,
            )
        )
    yield from random.sample(older, min(request.older, len(older)))


def _targets(work: Session) -> list[Target]:
    """Every configured target, or else every one that the store holds."""
    names = list(work.config.targets) or list(work.catalog().targets())
    if not names:
        where = work.config.store.url
        raise NothingToCheckError(
            msg("{where} has no backups", where=where), hint=msg("make one: dbops backup"), kind="no-backup"
        )
    return [_target(work, name) for name in names]


def _target(work: Session, name: str) -> Target:
    """The target's settings; a bare store has none, and needs none."""
    target = work.config.targets.get(name) or Target(url=Secret(""), name=name)
    return target if work.jobs is None else msgspec.structs.replace(target, jobs=work.jobs)
