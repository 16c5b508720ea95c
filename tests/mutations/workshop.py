"""Makes a good backup, mutates it, and drills what came of it."""

from __future__ import annotations

import copy
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.base import Server
from dbops.engine.restoring import SideDatabase
from dbops.model import Finding, Manifest, Report, Severity
from dbops.ops.drill import Drill, Places, drill
from dbops.ops.fetch import archive_name
from dbops.ops.restore_plan import Archive
from dbops.progress import Silent
from dbops.sandbox.base import About, Chosen, Needs
from tests.restoring import Backed, artifact, back_up, forged
from tests.servers import Cluster, Database

SOURCE = Path(__file__).with_name("source.sql")


class Workshop:
    """One source on one server, where its backups are drilled too, unless `on` another one."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = self.sandbox = cluster
        self._folder = folder
        self.source = Database(cluster, f"workshop_{secrets.token_hex(4)}")
        cluster.create_database(self.source.name)
        self.source.psql(SOURCE.read_text())

    def on(self, sandbox: Cluster) -> Workshop:
        """The same source, whose backups are drilled on another server."""
        other = copy.copy(self)
        other.sandbox = sandbox
        return other

    def close(self) -> None:
        self.cluster.drop_database(self.source.name)

    def backup(self, source: Database | None = None) -> Backed:
        """A good backup of the source in a store of its own."""
        store = self._folder / secrets.token_hex(4)
        store.mkdir()
        return back_up(source or self.source, store.as_uri(), jobs=1)

    def mutated(self, script: str) -> Backed:
        """A backup whose inventory is the source's, and whose archive is a dump of the source after the script."""
        backed = self.backup()
        with self.changed_copy(script) as changed:
            self.replace_archive(backed, changed)
        return believed(backed)

    @contextmanager
    def changed_copy(self, script: str) -> Iterator[Database]:
        """A copy of the source in which the script has run."""
        database = Database(self.cluster, f"{self.source.name}_{secrets.token_hex(3)}")
        self.cluster.create_database(database.name, template=self.source.name)
        try:
            database.psql(script)
            yield database
        finally:
            self.cluster.drop_database(database.name)

    def replace_archive(self, backed: Backed, database: Database) -> None:
        """Dumps another database in the place of the backup's archive."""
        path = artifact(backed, archive_name(backed.manifest))
        argv = [self.cluster.installation.tool("pg_dump"), "-Fc", "-Z1", "-d", database.socket_url, "-f", str(path)]
        subprocess.run(argv, check=True, capture_output=True)

    def drill(self, backed: Backed, manifest: Manifest | None = None, *, no_owner: bool = False) -> Report:
        return drill(
            backed.catalog,
            manifest or backed.manifest,
            backed.target,
            self.places(backed.target),
            clock=app.now,
            progress=Silent(),
            no_owner=no_owner,
        )

    def drill_changed(self, backed: Backed, change: Callable[[str], object]) -> Report:
        """The drill of a backup, in which `change` is called with the copy's name before it is compared."""
        drill = MutatingDrill(
            backed.catalog,
            backed.manifest,
            backed.target,
            self.places(backed.target),
            clock=app.now,
            progress=Silent(),
        )
        drill.change = change
        with drill:
            drill.run()
        return drill.report

    def drill_mutated_copy(self, backed: Backed, script: str) -> Report:
        """The drill of a good backup, in whose restored copy the script runs before it is compared."""
        return self.drill_changed(backed, lambda name: Database(self.sandbox, name).psql(script))

    def places(self, target: Target) -> Places:
        """The workshop's own server, whatever else is on it."""

        def sandbox(needs: Needs) -> Chosen:
            return Chosen("external", _Server(self.sandbox), (), ())

        return Places(sandbox=sandbox, engine=app.places(target, "embedded").engine)


class MutatingDrill(Drill):
    """Changes the copy between its restore and its comparison, as a restore that went wrong would have."""

    change: Callable[[str], object]

    def _compare(self, side: SideDatabase, archive: Archive, server: Server) -> None:
        self.change(side.name)
        super()._compare(side, archive, server)


class _Server:
    """A running cluster as a sandbox: hundreds of drills on one server are quick."""

    ephemeral = False

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""

    @property
    def about(self) -> About:
        return About("external", "postgres", str(self._cluster.major), "a cluster of the tests", tuned=True)

    def url(self, database: str) -> Secret:
        return Secret(self._cluster.url(database or "postgres"))

    def log(self) -> str:
        return ""


def believed(backed: Backed) -> Backed:
    """The backup with a manifest that believes what lies in the store now."""
    manifest = forged(backed)
    backed.catalog.publish(manifest)
    return backed._replace(manifest=manifest)


def wrong(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity is Severity.ERROR]


def naming(report: Report, text: str) -> Finding | None:
    """The first error that names what was mutated."""
    found = (f for f in wrong(report) if text in f"{f.subject} {f.expected} {f.actual}")
    return next(found, None)
