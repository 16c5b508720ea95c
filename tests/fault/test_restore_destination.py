"""Faults R05 and R06: a destination that is in use, or that lacks something."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dbops.config import App, Argv
from dbops.engine.postgres import preflight
from dbops.errors import DatabaseError, PreflightError, RefusedError
from dbops.model import EngineInfo, Extension, Verdict
from dbops.report import overwrite
from tests.restoring import (
    Backed,
    back_up,
    changed,
    errors,
    fill,
    run_restore,
    untouched,
)
from tests.servers import Cluster, Database


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    fill(database)
    return back_up(database, tmp_store)


def test_no_other_database_lets_us_in(new_cluster: Callable[..., Cluster], tmp_store: str) -> None:
    """A restore works from beside; pg_hba.conf may know an application's role for its own database alone."""
    cluster = new_cluster()
    cluster.create_database("shop")
    shop = back_up(Database(cluster, "shop"), tmp_store)
    rules = cluster.data / "pg_hba.conf"
    rules.write_text(f"host postgres,template1 all all reject\n{rules.read_text()}")
    cluster.reload()
    with untouched(shop.database), pytest.raises(DatabaseError) as caught:
        run_restore(shop)
    assert "cannot connect to postgres on" in caught.value.message
    assert "template1 (pg_hba.conf, GRANT CONNECT" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE pg_database SET datconnlimit = -2 WHERE datname = {0!r}", id="half dropped"),
        pytest.param('ALTER DATABASE "{0}" ALLOW_CONNECTIONS false', id="closed"),
    ],
)
def test_a_database_that_nobody_can_look_into_is_not_called_empty(shop: Backed, change: str) -> None:
    database = shop.database
    database.cluster.psql(change.format(database.name))
    plans: list[Any] = []

    def look(plan: Any) -> bool:
        plans.append(plan)
        return True

    assert run_restore(shop, confirm=look).verdict is Verdict.PASS
    assert "which cannot be looked into" in overwrite.plan(plans[0])
    assert "0 tables" not in overwrite.plan(plans[0])


# -- R05: a destination that is in use --------------------------------------------------------------------------------


def test_r05_sessions_are_named_and_ended_only_when_told(shop: Backed) -> None:
    database = shop.database
    with database.connect(application_name="ledger worker") as busy:
        pid = busy.info.backend_pid
        with untouched(database), pytest.raises(RefusedError) as error:
            run_restore(shop, confirm=lambda _: pytest.fail("asked, though it would be refused"))
        assert f"pid {pid} (postgres, ledger worker" in error.value.message
        assert busy.execute("SELECT 1").fetchone() == (1,)
        assert run_restore(shop, end_sessions=True).verdict is Verdict.PASS


def test_r05_a_pool_that_reconnects_at_once_cannot_win(shop: Backed) -> None:
    pool = subprocess.Popen([sys.executable, "-c", _POOL, shop.database.socket_url], stdout=subprocess.PIPE, text=True)
    try:
        assert pool.stdout is not None
        pool.stdout.readline()
        assert run_restore(shop, end_sessions=True).verdict is Verdict.PASS
    finally:
        pool.kill()
        pool.communicate()


_POOL = """
import psycopg, sys, threading
def work():
    while True:
        try:
            with psycopg.connect(sys.argv[1]) as connection:
                print(1, flush=True)
                connection.execute("SELECT pg_sleep(60)")
        except psycopg.Error:
            pass
for _ in range(3): threading.Thread(target=work).start()
"""


def test_r05_slots_subscriptions_and_prepared_transactions(new_cluster: Callable[..., Cluster], tmp_store: str) -> None:
    cluster = new_cluster(settings={"wal_level": "logical", "max_prepared_transactions": "5"})
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    database.psql("CREATE TABLE t (n int)")
    backed = back_up(database, tmp_store)

    def refused(kind: str) -> None:
        with untouched(database), pytest.raises(PreflightError) as error:
            run_restore(backed, end_sessions=True)
        assert error.value.kind == kind

    database.psql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'half'")
    refused("prepared-transaction")
    database.psql("ROLLBACK PREPARED 'half'")
    database.psql("SELECT pg_create_logical_replication_slot('feed', 'pgoutput')")
    refused("replication-slot")
    database.psql("SELECT pg_drop_replication_slot('feed')")
    options = "connect = false, slot_name = NONE"
    database.psql(f"CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH ({options})")
    database.psql("ALTER SUBSCRIPTION s SET (slot_name = 's'); ALTER SUBSCRIPTION s ENABLE")
    refused("subscription")
    database.psql("ALTER SUBSCRIPTION s DISABLE")
    with_subscription = back_up(database, tmp_store)
    report = run_restore(with_subscription)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert (
        database.psql(
            "SELECT subname, subenabled FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid "
            "WHERE datname = 'shop'"
        ).strip()
        == "s|f"
    )


