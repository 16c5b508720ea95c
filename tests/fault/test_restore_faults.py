"""Faults R01 to R07, R09, R11, R12: whatever happens to a restore, the live database is the old or the new one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dbops import app
from dbops.config import App, Argv
from dbops.errors import BadBackupError, DbopsError, LockedError, PreflightError, RefusedError, ToolError
from dbops.model import Artifact, EngineInfo, Extension, Manifest, Report, Verdict
from tests.inputs import contents
from tests.restoring import (
    Backed,
    artifact,
    back_up,
    before_compare,
    databases,
    errors,
    fill,
    run_restore,
)
from tests.servers import Cluster, Database

ROOT = Path(__file__).parents[2]
DBOPS = [sys.executable, "-c", "from dbops.cli import main; main()"]
TIMEOUT = 60


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    fill(database)
    return back_up(database, tmp_store)


@contextmanager
def untouched(database: Database) -> Iterator[None]:
    """The block changes neither the database nor the list of databases."""
    cluster = database.cluster
    rows, names = contents(database), databases(cluster)
    yield
    assert contents(database) == rows
    assert {name for name in databases(cluster) if name.startswith(database.name[:30])} <= names


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + TIMEOUT
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
    return value


# -- R01: a bad archive ------------------------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 100])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink])
@pytest.mark.parametrize("jobs", [1, 2])
def test_r01_a_damaged_backup_is_not_restored(
    database: Database, tmp_store: str, damage: Callable[[Path], None], jobs: int
) -> None:
    fill(database)
    backed = back_up(database, tmp_store, jobs=jobs)
    largest = max((a for a in backed.manifest.artifacts if a.name.startswith("backup_")), key=lambda a: a.bytes)
    damage(artifact(backed, largest.name))
    with untouched(database), pytest.raises(BadBackupError) as error:
        run_restore(backed)
    assert largest.name in error.value.message


def _forged(backed: Backed) -> Manifest:
    """The manifest that believes what lies in the store now: the hash is no help any more."""

    def now(item: Artifact) -> Artifact:
        data = artifact(backed, item.name).read_bytes()
        return Artifact(name=item.name, bytes=len(data), sha256=sha256(data).hexdigest())

    manifest = backed.manifest
    forged = msgspec.structs.replace(manifest, artifacts=tuple(map(now, manifest.artifacts)))
    sums = "".join(f"{a.sha256}  {a.name}\n" for a in forged.artifacts if a.name != "SHA256SUMS")
    artifact(backed, "SHA256SUMS").write_text(sums)
    return msgspec.structs.replace(forged, artifacts=tuple(map(now, forged.artifacts)))


@pytest.mark.parametrize("jobs", [1, 2])
def test_r01_a_truncated_archive_with_a_matching_hash_leaves_the_database_alone(
    database: Database, tmp_store: str, jobs: int
) -> None:
    fill(database)
    backed = back_up(database, tmp_store, jobs=jobs)
    largest = max((a for a in backed.manifest.artifacts if a.name.startswith("backup_")), key=lambda a: a.bytes)
    _cut(artifact(backed, largest.name))
    with untouched(database), pytest.raises((ToolError, BadBackupError)):
        run_restore(backed, manifest=_forged(backed))


# -- R02: killed, interrupted, the application -------------------------------------------------------------------------


def _config(backed: Backed, folder: Path, application: str = "") -> Path:
    file = folder / "dbops.toml"
    file.write_text(
        f"[store]\nurl = {backed.catalog.store.url!r}\n[targets.shop]\nurl = {backed.database.url!r}\njobs = 2\n"
        + (f"[targets.shop.app]\n{application}" if application else "")
    )
    file.chmod(0o600)
    return file


def _start(backed: Backed, folder: Path, *flags: str, application: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "DBOPS_CONFIG": str(_config(backed, folder, application))}
    argv = [*DBOPS, "restore", "--target", "shop", *flags]
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _side_sessions(database: Database, query: str) -> Callable[[], bool]:
    """Whether a session in the side database runs a statement like this."""
    side = f"{database.name}_restore_%"
    text = f"SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{side}' AND query ~* '{query}'"
    connection = database.cluster.connect()
    return lambda: bool(connection.execute(text).fetchone()[0])  # type: ignore[index]


POINTS: dict[str, Callable[[Database], Callable[[], bool]]] = {
    "created": lambda database: lambda: any("_restore_" in name for name in databases(database.cluster)),
    "loading": lambda database: _side_sessions(database, "^(COPY|TRUNCATE|CREATE|ALTER|SET)"),
    "analyzing or comparing": lambda database: _side_sessions(database, "^(ANALYZE|BEGIN|LOCK|SELECT|COPY .* TO)"),
}


@pytest.mark.parametrize("point", POINTS)
def test_r02_killed_before_the_swap(shop: Backed, tmp_path: Path, point: str) -> None:
    database = shop.database
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    reached = POINTS[point](database)
    process = _start(shop, tmp_path, "--yes")
    until(lambda: reached() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
    process.kill()
    process.communicate()
    assert contents(database) == old
    again = _start(shop, tmp_path, "--yes", "--json")
    output, told = again.communicate(timeout=TIMEOUT)
    assert again.returncode == 0, told
    assert "leftover-dropped" in output
    assert contents(database) == good
    assert not any("_restore_" in name for name in databases(database.cluster) if name.startswith(database.name))


def test_r02_killed_in_place(shop: Backed, tmp_path: Path) -> None:
    """psql loses its script before the COMMIT that only dbops would have sent."""
    database = shop.database
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    busy = (
        "SELECT count(*) FROM pg_stat_activity"
        f" WHERE datname = '{database.name}' AND backend_xid IS NOT NULL AND query ~* '^(DO|CREATE|COPY|ALTER)'"
    )
    with database.cluster.connect() as watcher:
        process = _start(shop, tmp_path, "--yes", "--in-place")
        until(lambda: watcher.execute(busy).fetchone() != (0,) or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        process.kill()
        process.communicate()
        until(lambda: watcher.execute(busy).fetchone() == (0,))
    assert contents(database) == old
    again = _start(shop, tmp_path, "--yes", "--in-place", "--backup", shop.manifest.id)
    _, told = again.communicate(timeout=TIMEOUT)
    assert again.returncode == 0, told
    assert contents(database) == good


def test_r02_the_server_is_lost_half_way(
    new_cluster: Callable[..., Cluster], tmp_store: str, tmp_path: Path
) -> None:
    cluster = new_cluster()
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    fill(database)
    backed = back_up(database, tmp_store)
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    reached = POINTS["loading"](database)
    process = _start(backed, tmp_path, "--yes")
    until(lambda: reached() or process.poll() is not None)
    cluster.kill()
    _, told = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 4, told
    cluster.start()
    assert contents(database) == old
    report = run_restore(backed)
    assert report.verdict is Verdict.PASS
    assert contents(database) == good
    assert not any("_restore_" in name for name in databases(cluster))


def test_r02_killed_in_the_swap_itself(shop: Backed, tmp_path: Path) -> None:
    """A lock on the database's own row holds the swap's transaction half-way, with the first rename to do."""
    database = shop.database
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    with database.cluster.connect() as blocker:
        side = f"SELECT datname FROM pg_database WHERE datname LIKE '{database.name}_restore_%'"
        process = _start(shop, tmp_path, "--yes")
        name = until(lambda: blocker.execute(side).fetchone())[0]
        blocker.autocommit = False
        blocker.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 90')
        waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE%RENAME%' AND wait_event_type = 'Lock'"
        until(lambda: process.poll() is not None or database.cluster.psql(waits).strip() != "0")
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        process.kill()
        process.communicate()
        blocker.rollback()
    # The server ends the transaction of the dead client when it next writes to it: at the latest when the lock is free.
    until(lambda: database.cluster.psql(waits).strip() == "0")
    names = databases(database.cluster)
    swapped = any("_before_" in each for each in names if each.startswith(database.name))
    assert (contents(database) == old) is not swapped
    assert database.name in names
    assert run_restore(shop).verdict is Verdict.PASS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_r02_interrupted_it_leaves_nothing_and_starts_the_application(
    shop: Backed, tmp_path: Path, number: signal.Signals
) -> None:
    """The signal comes while the application is being stopped."""
    database = shop.database
    stop, start = tmp_path / "stopped", tmp_path / "started"
    application = f"stop = ['sh', '-c', 'touch {stop}; sleep 60']\nstart = ['touch', '{start}']\n".replace("'", '"')
    with untouched(database):
        process = _start(shop, tmp_path, "--yes", application=application)
        until(lambda: stop.exists() or process.poll() is not None)
        process.send_signal(number)
        _, told = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130, told
        assert start.exists()


def test_r02_the_application_is_started_when_the_swap_is_refused(shop: Backed, tmp_path: Path) -> None:
    """Its pool is still connected after `stop`."""
    started, database = tmp_path / "started", shop.database
    application = App(stop=Argv(["true"]), start=Argv(["touch", str(started)]))
    with untouched(database):
        with database.connect(application_name="leaky pool"), pytest.raises(RefusedError, match="leaky pool"):
            run_restore(shop, application=application)
        assert started.exists()


def test_r02_the_application_is_down_for_the_swap_alone_and_its_commands_are_checked(
    shop: Backed, tmp_path: Path
) -> None:
    log, database = tmp_path / "log", shop.database
    query = f"SELECT count(*) FROM pg_database WHERE datname LIKE '{database.name}_%'"

    def say(word: str) -> Argv:
        psql = f"{database.cluster.installation.tool('psql')} -XAtc \"{query}\" '{database.cluster.socket_url()}'"
        return Argv(["sh", "-c", f"echo {word} $({psql}) >> {log}"])

    application = App(stop=say("stop"), start=say("start"), health=say("health"))
    assert run_restore(shop, application=application).verdict is Verdict.PASS
    assert log.read_text().split() == ["stop", "1", "start", "1", "health", "1"]
    with pytest.raises(ToolError) as error:
        run_restore(shop, application=App(stop=Argv(["false"]), start=say("again")))
    assert error.value.kind == "app-stop"
    assert "again" in log.read_text()


def test_r02_a_second_restore_at_once_is_refused(shop: Backed) -> None:
    with app.open_engine(shop.target).restorer().lock(), untouched(shop.database):
        with pytest.raises(LockedError, match=f"another restore of {shop.database.name}"):
            run_restore(shop)


def test_r02_only_marked_databases_are_leftovers(shop: Backed) -> None:
    """Somebody's own database may bear such a name."""
    name = f"{shop.database.name}_restore_20200101T000000Z"
    shop.database.cluster.create_database(name)
    assert run_restore(shop).verdict is Verdict.PASS
    assert name in databases(shop.database.cluster)
    shop.database.cluster.drop_database(name)


