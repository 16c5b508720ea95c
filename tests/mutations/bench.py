"""Drills of backups on a server that runs, whatever else is on it: hundreds of drills on one server are quick."""

from __future__ import annotations

from collections.abc import Callable

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.base import Server
from dbops.engine.restoring import SideDatabase
from dbops.model import Finding, Manifest, Report, Severity
from dbops.ops.drill import Drill, Places
from dbops.ops.restore_plan import Archive
from dbops.progress import Silent
from dbops.sandbox.base import About, Chosen, Needs
from tests.backups import Backup


class RunningServer:
    """A running server as a sandbox. `url` gives the URL of a database on it; '' is any that is always there."""

    ephemeral = False

    def __init__(self, url: Callable[[str], str], engine: str, version: str) -> None:
        self._url = url
        self.about = About("external", engine, version, "a server of the tests", tuned=True)

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""

    def url(self, database: str) -> Secret:
        return Secret(self._url(database))

    def log(self) -> str:
        return ""


class MutatingDrill(Drill):
    """Changes the copy between its restore and its comparison, as a restore that went wrong would have."""

    change: Callable[[str], object] | None = None

    def _compare(self, side: SideDatabase, archive: Archive, server: Server) -> None:
        if self.change is not None:
            self.change(side.name)
        super()._compare(side, archive, server)


def drill_on(
    server: RunningServer,
    backed: Backup,
    manifest: Manifest | None = None,
    *,
    no_owner: bool = False,
    change: Callable[[str], object] | None = None,
) -> Report:
    """The drill of a backup on that server. `change` is called with the copy's name before it is compared."""
    drill = MutatingDrill(
        backed.catalog,
        manifest or backed.manifest,
        backed.target,
        places_on(server, backed.target),
        clock=app.now,
        progress=Silent(),
        no_owner=no_owner,
    )
    drill.change = change
    with drill:
        drill.run()
    return drill.report


def places_on(server: RunningServer, target: Target) -> Places:
    def sandbox(needs: Needs) -> Chosen:
        return Chosen("external", server, (), ())

    return Places(sandbox=sandbox, engine=app.places(target, "local").engine)


def wrong(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity is Severity.ERROR]


def naming(report: Report, text: str) -> Finding | None:
    """The first error that names what was mutated."""
    found = (f for f in wrong(report) if text in f"{f.id} {f.subject} {f.expected} {f.actual}")
    return next(found, None)
