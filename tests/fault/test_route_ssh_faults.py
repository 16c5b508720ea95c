"""What goes wrong on the way through ssh is told in ssh's words, with what to do; and no tunnel outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.errors import DatabaseError, DbopsError
from dbops.route.base import RouteError
from tests.fault.support import BIG, DBOPS, DUMPING, At, run
from tests.machine import free_port
from tests.servers import Database
from tests.ssh_server import NAME, SshServer, ssh_server
from tests.waiting import until


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with ssh_server(folder, monkeypatch) as server, app.routes():
        yield server


def behind(url: str) -> Target:
    return Target(url=Secret(url), name="shop", ssh=NAME)


def failure(target: Target) -> DbopsError:
    with pytest.raises(DbopsError) as caught:
        app.open_engine(target).server()
    return caught.value


def other_host_key(sshd: SshServer) -> None:
    sshd.make_key("stranger")
    sshd.know((sshd.folder / "stranger.pub").read_text())


def unknown_host(sshd: SshServer) -> None:
    sshd.know("")


def lax_user(sshd: SshServer) -> None:
    """Who has switched the check off for himself has not done so for dbops."""
    sshd.know("")
    sshd.configure("StrictHostKeyChecking no")


def unknown_key(sshd: SshServer) -> None:
    sshd.make_key("other")
    sshd.configure(key="other")


def asks_for_a_passphrase(sshd: SshServer) -> None:
    """It is not even asked for where somebody would answer: the same holds at night."""
    sshd.make_key("locked", "a passphrase")
    public = (sshd.folder / "locked.pub").read_bytes()
    (sshd.folder / "authorized_keys").write_bytes(public)
    sshd.configure(key="locked")
    sshd.answer("a passphrase")


def nobody_there(sshd: SshServer) -> None:
    sshd.stop()


def no_such_host(sshd: SshServer) -> None:
    sshd.configure("HostName nowhere.invalid")
    config = sshd.folder / "config"
    config.write_text(config.read_text().replace("HostName 127.0.0.1\n", ""))


@pytest.mark.parametrize(
    ("fault", "said", "advice"),
    [
        (other_host_key, "has changed and you have requested", "ssh-keygen -R"),
        (unknown_host, "host key is known for", "log in once by hand"),
        (lax_user, "host key is known for", "log in once by hand"),
        (unknown_key, "Permission denied", "IdentityFile"),
        (asks_for_a_passphrase, "Permission denied", "without a passphrase"),
        (nobody_there, "Connection refused", "is sshd running there"),
        (no_such_host, "Could not resolve hostname", "check the name"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_no_way_to_the_ssh_host(
    sshd: SshServer, database: Database, fault: Callable[[SshServer], None], said: str, advice: str
) -> None:
    fault(sshd)
    error = failure(behind(database.url))
    assert isinstance(error, RouteError)
    assert said in error.message
    assert advice in error.hint


@pytest.mark.parametrize("mode", ["prefer", "disable"])
def test_no_server_where_the_url_says(sshd: SshServer, mode: str) -> None:
    """By a port here, and by a socket."""
    error = failure(behind(f"postgresql://me@127.0.0.1:{free_port()}/shop?sslmode={mode}"))
    assert isinstance(error, DatabaseError)
    assert "open failed: connect failed: Connection refused" in error.message
    assert "as seen from there" in error.hint


def test_the_ssh_server_forwards_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with ssh_server(folder, monkeypatch, "AllowTcpForwarding no"), app.routes():
        error = failure(behind(database.url))
    assert "administratively prohibited" in error.message
    assert "AllowTcpForwarding" in error.hint


def test_what_the_server_itself_refuses_is_not_laid_at_the_tunnels_door(sshd: SshServer, database: Database) -> None:
    error = failure(behind(database.cluster.url(database.name, user="nobody", password="wrong")))
    assert "password authentication failed" in error.message
    assert f"ssh {NAME}:" not in error.message.partition("FATAL:")[2]
    assert "open failed" not in error.message


def test_a_tunnel_that_drops_in_the_middle_of_a_backup(sshd: SshServer, database: Database, tmp_path: Path) -> None:
    database.psql(f"CREATE TABLE big AS SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, {BIG}) n")
    store = tmp_path / "store"
    dropping = At("item public.big", sshd.drop, thread=DUMPING)
    with pytest.raises(DbopsError) as caught, app.routes():
        run(behind(database.url), store, dropping)
    assert dropping.done
    assert f"(ssh {NAME}: the tunnel has ended: " in caught.value.message
    assert "the ssh connection was lost" in caught.value.hint
    assert list(app.open_catalog(StoreConfig(url=str(store))).backups()) == []
    made = run(behind(database.url), store)  # the next one opens a tunnel of its own
    assert made.inventory.basis == "snapshot"


def test_no_tunnel_outlives_a_run_that_is_killed(sshd: SshServer, database: Database, tmp_path: Path) -> None:
    """The run waits for a lock of ours, so that it is surely killed in the middle."""
    file = tmp_path / "dbops.toml"
    file.write_text(
        f"[store]\nurl = 'file://{tmp_path}/store'\n[targets.shop]\nurl = {database.url!r}\nssh = '{NAME}'\n"
    )
    file.chmod(0o600)
    database.psql("CREATE TABLE t (i int)")
    with database.connect() as blocking:
        blocking.autocommit = False
        blocking.execute("LOCK TABLE t")
        started = subprocess.Popen([*DBOPS, "backup"], env={**os.environ, "DBOPS_CONFIG": str(file)})
        try:
            until(lambda: sshd.sessions(), "it has logged in")
        finally:
            started.send_signal(signal.SIGKILL)
            started.wait()
        until(lambda: not sshd.sessions(), "the login has ended")