# -- R03: errors while loading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_r03_the_first_error_of_the_load_fails_the_restore(database: Database, tmp_store: str, jobs: int) -> None:
    """A check that leans on search_path does not survive a dump: a restore runs with an empty one."""
    database.psql(
        "CREATE TABLE a (n int); CREATE TABLE z (n int); INSERT INTO z VALUES (1);"
        "CREATE FUNCTION known(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM z WHERE n = $1)';"
        "ALTER TABLE a ADD CHECK (known(n)); INSERT INTO a VALUES (1)"
    )
    backed = back_up(database, tmp_store, jobs=jobs)
    with untouched(database), pytest.raises(ToolError) as error:
        run_restore(backed)
    assert error.value.kind == "load-failed"
    assert 'relation "z" does not exist' in error.value.message


# -- R04: over what? ---------------------------------------------------------------------------------------------------


def test_r04_without_a_terminal_and_without_yes_it_refuses(shop: Backed, tmp_path: Path) -> None:
    with untouched(shop.database):
        process = _start(shop, tmp_path)
        _, told = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert shop.database.name in told
    assert str(shop.database.cluster.port) in told
    assert shop.manifest.id in told


def test_r04_another_server_and_another_database_are_named(shop: Backed, new_cluster: Callable[..., Cluster]) -> None:
    report = run_restore(shop, cluster=new_cluster(), into="elsewhere")
    assert {"other-server", "other-database"} <= {finding.id for finding in report.findings}


