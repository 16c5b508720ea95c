"""Dump and inventory share one moment, whatever is written meanwhile (B07)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from psycopg.errors import LockNotAvailable

from dbops import app
from dbops.config import Patience, Seconds
from dbops.engine.postgres.snapshot import PostgresSnapshot
from dbops.errors import BadBackupError, DbopsError, LockedError
from tests.fault.support import BIG, DUMPING, At, fill, one, only, run, target, until, verified, writers
from tests.servers import Cluster, Database

WRITES = 10_000
CHURN = """
    WITH gone AS (DELETE FROM busy WHERE id IN (SELECT id FROM busy TABLESAMPLE SYSTEM (1) FOR UPDATE SKIP LOCKED
                                                 LIMIT 20) RETURNING id),
         picked AS (SELECT id FROM busy WHERE id % 97 = (random() * 97)::int AND id NOT IN (SELECT id FROM gone)
                    FOR UPDATE SKIP LOCKED),
         changed AS (UPDATE busy SET v = v + 1, t = t || 'x' WHERE id IN (SELECT id FROM picked) RETURNING id)
    INSERT INTO busy (v, t) SELECT n, md5(n::text) FROM generate_series(1, 40) n
"""


@pytest.fixture
def busy(database: Database) -> Database:
    with database.connect() as connection:
        connection.execute("CREATE TABLE busy (id bigserial PRIMARY KEY, v int, t text)")
        connection.execute("INSERT INTO busy (v, t) SELECT n, md5(n::text) FROM generate_series(1, 20000) n")
        connection.execute("CREATE TABLE pair_a (n int); CREATE TABLE pair_b (n int)")
    return database


@pytest.mark.parametrize("jobs", [1, 2])
def test_exact_while_others_write(busy: Database, tmp_path: Path, jobs: int) -> None:
    """Every transaction writes to both of a pair of tables: their numbers of rows are equal at any one moment."""
    pair = (
        "WITH a AS (INSERT INTO pair_a SELECT generate_series(1, 20)) INSERT INTO pair_b SELECT generate_series(1, 20)"
    )
    with writers(busy, CHURN) as written, writers(busy, pair, 1) as paired:

        def wait() -> None:
            """The snapshot is open; nothing was read, or little: what is written from now on must not be seen."""
            goal = written() + WRITES
            until(lambda: written() > goal and paired() > 100, "others write")

        progress = At("item", wait, thread=DUMPING)
        before = written()
        made = run(target(busy.url, jobs=jobs), tmp_path, progress)
        assert progress.done
        assert written() - before >= WRITES
    rows = {table.name: table.rows for table in made.inventory.tables}
    assert rows["pair_a"] == rows["pair_b"] > 0
    assert rows["busy"] > 0
    assert made.inventory.basis == "snapshot"
    verified(tmp_path)  # the archive, decoded again: digests and rows are those of the inventory
    # Sequences are not bound to the moment: the two positions enclose what was dumped.
    (sequence,) = made.inventory.sequences
    assert sequence.value <= sequence.value_after


def unanchored(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers begin a moment of their own, and a row has come since the dump's."""

    def entry(self: PostgresSnapshot) -> list[str]:
        with database.connect() as connection:
            connection.execute("INSERT INTO busy (v) VALUES (-1)")
        return ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET row_security = off"]

    monkeypatch.setattr(PostgresSnapshot, "_entry", entry)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_inventory_of_another_moment_is_found(
    busy: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    unanchored(busy, monkeypatch)
    for level in ("archive", "content"):
        with pytest.raises(BadBackupError) as caught:
            run(target(busy.url, jobs=jobs, inventory=level), tmp_path)
        assert caught.value.kind == "archive-differs"
        assert "public.busy" in caught.value.message
        assert caught.value.exit_code == 3
        only(tmp_path)


def test_one_changed_value_is_found(busy: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rows, other content: the digests alone can tell."""

    def entry(self: PostgresSnapshot) -> list[str]:
        with busy.connect() as connection:
            connection.execute("UPDATE busy SET v = v + 1 WHERE id = 1")
        return ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET row_security = off"]

    monkeypatch.setattr(PostgresSnapshot, "_entry", entry)
    with pytest.raises(BadBackupError, match="their content differs"):
        run(target(busy.url), tmp_path)
    only(tmp_path)


# -- schema changes beside a backup ----------------------------------------------------------------------------------


@pytest.fixture
def shop(database: Database) -> Database:
    fill(database)
    return database


@pytest.mark.parametrize(
    "change", ["TRUNCATE small", "CLUSTER small USING small_pkey", "VACUUM FULL small", "DROP TABLE small"]
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_table_is_rewritten_beside_the_backup(shop: Database, tmp_path: Path, change: str, jobs: int) -> None:
    """It waits for us. (A table rewritten since would look empty to the snapshot: rows lost without a word.)"""
    done = threading.Event()

    def alter() -> None:
        with shop.connect() as connection:
            connection.execute(change.encode())
        done.set()

    thread = threading.Thread(target=alter)

    def begin() -> None:
        thread.start()
        with shop.cluster.connect() as connection:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = %s"
            until(lambda: one(connection, waiting, change), "the change waits for us", 10)
        assert not done.is_set()

    chosen = target(shop.url, jobs=jobs, lock_timeout=Seconds(0.3), give_way=Patience("inf"))
    try:
        made = [run(chosen, tmp_path, At("item", begin, thread=DUMPING))]
    except LockedError as error:
        # Our own readers queue up behind it, unless they have their locks already.
        made = []
        assert error.kind == "lock-timeout"  # noqa: PT017
    thread.join(60)
    assert done.is_set(), "the change goes through when the backup has ended"
    only(tmp_path, *made)
    for manifest in made:
        assert {t.name: t.rows for t in manifest.inventory.tables} == {"big": BIG, "small": 500}
        verified(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "TRUNCATE small",
        "ALTER TABLE small ALTER id TYPE bigint",
        "ALTER TABLE small RENAME TO old; CREATE TABLE small (id int)",
        "DROP TABLE small; CREATE TABLE small (id int)",
    ],
)
def test_a_table_is_rewritten_between_the_snapshot_and_its_lock(shop: Database, tmp_path: Path, change: str) -> None:
    """The change was not yet committed when the snapshot was taken, and was when we got the lock."""
    with shop.connect() as connection:
        connection.execute("CREATE TABLE moved (n int)")
    with ThreadPoolExecutor(1) as pool, shop.connect() as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE small IN ACCESS EXCLUSIVE MODE; INSERT INTO moved VALUES (1)")
        future = pool.submit(run, target(shop.url, lock_timeout=Seconds(60)), tmp_path)
        with shop.connect() as connection:
            waiting = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND application_name LIKE 'dbops%'"
            )
            until(lambda: one(connection, waiting), "the backup waits for the table", 20)
        holder.execute(change.encode())
        holder.execute("COMMIT")
        made = future.result(120)
    rows = {table.name: table.rows for table in made.inventory.tables}
    kept = 500 if "ALTER id" in change else 0
    assert (rows["small"], rows["moved"]) in ((500, 0), (kept, 1)), "a state that there never was"
    verified(tmp_path)


def test_no_table_can_be_rewritten_from_the_snapshot_on(shop: Database) -> None:
    with app.open_engine(target(shop.url)).snapshot() as snapshot, shop.connect() as connection:
        connection.execute("SET lock_timeout = '100ms'")
        for table in snapshot.tables():
            with pytest.raises(LockNotAvailable):
                connection.execute(f"TRUNCATE {table.name}".encode())


@pytest.mark.parametrize("jobs", [1, 2])
def test_tables_come_and_go_all_the_time(busy: Database, tmp_path: Path, jobs: int) -> None:
    """Between the snapshot and the locks a table can vanish: then another moment is taken, or an error says so."""
    stop = threading.Event()

    def churn() -> None:
        number = 0
        with busy.connect() as connection:
            while not stop.is_set():
                number += 1
                name = f"passing_{number % 3}"
                connection.execute(f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} AS SELECT 1 AS a".encode())

    thread = threading.Thread(target=churn)
    thread.start()
    made = []
    try:
        for _ in range(3):
            try:
                made.append(run(target(busy.url, jobs=jobs), tmp_path))
            except DbopsError as error:
                assert error.exit_code == 4, error  # noqa: PT017
    finally:
        stop.set()
        thread.join()
    only(tmp_path, *made)
    for manifest in made:
        verified(tmp_path, manifest.id)


def test_two_databases_of_one_cluster_do_not_meet(pg_server: Cluster, database: Database, tmp_path: Path) -> None:
    """A snapshot, a lock and the sessions that are ended belong to one database."""
    fill(database, 10)
    pg_server.create_database("neighbour")
    try:
        other = target(pg_server.url("neighbour"), name="neighbour")
        inner = At("phase dump", lambda: run(other, tmp_path / "other"))
        run(target(database.url), tmp_path / "store", inner)
        assert inner.done
    finally:
        pg_server.drop_database("neighbour")
