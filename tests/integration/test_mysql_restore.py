"""Restores of MySQL and MariaDB: whole, under another name, undone, in place, in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dbops import app
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.restorer import MysqlRestorer
from dbops.engine.restoring import Wishes
from dbops.errors import PreflightError, RefusedError
from dbops.model import Manifest, Verdict
from dbops.ops.backup import backup
from dbops.ops.copy_check import check_copy
from dbops.ops.restore_plan import whole
from dbops.progress import Silent
from tests.mysql_restoring import (
    Backed,
    back_up,
    beside,
    contents,
    databases,
    errors,
    fill,
    run_restore,
    unpacked,
    untouched,
)
from tests.mysql_servers import MysqlServer, installation, servers

AWKWARD = "a `shop` é 50%"  # no quote: with an event in it, MariaDB's dump program then finds no such database


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param), settings={"event-scheduler": "ON"}) as running:
        yield running


@pytest.fixture
def empty(server: MysqlServer) -> Iterator[MysqlServer]:
    """The server, without what another test has left."""
    yield server
    for name in databases(server) - {"mysql", "sys", "information_schema", "performance_schema"}:
        server.drop_database(name)


def _shop(server: MysqlServer, store: Path, name: str = "shop", **options: Any) -> Backed:
    server.create_database(name)
    fill(server, name)
    return back_up(server, name, store, **options)


def _spoil(server: MysqlServer, name: str) -> dict[str, Any]:
    """Something of everything is another: rows, tables, triggers, routines, views, events."""
    server.execute(
        "DELETE FROM invoices WHERE id MOD 2 = 0",
        "DROP TRIGGER on_invoice",
        "DROP VIEW a_view_of_a_view",
        "CREATE OR REPLACE VIEW open_invoices AS SELECT 1 AS one",
        "CREATE TABLE more (i INT PRIMARY KEY)",
        "CREATE VIEW a_new_view AS SELECT * FROM more",
        "DROP FUNCTION twice",
        "CREATE PROCEDURE another() SELECT 2",
        "CREATE TRIGGER third AFTER INSERT ON customers FOR EACH ROW INSERT INTO log (what) VALUES ('third')",
        "DROP EVENT asleep",
        "CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO DELETE FROM log",
        database=name,
    )
    return contents(server, name)


def _asleep(found: dict[str, Any]) -> dict[str, Any]:
    """As it is set aside: its events are disabled."""
    return {
        name: text.replace("PRESERVE ENABLE", "PRESERVE DISABLE") if name.startswith("EVENT") else text
        for name, text in found.items()
    }


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", ["shop", AWKWARD])
def test_a_restore_brings_everything_back_and_undo_takes_it_away(
    empty: MysqlServer, tmp_path: Path, jobs: int, name: str
) -> None:
    backed = _shop(empty, tmp_path, name, jobs=jobs)
    good = contents(empty, name)
    old = _spoil(empty, name)
    report = run_restore(backed)
    assert report.verdict is Verdict.PASS, report.findings
    assert contents(empty, name) == good
    [aside] = backed.restorer.asides()
    assert report.provenance["old_database"] == aside.name
    kept = contents(empty, aside.name)
    assert {key: kept[key] for key in old} == _asleep(old)
    with backed.restorer.lock():
        undone = backed.restorer.undo(aside, "20350101T000000Z", end_sessions=False)
    assert contents(empty, name) == old
    assert beside(empty, name) == {undone}
    assert [each.name for each in backed.restorer.undone()] == [undone]
    backed.restorer.drop(backed.restorer.undone()[0])
    assert not beside(empty, name)


def test_restores_in_one_second_stand_apart(empty: MysqlServer, tmp_path: Path) -> None:
    shop = _shop(empty, tmp_path)
    for _ in range(2):
        run_restore(shop, clock=lambda: datetime(2026, 11, 24, 2, 45, tzinfo=UTC))
    assert beside(empty, "shop") == {"shop_before_20261124T024500Z", "shop_before_20261124T024501Z"}


def test_a_restore_into_another_name_leaves_the_source_alone(empty: MysqlServer, tmp_path: Path) -> None:
    backed = _shop(empty, tmp_path)
    good = contents(empty, "shop")
    report = run_restore(backed, into="other")
    assert report.verdict is Verdict.PASS, report.findings
    assert report.provenance["old_database"] == ""
    assert contents(empty, "other") == good == contents(empty, "shop")
    assert not beside(empty, "other")
    if empty.kind == "mariadb":  # its default draws from its own sequence, not from the source's
        before = empty.execute("SELECT next_not_cached_value FROM shop.tickets")
        empty.execute("INSERT INTO ticket (what) VALUES ('new')", database="other")
        assert empty.execute("SELECT next_not_cached_value FROM shop.tickets") == before


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_dump_that_switches_autocommit_off_is_committed(empty: MysqlServer, tmp_path: Path, jobs: int) -> None:
    """As that of MariaDB 11.8 does around the rows of each table."""
    if empty.installation.name != "mariadb11.8":
        pytest.skip("the dump program of this server does not")
    backed = _shop(empty, tmp_path, jobs=jobs)
    archive = next(path for path in tmp_path.rglob("*.sql.zst") if jobs == 1 or path.name.startswith("data-"))
    assert b"AUTOCOMMIT=0" in unpacked(archive)
    assert run_restore(backed, into="copy").verdict is Verdict.PASS
    assert contents(empty, "copy") == contents(empty, "shop")


@pytest.mark.parametrize("name", servers())
def test_a_server_that_keeps_names_in_lower_case(name: str, tmp_path: Path) -> None:
    """lower_case_table_names=1: what it prints of a side database is not the name that was asked for."""
    with MysqlServer(installation(name), settings={"lower-case-table-names": "1"}) as server:
        server.create_database("shop")
        fill(server, "shop")
        backed = back_up(server, "SHOP", tmp_path, jobs=2)
        assert backed.manifest.engine.database == "shop"
        good = contents(server, "shop")
        report = run_restore(backed)
        assert (report.verdict, [one.id for one in report.findings]) == (Verdict.PASS, ["old-database"])
        assert contents(server, "shop") == good
        [aside] = backed.restorer.asides()
        assert report.provenance["old_database"] == aside.name == aside.name.lower()
        with backed.restorer.lock():
            backed.restorer.undo(aside, "20350101T000000Z", end_sessions=False)
        assert [one.name for one in backed.restorer.undone()] == ["shop_undone_20350101t000000z"]
        assert contents(server, "shop") == good
        assert run_restore(backed, into="Other").verdict is Verdict.PASS
        assert contents(server, "other") == good


def test_a_server_that_asks_for_primary_keys(empty: MysqlServer, tmp_path: Path) -> None:
    """Managed ones do; a table that was made before has none."""
    if empty.kind == "mariadb":
        pytest.skip("it knows no sql_require_primary_key")
    shop = _shop(empty, tmp_path)
    good = contents(empty, "shop")
    empty.execute("SET GLOBAL sql_require_primary_key = ON")
    try:
        assert run_restore(shop).verdict is Verdict.PASS
        assert contents(empty, "shop") == good
    finally:
        empty.execute("SET GLOBAL sql_require_primary_key = OFF")


@pytest.mark.parametrize("level", ["archive", "content"])
def test_decimals_in_documents(empty: MysqlServer, tmp_path: Path, level: str) -> None:
    """No text of MySQL brings back a DECIMAL, or more than 64 bits, in a JSON document: it comes back as a DOUBLE."""
    if empty.kind == "mariadb":
        pytest.skip("its JSON is the text itself")
    empty.create_database("shop")
    price = "CAST(CONCAT(FLOOR(RAND() * POW(10, n % 12)), '.', LPAD(n, 4, '0'), '00') AS DECIMAL(30, 6))"
    number = "CAST(CONCAT(n + 1, REPEAT(FLOOR(RAND() * 10), n % 60)) AS DECIMAL(65))"
    empty.script(
        "CREATE TABLE orders (id INT PRIMARY KEY, doc JSON);"
        "INSERT INTO orders WITH RECURSIVE one (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM one WHERE n < 600)"
        f" SELECT n, JSON_OBJECT('a \"1.50', {price}, 'b', JSON_ARRAY({number}, -{price}, 1.5e0 / (n + 1), n, NULL),"
        " 'at', NOW(6), 'raw', CAST(n AS BINARY)) FROM one;",
        "shop",
    )
    backed = back_up(empty, "shop", tmp_path, inventory=level)
    report = run_restore(backed, into="other")
    assert report.verdict is Verdict.PASS, report.findings


def test_a_table_that_takes_no_row_below_its_next_value(empty: MysqlServer, tmp_path: Path) -> None:
    """Of the engine ARCHIVE, which not every server has: its dump names that value before the rows."""
    if not empty.execute("SELECT 1 FROM information_schema.engines WHERE engine = 'ARCHIVE'"):
        pytest.skip("the server has no such engine")
    empty.create_database("old")
    empty.execute(
        "CREATE TABLE past (id INT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(60)) ENGINE=ARCHIVE",
        "INSERT INTO past (t) VALUES ('one'), (') ENGINE=ARCHIVE AUTO_INCREMENT=7')",
        database="old",
    )
    good = contents(empty, "old")
    assert run_restore(back_up(empty, "old", tmp_path), into="copy").verdict is Verdict.PASS
    assert contents(empty, "copy") == good
    empty.execute("INSERT INTO past (t) VALUES ('three')", database="copy")
    assert empty.execute("SELECT MAX(id) FROM past", database="copy") == [(3,)]


def test_a_foreign_key_to_a_table_that_is_not_there(empty: MysqlServer, tmp_path: Path) -> None:
    """As it was, whatever the way: RENAME TABLE corrects what leads to tables that move, and nothing else."""
    empty.create_database("loose")
    empty.execute(
        *(
            "SET foreign_key_checks = 0",
            "CREATE TABLE child (a INT, b INT,"
            " CONSTRAINT k FOREIGN KEY (a, b) REFERENCES `go``ne` (id, part) ON DELETE SET NULL ON UPDATE CASCADE,"
            " CONSTRAINT k2 FOREIGN KEY (b) REFERENCES `go``ne` (part))",
        ),
        database="loose",
    )
    backed, as_it_was = back_up(empty, "loose", tmp_path), empty.execute("SHOW CREATE TABLE loose.child")
    assert run_restore(backed).verdict is Verdict.PASS
    assert empty.execute("SHOW CREATE TABLE loose.child") == as_it_was
    report = run_restore(backed, in_place=True, safety=lambda: back_up(empty, "loose", tmp_path).manifest)
    assert report.verdict is Verdict.PASS
    assert empty.execute("SHOW CREATE TABLE loose.child") == as_it_was


def test_a_table_that_others_refer_to_was_dropped(empty: MysqlServer, tmp_path: Path) -> None:
    """The old tables must not refer to the new one: a row deleted from it would be deleted from them, too."""
    empty.create_database("shop")
    empty.execute(
        "CREATE TABLE hosts (id INT PRIMARY KEY)",
        "CREATE TABLE items (host INT NOT NULL, FOREIGN KEY (host) REFERENCES hosts (id) ON DELETE CASCADE)",
        "INSERT INTO hosts VALUES (1)",
        "INSERT INTO items VALUES (1)",
        database="shop",
    )
    backed = back_up(empty, "shop", tmp_path)
    empty.execute("SET foreign_key_checks = 0", "DROP TABLE hosts", database="shop")
    broken = contents(empty, "shop")
    run_restore(backed)
    [old] = beside(empty, "shop")
    empty.execute("DELETE FROM hosts", database="shop")
    assert empty.execute("SELECT host FROM items", database=old) == [(1,)]
    assert empty.execute("SELECT host FROM items", database="shop") == []
    with backed.restorer.lock():
        [aside] = backed.restorer.asides()
        backed.restorer.undo(aside, "20350101T000000Z", end_sessions=False)
    assert contents(empty, "shop") == broken


def test_a_copy_of_many_rows_has_its_indexes_and_foreign_keys(empty: MysqlServer, tmp_path: Path) -> None:
    """Of a table as large as this they are made once it is full."""
    empty.create_database("big")
    empty.execute(
        "CREATE TABLE parent (code VARCHAR(20) NOT NULL, id INT AUTO_INCREMENT PRIMARY KEY, UNIQUE KEY code (code),"
        " FULLTEXT KEY words (code))",
        "CREATE TABLE child (id INT PRIMARY KEY, code VARCHAR(20), self INT, KEY a (code, id), KEY b (id DESC, code),"
        " CONSTRAINT up FOREIGN KEY (code) REFERENCES parent (code) ON DELETE CASCADE,"
        " CONSTRAINT me FOREIGN KEY (self) REFERENCES child (id))",
        "CREATE TABLE few (code VARCHAR(20), CONSTRAINT many FOREIGN KEY (code) REFERENCES parent (code))",
        "CREATE TABLE counted (n INT AUTO_INCREMENT, code VARCHAR(20), KEY n (n), UNIQUE KEY code (code))",
        "INSERT INTO parent (code) VALUES " + ",".join(f"('c{n}')" for n in range(25_000)),
        "INSERT INTO child SELECT id, code, id FROM parent",
        "INSERT INTO counted (code) SELECT code FROM parent",
        "INSERT INTO few SELECT code FROM parent LIMIT 3",
        database="big",
    )
    good = contents(empty, "big")
    for jobs in (1, 2):
        backed = back_up(empty, "big", tmp_path / str(jobs), jobs=jobs)
        assert run_restore(backed, into="copy").verdict is Verdict.PASS
        assert contents(empty, "copy") == good


def test_a_sandbox_gets_the_database_under_its_own_name(
    empty: MysqlServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    backed = _shop(empty, tmp_path)
    good = contents(empty, "shop")
    with MysqlServer(empty.installation, settings={"event-scheduler": "OFF"}) as sandbox:
        restorer = MysqlRestorer(Access(sandbox.url()), "shop", None)
        wishes = Wishes(jobs=2)
        with whole(backed.catalog, backed.manifest, jobs=1, progress=Silent(), phases={}) as archive:
            with restorer.fresh(backed.manifest) as side:
                assert side.load(backed.manifest, archive.path, wishes, Silent()) == []
                side.analyze(2)
                side.settle(archive.database_sql, wishes)
                assert contents(sandbox, "shop") == good
                info = app.open_engine(backed.target).server().info
                check = check_copy(side, archive, wishes, Silent(), server=info)
                assert check.comparison.findings == []
                assert side.value("SELECT COUNT(*) FROM customers", 5.0) == 500
                with pytest.raises(RefusedError, match="exists already"), restorer.fresh(backed.manifest):
                    pass
            assert "shop" not in databases(sandbox)


def _in_place(backed: Backed, **options: Any) -> Any:
    """With the safety backup that the command makes."""

    def safety() -> Manifest:
        made = backup(app.open_engine(backed.target), backed.catalog, backed.target, clock=app.now, progress=Silent())
        assert isinstance(made, Manifest)
        return made

    return run_restore(backed, in_place=True, safety=safety, **options)


def test_in_place_everything_is_replaced(empty: MysqlServer, tmp_path: Path) -> None:
    backed = _shop(empty, tmp_path)
    good = contents(empty, "shop")
    _spoil(empty, "shop")
    report = _in_place(backed)
    assert report.verdict is Verdict.PASS, report.findings
    assert contents(empty, "shop") == good
    assert not beside(empty, "shop")


def test_foreign_keys_from_elsewhere_are_refused_but_in_place(empty: MysqlServer, tmp_path: Path) -> None:
    backed = _shop(empty, tmp_path)
    empty.create_database("elsewhere")
    empty.execute(
        "CREATE TABLE x (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES shop.customers (id))",
        "INSERT INTO x VALUES (1, 1)",
        database="elsewhere",
    )
    with untouched(empty, "shop"), pytest.raises(PreflightError, match=r"elsewhere\.x") as caught:
        run_restore(backed)
    assert "--in-place" in caught.value.hint
    assert _in_place(backed).verdict is Verdict.PASS
    assert "`shop`.`customers`" in empty.execute("SHOW CREATE TABLE elsewhere.x")[0][1]
    empty.execute("DROP DATABASE elsewhere")


def test_sessions_in_the_way_are_named_or_ended(empty: MysqlServer, tmp_path: Path) -> None:
    backed = _shop(empty, tmp_path)
    connection = empty.connect("shop")
    connection.cursor().execute("BEGIN")
    connection.cursor().execute("SELECT * FROM customers")
    with untouched(empty, "shop"), pytest.raises(RefusedError, match="root from localhost"):
        run_restore(backed)
    assert run_restore(backed, end_sessions=True).verdict is Verdict.PASS
    assert not errors(run_restore(backed))
