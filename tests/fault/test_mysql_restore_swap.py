"""Fault R02, in the swap: killed before any of its statements, refused by any of them, or with the server: the next run
ends in the old or the new database, whole under the name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from dbops.engine.mysql import leftovers, swap
from dbops.engine.mysql.belongings import read
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.journal import Journal, Phase
from dbops.engine.mysql.maintenance import Maintenance, create_database, exists, run
from dbops.engine.mysql.names import BEFORE, RESTORE, beside
from dbops.errors import DatabaseError, RefusedError
from tests.mysql_mortal import Killed, Mortal
from tests.mysql_restoring import contents, databases
from tests.mysql_servers import DURABLE, MysqlServer, installation, servers

MOMENT = "20261124T024500Z"
SIDE, ASIDE = beside("live", RESTORE, MOMENT), beside("live", BEFORE, MOMENT)
TABLES = (
    "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20))",
    "CREATE TABLE b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES a (id))",
    "CREATE TRIGGER one AFTER INSERT ON a FOR EACH ROW SET @seen = NEW.id",
    "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
)
LOOSE = "CREATE TABLE loose (a INT, b INT, CONSTRAINT k FOREIGN KEY (a) REFERENCES {0} (id) ON DELETE CASCADE)"
"""A key to a table that this side has not, and the other one has."""
OLD = (
    *TABLES,
    "CREATE TABLE only_old (id INT PRIMARY KEY)",
    "SET foreign_key_checks = 0",
    LOOSE.format("only_new"),
    "CREATE TRIGGER two AFTER DELETE ON b FOR EACH ROW SET @seen = OLD.id",
    "CREATE VIEW v AS SELECT id FROM a",
    "CREATE VIEW v_of_v AS SELECT id FROM v",
    "CREATE PROCEDURE p() SELECT 'old'",
    "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO SELECT 1",
    "INSERT INTO a (what) VALUES ('old'), ('older')",
    "INSERT INTO b VALUES (1, 1)",
)
NEW = (
    *TABLES,
    "CREATE TABLE only_new (id INT PRIMARY KEY)",
    "SET foreign_key_checks = 0",
    LOOSE.format("only_old"),
    "CREATE VIEW v AS SELECT id, what FROM a",
    "CREATE VIEW v_of_v AS SELECT what FROM v",
    "CREATE PROCEDURE p() SELECT 'new'",
    "INSERT INTO a (what) VALUES ('new')",
    "INSERT INTO b VALUES (1, 1)",
)
EVENTS = ("CREATE EVENT g ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DISABLE DO SELECT 1",)


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param), settings={"event-scheduler": "OFF"}) as running:
        yield running


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    return Mortal(monkeypatch)


def _maintenance(server: MysqlServer) -> Maintenance:
    return Maintenance(Access(server.url()), "live")


def _prepare(server: MysqlServer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The live database and a side database, with its journal; what each holds."""
    for name in ("live", SIDE, ASIDE):
        server.drop_database(name)
    with _maintenance(server).session() as connection:
        Journal(connection, ASIDE).create("utf8mb4", "utf8mb4_bin")
        create_database(connection, "live", "utf8mb4", "utf8mb4_general_ci")
        create_database(connection, SIDE, "utf8mb4", "utf8mb4_bin")
    server.execute(*OLD, database="live")
    server.execute(*NEW, *EVENTS, database=SIDE)
    new = {key: text.replace("PRESERVE DISABLE", "PRESERVE ENABLE") if key.startswith("EVENT") else text
           for key, text in contents(server, SIDE).items()}  # fmt: skip
    return contents(server, "live"), new


def _swap(server: MysqlServer) -> None:
    maintenance = _maintenance(server)
    with maintenance.session() as connection:
        after = read(connection, SIDE).with_states({"g": "ENABLE"})
        planned = swap.plan(connection, "live", SIDE, ASIDE, after)
        swap.perform(maintenance, Journal(connection, ASIDE), planned, end_sessions=False)


def _next_run(server: MysqlServer) -> None:
    maintenance = _maintenance(server)
    with maintenance.session() as connection:
        leftovers.clear(maintenance, connection, "live")