# -- R05: a destination that is in use ---------------------------------------------------------------------------------


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


# -- R06: what the server lacks ----------------------------------------------------------------------------------------


def _changed(manifest: Manifest, **changes: Any) -> Manifest:
    return msgspec.structs.replace(manifest, inventory=msgspec.structs.replace(manifest.inventory, **changes))


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
        run_restore(shop, manifest=_changed(shop.manifest, **changes), application=application)
    assert error.value.kind == kind
    assert named in error.value.message
    assert not stopped.exists()


def test_r06_an_unknown_locale(shop: Backed) -> None:
    info: EngineInfo = msgspec.structs.replace(shop.manifest.engine, collation="xx_XX.utf8", ctype="xx_XX.utf8")
    with untouched(shop.database), pytest.raises(PreflightError, match="xx_XX") as error:
        run_restore(shop, manifest=msgspec.structs.replace(shop.manifest, engine=info))
    assert error.value.kind == "locale"


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


def test_r06_a_missing_tablespace_is_a_warning(
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


def test_r06_a_plain_role_is_told_what_it_lacks(new_cluster: Callable[..., Cluster], tmp_store: str) -> None:
    cluster = new_cluster()
    cluster.psql("CREATE ROLE plain LOGIN PASSWORD 'plain'; CREATE DATABASE shop OWNER plain")
    database = Database(cluster, "shop")
    database.psql("SET ROLE plain; CREATE SCHEMA mine; CREATE TABLE mine.t AS SELECT 1 AS n")
    backed = back_up(database, tmp_store)
    from dbops.config import Target
    from dbops.urls import Secret

    as_plain = backed._replace(target=Target(url=Secret(cluster.url("shop", user="plain", password="plain"))))
    with untouched(database), pytest.raises(PreflightError) as error:
        run_restore(as_plain)
    assert error.value.kind == "no-createdb"
    assert "--in-place" in error.value.hint
    cluster.psql("ALTER ROLE plain CREATEDB")
    report = run_restore(as_plain)
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])


