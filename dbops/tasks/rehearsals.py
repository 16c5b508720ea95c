"""What `gate` and `migrate` try out on servers: apart from `gating`, since what it needs takes long to import, and a
gate over files alone needs none of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dbops import app, console
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.file import load
from dbops.keys.keyring import Keyring
from dbops.migrations.goal import HEADS
from dbops.ops import gate as gating
from dbops.ops.gate import Settings
from dbops.ops.gate_steps import Step
from dbops.ops.migration_ground import Ground
from dbops.ops.migration_report import MigrationReport
from dbops.ops.rehearse import Rehearser
from dbops.tasks.gating import Request
from dbops.tasks.trying import trying


def gate_all(
    ground: Ground, settings: Settings, phases: Mapping[str, float], target: Target, request: Request
) -> MigrationReport:
    """The gate with the steps that need the application, a scratch server, or a backup."""
    with rehearsing(target, request) as rehearser, tried(target, request, ground, rehearser) as steps:
        report = gating.gate(ground, settings, clock=app.now, phases=phases, plan=plan(steps, rehearser))
    return msgspec.structs.replace(report, rehearsal=rehearser.result) if rehearser is not None else report


def plan(steps: Sequence[Step], rehearser: Rehearser | None) -> tuple[Step, ...]:
    """All steps of the gate."""
    if rehearser is None:
        return gating.with_steps(gating.STEPS, *steps)
    return gating.rehearsed_first(gating.with_steps(gating.STEPS, *steps, rehearser.step()))


@contextmanager
def rehearsing(
    target: Target, request: Request, *, to: str = HEADS, always: bool = False
) -> Iterator[Rehearser | None]:
    """What rehearses the target's revisions, with its progress shown; None where it has none."""
    if target.migrations is None:
        yield None
        return
    chosen = target
    if request.directory:
        own = msgspec.structs.replace(target.migrations, directory=Path(request.directory).expanduser())
        chosen = msgspec.structs.replace(target, migrations=own)

    def catalog() -> Catalog:
        config = load(url=request.url, store=request.store, target=request.target)
        return app.open_catalog(config.store, Keyring(config.targets))

    with console.progress() as progress:
        yield Rehearser(
            catalog,
            chosen,
            app.places(chosen, request.sandbox),
            clock=app.now,
            progress=progress,
            backup=request.backup,
            to=to,
            always=always,
        )


@contextmanager
def tried(target: Target, request: Request, ground: Ground, rehearser: Rehearser | None) -> Iterator[tuple[Step, ...]]:
    """Drift, lint and commutativity, which need the application and a scratch server."""

    def captured() -> Mapping[str, Sequence[str]]:
        return rehearser.captured if rehearser is not None else {}

    store = load(url=request.url, store=request.store, target=request.target, need_store=False).store
    with trying(target, ground, store, request.sandbox, captured if rehearser is not None else None) as steps:
        yield steps
