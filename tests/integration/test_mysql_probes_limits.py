"""A closer look that cannot be had in full: not evaluated, with the reason; it never hangs, nor hides a loss."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.examine import common, examine, views
from dbops.engine.mysql.usual import value
from dbops.errors import DatabaseError
from dbops.progress import Silent
from tests.mysql_probing import examined, reasons, told, tried
from tests.mysql_servers import MysqlServer, installation, servers
from tests.unit.samples import a_manifest

NAME = "limits"
TABLES = (
    "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b INT UNIQUE, CONSTRAINT above CHECK (a > 0))",
    "INSERT INTO t (a, b) VALUES (1, 1), (2, 2)",
    "CREATE TABLE orphan (id INT PRIMARY KEY, t INT, CONSTRAINT lost FOREIGN KEY (t) REFERENCES t (id))",
    "SET SESSION foreign_key_checks = 0",
    "INSERT INTO orphan VALUES (1, 9)",
)


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture
def database(server: MysqlServer) -> Iterator[MysqlServer]:
    server.create_database(NAME)
    server.execute(*TABLES, database=NAME)
    yield server
    server.drop_database(NAME)


def test_what_takes_too_long_is_not_evaluated(database: MysqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An insert, which no setting of MySQL ends."""
    trigger = "CREATE TRIGGER slow BEFORE INSERT ON t FOR EACH ROW SET NEW.a = SLEEP(60) + 1"
    database.execute(trigger, "CREATE TABLE quick (id INT)", database=NAME)
    monkeypatch.setattr(common, "STATEMENT_SECONDS", 2)
    start = time.monotonic()
    found = examined(database, NAME, jobs=1)
    assert time.monotonic() - start < 30
    assert reasons(found, "insert") == ["it took longer than 2 seconds: t"]
    assert tried(found, "insert") == 2
    assert [finding.subject for finding in found.findings] == ["lost ON orphan"]


def test_a_view_that_runs_long_is_a_view_that_works(database: MysqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    database.execute("CREATE VIEW slow AS SELECT SLEEP(id + 60) AS n FROM t WHERE SLEEP(id + 60) = 0", database=NAME)
    monkeypatch.setattr(views, "FIRST_ROW_SECONDS", 1)
    start = time.monotonic()
    found = examined(database, NAME)
    assert time.monotonic() - start < 30
    assert (tried(found, "views"), reasons(found, "views")) == (1, [])


def test_a_lock_that_is_not_granted(database: MysqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "LOCK_SECONDS", 1)
    with contextlib.closing(database.connect(NAME)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLES t READ")
        found = examined(database, NAME)
        assert reasons(found, "insert") == ["a lock was not granted in 1 seconds: t"]
        assert tried(found, "insert") == 1
        assert [finding.subject for finding in told(found)] == ["lost ON orphan"]


def test_an_expression_that_fails_spoils_no_other(database: MysqlServer) -> None:
    database.execute(
        "CREATE TABLE odd (id INT PRIMARY KEY, a VARCHAR(9), CONSTRAINT fits CHECK (id REGEXP a),"
        " CONSTRAINT small CHECK (id < 9))",
        "INSERT INTO odd VALUES (1, '1')",
        database=NAME,
    )
    if database.kind == "mariadb":
        database.execute("SET check_constraint_checks = 0", "INSERT INTO odd VALUES (10, '(')", database=NAME)
        found = examined(database, NAME)
        assert [f.subject for f in told(found) if f.id == "constraint-violated"] == ["small ON odd"]
    else:
        database.execute(
            "ALTER TABLE odd ALTER CHECK fits NOT ENFORCED", "INSERT INTO odd VALUES (8, '(')", database=NAME
        )
        found = examined(database, NAME)
        assert [f.subject for f in told(found)] == ["lost ON orphan"]


def test_a_plain_user(database: MysqlServer) -> None:
    database.execute("CREATE USER plain IDENTIFIED BY 'p'", f"GRANT SELECT ON {NAME}.* TO plain")
    try:
        access = Access(database.url(NAME, user="plain", password="p"))
        found = examine(access, a_manifest(), 2, Silent())
        assert reasons(found, "insert") == ["this user lacks the right: orphan, t"]
        assert [finding.subject for finding in found.findings] == ["lost ON orphan"]
        assert tried(found, "constraints") == 2
    finally:
        database.execute("DROP USER plain")


class Losing(Silent):
    """Ends all of our sessions at the first thing of a kind."""

    def __init__(self, server: MysqlServer, kind: str) -> None:
        self._server = server
        self._kind = kind

    def item(self, name: str) -> None:
        if name.startswith(self._kind):
            query = "SELECT id FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()"
            with contextlib.closing(self._server.connect()) as connection, connection.cursor() as cursor:
                cursor.execute(query, [NAME])
                for (number,) in cursor.fetchall():
                    cursor.execute("KILL CONNECTION %s", [number])


@pytest.mark.parametrize("kind", ["insert", "indexes", "constraints", "foreign-keys"])
def test_a_lost_session_is_no_verdict(database: MysqlServer, kind: str) -> None:
    with pytest.raises(DatabaseError):
        examined(database, NAME, progress=Losing(database, kind))


class Counting(Silent):
    """How many sessions there are at once, at the most."""

    most = 0

    def __init__(self, server: MysqlServer) -> None:
        self._server = server

    def item(self, name: str) -> None:
        query = f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{NAME}'"
        self.most = max(self.most, int(self._server.execute(query)[0][0]))


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_sessions_than_jobs(database: MysqlServer, jobs: int) -> None:
    counting = Counting(database)
    examined(database, NAME, jobs=jobs, progress=counting)
    assert 1 <= counting.most <= jobs


def test_one_value_read_only_in_its_time(database: MysqlServer) -> None:
    access = Access(database.url(NAME))
    assert value(access, "SELECT COUNT(*) FROM t", 5) == 2
    for query in (
        "SELECT 1, 2",
        "SELECT id FROM t",
        "SELECT 1 FROM t WHERE id = 77",
        "DELETE FROM t",
        "SELECT 1; DELETE FROM t",
        "DROP TABLE t",
        "COMMIT",
        "SELECT nonsense",
    ):
        with pytest.raises(DatabaseError):
            value(access, query, 5)
    start = time.monotonic()
    with pytest.raises(DatabaseError):
        value(access, "SELECT COUNT(*) FROM t a, t b, t c WHERE SLEEP(9) = 0", 0.5)
    assert time.monotonic() - start < 8
    assert database.execute("SELECT COUNT(*) FROM t", database=NAME) == [(2,)]
