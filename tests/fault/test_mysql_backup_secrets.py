"""B15 for MySQL and MariaDB: the password is seen nowhere, not even in the environment of the dump program."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dbops.errors import LockedError
from tests.fault import mysql, support
from tests.fault.support import DBOPS, ROOT, process
from tests.fault.test_backup_secrets import PASSWORD, Watch, hidden
from tests.mysql_servers import MysqlServer, installation, servers

PROGRAMS = {"mysqldump", "mariadb-dump", "ld-linux-x86-64"}
"""The last: those that run through a loader of their own."""


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param), settings={"general-log": "ON"}) as running:
        mysql.fill(running, "bank")
        with running.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER keeper IDENTIFIED BY %s", (PASSWORD,))
            cursor.execute("GRANT ALL ON *.* TO keeper")
        yield running


def configuration(folder: Path, server: MysqlServer, source: str) -> dict[str, str]:
    """A dbops.toml whose password comes from there, and the environment it needs."""
    url = server.url("bank", user="keeper")
    environment = {"DBOPS_CONFIG": str(folder / "dbops.toml"), "DBOPS_STORE": (folder / "store").as_uri()}
    setting = ""
    if source == "url":
        url = server.url("bank", user="keeper", password=PASSWORD)
    elif source == "file":
        (folder / "password").write_text(PASSWORD + "\n")
        (folder / "password").chmod(0o600)
        setting = f'password_file = "{folder / "password"}"'
    elif source == "environment":
        environment["SHOP_PASSWORD"] = PASSWORD
        setting = 'password_env = "SHOP_PASSWORD"'
    elif source == "command":
        (folder / "secret").write_text(PASSWORD + "\n")
        setting = f'password_command = ["cat", "{folder / "secret"}"]'
    lines = ["[targets.shop]", f"url = {json.dumps(url)}", setting, "jobs = 2", f'bindir = "{server.bindir}"', ""]
    (folder / "dbops.toml").write_text("\n".join(lines))
    (folder / "dbops.toml").chmod(0o600)
    return environment


@pytest.mark.parametrize("source", ["url", "file", "environment", "command"])
def test_nowhere_while_a_backup_runs(server: MysqlServer, tmp_path: Path, source: str) -> None:
    environment = configuration(tmp_path, server, source)
    seen: set[str] = set()
    for _ in range(20):  # a program that lives for a moment may be missed on a busy machine
        with process("backup", "--json", env=environment) as dbops:
            watch = Watch(dbops.pid)
            with watch.watching():
                out, err = dbops.communicate(timeout=120)
        assert dbops.returncode == 0, err
        assert watch.in_argv == set()
        assert not watch.in_environment & PROGRAMS
        hidden(out + err)
        seen |= watch.seen
        if seen & PROGRAMS:
            break
    assert seen & PROGRAMS, "the watch was too slow"
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            hidden(path.read_bytes().decode("utf-8", "replace"))
    assert PASSWORD not in server.log()


@pytest.mark.parametrize("task", ["backup", "doctor"])
@pytest.mark.parametrize("failure", ["password", "database", "host", "url"])
def test_not_in_an_error(server: MysqlServer, tmp_path: Path, failure: str, task: str) -> None:
    url = {
        "password": server.url("bank", user="root", password=PASSWORD),
        "database": server.url("no such", user="keeper", password=PASSWORD),
        "host": f"{server.kind}://keeper:{quote(PASSWORD, safe='')}@127.0.0.1:1/bank",
        "url": f"{server.kind}://keeper:{quote(PASSWORD, safe='')}@127.0.0.1:3306/bank?no%20such=1",
    }[failure]
    for arguments in (["--json"], []):
        done = subprocess.run(
            [*DBOPS, task, "--store", str(tmp_path / "store"), *arguments],
            env=os.environ | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
        )
        assert done.returncode in (2, 3, 4), done.stderr
        assert "Traceback" not in done.stderr
        hidden(done.stdout + done.stderr)


def test_not_in_the_statement_of_somebody_else(server: MysqlServer, tmp_path: Path) -> None:
    """Who is in the way is shown with its statement, which may be one that holds a password."""

    def work() -> None:
        with contextlib.suppress(Exception):  # it is ended
            server.execute("UPDATE account SET note=1 WHERE id=1 AND SLEEP(30)='password=hunter2'", database="bank")

    thread = threading.Thread(target=work)
    thread.start()
    running = "SELECT id FROM information_schema.processlist WHERE info LIKE 'UPDATE account%'"
    try:
        ((number,),) = support.until(lambda: server.execute(running), "the statement runs")
        with pytest.raises(LockedError) as caught:
            support.run(mysql.target(server, "bank", lock_timeout=1), tmp_path)
    finally:
        server.execute(f"KILL {number}")
        thread.join()
    assert "UPDATE account" in caught.value.message
    assert "hunter2" not in str(caught.value)
