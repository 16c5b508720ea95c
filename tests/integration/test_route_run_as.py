"""A server that knows its users by the account of the system: reached through sudo as another account."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.errors import ConfigError, DatabaseError
from dbops.route.base import RouteError
from tests import mysql_restoring
from tests.machine import server_user
from tests.mysql_servers import MysqlServer, installation
from tests.needs import need
from tests.restoring import DBOPS, ROOT, fill
from tests.rounds import whole_round
from tests.servers import Cluster, Database, find_installations

OTHER = server_user()
PEERS = "local all all peer\n"
AS_NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]


@pytest.fixture(scope="module", autouse=True)
def other_account() -> None:
    if not OTHER.switch:
        need("only root can try another account")


@pytest.fixture(scope="module")
def peer() -> Iterator[Cluster]:
    """A server that lets in by its socket, and there only whoever has the account of the role's name."""
    with Cluster(find_installations()[0]) as cluster:
        yield cluster


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """That any account can enter."""
    with tempfile.TemporaryDirectory(prefix="dbops-sudo-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.contextmanager
def peers_only(cluster: Cluster) -> Iterator[None]:
    rules = cluster.data / "pg_hba.conf"
    before = rules.read_text()
    with cluster.connect() as connection:  # opened before, since root is no peer
        rules.write_text(PEERS)
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")


def peer_url(cluster: Cluster, name: str) -> Secret:
    return Secret(f"postgresql:///{name}?host={cluster.folder}&port={cluster.port}")


def test_postgres_by_peer_authentication(peer: Cluster, tmp_path: Path) -> None:
    """The role is that of the account, since the URL names none; sessions, pg_dump, pg_restore and psql alike."""
    peer.create_database("shop")
    fill(Database(peer, "shop"))
    target = Target(url=peer_url(peer, "shop"), name="shop", run_as=OTHER.name)
    with peers_only(peer), app.routes():
        with pytest.raises(DatabaseError, match="root"):
            app.open_engine(Target(url=target.url, name="shop")).server()
        assert app.open_engine(target).server().info.role == OTHER.name
        whole_round(target, tmp_path / "store")


@pytest.mark.parametrize("name", ["mariadb10.11"])
def test_mariadb_by_its_socket(name: str, tmp_path: Path) -> None:
    with MysqlServer(installation(name)) as server:
        server.create_database("shop")
        mysql_restoring.fill(server, "shop")
        server.execute(f"CREATE USER {OTHER.name}@localhost IDENTIFIED VIA unix_socket")
        server.execute(f"GRANT ALL ON *.* TO {OTHER.name}@localhost WITH GRANT OPTION")
        url = Secret(f"mariadb:///shop?unix_socket={server.socket}")
        target = Target(url=url, name="shop", run_as=OTHER.name, bindir=server.bindir)
        with app.routes():
            with pytest.raises(DatabaseError):
                app.open_engine(Target(url=url, name="shop")).server()
            whole_round(target, tmp_path / "store")


def test_the_url_must_name_a_socket() -> None:
    target = Target(url=Secret("postgresql://db.internal/shop"), name="shop", run_as=OTHER.name)
    with pytest.raises(ConfigError, match="unix socket, and the URL names the host"):
        app.open_engine(target)


def test_no_server_at_that_socket(tmp_path: Path) -> None:
    target = Target(url=Secret(f"postgresql:///shop?host={tmp_path}"), name="shop", run_as=OTHER.name)
    with pytest.raises(RouteError, match=rf"{tmp_path}/.s.PGSQL.5432: ") as caught:
        app.open_engine(target)
    assert "is the server running on this machine" in caught.value.hint


def test_no_such_account() -> None:
    target = Target(url=Secret("postgresql:///shop"), name="shop", run_as="nobody-of-that-name")
    with pytest.raises(RouteError, match="unknown user"):
        app.open_engine(target)


def test_the_line_for_sudoers_lets_exactly_the_relay_run(peer: Cluster, open_folder: Path) -> None:
    """An account without rights is refused, and told a line; with that line, and no other rule, it gets through."""
    environment = {**os.environ, "HOME": "/nonexistent", "PYTHONPATH": str(ROOT)}
    if subprocess.run([*AS_NOBODY, *DBOPS, "--version"], cwd="/", capture_output=True, env=environment).returncode:
        pytest.skip("another account cannot run this environment")
    url = peer_url(peer, "postgres").reveal()
    folder = open_folder
    file = folder / "dbops.toml"
    file.write_text(f"[targets.shop]\nurl = {url!r}\nrun_as = {OTHER.name!r}\n")
    file.chmod(0o644)

    def grants(rules: str) -> subprocess.CompletedProcess[str]:
        """`doctor --grants` as nobody, on a machine with these rules of sudo: they are mounted for this process."""
        sudoers = folder / "sudoers"
        sudoers.unlink(missing_ok=True)
        sudoers.write_text(f"{rules}\n")
        sudoers.chmod(0o440)
        mounted = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/sudoers && exec "$@"', str(sudoers)]
        return subprocess.run(
            [*mounted, *AS_NOBODY, *DBOPS, "doctor", "--grants"],
            capture_output=True,
            text=True,
            cwd="/",
            env={**environment, "DBOPS_CONFIG": str(file)},
        )

    with peers_only(peer):
        refused = grants("root ALL=(ALL) ALL")
        assert refused.returncode == 4, refused
        assert "a password is required" in refused.stderr
        line = "nobody ALL=" + " ".join(refused.stderr.split()).partition("nobody ALL=")[2]
        found = grants(line)
        assert "CREATE ROLE backup" in found.stdout, (line, found.stderr)
        assert grants(line.replace("relay.py", "keeper.py")).returncode == 4
