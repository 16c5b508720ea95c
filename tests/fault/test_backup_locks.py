"""Locks: of a second backup (B14), of others in our way, and ours in theirs (B16)."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbops import app
from dbops.config import Patience, Seconds
from dbops.errors import LockedError
from dbops.ops import backup as ops_backup
from tests.fault.support import (
    DUMPING,
    At,
    copying,
    fill,
    half_read,
    no_sessions,
    one,
    only,
    process,
    run,
    target,
    until,
)
from tests.installations import Installation
from tests.servers import Cluster, Database


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation) as cluster:
        cluster.psql("CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT pg_read_all_data TO reader")
        yield cluster


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[Database]:
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    fill(database)
    yield database
    no_sessions(database)
    cluster.drop_database("shop")


def reader(shop: Database) -> str:
    return shop.cluster.url("shop", user="reader", password="r")


# -- two backups at once (B14) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["shop", "n" * 63],
)
def test_the_second_backup_is_refused(shop: Database, tmp_path: Path, name: str) -> None:
    refused: list[LockedError] = []

    def second() -> None:
        with pytest.raises(LockedError) as caught:
            run(target(shop.url, name=name), tmp_path / "other")
        refused.append(caught.value)

    first = run(target(shop.url, name=name), tmp_path / "store", At("item", second, thread=DUMPING))
    (error,) = refused
    assert error.kind == "backup-running"
    assert error.exit_code == 4
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", error.message)
    assert not (tmp_path / "other").exists()
    only(tmp_path / "store", first)
    only(tmp_path / "other2", *[run(target(shop.url, name=name), tmp_path / "other2")])
    assert f"another backup of {name} is running" in error.message
    assert f"pid {os.getpid()} on {socket.gethostname()}" in error.message


def test_a_prune_is_waited_for(shop: Database, tmp_path: Path) -> None:
    chosen = target(shop.url)
    pruning = app.open_engine(chosen).lock(chosen.name, prunes=True)
    pruning.__enter__()
    waits = At(f"note another prune of {chosen.name} is running", lambda: pruning.__exit__(None, None, None))
    run(chosen, tmp_path, waits)
    assert waits.done


def test_a_prune_that_does_not_end(shop: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops_backup, "PRUNE_SECONDS", 0)
    chosen = target(shop.url)
    with app.open_engine(chosen).lock(chosen.name, prunes=True), pytest.raises(LockedError) as caught:
        run(chosen, tmp_path)
    assert caught.value.kind == "prune-running"
    only(tmp_path)


def test_another_target_is_not_locked(shop: Database, tmp_path: Path) -> None:
    inner = At("phase dump", lambda: run(target(shop.url, name="other"), tmp_path))
    run(target(shop.url), tmp_path, inner)
    assert inner.done


def test_the_lock_dies_with_its_holder(shop: Database, tmp_path: Path) -> None:
    arguments = ("backup", "--store", str(tmp_path))
    with half_read(shop) as (url, _), process(*arguments, env={"DATABASE_URL": url}) as dbops:
        until(lambda: copying(shop), "the first backup runs")
        with pytest.raises(LockedError, match=f"pid {dbops.pid} on"):
            run(target(shop.url), tmp_path)
        dbops.send_signal(signal.SIGKILL)
        dbops.wait()
    no_sessions(shop)
    run(target(shop.url), tmp_path)


def test_the_lock_outlives_an_idle_session_timeout(shop: Database, tmp_path: Path) -> None:
    with shop.connect() as connection:
        connection.execute("ALTER DATABASE shop SET idle_session_timeout = '50ms'")

    def second() -> None:
        with pytest.raises(LockedError):
            run(target(shop.url), tmp_path / "other")

    run(target(shop.url), tmp_path / "store", At("phase publish", second))


# -- others in our way (B16) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("table", ["big", "small"])
def test_a_table_that_is_locked(shop: Database, tmp_path: Path, table: str, jobs: int) -> None:
    with shop.connect(application_name="the application") as holder, holder.transaction():
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        with pytest.raises(LockedError) as caught:
            run(target(shop.url, jobs=jobs, lock_timeout=Seconds(0.2)), tmp_path)
        assert not holder.broken, "we do not end other people's sessions"
        pid = holder.info.backend_pid
    error = caught.value
    assert error.kind == "lock-timeout"
    assert error.exit_code == 4
    assert f"public.{table} is locked by pid {pid} (postgres, the application" in error.message
    assert f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE" in error.message
    assert "lock_timeout" in error.hint
    only(tmp_path)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_partition_root_that_is_locked(shop: Database, tmp_path: Path, jobs: int) -> None:
    """We lock what has rows; pg_dump locks the roots too, and ends with its own timeout."""
    with shop.connect() as connection:
        connection.execute("CREATE TABLE root (a int) PARTITION BY RANGE (a)")
    with shop.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE ONLY root IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LockedError) as caught:
            run(target(shop.url, jobs=jobs, lock_timeout=Seconds(0.2)), tmp_path)
    assert caught.value.kind == "lock-timeout"
    only(tmp_path)


# -- we in the way of others (B16) -----------------------------------------------------------------------------------


def give_way(shop: Database, url: str, store: Path, jobs: int) -> None:
    """A schema change waits behind the backup: the backup ends itself, and the change gets its lock."""
    changed = threading.Event()

    def change() -> None:
        with shop.connect(application_name="migration") as connection:
            connection.execute("ALTER TABLE small ADD COLUMN new int")
        changed.set()

    thread = threading.Thread(target=change)

    def begin() -> None:
        """Holds the dump until the change has its lock: so it cannot end before."""
        thread.start()
        until(changed.is_set, "the change gets its lock while the backup is not over", 30)

    with pytest.raises(LockedError) as caught:
        run(target(url, jobs=jobs, give_way=Patience(0.1)), store, At("item", begin, thread=DUMPING))
    thread.join()
    error = caught.value
    assert error.kind == "gave-way"
    assert error.exit_code == 4
    assert "give_way" in error.hint
    assert re.search(r"pid \d+ \(postgres, migration\) had waited", error.message)
    only(store)
    with shop.connect() as connection:
        assert one(connection, "SELECT count(*) FROM information_schema.columns WHERE column_name = 'new'") == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_backup_gives_way(shop: Database, tmp_path: Path, jobs: int) -> None:
    give_way(shop, shop.url, tmp_path, jobs)


def test_a_plain_role_gives_way(shop: Database, tmp_path: Path) -> None:
    with shop.connect() as connection:
        for (oid,) in connection.execute("SELECT oid FROM pg_largeobject_metadata").fetchall():
            connection.execute(f"GRANT SELECT ON LARGE OBJECT {oid:d} TO reader")
    give_way(shop, reader(shop), tmp_path, 1)


def test_never_giving_way(shop: Database, tmp_path: Path) -> None:
    """`give_way = "never"`: the change waits until the backup is done."""
    waits = threading.Event()

    def change() -> None:
        with shop.connect() as connection:
            connection.execute("SET lock_timeout = '1500ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                connection.execute("ALTER TABLE small ADD COLUMN new int")
        waits.set()

    thread = threading.Thread(target=change)

    def begin() -> None:
        thread.start()
        until(waits.is_set, "the change waits in vain")

    # With more jobs pg_dump gives up by itself: its workers do not wait behind a schema change.
    made = run(target(shop.url, jobs=1, give_way=Patience("inf")), tmp_path, At("item", begin, thread=DUMPING))
    thread.join()
    only(tmp_path, made)
