"""Faults R01, R03, R04, R06, R08 to R11 for MySQL and MariaDB: bad dumps, wrong places, servers that lack something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dbops.engine.mysql import settle
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.restorer import MysqlRestorer
from dbops.engine.restoring import Wishes
from dbops.errors import BadBackupError, DatabaseError, DbopsError, PreflightError
from dbops.model import Manifest, Severity, Verdict
from dbops.progress import Silent
from tests.mysql_restoring import (
    Backed,
    back_up,
    before_compare,
    beside,
    contents,
    databases,
    errors,
    fill,
    rewritten,
    run_restore,
    untouched,
)
from tests.mysql_servers import MysqlServer, installation, servers

SECRET = "4711-secret"


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param), settings={"event-scheduler": "ON"}) as running:
        yield running


@pytest.fixture(scope="module")
def filled(server: MysqlServer) -> MysqlServer:
    """The tests change nothing in it for good: each shows that."""
    server.create_database("shop")
    fill(server, "shop")
    return server


@pytest.fixture(scope="module")
def backed(filled: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Backed:
    return back_up(filled, "shop", tmp_path_factory.mktemp("store"), jobs=1)


@pytest.fixture
def shop(backed: Backed, tmp_path: Path) -> Backed:
    """With a store of the test's own, to spoil."""
    return backed.copied(tmp_path / "store")


def _without_trailer(text: bytes) -> bytes:
    return text[: text.index(b"-- Dump completed")]


def _cut_between_statements(text: bytes) -> bytes:
    return text[: text.index(b";\n", text.index(b"INSERT INTO `invoices`")) + 2]


def _cut_in_a_statement(text: bytes) -> bytes:
    return text[: text.index(b"INSERT INTO `invoices`") + 200]


@pytest.mark.parametrize("cut", [_without_trailer, _cut_between_statements, _cut_in_a_statement])
def test_r01_a_cut_dump_does_not_touch_the_database(shop: Backed, cut: Callable[[bytes], bytes]) -> None:
    manifest = rewritten(shop, cut)
    with untouched(shop.server, "shop"), pytest.raises(BadBackupError) as caught:
        run_restore(shop, manifest=manifest)
    assert caught.value.kind == "archive-truncated"


def test_r01_a_dump_with_fewer_rows_does_not_touch_the_database(shop: Backed) -> None:
    def without_rows(text: bytes) -> bytes:
        begin = text.index(b"INSERT INTO `invoices`")
        return text[:begin] + text[text.index(b";\n", begin) + 2 :]

    manifest = rewritten(shop, without_rows)
    with untouched(shop.server, "shop"):
        report = run_restore(shop, manifest=manifest)
    assert report.verdict is Verdict.FAIL
    assert "invoices" in {finding.subject for finding in errors(report)}


ROWS_AGAIN = b"INSERT INTO `customers` (`id`, `name`) VALUES (1,'%s');\n" % SECRET.encode()
SAME_NAME = b"INSERT INTO `customers` (`id`, `name`) VALUES (9001,'%s'),(9002,'%s');\n" % ((SECRET.encode(),) * 2)
NO_COLUMN = b"INSERT INTO `customers` (`nowhere`) VALUES ('%s');\n" % SECRET.encode()
NO_SYNTAX = b"INSERT INTO `customers` (`id`, `name`) VALUES (9003,'%s' oops);\n" % SECRET.encode()
NO_DATE = b"INSERT INTO `invoices` (`customer_id`, `paid_at`, `body`) VALUES (1,NULL,'{%s');\n" % SECRET.encode()


@pytest.mark.parametrize("rows", [ROWS_AGAIN, SAME_NAME, NO_COLUMN, NO_SYNTAX, NO_DATE])
def test_r03_the_first_error_ends_it_and_tells_no_data(shop: Backed, rows: bytes) -> None:
    """Somewhere in the midst of the dump: a client told to go on would end with status 0."""
    table = b"`customers`" if b"`customers`" in rows else b"`invoices`"

    def worse(text: bytes) -> bytes:
        at = text.index(b"\n/*!40000 ALTER TABLE " + table + b" ENABLE KEYS")
        return text[: at + 1] + rows + text[at + 1 :]

    manifest = rewritten(shop, worse)
    # JSON of MariaDB is a CHECK, and rows load unchecked, as they may have stood: there the comparison finds this one.
    loads = rows is NO_DATE and shop.server.kind == "mariadb"
    with untouched(shop.server, "shop"), pytest.raises(BadBackupError if loads else DatabaseError) as caught:
        run_restore(shop, manifest=manifest)
    assert caught.value.kind == ("rows-unreadable" if loads else "load-failed")
    assert table.decode().strip("`") in caught.value.message
    assert SECRET not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


