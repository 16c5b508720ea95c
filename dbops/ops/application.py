"""The application around a restore: stopped before, started again whatever happens, and asked how it feels."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dbops.command import describe_status, redact, running
from dbops.config import App, Argv
from dbops.errors import DbopsError, ToolError
from dbops.language import msg
from dbops.ops.timing import timed
from dbops.progress import Progress
from dbops.signals import uninterrupted

COMMAND_SECONDS = 600.0
HEALTH_SECONDS = 60.0
_AGAIN_SECONDS = 1.0
_SAID_BYTES = 4000


def start(app: App, progress: Progress, phases: dict[str, float]) -> None:
    """Starts it, for a run that was killed before it could."""
    _start(app, progress, phases)
    _health(app, progress, phases)


@contextmanager
def stopped(app: App, progress: Progress, phases: dict[str, float]) -> Iterator[None]:
    """The application is down for the time of the block.

    `start` runs from the moment `stop` was tried, on failure and on Ctrl-C too. Only if this very process is killed
    meanwhile (SIGKILL, power), nobody starts it: then the next run does, or a person. `health` is asked after a start
    that followed success. Raises `ToolError` when a command fails.
    """
    try:
        if app.stop is not None:
            progress.phase("app stop")
            with timed(phases, "app stop"):
                _checked("stop", app.stop)
        yield
    except BaseException:
        try:
            _start(app, progress, phases)
        except DbopsError as error:  # the first error is the one to tell; this one must not be lost either
            progress.note(msg("{message}: {hint}", message=error.message, hint=error.hint))
        raise
    start(app, progress, phases)


def _start(app: App, progress: Progress, phases: dict[str, float]) -> None:
    if app.start is not None:
        progress.phase("app start")
        with timed(phases, "app start"), uninterrupted():
            _checked("start", app.start)


def _health(app: App, progress: Progress, phases: dict[str, float]) -> None:
    if app.health is None:
        return
    progress.phase("app health")
    until = time.monotonic() + HEALTH_SECONDS
    with timed(phases, "app health"):
        while True:
            try:
                _checked("health", app.health)
                return
            except ToolError:
                if time.monotonic() > until:
                    raise
            time.sleep(_AGAIN_SECONDS)


def _checked(which: str, argv: Argv) -> None:
    # Its output goes to a file: a daemon that it starts may inherit that for good, where a pipe would end with us.
    with tempfile.TemporaryFile() as output, running(list(argv), stdout=output, stderr=output) as process:
        try:
            status = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            raise ToolError(
                msg(
                    "the application's {which} command did not end within {command_seconds:g} s",
                    which=which,
                    command_seconds=COMMAND_SECONDS,
                ),
                hint=msg("run it by hand: {argv}", argv=" ".join(argv)),
                kind=f"app-{which}",
            ) from None
        if status != 0:
            output.seek(0)
            said = redact(output.read(_SAID_BYTES).decode("utf-8", "replace")).strip()
            raise ToolError(
                msg(
                    "the application's {which} command {describe_status}",
                    which=which,
                    describe_status=describe_status(status),
                ),
                hint=said or msg("run it by hand: {argv}", argv=" ".join(argv)),
                kind=f"app-{which}",
            )
