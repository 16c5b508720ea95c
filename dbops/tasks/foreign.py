"""Drills of dumps that other tools made: `drill --archive`, and targets with `archives`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from dbops import app, console
from dbops.cli import Output
from dbops.config import Config, Target
from dbops.config.file import load
from dbops.config.urls import Secret
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.ops.foreign_drill import ForeignDrill
from dbops.ops.foreign_source import Location, located
from dbops.progress import Progress
from dbops.session import number
from dbops.tasks.flags import key_file
from dbops.tasks.keeping import Held, hold
from dbops.tasks.reporting import Paths, publish

_NO_STORE = "file:///dev/null"
"""A dump lies anywhere: no store is opened for it."""


class Request(NamedTuple):
    """The flags of `drill` that matter here. `jobs` None: the target's own, or 2."""

    target: str | None = None
    store: str | None = None
    sandbox: str | None = None
    jobs: str | None = None
    identity: str | None = None
    history: Path | None = None


def refuse(flags: Iterable[str]) -> None:
    """`ConfigError` for flags of `drill` that mean nothing here: none is ignored in silence."""
    if names := ", ".join(f"--{name}" for name in flags):
        raise ConfigError(
            msg("--archive drills one dump of another tool: leave out {names}", names=names), kind="bad-flag"
        )


def run(output: Output, archive: str, request: Request, paths: Paths, held: Held | None = None) -> None:
    """`drill --archive`: the dump at a path or `s3://bucket/key`, with the target's settings where it is configured.

    Its series in the history is the target's, or that of all dumps in the same folder. Its copy stays up with `held`.
    """
    config = _config(request)
    location = located(archive)
    paths.prepare()
    name = request.target or location.series
    target = config.targets.get(name) or Target(url=Secret(""), name=name)
    paths = paths.with_history()
    with console.progress() as progress:
        work = _prepared(config, target, location, request._replace(history=paths.history), progress)
        if held is not None:
            hold(held, work, app.places(target, request.sandbox).engine)
        else:
            with work:
                work.run()
    publish(output, work.report, [work.report], paths)


def newest(config: Config, target: Target, request: Request, progress: Progress) -> ForeignDrill:
    """A drill, not yet run, of the newest dump of a target with `archives`; `NothingToCheckError` if there is none."""
    return _prepared(config, target, app.find_archive(config, target), request, progress)


def _prepared(config: Config, target: Target, location: Location, request: Request, progress: Progress) -> ForeignDrill:
    if request.jobs is not None:
        target = msgspec.structs.replace(target, jobs=number(request.jobs, "jobs"))
    identity = key_file(request.identity)
    progress.note(msg("drill of {url}", url=location.url))
    return app.foreign_drill(
        config,
        target,
        location,
        progress=progress,
        sandbox=request.sandbox,
        history=request.history,
        identity=identity,
    )


def _config(request: Request) -> Config:
    """The configuration; it need not name a store."""
    try:
        return load(store=request.store, target=request.target)
    except ConfigError as error:
        if error.kind != "no-store":
            raise
        return load(store=_NO_STORE, target=request.target)
