"""The test bed's MariaDB and MySQL servers: if these fail, no other result on them means anything."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
import pytest

from tests.machine import server_user
from tests.mysql_servers import DURABLE, MysqlServer, installation, servers

if TYPE_CHECKING:
    from tests.mysql_servers import Connection

ROOT = Path(__file__).parents[2]
HOSTILE = "a `b` 'c' \"d\" $e; -- %f?g é"


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


def _over_tcp(server: MysqlServer, password: str) -> Connection:
    return pymysql.connect(host="127.0.0.1", port=server.port, user=server.SUPERUSER, password=password)


def test_a_server_asks_for_the_password_on_tcp_and_on_the_socket(server: MysqlServer) -> None:
    def over_tcp(password: str) -> Connection:
        return _over_tcp(server, password)

    def over_socket(password: str) -> Connection:
        return server.connect(password=password)

    for connect in (over_tcp, over_socket):
        with contextlib.closing(connect(server.password)) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT VERSION()")
                assert server.version in str(cursor.fetchone())
        for wrong in ("", "wrong"):
            with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
                connect(wrong)


def test_a_server_says_what_its_name_promises(server: MysqlServer) -> None:
    [(version, comment)] = server.execute("SELECT VERSION(), @@version_comment")
    assert ("mariadb" in f"{version} {comment}".lower()) == (server.kind == "mariadb")
    assert server.installation.name == server.kind + server.installation.series


def test_a_server_runs_as_nobody_special(server: MysqlServer) -> None:
    pid = int((server.folder / "mysqld.pid").read_text())
    assert Path(f"/proc/{pid}").stat().st_uid == server_user().uid != 0


def test_databases_come_and_go_with_any_name(server: MysqlServer) -> None:
    server.create_database(HOSTILE)
    busy = server.connect(HOSTILE)
    server.execute("CREATE TABLE t (n INT)", database=HOSTILE)
    busy.cursor().execute("LOCK TABLES t READ")
    server.drop_database(HOSTILE)
    assert (HOSTILE,) not in server.execute("SHOW DATABASES")


def test_a_server_dumps_and_loads_with_its_own_tools(server: MysqlServer) -> None:
    server.create_database("own")
    server.script("CREATE TABLE t (n INT, s TEXT); INSERT INTO t VALUES (1, 'é'), (2, NULL);", "own")
    server.script("DELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END;;\n", "own")
    dump = server.dump("own")
    assert b"Dump completed" in dump
    tool = "MariaDB dump" if server.kind == "mariadb" else "MySQL dump"
    assert tool in dump.decode()
    server.create_database("copy")
    server.script(dump, "copy")
    assert server.execute("SELECT * FROM t ORDER BY n", database="copy") == [(1, "é"), (2, None)]
    assert server.script("CALL p", "copy").split() == ["1", "2"]
    for name in ("own", "copy"):
        server.drop_database(name)
    with pytest.raises(RuntimeError, match="nowhere"):
        server.script("SELECT 1 FROM nowhere.t")


def test_client_tools_run_for_an_unprivileged_user(server: MysqlServer) -> None:
    done = server_user().run([server.installation.tool("mysqldump"), "--version"], cwd="/")
    assert done.returncode == 0
    assert server.version in done.stdout


@pytest.mark.parametrize("name", servers())
def test_a_killed_server_recovers_what_was_committed_and_a_stopped_one_starts_again(name: str) -> None:
    settings = DURABLE | {"log-bin": "binlog", "event_scheduler": "OFF"}
    with MysqlServer(installation(name), settings=settings) as server:
        server.execute("CREATE DATABASE d", "CREATE TABLE d.t (n INT)", "INSERT INTO d.t VALUES (1), (2)")
        server.kill()
        with pytest.raises(pymysql.err.OperationalError):
            server.connect()
        server.configure({"max-connections": "33"})
        server.start()
        assert server.execute("SELECT n FROM d.t") == [(1,), (2,)]
        assert server.execute("SELECT @@log_bin, @@max_connections, @@event_scheduler") == [(1, 33, "OFF")]
        server.stop()
        with pytest.raises(pymysql.err.OperationalError):
            server.connect()
        server.start()
        assert server.execute("SELECT n FROM d.t") == [(1,), (2,)]
    assert not server.folder.exists()
    with pytest.raises(pymysql.err.OperationalError):
        _over_tcp(server, server.password)


@pytest.mark.parametrize("name", servers())
def test_a_setting_of_a_servers_birth_is_kept_and_a_wrong_one_is_told(name: str) -> None:
    with MysqlServer(installation(name), settings={"lower_case_table_names": "1"}) as server:
        assert server.execute("SELECT @@lower_case_table_names") == [(1,)]
    broken = MysqlServer(installation(name), settings={"no-such-setting": "1"})
    with pytest.raises(RuntimeError, match="no-such-setting"):
        broken.__enter__()
    assert not broken.folder.exists()


@pytest.mark.parametrize("name", servers())
def test_a_server_does_not_outlive_a_killed_test_run(name: str) -> None:
    installation(name)
    script = f"""
import os, signal
from tests.mysql_servers import MysqlServer, find
with MysqlServer(find({name!r})) as server:
    print(server.folder, server._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder, pid = killed.stdout.split()
    deadline = time.monotonic() + 30
    while Path(folder).exists() or _alive(int(pid)):
        assert time.monotonic() < deadline, f"{folder} or process {pid} is still there"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"  # whoever inherits it may never reap it
