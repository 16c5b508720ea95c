"""B09, B14, B16 for MySQL and MariaDB: schema changes meanwhile, second backups, and who waits for whom how long."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.errors import LockedError
from tests.fault import mysql, support
from tests.fault.support import At
from tests.mysql_servers import MysqlServer, installation, servers

LOOK_UP = re.compile("SHOW TABLES LIKE|SELECT table_name FROM INFORMATION_SCHEMA.TABLES .*table_name = '")
"""How MySQL's and MariaDB's dump programs look for a table that they are given by name."""
MARGIN = 5
"""Seconds that a busy machine may take beside what is measured."""


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        mysql.fill(running, "bank")
        yield running


@pytest.fixture
def mysql_server(server: MysqlServer) -> MysqlServer:
    if server.kind != "mysql":
        pytest.skip("MariaDB has no lock against schema changes alone")
    return server


@contextlib.contextmanager
def waits(server: MysqlServer) -> Iterator[Callable[[], float]]:
    """An application that writes without a pause; gives the longest that it had to wait, in seconds."""
    stop = threading.Event()
    longest = [0.0]

    def work() -> None:
        with contextlib.closing(server.connect("bank")) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                since = time.monotonic()
                cursor.execute("INSERT INTO entry (amount) VALUES (1)")
                longest[0] = max(longest[0], time.monotonic() - since)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: longest[0]
    finally:
        stop.set()
        thread.join()


# --- B16: nobody waits long for us ------------------------------------------------------------------------------------


def test_a_session_that_holds_a_table_is_named_and_the_application_goes_on(server: MysqlServer, tmp_path: Path) -> None:
    with contextlib.closing(server.connect("bank")) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLES account WRITE")
        with waits(server) as longest, pytest.raises(LockedError) as caught:
            support.run(mysql.target(server, "bank", lock_timeout=2), tmp_path)
        cursor.execute("UNLOCK TABLES")
        assert f"session {mysql.number_of(holder)} (root from " in str(caught.value)
    assert caught.value.kind == "lock-timeout"
    assert longest() < 2 + MARGIN
    support.only(tmp_path)
    mysql.no_sessions(server)


def test_a_long_statement_is_named_and_the_application_goes_on(server: MysqlServer, tmp_path: Path) -> None:
    ended = threading.Event()

    def work() -> None:
        with contextlib.suppress(Exception), contextlib.closing(server.connect("bank")) as connection:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE account SET note = note WHERE id < 3 AND SLEEP(60) = 'secret word'")
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        running = "SELECT id FROM information_schema.processlist WHERE info LIKE 'UPDATE account%'"
        ((number,),) = support.until(lambda: server.execute(running), "the statement runs")
        with waits(server) as longest, pytest.raises(LockedError, match=rf"session {number} ") as caught:
            support.run(mysql.target(server, "bank", lock_timeout=2), tmp_path)
        assert not ended.is_set()
    finally:
        server.execute(f"KILL {number}")
        thread.join()
    assert caught.value.kind == "lock-timeout"
    assert longest() < 2 + MARGIN
    support.only(tmp_path)


def test_a_dump_program_that_does_not_begin_holds_nobody_up(server: MysqlServer, tmp_path: Path) -> None:
    """The lock is there, and would be held for a minute: the deadline gives it back."""
    bindir = mysql.wrapped(server, tmp_path / "bin", 'sleep 60; exec "$REAL" "$@"')
    chosen = support.target(server.url("bank"), bindir=bindir, lock_timeout=2)
    with waits(server) as longest, pytest.raises(LockedError, match="within 2 s") as caught:
        support.run(chosen, tmp_path / "store")
    assert caught.value.kind == "lock-timeout"
    assert longest() < 2 + MARGIN
    support.only(tmp_path / "store")
    mysql.no_sessions(server)


def test_without_anybody_in_the_way_the_application_waits_for_no_second(server: MysqlServer, tmp_path: Path) -> None:
    engine = app.open_engine(mysql.target(server, "bank"))
    plan = engine.plan_dump(engine.server(), jobs=2)
    with waits(server) as longest, engine.snapshot(plan) as snapshot:
        held = snapshot.locked_seconds  # type: ignore[attr-defined]
    assert 0 < held < MARGIN
    assert longest() < MARGIN


def test_no_table_is_looked_up_while_nobody_can_write(server: MysqlServer, tmp_path: Path) -> None:
    """As a program does for each that it is given by name: with thousands, the lock would be held for seconds."""
    server.execute("TRUNCATE mysql.general_log", "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON")
    try:
        support.run(mysql.target(server, "bank", jobs=2), tmp_path)
    finally:
        server.execute("SET GLOBAL general_log = OFF", "SET GLOBAL log_output = 'FILE'")
    said = "SELECT thread_id, CONVERT(argument USING utf8mb4) FROM mysql.general_log ORDER BY event_time"
    log = [(number, str(text)) for number, text in server.execute(said)]
    (holder,) = (number for number, text in log if text == "FLUSH TABLES WITH READ LOCK")
    locked = log[log.index((holder, "FLUSH TABLES WITH READ LOCK")) : log.index((holder, "UNLOCK TABLES"))]
    # All that is to be of one moment, two programs and two sessions, and nothing that grows with the tables.
    assert sum("WITH CONSISTENT SNAPSHOT" in text for _, text in locked) == 4
    assert not [text for _, text in log if LOOK_UP.match(text)]


# --- B09: schema changes ----------------------------------------------------------------------------------------------

CHANGES = {
    "a table comes": ("CREATE TABLE fresh (id INT)", "DROP TABLE fresh", "table fresh"),
    "a column comes": ("ALTER TABLE entry ADD COLUMN note INT", "ALTER TABLE entry DROP COLUMN note", "entry"),
    "a table is emptied": (
        "TRUNCATE TABLE entry",
        "INSERT INTO entry (amount) VALUES (1), (2)",
        "entry|definition has changed",
    ),
    "a trigger goes": (
        "DROP TRIGGER guard",
        "CREATE TRIGGER guard BEFORE UPDATE ON entry FOR EACH ROW SET NEW.amount = OLD.amount",
        "trigger guard",
    ),
    "a routine is another": (
        "DROP FUNCTION one",
        "CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1",
        "function one",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_schema_change_meanwhile_is_met(server: MysqlServer, tmp_path: Path, change: str, jobs: int) -> None:
    """As a user who may not lock out schema changes."""
    make, undo, named = CHANGES[change]
    if change == "a table is emptied" and jobs > 1:
        pytest.skip("another program may have read its rows by then: the backup is whole")
    more = "SHOW_ROUTINE ON *.*" if server.kind == "mysql" else "SELECT ON mysql.proc"
    rights = "SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON bank.*"
    with mysql.user(server, rights, "RELOAD ON *.*", more) as login:
        at = At("advance", lambda: server.execute(make, database="bank"))
        try:
            with pytest.raises(LockedError, match=named) as caught:
                support.run(mysql.target(server, "bank", jobs=jobs, **login), tmp_path, at)
        finally:
            server.execute(undo, database="bank")
    assert caught.value.kind == "tables-change"
    support.only(tmp_path)


def test_a_table_whose_time_the_server_gives_not_always(server: MysqlServer, tmp_path: Path) -> None:
    """MariaDB works with what its own purge has opened, until tables are closed, as by our lock: no schema change."""
    if server.kind != "mariadb":
        pytest.skip("of MariaDB")
    timeless = "SELECT 1 FROM information_schema.tables WHERE table_name = 'purged' AND create_time IS NULL"
    server.execute(
        "CREATE TABLE purged (id INT PRIMARY KEY, n INT, m INT AS (n + 1) VIRTUAL, KEY (m))",
        "INSERT INTO purged (id, n) SELECT seq, seq FROM seq_1_to_2000",
        database="bank",
    )
    unpurged = (
        "SELECT 1 FROM information_schema.global_status"
        " WHERE variable_name = 'INNODB_HISTORY_LIST_LENGTH' AND variable_value > 0"
    )
    server.execute(
        "UPDATE purged SET n = n + 1", "RENAME TABLE purged TO elsewhere, elsewhere TO purged", database="bank"
    )
    try:
        support.until(lambda: not server.execute(unpurged), "the purge has opened the table, before anybody else")
        assert server.execute(timeless, database="bank")
        support.run(mysql.target(server, "bank"), tmp_path)
    finally:
        server.execute("DROP TABLE purged", database="bank")


def test_a_schema_change_waits_and_then_goes_on(mysql_server: MysqlServer, tmp_path: Path) -> None:
    """MySQL: the lock keeps it out, and the backup is whole."""
    change = Change(mysql_server, "ALTER TABLE entry ADD COLUMN late INT")
    made = support.run(mysql.target(mysql_server, "bank"), tmp_path, At("advance", change.begin))
    change.end()
    mysql_server.execute("ALTER TABLE entry DROP COLUMN late", database="bank")
    assert b"`late`" not in b"".join(mysql.unpacked(tmp_path, made))
    support.only(tmp_path, made)


def test_the_backup_gives_way_to_a_schema_change(server: MysqlServer, tmp_path: Path) -> None:
    """The dump is held up in the middle of the table that is to be altered."""
    change = Change(server, "ALTER TABLE account ADD COLUMN late INT, ALGORITHM=COPY")

    def act() -> None:
        change.begin()
        change.end()

    with pytest.raises(LockedError) as caught:
        support.run(mysql.target(server, "bank", jobs=1, give_way=1), tmp_path, At("advance", act))
    server.execute("ALTER TABLE account DROP COLUMN late", database="bank")
    assert caught.value.kind == "gave-way"
    assert "ALTER TABLE account" in str(caught.value)
    support.only(tmp_path)
    mysql.no_sessions(server)


class Change:
    """A statement in a session of its own. `begin` returns when it waits for a lock."""

    def __init__(self, server: MysqlServer, statement: str) -> None:
        self._server = server
        self._statement = statement
        self._thread = threading.Thread(target=self._work)
        self.failures: list[BaseException] = []

    def begin(self) -> None:
        self._thread.start()
        waiting = (
            "SELECT state FROM information_schema.processlist"
            " WHERE info LIKE 'ALTER %' AND state LIKE 'Waiting for %lock'"
        )
        support.until(lambda: self._server.execute(waiting), "the change waits")

    def end(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert not self.failures, self.failures

    def _work(self) -> None:
        try:
            self._server.execute(self._statement, database="bank")
        except BaseException as error:
            self.failures.append(error)


# --- B14: two at once -------------------------------------------------------------------------------------------------


def test_a_second_backup_is_refused_by_whom_and_since_when(server: MysqlServer, tmp_path: Path) -> None:
    engine = app.open_engine(mysql.target(server, "bank"))
    with engine.lock(support.NAME):
        with pytest.raises(LockedError) as caught:
            support.run(mysql.target(server, "bank"), tmp_path)
        with engine.lock("another target"):
            pass
    assert caught.value.kind == "backup-running"
    assert "session " in caught.value.message
    assert " of root from " in caught.value.message
    assert " UTC" in caught.value.message
    support.run(mysql.target(server, "bank"), tmp_path)


def test_the_lock_goes_with_its_holder(server: MysqlServer, tmp_path: Path) -> None:
    engine = app.open_engine(mysql.target(server, "bank"))
    with engine.lock(support.NAME):
        pass
    with engine.lock(support.NAME):
        pass
    mysql.no_sessions(server)


def test_a_prune_is_waited_for(server: MysqlServer, tmp_path: Path) -> None:
    chosen = mysql.target(server, "bank")
    pruning = app.open_engine(chosen).lock(chosen.name, prunes=True)
    pruning.__enter__()
    waits = At(f"note another prune of {chosen.name} is running", lambda: pruning.__exit__(None, None, None))
    support.run(chosen, tmp_path, waits)
    assert waits.done