# -- R07: a newer dump -------------------------------------------------------------------------------------------------


def test_r07_the_one_harmless_error_of_a_newer_dump_is_passed_over_by_name(
    new_cluster: Callable[..., Cluster], tmp_store: str
) -> None:
    source, older = new_cluster(17), new_cluster(15)
    source.create_database("shop")
    database = Database(source, "shop")
    database.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
    report = run_restore(back_up(database, tmp_store), cluster=older)
    assert report.verdict is Verdict.PASS
    assert [f.subject for f in report.findings if f.id == "harmless-error"] == [
        'unrecognized configuration parameter "transaction_timeout"'
    ]
    database.psql("GRANT MAINTAIN ON t TO PUBLIC")
    with pytest.raises(ToolError, match='unrecognized privilege type "maintain"'):
        run_restore(back_up(database, tmp_store), cluster=older)
    assert not any("_restore_" in name for name in databases(older))


def test_r07_an_archive_too_new_for_the_tools_at_hand(shop: Backed) -> None:
    tool = msgspec.structs.replace(shop.manifest.tool, version="99.1")
    with untouched(shop.database), pytest.raises(PreflightError, match=r"written by pg_dump 99\.1"):
        run_restore(shop, manifest=msgspec.structs.replace(shop.manifest, tool=tool))


# -- R11, R12, and the rest of what a copy can lack --------------------------------------------------------------------

