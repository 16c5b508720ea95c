"""Backups of the first version that wrote format 1 restore, from the store and a URL alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.keys import signing
from tests.mysql_servers import MysqlServer, installation
from tests.restoring import DBOPS, ROOT
from tests.servers import Cluster, Database
from tests.unit.test_golden import GOLDEN

CUSTOMERS = [(1, "Ana", None), (2, "Bo", "two\nlines"), (3, "Čé", "")]


def restore(folder: Path, target: str, into: str, **environment: str) -> None:
    """In a folder without configuration."""
    shutil.copytree(GOLDEN / "store", folder / "store")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBOPS_", "DATABASE_", "PG"))}
    done = subprocess.run(
        [*DBOPS, "restore", "--store", str(folder / "store"), "--target", target, "--into", into, "--yes"],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", ["custom", "directory", "sealed", "sealed by passphrase"])
def test_of_postgres(any_pg: Cluster, tmp_path: Path, target: str) -> None:
    environment = {}
    if target == "sealed by passphrase" and any_pg.major != 15:
        pytest.skip("slow on purpose, and the same on every server")
    if target == "sealed by passphrase":
        environment = {"DBOPS_PASSPHRASE": "golden passphrase"}
    elif target == "sealed":
        key = signing.public_key((GOLDEN / "keys" / "signing.pub").read_text())
        environment = {"DBOPS_IDENTITY_FILE": str(GOLDEN / "keys" / "age.txt"), "DBOPS_PUBLIC_KEY": key.line}
    try:
        restore(tmp_path, target.split()[0], any_pg.url("golden"), **environment)
        with Database(any_pg, "golden").connect() as connection:
            assert connection.execute("SELECT * FROM customers ORDER BY id").fetchall() == CUSTOMERS
            found = connection.execute("SELECT id, total::text FROM unpaid").fetchall()
        assert found == [(2, "0.00")]
    finally:
        any_pg.drop_database("golden")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MysqlServer]:
    with MysqlServer(installation("mariadb10.11")) as server:
        yield server


@pytest.mark.parametrize("target", ["sql", "parts"])
def test_of_mariadb(mariadb: MysqlServer, tmp_path: Path, target: str) -> None:
    restore(tmp_path, target, mariadb.url(f"golden_{target}"))
    with mariadb.connect(f"golden_{target}") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM customers ORDER BY id")
        assert list(cursor.fetchall()) == CUSTOMERS
        cursor.execute("SELECT id FROM unpaid")
        assert list(cursor.fetchall()) == [(2,)]
