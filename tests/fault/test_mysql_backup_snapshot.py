"""B07 for MySQL and MariaDB: dump and inventory share one moment, with the lock and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.model import Manifest
from tests.fault import mysql, support
from tests.fault.support import At
from tests.mysql_servers import MysqlServer, installation, servers

WRITES = 10_000
NO_LOCK = ("SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON bank.*",)
"""What a backup needs at the least: no RELOAD, so no lock of ours."""


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    found = installation(request.param)
    with MysqlServer(found, settings=mysql.LOGGED[found.kind]) as running:
        mysql.fill(running, "bank")
        yield running


@pytest.fixture
def plain(server: MysqlServer) -> Iterator[dict[str, str]]:
    """A user who may not lock, but sees everything."""
    more = "SHOW_ROUTINE ON *.*" if server.kind == "mysql" else "SELECT ON mysql.proc"
    with mysql.user(server, *NO_LOCK, more) as login:
        yield login


@pytest.mark.parametrize("jobs", [1, 3])
def test_exact_while_10_000_transactions_are_written(server: MysqlServer, tmp_path: Path, jobs: int) -> None:
    # The program takes its time to begin, so that writes come in between unless they are kept out.
    bindir = mysql.wrapped(server, tmp_path / "bin", 'sleep 0.5; exec "$REAL" "$@"')
    store = tmp_path / "store"
    with mysql.transfers(server, "bank") as written:
        start = written()
        # The dump stands still after its first bytes until they are written: what it reads then must be as of before.
        paused = At("advance", lambda: support.until(lambda: written() - start > WRITES, "10 000 transactions", 200))
        made = support.run(support.target(server.url("bank"), bindir=bindir, jobs=jobs), store, paused)
    assert paused.done
    assert made.inventory.basis == "snapshot"
    assert not [finding for finding in made.findings if finding.id == "unanchored"]
    _exact(server, store, made)
    mysql.no_sessions(server)


@pytest.mark.parametrize("jobs", [2, 8])
def test_exact_with_names_that_a_program_does_not_tell_apart(server: MysqlServer, tmp_path: Path, jobs: int) -> None:
    """`--ignore-table` leaves out the one with the other; a parallel dump gives each program tables of its own."""
    names = ["foo", "Foo", "año", "AñO", "é", "©", "表", "顨", "e", "a.b", "a%b", "a_b", "plain", "a'b", "-x", "a\nb"]
    server.create_database("alike", "CHARACTER SET utf8mb4")
    try:
        for number, name in enumerate(names):
            made, filled = f"CREATE TABLE `{name}` (id INT PRIMARY KEY)", f"INSERT INTO `{name}` VALUES ({number})"
            server.execute(made, filled, database="alike")
        server.execute("CREATE VIEW `PLAIN` AS SELECT id FROM plain", database="alike")
        manifest = support.run(mysql.target(server, "alike", jobs=jobs), tmp_path)
        assert sorted(table.name for table in manifest.inventory.tables) == sorted(names)
        mysql.load(server, tmp_path, manifest, "copy")
        assert mysql.contents(server, "copy") == mysql.expected(manifest)
    finally:
        server.drop_database("alike")
        server.execute("DROP DATABASE IF EXISTS copy")


def test_exact_without_the_right_to_lock_when_nobody_writes(
    server: MysqlServer, plain: dict[str, str], tmp_path: Path
) -> None:
    made = support.run(mysql.target(server, "bank", **plain), tmp_path)
    assert made.inventory.basis == "snapshot"
    _exact(server, tmp_path, made)


def test_says_so_without_the_right_to_lock_while_others_write(
    server: MysqlServer, plain: dict[str, str], tmp_path: Path
) -> None:
    with mysql.transfers(server, "bank") as written:
        start = written()
        paused = At("advance", lambda: support.until(lambda: written() - start > WRITES, "10 000 transactions", 200))
        # Counted only: one moment for both is just what is not promised.
        made = support.run(mysql.target(server, "bank", inventory="counts", **plain), tmp_path, paused)
    assert made.inventory.basis == "unanchored"
    assert [finding.id for finding in made.findings if finding.id == "unanchored"]
    mysql.no_sessions(server)


def test_exact_without_the_right_to_lock_between_two_bursts_of_writes(
    server: MysqlServer, plain: dict[str, str], tmp_path: Path
) -> None:
    """The first attempt meets writers, who stop for the next one."""
    with mysql.transfers(server, "bank", seconds=0.5):
        made = support.run(mysql.target(server, "bank", **plain), tmp_path)
    assert made.inventory.basis in ("snapshot", "unanchored")
    if made.inventory.basis == "snapshot":
        _exact(server, tmp_path, made)


def _exact(server: MysqlServer, store: Path, manifest: Manifest) -> None:
    """A copy loaded by hand holds, value by value, what the inventory says."""
    mysql.load(server, store, manifest, "copy")
    try:
        assert mysql.contents(server, "copy") == mysql.expected(manifest)
        assert server.execute("SELECT SUM(balance) FROM account", database="copy") == [(mysql.ROWS * 1000,)]
    finally:
        server.drop_database("copy")