# -- R06: what the server lacks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kind", "named"),
    [
        ({"roles": ("postgres", "nobody here")}, "missing-role", "nobody here"),
        ({"extensions": (Extension(name="nope", version="1.0", schema="public"),)}, "missing-extension", "nope"),
    ],
)
def test_r06_what_is_missing_is_named_before_the_application_stops(
    shop: Backed, tmp_path: Path, changes: dict[str, Any], kind: str, named: str
) -> None:
    stopped = tmp_path / "stopped"
    application = App(stop=Argv(["touch", str(stopped)]), start=Argv(["true"]))
    with untouched(shop.database), pytest.raises(PreflightError) as error:
        run_restore(shop, manifest=changed(shop.manifest, **changes), application=application)
    assert error.value.kind == kind
    assert named in error.value.message
    assert not stopped.exists()


def test_r06_an_unknown_locale(shop: Backed) -> None:
    info: EngineInfo = msgspec.structs.replace(shop.manifest.engine, collation="xx_XX.utf8", ctype="xx_XX.utf8")
    with untouched(shop.database), pytest.raises(PreflightError, match="xx_XX") as error:
        run_restore(shop, manifest=msgspec.structs.replace(shop.manifest, engine=info))
    assert error.value.kind == "locale"


@pytest.mark.parametrize(
    ("fact", "value", "kind"),
    [("in_recovery", True, "standby"), ("free_sessions", 3, "connections"), ("icu", False, "locale")],
)
def test_r06_facts_of_the_server(
    shop: Backed, monkeypatch: pytest.MonkeyPatch, fact: str, value: Any, kind: str
) -> None:
    original = preflight.read_facts
    monkeypatch.setattr(preflight, "read_facts", lambda connection: original(connection)._replace(**{fact: value}))
    info = shop.manifest.engine
    if fact == "icu":
        info = msgspec.structs.replace(info, locale_provider="icu", locale="de-DE")
    with untouched(shop.database), pytest.raises(PreflightError) as error:
        run_restore(shop, manifest=msgspec.structs.replace(shop.manifest, engine=info))
    assert error.value.kind == kind


def test_r06_too_little_space_on_the_server(shop: Backed) -> None:
    first, *rest = shop.manifest.inventory.tables
    huge = msgspec.structs.replace(first, bytes=1 << 60)
    with untouched(shop.database), pytest.raises(PreflightError) as error:
        run_restore(shop, manifest=changed(shop.manifest, tables=(huge, *rest)))
    assert error.value.kind == "disk-space"
    assert " free, and some for indexes" in error.value.message


def test_r06_missing_roles_can_be_created(new_cluster: Callable[..., Cluster], tmp_store: str) -> None:
    source, destination = new_cluster(), new_cluster()
    source.psql('CREATE ROLE "the owner"')
    source.create_database("shop")
    database = Database(source, "shop")
    database.psql('CREATE TABLE t (n int); ALTER TABLE t OWNER TO "the owner"')
    backed = back_up(database, tmp_store)
    with pytest.raises(PreflightError, match="the owner"):
        run_restore(backed, cluster=destination)
    report = run_restore(backed, cluster=destination, create_roles=True)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert destination.psql("SELECT tableowner FROM pg_tables WHERE tablename = 't'", "shop").strip() == "the owner"


def test_r06_a_missing_tablespace_is_a_warning_and_one_that_is_there_is_used(
    new_cluster: Callable[..., Cluster], tmp_store: str, tmp_path: Path
) -> None:
    source, destination = new_cluster(), new_cluster()
    folder = source.folder / "space"
    folder.mkdir()
    from tests.machine import server_user

    server_user().takes(folder)
    source.psql(f"CREATE TABLESPACE \"fast disk\" LOCATION '{folder}'")
    source.create_database("shop")
    database = Database(source, "shop")
    database.psql('CREATE TABLE t (n int) TABLESPACE "fast disk"')
    report = run_restore(back_up(database, tmp_store), cluster=destination)
    assert report.verdict is Verdict.PASS
    assert [f.subject for f in report.findings if f.id == "missing-tablespace"] == ["fast disk"]
    source.psql('CREATE DATABASE big TABLESPACE "fast disk"')
    assert run_restore(back_up(Database(source, "big"), tmp_store)).verdict is Verdict.PASS
    where = "SELECT spcname FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = 'big'"
    assert source.psql(where) == "fast disk\n", "what takes its place stays on the disk that was chosen for it"


def test_r06_a_plain_role_is_told_what_it_lacks(new_cluster: Callable[..., Cluster], tmp_store: str) -> None:
    cluster = new_cluster()
    cluster.psql("CREATE ROLE plain LOGIN PASSWORD 'plain'; CREATE DATABASE shop OWNER plain")
    database = Database(cluster, "shop")
    database.psql("SET ROLE plain; CREATE SCHEMA mine; CREATE TABLE mine.t AS SELECT 1 AS n")
    backed = back_up(database, tmp_store)
    from dbops.config import Target
    from dbops.config.urls import Secret

    as_plain = backed._replace(target=Target(url=Secret(cluster.url("shop", user="plain", password="plain"))))
    with untouched(database), pytest.raises(PreflightError) as error:
        run_restore(as_plain)
    assert error.value.kind == "no-createdb"
    assert "--in-place" in error.value.hint
    cluster.psql("ALTER ROLE plain CREATEDB")
    report = run_restore(as_plain)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