def test_r03_a_definition_that_fails_is_named(shop: Backed) -> None:
    secret = f"SELECT SELECT '{SECRET}'".encode()
    manifest = rewritten(shop, lambda text: text.replace(b"BEGIN RETURN n * 2; END", secret))
    with untouched(shop.server, "shop"), pytest.raises(DatabaseError, match="create function twice") as caught:
        run_restore(shop, manifest=manifest)
    assert SECRET not in str(caught.value)


def test_r04_the_reader_sees_what_is_at_stake(shop: Backed, tmp_path: Path) -> None:
    plans: list[Any] = []

    def look(plan: Any) -> bool:
        plans.append(plan)
        return False

    shop.server.execute("ANALYZE TABLE customers, invoices", database="shop")  # MySQL's estimate is late by seconds
    with untouched(shop.server, "shop"):
        report = run_restore(shop, confirm=look)
    there = plans[0].destination
    assert (there.name, there.exists, there.tables) == ("shop", True, 4 if shop.server.kind == "mariadb" else 3)
    assert there.rows > 3000
    assert there.bytes > 100_000
    assert there.server.host == f"127.0.0.1:{shop.server.port}"
    assert report.provenance["server"] == report.provenance["source_server"] != ""
    engine = msgspec.structs.replace(shop.manifest.engine, server_id="another server", database="another")
    report = run_restore(shop, manifest=msgspec.structs.replace(shop.manifest, engine=engine), confirm=look)
    assert {"other-server", "other-database"} <= {finding.id for finding in report.findings}


def _user(server: MysqlServer, *grants: str) -> Access:
    server.execute("DROP USER IF EXISTS plain", f"CREATE USER plain IDENTIFIED BY '{SECRET}'")
    server.execute(*(f"GRANT {grant} TO plain" for grant in grants))
    return Access(server.url("shop", user="plain", password=SECRET))


def _found(access: Access, manifest: Manifest, **wishes: Any) -> dict[str, str]:
    found = MysqlRestorer(access, None, None).preflight(manifest, Wishes(**wishes)).findings
    return {
        finding.id: f"{finding.subject}: {finding.expected}" for finding in found if finding.severity is Severity.ERROR
    }


def test_r06_what_the_server_lacks_is_named_before_anything_is_done(shop: Backed) -> None:
    server = shop.server
    inventory = msgspec.structs.replace(shop.manifest.inventory, roles=("'nobody'@'%'",))
    engine = msgspec.structs.replace(shop.manifest.engine, collation="utf8mb4_klingon_ci")
    manifest = msgspec.structs.replace(shop.manifest, inventory=inventory, engine=engine)
    with untouched(server, "shop"), pytest.raises(PreflightError, match="utf8mb4_klingon_ci"):
        run_restore(shop, manifest=manifest)
    root = Access(server.url("shop"))
    assert _found(root, manifest).keys() == {"missing-role", "collation"}
    assert _found(root, manifest, create_roles=True, no_owner=False).keys() == {"collation"}
    assert _found(root, manifest, no_owner=True).keys() == {"collation"}
    alone = _user(server, "ALL ON shop.*", "SELECT ON mysql.user")
    found = _found(alone, shop.manifest)
    assert "shop_restore_" in found["missing-right"]
    assert "root" in found["foreign-role"]
    assert "missing-right" not in _found(alone, shop.manifest, in_place=True)
    beside_too = _user(server, r"ALL ON `shop%`.*", "SELECT ON mysql.user")
    assert "missing-right" not in _found(beside_too, shop.manifest)
    server.execute("DROP USER plain")


def test_r06_a_dump_for_another_product_fails_for_the_servers_sake(shop: Backed) -> None:
    """Its live database is not touched, and the error does not blame the backup."""
    manifest = rewritten(
        shop,
        lambda text: text.replace(b"CREATE TABLE `log` (", b"CREATE TABLE `log` (`x` text COLLATE utf8mb4_klingon_ci,"),
    )
    with untouched(shop.server, "shop"), pytest.raises(DatabaseError) as caught:
        run_restore(shop, manifest=manifest)
    assert caught.value.kind == "server-lacks"


