"""Makes a good backup of PostgreSQL, mutates it, and drills what came of it."""

from __future__ import annotations

import copy
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dbops.config import Target
from dbops.model import Manifest, Report
from dbops.ops.drill import Places
from dbops.ops.fetch import archive_name
from tests.mutations.bench import RunningServer, drill_on, naming, places_on, wrong
from tests.restoring import Backed, artifact, back_up, forged
from tests.servers import Cluster, Database

__all__ = ["Workshop", "believed", "naming", "wrong"]

SOURCE = Path(__file__).with_name("source.sql")


class Workshop:
    """One source on one server, where its backups are drilled too, unless `on` another one."""

    def __init__(self, cluster: Cluster, folder: Path, script: str = "") -> None:
        """`script` makes the source; '': one of everything."""
        self.cluster = self.sandbox = cluster
        self._folder = folder
        self.source = Database(cluster, f"workshop_{secrets.token_hex(4)}")
        cluster.create_database(self.source.name)
        self.source.psql(cluster.spelled(script or SOURCE.read_text()))

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
            database.psql(self.cluster.spelled(script))
            yield database
        finally:
            self.cluster.drop_database(database.name)

    def replace_archive(self, backed: Backed, database: Database) -> None:
        """Dumps another database in the place of the backup's archive."""
        path = artifact(backed, archive_name(backed.manifest))
        argv = [self.cluster.installation.tool("pg_dump"), "-Fc", "-Z1", "-d", database.socket_url, "-f", str(path)]
        subprocess.run(argv, check=True, capture_output=True)

    def drill(self, backed: Backed, manifest: Manifest | None = None, *, no_owner: bool = False) -> Report:
        return drill_on(self._server, backed, manifest, no_owner=no_owner)

    def drill_changed(self, backed: Backed, change: Callable[[str], object]) -> Report:
        """The drill of a backup, in which `change` is called with the copy's name before it is compared."""
        return drill_on(self._server, backed, change=change)

    def drill_mutated_copy(self, backed: Backed, script: str) -> Report:
        """The drill of a good backup, in whose restored copy the script runs before it is compared."""
        return self.drill_changed(backed, lambda name: Database(self.sandbox, name).psql(self.cluster.spelled(script)))

    def places(self, target: Target) -> Places:
        """The workshop's own server, whatever else is on it."""
        return places_on(self._server, target)

    @property
    def _server(self) -> RunningServer:
        cluster = self.sandbox
        return RunningServer(lambda name: cluster.url(name or "postgres"), "postgres", str(cluster.major))


def believed(backed: Backed) -> Backed:
    """The backup with a manifest that believes what lies in the store now."""
    manifest = forged(backed)
    backed.catalog.publish(manifest)
    return backed._replace(manifest=manifest)