def _check(server: MysqlServer, old: dict[str, Any], new: dict[str, Any], place: str) -> bool:
    """One of the two is whole under the name, and the other nowhere or set aside. Whether it is the new one."""
    found = contents(server, "live")
    swapped = found == new
    assert swapped or found == old, place
    assert SIDE not in databases(server), place
    if swapped:
        kept = contents(server, ASIDE)
        assert {k: v for k, v in kept.items() if "EVENT" not in k and "_dbops" not in k} == {
            k: v for k, v in old.items() if "EVENT" not in k
        }, place
    else:
        assert ASIDE not in databases(server), place
    return swapped


def _share(server: MysqlServer, step: int) -> range:
    """The statements that are tried on this server: all servers together try each of them, or one in `step`."""
    names = servers()
    return range(names.index(server.installation.name), 1000, step * len(names))


def test_r02_killed_before_any_statement_of_the_swap(server: MysqlServer, mortal: Mortal) -> None:
    ends = []
    for number in _share(server, 1):
        old, new = _prepare(server)
        mortal.left = number
        with contextlib.suppress(Killed, DatabaseError):
            _swap(server)
        if not mortal.revive():
            break
        _next_run(server)
        ends.append(_check(server, old, new, f"killed before statement {number}"))
    assert ends == sorted(ends)
    assert {True, False} == set(ends)
    assert len(ends) > 6


def test_r02_a_statement_of_the_swap_that_fails_undoes_it(server: MysqlServer, mortal: Mortal) -> None:
    mortal.fails = True
    failed = 0
    for number in _share(server, 3):
        old, new = _prepare(server)
        mortal.left = number
        try:
            _swap(server)
        except (DatabaseError, pymysql.MySQLError):
            failed += 1
        else:
            if mortal.left < 0:
                continue  # a view of the old database that cannot be made stays in the journal
            break
        mortal.revive()
        found = contents(server, "live")
        assert found in (old, new), number
        _next_run(server)
        _check(server, old, new, f"failed at statement {number}")
    assert failed > 2


@pytest.mark.parametrize("after", [True, False])
def test_r02_the_server_is_killed_before_or_after_the_tables_move(
    server: MysqlServer, mortal: Mortal, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    server.stop()
    server.configure(DURABLE)
    server.start()
    old, new = _prepare(server)
    original = swap._rename

    def rename(*arguments: Any) -> None:
        if after:
            original(*arguments)
        server.kill()
        raise Killed

    monkeypatch.setattr(swap, "_rename", rename)
    with pytest.raises(Killed):
        _swap(server)
    monkeypatch.undo()
    server.start()
    _next_run(server)
    assert _check(server, old, new, "") is after


def test_r02_killed_before_the_journal_was_made(server: MysqlServer) -> None:
    """Only an empty database of our name is taken for ours without it."""
    _prepare(server)
    server.drop_database(SIDE)
    server.drop_database(ASIDE)
    server.create_database(ASIDE)
    other = beside("live", BEFORE, "20261124T024501Z")
    server.create_database(other)
    server.execute("CREATE TABLE somebodys (id INT)", database=other)
    _next_run(server)
    assert ASIDE not in databases(server)
    assert other in databases(server)
    server.drop_database(other)


def test_foreign_keys_from_elsewhere_refuse_a_swap(server: MysqlServer) -> None:
    old, _ = _prepare(server)
    server.create_database("elsewhere")
    server.execute("CREATE TABLE x (a INT, FOREIGN KEY (a) REFERENCES live.a (id))", database="elsewhere")
    with pytest.raises(RefusedError, match=r"elsewhere\.x"):
        _swap(server)
    assert contents(server, "live") == old
    server.drop_database("elsewhere")


def test_a_side_database_without_a_journal_is_not_ours(server: MysqlServer) -> None:
    _prepare(server)
    server.drop_database(ASIDE)
    _next_run(server)
    assert SIDE in databases(server)
    with _maintenance(server).session() as connection:
        assert Journal(connection, SIDE).read() is None
        assert exists(connection, "live")
        run(connection, f"DROP DATABASE {SIDE}")
    assert Phase.DONE
