"""Definitions that a server prints otherwise than as it has them: bytes that are no text, a condition said once more
each time, a question mark for a character."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.engine.mysql.spelling import spelled
from dbops.model import Severity, Verdict
from tests.mysql_restoring import back_up, beside, run_restore
from tests.mysql_servers import MysqlServer, installation, servers

BARE = """
CREATE VIEW bare AS SELECT _latin1 0xE9275C0A AS a, _sjis 0x955C AS b, _gbk 0x815C27 AS c, _latin1 'e' AS d,
    '_latin1''x' AS e, _utf8mb4 0xF09F9880 AS f;
CREATE VIEW upon AS SELECT b FROM bare WHERE a <> _latin1 0xE8;
CREATE TABLE things (id INT PRIMARY KEY, a INT, b VARCHAR(9));
INSERT INTO things VALUES (1, 2, 'x'), (2, NULL, NULL), (3, 2, 'y');
"""
GROWING = """
CREATE VIEW one AS SELECT a FROM things INTERSECT SELECT 2;
CREATE VIEW two AS SELECT a + 1, b FROM things WHERE id = 1 OR id = 3 INTERSECT SELECT 3, 'x';
CREATE VIEW three AS (SELECT a FROM things INTERSECT SELECT id FROM things) EXCEPT SELECT 9;
"""
READ = "SELECT HEX(a), HEX(b), HEX(c), HEX(d), HEX(e), HEX(f) FROM bare"


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture
def empty(server: MysqlServer) -> Iterator[MysqlServer]:
    server.create_database("shop")
    yield server
    for name in {"shop", *beside(server, "shop")}:
        server.drop_database(name)


def test_views_are_brought_back_and_taken_away_again(empty: MysqlServer, tmp_path: Path) -> None:
    empty.script(BARE + (GROWING if empty.kind == "mysql" else ""), "shop")
    bare = empty.execute(READ, database="shop")
    backed = back_up(empty, "shop", tmp_path)
    for _ in range(2):
        report = run_restore(backed)
        assert report.verdict is Verdict.PASS, report.findings
        assert empty.execute(READ, database="shop") == bare
    aside = backed.restorer.asides()[-1]
    with backed.restorer.lock():
        backed.restorer.undo(aside, "20350101T000000Z", end_sessions=False)
    assert empty.execute(READ, database="shop") == bare
    assert empty.execute("SELECT HEX(b) FROM upon", database="shop") == [("955C",)]


@pytest.mark.parametrize("name", ["bare", "one"])
def test_another_view_is_told(empty: MysqlServer, tmp_path: Path, name: str) -> None:
    if name == "one" and empty.kind != "mysql":
        pytest.skip("MariaDB prints an INTERSECT as it is")
    other = {"bare": BARE.replace("0xE9275C0A", "0xE9275C0B"), "one": GROWING.replace("SELECT 2;", "SELECT 3;")}[name]
    empty.script(BARE + (GROWING if name == "one" else ""), "shop")
    backed = back_up(empty, "shop", tmp_path)
    changed = next(line for line in other.split(";") if f"VIEW {name} " in line)
    empty.execute(changed.replace("CREATE VIEW", "CREATE OR REPLACE VIEW"), database="shop")
    after = back_up(empty, "shop", tmp_path / "after")
    views = [{each.name: each.digest for each in taken.manifest.inventory.objects["view"]} for taken in (backed, after)]
    assert {each for each in views[0] if views[0][each] != views[1][each]} == {name}


def test_a_member_that_is_not_printed_is_told(empty: MysqlServer, tmp_path: Path) -> None:
    """MariaDB 10.11 has no such members."""
    if empty.installation.name == "mariadb10.11":
        pytest.skip("it takes a question mark for each of them")
    empty.script(
        "SET NAMES utf8mb4;"
        "CREATE TABLE moods (id INT PRIMARY KEY, e ENUM('?', '😀', 'é'), s SET('x', '😀y'), plain ENUM('?', 'é'),"
        " unused ENUM('a', '😀')) CHARACTER SET utf8mb4;"
        "INSERT INTO moods VALUES (1, 'é', 'x', 'é', 'a'), (2, '😀', 'x,😀y', '?', NULL);",
        "shop",
        "--default-character-set=utf8mb4",
    )
    backed = back_up(empty, "shop", tmp_path)
    told = {f.subject: f.severity for f in backed.manifest.findings if f.id == "member-unprinted"}
    assert told == {"moods.e": Severity.WARNING, "moods.s": Severity.WARNING}


def test_bytes_in_no_string_of_another_character_set_end_nothing() -> None:
    assert spelled(b"select 'a', _latin1'\xe9\\'\\n\\Z''x' AS `\xc3\xa9`") == (
        "select 'a', _latin1 X'E9270A1A2778' AS `é`"
    )
    assert spelled("select _latin1'é', '😀'".encode()) == "select _latin1'é', '😀'"
    assert spelled(b"_latin1'e', '\xff'") == "_latin1'e', '\\xff'"
