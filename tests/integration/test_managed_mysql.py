"""As on a managed server: the account has no SUPER, no RELOAD and no FLUSH_TABLES, and one database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.model import Severity, Verdict
from dbops.ops.drill import drill
from dbops.progress import Silent
from tests.fault import support
from tests.mysql_servers import MysqlServer, installation
from tests.rounds import complaints, restored

CONTENT = """
CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60));
INSERT INTO customers (name) VALUES ('one'), ('two'), ('three');
CREATE TABLE invoices (id INT PRIMARY KEY, customer INT, FOREIGN KEY (customer) REFERENCES customers (id));
INSERT INTO invoices VALUES (1, 1), (2, 3);
CREATE VIEW names AS SELECT name FROM customers;
"""
RIGHTS = """
SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, EVENT,
CREATE ROUTINE, ALTER ROUTINE, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES
"""
"""What such services give on databases of one's own; with PROCESS on all, as RDS has it."""


@pytest.fixture(scope="module", params=["mariadb10.11", "mysql9.7"])
def managed(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    settings = {"log-bin": "binlog", "log-bin-trust-function-creators": "ON"}
    with MysqlServer(installation(request.param), settings=settings) as server:
        server.execute("CREATE USER master IDENTIFIED BY 'm'", "GRANT PROCESS ON *.* TO master")
        server.execute(f"GRANT {RIGHTS} ON `shop%`.* TO master")
        yield server


@pytest.fixture
def target(managed: MysqlServer) -> Iterator[Target]:
    managed.create_database("shop")
    target = Target(url=Secret(managed.url("shop", user="master", password="m")), name="shop", bindir=managed.bindir)
    connection = managed.connect("shop", user="master", password="m")
    with connection.cursor() as cursor:
        for statement in filter(str.strip, CONTENT.split(";")):
            cursor.execute(statement)
    connection.close()
    yield target
    for (name,) in managed.execute("SHOW DATABASES LIKE 'shop%'"):
        managed.drop_database(name)


def test_doctor_and_backup(target: Target, tmp_path: Path) -> None:
    """Nobody wrote meanwhile, as the server's log says: the moment is one, although no lock could be had."""
    found = [finding for finding in complaints(target) if finding.severity is Severity.ERROR]
    assert found == []
    made = support.run(target, tmp_path)
    assert (made.inventory.basis, made.findings) == ("snapshot", ())


@pytest.mark.parametrize("in_place", [False, True], ids=["beside", "in place"])
def test_restore(target: Target, tmp_path: Path, in_place: bool) -> None:
    made = support.run(target, tmp_path)
    report = restored(target, tmp_path, made, in_place=in_place)
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)


def test_drill_on_such_a_server(target: Target, managed: MysqlServer, tmp_path: Path) -> None:
    made = support.run(target, tmp_path)
    managed.drop_database("shop")
    catalog = app.open_catalog(StoreConfig(url=str(tmp_path)))
    places = app.places(target, managed.url(user="master", password="m"))
    report = drill(catalog, made, target, places, clock=app.now, progress=Silent())
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)