MUTATIONS = {
    "sequence behind (R11)": ("SELECT setval('invoices_id_seq', 5)", "invoices_id_seq"),
    "invalid index (R12)": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invoices_customer'::regclass",
        "invoices_customer",
    ),
    "empty matview (R12)": ("REFRESH MATERIALIZED VIEW totals WITH NO DATA", "totals"),
    "detached partition (R12)": ("ALTER TABLE events DETACH PARTITION events_old", "events_old"),
    "constraint not valid (R12)": (
        "ALTER TABLE invoices DROP CONSTRAINT invoices_total_check;"
        "ALTER TABLE invoices ADD CONSTRAINT invoices_total_check CHECK (total >= 0) NOT VALID",
        "invoices_total_check",
    ),
    "missing table": ("DROP TABLE invoices CASCADE", "public.invoices"),
    "extra table": ("CREATE TABLE more (n int)", "public.more"),
    "missing row": ("DELETE FROM events WHERE what = 'event 7'", "event 7"),
    "duplicated row": ("INSERT INTO events SELECT * FROM events WHERE what = 'event 7'", "event 7"),
    "changed value": ("UPDATE invoices SET rate = rate + 1e-9 WHERE id = 17", "public.invoices id='17'"),
    "NULL to empty": (
        "ALTER TABLE customers DISABLE TRIGGER touch; UPDATE customers SET note = '' WHERE id = 5;"
        "ALTER TABLE customers ENABLE TRIGGER touch",
        "public.customers id='5'",
    ),
    "timestamp moved": ("UPDATE invoices SET paid_at = paid_at + interval '1 us' WHERE id = 3", "id='3'"),
    "swapped values": (
        "UPDATE events SET what = CASE what WHEN 'event 1' THEN 'event 2' ELSE 'event 1' END "
        "WHERE what IN ('event 1', 'event 2')",
        "event 1",
    ),
    "missing index": ("DROP INDEX invoices_customer", "invoices_customer"),
    "missing constraint": ("ALTER TABLE invoices DROP CONSTRAINT invoices_total_check", "invoices_total_check"),
    "missing trigger": ("DROP TRIGGER touch ON customers", "touch"),
    "disabled trigger": ("ALTER TABLE customers DISABLE TRIGGER touch", "touch"),
    "missing function": ("DROP FUNCTION touch CASCADE", "touch"),
    "missing view": ("DROP VIEW open_invoices", "open_invoices"),
    "changed view": (
        "CREATE OR REPLACE VIEW open_invoices AS SELECT * FROM invoices WHERE paid_at IS NOT NULL",
        "open_invoices",
    ),
    "missing sequence": ("DROP SEQUENCE tickets", "tickets"),
    "missing grant": ("REVOKE SELECT ON invoices FROM PUBLIC", "invoices"),
    "missing comment": ("COMMENT ON TABLE invoices IS NULL", "invoices"),
    "missing default": ("ALTER TABLE customers ALTER mood DROP DEFAULT", "customers"),
    "missing policy": ("DROP POLICY everyone ON customers", "everyone"),
    "row security off": ("ALTER TABLE customers DISABLE ROW LEVEL SECURITY", "customers"),
    "missing large object": ("SELECT lo_unlink(4711)", "large objects"),
    "changed large object": ("SELECT lo_put(4711, 0, 'A')", "large objects"),
    "more enum values": ("ALTER TYPE mood ADD VALUE 'furious'", "mood"),
    "another owner": ("ALTER TABLE events_old OWNER TO pg_monitor", "events_old"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_r11_r12_a_copy_that_is_not_equal_is_never_swapped_in(
    shop: Backed, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    script, named = MUTATIONS[mutation]
    before_compare(monkeypatch, lambda copy: copy.psql(script), shop.database.cluster)
    with untouched(shop.database):
        report = run_restore(shop)
    assert report.verdict is Verdict.FAIL
    assert any(named in f"{f.subject} {f.expected} {f.actual}" for f in errors(report)), errors(report)


def test_r12_an_invalid_index_of_the_source_is_a_warning(database: Database, tmp_store: str) -> None:
    fill(database)
    database.psql(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invoices_customer'::regclass;"
        "COMMENT ON INDEX invoices_customer IS 'broken'"
    )
    report = run_restore(back_up(database, tmp_store))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert any(f.id == "invalid-index" and "invoices_customer" in f.subject for f in report.findings)


def test_r11_a_sequence_that_was_behind_in_the_source_is_a_warning(database: Database, tmp_store: str) -> None:
    fill(database)
    database.psql("SELECT setval('invoices_id_seq', 5)")
    report = run_restore(back_up(database, tmp_store))
    assert report.verdict is Verdict.PASS
    assert [f.subject for f in report.findings if f.id == "sequence-behind"] == ["public.invoices_id_seq"]


def test_a_difference_from_an_unanchored_inventory_is_inconclusive(
    shop: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_compare(monkeypatch, lambda copy: copy.psql("DELETE FROM events"), shop.database.cluster)
    with untouched(shop.database):
        report: Report = run_restore(shop, manifest=_changed(shop.manifest, basis="unanchored"))
    assert report.verdict is Verdict.INCONCLUSIVE


def test_r09_a_database_sql_with_foreign_statements_is_refused(shop: Backed) -> None:
    with artifact(shop, "database.sql").open("a") as file:
        file.write("\\! touch /tmp/owned\n")
    with untouched(shop.database), pytest.raises(DbopsError) as error:
        run_restore(shop, manifest=_forged(shop))
    assert error.value.kind == "bad-database-sql"
