"""Without dbops: `sha256sum --check SHA256SUMS` and the very commands of RESTORE.md restore a backup."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.model import Manifest
from dbops.ops.backup import backup
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.inputs import contents
from tests.servers import Cluster, Database

SCHEMA = """
CREATE ROLE "the owner";
CREATE TABLE invoices (id serial PRIMARY KEY, amount numeric(12, 2), note text);
INSERT INTO invoices (amount, note) SELECT i * 1.1, E'line\\n' || i FROM generate_series(1, 500) i;
CREATE TABLE "odd ""name" (x int);
ALTER TABLE "odd ""name" OWNER TO "the owner";
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_commands_of_the_guide_restore_the_backup(any_pg: Cluster, tmp_path: Path, jobs: int) -> None:
    any_pg.create_database("by hand")
    source = Database(any_pg, "by hand")
    try:
        source.psql(SCHEMA)
        source.psql("""ALTER DATABASE "by hand" SET "app.tenant" TO 'x y'""")
        folder = _backed_up(source, tmp_path, jobs)
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)
        any_pg.drop_database("restored")
        for command in _commands(folder):
            _run(command, any_pg, folder)
        restored = Database(any_pg, "restored")
        assert contents(restored) == contents(source)
        with restored.connect() as connection:
            row = connection.execute(
                "SELECT current_setting('app.tenant'), relowner::regrole::text FROM pg_class WHERE relname LIKE 'odd%'"
            ).fetchone()
        assert row == ("x y", '"the owner"')
        # The last step, by hand too: both names change in one transaction.
        swap = re.findall(r"^ {7}((?:BEGIN|ALTER|COMMIT).*;)$", (folder / "RESTORE.md").read_text(), re.MULTILINE)
        any_pg.psql("".join(swap).replace('"NAME', '"by hand'), "postgres")
        assert contents(Database(any_pg, "by hand_before")) == contents(Database(any_pg, "by hand"))
    finally:
        for name in ("restored", "by hand", "by hand_before"):
            any_pg.drop_database(name)
        any_pg.psql('DROP ROLE "the owner"', "postgres")


def _backed_up(source: Database, folder: Path, jobs: int) -> Path:
    target = Target(url=Secret(source.url), name="hand", jobs=jobs, bindir=source.cluster.bindir)
    catalog = Catalog(LocalStore(folder))
    manifest = backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
    assert isinstance(manifest, Manifest)
    return folder / "hand" / manifest.id


def _commands(folder: Path) -> list[str]:
    """The indented shell lines of the guide, up to the interactive step."""
    lines = re.findall(r"^ {7}(\S.*)$", (folder / "RESTORE.md").read_text(), re.MULTILINE)
    commands = [line for line in lines if line.split()[0] in ("psql", "createdb", "pg_restore", "sha256sum")]
    assert [line.split()[0] for line in commands] == [
        "sha256sum", "psql", "createdb", "pg_restore", "psql", "psql", "psql"
    ]  # fmt: skip
    return commands[:-1]


def _run(command: str, cluster: Cluster, folder: Path) -> None:
    environment = {
        "PATH": f"{cluster.bindir}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(cluster.port),
        "PGUSER": "postgres",
        "PGPASSWORD": cluster.password,
    }
    done = subprocess.run(["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
