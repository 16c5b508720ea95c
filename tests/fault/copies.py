"""Restores a backup by hand, as its RESTORE.md says, so that a test of a backup needs no restore of dbops."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from dbops import app
from dbops.inventory.take import take
from dbops.model import Inventory, Manifest
from dbops.progress import Silent
from tests.fault.support import target
from tests.servers import Cluster, Database


def restored(manifest: Manifest, store: Path, cluster: Cluster, name: str) -> Database:
    """A copy of the backup in a new database of the cluster: globals, dump, what belongs to the database."""
    folder = store / manifest.target / manifest.id
    cluster.psql((folder / "globals.sql").read_bytes().decode())
    copy = Database(cluster, name)
    encoding = manifest.engine.encoding
    with cluster.connect() as connection:
        quoted = connection.execute("SELECT quote_ident(%s)", [name]).fetchone()
        assert quoted is not None
        locale = "" if encoding == "UTF8" else f" ENCODING '{encoding}' LOCALE 'C'"
        connection.execute(f"CREATE DATABASE {quoted[0]} TEMPLATE template0{locale}".encode())
    archive = next(p for p in folder.iterdir() if p.name.startswith("backup_"))
    argv = [cluster.installation.tool("pg_restore"), "--exit-on-error", f"--dbname={copy.socket_url}", str(archive)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    copy.psql((folder / "database.sql").read_bytes().decode())
    return copy


def inventory(database: Database) -> Inventory:
    """What a database holds, read as a backup reads it."""
    with app.open_engine(target(database.url)).snapshot() as snapshot:
        return take(snapshot, "content", 2, Silent())


def same(made: Manifest, copy: Database) -> None:
    """Rows, digests, sequences, large objects and every object of the copy are those of the backup."""
    found, expected = inventory(copy), made.inventory
    assert {(t.schema, t.name): (t.rows, t.digest, t.columns) for t in found.tables} == {
        (t.schema, t.name): (t.rows, t.digest, t.columns) for t in expected.tables
    }
    assert {s.label: (s.value, s.called) for s in found.sequences} == {
        s.label: (s.value, s.called) for s in expected.sequences
    }
    assert found.large_objects == expected.large_objects
    for kind, objects in expected.objects.items():
        assert set(found.objects[kind]) == set(objects), kind
    assert set(found.objects) == set(expected.objects)
