"""TLS options of the URL reach the driver and the client programs alike."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.errors import DatabaseError
from dbops.model import Manifest
from dbops.ops.backup import backup
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.machine import server_user
from tests.needs import need
from tests.servers import Cluster, Database, find_installations


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    """A database that is reached over TLS alone, and the certificate of its authority (self-signed)."""
    installation = next((i for i in find_installations() if i.major == 15), None) or need("no PostgreSQL 15 with TLS")
    openssl = shutil.which("openssl") or need("no openssl")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "server.crt", folder / "server.key"
    argv = [openssl, "req", "-new", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    argv += ["-addext", "subjectAltName=DNS:localhost", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(argv, check=True, capture_output=True)
    with Cluster(installation) as cluster:
        for path in (certificate, key):
            shutil.copy(path, cluster.data)
            server_user().takes(cluster.data / path.name)
            (cluster.data / path.name).chmod(0o600)
        rules = (cluster.data / "pg_hba.conf").read_text()
        (cluster.data / "pg_hba.conf").write_text(rules.replace("host ", "hostssl "))
        cluster.configure({"ssl": "on"})
        cluster.stop()
        cluster.start()
        with cluster.connect("postgres") as connection:
            connection.execute("CREATE DATABASE secure")
        database = Database(cluster, "secure")
        database.psql("CREATE TABLE t AS SELECT i FROM generate_series(1, 100) i")
        yield database, certificate


def backed_up(database: Database, options: str, folder: Path, jobs: int) -> Manifest:
    url = database.url.replace("127.0.0.1", "localhost") + options
    target = Target(url=Secret(url), name="secure", jobs=jobs)
    result = backup(app.open_engine(target), Catalog(LocalStore(folder)), target, clock=app.now, progress=Silent())
    assert isinstance(result, Manifest)
    return result


@pytest.mark.parametrize("jobs", [1, 2])
def test_backup_over_a_verified_connection(tls: tuple[Database, Path], tmp_path: Path, jobs: int) -> None:
    database, authority = tls
    manifest = backed_up(database, f"?sslmode=verify-full&sslrootcert={authority}&hostaddr=127.0.0.1", tmp_path, jobs)
    assert manifest.rows == 100


def test_plain_connection_is_what_the_server_refuses(tls: tuple[Database, Path], tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no encryption"):
        backed_up(tls[0], "?sslmode=disable", tmp_path, 1)


def test_unknown_authority_is_refused_with_what_to_check(tls: tuple[Database, Path], tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        backed_up(tls[0], f"?sslmode=verify-full&sslrootcert={tmp_path / 'none.crt'}", tmp_path, 1)
    assert "sslrootcert" in caught.value.hint
