"""A target behind ssh: the system's own ssh to an sshd of the test's own, and real servers behind it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.errors import DatabaseError
from tests import mysql_restoring
from tests.fault.support import run
from tests.integration.test_tls import tls as tls
from tests.machine import server_user
from tests.mysql_servers import MysqlServer, installation
from tests.restoring import fill
from tests.rounds import whole_round
from tests.servers import Database
from tests.ssh_server import NAME, SshServer, ssh_server
from tests.waiting import until


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with ssh_server(folder, monkeypatch) as server:
        yield server


def behind(url: str, **settings: object) -> Target:
    return msgspec.structs.replace(Target(url=Secret(url), name="shop", ssh=NAME), **settings)


def test_backup_and_restore_behind_ssh(sshd: SshServer, database: Database, tmp_path: Path) -> None:
    """By a unix socket here, since the URL's host is the ssh host itself; and the login ends with the block."""
    fill(database)
    target = behind(database.url.replace("127.0.0.1", "localhost"))
    with app.routes():
        whole_round(target, tmp_path / "store")
        assert len(sshd.sessions()) == 1
        assert app.open_engine(target).server().host == f"its socket through ssh {NAME}"
    until(lambda: not sshd.sessions(), "the login has ended")


def test_to_the_socket_of_the_other_machine(sshd: SshServer, database: Database) -> None:
    with app.routes():
        assert app.open_engine(behind(database.socket_url)).server().info.database == database.name


@pytest.mark.parametrize("name", ["mariadb10.11", "mysql9.7"])
def test_mysql_behind_ssh(sshd: SshServer, name: str, tmp_path: Path) -> None:
    with MysqlServer(installation(name)) as server:
        server.create_database("shop")
        mysql_restoring.fill(server, "shop")
        with app.routes():
            whole_round(behind(server.url("shop"), bindir=server.bindir), tmp_path / "store")


def test_the_name_that_tls_verifies_is_that_of_the_url(sshd: SshServer, tls: tuple[Database, Path]) -> None:
    """Through the tunnel to an address, by the name in the certificate; and with another name not."""
    database, authority = tls
    url = f"{database.url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert={authority}"
    with app.routes():
        engine = app.open_engine(behind(url))
        assert engine.server().host == f"localhost through ssh {NAME}"
        with pytest.raises(DatabaseError, match="does not match host name"):
            app.open_engine(behind(url.replace("localhost", "127.0.0.1"))).server()


@pytest.mark.parametrize("name", ["mysql9.7", "mariadb11.8"])
def test_mysql_s_driver_verifies_the_name_in_the_url(sshd: SshServer, name: str, tmp_path: Path) -> None:
    """The dump program checks the certificate's authority: it knows nothing but the address of the tunnel."""
    found = installation(name)
    with tempfile.TemporaryDirectory(prefix="dbops-tls-", dir="/tmp") as folder:
        authority = certificates(Path(folder), "localhost")
        settings = {f"ssl-{word}": f"{folder}/{word}.pem" for word in ("ca", "cert", "key")}
        with MysqlServer(found, settings=settings) as server, app.routes():
            server.create_database("shop")
            server.execute("CREATE TABLE t AS SELECT 1 AS i", database="shop")
            url = f"{server.url('shop').replace('127.0.0.1', 'localhost')}?ssl-mode=VERIFY_IDENTITY&ssl-ca={authority}"
            run(behind(url, bindir=server.bindir), tmp_path / "store")
            with pytest.raises(DatabaseError, match="certificate"):
                app.open_engine(behind(url.replace("localhost", "127.0.0.1"))).server()


def certificates(folder: Path, host: str) -> Path:
    """`ca.pem`, and of a host `cert.pem` and `key.pem`, which the server's account can read; the first."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    folder.chmod(0o755)
    key = ["-nodes", "-days", "2", "-newkey", "rsa:2048"]
    openssl("req", "-new", "-x509", *key, "-subj", "/CN=an authority", "-out", "ca.pem", "-keyout", "ca.key")
    openssl("req", "-new", *key, "-subj", f"/CN={host}", "-out", "request", "-keyout", "key.pem")
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl("x509", "-req", "-in", "request", *signed, "-out", "cert.pem")
    for name in ("ca.pem", "cert.pem", "key.pem"):
        server_user().takes(folder / name)
    return folder / "ca.pem"
