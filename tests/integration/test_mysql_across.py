"""From one product to the other, and to an older version: where it can work it does, and else it is refused, or ends,
clearly, with the live database as it was."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dbops.errors import DatabaseError, PreflightError
from dbops.model import Verdict
from tests.mysql_restoring import Backed, back_up, errors, run_restore, untouched
from tests.mysql_servers import MysqlServer, installation

PLAIN = (
    "CREATE TABLE customer (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, born DATE, UNIQUE (name))",
    "CREATE TABLE invoice (id BIGINT UNSIGNED PRIMARY KEY, customer INT, total DECIMAL(12,2), at DATETIME(6),"
    " seal BLOB, flag BIT(3), FOREIGN KEY (customer) REFERENCES customer (id))",
    "INSERT INTO customer (name, born) VALUES ('Zoë', '1970-01-01'), ('O''Hara', NULL)",
    "INSERT INTO invoice VALUES (18446744073709551615, 1, -0.50, '2026-01-01 00:00:00.000001', x'00ff27', b'101')",
)
CODE = (
    "CREATE VIEW owed AS SELECT name, SUM(total) AS sum FROM customer c JOIN invoice ON customer = c.id GROUP BY name",
    "CREATE TRIGGER guard BEFORE UPDATE ON invoice FOR EACH ROW SET NEW.id = OLD.id",
    "CREATE PROCEDURE p(IN n INT) SELECT n + 1",
)
ROWS = ("SELECT id, name, born FROM customer ORDER BY 1", "SELECT * FROM invoice")


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[str], MysqlServer]]:
    with ExitStack() as running:

        @functools.cache
        def server(name: str) -> MysqlServer:
            made = running.enter_context(MysqlServer(installation(name)))
            for database, statements in {"shop": PLAIN, "coded": PLAIN + CODE}.items():
                made.create_database(database, "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
                made.execute(*statements, database=database)
            return made

        yield server


def _backed(server: MysqlServer, name: str, store: Path) -> Backed:
    return back_up(server, name, store, jobs=1)


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("mariadb10.11", "mysql9.7"),
        ("mysql9.7", "mariadb10.11"),
        ("mysql9.7", "mariadb11.8"),
        ("mariadb11.8", "mariadb10.11"),
        ("mariadb10.11", "mariadb11.8"),
    ],
)
def test_what_both_know_comes_through(
    started: Callable[[str], MysqlServer], tmp_path: Path, source: str, destination: str
) -> None:
    server, other = started(source), started(destination)
    report = run_restore(_backed(server, "shop", tmp_path), server=other, into="copy", no_owner=True)
    assert (errors(report), report.verdict) == ([], Verdict.PASS)
    for query in ROWS:
        assert other.execute(query, database="copy") == server.execute(query, database="shop")
    told = {finding.id for finding in report.findings}
    assert told & {"other-product", "older-server"} or (source, destination) == ("mariadb10.11", "mariadb11.8")
    other.drop_database("copy")


@pytest.mark.parametrize(
    ("source", "destination"),
    [("mariadb10.11", "mysql9.7"), ("mysql9.7", "mariadb11.8"), ("mariadb11.8", "mariadb10.11")],
)
def test_views_triggers_and_routines_come_through(
    started: Callable[[str], MysqlServer], tmp_path: Path, source: str, destination: str
) -> None:
    server, other = started(source), started(destination)
    report = run_restore(_backed(server, "coded", tmp_path), server=other, into="copy", no_owner=True)
    assert (errors(report), report.verdict) == ([], Verdict.PASS)
    query = "SELECT * FROM owed"
    assert other.execute(query, database="copy") == server.execute(query, database="coded")
    assert other.execute("CALL p(1)", database="copy") == [(2,)]
    assert len(other.execute("SHOW TRIGGERS FROM copy")) == 1
    other.drop_database("copy")


def test_what_was_made_under_a_collation_that_the_other_does_not_know_ends_it(
    started: Callable[[str], MysqlServer], tmp_path: Path
) -> None:
    """A session of MySQL has utf8mb4_0900_ai_ci unless told otherwise, and so has what is made in it."""
    server, other = started("mysql9.7"), started("mariadb10.11")
    with untouched(other, "shop"), pytest.raises(DatabaseError, match="does not know a collation") as caught:
        run_restore(_backed(server, "coded", tmp_path), server=other, into="shop", no_owner=True)
    assert caught.value.kind == "server-lacks"


def test_a_character_set_that_the_other_does_not_know_is_refused(
    started: Callable[[str], MysqlServer], tmp_path: Path
) -> None:
    server, other = started("mariadb11.8"), started("mysql9.7")
    server.create_database("newer", "CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci")
    server.execute("CREATE TABLE t (id INT PRIMARY KEY)", database="newer")
    with untouched(other, "shop"), pytest.raises(PreflightError, match="utf8mb4_uca1400_ai_ci") as caught:
        run_restore(_backed(server, "newer", tmp_path), server=other, into="shop")
    assert caught.value.kind == "collation"
    assert "own product" in caught.value.hint
    server.drop_database("newer")


def test_a_sequence_is_refused_by_mysql(started: Callable[[str], MysqlServer], tmp_path: Path) -> None:
    server, other = started("mariadb10.11"), started("mysql9.7")
    server.create_database("drawn", "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    server.execute("CREATE SEQUENCE tickets", "CREATE TABLE t (id INT PRIMARY KEY)", database="drawn")
    with untouched(other, "shop"), pytest.raises(PreflightError, match="tickets") as caught:
        run_restore(_backed(server, "drawn", tmp_path), server=other, into="shop")
    assert caught.value.kind == "other-product"
    server.drop_database("drawn")


def test_a_type_that_the_other_does_not_know_ends_it(started: Callable[[str], MysqlServer], tmp_path: Path) -> None:
    """The inventory does not tell it beforehand: the server does, and it is named."""
    server, other = started("mariadb10.11"), started("mysql9.7")
    server.create_database("typed", "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    server.execute("CREATE TABLE hosts (id INT PRIMARY KEY, address INET6)", database="typed")
    with untouched(other, "shop"), pytest.raises(DatabaseError, match="CREATE TABLE hosts") as caught:
        run_restore(_backed(server, "typed", tmp_path), server=other, into="shop")
    assert caught.value.exit_code == 4
    server.drop_database("typed")
