"""Fault R02 for MySQL and MariaDB: a restore is killed, or loses its server; in place, it is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.errors import DatabaseError
from dbops.model import Manifest, Verdict
from dbops.ops.backup import backup
from dbops.progress import Silent
from tests.mysql_restoring import TIMEOUT, Backed, back_up, beside, contents, fill, rewritten, run_restore, start, until
from tests.mysql_servers import DURABLE, MysqlServer, installation, servers

SETTINGS = DURABLE | {"event-scheduler": "OFF"}


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param), settings=SETTINGS) as running:
        yield running


@pytest.fixture
def shop(server: MysqlServer, tmp_path: Path) -> Iterator[Backed]:
    server.create_database("shop")
    fill(server, "shop")
    yield back_up(server, "shop", tmp_path / "store", jobs=1)
    for name in {"shop", *beside(server, "shop")}:
        server.drop_database(name)


def _running(server: MysqlServer, database: str, words: str) -> Callable[[], bool]:
    """Whether a session in a database like this runs a statement like this."""
    query = f"SELECT COUNT(*) FROM information_schema.processlist WHERE db LIKE '{database}' AND info REGEXP '{words}'"
    connection = server.connect()

    def look() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return bool((cursor.fetchone() or (0,))[0])

    return look


POINTS: dict[str, Callable[[MysqlServer], Callable[[], bool]]] = {
    "created": lambda server: lambda: any("_restore_" in name for name in beside(server, "shop")),
    "loading": lambda server: _running(server, r"shop\_restore\_%", "^(INSERT|CREATE TABLE|ALTER)"),
    "comparing": lambda server: _running(server, r"shop\_restore\_%", "^(ANALYZE|SELECT|START|SHOW)"),
}


TRIES = 5
"""A restore may be through before somebody has looked: it is begun again."""


@pytest.mark.parametrize("point", POINTS)
def test_r02_killed_before_the_swap(shop: Backed, tmp_path: Path, point: str) -> None:
    server = shop.server
    good = contents(server, "shop")
    for _ in range(TRIES):
        server.execute("DELETE FROM invoices WHERE id MOD 2 = 0", database="shop")
        old = contents(server, "shop")
        reached = POINTS[point](server)
        process = start(shop, tmp_path, "--yes")
        until(lambda: reached() or process.poll() is not None)  # noqa: B023 - called before the next round
        if process.poll() is None:
            break
        assert process.wait() == 0, process.stderr.read()  # type: ignore[union-attr]
    else:
        pytest.fail(f"each of {TRIES} restores was through before it was seen at '{point}'")
    process.kill()
    process.communicate()
    assert contents(server, "shop") == old
    again = start(shop, tmp_path, "--yes", "--json")
    output, told = again.communicate(timeout=TIMEOUT)
    assert again.returncode == 0, told
    assert "leftover-dropped" in output or point == "created"
    assert contents(server, "shop") == good
    assert not any("_restore_" in name for name in beside(server, "shop"))


def test_r02_killed_while_the_tables_wait_to_move(shop: Backed, tmp_path: Path) -> None:
    """Somebody holds a table of the live database: its triggers are gone when the process is."""
    server = shop.server
    server.execute("DELETE FROM invoices WHERE id MOD 2 = 0", database="shop")
    old = contents(server, "shop")
    blocker = server.connect()
    with blocker.cursor() as cursor:
        cursor.execute("LOCK TABLES shop.customers READ")
    waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'RENAME TABLE%'"
    process = start(shop, tmp_path, "--yes")
    until(lambda: server.execute(waits) != [(0,)] or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
    process.kill()
    process.communicate()
    server.execute(*(f"KILL {number}" for (number,) in server.execute(waits.replace("COUNT(*)", "id"))))
    until(lambda: server.execute(waits) == [(0,)])  # else it might move them before it hears that it is to end
    blocker.close()
    assert server.execute("SHOW TRIGGERS FROM shop") == []
    with shop.restorer.lock():
        shop.restorer.clear_leftovers()
    assert contents(server, "shop") == old
    assert not beside(server, "shop")
    assert run_restore(shop).verdict is Verdict.PASS


def test_r02_the_server_is_lost_half_way(shop: Backed, tmp_path: Path) -> None:
    server = shop.server
    good = contents(server, "shop")
    server.execute("DELETE FROM invoices WHERE id MOD 2 = 0", database="shop")
    old = contents(server, "shop")
    reached = POINTS["loading"](server)
    process = start(shop, tmp_path, "--yes")
    until(lambda: reached() or process.poll() is not None)
    server.kill()
    _, told = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 4, told
    server.start()
    assert contents(server, "shop") == old
    assert run_restore(shop).verdict is Verdict.PASS
    assert contents(server, "shop") == good
    assert not any("_restore_" in name for name in beside(server, "shop"))


def _safety(shop: Backed) -> Callable[[], Manifest]:
    def made() -> Manifest:
        manifest = backup(app.open_engine(shop.target), shop.catalog, shop.target, clock=app.now, progress=Silent())
        assert isinstance(manifest, Manifest)
        return manifest

    return made


def test_in_place_what_fails_half_way_is_put_back(shop: Backed) -> None:
    server = shop.server
    manifest = rewritten(shop, lambda text: text.replace(b"INSERT INTO `invoices`", b"INSERT INTO `nowhere`"))
    server.execute("DELETE FROM invoices WHERE id MOD 2 = 0", database="shop")
    old = contents(server, "shop")
    with pytest.raises(DatabaseError) as caught:
        run_restore(shop, manifest=manifest, in_place=True, safety=_safety(shop))
    assert "is again what" in caught.value.hint
    assert contents(server, "shop") == old


def test_in_place_killed_half_way_says_so_and_is_done_again(shop: Backed, tmp_path: Path) -> None:
    server = shop.server
    good = contents(server, "shop")
    reached = _running(server, "shop", "^(INSERT INTO|CREATE TABLE `[a-z]|ALTER TABLE)")
    process = start(shop, tmp_path, "--yes", "--in-place")
    until(lambda: reached() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
    process.kill()
    process.communicate()
    again = start(shop, tmp_path, "--yes", "--in-place", "--backup", shop.manifest.id, "--json")
    output, told = again.communicate(timeout=TIMEOUT)
    assert again.returncode == 0, told
    assert "half-restored" in output
    assert contents(server, "shop") == good
