"""Every task over a unix socket, where there is no host and no port of TCP."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import mysql_restoring
from tests.mysql_servers import MysqlServer, installation
from tests.restoring import DBOPS, fill
from tests.servers import Database

TASKS = (
    ("doctor",),
    ("backup",),
    ("verify",),
    ("restore", "--yes"),
    ("restore", "--yes", "--in-place"),
    ("restore", "--yes", "--into", "{name}_copy"),
)


def all_of_it(url: str, name: str, folder: Path, sandbox: str, **environment: str) -> None:
    """The tasks in turn, as from a shell; `sandbox`: the socket of an empty server, for the drill."""
    flags = ("--url", url, "--store", f"file://{folder}/store", "--json")
    for task in (*TASKS, ("drill", "--sandbox", sandbox)):
        words = [word.format(name=name) for word in task]
        done = subprocess.run(
            [*DBOPS, *words, *flags], capture_output=True, text=True, cwd=folder, env={**os.environ, **environment}
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        said: dict[str, Any] = json.loads(done.stdout)
        assert said.get("verdict", "PASS") == "PASS", (words, said)


def test_postgres(database: Database, tmp_path: Path, new_cluster: Any) -> None:
    fill(database)
    all_of_it(database.socket_url, database.name, tmp_path, new_cluster().socket_url())


@pytest.mark.parametrize("name", ["mariadb10.11", "mysql9.7"])
def test_mysql(name: str, tmp_path: Path) -> None:
    found = installation(name)
    with MysqlServer(found) as server, MysqlServer(found) as empty:
        server.create_database("shop")
        mysql_restoring.fill(server, "shop")
        path = f"{found.bindir}:{os.environ['PATH']}"
        all_of_it(server.socket_url("shop"), "shop", tmp_path, empty.socket_url(), PATH=path)