def test_r08_neither_triggers_nor_events_act_on_the_copy(
    filled: MysqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler is on; a copy lies beside the live database for longer than the event takes to come."""
    filled.create_database("jobs")
    filled.execute(
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE TABLE mails (what VARCHAR(20))",
        "CREATE TRIGGER mail AFTER INSERT ON t FOR EACH ROW INSERT INTO mails VALUES ('trigger')",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE EVENT send ON SCHEDULE EVERY 1 SECOND DO INSERT INTO mails VALUES ('event')",
        "ALTER EVENT send DISABLE",
        "DELETE FROM mails",
        "ALTER EVENT send ENABLE",
        database="jobs",
    )
    backed = back_up(filled, "jobs", tmp_path)
    sent = dict.fromkeys(table.rows for table in backed.manifest.inventory.tables if table.name == "mails")
    seen = []

    def wait(side: str) -> None:
        time.sleep(2.5)
        seen.append(filled.execute("SELECT COUNT(*) FROM mails", database=side)[0][0])

    before_compare(monkeypatch, wait)
    assert run_restore(backed, into="jobs2").verdict is Verdict.PASS
    assert seen == list(sent)
    filled.execute("DELETE FROM mails", database="jobs2")
    time.sleep(2.5)  # under its name it goes on
    assert filled.execute("SELECT COUNT(*) > 0 FROM mails", database="jobs2") == [(1,)]
    for name in ("jobs", "jobs2"):
        filled.drop_database(name)


@pytest.mark.parametrize(
    "line",
    [b"\\! touch %s\n", b"system touch %s\n", b"source %s\n", b"DELIMITER \\! touch %s\n", b"tee %s\n", b"\\. %s\n"],
)
def test_r09_commands_of_a_client_are_refused(shop: Backed, tmp_path: Path, line: bytes) -> None:
    touched = tmp_path / "touched"
    command = line % str(touched).encode()
    manifest = rewritten(
        shop, lambda text: text.replace(b"CREATE TABLE `invoices`", command + b"CREATE TABLE `invoices`")
    )
    with untouched(shop.server, "shop"), pytest.raises(BadBackupError) as caught:
        run_restore(shop, manifest=manifest)
    assert caught.value.kind == "client-command"
    assert not touched.exists()


@pytest.mark.parametrize(
    "statement",
    [
        b"SET GLOBAL max_connections = 7;\n",
        b"SET @@global.max_connections = 7;\n",
        b"SET @x = 1, @@GLOBAL.max_connections = 7;\n",
        b"GRANT ALL ON *.* TO somebody;\n",
        b"CREATE USER somebody;\n",
        b"DROP DATABASE shop;\n",
        b"DROP TABLE IF EXISTS `mysql`.`user`;\n",
        b"INSERT INTO `other`.`t` VALUES (1);\n",
        b"CREATE TABLE `other`.`t` (`id` int);\n",
        b"SELECT 1 INTO OUTFILE '/tmp/x';\n",
        b"LOAD DATA INFILE '/etc/passwd' INTO TABLE `log`;\n",
        b"ALTER TABLE `log` ADD COLUMN `x` int;\n",
        b"SHUTDOWN;\n",
    ],
)
def test_r09_statements_that_no_dump_holds_are_refused(shop: Backed, statement: bytes) -> None:
    manifest = rewritten(shop, lambda text: text.replace(b"CREATE TABLE `log`", statement + b"CREATE TABLE `log`"))
    shop.server.create_database("other")
    with untouched(shop.server, "shop"), pytest.raises(BadBackupError) as caught:
        run_restore(shop, manifest=manifest)
    assert caught.value.kind == "foreign-statement"
    assert shop.server.execute("SELECT @@global.max_connections") != [(7,)]
    shop.server.drop_database("other")


def test_r09_what_is_about_replication_is_passed_over_and_told(shop: Backed) -> None:
    lines = b"SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'abc';\nCHANGE MASTER TO MASTER_HOST='evil';\n"
    manifest = rewritten(shop, lambda text: text.replace(b"CREATE TABLE `log`", lines + b"CREATE TABLE `log`"))
    report = run_restore(shop, manifest=manifest, into="copy")
    assert report.verdict is Verdict.PASS, report.findings
    assert len([finding for finding in report.findings if finding.id == "statement-passed-over"]) == 2
    shop.server.drop_database("copy")


def test_r06_a_grant_to_a_missing_account_makes_none(filled: MysqlServer) -> None:
    """MariaDB would, without a password."""
    with pytest.raises(DatabaseError):
        settle.settle(Access(filled.url("shop")), ("GRANT SELECT ON * TO 'ghost'@'%'",))
    assert filled.execute("SELECT COUNT(*) FROM mysql.user WHERE user = 'ghost'") == [(0,)]


def test_r10_definers_that_are_not_there(filled: MysqlServer, tmp_path: Path) -> None:
    filled.execute("CREATE USER gone", "GRANT ALL ON *.* TO gone")
    filled.create_database("owned")
    filled.execute(
        "CREATE TABLE t (id INT)",
        "CREATE DEFINER=gone VIEW v AS SELECT * FROM t",
        "CREATE DEFINER=gone TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1",
        "CREATE DEFINER=gone PROCEDURE p() SELECT 1",
        "CREATE DEFINER=gone EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO SELECT 1",
        database="owned",
    )
    backed = back_up(filled, "owned", tmp_path, jobs=1)
    good = contents(filled, "owned")
    filled.execute("DROP USER gone")
    with pytest.raises(PreflightError, match="'gone'@'%'"):
        run_restore(backed)
    report = run_restore(backed, no_owner=True)
    assert report.verdict is Verdict.PASS, report.findings
    found = contents(filled, "owned")
    assert "gone" not in str(found)
    assert found.keys() == good.keys()
    assert run_restore(backed, create_roles=True).verdict is Verdict.PASS
    assert contents(filled, "owned") == good
    assert filled.execute("SELECT COUNT(*) FROM mysql.user WHERE user = 'gone'") == [(1,)]
    filled.execute("DROP USER gone")
    filled.drop_database("owned")


def test_a_view_whose_definer_has_rights_on_the_live_database_alone(filled: MysqlServer, tmp_path: Path) -> None:
    """As an application's user has: in the copy, under its other name, the view cannot be selected from."""
    filled.create_database("owned")
    filled.execute("DROP USER IF EXISTS app", "CREATE USER app", "GRANT ALL ON owned.* TO app")
    filled.execute("CREATE TABLE t (id INT)", "CREATE DEFINER=app VIEW v AS SELECT * FROM t", database="owned")
    backed = back_up(filled, "owned", tmp_path, jobs=1)
    report = run_restore(backed)
    assert report.verdict is Verdict.PASS, report.findings
    assert filled.execute("SELECT * FROM v", database="owned") == []
    filled.execute("DROP USER app")
    filled.drop_database("owned")


def test_r10_a_definer_that_we_may_not_name_is_replaced_and_told(filled: MysqlServer, tmp_path: Path) -> None:
    """The preflight would refuse it; here the server does only when it comes to that."""
    filled.create_database("owned")
    filled.execute("CREATE TABLE t (id INT)", "CREATE PROCEDURE p() SELECT 1", database="owned")
    backed = back_up(filled, "owned", tmp_path, jobs=1)
    access = _user(filled, "ALL ON `owned%`.*")
    restorer = MysqlRestorer(Access(filled.url("owned", user="plain", password=SECRET)), "owned_copy", None)
    archive = next(Path(backed.catalog.store.url.removeprefix("file://")).rglob("backup_*.sql.zst"))
    with restorer.fresh(backed.manifest) as side:
        [finding] = side.load(backed.manifest, archive, Wishes(jobs=1), Silent())
        assert (finding.id, finding.severity) == ("definer-replaced", Severity.WARNING)
        assert "root@localhost" in finding.subject
        assert "plain" in contents(filled, "owned_copy")["PROCEDURE p"]
    assert access
    filled.execute("DROP USER plain")
    filled.drop_database("owned")


def test_r11_a_counter_that_is_behind_is_found(shop: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    def behind(side: str) -> None:
        shop.server.execute("ALTER TABLE customers AUTO_INCREMENT = 9000", database=side)

    before_compare(monkeypatch, behind)
    with untouched(shop.server, "shop"):
        report = run_restore(shop)
    assert report.verdict is Verdict.FAIL
    assert [finding.subject for finding in errors(report)] == ["customers.id"]


def test_what_fails_leaves_nothing_behind(shop: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(side: str) -> None:
        raise DbopsError(f"{side} cannot be read")

    before_compare(monkeypatch, broken)
    with untouched(shop.server, "shop"), pytest.raises(DbopsError, match="cannot be read"):
        run_restore(shop)
    assert not beside(shop.server, "shop")
    assert "shop" in databases(shop.server)
